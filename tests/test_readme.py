"""What README.md shows is what its commands print, line by line: to the digit, unless real training is in it."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from slashpoint.experiments.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILE = re.compile(r"`(\w+/\w+\.py)`[^`]*\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PART = re.compile(r"^```(\w*)\n(.*?)^```$|((?:^ {4}[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
PARTS = [(language or "sh" * bool(lines), body or lines) for language, body, lines in PART.findall(README)]
PAIRS = [(source, shown) for source, shown in pairwise(PARTS) if source[0] and not shown[0]]
FINDERS = {"check", "exploit"}  # what is shown of them finds a bug, so that the exit code is 1
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
MANY = re.compile(r"slashpoint (?:sweep|matrix|gate|exploit)|make run|crowd")  # they take longer than seconds


def commands(source: str) -> list[list[str]]:
    """The command lines of slashpoint in a block: what follows its name. Make's `run` is one; `test` is this."""
    lines = [shlex.split(line, comments=True) for line in source.replace("\\\n", "").splitlines()]
    return [line[1:] for line in lines if line[:1] == ["slashpoint"] or line[:2] == ["make", "run"]]


def printed(source: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a block prints: Python as in a cell of a notebook, or commands, one after another."""
    capsys.readouterr()
    if source[0] == "python":
        exec(compile(source[1], "README.md", "exec"), {})
    else:
        lines = commands(source[1])
        assert [main(line) for line in lines] == [int(line[0] in FINDERS) for line in lines]
    return capsys.readouterr().out


def alike(shown: str, real: str, *, trained: bool) -> bool:
    """The same line. Floats of real training differ from processor to processor, and so do numbers that follow."""
    if not trained or shown == real:
        return shown == real
    told, found = ([float(one.replace(",", "")) for one in NUMBER.findall(text)] for text in (shown, real))
    return NUMBER.sub("#", shown) == NUMBER.sub("#", real) and told == pytest.approx(found, rel=0.05, abs=0.01)


def untrue(pair: tuple[tuple[str, str], tuple[str, str]], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines that are shown and not printed, in this order. A block may leave lines out."""
    source, (_, shown) = pair
    real = iter([" ".join(line.split()) for line in printed(source, capsys).splitlines()])
    lines = [" ".join(line.split()) for line in shown.splitlines() if line.strip()]
    trained = "make run" in source[1]
    return [line for line in lines if not any(alike(line, other, trained=trained) for other in real)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the README makes, as the current one."""
    (tmp_path / "slashpoint.yaml").touch()
    for name, body in FILE.findall(README):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(body, encoding="utf-8")
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def test_every_output_has_its_command_above_it() -> None:
    assert len(PAIRS) == sum(not language for language, _ in PARTS)
    assert all(source[0] == "python" or commands(source[1]) for source, _ in PAIRS)


@pytest.mark.usefixtures("project")
def test_the_readme_shows_what_its_quick_commands_print(capsys: pytest.CaptureFixture[str]) -> None:
    """One after another: the story is of the last run."""
    quick = [pair for pair in PAIRS if not MANY.search(pair[0][1])]
    assert {pair[0][0] for pair in quick} == {"python", "sh"}
    assert [line for pair in quick for line in untrue(pair, capsys)] == []


@pytest.mark.slow
@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("pair", [pair for pair in PAIRS if MANY.search(pair[0][1])], ids=lambda pair: pair[0][1][4:20])
def test_the_readme_shows_what_its_longer_commands_print(
    pair: tuple[tuple[str, str], tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs of many markets, and of one with real training."""
    assert untrue(pair, capsys) == []
