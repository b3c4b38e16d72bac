"""Search of small contracts: calls per second, and calls to the first violation, beside forge's invariant runner.

Each case is one of `benchmarks/contracts`: ten with a known flaw, five without, with the properties that its developer
would write; with `--long` also without any, where forge has nothing to look at. Everybody begins from the same
deployment, accounts and approvals, and has the contract through which an attacker is called back. forge also gets what
it would not do by itself: a handler that sends wei and that makes each call through the attacker's contract.
Repetitions are seeds. A violation is looked for in 1k, 3k, 10k, 30k and 100k calls; `to first` is the first that shows
one, and `found` whether any did. The rate is of calls alone, with nothing to find.
"""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from slashpoint.experiments.bench.benchmark import Absent, Once, Setting, contender

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.experiments.check.request import Request

BUILD = Path(__file__).parent / "contracts" / "build"
BUDGETS = (1_000, 3_000, 10_000, 30_000, 100_000)
RATED = 20_000  # calls of which the rate is taken
SUPPLY = "7000000ether"
PLAIN, OLD = ("PlainToken", f"PlainToken={SUPPLY}"), ("OldToken", f"OldToken={SUPPLY}")
NEEDS = {  # arguments of the constructor, and a token that it takes
    "SavingsVault": ("PlainToken", *PLAIN),
    "PassbookBank": ("",),
    "Crowdfund": ("50ether,7days",),
    "VillageRaffle": ("7days",),
    "Subscriptions": ("1ether",),
    "SealedSale": ("3days,2days",),
    "ClubFund": ("",),
    "PointLocker": ("OldToken", *OLD),
    "VoucherDesk": ("voucher",),
    "EnglishAuction": ("1ether,1days",),
    "FeeVault": ("PlainToken", *PLAIN),
    "CharityAuction": ("1ether,1days",),
    "ArbitratedEscrow": ("",),
    "EvensAndOdds": ("",),
    "StakingRewards": ("PlainToken", *PLAIN),
}
SOUND = tuple(NEEDS)[10:]
BARE = " without properties"
SETTING = Setting("calls/s", "contract", tuple(NEEDS), long=tuple(f"{name}{BARE}" for name in NEEDS), base="forge")


def request(case: str) -> Request:
    """Return what is deployed for a case."""
    from slashpoint.experiments.check.request import Request

    plain = case.removesuffix(BARE)
    name = plain if case.endswith(BARE) else f"{plain}WithProperties"
    given, *token = NEEDS[plain]
    args = [f"{name}={voucher() if given == 'voucher' else given}"] if given else []
    return Request(tuple(str(BUILD / f"{each}.json") for each in (name, *token[:1])), args=(*args, *token[1:]))


@cache
def voucher() -> str:
    """Return the arguments of VoucherDesk: an issuer, and a voucher of one ether for mallory that it signed."""
    from eth_abi.abi import encode
    from eth_hash.auto import keccak

    from slashpoint.sim.engine.keys import address_of, sign

    to, amount = address_of("mallory"), 10**18
    digest = keccak(encode(["address", "uint256"], [to, amount]))
    signature = sign("issuer", keccak(b"\x19Ethereum Signed Message:\n32" + digest)).packed
    return f"0x{address_of('issuer', 'keys').hex()},mallory,{amount},0x{signature.hex()}"


def first(found: Iterator[bool]) -> dict[str, float]:
    """Return the first budget within which something was found, and whether anything was.

    Args:
        found: whether it was, budget by budget.
    """
    for budget, one in zip(BUDGETS, found):
        if one:
            return {"to first": budget, "found": 1}
    return {"to first": BUDGETS[-1], "found": 0}


@contender("check", "slashpoint-revm", "make native")
def native(case: str) -> Once:
    from dataclasses import replace

    from slashpoint.experiments.check.stage import build
    from slashpoint.sim.search import campaign
    from slashpoint.sim.search.native import search

    setup = build(replace(request(case), engine="native")).setup
    seeds = itertools.count()

    def once() -> dict[str, float]:
        seed = next(seeds)
        began = perf_counter()
        searched = search(setup, calls=RATED, seed=seed).calls
        seconds = perf_counter() - began
        reports = (campaign.check(setup, calls=budget, seed=seed) for budget in BUDGETS)
        return {SETTING.unit: searched / seconds, **first(bool(each.findings) for each in reports)}

    return once


@contender("forge")
def forge(case: str) -> Once:
    return beside(case, guided=False)


@contender("forge, with a corpus")
def guided(case: str) -> Once:
    return beside(case, guided=True)


def beside(case: str, *, guided: bool) -> Once:
    """Return what runs forge's campaigns on a case.

    Args:
        case: a contract.
        guided: whether forge keeps a corpus and is steered by coverage.
    """
    from slashpoint.benchmarks.peers.forge import Forge
    from slashpoint.benchmarks.peers.harness import harness

    if case.endswith(BARE):
        raise Absent("forge's invariant runner looks for nothing but violations of properties")
    project = Forge()
    names = harness(project, request(case), BUILD.parent)
    seeds = itertools.count()

    def once() -> dict[str, float]:
        seed = next(seeds)
        rated = project.campaign(names.nothing, RATED, seed, guided=guided)
        outcome = project.campaign(names.all, BUDGETS[-1], seed, guided=guided)
        found = (outcome.failed and outcome.calls <= budget for budget in BUDGETS)
        return {SETTING.unit: rated.calls / rated.seconds, **first(found)}

    return once
