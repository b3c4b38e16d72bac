"""What the documents name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import slashpoint
from slashpoint.experiments.setup.catalogue import names, presets
from slashpoint.experiments.setup.config import compose

ROOT = Path(slashpoint.__path__[0]).parent


def test_every_statement_has_a_row():
    rows = re.findall(r"^\| (\d+) \| .+ \| .+ \|$", (ROOT / "docs/coverage.md").read_text(), re.MULTILINE)
    assert sorted(map(int, rows)) == [*range(1, 187)]


def test_every_mutant_that_a_page_names_exists():
    said = "".join((ROOT / path).read_text() for path in ("docs/coverage.md", "contracts/mutants/README.md"))
    there = {path.stem for path in (ROOT / "contracts/mutants").rglob("*.patch")}
    assert set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", said)) - {"RequestCreated", "CandidatePicked"} == there


@pytest.mark.parametrize("protocol", presets("protocol"))
def test_the_parameters_of_the_page_exist(protocol):
    page = (ROOT / f"protocols/{protocol}/README.md").read_text()
    table = page.split("\n## Parameters\n")[1].split("\n## ")[0]
    parameters = re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    assert len(parameters) > 8
    assert set(parameters) <= set(compose(["scenario=small", f"protocol={protocol}"]).protocol)


def test_the_conducts_of_the_page_exist():
    page = (ROOT / "protocols/modelmarket/README.md").read_text()
    probes = page[page.index("Attacks that replace a role's script") : page.index("Against our contract")]
    assert set(re.findall(r"`(\w+)`", probes)) <= set(names("attack"))
