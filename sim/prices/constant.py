"""Constant prices: the default, for runs in which only the protocol matters."""

from __future__ import annotations

from dataclasses import dataclass

from slashpoint.sim.domain import Price
from slashpoint.sim.prices import USD, Prices


@dataclass
class Constant(Prices):
    """One price for ether and one for every token, at all times."""

    eth: Price = 2500.0  # USD per ETH
    token: Price = 1.0  # USD per whole token

    def usd(self, asset: str, now: float) -> float:
        """Return USD per whole unit of an asset: see `Prices.usd`."""
        if asset == USD:
            return super().usd(asset, now)
        return self.eth if asset == "ETH" else self.token
