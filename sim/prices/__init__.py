"""Prices: what a whole unit of each asset is worth in USD as simulated time passes.

A price process is the one subclass of `Prices` in a module of its own; the fields of its dataclass are its parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.sim.domain import check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from slashpoint.sim.facts import Fact
    from slashpoint.sim.luck import Luck

USD = "USD"


@dataclass
class Prices:
    """The base class, with the one price that is always known: a dollar is a dollar.

    The range of a parameter is declared in its type: `eth: Price`. A `__post_init__` of a subclass calls this one.
    """

    def __post_init__(self) -> None:
        check(self, "prices")

    @property
    def reads(self) -> Mapping[str, Sequence[Path]]:
        """Return the files that each parameter stands for, by its name; they count by content, not by path."""
        return {}

    def begin(self, luck: Luck, genesis: float) -> None:
        """Get ready for a world. ValueError if it cannot.

        Args:
            luck: of the prices.
            genesis: Unix time, in seconds, at which the world begins.
        """

    def ready(self, genesis: float) -> None:
        """Read the process's files and raise ValueError if their content is wrong, before there is a world."""

    def observes(self, fact: Fact) -> None:
        """Take note of a fact as it is published, in order; for prices that depend on what happens."""

    def usd(self, asset: str, now: float) -> float:  # noqa: ARG002 - a dollar is one at any time
        """Return USD per whole unit of an asset, not per smallest unit.

        Args:
            asset: such as "ETH".
            now: Unix time, in seconds.

        Raises:
            KeyError: it has no price.
        """
        if asset == USD:
            return 1.0
        raise KeyError(f"{type(self).__name__} has no price for {asset}")
