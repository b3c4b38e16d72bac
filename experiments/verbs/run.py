"""Run a market and print who profits; with -m, every combination of what the overrides list.

slashpoint run                                          one honest market
slashpoint run attack=overclaim seed=3                  the same with somebody who cheats
slashpoint run -m protocol.stake=1,5,20 attack=[],lazy  six runs
slashpoint run scenario=small task=digits --json        the quick tier, for machines
slashpoint run scenario=small --contract WorstClaim     with a mutant, or a build of yours, in place of our contract

Overrides are in Hydra's grammar; conf/ and `slashpoint list` have what there is to choose from.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from omegaconf import DictConfig
    from rich.console import Console


def arguments(parser: ArgumentParser) -> None:
    """What it takes."""
    from slashpoint.experiments.options import one_contract

    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="group=option or key=value")
    parser.add_argument("-m", "--multirun", action="store_true", help="run every combination")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else, on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--strict", action="store_true", help="1 for money of unknown cause, 4 for any other warning")
    one_contract(parser)
    parser.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="where folders of runs are made")


def main(args: Namespace) -> int:
    """Run; returns the exit code."""
    from rich.console import Console

    from slashpoint.experiments.catalogue import find_project
    from slashpoint.experiments.cli import worst
    from slashpoint.experiments.config import compose, expand

    project = find_project()
    said = expand(args.overrides, project) if args.multirun else [args.overrides]
    configs = [compose(overrides, project) for overrides in said]  # all are checked before the first begins
    console = Console(quiet=args.json)
    documents, codes = [], []
    for overrides, config in zip(said, configs, strict=True):
        if args.multirun:
            console.rule(" ".join(overrides), align="left")
        document, code = _one(args, config, overrides, project, console)
        documents.append(document)
        codes.append(code)
    if args.json:
        print(json.dumps(documents if args.multirun else documents[0], indent=2))
    return worst(codes)


def _one(
    args: Namespace, config: DictConfig, overrides: Sequence[str], project: Path | None, console: Console
) -> tuple[dict[str, Any], int]:
    """One run: its document and its exit code. In a multirun a crash is a row like any other."""
    from slashpoint.experiments.cli import CRASHED
    from slashpoint.experiments.folder import open_run
    from slashpoint.experiments.options import build_of
    from slashpoint.experiments.progress import progress
    from slashpoint.experiments.run import run
    from slashpoint.experiments.tables import summary
    from slashpoint.sim.contract.artifact import standing_in

    options = ["--contract", args.contract] if args.contract else []
    try:
        with standing_in(build_of(args.contract)), progress(config.scenario.jobs, shown=not args.quiet) as told:
            result = run(
                config, project=project, overrides=overrides, options=options, runs=args.out, progress=told
            )  # fmt: skip
    except Exception:
        if not args.multirun:
            raise
        traceback.print_exc()
        return {"overrides": list(overrides), "exit": CRASHED, "error": traceback.format_exc()}, CRASHED
    assert result.folder is not None  # `runs` was given
    done = open_run(result.folder)
    summary(done, console)
    code = _verdict(args, done)
    document = json.loads((result.folder / "result.json").read_text())
    for name, value in (("engine", result.engine), ("folder", result.folder), ("again", document["reproduce"])):
        console.print(f"{name:<11}{value}", highlight=False, soft_wrap=True)
    return {**document, "overrides": list(overrides), "folder": str(result.folder), "exit": code}, code


def _verdict(args: Namespace, done: Any) -> int:
    from slashpoint.experiments.cli import FAILED, HELD, INCONCLUSIVE
    from slashpoint.sim.metrics.caveats import unexplained, warnings

    if len(done.tables["violations"]) or (args.strict and any(unexplained(done))):
        return FAILED
    if args.strict and (doubts := warnings(done)):
        print("inconclusive under --strict:", *doubts, sep="\n  ", file=sys.stderr)
        return INCONCLUSIVE
    return HELD
