"""The scenario: everything about a run that is neither the protocol, nor the chain, nor what is learnt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

from slashpoint.agents.arrivals import ARRIVALS
from slashpoint.agents.draws import Drawn, Spec
from slashpoint.sim.domain import Among, Count, Gwei, Seconds, Share, Within, check

MOST_PEOPLE = 10**6
SPAN, BLOCKS = 24_000, (2_000, 24_000)  # of a run, unless it is set: seconds; blocks, at least and at most


@dataclass(frozen=True, kw_only=True)
class People:
    """What each person's circumstances are drawn from."""

    latency: Annotated[Spec, Drawn(0, 86_400)]  # seconds from sending to the mempool, and from a block to hearing of it
    speed: Annotated[Spec, Drawn(0.001, 10**6)]  # times the reference device
    power: Annotated[Spec, Drawn(0, 10**6)]  # watts while training
    energy: Annotated[Spec, Drawn(0, 1000)]  # USD per kWh
    data_share: Annotated[Spec, Drawn(0.001, 1)]  # of a public training set that the device can hold
    outside_usd: Annotated[Spec, Drawn(0, 10**9)]  # what a person could earn in the stead of a job

    def __post_init__(self) -> None:
        check(self, "scenario.people")


@dataclass(frozen=True, kw_only=True)
class Bystanders:
    """Holders of the market's token who pay each other."""

    members: Count
    eager: Share  # probability that one who has nothing pending pays, a block
    tip_gwei: Gwei  # what a payment tips per gas: median, log-normal
    cap_gwei: Gwei  # what a payment is worth at most per gas: median, log-normal
    sigma: Annotated[float, Within(0, 10)]  # standard deviation of both logarithms

    def __post_init__(self) -> None:
        check(self, "scenario.crowd")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The settings of `conf/scenario/`, checked when they are made."""

    jobs: Count
    blocks: Annotated[int, Within(0, 10**9)] | None  # at most; None: see `most_blocks`
    scale: Annotated[int, Within(1, MOST_PEOPLE)]  # times the seats of the protocol
    interval: Seconds  # between the postings of two jobs
    arrivals: Annotated[str, Among(*ARRIVALS)]
    free_entry: bool
    attackers: Annotated[int, Within(1, MOST_PEOPLE)]  # times the seats that an attack asks for
    seat: Annotated[int, Within(0, 2**63, "high")]  # the first of its role's seats that it takes, modulo their number
    allow: tuple[str, ...]  # invariants that are not asked
    given: tuple[str, ...]  # assets of which who posts jobs owns what all do
    absent: tuple[str, ...]  # people who stay away
    crowd: dict[str, Any]
    people: dict[str, Any]

    def __post_init__(self) -> None:
        check(self, "scenario")
        Bystanders(**self.crowd)
        People(**self.people)


def most_blocks(asked: int | None, block_time: float) -> int:
    """Return after how many blocks a run ends at the latest: as many as asked, else what 24,000 seconds hold.

    Args:
        asked: the setting `scenario.blocks`.
        block_time: seconds.
    """
    low, high = BLOCKS
    return min(max(low, math.ceil(SPAN / block_time)), high) if asked is None else asked
