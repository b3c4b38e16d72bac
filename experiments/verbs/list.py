"""List what there is: protocols, attacks, duties, tasks, metrics, invariants, prices; ours and the project's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

KINDS = ("protocols", "attacks", "duties", "tasks", "metrics", "invariants", "prices")


def arguments(parser: ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: Namespace) -> int:
    """List what there is, and name what is broken; returns the exit code."""
    from slashpoint.experiments.cli import CRASHED, HELD, MISCONFIGURED
    from slashpoint.experiments.report.listing import LISTS
    from slashpoint.experiments.report.screen import Screen, plain
    from slashpoint.experiments.report.text import complain
    from slashpoint.experiments.setup.project import in_use
    from slashpoint.sim.errors import BrokenProject, Misconfigured

    broken: list[Misconfigured] = []
    rows = LISTS[args.kind](in_use(), broken)
    for error in broken:
        complain(f"slashpoint: {error}")
    crashed = any(isinstance(error, BrokenProject) for error in broken)
    code = CRASHED if crashed else MISCONFIGURED if broken else HELD
    if args.json:
        emit(json.dumps(rows, indent=2))
        return code
    table = plain(*(rows[0] if rows else ["none"]))
    for row in rows:
        table.add_row(*row.values())
    Screen().print(table)
    return code
