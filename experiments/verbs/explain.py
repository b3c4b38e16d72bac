"""Tell the life of a job: who was asked what, how they answered, what they sent, where the money went.

slashpoint explain last          the jobs of the last run
slashpoint explain last 3f2a     the story of the job whose key begins so
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("run", metavar="RUN", nargs="?", default="last", help="a folder, part of its name, or last")
    parser.add_argument("job", metavar="JOB", nargs="?", help="the first characters of a job's key")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="where folders of runs are")


def main(args: Namespace) -> int:
    """Explain; returns the exit code."""
    from slashpoint.experiments.explain import SHORT, find_job, jobs, story
    from slashpoint.experiments.folder import open_run
    from slashpoint.experiments.screen import Screen, plain
    from slashpoint.sim.errors import Misconfigured

    try:
        run = open_run(args.run, args.out)
    except FileNotFoundError as error:
        raise Misconfigured(str(error)) from error
    console = Screen()
    if args.job is None:
        rows = jobs(run)
        if args.json:
            print(json.dumps(rows, indent=2))
            return 0
        table = plain("job", "poster", "reward", "outcome", "winner", "right")
        for row in rows:
            right = "" if row["delivered"] is None else f"{row['delivered']} of {row['scale']}"
            table.add_row(row["job"][:SHORT], row["poster"], row["reward"], row["outcome"], row["winner"] or "", right)
        console.print(table)
        console.print()
        console.tell(f"slashpoint explain {args.run} JOB tells the story of one", style="dim")
        return 0
    moments = story(run, find_job(run, args.job))
    if args.json:
        print(json.dumps([dataclasses.asdict(moment) for moment in moments], indent=2))
        return 0
    for moment in moments:
        console.tell(f"{moment.seconds:>10,.1f} s  ", style="dim", end="")
        console.tell(f"{moment.who} ", style="bold", end="")
        console.tell(moment.what)
        for line in moment.then:
            console.tell(f"{'':14}{line}", style="cyan")
    return 0
