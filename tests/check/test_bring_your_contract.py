"""docs/bring-your-contract.md: each command runs, and prints what the page shows of deployments and refusals."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from slashpoint.experiments.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "bring-your-contract.md").read_text(encoding="utf-8")
PARTS = re.split(r"^ {4}slashpoint (check .*)$", PAGE, flags=re.MULTILINE)[1:]  # command, what follows, command …
SHOWN = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = [
    (shlex.split(line), found[1] if (found := SHOWN.search(rest)) else "")
    for line, rest in zip(PARTS[::2], PARTS[1::2], strict=True)
]

@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder that looks like a checkout, to leave files in; one command goes on from what another left."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "benchmarks").symlink_to(ROOT / "benchmarks")
    return folder


@pytest.mark.parametrize(("words", "shown"), COMMANDS, ids=[" ".join(words)[:50] for words, _ in COMMANDS])
def test_each_command_of_the_page_runs_as_the_page_says(words, shown, checkout, monkeypatch, capsys):
    monkeypatch.chdir(checkout)
    code = main([*words, "--quiet"])
    said = capsys.readouterr()
    lines = [" ".join(line.split()) for line in (said.out + said.err).splitlines()]
    refused = "is missing" in shown
    assert code == 2 if refused else code in {0, 1}
    deployment = shown.partition("time  who")[0]  # which steps a search finds is the search's business
    for line in deployment.splitlines():
        assert " ".join(line.split()) in lines
    assert bool(shown.strip()) == bool(deployment.strip())


def test_the_page_has_commands_of_every_kind():
    assert len(COMMANDS) == 5
    assert [bool(shown) for _, shown in COMMANDS].count(True) == 3
    assert any("--replay" in words for words, _ in COMMANDS)
