"""Survey the networks: deploy one model on each, use it, stop nodes, attack it, and write a page of what was measured.

slashpoint survey                                   every protocol that there is, in each of its variants
slashpoint survey collective federated --seeds 1    some of them; quick, and without intervals
slashpoint survey --out docs/survey -j 2            the page where others read it

Everywhere the same model, demand, providers and attackers. The page is README.md and index.html (offline), with its
pictures; behind it are details.md and numbers.json, which has the command, the seeds and the interval of every number.
What documents say of a network lies in the survey.yaml of its folder. What was run before is not run again: repeat the
same command to continue a survey that was stopped. The same command writes the same files, to the byte.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

RUNS = Path("runs")


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.options import many_runs, names, whole

    parser.add_argument("what", nargs="*", metavar="PROTOCOL|OVERRIDE", help="protocols (all, if none), key=value")
    parser.add_argument("--seeds", type=whole(1), default=3, metavar="N", help="of each number (%(default)s)")
    parser.add_argument(
        "--attacks", type=names, default=[], metavar="A,B", help="all that name no protocol, if not given"
    )
    many_runs(parser, "where the page is written (a folder of its own in runs/surveys)")
    parser.set_defaults(out=None)


def main(args: Namespace) -> int:
    """Survey; returns the exit code."""
    from slashpoint.experiments.cli import CRASHED, FAILED, HELD, worst
    from slashpoint.experiments.report.screen import Screen
    from slashpoint.experiments.report.text import command
    from slashpoint.experiments.setup.compile import warn_of_stale
    from slashpoint.experiments.setup.overrides import once
    from slashpoint.experiments.setup.progress import counting
    from slashpoint.experiments.setup.project import in_use
    from slashpoint.experiments.study.executor import CACHE
    from slashpoint.experiments.survey.survey import survey

    overrides = [one for one in args.what if "=" in one]
    protocols = [one for one in args.what if "=" not in one]
    once(overrides)
    project = in_use()
    warn_of_stale(project)
    attacks = ["--attacks", ",".join(args.attacks)] if args.attacks else []
    line = command("survey", [*args.what, "--seeds", str(args.seeds), *attacks])
    with counting("survey", shown=not args.quiet) as update:
        done = survey(
            protocols, overrides, seeds=args.seeds, line=line, attacks=args.attacks, workers=args.jobs,
            cache=RUNS / CACHE, project=project, progress=update,
        )  # fmt: skip
    files = done.write(args.out or RUNS / "surveys" / _called([*args.what, *attacks]))
    if args.json:
        emit(json.dumps({"project": project and str(project), "files": [str(one) for one in files], **done.numbers()}))
    else:
        console = Screen()
        for one in files:
            if one.suffix in {".md", ".html"}:
                console.tell(f"{one.suffix[1:]:<9}{one}")
    rows = done.found.rows
    return worst([CRASHED if done.found.crashed else HELD, FAILED if (rows["violations"] > 0).any() else HELD])


def _called(what: list[str]) -> str:
    import hashlib

    return f"survey_{hashlib.blake2b(' '.join(what).encode(), digest_size=3).hexdigest()}"
