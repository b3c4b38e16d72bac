"""Trust: rules that weigh each update by what is known of its sender."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Vector = npt.NDArray[np.float64]  # (d,)
    Stack = npt.NDArray[np.float64]  # (n, d)

TINY = float(np.finfo(np.float64).tiny)


def fltrust(updates: Stack, *, root: Vector) -> Vector:
    """Weigh updates by how closely their direction agrees with a trusted one's, at its length. Cao et al. 2021.

    The trust of g is ReLU(cos(g, root)); each g is rescaled to the root's length. If nobody is trusted: zero.

    Args:
        updates: shape (n, d).
        root: the server's own update from clean data, shape (d,).
    """
    trusted = np.maximum(0, _directions(updates) @ _directions(root[None])[0])
    pull = trusted @ _directions(updates) * np.linalg.norm(root)
    return np.asarray(pull / max(trusted.sum(), TINY))


def foolsgold(updates: Stack, *, history: Stack | None = None) -> Vector:
    """Return the mean of updates weighted by `foolsgold_weights`; zero when all are alike. Fung et al. 2020.

    Args:
        updates: shape (n, d).
        history: the sum of each sender's updates so far, shape (n, d); by default this round's.
    """
    weights = foolsgold_weights(updates if history is None else history)
    return np.asarray(weights @ updates / max(weights.sum(), TINY))


def foolsgold_weights(history: Stack) -> Vector:
    """Weigh each sender by how little it resembles the others: 1 alone, 0 with an identical other. Fung et al. 2020.

    Args:
        history: the sum of each sender's updates so far, shape (n, d).

    Returns:
        Weights from 0 to 1, shape (n,).
    """
    likeness = _directions(history) @ _directions(history).T
    np.fill_diagonal(likeness, 0)
    closest = likeness.max(axis=1)
    resembles = closest[:, None] < closest[None]  # one like Sybils by chance, and less than they are: pardoned
    likeness *= np.where(resembles, closest[:, None] / np.maximum(closest, TINY)[None], 1)
    own = np.clip(1 - likeness.max(axis=1), 0, 1)
    own = np.minimum(own / max(own.max(), TINY), 0.99)
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(np.log(own / (1 - own)) + 0.5, 0, 1))


def _directions(vectors: Stack) -> Stack:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), TINY))
