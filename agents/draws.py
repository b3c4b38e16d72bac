"""Draws: what people's circumstances are drawn from, a number or a distribution, and within which bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from slashpoint.sim.luck import Luck

Spec = float | dict[str, Any]  # a number, or a distribution with its parameters
FORMS = "a number, {uniform: [low, high]} or {lognormal: [median, sigma]}"
MOST = 5.0  # of a sigma: a deviation is then a factor of 148


@dataclass(frozen=True)
class Drawn(Within):
    """Numbers within bounds, or distributions of them. What is log-normal is cut at the bounds."""

    def refuses(self, value: Any) -> str:
        """Return what a number or a distribution must be."""
        match value:
            case {"uniform": [low, high]} if len(value) == 1 and _numbers(low, high):
                return super().refuses(low) or super().refuses(high) or ("" if low <= high else "low is above high")
            case {"lognormal": [median, sigma]} if len(value) == 1 and _numbers(median, sigma):
                bad = not (median > 0 and 0 <= sigma <= MOST)
                return super().refuses(median) or f"the median is positive, sigma from 0 to {MOST:g}" * bad
            case int() | float() if _numbers(value):
                return super().refuses(value)
        return f"it must be {FORMS}"

    def draw(self, spec: Spec, luck: Luck) -> float:
        """Return a number from a distribution, or the number itself.

        Args:
            spec: a number or a distribution.
            luck: keyed by person and trait.
        """
        match spec:
            case {"uniform": [low, high]}:
                return luck.uniform(low, high)
            case {"lognormal": [median, sigma]}:
                return min(max(float(median * luck.generator().lognormal(0.0, sigma)), self.low), self.high)
            case int() | float():
                return float(spec)
        raise ValueError(f"{spec}: it must be {FORMS}")


def _numbers(*values: Any) -> bool:
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values)
