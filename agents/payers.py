"""Payers: a crowd of token holders, whose payments compete for block space with what the market's people send."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from slashpoint.agents.scenario import People
from slashpoint.sim.chain import MOST_WEI
from slashpoint.sim.crowd import BYSTANDER, Crowd
from slashpoint.sim.domain import limits
from slashpoint.sim.units import GWEI

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.batch import Numbers, Places
    from slashpoint.sim.market import Market
    from slashpoint.sim.world import World

GAS = 80_000  # declared for a payment: a token's transfer takes some 35,000 to 55,000


class Payers(Crowd):
    """People who hold the market's token and pay each other in it, as far as block space is worth its price to them.

    Args:
        world: where they live.
        market: whose asset they hold.
        members: how many they are.
        latency: seconds, as a population has it: a number or a distribution.
        eager: probability that somebody who may pay does, a block.
        tip_gwei: median of what a payment tips, per gas; log-normal.
        cap_gwei: median of what a payment is worth at most, per gas; log-normal. Above it, it waits in the mempool.
        sigma: standard deviation of both logarithms.
    """

    strategy: ClassVar[str] = BYSTANDER

    def __init__(
        self, world: World, market: Market, members: int, latency: Any, eager: float, tip_gwei: float, cap_gwei: float,
        sigma: float,
    ) -> None:  # fmt: skip
        if market.asset not in world.tokens:
            raise ValueError(
                f"scenario.crowd.members={members}: {market.name} pays in {market.asset}, which is no token"
            )
        bounds = limits(People)["latency"]
        drawn = [bounds.draw(latency, world.luck("traits", f"payer/{i}")("latency")) for i in range(members)]
        super().__init__(world, "payer", drawn, eth=10.0, tokens={market.asset: 1.0})
        self.token, self.eager, self.sigma = world.tokens[market.asset], eager, sigma
        self.most = max(world.to_units(market.asset, 1) // 1_000, 2)  # smallest units: no payment is so large
        self.tip, self.cap = (math.log(gwei * GWEI) if gwei else -math.inf for gwei in (tip_gwei, cap_gwei))

    def act(self, free: Places) -> None:
        """Pay somebody else a thousandth of a token at most, or the smallest unit where that is more."""
        chain, many = self.world.chain, len(self.members)
        dice = self.world.luck("payers", chain.slot(chain.time)).generator()  # for everybody: who is free changes none
        wants, tips, caps = (
            dice.random(many),
            dice.normal(self.tip, self.sigma, many),
            dice.normal(self.cap, self.sigma, many),
        )
        other, amount = dice.integers(1, max(many, 2), many), dice.integers(1, self.most, many)
        who = free[wants[free] < self.eager]
        if len(who):
            receivers = self.addresses[(who + other[who]) % many]
            calls = self.token.transfer.rows(receivers, amount[who], gas=GAS)
            most = _wei(caps[who])
            self.sends(calls, who, np.minimum(_wei(tips[who]), most), most)


def _wei(logarithms: npt.NDArray[np.float64]) -> Numbers:
    """Return fees per gas by their logarithms; more than any block asks for is as good as that."""
    return np.exp(np.minimum(logarithms, math.log(MOST_WEI))).astype(np.int64)
