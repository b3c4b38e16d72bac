"""Tell the life of a job: who was asked what, how they answered, what they sent, where the money went.

slashpoint explain last          the jobs of the last run
slashpoint explain last 3f2a     the story of the job whose key begins so
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.options import out

    parser.add_argument("run", metavar="RUN", nargs="?", default="last", help="a folder, part of its name, or last")
    parser.add_argument("job", metavar="JOB", nargs="?", help="the first characters of a job's key")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    out(parser, "where folders of runs are")


def main(args: Namespace) -> int:
    """Explain; returns the exit code."""
    from slashpoint.experiments.report.explain import SHORT, extent, find_job, jobs, story
    from slashpoint.experiments.report.screen import Screen, plain
    from slashpoint.experiments.setup.folder import find, open_run

    folder = find(args.run, args.out)
    run = open_run(folder)
    about = {"folder": str(folder), "unfinished": run.unfinished}
    rows, moments = (jobs(run), []) if args.job is None else ([], story(run, find_job(run, args.job)))
    if args.json:
        found = {"jobs": rows} if args.job is None else {"moments": [dataclasses.asdict(one) for one in moments]}
        emit(json.dumps({**about, **found}, indent=2))
        return 0
    console = Screen()
    console.tell(f"{folder}", style="dim")
    if run.unfinished:
        console.tell(f"{extent(run)}. Why: {run.unfinished}", style="yellow")
    if args.job is None:
        table = plain("job", "poster", "budget", "outcome", "winner", "right")
        for row in rows:
            right = "" if row["delivered"] is None else f"{row['delivered']} of {row['scale']}"
            table.add_row(row["job"][:SHORT], row["poster"], row["budget"], row["outcome"], row["winner"] or "", right)
        console.print(table)
        console.print()
        console.tell(f"slashpoint explain {args.run} JOB tells the story of one", style="dim")
    for moment in moments:
        console.tell(f"{moment.seconds:>10,.1f} s  ", style="dim", end="")
        console.tell(f"{moment.who} ", style="bold", end="")
        console.tell(moment.what)
        for line in moment.then:
            console.tell(f"{'':14}{line}", style="cyan")
    return 0
