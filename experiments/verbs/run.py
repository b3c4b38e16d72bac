"""Run a market and print who profits; with -m, every combination of what the overrides list.

slashpoint run                                          one honest market
slashpoint run attack=overclaim seed=3                  the same with somebody who attacks
slashpoint run -m protocol.stake=1,5,20 'attack=[],lazy'  six runs
slashpoint run scenario=small task=digits --json        the quick tier, for machines
slashpoint run scenario=small --contract WorstClaim     with a mutant, or a build of yours, in place of our contract

Overrides are in Hydra's grammar; conf/ and `slashpoint list` have what there is to choose from.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence
    from pathlib import Path

    from omegaconf import DictConfig

    from slashpoint.experiments.report.screen import Screen


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.options import other_contracts, out

    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="group=option or key=value")
    parser.add_argument("-m", "--multirun", action="store_true", help="run every combination")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else, on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--strict", action="store_true", help="1 for money of unknown cause, 4 for any other warning")
    other_contracts(parser)
    out(parser, "where folders of runs are made")


def main(args: Namespace) -> int:
    """Run; returns the exit code."""
    from slashpoint.experiments.cli import CRASHED, worst
    from slashpoint.experiments.report.screen import Screen
    from slashpoint.experiments.report.text import complain
    from slashpoint.experiments.setup.compile import warn_of_stale
    from slashpoint.experiments.setup.config import compose, expand
    from slashpoint.experiments.setup.overrides import once, refuse_idle
    from slashpoint.experiments.setup.project import in_use

    project = in_use()
    warn_of_stale(project)
    once(args.overrides)
    said = expand(args.overrides, project) if args.multirun else [args.overrides]
    configs = [compose(overrides, project) for overrides in said]  # all are checked before the first begins
    refuse_idle(args.overrides, configs)
    others = _stand_ins(args.contract, configs, project)
    console = Screen(quiet=args.json)
    documents, codes = [], []
    for overrides, config in zip(said, configs, strict=True):
        if args.multirun:
            console.rule(" ".join(overrides), align="left")
        document, code = _one(args, config, overrides, project, others, console)
        documents.append(document)
        codes.append(code)
    if args.json:
        emit(json.dumps(documents if args.multirun else documents[0], indent=2))
    if crashed := [" ".join(one) for one, code in zip(said, codes) if code == CRASHED]:
        complain(f"{len(crashed)} of {len(said)} runs crashed:", *crashed)
    return worst(codes)


def _stand_ins(contracts: Sequence[str], configs: Sequence[DictConfig], project: Path | None) -> tuple[Path, ...]:
    """Return the builds to deploy instead: each has its place in every run."""
    if not contracts:
        return ()
    from slashpoint.experiments.setup.stand_ins import stand_ins

    (found,) = {stand_ins(contracts, [config], project) for config in configs}
    return found


def _one(
    args: Namespace,
    config: DictConfig,
    overrides: Sequence[str],
    project: Path | None,
    others: Sequence[Path],
    console: Screen,
) -> tuple[dict[str, Any], int]:
    """One run: its document and its exit code. In a multirun a crash is a row like any other."""
    from slashpoint.experiments.cli import CRASHED
    from slashpoint.experiments.report.tables import summary
    from slashpoint.experiments.report.text import complain
    from slashpoint.experiments.setup.folder import open_run
    from slashpoint.experiments.setup.progress import progress
    from slashpoint.experiments.setup.run import run
    from slashpoint.sim.contract.artifact import standing_in
    from slashpoint.sim.errors import OutOfRoom, contained, traced

    options = [word for one in args.contract for word in ("--contract", one)]
    try:
        shown = progress(config.scenario.jobs, shown=not args.quiet)
        with contained(), standing_in(*others), shown as update:
            result = run(
                config, project=project, overrides=overrides, options=options, runs=args.out, progress=update
            )  # fmt: skip
    except Exception as error:
        if not args.multirun or isinstance(error, OutOfRoom):
            raise  # the next would have no room either
        complain(traced(error))
        return {"overrides": list(overrides), "exit": CRASHED, "error": traced(error)}, CRASHED
    assert result.folder is not None  # `runs` was given
    done = open_run(result.folder)
    summary(done, console)
    code = _verdict(args, done)
    document = json.loads((result.folder / "result.json").read_text())
    for name, value in (("engine", result.engine), ("folder", result.folder), ("again", document["reproduce"])):
        console.tell(f"{name:<11}{value}")
    about = {"overrides": list(overrides), "project": project and str(project), "folder": str(result.folder)}
    return {**document, **about, "exit": code}, code


def _verdict(args: Namespace, done: Any) -> int:
    from slashpoint.experiments.cli import FAILED, HELD, UNDECIDED
    from slashpoint.experiments.report.text import complain
    from slashpoint.sim.metrics.caveats import unexplained, warnings

    if len(done.tables["violations"]) or (args.strict and any(unexplained(done))):
        return FAILED
    if args.strict and (doubts := warnings(done)):
        complain("undecided under --strict:", *(f"  {one}" for one in doubts))
        return UNDECIDED
    return HELD
