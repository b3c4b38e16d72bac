"""Arrivals: when jobs come."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slashpoint.sim.luck import Luck

ARRIVALS = ("regular", "poisson")


def arrivals(kind: str, interval: float, count: int, luck: Luck) -> list[float]:
    """Seconds from the start at which jobs come.

    Args:
        kind: "regular", one each interval, or "poisson", a Poisson process with that mean interval.
        interval: seconds.
        count: of jobs.
        luck: of the gaps, each keyed by its number: more jobs come after the same first ones.

    Raises:
        ValueError: there is no such kind.
    """
    if kind == "regular":
        return [number * interval for number in range(count)]
    if kind == "poisson":
        gaps = [-interval * math.log1p(-luck(number).random()) for number in range(count)]
        return list(accumulate(gaps))
    raise ValueError(f"scenario.arrivals={kind}: there are {', '.join(ARRIVALS)}")
