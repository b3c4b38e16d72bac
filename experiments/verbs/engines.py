"""Compare the engines: which are installed, whether each conforms, and whether all answer alike.

slashpoint engines                the table for Prague
slashpoint engines --fork cancun  another fork

eth_tester signs and keeps tries, so it takes some ten seconds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    parser.add_argument("--fork", default="prague", choices=("cancun", "prague"), help="whose rules to follow")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: Namespace) -> int:
    """Compare; 1 when an engine that is installed does not conform."""
    from slashpoint.experiments.bench.engines import parity
    from slashpoint.experiments.cli import FAILED, HELD
    from slashpoint.experiments.report.screen import Screen, plain

    rows = parity(args.fork)
    if args.json:
        emit(json.dumps(rows, indent=2))
    else:
        table = plain(*rows[0])
        for row in rows:
            table.add_row(*row.values())
        Screen().print(table)
    return FAILED if any(row["conforms"].startswith("no:") for row in rows) else HELD
