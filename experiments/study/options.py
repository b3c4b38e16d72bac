"""What the verbs that make many runs have in common on the command line."""

from __future__ import annotations

import json
import os
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

    import pandas as pd

Number = TypeVar("Number", int, float)


def whole(low: int, high: int = 100_000) -> Callable[[str], int]:
    """Return what reads a whole number from `low` to `high`."""

    def read(text: str) -> int:
        return _within(int(text), Within(low, high))

    read.__name__ = "whole number"  # argparse says: invalid whole number value
    return read


def amount(text: str) -> float:
    """Read a positive number."""
    return _within(float(text), Within(0, 10**12, "low"))


def _within(value: Number, domain: Within) -> Number:
    if refused := domain.refuses(value):
        raise ArgumentTypeError(f"{value}: {refused}")
    return value


def names(text: str) -> list[str]:
    """Read names with commas between."""
    found = [name.strip() for name in text.split(",")]
    if not all(found) or len(set(found)) < len(found):
        raise ArgumentTypeError(f"{text}: names with commas between, each once")
    return found


def folder(text: str) -> Path:
    """Read where a folder is, or can be made."""
    path = _path(text)
    there = next(one for one in (path, *path.absolute().parents) if one.exists())
    if not there.is_dir():
        raise ArgumentTypeError(f"{text}: {there} is a file; name a folder")
    return path


def file(text: str) -> Path:
    """Read where a file is to be written: into a folder that is there, so that a run of hours is not lost for it."""
    path = _path(text)
    if path.is_dir():
        raise ArgumentTypeError(f"{text}: it is a folder; name a file")
    if not path.parent.is_dir():
        raise ArgumentTypeError(f"{text}: there is no folder {path.parent}; make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ArgumentTypeError(f"{text}: it may not be written; choose another place, or ask its owner")
    return path


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise ArgumentTypeError(f"{text!r} is no path")
    return Path(text)


def out(parser: ArgumentParser, what: str) -> None:
    """Add the option for where a verb leaves what it made."""
    parser.add_argument("--out", type=folder, default=Path("runs"), metavar="DIR", help=what)


def seeds(parser: ArgumentParser) -> None:
    """Another number of runs than a suite's."""
    what = "runs of each scenario, whatever the suite says"
    parser.add_argument("--seeds", type=whole(2), metavar="N", help=what)


def many_runs(parser: ArgumentParser, left: str = "where rows of runs are kept") -> None:
    """Workers, where files are left, and how results are told.

    Args:
        parser: of the verb.
        left: what the verb leaves there.
    """
    what = "processes (the results are the same)"
    parser.add_argument("-j", "--jobs", type=whole(1, 1024), default=1, metavar="N", help=what)
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else, on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    out(parser, left)


def other_contracts(parser: ArgumentParser) -> None:
    """Other contracts than those of the protocol."""
    help_text = "a build (JSON) in the place of the contract of its name, or a mutant's name; may be repeated"
    parser.add_argument("--contract", action="append", default=[], metavar="BUILD", help=help_text)


def document(tables: Mapping[str, pd.DataFrame], columns: Mapping[str, str], **others: Any) -> str:
    """Return tables as JSON, with what their columns mean; what is no number is null."""
    plain = {name: json.loads(table.to_json(orient="records", double_precision=15)) for name, table in tables.items()}
    return json.dumps({**others, **plain, "columns": dict(columns)}, indent=2, default=str)  # a path, say
