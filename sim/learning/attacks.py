"""Attacks on learning, as formulas: what an attacker sends in place of an update.

An update is a model's weights less those of its base, float64; the others' updates come stacked, shape (n, d). An
attack moves the aggregate away from the honest updates, and stays as near to them as the aggregation rule requires.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Vector = npt.NDArray[np.float64]  # (d,)
    Stack = npt.NDArray[np.float64]  # (n, d)


def label_flip(labels: npt.NDArray[np.integer[Any]], classes: int) -> npt.NDArray[np.integer[Any]]:
    """Return the labels to train on: y becomes C − 1 − y. Tolpegin et al. 2020; as in Karimireddy et al. 2022.

    Args:
        labels: from 0, any shape.
        classes: C, how many classes there are.
    """
    return classes - 1 - labels


def sign_flip(own: Vector, factor: float = 1.0) -> Vector:
    """Send one's own update backwards: −factor · g. Li et al. 2019 (RSA).

    Args:
        own: g, shape (d,).
        factor: how many times its length.
    """
    return -factor * own


def gaussian(size: int, generator: np.random.Generator, mean: float = 0.0, deviation: float = 1.0) -> Vector:
    """Send noise in place of an update: N(mean, deviation²) in each coordinate. Blanchard et al. 2017.

    Args:
        size: d, numbers in an update.
        generator: of the noise.
        mean: of each coordinate.
        deviation: standard deviation of each coordinate.
    """
    return generator.normal(mean, deviation, size)


def ipm(others: Stack, epsilon: float) -> Vector:
    """Send −ε times the mean of the honest updates (inner product manipulation). Xie et al. 2019.

    With f such updates among n the mean is multiplied by ((n − f) − fε)/n, which is negative where ε > (n − f)/f.

    Args:
        others: honest updates, shape (n − f, d).
        epsilon: ε.
    """
    return -epsilon * np.asarray(others.mean(axis=0))


def alie_z(n: int, f: int) -> float:
    """Return how many deviations f of n may be off the mean and still look better than the rest. Baruch et al. 2019.

    Φ⁻¹((n − f − s)/(n − f)) for the s = ⌊n/2 + 1⌋ − f honest updates that must be farther out, so that f and s are a
    majority.

    Args:
        n: all updates.
        f: how many of them are the attackers'.

    Raises:
        ValueError: f is zero, or not a minority.
    """
    if not 0 < 2 * f < n:
        raise ValueError(f"f={f} of n={n}: the attack is for a minority of at least one")
    supporters = n // 2 + 1 - f
    return NormalDist().inv_cdf((n - f - supporters) / (n - f))


def alie(others: Stack, z: float) -> Vector:
    """Send z deviations below the mean of the honest updates, in each coordinate. Baruch et al. 2019 (ALIE).

    The deviation is the sample's (n − 1); with a single update it is zero.

    Args:
        others: honest updates, shape (n, d).
        z: how many standard deviations; see `alie_z`.
    """
    deviation = others.std(axis=0, ddof=1) if len(others) > 1 else 0.0
    return np.asarray(others.mean(axis=0) - z * deviation)


def mimic(others: Stack) -> Vector:
    """Repeat the honest update that is farthest along the direction of greatest variance. Karimireddy et al. 2022.

    The repeated update is honest; repeating it gives too much weight to the person who is least like the others.
    """
    return np.asarray(others[outlier(others)])


def outlier(others: Stack) -> int:
    """Return the row of `others` that mimics repeat. In the paper they choose once, and keep to that person."""
    apart = others - others.mean(axis=0)
    _, directions = np.linalg.eigh(apart @ apart.T)  # coordinates of each row along the directions, up to their scale
    return int(np.argmax(np.abs(directions[:, -1])))


def min_max(others: Stack) -> Vector:
    """Send the update farthest from the honest mean that is no outlier. Shejwalkar and Houmansadr 2021.

    Its distance to every honest update is at most the largest distance between two honest ones: μ − γσ with the
    largest γ for which max‖μ − γσ − gᵢ‖ ≤ max‖gᵢ − gⱼ‖, for each i a quadratic in γ, solved exactly.
    """
    mean, deviation = others.mean(axis=0), others.std(axis=0)
    size = float(deviation @ deviation)
    if size == 0:
        return np.asarray(mean)
    apart = others - mean
    widest = max(float(((others - one) ** 2).sum(axis=1).max()) for one in others)
    slope = apart @ deviation  # ‖−γσ − aᵢ‖² = γ²‖σ‖² + 2γ aᵢ·σ + ‖aᵢ‖²
    room = widest - (apart**2).sum(axis=1)
    gammas = (-slope + np.sqrt(slope**2 + size * room)) / size
    return np.asarray(mean - gammas.min() * deviation)


def replacement(own: Vector, n: int, rate: float = 1.0) -> Vector:
    """Scale one's own update so that the mean of n becomes one's own model: (n/η) · g. Bagdasaryan et al. 2020.

    It replaces the model if the others' updates have nearly converged to zero.

    Args:
        own: g, shape (d,).
        n: how many updates the mean divides by.
        rate: η, the server's learning rate.
    """
    return n / rate * own
