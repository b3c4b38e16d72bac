"""What the documents name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import slashpoint
from slashpoint.experiments.setup.catalogue import names, presets
from slashpoint.experiments.setup.config import compose

ROOT = Path(slashpoint.__path__[0]).parent


ROW = re.compile(r"^\| (\d+) \| (.+?) \| (yes|partly|no) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
ROWS = {int(row[1]): row for row in ROW.finditer((ROOT / "docs/coverage.md").read_text())}
PATH = r"`((?:[\w.-]+/)+[\w.-]*)`"
ATTACK = re.compile(r"`((?:agents/attacks|protocols/\w+/exploits)/(\w+)\.py)`")


def test_every_statement_has_a_row_with_its_status():
    lines = re.findall(r"^\| (\d+) \|", (ROOT / "docs/coverage.md").read_text(), re.MULTILINE)
    assert list(map(int, lines)) == [int(one) for one in dict.fromkeys(lines)], "a row is there twice"
    assert sorted(ROWS) == [*range(1, 188)]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_a_row_names_is_there(row):
    _, _, status, answer, tables = row.groups()
    for path in re.findall(PATH, answer + tables):
        assert (ROOT / path).exists(), path
    for path, brackets in re.findall(rf"{PATH} \(([^)]*)\)", answer):
        symbols = [one.strip(" `") for one in brackets.split(",")]
        for symbol in (one for one in symbols if re.fullmatch(r"\w+", one)):  # what has spaces is a remark
            assert re.search(rf"\b{symbol}\b", (ROOT / path).read_text()), f"{path}: {symbol}"
    if status == "no":
        assert re.match("none|out of scope|not used", answer), "it says why"


@pytest.mark.parametrize("row", [row for row in ROWS.values() if ATTACK.search(row[4])], ids=lambda row: row[1])
def test_whether_an_attack_of_a_row_pays_is_in_a_table_that_the_row_names(row):
    pages = {path: (ROOT / path).read_text() for path in re.findall(PATH, row[5])}
    assert pages, "no table is named"
    assert all(re.search(r"^\|(-|:)", page, re.MULTILINE) for page in pages.values()), "a page has no table"
    lines = "\n".join(line for page in pages.values() for line in page.splitlines() if line.startswith("|"))
    for path, attack in ATTACK.findall(row[4]):
        elsewhere = pages.get("docs/survey/README.md", "")  # where an attack has a table of its own, named above it
        assert re.search(rf"\b{attack}\b", lines + elsewhere), path


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
