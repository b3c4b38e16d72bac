"""Where stderr is no terminal, a long command says how far it is, a line a minute; with --quiet it says nothing."""

from __future__ import annotations

import importlib
import inspect
import re
import time
from pathlib import Path
from typing import Any

import pytest

from slashpoint.experiments.cli import main
from slashpoint.experiments.setup import progress
from slashpoint.experiments.setup.progress import counting

LONG = {
    "run": ["scenario=small"],
    "sweep": ["scenario=small", "scenario.jobs=1", "seed=0,1"],
    "matrix": ["lazy", "--variants", "hardened", "--seeds-cap", "2", "scenario.jobs=1"],
    "gate": ["suite.yaml"],
}
SUITE = "seeds: 2\nbase: [scenario=small, scenario.jobs=1]\nscenarios: {honest: {expect: []}}\n"
LINE = re.compile(r"^[\w. ]+: (no \w+ has ended yet|\d+ of \d+ \w+(, block \d+)?), \d+ min$")


@pytest.fixture(autouse=True)
def _often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PAUSE", 0.02)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE)


def test_it_says_what_is_done_of_how_much(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("gate pr") as update:
        time.sleep(0.1)
        assert update is not None
        update(1_200, 3_000)
        time.sleep(0.1)
    time.sleep(0.1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "gate pr: no run has ended yet, 0 min"
    assert lines[-1] == "gate pr: 1,200 of 3,000 runs, 0 min"
    time.sleep(0.1)
    assert capsys.readouterr().err == ""  # over is over


@pytest.mark.parametrize("verb", LONG)
def test_a_long_command_speaks_on_stderr_and_is_silent_with_quiet(verb: str, capsys: Any) -> None:
    assert main([verb, *LONG[verb], "--out", "a"]) in {0, 4}
    lines = capsys.readouterr().err.splitlines()
    assert any(map(LINE.match, lines)), lines
    assert main([verb, *LONG[verb], "--quiet", "--out", "b"]) in {0, 4}
    assert not any(map(LINE.match, capsys.readouterr().err.splitlines()))


@pytest.mark.parametrize("verb", [*LONG, "mutants", "bench"])
def test_every_long_verb_shows_its_progress_unless_it_is_quiet(verb: str) -> None:
    source = inspect.getsource(importlib.import_module(f"slashpoint.experiments.verbs.{verb}"))
    assert re.search(r"(counting|progress)\(.*shown=not args\.quiet", source)
