"""Check that the limits of a suite hold, for a build of a contract that CI is asked to accept.

slashpoint gate pr                      pr.yaml of your project's conf/gate, else the one that comes with slashpoint
slashpoint gate pr -j 2 --junit x.xml   for CI
slashpoint gate mine.yaml --seeds 50    a file, with more runs
slashpoint gate pr --contract IdAgain   with a mutant, or a build of yours, in the place of a contract

Exit codes: 0 all held, 1 something failed, 3 a run crashed, 4 something is undecided: too few seeds, or runs that lack
the number. --allow-undecided exits with 0 instead of 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    import pandas as pd

    from slashpoint.experiments.gate.suite import Suite


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.options import file, many_runs, other_contracts, seeds

    parser.add_argument("suite", metavar="SUITE", nargs="?", default="pr", help="name or YAML file (pr)")
    seeds(parser)
    parser.add_argument(
        "--strict", action="store_true", help="also exit with 1 if a payment has no known cause or a job was not posted"
    )
    parser.add_argument(
        "--allow-undecided", action="store_true", help="exit with 0 instead of 4 if something is undecided"
    )
    parser.add_argument("--junit", type=file, metavar="FILE", help="write JUnit XML")
    other_contracts(parser)
    many_runs(parser)


def main(args: Namespace) -> int:
    """Judge; returns the exit code."""
    from slashpoint.experiments import cli
    from slashpoint.experiments.gate.judge import COLUMNS, CRASHED, FAILED, UNDECIDED, gate
    from slashpoint.experiments.gate.junit import junit
    from slashpoint.experiments.gate.suite import load
    from slashpoint.experiments.report.text import quoted
    from slashpoint.experiments.setup.compile import refuse_stale
    from slashpoint.experiments.setup.config import compose
    from slashpoint.experiments.setup.files import writing
    from slashpoint.experiments.setup.progress import counting
    from slashpoint.experiments.setup.project import in_use
    from slashpoint.experiments.setup.stand_ins import stand_ins
    from slashpoint.experiments.study.executor import CACHE
    from slashpoint.experiments.study.options import document

    project = in_use()
    refuse_stale(project)
    suite = load(args.suite, project, args.seeds)
    configs = (compose(scenario.overrides, project) for scenario in suite.scenarios)
    others = stand_ins(args.contract, configs, project)
    with counting(f"gate {suite.name}", shown=not args.quiet) as update:
        table = gate(
            suite, strict=args.strict, workers=args.jobs, cache=args.out / CACHE, project=project,
            stand_ins=others, progress=update,
        )  # fmt: skip
    if args.contract:  # or the lines would repeat a run of another contract
        said = "".join(f" --contract {quoted(one)}" for one in args.contract)
        table["line"] = [line and f"{line}{said}" for line in table["line"]]
    undecided = cli.HELD if args.allow_undecided else cli.UNDECIDED
    codes = {CRASHED: cli.CRASHED, FAILED: cli.FAILED, UNDECIDED: undecided}
    code = cli.worst(codes.get(status, cli.HELD) for status in table["status"])
    if args.json:
        emit(document({"rows": table}, COLUMNS, suite=suite.name, level=suite.level, project=project, exit=code))
    else:
        _tell(suite, table, allowed=args.allow_undecided)
    if args.junit:
        with writing(args.junit):
            args.junit.write_text(junit(suite.name, table, allow_undecided=args.allow_undecided), encoding="utf-8")
    return code


def _tell(suite: Suite, table: pd.DataFrame, *, allowed: bool) -> None:
    from slashpoint.experiments.gate.judge import CRASHED, FAILED, HELD, UNDECIDED
    from slashpoint.experiments.report.screen import Grid, screen

    console, styles = screen(), {FAILED: "red", CRASHED: "red", UNDECIDED: "yellow"}
    shown = Grid("", "scenario", "check", "status", "found")
    shown.columns[2].no_wrap = True
    rows = table.to_dict("records")
    for row in rows:
        cells = (str(row[name]) for name in ("scenario", "check", "status", "found"))
        shown.add_row(*cells, style=styles.get(row["status"], ""))
    console.print(shown)
    for row in (row for row in rows if row["status"] != HELD):
        console.print()
        message = f"{row['status'].upper()} {row['scenario']}: {row['check']}: {row['found']}"
        console.tell(message, style=styles[row["status"]])
        console.tell(f"     {row['line']}")
    console.print()
    for note in _notes(suite):
        console.tell(f"note      {note}")
    counts = {status: sum(row["status"] == status for row in rows) for status in (HELD, FAILED, CRASHED, UNDECIDED)}
    total = ", ".join(f"{count} {status}" for status, count in counts.items() if count or status != CRASHED)
    how = " and allowed" if allowed else ": more --seeds may decide it, --allow-undecided accepts it"
    console.tell(f"{total}{how * bool(counts[UNDECIDED])}")


def _notes(suite: Suite) -> Iterator[str]:
    """Yield what a reader must know who believes the table."""
    if suite.means:
        share = f"so that {suite.means} hold together at {suite.confidence:.6g}" if suite.means > 1 else "the suite's"
        yield f"intervals of means have a level of {suite.level:.6g}, {share}"
    if silent := [scenario.name for scenario in suite.scenarios if not scenario.expect]:
        yield f"nothing is expected but that invariants hold: {', '.join(silent)}"
