"""Search compiled contracts for what breaks them, without a line of Python.

slashpoint check out/X.sol/X.json                       deploys X, and calls it in every way that its ABI allows
slashpoint check out/Vault.json out/Token.json          contracts that know each other: Vault(address token) is filled
slashpoint check build.json:X --args 'X=Token,100,1ether,3days' --value X=1ether
slashpoint check V.json Proxy.json --proxy V=Proxy --init 'V=initialize(deployer,5)'
slashpoint check --replay checks/X/gain-X.json          a sequence that was found, step by step

Artifacts are those of Foundry, Hardhat, Truffle, Vyper, solc's standard JSON, or ours. An argument is a number, perhaps
with a unit (1ether, 30gwei, 3days, now+1week), the name of an account (deployer, alice, bob, carol, mallory) or of
another artifact, 0x…, text, true or false; arrays and structs are JSON. Who is not told is guessed, and the guess is
printed. Each account has 1,000,000 ether, and of tokens among the artifacts 1,000,000 where they can be minted.

A contract is wrong where a view called invariant_…, echidna_… or property_… fails, an assertion fails, somebody takes
what is others', money is stuck for ever, or a token's balances do not add up. What is found is shrunk, printed and
saved in checks/, in the project (the folder with a slashpoint.yaml) or else the current folder: later checks replay it.

Exit codes: 0 nothing was found, 1 something was, 2 bad input, 3 crash, 4 undecided: not one call succeeded.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from slashpoint.experiments.check.request import Request

MOST_CALLS, MOST_SEED, LONGEST = 10**9, 2**63 - 1, 10_000
LENGTH = 100  # calls of a sequence


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.options import whole

    add = parser.add_argument
    add("artifacts", nargs="*", metavar="ARTIFACT", help="a compiler's JSON file; FILE:NAME where several are in it")
    for option, form, what in (
        ("args", "NAME=ARG,ARG", "arguments of a contract's constructor"),
        ("value", "NAME=WEI", "what its constructor is sent, such as 1ether"),
        ("proxy", "NAME=PROXY", "it is called through this proxy, another artifact"),
        ("init", "NAME=CALL", "what the deployer calls once all stand, such as 'initialize(deployer,5)'"),
    ):
        add(f"--{option}", action="append", default=[], metavar=form, help=f"{what}; may be repeated")
    add("--calls", type=whole(1, MOST_CALLS), metavar="N", help="how many are made (100000 native, 5000 pyevm)")
    add("--length", type=whole(1, LONGEST), metavar="N", help=f"calls of a sequence, at most ({LENGTH})")
    add("--seed", type=whole(0, MOST_SEED), default=0, metavar="N", help="of everything random (%(default)s)")
    add(
        "--engine", default="auto", choices=("auto", "native", "pyevm"), help="native where it is installed, else pyevm"
    )
    add("-j", "--jobs", type=whole(1, 1024), metavar="N", help="processes (the results are the same); 1")
    add("--replay", metavar="FILE", help="tell a saved sequence step by step, and whether it still shows its finding")
    add("--json", action="store_true", help="print one JSON document, and nothing else, on stdout")
    add("--quiet", action="store_true", help="no progress")


def main(args: Namespace) -> int:
    """Search; returns the exit code."""
    from slashpoint.experiments.check.request import Request
    from slashpoint.sim.errors import Misconfigured

    if args.replay is not None:
        return _replayed(args)
    if not args.artifacts:
        raise Misconfigured("name an artifact: the JSON file that a compiler wrote, such as out/X.sol/X.json")
    return _searched(args, Request.of(args))


def _searched(args: Namespace, request: Request) -> int:
    from slashpoint.experiments.check.output import console, say
    from slashpoint.experiments.check.saved import earlier
    from slashpoint.experiments.check.shards import CALLS, replay, search, shards
    from slashpoint.experiments.check.stage import build
    from slashpoint.experiments.check.verdict import judge
    from slashpoint.experiments.cli import FAILED, HELD, UNDECIDED
    from slashpoint.experiments.setup.progress import counting
    from slashpoint.sim.search.campaign import distinct

    stage = build(request)
    saved = list(earlier(stage.plan.targets))
    engine = stage.setup.engine.name
    again = [each.steps(stage) for each in saved if not each.lacks(stage)]
    parts = shards(request, engine, args.calls or CALLS[engine], args.seed, args.length or LENGTH, again)
    with counting("check", what="calls", shown=not args.quiet) as update:
        shown = replay(stage.setup, again, args.seed).findings if again else []
        report = search(stage, parts, args.jobs or 1, update)
    report.findings = distinct([*shown, *report.findings])
    verdict = judge(stage, report, request, args.seed, saved)
    code = FAILED if verdict.told else HELD if verdict.tested else UNDECIDED
    if args.json:
        emit(json.dumps(verdict.document(exit=code), indent=2))
    else:
        say(verdict, console())
    return code


def _replayed(args: Namespace) -> int:
    from dataclasses import replace
    from pathlib import Path

    from slashpoint.experiments.check.output import console, deployed, story
    from slashpoint.experiments.check.request import NAMED, Request
    from slashpoint.experiments.check.saved import read
    from slashpoint.experiments.check.shards import replay
    from slashpoint.experiments.check.stage import build
    from slashpoint.experiments.check.teller import Teller, readable, title
    from slashpoint.experiments.cli import FAILED, HELD
    from slashpoint.sim.errors import Misconfigured

    for option in ("calls", "length", "jobs"):
        if getattr(args, option) is not None:
            raise Misconfigured(f"--replay searches nothing: leave --{option} out")
    for option in NAMED:
        if getattr(args, option) and not args.artifacts:
            raise Misconfigured(
                f"--replay deploys what {args.replay} says: name the artifacts too, or leave --{option} out"
            )
    saved = read(Path(args.replay))
    asked = Request.of(args) if args.artifacts else saved.request
    stage = build(asked if args.engine == "auto" else replace(asked, engine=args.engine))
    if lacks := saved.lacks(stage):
        raise Misconfigured(f"{args.replay} calls {', '.join(lacks)}: name the artifact too")
    steps = saved.steps(stage)
    told = Teller(stage.setup).story(steps)
    report = replay(stage.setup, [steps], args.seed)
    found = next((each for each in report.findings if each.key == saved.finding.key), None)
    code = FAILED if found else HELD
    if args.json:
        document = {"exit": code, "kind": saved.finding.kind, "subject": saved.finding.subject, "holds": found is None}
        emit(json.dumps({**document, "steps": [each.document() for each in told.lines]}, indent=2))
        return code
    screen = console()
    deployed(stage, screen)
    if changed := saved.changed(stage):
        screen.tell(f"changed since it was saved: {', '.join(changed)}")
    screen.tell(title(saved.finding), style="bold")
    story(told, screen)
    screen.tell(
        readable(found.why) if found else "it shows nothing any more: mended",
        style="bold red" if found else "bold green",
    )
    return code
