"""Mixing: what is done to all updates before they are aggregated; shape (n, d) to (m, d)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.luck import Luck

    Stack = npt.NDArray[np.float64]  # (n, d)


def nnm(updates: Stack, f: int) -> Stack:
    """Replace each update by the mean of its n − f nearest, itself among them. Allouah et al. 2023.

    Args:
        updates: shape (n, d).
        f: how many may be corrupt.
    """
    nearest = np.argsort(squared_distances(updates), axis=1, kind="stable")[:, : len(updates) - f]
    return np.asarray(updates[nearest].mean(axis=1))


def bucketing(updates: Stack, *, luck: Luck, size: int = 2) -> Stack:
    """Average random groups; each corrupt update spoils one group. Karimireddy et al. 2022.

    Args:
        updates: shape (n, d).
        luck: of the groups.
        size: updates in a group; the last may have fewer.
    """
    order = luck("bucketing").generator().permutation(len(updates))
    return np.stack([updates[order[i : i + size]].mean(axis=0) for i in range(0, len(updates), size)])


def norm_clipping(updates: Stack, *, bound: float | None = None) -> Stack:
    """Shorten updates that are longer than a bound. Sun et al. 2019.

    Args:
        updates: shape (n, d).
        bound: the largest length; by default the median of the lengths.
    """
    lengths = np.linalg.norm(updates, axis=1)
    bound = float(np.median(lengths)) if bound is None else bound
    return np.asarray(updates * np.minimum(1, bound / np.maximum(lengths, np.finfo(float).tiny))[:, None])


def squared_distances(points: Stack) -> Stack:
    """Return the squared distances of all pairs, shape (n, n), zero on the diagonal.

    Pair by pair: exact for equal points, where the faster expansion of the square leaves rounding of their length.
    """
    from scipy.spatial.distance import pdist, squareform

    return np.asarray(squareform(pdist(points, "sqeuclidean")))
