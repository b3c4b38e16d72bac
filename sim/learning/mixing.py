"""Mixing: what is done to all updates before one is made of them; shape (n, d) to (m, d)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.luck import Luck

    Stack = npt.NDArray[np.float64]  # (n, d)


def nnm(updates: Stack, f: int) -> Stack:
    """Each update replaced by the mean of its n − f nearest, itself among them. Allouah et al. 2023."""
    nearest = np.argsort(squared_distances(updates), axis=1, kind="stable")[:, : len(updates) - f]
    return np.asarray(updates[nearest].mean(axis=1))


def bucketing(updates: Stack, *, luck: Luck, size: int = 2) -> Stack:
    """Means of random groups of `size` (the last may be smaller); each corrupt update spoils one. Karimireddy 2022."""
    order = luck("bucketing").generator().permutation(len(updates))
    return np.stack([updates[order[i : i + size]].mean(axis=0) for i in range(0, len(updates), size)])


def norm_clipping(updates: Stack, *, bound: float | None = None) -> Stack:
    """Updates no longer than `bound`, by default the median of their lengths. Sun et al. 2019."""
    lengths = np.linalg.norm(updates, axis=1)
    bound = float(np.median(lengths)) if bound is None else bound
    return np.asarray(updates * np.minimum(1, bound / np.maximum(lengths, np.finfo(float).tiny))[:, None])


def squared_distances(points: Stack) -> Stack:
    """Squared distances of all pairs, shape (n, n), zero on the diagonal.

    Pair by pair: exact for equal points, where the faster expansion of the square leaves rounding of their length.
    """
    from scipy.spatial.distance import pdist, squareform

    return np.asarray(squareform(pdist(points, "sqeuclidean")))
