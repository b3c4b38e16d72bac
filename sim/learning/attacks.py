"""Attacks on learning, as formulas: what a liar sends in place of an update.

Updates are what a model gained on its base, float64; others' come stacked, shape (n, d). An attack aims where honest
ones do not, and stays as near to them as the rule that merges them asks for.
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
    """The labels to train on: y becomes C − 1 − y. Tolpegin et al. 2020; as in Karimireddy et al. 2022."""
    return classes - 1 - labels


def sign_flip(own: Vector, factor: float = 1.0) -> Vector:
    """One's own update, backwards: −factor · g. Li et al. 2019 (RSA)."""
    return -factor * own


def gaussian(size: int, generator: np.random.Generator, mean: float = 0.0, deviation: float = 1.0) -> Vector:
    """Noise in place of an update: N(mean, deviation²) in each coordinate. Blanchard et al. 2017."""
    return generator.normal(mean, deviation, size)


def ipm(others: Stack, epsilon: float) -> Vector:
    """Inner product manipulation: −ε times the mean of the honest. Xie et al. 2019.

    Among n with f of them, it scales the mean by ((n − f) − fε)/n: backwards where ε > (n − f)/f.
    """
    return -epsilon * np.asarray(others.mean(axis=0))


def alie_z(n: int, f: int) -> float:
    """How many deviations f of n may lie away from the mean and still look better than the rest. Baruch et al. 2019.

    Φ⁻¹((n − f − s)/(n − f)) for the s = ⌊n/2 + 1⌋ − f honest who must lie further out, so that f and s make a majority.

    Raises:
        ValueError: f is no minority, or nobody.
    """
    if not 0 < 2 * f < n:
        raise ValueError(f"f={f} of n={n}: the attack is for a minority of at least one")
    supporters = n // 2 + 1 - f
    return NormalDist().inv_cdf((n - f - supporters) / (n - f))


def alie(others: Stack, z: float) -> Vector:
    """A little is enough: z deviations below the mean of the honest, in each coordinate. Baruch et al. 2019.

    The deviation is the sample's (n − 1); of one update alone it is zero.
    """
    deviation = others.std(axis=0, ddof=1) if len(others) > 1 else 0.0
    return np.asarray(others.mean(axis=0) - z * deviation)


def mimic(others: Stack) -> Vector:
    """One honest update once more: the furthest along the direction in which they differ most. Karimireddy et al. 2022.

    It is as honest as its author, and overweighs whoever is least like the others.
    """
    return np.asarray(others[outlier(others)])


def outlier(others: Stack) -> int:
    """Whom mimics repeat, as a row of `others`. The paper's choose once, and stay with whom they chose."""
    apart = others - others.mean(axis=0)
    _, directions = np.linalg.eigh(apart @ apart.T)  # places of each row along the directions, up to their scale
    return int(np.argmax(np.abs(directions[:, -1])))


def min_max(others: Stack) -> Vector:
    """As far as no further from anybody than they are from one another. Shejwalkar and Houmansadr 2021.

    μ − γσ with the largest γ for which max‖μ − γσ − gᵢ‖ ≤ max‖gᵢ − gⱼ‖: for each i a quadratic in γ, solved exactly.
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
    """One's own update, so large that the mean of n becomes one's model: (n/η) · g. Bagdasaryan et al. 2020.

    It replaces the model where the others' updates have all but converged to zero; `rate` is the server's η.
    """
    return n / rate * own
