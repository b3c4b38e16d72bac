"""Prices that follow geometric Brownian motion."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Annotated

from slashpoint.sim.domain import Price, Within
from slashpoint.sim.luck import Luck
from slashpoint.sim.prices import USD, Prices

if TYPE_CHECKING:
    from slashpoint.sim.luck import Key

DAY = 86_400.0  # seconds
YEAR = 365 * DAY  # seconds
HALVINGS = 17  # of a day: the walk is exact at multiples of two thirds of a second, and straight between
STANDARD = NormalDist()


@dataclass
class GBM(Prices):
    """Geometric Brownian motion from given prices at genesis; the expected price grows by `drift`.

    S(t) = S(0) exp((drift - volatility²/2) t + volatility W(t)), a W for each asset (Black and Scholes 1973). W takes a
    keyed step a day and a keyed Brownian bridge within the day (Lévy's construction), so a price depends on when it is
    asked for, not on how often.
    """

    eth: Price = 2500.0  # USD per ETH at genesis
    token: Price = 1.0  # USD per whole token at genesis
    drift: Annotated[float, Within(-100, 100)] = 0.0  # per year, of the expected price
    eth_volatility: Annotated[float, Within(0, 100)] = 0.7  # per square root of a year
    token_volatility: Annotated[float, Within(0, 100)] = 1.2  # per square root of a year
    _luck: Luck = field(default=Luck("prices"), init=False, repr=False, compare=False)
    _genesis: float = field(default=0.0, init=False, repr=False, compare=False)
    _days: dict[str, list[float]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def begin(self, luck: Luck, genesis: float) -> None:
        """Start at `genesis`, with this luck: see `Prices.begin`."""
        self._luck, self._genesis, self._days = luck, genesis, {}

    def usd(self, asset: str, now: float) -> float:
        """Return USD per whole unit of an asset; before genesis, the price at genesis."""
        if asset == USD:
            return super().usd(asset, now)
        start = self.eth if asset == "ETH" else self.token
        volatility = self.eth_volatility if asset == "ETH" else self.token_volatility
        passed = max(0.0, now - self._genesis)
        trend = (self.drift - volatility**2 / 2) * passed / YEAR
        return start * math.exp(trend + volatility * math.sqrt(DAY / YEAR) * self._walk(asset, passed / DAY))

    def _walk(self, asset: str, days: float) -> float:
        """Return standard Brownian motion of an asset after some days."""
        day, rest = divmod(days, 1.0)
        sums = self._days.setdefault(asset, [0.0])
        while len(sums) <= day + 1:
            sums.append(sums[-1] + self._normal(asset, len(sums)))
        low, high = sums[int(day)], sums[int(day) + 1]
        place = 1  # the node of a binary tree over the day
        for level in range(HALVINGS):
            middle = (low + high) / 2 + self._normal(asset, int(day), place) * 2.0 ** (-level / 2 - 1)
            rest *= 2
            if rest < 1:
                place, high = 2 * place, middle
            else:
                place, low, rest = 2 * place + 1, middle, rest - 1
        return low + (high - low) * rest

    def _normal(self, *key: Key) -> float:
        return STANDARD.inv_cdf(self._luck(*key).random() + 2.0**-54)  # never 0
