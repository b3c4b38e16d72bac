"""The README's attack and its Python print what the README says, figures to within a twentieth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slashpoint.experiments.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
ATTACK, PYTHON = (body for language, body in BLOCKS if language == "python")
SHOWN = [body for language, body in BLOCKS if not language]  # the run, the attack's, the story, Python's
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def same(shown: str, printed: str) -> None:
    """The same words, and nearly the same numbers."""
    for line, real in zip(shown.splitlines(), printed.splitlines(), strict=True):
        assert NUMBER.sub("#", line).split() == NUMBER.sub("#", real).split()
        told, found = ([float(one.replace(",", "")) for one in NUMBER.findall(text)] for text in (line, real))
        assert told == pytest.approx(found, rel=0.05, abs=0.01)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the README makes, as the current one."""
    (tmp_path / "attacks").mkdir()
    (tmp_path / "attacks" / "mine.py").write_text(ATTACK, encoding="utf-8")
    (tmp_path / "slashpoint.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_the_attack_runs_and_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """The command as it stands there, then the lines of its story."""
    assert "slashpoint run attack=mine scenario=small\n" in README
    assert main(["run", "attack=mine", "scenario=small", "--quiet"]) == 0
    printed = capsys.readouterr().out
    same(SHOWN[1], "\n".join(printed.splitlines()[: len(SHOWN[1].splitlines())]))
    assert "slashpoint explain last 6de8`" in README
    assert main(["explain", "last", "6de8"]) == 0
    told = capsys.readouterr().out.splitlines()
    words = {" ".join(NUMBER.sub("#", line).split()) for line in told}
    assert {" ".join(NUMBER.sub("#", line).split()) for line in SHOWN[2].splitlines()} <= words


@pytest.mark.usefixtures("project")
def test_the_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """As in a cell of a notebook."""
    exec(compile(PYTHON, "README.md", "exec"), {})
    same(SHOWN[3], capsys.readouterr().out)
