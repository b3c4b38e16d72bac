"""What the verbs that make many runs have in common on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

    import pandas as pd


def many_runs(parser: ArgumentParser) -> None:
    """Workers, where rows are kept, and how results are told."""
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="processes (the results are the same)")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else, on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="where rows of runs are kept")


def other_contracts(parser: ArgumentParser) -> None:
    """Other contracts than those of the protocol."""
    help_text = "a build (JSON) in the place of the contract of its name, or a mutant's name; may be repeated"
    parser.add_argument("--contract", action="append", default=[], metavar="BUILD", help=help_text)


def document(tables: Mapping[str, pd.DataFrame], columns: Mapping[str, str], **others: Any) -> str:
    """Tables as JSON, with what their columns mean; what is no number is null."""
    plain = {name: json.loads(table.to_json(orient="records", double_precision=15)) for name, table in tables.items()}
    return json.dumps({**others, **plain, "columns": dict(columns)}, indent=2, default=str)  # a path, say
