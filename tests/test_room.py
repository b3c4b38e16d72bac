"""No room: a full disk, a folder that cannot be written, no path. A sentence, the remedy, and what is kept."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.setup.files import whole
from slashpoint.experiments.setup.folder import RunFolder
from slashpoint.sim.ledger import read

QUICK = ["scenario=small", "scenario.jobs=1", "engine=pyevm"]
SUITE = """
seeds: 2
base: [scenario=small, scenario.jobs=1, engine=pyevm]
scenarios: {honest: {expect: [{metric: stuck_funds, at_most: 0, every: true}]}}
"""
VERBS = {
    "run": ["run", *QUICK],
    "multirun": ["run", "-m", *QUICK, "seed=0,1"],
    "sweep": ["sweep", *QUICK, "seed=0,1"],
    "matrix": ["matrix", "lazy", *QUICK, "--seeds-cap", "2"],
    "gate": ["gate", "suite.yaml"],
    "mutants": ["mutants", "IdAgain", "--suite", "suite.yaml"],
}
Told = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a suite in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """A function that makes a disk of a size, or makes it larger."""
    made: list[Path] = []

    def mounted(options: str) -> Path:
        path = tmp_path / "disk"
        path.mkdir(exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"{'remount,' * bool(made)}{options}", "none", path]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("only root can mount a small disk, and not everywhere")
        made.append(path)
        return path

    yield mounted
    if made:
        subprocess.run(["umount", "-l", made[0]], check=True)


def refused(argv: list[str], capsys: Told) -> str:
    """What a command says that ends for want of room: no more than a sentence and where what is kept lies."""
    assert main([*argv, "--quiet"]) == 3
    told = capsys.readouterr().err
    assert told.startswith("slashpoint: ")
    assert "Traceback" not in told
    assert len(told.splitlines()) <= 2
    return told


@pytest.mark.parametrize("argv", VERBS.values(), ids=VERBS)
def test_where_nothing_can_be_written_is_said_in_a_sentence(here: Path, argv: list[str], capsys: Told) -> None:
    (here / "out").touch()
    with pytest.raises(SystemExit, match="2"):
        main([*argv, "--quiet", "--out", "out/runs"])
    assert "out is a file; name a folder" in capsys.readouterr().err
    assert "/proc/nowhere" in (told := refused([*argv, "--out", "/proc/nowhere"], capsys))
    assert "No such file or directory; is its folder there?" in told
    assert "File name too long; choose a shorter path" in refused([*argv, "--out", "x" * 300], capsys)


@pytest.mark.parametrize("argv", VERBS.values(), ids=VERBS)
def test_a_disk_that_is_read_only_or_full_from_the_start(
    here: Path, disk: Callable[..., Path], argv: list[str], capsys: Told
) -> None:
    place = disk("ro")
    assert "Read-only file system; choose another place" in refused([*argv, "--out", str(place / "runs")], capsys)
    disk("rw,size=4k")
    assert "No space left on device; free some space" in refused([*argv, "--out", str(place / "runs")], capsys)


@pytest.mark.usefixtures("here")
def test_a_disk_that_fills_during_a_run(disk: Callable[..., Path], capsys: Told) -> None:
    """At any size: what a run leaves grows with the program, and so does where it is cut."""
    seen = set()
    for size in range(88, 200, 4):
        place = disk(f"size={size}k")
        if main(["run", *QUICK, "--out", str(place), "--quiet"]) == 0:
            break
        said = capsys.readouterr().err.splitlines()
        assert "No space left on device; free some space, or choose another place" in said[0]
        if len(said) < 2:
            continue  # before the run had a folder
        (folder,) = place.glob("*/*")
        tables = read(folder)
        seen.add(tables.complete)
        assert said[1] == f"{folder} holds {'its whole' if tables.complete else 'a partial'} ledger"
        assert tables.complete or len(tables["blocks"])
    assert False in seen


def test_a_disk_that_fills_during_a_sweep_keeps_what_has_run_and_the_same_command_goes_on(
    here: Path, disk: Callable[..., Path], capsys: Told
) -> None:
    place = disk("size=32k")
    argv = ["sweep", *QUICK, "seed=range(4)", "--out", str(place)]
    told = refused(argv, capsys).splitlines()[1]
    kept = len(list(place.glob("points/*/*.json")))
    assert told == f"{kept} of 4 runs are kept in {place}/points: the same command goes on from there"
    assert not list(place.rglob(".draft*"))
    disk("size=9m")
    assert main([*argv, "--quiet"]) == 0
    timed = len((place / "points/seconds.csv").read_text().splitlines())
    assert 4 - kept <= timed <= 4  # for how long a kept row took there may have been no room
    whole_one = here / "whole"
    assert main([*argv[:-1], str(whole_one), "--quiet"]) == 0
    (one,), (other,) = (folder.glob("sweeps/*/table.csv") for folder in (place, whole_one))
    assert one.read_bytes() == other.read_bytes()


def test_no_room_for_the_tables_of_a_sweep_loses_no_run(here: Path, capsys: Told) -> None:
    (here / "sweeps").touch()
    told = refused(["sweep", *QUICK, "seed=0,1", "--out", "."], capsys)
    assert told.splitlines()[1] == "all runs are kept in points: the same command makes the tables"


def test_no_room_for_junit_loses_no_table(here: Path, capsys: Told) -> None:
    assert main(["gate", "suite.yaml", "--quiet", "--junit", "/proc/x.xml"]) == 3
    out, err = capsys.readouterr()
    assert "stuck_funds ≤ 0 in every run" in out
    assert err == "slashpoint: /proc/x.xml: No such file or directory; is its folder there?\n"


def test_what_is_drafted_takes_the_place_of_the_old_or_leaves_no_trace(tmp_path: Path) -> None:
    with whole(tmp_path / "x.csv") as draft:
        draft.write_text("new")
        assert draft.suffix == ".csv"
    with pytest.raises(ZeroDivisionError), whole(tmp_path / "x.csv") as draft:
        draft.write_text(f"newer{1 / 0}")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.csv", "new")]


def test_many_attacks_and_settings_make_no_name_too_long(tmp_path: Path) -> None:
    attacks = "+".join(["overclaim"] * 40)
    assert RunFolder.create("{}", protocol="p", attack=attacks, seed=0, runs=tmp_path).path.is_dir()
