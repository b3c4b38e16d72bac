"""What the tests of `slashpoint check` have in common: artifacts, and a folder to work in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slashpoint.experiments.cli import main

OUT = Path(__file__).parent / "contracts" / "out"


@pytest.fixture
def out():
    """The folder of artifacts."""
    return OUT


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Run the command in a folder of its own; returns exit code and what it printed, or the JSON document."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        shown = [str(OUT / word) if word.endswith(".json") and (OUT / word).exists() else word for word in words]
        code = main(["check", "--quiet", *shown])
        said = capsys.readouterr().out
        return code, json.loads(said) if "--json" in words else said

    return run
