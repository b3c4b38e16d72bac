"""Defences: aggregation rules that make one update of many when some of them may be corrupt.

Updates come stacked, shape (n, d), float64; a rule returns shape (d,) and tolerates at most f < n/2 corrupt ones. What
a rule must know beyond the updates (the centre of clipping, a trusted update) are its keywords. `aggregate` finds rules
by name, and mixing steps before them: `aggregate("bucketing+krum", updates, f, luck=luck)`.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.learning import mixing, trust
from slashpoint.sim.learning.mixing import squared_distances

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    import numpy.typing as npt

    Vector = npt.NDArray[np.float64]  # (d,)
    Stack = npt.NDArray[np.float64]  # (n, d)


def aggregate(name: str, updates: npt.ArrayLike, f: int = 0, **known: Any) -> Vector:
    """Merge many updates into one, by a rule's name.

    An update that is not finite is left out, and counts as one of the f. If so few remain that f is half of them or
    more, it is lowered to the most that a rule tolerates.

    Args:
        name: `mean`, `krum`, `fltrust` …, after mixing steps if any: `nnm+trimmed_mean`. Mixing alone ends in the mean.
        updates: shape (n, d).
        f: how many of them may be corrupt.
        known: what else there is to know (`weights`, `centre`, `root`, `history`, `luck` …); a rule takes what it uses.

    Raises:
        ValueError: no such rule, nothing finite to aggregate, or the rule has to know more.
    """
    stack = np.asarray(updates, np.float64)
    sound = np.isfinite(stack).all(axis=1)
    if not sound.any():
        raise ValueError(f"{name} has nothing to aggregate: none of {len(stack)} updates is finite")
    known = {key: value for key, value in known.items() if value is not None}
    known |= {key: np.asarray(known[key], np.float64)[sound] for key in ("weights", "history") if key in known}
    f = max(0, f - int((~sound).sum()))
    stack = stack[sound]
    *mixers, last = name.split("+")
    if last in _rules(mixing):
        mixers, last = [*mixers, last], "mean"
    for step in mixers:
        stack = _apply(step, _rules(mixing), stack, f, known)
    if mixers:  # rows are nobody's any more
        known = {key: value for key, value in known.items() if key not in {"weights", "history"}}
    merged: Vector = _apply(last, _rules(sys.modules[__name__], trust), stack, f, known)
    return merged


def _rules(*modules: ModuleType) -> dict[str, Callable[..., Any]]:
    """Find the functions of `updates` that modules define, by name."""
    return {
        name: found for module in modules for name, found in vars(module).items()
        if inspect.isfunction(found) and name[0] != "_" and next(iter(inspect.signature(found).parameters)) == "updates"
    }  # fmt: skip


def _apply(name: str, rules: dict[str, Callable[..., Any]], stack: Stack, f: int, known: dict[str, Any]) -> Any:
    if name not in rules:
        raise ValueError(f"no rule {name!r} in this place; there are {', '.join(sorted(rules))}")
    takes = inspect.signature(rules[name]).parameters.values()
    absent = [one.name for one in takes if one.default is one.empty and one.name not in {"updates", "f", *known}]
    if absent:
        raise ValueError(f"{name} has to know {' and '.join(absent)}")
    known = known | {"f": min(f, (len(stack) - 1) // 2)}
    return rules[name](stack, **{one.name: known[one.name] for one in takes if one.name in known})


def mean(updates: Stack, *, weights: Vector | None = None) -> Vector:
    """Return the mean; it tolerates no corrupt update. McMahan et al. 2017.

    Args:
        updates: shape (n, d).
        weights: how many rows each was trained on, shape (n,); without them all weigh the same.
    """
    return np.average(updates, axis=0, weights=weights)


def median(updates: Stack) -> Vector:
    """Return the median of each coordinate. Yin et al. 2018."""
    ordered, half = np.sort(updates, axis=0), len(updates) // 2  # four times as fast as np.median
    return np.asarray((ordered[half] + ordered[-1 - half]) / 2)


def trimmed_mean(updates: Stack, f: int) -> Vector:
    """Return the mean of each coordinate without its f largest and f smallest values. Yin et al. 2018.

    Args:
        updates: shape (n, d).
        f: how many may be corrupt.
    """
    _bears(updates, f)
    return np.asarray(np.sort(updates, axis=0)[f : len(updates) - f].mean(axis=0))


def krum(updates: Stack, f: int, *, neighbours: int | None = None) -> Vector:
    """Return the update with the least sum of squared distances to its nearest others. Blanchard et al. 2017.

    Args:
        updates: shape (n, d); the first wins ties.
        f: how many may be corrupt; the theory wants n ≥ 2f + 3.
        neighbours: others that count; n − f − 2 as in the paper. (Some libraries count n − f − 1, all but f.)
    """
    return np.asarray(updates[np.argmin(_krum_scores(updates, f, neighbours))])


def multi_krum(updates: Stack, f: int, *, neighbours: int | None = None) -> Vector:
    """Return the mean of the n − f updates with the least sums by Krum's measure. Blanchard et al. 2017.

    Args:
        updates: shape (n, d).
        f: how many may be corrupt.
        neighbours: as for `krum`.
    """
    best = np.argsort(_krum_scores(updates, f, neighbours), kind="stable")[: len(updates) - f]
    return np.asarray(updates[best].mean(axis=0))


def _krum_scores(updates: Stack, f: int, neighbours: int | None = None) -> Vector:
    """Sum the squared distances of each update to its nearest others, shape (n,)."""
    _bears(updates, f)
    count = max(1, len(updates) - f - 2) if neighbours is None else neighbours
    nearest = np.sort(squared_distances(updates), axis=1)[:, 1 : count + 1]  # the first is the update itself
    return np.asarray(nearest.sum(axis=1))


def geometric_median(
    updates: Stack, *, smooth: float | None = None, steps: int = 200, start: Vector | None = None
) -> Vector:
    """Find the point with the least sum of distances, by Weiszfeld's steps. Pillutla et al. 2022 (RFA).

    Args:
        updates: shape (n, d).
        smooth: distances below count as this; by default a millionth of the median distance from the start.
        steps: at most; fewer when a step moves less than 1e-12 of the spread.
        start: where to begin, shape (d,); by default the median of each coordinate.
    """
    centre = median(updates) if start is None else start
    spread = float(np.median(np.linalg.norm(updates - centre, axis=1)))
    if spread == 0:
        return np.asarray(centre)  # most are at one point, so that point it is
    smooth = 1e-6 * spread if smooth is None else smooth
    for _ in range(steps):
        pull = 1 / np.maximum(np.linalg.norm(updates - centre, axis=1), smooth)
        moved = pull @ updates / pull.sum()
        still = np.linalg.norm(moved - centre) <= 1e-12 * spread
        centre = moved
        if still:
            break
    return np.asarray(centre)


def centered_clipping(
    updates: Stack, *, centre: Vector | None = None, radius: float | None = None, steps: int = 1
) -> Vector:
    """Move a centre by the mean of the updates around it, each cut to at most `radius`. Karimireddy et al. 2021.

    Args:
        updates: shape (n, d).
        centre: the last round's aggregate, shape (d,); zero in the first.
        radius: how far one update may pull; by default the median distance from the centre.
        steps: how often the centre moves.
    """
    at = np.zeros(updates.shape[1]) if centre is None else np.asarray(centre, np.float64)
    for _ in range(steps):
        at = at + mixing.norm_clipping(updates - at, bound=radius).mean(axis=0)
    return at


def _bears(updates: Stack, f: int) -> None:
    if not 0 <= 2 * f < len(updates):
        raise ValueError(f"no rule bears f={f} corrupt ones among {len(updates)} updates: f must be below half")
