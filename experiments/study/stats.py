"""Statistics of runs: a seed is one observation, intervals are on everything, and nothing is more precise than it is.

Intervals are Student's t unless they say otherwise; `bootstrap` serves statistics that are no means. Intervals that are
read side by side share a level (`each_of`), and a verdict says no more than its interval does. Randomness is keyed, so
that the same rows give the same interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95  # of an interval, or of a family of them
FEW = 5  # observations: of fewer an interval leans on the assumption that they are normal
FEW_MARK = "†"
FEW_TOLD = f"{FEW_MARK} with fewer than {FEW} seeds an interval is right only if values are nearly normal"
PAYS, LOSES, NEGLIGIBLE, UNDECIDED = "pays", "loses", "negligible", "undecided"
DRAWS = 2000  # of a bootstrap
Key = TypeVar("Key", bound="Hashable")


@dataclass(frozen=True)
class Interval:
    """An estimate, what it lies between, and how many runs say so."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def half_width(self) -> float:
        """Half of what lies between; not a number when one run says nothing of it."""
        return (self.high - self.low) / 2

    @property
    def few(self) -> bool:
        """Whether there is an interval, but of few observations."""
        return 2 <= self.n < FEW and not math.isnan(self.half_width)

    def __str__(self) -> str:
        """Mean ± half-width, and how many observations where they are few."""
        if math.isnan(self.half_width):
            return f"{self.mean:+,.2f} (no interval: {'not finite' if self.n > 1 else f'n = {self.n}'})"
        return f"{self.mean:+,.2f} ± {self.half_width:,.2f}" + f" (few seeds: n = {self.n})" * self.few


def t_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Return Student's interval for a mean; no bounds below two values, or where one is infinite.

    Args:
        values: one a run.
        level: of the interval, such as 0.95.
    """
    from scipy.special import stdtrit  # of scipy.stats the import takes a second

    found = np.asarray(values, float)
    n = len(found)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = float(found.mean()) if n else math.nan
        if n < 2 or not np.isfinite(found).all():
            return Interval(mean, math.nan, math.nan, n)
        if not np.ptp(found):  # so that the mean of equal values is exactly theirs
            return Interval(float(found[0]), float(found[0]), float(found[0]), n)
        half = float(stdtrit(n - 1, (1 + level) / 2) * found.std(ddof=1) / math.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def each_of(count: int, level: float = LEVEL) -> float:
    """Return the level of each of some intervals that hold all together at `level` (Bonferroni).

    Args:
        count: how many there are; it is fixed before anybody looks.
        level: at which all are right at once.
    """
    return 1 - (1 - level) / max(1, count)


def verdict(interval: Interval, materiality: float) -> str:
    """Return what an interval says of a gain: pays, loses, negligible or undecided.

    Args:
        interval: of the gain.
        materiality: what is not worth a word, in the gain's unit: a gain pays when the whole interval is above it,
            loses when the whole interval is below its negative, and is negligible when the whole is between.
    """
    if interval.low > materiality:
        return PAYS
    if interval.high < -materiality:
        return LOSES
    if -materiality <= interval.low and interval.high <= materiality:
        return NEGLIGIBLE
    return UNDECIDED


def unseen(n: int, level: float = LEVEL) -> float:
    """Return how often at most something happens that none of n runs showed: about 3 in n ("the rule of three").

    Args:
        n: runs.
        level: of the statement, such as 0.95.
    """
    return float(1 - (1 - level) ** (1 / n)) if n else 1.0


def bootstrap(
    values: ArrayLike,
    of: Callable[[NDArray[np.float64]], float] = lambda sample: float(sample.mean(axis=0)),
    level: float = LEVEL,
    draws: int = DRAWS,
) -> Interval:
    """Return the percentile interval of a statistic of runs (rows); no bounds where too many draws lack such a number.

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. It is narrow below ten runs.
    """
    found = np.asarray(values, float)
    n = len(found)
    estimate = float(of(found)) if n else math.nan
    if n < 2:
        return Interval(estimate, math.nan, math.nan, n)
    picks = Luck("bootstrap", n).generator().integers(n, size=(draws, n))
    again = np.array([of(found[pick]) for pick in picks])
    again = again[~np.isnan(again)]
    if len(again) < level * draws:
        return Interval(estimate, math.nan, math.nan, n)
    low, high = np.quantile(again, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), n)


def p_value(values: ArrayLike, materiality: float = 0.0) -> float:
    """Return the two-sided p of Student's test that a mean is not beyond ± materiality.

    It is below 1 - level exactly where the interval of that level lies wholly beyond; 0 or 1 when all values are equal.

    Args:
        values: one an observation.
        materiality: in their unit.
    """
    from scipy.special import stdtr

    interval = t_interval(values)
    if math.isnan(interval.low):
        return math.nan
    beyond = abs(interval.mean) - materiality
    if beyond <= 0 or interval.low == interval.high:
        return float(beyond <= 0)
    found = np.asarray(values, float)
    return float(2 * stdtr(len(found) - 1, -beyond / (found.std(ddof=1) / math.sqrt(len(found)))))


def crossing(x: ArrayLike, y: ArrayLike) -> float:
    """Return where a curve of straight pieces first changes its sign; not a number where it does not.

    Args:
        x: ascending.
        y: the curve's heights.
    """
    at: list[float] = np.asarray(x, float).tolist()
    value: list[float] = np.asarray(y, float).tolist()
    for i in range(len(at) - 1):
        if value[i] == 0:
            return at[i]
        if value[i] * value[i + 1] < 0:
            return at[i] + (at[i + 1] - at[i]) * value[i] / (value[i] - value[i + 1])
    return at[-1] if at and value[-1] == 0 else math.nan


@dataclass
class Spent:
    """What seeds were spent on: the values so far, and whether they are enough."""

    values: list[float] = field(default_factory=list)
    underpowered: bool = False  # the cap came before the half-width
    level: float = LEVEL

    @property
    def interval(self) -> Interval:
        """Of their mean."""
        return t_interval(self.values, self.level)


def spend(
    sample: Callable[[Sequence[Key], range], Mapping[Key, Sequence[float]]],
    keys: Sequence[Key],
    *,
    half_width: float,
    cap: int,
    level: float = LEVEL,
    batch: int = 8,
    first: int = 0,
) -> dict[Key, Spent]:
    """Spend seeds on each quantity until its interval is narrow enough, or until a cap.

    Looking after each batch makes an interval a little too narrow (Chow and Robbins, 1965): a batch has at least eight,
    and 95 % intervals of normal values cover 93 to 95 %. Eight equal values end it too: see `unseen`.

    Args:
        sample: gives one number a seed for each key that is still open; none at all closes it.
        keys: what is estimated.
        half_width: at most that.
        cap: seeds for each at most.
        level: of the intervals.
        batch: seeds between two looks.
        first: seed.
    """
    spent: dict[Any, Spent] = {key: Spent(level=level) for key in keys}
    still, seed = list(keys), first
    while still and seed < first + cap:
        seeds = range(seed, min(seed + batch, first + cap))
        found = sample(still, seeds)
        for key in still:
            spent[key].values += found[key]
            spent[key].underpowered = not spent[key].interval.half_width <= half_width
        still = [key for key in still if spent[key].underpowered and found[key]]
        seed = seeds.stop
    return spent
