"""List what there is: protocols, attacks, duties, tasks, metrics, invariants, prices; ours and the project's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slashpoint.experiments.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

KINDS = ("protocols", "attacks", "duties", "tasks", "metrics", "invariants", "prices")


def arguments(parser: ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: Namespace) -> int:
    """List; returns the exit code."""
    from slashpoint.experiments.listing import LISTS
    from slashpoint.experiments.project import in_use
    from slashpoint.experiments.screen import Screen, plain

    rows = LISTS[args.kind](in_use())
    if args.json:
        emit(json.dumps(rows, indent=2))
        return 0
    table = plain(*(rows[0] if rows else ["none"]))
    for row in rows:
        table.add_row(*row.values())
    Screen().print(table)
    return 0
