"""Compare what each phase of a protocol costs on layer 1 and on a rollup: gas, and fees in dollars.

slashpoint fees                           all protocols, one small honest run on each chain
slashpoint fees golem lilypad scenario.jobs=1 protocol.variant=literal
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    parser.add_argument("what", nargs="*", metavar="PROTOCOL|OVERRIDE", help="protocols (all, if none), key=value")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else, on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def main(args: Namespace) -> int:
    """Measure; returns the exit code."""
    from slashpoint.experiments.cli import HELD
    from slashpoint.experiments.report.screen import Grid, screen
    from slashpoint.experiments.report.tables import money
    from slashpoint.experiments.setup import catalogue
    from slashpoint.experiments.setup.progress import counting
    from slashpoint.experiments.setup.project import in_use
    from slashpoint.experiments.study.fees import COLUMNS, chosen, fees
    from slashpoint.experiments.study.options import document

    project = in_use()
    protocols = chosen([one for one in args.what if "=" not in one], list(catalogue.presets("protocol", project)))
    with counting("fees", shown=not (args.quiet or args.json)) as update:
        table = fees(protocols, [one for one in args.what if "=" in one], project=project, progress=update)
    if args.json:
        emit(document({"rows": table}, COLUMNS, project=project))
        return HELD
    heads = dict.fromkeys(("calls", "gas", "USD, L1", "USD, L2", "L2 data fee, USD"), True)
    shown = Grid("fees by phase, all people together", "protocol", "phase", **heads)
    for row in table.to_dict("records"):
        dollars = (money(row[name]) for name in ("usd_l1", "usd_l2", "data_l2"))
        shown.add_row(row["protocol"], row["phase"], f"{row['calls']:,}", f"{row['gas']:,}", *dollars)
    screen().print(shown)
    return HELD
