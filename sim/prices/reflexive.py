"""Prices of a token that falls when its market is seen to fail."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from slashpoint.sim.domain import Positive, Price, Share, Within
from slashpoint.sim.prices import USD, Prices
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.luck import Luck


@dataclass
class Reflexive(Prices):
    """A token whose price follows its market's record: price = token × trust ** elasticity; ether's price is constant.

    Trust is the share of jobs, among those seen to end and `memory` good ones before them, that delivered a model of at
    least `poor` of the scale. A job that ends without a model that can be fetched is a failure too. At elasticity 0 the
    price never moves; at 1 it falls by a percent when trust does. Source: ModelMarket's README, which has bad models
    "detract from the reputation of the system, thereby causing the price of ModelCoin to drop". What trust is, and that
    everybody sees a delivered model's true quality, are modelling assumptions.
    """

    eth: Price = 2500.0  # USD per ETH
    token: Price = 1.0  # USD per whole token while everything succeeds
    elasticity: Annotated[float, Within(0, 100)] = 1.0  # per cent of price for a per cent of trust
    memory: Positive = 10.0  # good jobs that the market is remembered for at genesis
    poor: Share = 0.5  # quality (share of the scale) below which a delivery is a failure
    _seen: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _bad: int = field(default=0, init=False, repr=False, compare=False)
    _times: list[float] = field(default_factory=list, init=False, repr=False, compare=False)
    _trust: list[float] = field(default_factory=list, init=False, repr=False, compare=False)

    def begin(self, luck: Luck, genesis: float) -> None:  # noqa: ARG002 - nothing here is random
        """Start with full trust: see `Prices.begin`."""
        self._seen, self._bad, self._times, self._trust = set(), 0, [], []

    def observes(self, fact: Fact) -> None:
        """Count each job once, when it ends."""
        job = fact.job
        if job is None or job.closed is None or job.key in self._seen:
            return
        self._seen.add(job.key)
        self._bad += _quality(job) < self.poor
        self._times.append(fact.time / SECOND)
        self._trust.append(1 - self._bad / (self.memory + len(self._seen)))

    def usd(self, asset: str, now: float) -> float:
        """Return USD per whole unit of an asset, by what was seen until then: see `Prices.usd`."""
        if asset == USD:
            return super().usd(asset, now)
        if asset == "ETH":
            return self.eth
        seen = bisect_right(self._times, now)
        trust = self._trust[seen - 1] if seen else 1.0
        return float(self.token * trust**self.elasticity)


def _quality(job: Any) -> float:
    """Return the share of the scale that a job's delivered model reaches; below zero when nothing was delivered."""
    model = job.market.delivered(job)
    return -1.0 if model is None else job.market.world.training_cache.score(model, job.task) / job.scale
