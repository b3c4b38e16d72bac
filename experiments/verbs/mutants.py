"""Break the contracts on purpose, one bug at a time, and see whether the gate notices.

slashpoint mutants                  all, against conf/gate/pr.yaml
slashpoint mutants IdAgain -j 2     one
slashpoint mutants --suite mine.yaml

Exit codes: 0 all were noticed and the unchanged contracts were not accused, 1 otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """What it takes."""
    from slashpoint.experiments.options import many_runs, seeds

    parser.add_argument("names", nargs="*", metavar="MUTANT", help="all, if none")
    parser.add_argument("--suite", default="pr", metavar="SUITE", help="what should notice: name or YAML (%(default)s)")
    seeds(parser)
    many_runs(parser)


def main(args: Namespace) -> int:
    """Break and look; returns the exit code."""
    from slashpoint.experiments.cli import FAILED, HELD
    from slashpoint.experiments.config import compose
    from slashpoint.experiments.executor import CACHE
    from slashpoint.experiments.mutants import CLEAN, COLUMNS, KILLED, hunt
    from slashpoint.experiments.options import document
    from slashpoint.experiments.patches import mutants
    from slashpoint.experiments.progress import counting
    from slashpoint.experiments.project import in_use
    from slashpoint.experiments.screen import Grid, screen
    from slashpoint.experiments.stand_ins import stand_ins
    from slashpoint.experiments.suite import load

    project = in_use()
    suite = load(args.suite, project, args.seeds)
    configs = [compose(scenario.overrides, project) for scenario in suite.scenarios if args.names]
    for name in {mutant.name for mutant in mutants() if mutant.build.is_file()}.intersection(args.names):
        stand_ins([name], configs, project)  # a mutant of what is not deployed would survive
    with counting("mutants", what="mutants", shown=not args.quiet) as told:
        table = hunt(suite, args.names, workers=args.jobs, cache=args.out / CACHE, project=project, progress=told)
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
