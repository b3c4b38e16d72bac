"""A run is made again from its folder, whatever became of the files that made it, and what differs is told."""

from __future__ import annotations

import json
import linecache
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import slashpoint
from slashpoint.agents.attacks.lazy import Lazy
from slashpoint.agents.conduct import Conduct
from slashpoint.experiments.cli import main
from slashpoint.experiments.gate.patches import mutants
from slashpoint.experiments.setup import origins, provenance
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.folder import find
from slashpoint.experiments.setup.run import MODELS, run
from slashpoint.sim.contract.artifact import BUILD

SMALL = ("scenario=small", "scenario.jobs=1")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, the current folder, with an attack that imports a module and reads a file."""
    write(tmp_path / "slashpoint.yaml", "")
    write(tmp_path / "data/more.txt", "3")
    write(tmp_path / "helpers.py", "def more(path):\n    return int(path.read_text())\n")
    write(
        tmp_path / "attacks/boaster.py",
        """
        from dataclasses import dataclass
        from pathlib import Path

        from slashpoint.agents.conduct import Conduct

        from ..helpers import more


        @dataclass
        class Boaster(Conduct):
            def claim(self, me, job, measured):
                return measured + more(Path(__file__).parent.parent / "data/more.txt")
        """,
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def ran(*said: str) -> Path:
    """Run from the command line; returns the folder."""
    assert main(["run", *SMALL, *said, "--quiet"]) in {0, 1}
    return find("last")


def again(capsys: pytest.CaptureFixture[str], which: str = "last") -> tuple[int, str]:
    """Make the run again; returns the exit code and all that was printed."""
    capsys.readouterr()
    MODELS.clear()
    code = main(["rerun", which])
    printed = capsys.readouterr()
    return code, " ".join((printed.out + printed.err).split())


def kept(folder: Path) -> Any:
    return json.loads((folder / "kept.json").read_text())


def test_the_same_run_is_equal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ran("attack=overclaim", "seed=4")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code, printed = again(capsys)
    assert (code, printed.count("as then")) == (0, 5)
    assert "equal: " in printed
    assert main(["rerun", folder.name[-6:], "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["equal"], told["differs"], told["exit"]) == (True, [], 0)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in (here / "runs").glob("*/*")] == [folder.name]


def test_what_was_kept_of_a_project_is_used_when_it_was_changed_or_is_gone(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ran("attack=boaster")
    files = {path.relative_to(folder / "code").as_posix() for path in (folder / "code").rglob("*") if path.is_file()}
    assert (
        files == {"slashpoint.yaml", "attacks/boaster.py", "helpers.py", "data/more.txt"} == kept(folder)["code"].keys()
    )
    write(project / "data/more.txt", "9")
    write(project / "helpers.py", "def more(path):\n    return -1\n")
    (project / "attacks/boaster.py").unlink()
    code, printed = again(capsys)
    assert code == 0, printed
    assert (
        "project changed: attacks/boaster.py (gone), data/more.txt, helpers.py; what was kept of it was used" in printed
    )


def test_what_was_kept_is_used_only_while_it_is_whole(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ran("attack=boaster")
    write(folder / "code/helpers.py", "def more(path):\n    return 0\n")
    code, printed = again(capsys)
    assert code == 2
    assert "code/helpers.py is damaged: it is not what the run was made with" in printed
    (folder / "code/helpers.py").unlink()
    assert "code/helpers.py is missing" in again(capsys)[1]
    (folder / "kept.json").unlink()
    assert (again(capsys)[0], "kept.json" in again(capsys)[1]) == (2, True)


def test_a_contract_in_anothers_place_is_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = here / "mine.json"
    shutil.copy(next(one.build for one in mutants() if one.name == "WorstClaim"), build)
    folder = ran("--contract", "mine.json", "attack=overclaim")
    build.unlink()
    assert [path.name for path in (folder / "stand_ins").iterdir()] == ["mine.json"]
    assert again(capsys)[0] == 0
    shutil.copy(BUILD / "ModelMarket.json", folder / "stand_ins/mine.json")
    code, printed = again(capsys)
    assert (code, "stand_ins/mine.json is damaged" in printed) == (2, True)


def test_files_that_parameters_stand_for_are_kept(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    genesis = compose().chain.genesis
    prices = write(here / "prices.csv", f"time,asset,price\n{genesis},ETH,2000\n{genesis},MDC,1\n")
    shares = write(here / "shares.csv", "share\n0.3\n0.8\n")
    said = ("prices=replay", "prices.path=prices.csv", "chain.replay=shares.csv")
    folder = ran(*said)
    for path in (prices, shares):
        path.unlink()
    assert again(capsys)[0] == 0
    write(prices, f"time,asset,price\n{genesis},ETH,2000\n{genesis},MDC,1\n")
    write(shares, "share\n0.3\n0.8\n")
    monkeypatch.setattr(origins, "MOST", 20)
    ran(*said)
    assert not kept(find("last"))["inputs"]["prices.path"]["files"][0]["copy"]
    assert again(capsys)[0] == 0, "it is where it was"
    write(prices, f"time,asset,price\n{genesis},ETH,9\n{genesis},MDC,1\n")
    code, printed = again(capsys)
    assert code == 2
    assert f"prices.path: {prices} was changed since, and of files beyond" in printed
    assert again(capsys, str(folder))[0] == 0


def test_a_data_set_is_kept(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.test_cache import idx

    idx(here / "mnist", 1)
    monkeypatch.setenv("SLASHPOINT_DATA", str(here))
    ran("task=mnist", "task.size=300", "task.scale=20", "task.epochs=1")
    monkeypatch.delenv("SLASHPOINT_DATA")
    shutil.rmtree(here / "mnist")
    assert again(capsys)[0] == 0


def test_where_two_runs_part_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran()
    monkeypatch.setattr(Conduct, "claim", lambda _self, _me, _job, measured: measured - 1)
    monkeypatch.setattr(provenance, "processor", lambda: "Another 9000")
    edited = provenance.sources() | {"sim/chain.py": "0"}
    monkeypatch.setattr(provenance, "sources", lambda: edited)
    code, printed = again(capsys)
    assert code == 1
    assert "program changed: sim/chain.py" in printed
    assert "→ Another 9000" in printed
    assert "differs block " in printed
    assert "table duties, row " in printed
    assert "answer was " in printed
    assert "equal" not in printed


def test_a_run_that_was_cut_short_is_compared_as_far_as_it_went(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(world: Any) -> None:
        if world.chain.number == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(compose(SMALL), overrides=SMALL, runs=Path("runs"), progress=stop)
    code, printed = again(capsys)
    assert code == 0, printed
    assert "cut short KeyboardInterrupt" in printed
    assert "equal as far as it went" in printed


@pytest.mark.parametrize("fault", ["RuntimeError('tired')", "SystemExit('tired')"])
def test_a_run_that_crashed_is_to_crash_again(project: Path, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    attack = (project / "attacks/boaster.py").read_text()
    (project / "attacks/boaster.py").write_text(attack.replace("return measured + ", f"raise {fault} or "))
    assert main(["run", *SMALL, "attack=boaster", "--quiet"]) == 3
    code, printed = again(capsys)
    assert code == 0, printed
    assert f"cut short {fault.partition('(')[0]}: tired" in printed
    assert "equal as far as it went" in printed


def test_an_attack_of_the_catalogue_given_as_an_object_has_its_name(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = slashpoint.simulate(attack=Lazy(effort=0.5), scenario="small", runs=Path("runs"))
    folder = find("last")
    text = (folder / "config.yaml").read_text()
    assert "attack:\n  lazy:\n    effort: 0.5\n" in text
    line = "slashpoint run protocol=modelmarket scenario=small seed=0 'attack=[lazy]' attack.lazy.effort=0.5"
    assert text.startswith(f"# {line}\n")
    assert main([*line.replace("'", "").split()[1:], "--quiet"]) == 0
    assert json.loads((find("last") / "result.json").read_text())["full_hash"] == result.full_hash
    assert again(capsys, str(folder))[0] == 0
    assert (
        slashpoint.simulate(attack=Lazy, scenario="small").full_hash
        == slashpoint.simulate(attack="lazy", scenario="small").full_hash
    )


@dataclass
class Braggart(Conduct):
    """Claims more, from Python."""

    more: int = 1

    def claim(self, me: Any, job: Any, measured: int) -> int:
        return measured + self.more


def test_an_attack_from_python_is_visible_and_refused_by_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slashpoint.simulate(attack=["lazy", Braggart(more=7)], scenario="small", runs=Path("runs"))
    folder = find("last")
    (first, *_) = (folder / "config.yaml").read_text().splitlines()
    assert first.startswith("# slashpoint.simulate('modelmarket', ['lazy', Braggart(more=7)], 'small', 0, [])")
    told = next(one for one in kept(folder)["given"] if one["class"] == "Braggart")
    assert told["parameters"] == {"more": "7"}
    assert "Claims more, from Python." in (folder / told["source"]).read_text()
    code, printed = again(capsys)
    assert code == 2
    assert f"Braggart of {__name__} was given from Python, and has no name" in printed
    assert "given/Braggart.py" in printed


def test_the_source_of_a_class_of_a_notebook_is_kept(here: Path) -> None:
    cell = dedent(
        """
        from dataclasses import dataclass
        from slashpoint.agents.conduct import Conduct

        @dataclass
        class Cell(Conduct):
            k: int = 3

            def claim(self, me, job, measured):
                return measured + self.k
        """
    )
    linecache.cache["<cell 7>"] = len(cell), None, cell.splitlines(keepends=True), "<cell 7>"
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(cell, "<cell 7>", "exec"), space)
    slashpoint.simulate(attack=space["Cell"], scenario="small", runs=Path("runs"))
    text = (find("last") / "given/Cell.py").read_text()
    assert text.startswith("@dataclass\nclass Cell(Conduct):")
    assert text.endswith("return measured + self.k\n")


def test_the_commit_is_told_and_whether_something_was_changed_since(project: Path) -> None:
    def git(*said: str) -> str:
        who = ("-c", "user.name=x", "-c", "user.email=x@y")
        return subprocess.run(["git", *who, *said], check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    git("add", "attacks", "slashpoint.yaml", "helpers.py", "data")
    git("commit", "-m", "x")
    assert kept(ran("attack=boaster"))["project"]["git"] == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    write(project / "helpers.py", "def more(path):\n    return 2\n")
    assert kept(ran("attack=boaster"))["project"]["git"]["dirty"]
    ours = json.loads((find("last") / "provenance.json").read_text())
    assert ours["processor"] == provenance.processor()
    assert ours["git"] == provenance.git(Path(slashpoint.__path__[0]).parent)


def test_what_is_no_run_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert again(capsys) == (2, "slashpoint: no runs match 'last' in runs; the newest: none")
    (here / "empty").mkdir()
    assert again(capsys, "empty")[0] == 2
