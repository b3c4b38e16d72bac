"""Make a run again from what its folder holds, and say "equal", or what differs.

slashpoint rerun last        the last run
slashpoint rerun runs/…      the run in a folder

Code, files and contracts are the copies in the folder, whatever became of them since; the program, its packages and the
machine are those of now, and what of them has changed is told. Exit codes: 0 equal, 1 it differs, 2 the folder is no
run, is damaged, or does not hold what made it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

FEW = 6  # changes of a kind that are named


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.options import out

    parser.add_argument("run", metavar="RUN", nargs="?", default="last", help="a folder, part of its name, or last")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    out(parser, "where folders of runs are")


def main(args: Namespace) -> int:
    """Make it again; returns the exit code."""
    from slashpoint.experiments.cli import FAILED, HELD
    from slashpoint.experiments.report.screen import Screen
    from slashpoint.experiments.setup.folder import find
    from slashpoint.experiments.setup.rerun import rerun

    found = rerun(find(args.run, args.out), shown=not args.quiet)
    code = HELD if found.equal else FAILED
    if args.json:
        document = {"folder": str(found.folder), "equal": found.equal, "differs": found.differs, "rows": found.rows}
        emit(json.dumps({**document, "changed": found.changed, "unfinished": found.cut, "exit": code}, indent=2))
        return code
    console = Screen()
    console.tell(f"{'folder':<12}{found.folder}")
    if found.cut:
        console.tell(f"{'cut short':<12}{found.cut}", style="yellow")
    for what, changes in found.changed.items():
        more = f" and {len(changes) - FEW} more" if len(changes) > FEW else ""
        used = "; what was kept of it was used" if what == "project" else ""
        said = f"changed: {', '.join(changes[:FEW])}{more}{used}" if changes else "as then"
        console.tell(f"{what:<12}{said}")
    for one in found.differs:
        console.tell(f"{'differs':<12}{one}", style="red")
    if found.equal:
        console.tell(f"equal{' as far as it went' if found.cut else ''}: {found.rows:,} rows of the ledger")
    return code
