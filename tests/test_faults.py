"""Faults: what other people's code raises, signals, closed pipes. Nothing of it may pass for a result."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import slashpoint
from slashpoint.experiments.cli import main
from slashpoint.experiments.gate import mutants
from slashpoint.experiments.gate.suite import load
from slashpoint.experiments.setup.signals import stoppable
from slashpoint.experiments.study.executor import LOST, Point, evaluate
from slashpoint.experiments.study.workers import each
from slashpoint.sim.errors import BrokenProject, Escaped, OutOfRoom
from slashpoint.sim.ledger import read

if TYPE_CHECKING:
    from collections.abc import Iterable

QUICK = ("scenario=small", "scenario.jobs=1", "engine=pyevm")
ATTACK = """
    import sys
    from dataclasses import dataclass

    from slashpoint import Conduct

    class Odd(BaseException): pass
    class Mute(Exception):
        def __str__(self): raise RuntimeError
    class Nested(Exception):
        def __str__(self): return chr(0xdcff)  # which is in no encoding

    def deeper(): deeper()

    @dataclass
    class Bad(Conduct):
        what: str = ""

        def __post_init__(self):
            {constructor}

        def claim(self, me, job, measured):
            {duty}
            return measured
"""
INVARIANT = """
    from slashpoint import invariant

    @invariant
    def always(world):
        {invariant}
        yield from ()
"""
METRIC = """
    from slashpoint import metric

    @metric(unit="1")
    def odd(run):
        "Nothing."
        {metric}
        return 1.0
"""
PRICES = """
    from dataclasses import dataclass

    from slashpoint.sim.prices.constant import Constant

    @dataclass
    class Odd(Constant):
        def usd(self, asset, now):
            {prices}
            return super().usd(asset, now)
"""
FILES = {"attacks/bad.py": ATTACK, "invariants/bad.py": INVARIANT, "metrics/bad.py": METRIC, "prices/odd.py": PRICES}
PLACES = {place: name for name, text in FILES.items() for place in re.findall(r"\{(\w+)\}", text)}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, a project in which all is well."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slashpoint.yaml").touch()
    spoilt(tmp_path)
    return tmp_path


def spoilt(project: Path, **faults: str) -> None:
    """Write a project's files with statements at some places of them."""
    for name, text in FILES.items():
        places = {place: faults.get(place, "pass") for place, file in PLACES.items() if file == name}
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(dedent(text).format(**places) + faults.get(name, ""))


def line_of(project: Path, name: str, statement: str) -> str:
    """File and line of a statement."""
    lines = (project / name).read_text().splitlines()
    return f"{project / name}:{next(i for i, line in enumerate(lines, 1) if statement in line)}"


RUN = ["run", *QUICK, "attack=bad", "prices=odd", "--quiet"]


