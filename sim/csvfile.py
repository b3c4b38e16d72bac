"""Files of comma-separated values as spreadsheets, exchanges and archives write them.

What can be meant in one way is read: a byte-order mark, any line ends, spaces around cells, empty rows, names of
columns in any case, columns that nobody asks for, semicolons or tabs instead of commas, and there a decimal comma. What
can be meant in two ways is refused, by its line.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 1,234 is more than a thousand, or little more than one


@dataclass(frozen=True)
class Row:
    """One row of a file: its cells by the names of their columns."""

    line: int
    where: str  # the same in words: its file and line
    cells: Mapping[str, str]
    comma: bool  # whether a comma separates cells, so that it is in no number

    def number(self, column: str) -> float:
        """Return the number in a cell; raises ValueError, with the line."""
        text = self.cells[column]
        if "," in text and THOUSANDS.fullmatch(text):
            raise ValueError(
                f"{self.where}: {text} may be {text.replace(',', '')} or {text.replace(',', '.')}: use a point"
            )
        try:
            return float(text if self.comma else text.replace(",", "."))
        except ValueError:
            raise ValueError(f"{self.where}: {column} is {text!r}, which is no number") from None


def read(path: str, option: str, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a file.

    Args:
        path: where it is.
        option: what the path was given by, for complaints.
        columns: the names of those that it must have; others are read too.

    Raises:
        ValueError: it cannot be read, lacks a column, or has a row that does not fit its head; with the line.
    """
    try:
        data = Path(path).read_bytes()
        text = data.decode(next((name for mark, name in MARKS.items() if data.startswith(mark)), "utf-8"))
    except OSError as error:
        where = "" if Path(path).is_absolute() else f" in {Path.cwd()}, the current folder"
        raise ValueError(f"{option}={path!r} cannot be read: {error.strerror}{where}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}, line {line}: it is no text in UTF-8 ({error.reason})") from error
    head = text.lstrip().partition("\n")[0]
    comma = max(",;\t", key=head.count)  # a comma where there is but one column
    try:
        return list(
            _rows(path, csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True), columns, comma)
        )
    except csv.Error as error:
        raise ValueError(f"{path}: it is no table of comma-separated values ({error})") from error


def _rows(path: str, lines: Any, columns: Sequence[str], comma: str) -> Iterator[Row]:
    names: list[str] = []
    for given in lines:
        cells = [cell.strip() for cell in given]
        where = f"{path}, line {lines.line_num}"
        if not any(cells):
            continue
        if not names:
            names = [cell.casefold() for cell in cells]
            _checked(path, names, columns)
            continue
        if any(cells[len(names) :]) or len(cells) < len(names):
            raise ValueError(f"{where}: {len(cells)} cells, and {len(names)} columns: {comma.join(given)}")
        yield Row(lines.line_num, where, dict(zip(names, cells)), comma == ",")
    if not names:
        _checked(path, [], columns)


def _checked(path: str, names: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse a head that lacks a column, or has one twice."""
    if missing := [name for name in columns if name not in names]:
        there = ", ".join(filter(None, names)) or "nothing"
        raise ValueError(
            f"{path} lacks {', '.join(missing)}: its first line has to name {', '.join(columns)}; it has {there}"
        )
    if twice := [name for name in columns if names.count(name) > 1]:
        raise ValueError(f"{path} has two columns called {twice[0]}")
