"""Check: search for sequences that break a contract, and report those that an oracle confirms."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slashpoint.sim.search import plain
from slashpoint.sim.search.finding import Kind
from slashpoint.sim.search.harvest import Gain, Harvest
from slashpoint.sim.search.oracles import confirm
from slashpoint.sim.search.probe import money_confirmer, probe
from slashpoint.sim.search.properties import properties
from slashpoint.sim.search.shrink import shrink
from slashpoint.sim.search.values import constants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slashpoint.sim.search.finding import Finding
    from slashpoint.sim.search.setup import Setup
    from slashpoint.sim.search.step import Step

ROUNDS = 4  # of a search; what one brought home is what the next goes on from
ROUND = 4_000  # calls that a round has at least
PROBING = 2  # calls of the search, beside each of which one looks for money
EXTRA = 8_000  # and these, in each round
BRIEFLY = 100  # calls with which somebody tries to get money out while a sequence is made shorter
REPLAYS = 40  # of a finding of money, each of which is thousands of calls
CORPUS = 256  # sequences that a round goes on from


@dataclass
class Report:
    """What a check found out about contracts."""

    findings: list[Finding] = field(default_factory=list)  # confirmed, shrunk, one a bug
    harvest: Harvest = field(default_factory=Harvest)
    notes: list[str] = field(default_factory=list)  # what a reader should know beside them, one sentence each

    def add(self, other: Report) -> None:
        """Take in what a check of the same setup with another seed reports: the shorter of two findings of a bug."""
        self.findings = distinct([*self.findings, *other.findings])
        self.harvest.add(other.harvest)
        self.notes += [note for note in other.notes if note not in self.notes]


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding a bug, in the order in which the bugs were found first: the shortest, of equals the first."""
    kept: dict[tuple[Kind, str], Finding] = {}
    for finding in findings:
        rival = kept.get(finding.key)
        if rival is None or len(finding.steps) < len(rival.steps):
            kept[finding.key] = finding
    return list(kept.values())


def check(
    setup: Setup,
    *,
    calls: int,
    seed: int,
    length: int = 100,
    saved: Sequence[tuple[Step, ...]] = (),
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Search for what is wrong with a setup's contracts, and confirm it.

    The setup is as it was when this returns. The same setup, calls, seed and saved sequences give the same report.

    Args:
        setup: what every sequence begins from.
        calls: how many are executed in the search; what confirms and shrinks comes on top.
        seed: of all that is drawn.
        length: calls a sequence has at most.
        saved: sequences of earlier checks, which are replayed first and searched on from.
        progress: is told how many of the calls have been made, from time to time.
    """
    report = Report()
    asked = list(properties(setup))
    words = constants_of(setup)
    suspects: dict[tuple[Kind, str], Finding] = {}
    money: list[Finding] = []
    doubts: list[str] = []
    rounds = min(ROUNDS, max(1, calls // ROUND))
    for turn in range(rounds):
        share = calls * (turn + 1) // rounds - calls * turn // rounds
        corpus = tuple(saved) if turn == 0 else tuple(report.harvest.interesting[-CORPUS:])
        found = campaign_of(setup)(
            setup, calls=share, seed=seed * ROUNDS + turn, length=length, properties=asked, words=words, corpus=corpus
        )
        report.harvest.add(found)
        for suspect in distinct(found.suspects):
            suspects.setdefault(suspect.key, suspect)
        if progress:
            progress(report.harvest.calls)
        told = [each.key for each in money]
        shown, doubts = probe(setup, report.harvest, seed * ROUNDS + turn, EXTRA + share // PROBING, told)
        money += shown
    confirmed = [seen for each in suspects.values() if (seen := confirm(setup, each))]
    shrunk = [shrink(setup, each, lambda finding: confirm(setup, finding)) for each in confirmed]
    shrunk += [_shrink_money(setup, each, seed) for each in distinct(money)]
    report.findings = distinct(shrunk)
    report.notes = list(dict.fromkeys(doubts))
    return report


def _shrink_money(setup: Setup, finding: Finding, seed: int) -> Finding:
    """Return a finding of money with a shorter sequence, if that is confirmed with as much effort as the long one."""
    short = shrink(setup, finding, money_confirmer(setup, seed, BRIEFLY), REPLAYS)
    return money_confirmer(setup, seed)(short) or finding


def campaign_of(setup: Setup) -> Callable[..., Harvest]:
    """Return the campaign that suits a setup's engine: the native one where it is built, else the plain one."""
    if setup.engine.name == "native" and importlib.util.find_spec("slashpoint.sim.search.native"):
        native = importlib.import_module("slashpoint.sim.search.native")
        search: Callable[..., Harvest] = native.search
        return search
    return plain.search


def constants_of(setup: Setup) -> list[int]:
    """Return the numbers that the setup's contracts have in their code."""
    found: dict[int, None] = {}
    for contract in setup.contracts.values():
        found |= dict.fromkeys(constants(setup.engine.code(contract.address_)))
    return list(found)


def gains(report: Report) -> list[str]:
    """Return the most that anybody gained of each asset, in a report that accuses nobody: a reader may judge it better.

    Asked once all parts of a check are together: a gain is news only where it is the largest of all.
    """
    if any(each.kind == Kind.GAIN for each in report.findings):
        return []
    best: dict[str, tuple[Gain, str]] = {}
    for (account, asset), gain in sorted(report.harvest.gains.items()):
        if asset not in best or gain.amount > best[asset][0].amount:
            best[asset] = gain, account
    return [
        f"{account} once had {gain.amount} of {asset} more than at its start, after {len(gain.steps)} calls, the most "
        "that anybody had: no theft was shown, and gifts count here"
        for asset, (gain, account) in best.items()
    ]
