"""Run a suite and judge it: did this change make anything worse?

slashpoint gate pr                      conf/gate/pr.yaml, ours or the project's
slashpoint gate pr -j 2 --junit x.xml   for CI
slashpoint gate mine.yaml --seeds 50    a file, with more runs
slashpoint gate pr --contract IdAgain   with a mutant, or a build of yours, in the place of a contract

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
    from slashpoint.experiments.options import many_runs, other_contracts

    parser.add_argument("suite", metavar="SUITE", nargs="?", default="pr", help="name or YAML file (pr)")
    parser.add_argument("--seeds", type=int, metavar="N", help="runs of each scenario, whatever the suite says")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="4 for what is not decided, 1 for money of unknown cause or jobs not posted",
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    other_contracts(parser)
    many_runs(parser)


def main(args: Namespace) -> int:
    """Judge; returns the exit code."""
    from slashpoint.experiments import cli
    from slashpoint.experiments.config import compose
    from slashpoint.experiments.executor import CACHE
    from slashpoint.experiments.gate import COLUMNS, CRASHED, FAILED, INCONCLUSIVE, gate
    from slashpoint.experiments.junit import junit
    from slashpoint.experiments.options import document
    from slashpoint.experiments.progress import counting
    from slashpoint.experiments.project import in_use
    from slashpoint.experiments.stand_ins import stand_ins
    from slashpoint.experiments.suite import load

    project = in_use()
    suite = load(args.suite, project, args.seeds)
    configs = (compose(scenario.overrides, project) for scenario in suite.scenarios)
    others = stand_ins(args.contract, configs, project)
    with counting(f"gate {suite.name}", shown=not args.quiet) as told:
        table = gate(
            suite, strict=args.strict, workers=args.jobs, cache=args.out / CACHE, project=project,
            stand_ins=others, progress=told,
        )  # fmt: skip
    if args.contract:  # or the lines would repeat a run of another contract
        said = "".join(f" --contract {shlex.quote(one)}" for one in args.contract)
        table["line"] = [line and f"{line}{said}" for line in table["line"]]
    if args.junit:
        args.junit.write_text(junit(suite.name, table), encoding="utf-8")
    codes = {CRASHED: cli.CRASHED, FAILED: cli.FAILED, INCONCLUSIVE: cli.INCONCLUSIVE if args.strict else cli.HELD}
    code = cli.worst(codes.get(status, cli.HELD) for status in table["status"])
    if args.json:
        print(document({"rows": table}, COLUMNS, suite=suite.name, project=project, exit=code))
    else:
        _tell(table)
    return code


def _tell(table: pd.DataFrame) -> None:
    from slashpoint.experiments.screen import Grid, screen

    console = screen()
    shown = Grid("", "scenario", "check", "status", "found")
    shown.columns[2].no_wrap = True
    styles = {"failed": "red", "crashed": "red", "inconclusive": "yellow"}
    for row in table.to_dict("records"):
        shown.add_row(
            *(str(row[name]) for name in ("scenario", "check", "status", "found")),
            style=styles.get(row["status"], ""),
        )
    console.print(shown)
    for row in table[table["status"].isin(["failed", "crashed"])].to_dict("records"):
        console.print()
        console.tell(f"FAIL {row['scenario']}: {row['check']}: {row['found']}", style="red")
        console.tell(f"     {row['line']}")
    counts = [
        (status, int((table["status"] == status).sum())) for status in ("held", "failed", "crashed", "inconclusive")
    ]
    told = ", ".join(f"{count} {status}" for status, count in counts if count or status != "crashed")
    console.print()
    console.tell(f"{told}{' (raise --seeds)' if counts[-1][1] else ''}")
