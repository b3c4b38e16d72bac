"""Every table of results in docs/ names the command that makes it, and cells drawn from some are measured again."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.study.matrix import matrix
from slashpoint.experiments.study.sweep import sweep
from slashpoint.sim.luck import Luck

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "protocols").glob("*/README.md"))]
TABLE = re.compile(r"(?:^\|[^\n]*\n)+", re.MULTILINE)
COMMAND = re.compile(
    r"^ {4}((?:[A-Z]+=\d+ )*(?:slashpoint|pytest) (?:[^\n]*\\\n)*[^\n]*)"
    r"|`((?:[A-Z]+=\d+\s)*(?:slashpoint|pytest)\s[^`]+)`",
    re.MULTILINE,
)
NUMBER = r"[+−-]?\d[\d,]*(?:\.\d+)?"
MEASURED = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*|")  # no word, and a number, or nothing
MEAN = re.compile(rf"\**(?:[a-z]+: )?({NUMBER}) ± ")
DRAWN = int(os.environ.get("SLASHPOINT_CELLS", "1"))  # of each table
PROTOCOLS = set(catalogue.presets("protocol"))
VARIANTS = {"literal", "hardened"}
TRAINED = {"federated", "collective"}  # there models are really trained: floats differ from processor to processor


@dataclass(frozen=True)
class Table:
    """A table of a page, and the text between it and what came before it, with the paragraph after it."""

    page: str
    rows: list[list[str]]  # the first is the header
    above: str
    below: str

    @property
    def commands(self) -> list[str]:
        """What makes it: those above it, then those below."""
        found = COMMAND.findall(f"{self.above}\n{self.below}")
        return [" ".join((block or inline).replace("\\\n", " ").split()) for block, inline in found]

    def holds_results(self) -> bool:
        """Whether by its form it has numbers that were measured: an interval, or a column of nothing else."""
        columns = list(zip(*self.rows[1:]))[1:]
        numbers = (any(column) and all(MEASURED.fullmatch(cell) for cell in column) for column in columns)
        return any("±" in cell for row in self.rows for cell in row) or any(numbers)


def tables(page: Path) -> list[Table]:
    """The tables of a page."""
    found, text, end = [], page.read_text(encoding="utf-8"), 0
    for match in TABLE.finditer(text):
        above = re.split(r"^#", text[end : match.start()], flags=re.MULTILINE)[-1]
        below = text[match.end() :].lstrip("\n").split("\n\n")[0]
        rows = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in match.group().splitlines()]
        found.append(
            Table(
                page.relative_to(ROOT).as_posix(), [rows[0], *rows[2:]], above, "" if below.startswith("#") else below
            )
        )
        end = match.end()
    return found


ALL = [table for page in PAGES for table in tables(page)]
RESULTS = [table for table in ALL if table.holds_results()]


@dataclass(frozen=True)
class Cell:
    """A mean that a table shows, and what measures it."""

    shown: str
    attack: str
    variant: str
    overrides: tuple[str, ...]
    cap: int

    def measured(self, cache: Path) -> float:
        """The mean of the gain, by what is behind the command."""
        row = matrix([self.attack], [self.variant], self.overrides, cap=self.cap, top=0, cache=cache).iloc[0]
        assert (row["n"], row["error"]) == (self.cap, "")
        return float(row["gain"])


def cells(table: Table) -> list[Cell]:
    """The cells of a table of a matrix with one attack and its mean, but for the three best: they had fresh seeds."""
    command = next((shlex.split(line) for line in table.commands if line.startswith("slashpoint matrix")), [])
    if "--seeds-cap" not in command or table.rows[0][0] != "attack":
        return []
    cap = int(command[command.index("--seeds-cap") + 1])
    said = [one for one in command if "=" in one and not one.startswith("protocol=")]
    protocol = next(one for one in command if one.startswith("protocol=")).removeprefix("protocol=")
    found = []
    for column, title in enumerate(table.rows[0]):
        words = re.findall(r"\w+", title)
        protocol = next((word for word in words if word in PROTOCOLS), protocol)
        for row in table.rows[1:]:
            names, mean = re.findall(r"\w+", row[0].split(" (")[0]), MEAN.match(row[column])
            if mean and len(names) == 1 and words and words[-1] in VARIANTS and "others" not in words:
                found.append(Cell(mean[1], names[0], words[-1], (*said, f"protocol={protocol}"), cap))
    return sorted(found, key=lambda cell: number(cell.shown))[:-3]


def number(shown: str) -> float:
    """What a page writes with a long minus and commas."""
    return float(shown.replace("−", "-").replace(",", ""))


def drawn(many: list[Cell], purpose: str) -> list[Cell]:
    """Some of them, by the luck of their page: the same each time."""
    return sorted(many, key=lambda cell: Luck(0)(purpose, cell.attack, cell.variant, *cell.overrides).random())[:DRAWN]


def agree(shown: str, mean: float, *, trained: bool) -> bool:
    """Whether a mean is the one that is shown, to its last digit; nearly so where floats depend on the processor."""
    unit = 10 ** -len(shown.partition(".")[2])
    return abs(number(shown) - mean) <= 0.5000001 * unit + 0.05 * abs(mean) * trained


def test_every_table_of_results_has_its_command_beside_it() -> None:
    assert len(RESULTS) > 20
    assert [f"{table.page}: {table.rows[0]}" for table in RESULTS if not table.commands] == []


def test_every_page_of_a_protocol_has_a_table_whose_cells_can_be_measured_again() -> None:
    pages = {table.page for table in RESULTS if cells(table)}
    assert pages == {*(f"protocols/{one}/README.md" for one in PROTOCOLS), "docs/matrix.md"}


@pytest.mark.slow
@pytest.mark.parametrize("table", [one for one in RESULTS if cells(one)], ids=lambda table: table.page)
def test_cells_drawn_from_a_table_are_what_its_command_measures(table: Table, tmp_path: Path) -> None:
    """SLASHPOINT_CELLS says how many of each table."""
    wrong = []
    for cell in drawn(cells(table), table.page):
        mean, trained = cell.measured(tmp_path), any(name in cell.overrides[-1] for name in TRAINED)
        wrong += [] if agree(cell.shown, mean, trained=trained) else [(cell, mean)]
    assert wrong == []


@pytest.mark.slow
def test_a_setting_drawn_from_a_table_of_a_sweep_is_what_its_command_measures(tmp_path: Path) -> None:
    """One of each table with two settings: of the rows, and of the columns."""
    found = 0
    for table in RESULTS:
        line = next((shlex.split(one) for one in table.commands if one.startswith("slashpoint sweep")), [])
        axes = [one.split("=") for one in line if "," in one]
        if len(axes) != 2:
            continue
        rows, columns = (values.split(",") for _, values in axes)
        luck = Luck(0)(table.page)
        row, column = luck.integer(len(rows)), luck.integer(len(columns))
        said = [one for one in line[2:] if "," not in one]
        said += [f"{axes[0][0]}={rows[row]}", f"{axes[1][0]}={columns[column]}"]
        mean = sweep(said, cache=tmp_path).of("gain")["mean"].iloc[0]
        shown = MEAN.match(table.rows[1 + row][1 + column])
        assert table.rows[1 + row][0] == rows[row]
        assert shown is not None
        assert agree(shown[1], mean, trained=False), (said, shown[1], mean)
        found += 1
    assert found
