"""Break the contracts on purpose, one bug at a time, and see whether the gate notices.

slashpoint mutants                  all, against conf/gate/pr.yaml
slashpoint mutants IdAgain -j 2     one
slashpoint mutants --suite mine.yaml

Exit codes: 0 all were noticed and the unchanged contracts were not accused, 1 otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.options import many_runs, seeds

    parser.add_argument("names", nargs="*", metavar="MUTANT", help="all, if none")
    parser.add_argument("--suite", default="pr", metavar="SUITE", help="what should notice: name or YAML (%(default)s)")
    seeds(parser)
    many_runs(parser)


def main(args: Namespace) -> int:
    """Break and look; returns the exit code."""
    from slashpoint.experiments.cli import FAILED, HELD
    from slashpoint.experiments.gate.mutants import CLEAN, COLUMNS, KILLED, hunt
    from slashpoint.experiments.gate.patches import mutants
    from slashpoint.experiments.gate.suite import load
    from slashpoint.experiments.report.screen import Grid, screen
    from slashpoint.experiments.setup.compile import warn_of_stale
    from slashpoint.experiments.setup.config import compose
    from slashpoint.experiments.setup.progress import counting
    from slashpoint.experiments.setup.project import in_use
    from slashpoint.experiments.setup.stand_ins import stand_ins
    from slashpoint.experiments.study.executor import CACHE
    from slashpoint.experiments.study.options import document

    project = in_use()
    warn_of_stale(project)
    suite = load(args.suite, project, args.seeds)
    configs = [compose(scenario.overrides, project) for scenario in suite.scenarios if args.names]
    for name in {mutant.name for mutant in mutants() if mutant.build.is_file()}.intersection(args.names):
        stand_ins([name], configs, project)  # a mutant of what is not deployed would survive
    with counting("mutants", what="mutants", shown=not args.quiet) as update:
        table = hunt(suite, args.names, workers=args.jobs, cache=args.out / CACHE, project=project, progress=update)
    sound = table["verdict"].isin([CLEAN, KILLED])
    code = HELD if sound.all() else FAILED
    if args.json:
        emit(document({"rows": table}, COLUMNS, suite=suite.name, project=project, exit=code))
        return code
    shown = Grid("", "mutant", "verdict", "scenario", "found", runs=True)
    for row, good in zip(table.to_dict("records"), sound):
        found = f"{row['by']}: {row['found']}" if row["by"] else f"should be noticed: {row['caught_by']}" * (not good)
        shown.add_row(
            row["mutant"], row["verdict"], row["scenario"], found, str(row["runs"]), style="" if good else "red"
        )
    console = screen()
    console.print(shown)
    console.print()
    console.print(f"{int((table['verdict'] == KILLED).sum())} of {len(table) - 1} mutants killed")
    return code
