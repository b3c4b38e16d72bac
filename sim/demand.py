"""The demand of others for block space: what holds the base fee at its level, and what makes it move.

A modelling assumption with a name. At the chain's first base fee others take `background` of the gas target, at twice
that fee half: unit elasticity. Where their demand is volatile, its logarithm is an Ornstein–Uhlenbeck process, sampled
once a block; where it is replayed, recorded blocks say what they took, whatever it cost.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from slashpoint.sim.rules import recorded_shares

if TYPE_CHECKING:
    from slashpoint.sim.luck import Luck
    from slashpoint.sim.rules import ChainRules

NORMAL = NormalDist()


class Background:
    """Others' demand for the space of a chain's blocks.

    Args:
        rules: the chain's parameters.
        luck: of this demand alone.
        first_fee: the chain's first base fee, wei per gas.

    Raises:
        ValueError: the file that is to be replayed cannot be read, or says something else than shares.
    """

    def __init__(self, rules: ChainRules, luck: Luck, first_fee: int) -> None:
        self._rules, self._luck, self._first_fee = rules, luck, first_fee
        self._log = 0.0  # of the demand, relative to its level
        self._recorded = recorded_shares(rules.replay) if rules.replay else []

    def gas(self, slot: int, base_fee: int) -> int:
        """Return the gas that others take of a block; asked once a block, in order.

        Args:
            slot: index of the block since genesis time.
            base_fee: wei per gas.
        """
        rules = self._rules
        if self._recorded:
            return round(rules.gas_limit * self._recorded[slot % len(self._recorded)])
        level = round(rules.gas_limit // rules.elasticity * rules.background * self._factor(slot))
        return min(rules.gas_limit, level * self._first_fee // max(base_fee, 1))

    def _factor(self, slot: int) -> float:
        """Return how much stronger than usual demand is: e^x with x of mean 0 and standard deviation `volatility`."""
        rules = self._rules
        if not rules.volatility:
            return 1.0
        keep = 1 - rules.reversion
        shock = NORMAL.inv_cdf(self._luck(slot).random() or 0.5)
        self._log = keep * self._log + rules.volatility * math.sqrt(1 - keep * keep) * shock
        return math.exp(self._log)
