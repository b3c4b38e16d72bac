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


def one_contract(parser: ArgumentParser) -> None:
    """Another contract than ours."""
    help_text = "a build (JSON) in the place of our contract of the same name, or the name of a mutant"
    parser.add_argument("--contract", metavar="BUILD", help=help_text)


def build_of(contract: str | None) -> Path | None:
    """The file that `--contract` means.

    Raises:
        Misconfigured: there is neither such a file nor such a mutant.
    """
    from slashpoint.experiments.patches import mutants
    from slashpoint.sim.errors import Misconfigured, choices

    if contract is None or Path(contract).is_file():
        return None if contract is None else Path(contract)
    builds = {mutant.name: mutant.build for mutant in mutants()}
    if contract not in builds:
        raise Misconfigured(f"--contract {contract}: no such file, and no such mutant; {choices(contract, builds)}")
    return builds[contract]


def document(tables: Mapping[str, pd.DataFrame], columns: Mapping[str, str], **others: Any) -> str:
    """Tables as JSON, with what their columns mean; what is no number is null."""
    plain = {name: json.loads(table.to_json(orient="records", double_precision=15)) for name, table in tables.items()}
    return json.dumps({**others, **plain, "columns": dict(columns)}, indent=2, ensure_ascii=False)
