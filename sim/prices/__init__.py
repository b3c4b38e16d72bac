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
    """The interface, and the one price that is always known: a dollar is a dollar.

    What a parameter can be is declared in its type: `eth: Price`. A `__post_init__` of one's own calls this one.
    """

    def __post_init__(self) -> None:
        check(self, "prices")

    @property
    def reads(self) -> Mapping[str, Sequence[Path]]:
        """The files that each parameter stands for, by its name: what they hold counts, not where they lie."""
        return {}

    def begin(self, luck: Luck, genesis: float) -> None:
        """Get ready for a world: its luck, and the Unix time at which it begins. ValueError if it cannot."""

    def ready(self, genesis: float) -> None:
        """Refuse files that hold something else than they should, with ValueError, before there is a world."""

    def observes(self, fact: Fact) -> None:
        """Hear of a fact as it is published, in order; only reflexive prices care."""

    def usd(self, asset: str, now: float) -> float:  # noqa: ARG002 - a dollar is one at any time
        """USD per whole one of an asset, not its smallest unit, at a Unix time; KeyError for one that has no price."""
        if asset == USD:
            return 1.0
        raise KeyError(f"{type(self).__name__} has no price for {asset}")
