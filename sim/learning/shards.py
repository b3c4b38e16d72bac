"""Shards: labelled rows split among people, evenly or with a preference for some classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.luck import Luck

    Indices = npt.NDArray[np.intp]

HELD_OUT = 0.2  # of each shard, for its owner's own tests
MIN_SHARD_ROWS = 5  # four to train on and one to test with


def split(classes: npt.NDArray[np.integer[Any]], count: int, alpha: float, luck: Luck) -> list[tuple[Indices, Indices]]:
    """Split rows into shards of equal size, no row in two, none left over.

    As Hsu, Qi and Brown do it (2019): each person draws preferences for classes from a Dirichlet distribution around
    the shares of the classes, and takes rows by these preferences as long as there are any of a class.

    Args:
        classes: of each row, shape (rows,).
        count: of shards.
        alpha: of the Dirichlet distribution: the smaller, the fewer classes a shard has; inf is an even split.
        luck: of the split.

    Returns:
        For each shard the indices of the rows to train on, and of those held out to test with.

    Raises:
        ValueError: too few rows for so many shards, or no such alpha.
    """
    if not alpha > 0:
        raise ValueError(f"alpha={alpha} splits nothing: it is positive, and inf for an even split")
    if count < 1 or len(classes) < MIN_SHARD_ROWS * count:
        raise ValueError(
            f"{len(classes)} rows are too few for {count} shards of at least {MIN_SHARD_ROWS}: "
            "take fewer people or more rows"
        )
    generator = luck.generator()
    order = generator.permutation(len(classes))
    if math.isfinite(alpha):
        order = order[_by_preferences(classes[order], count, alpha, generator)]
    return [(shard[held:], shard[:held]) for shard in np.array_split(order, count) for held in (_held(len(shard)),)]


def _held(size: int) -> int:
    """Return how many rows of a shard are held out."""
    return max(1, round(HELD_OUT * size))


def _by_preferences(
    classes: npt.NDArray[np.integer[Any]], count: int, alpha: float, generator: np.random.Generator
) -> Indices:
    """Return the indices of all rows, shard after shard, each in random order."""
    kinds, sizes = np.unique(classes, return_counts=True)
    stock = [np.flatnonzero(classes == kind).tolist() for kind in kinds]
    left, taken = sizes.copy(), []
    for size in (len(part) for part in np.array_split(classes, count)):
        preferences = generator.dirichlet(alpha * sizes / sizes.sum())
        mine: list[int] = []
        while len(mine) < size:
            wanted = np.where(left > 0, preferences, 0)
            if not wanted.sum() > 0:  # no rows of its preferred classes are left
                wanted = left
            drawn = np.minimum(generator.multinomial(size - len(mine), wanted / wanted.sum()), left)
            for kind, number in enumerate(drawn):
                mine += [stock[kind].pop() for _ in range(number)]
            left -= drawn
        taken.append(generator.permutation(mine))
    return np.concatenate(taken)
