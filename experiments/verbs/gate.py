"""Run a suite and judge it: did this change make anything worse?

slashpoint gate pr                      conf/gate/pr.yaml, ours or the project's
slashpoint gate pr -j 2 --junit x.xml   for CI
slashpoint gate mine.yaml --seeds 50    a file, with more runs
slashpoint gate pr --contract IdAgain   with a mutant, or a build of yours, in the place of our contract

Exit codes: 0 nothing failed, 1 something did, 3 a run crashed, 4 something is not decided and --strict was given.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    import pandas as pd


def arguments(parser: ArgumentParser) -> None:
    """What it takes."""
    from slashpoint.experiments.options import many_runs, one_contract

    parser.add_argument("suite", metavar="SUITE", nargs="?", default="pr", help="name or YAML file (pr)")
    parser.add_argument("--seeds", type=int, metavar="N", help="runs of each scenario, whatever the suite says")
    parser.add_argument("--strict", action="store_true", help="4 for what is not decided, 1 for money of unknown cause")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    one_contract(parser)
    many_runs(parser)


def main(args: Namespace) -> int:
    """Judge; returns the exit code."""
    from slashpoint.experiments import cli
    from slashpoint.experiments.catalogue import find_project
    from slashpoint.experiments.executor import CACHE
    from slashpoint.experiments.gate import COLUMNS, CRASHED, FAILED, INCONCLUSIVE, gate
    from slashpoint.experiments.junit import junit
    from slashpoint.experiments.options import build_of, document
    from slashpoint.experiments.progress import counting
    from slashpoint.experiments.suite import load

    project = find_project()
    suite = load(args.suite, project, args.seeds)
    with counting(f"gate {suite.name}", shown=not args.quiet) as told:
        table = gate(
            suite, strict=args.strict, workers=args.jobs, cache=args.out / CACHE, project=project,
            stand_in=build_of(args.contract), progress=told,
        )  # fmt: skip
    if args.contract:  # or the lines would repeat a run of another contract
        table["line"] = [line and f"{line} --contract {shlex.quote(args.contract)}" for line in table["line"]]
    if args.junit:
        args.junit.write_text(junit(suite.name, table), encoding="utf-8")
    codes = {CRASHED: cli.CRASHED, FAILED: cli.FAILED, INCONCLUSIVE: cli.INCONCLUSIVE if args.strict else cli.HELD}
    code = cli.worst(codes.get(status, cli.HELD) for status in table["status"])
    if args.json:
        print(document({"rows": table}, COLUMNS, suite=suite.name, exit=code))
    else:
        _tell(table)
    return code


def _tell(table: pd.DataFrame) -> None:
    from rich.text import Text

    from slashpoint.experiments.tables import grid, screen

    console = screen()
    shown = grid("", "scenario", "check", "status", "found")
    shown.columns[2].no_wrap = True
    styles = {"failed": "red", "crashed": "red", "inconclusive": "yellow"}
    for row in table.to_dict("records"):
        shown.add_row(
            *(Text(str(row[name])) for name in ("scenario", "check", "status", "found")),
            style=styles.get(row["status"], ""),
        )
    console.print(shown)
    for row in table[table["status"].isin(["failed", "crashed"])].to_dict("records"):
        console.print(
            f"\nFAIL {row['scenario']}: {row['check']}: {row['found']}", style="red", soft_wrap=True, markup=False
        )
        console.print(f"     {row['line']}", soft_wrap=True, markup=False)
    counts = [
        (status, int((table["status"] == status).sum())) for status in ("held", "failed", "crashed", "inconclusive")
    ]
    told = ", ".join(f"{count} {status}" for status, count in counts if count or status != "crashed")
    console.print(f"\n{told}{' (raise --seeds)' if counts[-1][1] else ''}")
