"""The demand of others for block space: what holds the base fee at its level, and what makes it move.

A modelling assumption with a name. At the chain's first base fee others take `background` of the gas target, at twice
that fee half: unit elasticity. Where their demand is volatile, its logarithm is an Ornstein–Uhlenbeck process, sampled
once a block; where it is replayed, recorded blocks say what they took, whatever it cost.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from slashpoint.sim.csvfile import read

if TYPE_CHECKING:
    from slashpoint.sim.chain import ChainRules
    from slashpoint.sim.luck import Luck

NORMAL = NormalDist()


class Background:
    """Others' demand for the space of a chain's blocks.

    Raises:
        ValueError: the file that is to be replayed cannot be read, or says something else than shares.
    """

    def __init__(self, rules: ChainRules, luck: Luck, first_fee: int) -> None:
        self._rules, self._luck, self._first_fee = rules, luck, first_fee
        self._log = 0.0  # of the demand, relative to its level
        self._recorded = recorded(rules.replay) if rules.replay else []

    def gas(self, slot: int, base_fee: int) -> int:
        """What others take of a block at this base fee; asked once a block, in order."""
        rules = self._rules
        if self._recorded:
            return round(rules.gas_limit * self._recorded[slot % len(self._recorded)])
        level = round(rules.gas_limit // rules.elasticity * rules.background * self._factor(slot))
        return min(rules.gas_limit, level * self._first_fee // max(base_fee, 1))

    def _factor(self, slot: int) -> float:
        """How much stronger than usual demand is: e^x with x of mean 0 and standard deviation `volatility`."""
        rules = self._rules
        if not rules.volatility:
            return 1.0
        keep = 1 - rules.reversion
        shock = NORMAL.inv_cdf(self._luck(slot).random() or 0.5)
        self._log = keep * self._log + rules.volatility * math.sqrt(1 - keep * keep) * shock
        return math.exp(self._log)


def recorded(path: str) -> list[float]:
    """Return what others took of each block, as shares of its gas limit: the column `share` of a CSV file, by block.

    Raises:
        ValueError: it cannot be read, holds no blocks or something else than shares, or, where there is a column
            `block`, the blocks do not come in order.
    """
    shares: list[float] = []
    block = -math.inf
    for row in read(path, "chain.replay", ("share",)):
        share = row.number("share")
        if not 0 <= share <= 1:
            raise ValueError(f"{row.where}: {share:g} of the gas limit: a share lies in [0, 1]")
        if "block" in row.cells:
            before, block = block, row.number("block")
            if not block > before:
                raise ValueError(f"{row.where}: block {block:.0f} after block {before:.0f}: blocks come in order")
        shares.append(share)
    if not shares:
        raise ValueError(f"chain.replay={path!r} has no block: there is nothing below its first line")
    return shares