@pytest.mark.parametrize("place", PLACES)
def test_a_project_that_exits_is_a_crash_with_file_and_line(
    project: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    leave = "__import__('sys').exit(0)"
    spoilt(project, **{place: leave})
    assert main(RUN) == 3
    assert f"{line_of(project, PLACES[place], leave)} raised SystemExit: 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    "raised", ["KeyboardInterrupt", "GeneratorExit", "Odd", "Mute", "Nested", "MemoryError", "StopIteration", "Mute(3)"]
)
def test_whatever_a_duty_raises_is_a_crash_with_file_and_line(
    project: Path, raised: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt(project, duty=f"raise {raised}")
    assert main(RUN) == 3
    told = capsys.readouterr().err
    path, number = line_of(project, "attacks/bad.py", f"raise {raised}").split(":")
    assert f"{path}:{number} raised" in told or f'File "{path}", line {number}' in told
    assert raised.partition("(")[0] in told
    (folder,) = project.glob("runs/*/*")
    assert raised.partition("(")[0] in read(folder).why


@pytest.mark.parametrize("fault", ["deeper()", "raise NotImplementedError('later')", "raise Exception"])
def test_endless_recursion_and_what_is_not_implemented_are_crashes(project: Path, fault: str) -> None:
    spoilt(project, duty=fault)
    assert main(RUN) == 3


@pytest.mark.parametrize(
    ("top", "code"),
    [
        ("sys.exit(0)", 3),
        ("raise KeyboardInterrupt", 3),
        ("1 / 0", 3),
        ("import nonsense_that_is_not", 2),
        ("def f(:", 2),
    ],
)
@pytest.mark.parametrize("verb", [RUN, ["list", "attacks"]])
def test_what_a_file_raises_when_it_is_loaded_is_told_in_a_sentence(
    project: Path, verb: list[str], top: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt(project, **{"attacks/bad.py": top})
    assert main(verb) == code
    told = capsys.readouterr().err
    assert line_of(project, "attacks/bad.py", top) in told
    assert "Traceback" not in told


def test_python_gets_an_exception(project: Path) -> None:
    spoilt(project, duty="sys.exit(0)")
    with pytest.raises(Escaped, match=r"bad.py:\d+ raised SystemExit: 0"):
        slashpoint.simulate(attack="bad", scenario="small", overrides=QUICK[1:])
    spoilt(project, metric="raise SystemExit")
    result = slashpoint.simulate(scenario="small", overrides=QUICK[1:])
    with pytest.raises(Escaped, match="bad.py"):
        result.metric("odd")
    (project / "attacks/worse.py").write_text("raise SystemExit")
    with pytest.raises(BrokenProject):
        slashpoint.simulate(attack="worse", scenario="small")


def test_ctrl_c_in_python_stays_what_it_is(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        spoilt(project, duty="signal = __import__('signal'); signal.raise_signal(signal.SIGINT)")
        with pytest.raises(KeyboardInterrupt):
            slashpoint.simulate(attack="bad", scenario="small", overrides=QUICK[1:])
    finally:
        signal.signal(signal.SIGINT, before)


def python(code: str, *, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A process of its own, as whoever installed the package would start it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)


COMMAND = "import sys; from slashpoint.experiments.cli import main; sys.exit(main({}))"


def test_what_is_raised_while_an_object_is_destroyed_or_in_a_thread_is_a_crash_in_the_end(project: Path) -> None:
    spoilt(project, duty="Gone(); __import__('threading').Thread(target=sys.exit).start()")
    with (project / "attacks/bad.py").open("a") as file:
        file.write("\nclass Gone:\n    def __del__(self): sys.exit(0)\n")
    done = python(COMMAND.format(RUN), cwd=project)
    assert done.returncode == 3
    assert "jobs: 1 success" in done.stdout  # it went on
    where = line_of(project, "attacks/bad.py", "__del__")
    assert f"slashpoint: {where} raised SystemExit: 0, where nothing can catch it" in done.stderr


def test_who_was_started_to_survive_the_terminal_does() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_in_a_row_is_the_first_and_a_later_one_ends_at_once() -> None:
    done = python("""
        import signal
        from slashpoint.experiments.setup import signals
        from slashpoint.sim.errors import Stopped
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with signals.stoppable():
            try:
                signal.raise_signal(signal.SIGINT)
            except Stopped:
                pass
            signal.raise_signal(signal.SIGTERM)
            print("finishing", flush=True)
            signals.PATIENCE = 0
            signal.raise_signal(signal.SIGINT)
            print("too late", flush=True)
    """)
    assert (done.returncode, done.stdout, done.stderr) == (130, "finishing\n", "slashpoint: stopped at once\n")


@pytest.mark.parametrize("verb", [["list", "attacks"], ["list", "attacks", "--json"], ["--help"], ["list", "--help"]])
def test_nobody_reads_and_nothing_is_said(verb: list[str]) -> None:
    command = [sys.executable, "-c", COMMAND.format(verb)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == (0 if "--help" in verb[1:] else 141)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_what_cannot_be_printed_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", COMMAND.format(["list", "attacks", "--json"])]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == (
        "slashpoint: what was to be printed: No space left on device; free some space, or choose another place\n"
    )
    assert done.returncode == 3


KILLS = "self.what and __import__('os').kill(__import__('os').getpid(), 9)"


def test_a_killed_worker_is_a_row_and_the_others_finish(project: Path) -> None:
    spoilt(project, duty=KILLS)
    fatal = Point((*QUICK, "attack=bad", "attack.bad.what=x", "seed=0"), project)
    sound = [Point((*QUICK, "attack=bad", f"seed={seed}"), project) for seed in (0, 1)]
    rows = evaluate([fatal, *sound], workers=2, cache=project / "points")
    assert list(rows["error"] == "") == [False, True, True]
    assert rows["error"][0] == (
        f"{LOST} killed by SIGKILL (slashpoint run {' '.join(fatal.overrides)}): where memory ran out, fewer at a time "
        "(-j) need less; the same command makes again what is missing"
    )
    assert len(list((project / "points").glob("*/*"))) == 2


def test_a_killed_worker_kills_no_mutant(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = pd.DataFrame([{"error": f"{LOST} killed by SIGKILL", "violations": 0}])
    monkeypatch.setattr(mutants, "evaluate", lambda *_, **__: lost)
    with pytest.raises(OutOfRoom, match="killed by SIGKILL"):
        mutants.hunt(load("collective", seeds=2))


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pids: Iterable[int], seconds: float = 5) -> bool:
    """Whether all of some processes end in a while."""
    until = time.monotonic() + seconds
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    return not left


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
@pytest.mark.parametrize("busy", [True, False])
def test_workers_end_with_a_parent_that_was_killed(busy: bool) -> None:
    code = """
        import multiprocessing, os, sys, threading, time
        from slashpoint.experiments.study.workers import each
        jobs = [600 if {busy} else 0] * 2
        threading.Thread(target=lambda: list(each(time.sleep, jobs, 2)), daemon=True).start()
        while len(multiprocessing.active_children()) < 2:
            time.sleep(0.01)
        time.sleep(0.5)
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        time.sleep(600)
    """.replace("{busy}", str(busy))
    with subprocess.Popen([sys.executable, "-c", dedent(code)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = [int(one) for one in parent.stdout.readline().split()]
        assert len(workers) == 2
        assert all(map(alive, workers))
        parent.kill()
    assert gone(workers)


def test_what_a_worker_raises_is_raised_where_it_was_asked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        list(each(Path.read_text, [tmp_path / "nothing"], 1))


def test_workers_work_where_their_asker_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        found += [where for _, where in each(Path.absolute, [Path()], 1)]
    assert found == [tmp_path / "one", tmp_path / "two"]


SUITE = "seeds: 2\nscenarios: {bad: {overrides: [%s], expect: [{metric: stuck_funds, at_most: 0, every: true}]}}"


@pytest.mark.parametrize("verb", ["sweep", "matrix", "gate", "multirun"])
def test_a_run_whose_project_exits_is_a_row_of_many(
    project: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    leave = "self.what == 'x' and sys.exit(0)"
    spoilt(project, duty=leave)
    (project / "suite.yaml").write_text(SUITE % ", ".join([*QUICK, "attack=bad", "attack.bad.what=x"]))
    given = {
        "sweep": ["sweep", *QUICK, "attack=bad", "attack.bad.what=x,y", "scenario.seat=0", "seed=0,1"],
        "matrix": ["matrix", "bad", *QUICK, "attack.bad.what=x", "--variants", "hardened", "--seeds-cap", "2"],
        "gate": ["gate", "suite.yaml"],
        "multirun": ["run", "-m", *QUICK, "attack=bad", "attack.bad.what=x,y"],
    }
    assert main([*given[verb], "--quiet"]) == 3
    out, err = capsys.readouterr()
    assert f"{line_of(project, 'attacks/bad.py', leave)} raised SystemExit: 0" in re.sub(r"\s*\n\s*", " ", out + err)
    if verb == "multirun":
        assert err.splitlines()[-2].startswith("1 of 2 runs crashed:")
        assert err.splitlines()[-1].endswith("attack.bad.what=x")
        assert "jobs: 1 success" in out


def test_a_sweep_that_is_interrupted_says_what_is_kept_and_goes_on(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as at a terminal
    spoilt(project, duty="Path('here').exists() or (Path('here').touch(), signal.raise_signal(signal.SIGINT))")
    file = project / "attacks/bad.py"
    file.write_text("import signal\nfrom pathlib import Path\n" + file.read_text())
    argv = ["sweep", *QUICK, "attack=[],bad", "scenario.seat=0", "--quiet"]
    try:
        assert main(argv) == 130
        told = capsys.readouterr().err.splitlines()[-2:]
        assert told[0] == "slashpoint: interrupted"
        assert re.fullmatch(r"[12] of \d runs are kept in runs/points: the same command goes on from there", told[1])
        assert main(argv) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def session(leader: int) -> list[int]:
    """The processes of a session that are there and no zombies."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, *_, of = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of) == leader and state != "Z":
            found.append(int(folder.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
@pytest.mark.parametrize("fate", ["kill -9 of the parent", "kill -9 of a worker", "Ctrl-C"])
def test_a_sweep_that_is_killed_leaves_no_process_and_the_same_tables_when_it_goes_on(
    tmp_path: Path, fate: str
) -> None:
    argv = ["sweep", *QUICK, "protocol.stake=1,20", "seed=range(6)", "-j", "2", "--quiet", "--out"]

    def begun(out: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", COMMAND.format([*argv, out])]
        how: dict[str, Any] = {"cwd": tmp_path, "start_new_session": True, "text": True, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, **how)

    def tables(out: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in tmp_path.glob(f"{out}/sweeps/*/*") if "table" in path.name}

    with begun("whole") as whole:
        assert whole.wait() == 0
    with begun("cut") as sweep:
        while not list(tmp_path.glob("cut/points/*/*.json")):
            time.sleep(0.02)
        if fate == "Ctrl-C":
            os.killpg(sweep.pid, signal.SIGINT)  # as a terminal does it: to parent and workers
        else:
            workers = [pid for pid in session(sweep.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            os.kill(sweep.pid if "parent" in fate else workers[0], signal.SIGKILL)
        code = sweep.wait()
        assert gone(session(sweep.pid), 3)
        assert session(sweep.pid) == []
        assert code == {"Ctrl-C": 130, "kill -9 of the parent": -9, "kill -9 of a worker": 3}[fate]
        assert sweep.stderr is not None
        assert "Traceback" not in sweep.stderr.read()
    with begun("cut") as again:
        assert again.wait() == 0
    assert tables("cut") == tables("whole")
    assert len(tables("cut")) == 2


def test_what_a_project_prints_stays_out_of_the_one_document(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    spoilt(project, duty="print('loud')", **{"prices/odd.py": "print('loud too')"})
    (project / "suite.yaml").write_text(SUITE % ", ".join([*QUICK, "attack=bad"]))
    sweep = ["sweep", *QUICK, "attack=bad", "prices=odd", "scenario.seat=0", "seed=0,1"]
    for verb in (RUN, ["run", "-m", *RUN[1:]], sweep, ["gate", "suite.yaml"], ["list", "prices"]):
        assert main([*verb, "--json"]) == (1 if verb[0] == "gate" else 0)  # an attack without an effect fails
        out, err = capfd.readouterr()
        assert json.loads(out)
        assert "loud" in err or verb[0] in {"list", "sweep"}  # loaded, or run, before
    assert main(RUN) == 0
    assert "loud" in capfd.readouterr().out  # where it is no document's


def test_workers_need_no_guard_in_the_program_that_starts_them(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import time\nfrom slashpoint.experiments.study.workers import each\n"
        "print('once', [answer for _, answer in each(abs, [-1, -2], 2)] in ([1, 2], [2, 1]))\n"
    )
    done = subprocess.run([sys.executable, tmp_path / "program.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "once True\n", "")


def test_a_terminal_that_is_gone_changes_no_exit_code() -> None:
    done = python("""
        import os, signal, sys
        from slashpoint.experiments import cli
        cli._dispatched = lambda given: (print("unread"), signal.raise_signal(signal.SIGHUP))
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, 1)
        os.dup2(write, 2)
        sys.exit(cli.main([]))
    """)
    assert done.returncode == 129


def test_a_worker_that_ignores_sigterm_keeps_nobody_waiting() -> None:
    done = python("""
        import functools, signal
        from slashpoint.experiments.study.workers import each
        list(each(functools.partial(signal.signal, signal.SIGTERM), [signal.SIG_IGN], 1))
        print("done")
    """)
    assert (done.returncode, done.stdout) == (0, "done\n")
