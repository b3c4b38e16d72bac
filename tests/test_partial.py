"""Runs that did not come to their result: their story as far as it goes, and why; damaged ones are refused by name."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.setup.folder import FAILED, open_run

QUICK = ["scenario=small", "scenario.jobs=2", "engine=pyevm", "--quiet"]
ATTACK = """
    import signal
    import time
    from dataclasses import dataclass
    from pathlib import Path

    from slashpoint import Conduct

    @dataclass
    class Stops(Conduct):
        "Does something odd when it is to claim for the second time."

        claims: int = 0

        def claim(self, me, job, measured):
            self.claims += 1
            if self.claims >= 2:
                {fault}
            return measured
"""
METRIC = """
    from slashpoint import metric

    @metric(unit="1")
    def odd(run):
        "One over nothing."
        return 1 / 0
"""
Told = pytest.CaptureFixture[str]


@pytest.fixture
def cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """A function that runs, with an attack that does something odd at its second claim."""
    monkeypatch.chdir(tmp_path)

    def run(fault: str) -> int:
        (tmp_path / "slashpoint.yaml").touch()
        (tmp_path / "attacks").mkdir()
        (tmp_path / "attacks/stops.py").write_text(dedent(ATTACK).format(fault=fault))
        return main(["run", "attack=stops", "scenario=small", "scenario.jobs=3", "engine=pyevm"])

    return run


def explained(capsys: Told) -> tuple[str, str]:
    """What `explain` says of the last run, and of its first job."""
    capsys.readouterr()
    assert main(["explain", "--json"]) == 0
    (job, *_) = json.loads(capsys.readouterr().out)["jobs"]
    assert job["poster"] == "requester/0"
    assert main(["explain"]) == 0
    all_jobs = capsys.readouterr().out
    assert main(["explain", "last", job["job"][:6]]) == 0
    return all_jobs, capsys.readouterr().out


@pytest.mark.parametrize(
    ("fault", "code", "why"),
    [
        ("signal.raise_signal(signal.SIGINT)", 130, "stopped by SIGINT"),
        ("signal.raise_signal(signal.SIGTERM)", 143, "stopped by SIGTERM"),
        ("signal.raise_signal(signal.SIGHUP)", 129, "stopped by SIGHUP"),
        ("raise ValueError('odd')", 3, "ValueError: odd ("),
        ("raise SystemExit", 3, "SystemExit ("),
    ],
)
def test_a_run_that_was_cut_short_is_told_as_far_as_it_goes_and_why(
    cut: Callable[[str], int], fault: str, code: int, why: str, capsys: Told
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as at a terminal
    try:
        assert cut(fault) == code
    finally:
        signal.signal(signal.SIGINT, before)
    for told in explained(capsys):
        first = rf"^partial: the run was cut short, and what was written ends with block \d+\. Why: {re.escape(why)}"
        assert re.search(first, told, re.MULTILINE)
        assert "nan" not in told
    assert "requester/0 posts by " in told
    assert "trainer/0 asked to claim: " in told
    assert re.search(r"^ +0\.0 s +requester/0 posts", told, re.MULTILINE)


def test_kill_9_loses_a_second_at_most(cut: Callable[[str], int], tmp_path: Path, capsys: Told) -> None:
    fault = "time.sleep(1.2) if self.claims == 2 else (Path('here').touch(), time.sleep(600))"
    (tmp_path / "attacks").mkdir()
    (tmp_path / "slashpoint.yaml").touch()
    (tmp_path / "attacks/stops.py").write_text(dedent(ATTACK).format(fault=fault))
    argv = ["run", "attack=stops", "scenario=small", "scenario.jobs=3", "engine=pyevm"]
    code = f"from slashpoint.experiments.cli import main; main({argv})"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as process:
        while not (tmp_path / "here").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    all_jobs, story = explained(capsys)
    assert "Why: still being written, or its writer was killed" in all_jobs
    assert "trainer/0 asked to claim" in story


def test_a_run_that_was_killed_at_once_has_no_jobs(tmp_path: Path, capsys: Told) -> None:
    from slashpoint.experiments.setup.folder import RunFolder
    from slashpoint.sim.ledger import Ledger

    Ledger(RunFolder.create("{}", protocol="p", attack="", seed=0, runs=tmp_path).path)
    assert main(["explain", "last", "--out", str(tmp_path)]) == 0
    assert "partial: the run was cut short before anything was written" in capsys.readouterr().out


def test_a_run_whose_result_failed_is_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Told
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "slashpoint.yaml").touch()
    (tmp_path / "metrics/odd.py").write_text(dedent(METRIC))
    assert main(["run", *QUICK]) == 3
    all_jobs, story = explained(capsys)
    where = f"ZeroDivisionError: division by zero ({tmp_path}/metrics/odd.py:7)"
    assert f"the ledger is whole, but the run has no result. Why: {where}" in all_jobs
    assert "success" in all_jobs
    assert " gas [" in story
    next(tmp_path.glob("runs/*/*/" + FAILED)).unlink()
    assert open_run("last").unfinished == "its process was killed, or the disk was full"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in which all went well."""
    runs = tmp_path_factory.mktemp("runs")
    assert main(["run", *QUICK, "--out", str(runs)]) == 0
    return next(runs.glob("*/*"))


DAMAGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a table is cut short": ("ledger/events.parquet", lambda path: path.write_bytes(path.read_bytes()[:200])),
    "a table is garbage": ("ledger/blocks.parquet", lambda path: path.write_bytes(b"PAR1" * 50)),
    "a table is empty": ("ledger/jobs.parquet", lambda path: path.write_bytes(b"")),
    "a table is missing": ("ledger/duties.parquet", Path.unlink),
    "the configuration was edited": ("config.yaml", lambda path: path.write_text(path.read_text() + "seed: 7\n")),
    "the configuration is binary": ("config.yaml", lambda path: path.write_bytes(b"\xff\x00")),
    "the configuration is missing": ("config.yaml", Path.unlink),
    "the result is cut short": ("result.json", lambda path: path.write_text(path.read_text()[:-20])),
    "the result is no result": ("result.json", lambda path: path.write_text("[]")),
    "the result lacks something": ("result.json", lambda path: path.write_text("{}")),
    "the result is of other types": ("result.json", lambda path: path.write_text('{"prices": 3, "notes": 3}')),
    "the provenance is cut short": ("provenance.json", lambda path: path.write_text("{")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_run_is_refused_by_the_name_of_the_file(
    sound: Path, tmp_path: Path, damage: str, capsys: Told
) -> None:
    file, done = DAMAGE[damage]
    folder = tmp_path / "run"
    shutil.copytree(sound, folder)
    assert main(["explain", str(folder)]) == 0
    done(folder / file)
    capsys.readouterr()
    assert main(["explain", str(folder)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"slashpoint: {folder / file} ")
    assert len(told.splitlines()) == 1


def test_a_run_without_its_ledger_is_refused(sound: Path, tmp_path: Path, capsys: Told) -> None:
    shutil.copytree(sound, tmp_path / "run", ignore=lambda *_: ["ledger"])
    assert main(["explain", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == f"slashpoint: no ledger in {tmp_path / 'run'}\n"


def test_an_empty_folder_is_no_run(tmp_path: Path, capsys: Told) -> None:
    assert main(["explain", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"slashpoint: {tmp_path / 'config.yaml'} is missing: {tmp_path} is no run, or a damaged one\n"
    )
