"""Show what a transaction did inside: the tree of its calls, with arguments, events, answers and reasons of failure.

slashpoint trace last            the transactions of the last run
slashpoint trace last --failed   those that failed
slashpoint trace last 12/0       the calls of the first transaction in block 12; 12 does, where it is alone there

The run is made again on the engine pyevm, up to that block, from what its folder holds, as `rerun` does: with a crowd
that takes a minute. Seconds count from the genesis, where `explain` counts from when a job was posted. The gas of a
call is that of itself and all below it, without the intrinsic gas and before refunds. Exit code 2: there is no such
transaction, or the run cannot be made again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from slashpoint.experiments.report.trace import Transaction

STYLES = {"call": "", "event": "cyan", "answer": "dim", "failure": "red"}


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.options import out

    parser.add_argument("run", metavar="RUN", nargs="?", default="last", help="a folder, part of its name, or last")
    parser.add_argument("transaction", metavar="TX", nargs="?", help="block/place in the block, as in 12/0")
    parser.add_argument("--failed", action="store_true", help="list only transactions that failed")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    out(parser, "where folders of runs are")


def main(args: Namespace) -> int:
    """Show; returns the exit code."""
    from slashpoint.experiments.report.screen import Screen
    from slashpoint.experiments.report.trace import find_transaction, trace, transactions
    from slashpoint.experiments.setup.folder import find, open_run
    from slashpoint.experiments.setup.progress import progress
    from slashpoint.sim.errors import Misconfigured

    folder = find(args.run, args.out)
    run = open_run(folder)
    if args.transaction is None:
        return _list([one for one in transactions(run) if not args.failed or one.status != "success"], args)
    if args.failed:
        raise Misconfigured("--failed lists transactions: leave TX out, or --failed")
    wanted = find_transaction(run, args.transaction)
    with progress(run.config["scenario"]["jobs"], shown=not args.quiet and not args.json) as bar:
        found = trace(folder, run, wanted, bar)
    if args.json:
        emit(
            json.dumps({"folder": str(folder), **wanted._asdict(), "lines": [one._asdict() for one in found]}, indent=2)
        )
        return 0
    console = Screen()
    console.tell(f"{folder}", style="dim")
    console.tell(f"{wanted.name}  {wanted.seconds:,.0f} s  ", style="dim", end="")
    console.tell(f"{wanted.account} ", style="bold", end="")
    console.tell(f"{wanted.call}: {wanted.status}{f', {wanted.reason}' * bool(wanted.reason)}, {wanted.gas:,} gas")
    for line in found:
        gas = f"{line.gas:>10,} " if line.gas is not None else " " * 11
        console.tell(gas, style="dim", end="")
        console.tell(f"{'  ' * line.depth}{line.text}", style=STYLES[line.kind])
    return 0


def _list(found: list[Transaction], args: Namespace) -> int:
    """Show the transactions that there are."""
    from slashpoint.experiments.report.screen import plain, screen

    if args.json:
        emit(json.dumps([one._asdict() for one in found], indent=2))
        return 0
    console = screen()
    if not found:
        console.tell(f"no transaction{' failed' if args.failed else ' ran'}")
        return 0
    table = plain("transaction", "seconds", "account", "call", "gas", "status")
    for one in found:
        ended = f"{one.status}: {one.reason}" if one.reason else one.status
        table.add_row(one.name, f"{one.seconds:,.0f}", one.account, one.call, f"{one.gas:,}", ended)
    console.print(table)
    console.print()
    console.tell(f"slashpoint trace {args.run} {found[0].name} shows what one did inside", style="dim")
    return 0
