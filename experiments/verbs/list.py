"""List what there is, ours and the project's: protocols, attacks, duties, tasks, metrics, invariants, prices.

slashpoint list                     the kinds
slashpoint list attacks             attacks that every protocol shares, then each protocol's own
slashpoint list attacks federated   those that have the word in their lines: here, what can play there
slashpoint list attacks overclaim   one, told whole: parameters with their bounds, where it plays, its file
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

KINDS = ("protocols", "attacks", "duties", "tasks", "metrics", "invariants", "prices")


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    parser.add_argument("kind", metavar="KIND", nargs="?", choices=KINDS, help=", ".join(KINDS))
    parser.add_argument("words", metavar="WORD", nargs="*", help="a name, or words that must occur")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: Namespace) -> int:
    """List what there is, and name what is broken; return the exit code."""
    from slashpoint.experiments.cli import CRASHED, HELD, MISCONFIGURED
    from slashpoint.experiments.report.listing import ABOUT, LISTS, chosen
    from slashpoint.experiments.report.outline import outline, whole
    from slashpoint.experiments.report.screen import Screen
    from slashpoint.experiments.report.text import complain
    from slashpoint.experiments.setup.project import in_use
    from slashpoint.sim.errors import BrokenProject, Misconfigured

    console = Screen()
    if args.kind is None:
        kinds = [{"name": kind, "what": about} for kind, about in ABOUT.items()]
        if args.json:
            emit(json.dumps(kinds, indent=2))
        else:
            for line, style in outline("kinds", kinds, console.width):
                console.tell(line, style=style)
        return HELD
    broken: list[Misconfigured] = []
    project = in_use()
    rows = chosen(LISTS[args.kind](project, broken), args.words, args.kind, project)
    for error in broken:
        complain(f"slashpoint: {error}")
    crashed = any(isinstance(error, BrokenProject) for error in broken)
    code = CRASHED if crashed else MISCONFIGURED if broken else HELD
    if args.json:
        emit(json.dumps(rows, indent=2))
    elif [row.get("name") for row in rows] == args.words:
        for line in whole(args.kind, rows[0], project, console.width):
            console.tell(line)
    else:
        for line, style in outline(args.kind, rows, console.width):
            console.tell(line, style=style)
    return code
