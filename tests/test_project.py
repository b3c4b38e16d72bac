"""Whose project it is: one's own is used and named, another's only where it is trusted by name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import slashpoint
from slashpoint.experiments.cli import main
from slashpoint.experiments.setup import project as projects
from slashpoint.experiments.setup.project import find_project
from slashpoint.sim.errors import Misconfigured

BOB = 4242
root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give a folder away")
ATTACK = """
from dataclasses import dataclass
from pathlib import Path

from slashpoint import Conduct

Path("executed").touch()

@dataclass
class Mine(Conduct):
    "Waits to be executed."

    def claim(self, me, job, measured):
        return measured
"""


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, far below a project; nothing is trusted."""
    (tmp_path / "lab/attacks").mkdir(parents=True)
    (tmp_path / "lab/slashpoint.yaml").touch()
    (tmp_path / "lab/attacks/mine.py").write_text(ATTACK)
    folder = tmp_path / "lab/deep/er"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SLASHPOINT_TRUST", raising=False)
    monkeypatch.delenv("SUDO_UID", raising=False)
    return folder


@pytest.fixture
def stranger(below: Path) -> Path:
    """A project around the current folder that is Bob's."""
    lab = below.parents[1]
    for path in (lab, lab / "slashpoint.yaml"):
        os.chown(path, BOB, BOB)
    return lab


def test_the_project_in_use_is_named_on_stderr_and_in_json(below: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = str(below.parents[1])
    assert main(["run", "scenario=small", "scenario.jobs=1", "engine=pyevm", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err.splitlines()[0] == f"project    {lab}"
    assert json.loads(out)["project"] == lab
    assert main(["list", "attacks"]) == 0
    assert capsys.readouterr().err == f"project    {lab}\n"


def test_where_there_is_none_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["list", "prices"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "line",
    [
        "run attack=mine", "run protocol=mine", "run prices=mine", "matrix mine", "gate mine", "list attacks nobodys",
        "sweep seed=1 --metric mine", "run scenario=small scenario.allow=[mine]",
    ],
)  # fmt: skip
def test_a_name_that_nobody_knows_is_told_of_the_missing_project(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == 2
    said = capsys.readouterr().err
    assert "no project is around this folder" in said
    assert "touch slashpoint.yaml" in said
    (tmp_path / "slashpoint.yaml").touch()
    assert main(line.split()) == 2
    assert "no project is around" not in capsys.readouterr().err


@root
@pytest.mark.parametrize("verb", ["run", "list", "sweep", "gate", "matrix", "mutants"])
def test_somebody_elses_project_is_refused(stranger: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"list": ["attacks"], "sweep": ["attack=mine"], "run": ["attack=mine"]}
    assert main([verb, *given.get(verb, [])]) == 2
    told = capsys.readouterr().err
    assert f"{stranger}/slashpoint.yaml belongs to user {BOB}, and you are root" in told
    assert f"export SLASHPOINT_TRUST={stranger}" in told
    assert not list(stranger.rglob("executed"))
    with pytest.raises(Misconfigured, match="SLASHPOINT_TRUST"):
        slashpoint.simulate(attack="mine", scenario="small")


@root
def test_it_is_used_where_it_is_trusted_by_name(
    stranger: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLASHPOINT_TRUST", f"/nowhere:{stranger}/")
    assert find_project() == stranger
    monkeypatch.setenv("SLASHPOINT_TRUST", f"{stranger.parent}")  # a folder above is another name
    with pytest.raises(Misconfigured) as refused:
        find_project()
    monkeypatch.delenv("SLASHPOINT_TRUST")
    command = str(refused.value).partition("or for good: ")[2].partition(". To work without")[0]
    assert os.system(command) == 0  # as whoever reads the message would
    assert find_project() == stranger
    assert slashpoint.simulate(scenario="small", overrides=["engine=pyevm", "scenario.jobs=1"])


@root
def test_who_names_a_project_trusts_it(stranger: Path) -> None:
    given = {"scenario": "small", "overrides": ["engine=pyevm", "scenario.jobs=1"]}
    assert slashpoint.simulate(attack="mine", project=stranger, **given)  # type: ignore[arg-type]


@root
@pytest.mark.parametrize("theirs", ["lab", "lab/slashpoint.yaml"])
def test_folder_and_mark_must_both_be_ones_own(below: Path, theirs: str, tmp_path: Path) -> None:
    os.chown(tmp_path / theirs, BOB, BOB)
    with pytest.raises(Misconfigured, match=f"{theirs} belongs to"):
        find_project()


@root
def test_a_link_to_ones_own_file_is_the_linkers(below: Path) -> None:
    mark = below.parents[1] / "slashpoint.yaml"
    mark.unlink()
    mark.symlink_to("/etc/hostname")
    os.lchown(mark, BOB, BOB)
    with pytest.raises(Misconfigured, match="slashpoint.yaml belongs to"):
        find_project()


@root
def test_who_became_root_by_sudo_may_use_what_was_theirs(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(BOB))
    assert find_project() == stranger
    monkeypatch.setattr(os, "geteuid", lambda: BOB + 1)  # who is not root has no such right
    with pytest.raises(Misconfigured):
        find_project()


@root
def test_a_user_is_warned_of_roots_project_too(below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: BOB)
    with pytest.raises(Misconfigured, match=rf"belongs to root, and you are user {BOB}"):
        find_project()


def test_the_nearest_project_is_the_project(below: Path) -> None:
    (below / "slashpoint.yaml").touch()
    assert find_project() == below


@pytest.mark.parametrize("text", ["", "# mine\n", "---\n# mine\n{}\n"])
def test_a_mark_is_empty(below: Path, text: str) -> None:
    (below / "slashpoint.yaml").write_text(text)
    assert find_project() == below


@pytest.mark.parametrize(("text", "named"), [("engine: native\n", "engine"), ("{a: 1}", "{a"), ("\0", "\0")])
def test_what_is_in_a_mark_is_refused_by_name(below: Path, text: str, named: str) -> None:
    (below / "slashpoint.yaml").write_text(f"# ours\n{text}")
    with pytest.raises(Misconfigured) as refused:
        find_project()
    assert f"slashpoint.yaml: {named}: nothing reads it" in str(refused.value)


def test_a_current_folder_that_is_gone_is_told(below: Path, capsys: pytest.CaptureFixture[str]) -> None:
    below.rmdir()
    assert main(["list", "prices"]) == 2
    assert capsys.readouterr().err == "slashpoint: the current folder is gone: go to another\n"


def test_no_file_of_trust_is_none_trusted(below: Path, tmp_path: Path) -> None:
    assert projects.trusted() == set()
    (tmp_path / "config/slashpoint").mkdir(parents=True)
    (tmp_path / "config/slashpoint/trusted").write_text("~\n\n/somewhere\n")
    assert projects.trusted() == {Path.home().resolve(), Path("/somewhere")}
