"""Free riding, as formulas: models that look like work, made from what everybody has.

A free rider knows the round's base θ_t and the last round's θ_{t−1}; models are flat float64 vectors, shape (d,).
Source: Fraboni, Vidal and Lorenzi 2021 (plain, disguised); Lin, Du and Liu 2019 (random, delta).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Vector = npt.NDArray[np.float64]


def random(size: int, generator: np.random.Generator, bound: float) -> Vector:
    """Draw weights from U(−bound, bound): a model that was never trained.

    Args:
        size: d, numbers in a model.
        generator: of the weights.
        bound: the largest absolute value.
    """
    return generator.uniform(-bound, bound, size)


def plain(base: Vector) -> Vector:
    """Return the base unchanged. With a share w of it in the mean, θ contracts by w + (1 − w)ρ instead of ρ."""
    return base.copy()


def disguised(
    base: Vector,
    first: Vector,
    round_number: int,
    generator: np.random.Generator,
    *,
    k: float = 1.0,
    gamma: float = 1.0,
) -> Vector:
    """Return the base with noise that fades as training does: θ_t + N(0, (σ k t^−γ)²).

    Args:
        base: θ_t, shape (d,).
        first: what the first round changed, θ_1 − θ_0, shape (d,); σ is the mean of its absolute values.
        round_number: t, from 1.
        generator: of the noise.
        k: factor.
        gamma: how fast it fades.
    """
    deviation = float(np.abs(first).mean()) * k * round_number**-gamma
    return base + generator.normal(0.0, deviation, base.shape)


def delta(base: Vector, before: Vector) -> Vector:
    """Repeat the last round's step: θ_t + (θ_t − θ_{t−1}).

    Args:
        base: θ_t, shape (d,).
        before: θ_{t−1}, shape (d,).
    """
    return base + (base - before)
