"""Differential privacy of updates: the Gaussian mechanism, and the privacy loss of several releases together.

One release is a change of a model, clipped to length C, with normal noise of standard deviation zC on each number.
Neighbours are a learner with its shard and one without, who changes nothing; their changes differ by at most C. Votes
and scores, which are published too, are not covered.

What releases tell together is counted by the accountant of the package dp-accounting, which composes the distribution
of the privacy loss (Koskela et al. 2020; Doroshenko et al. 2022), also when each release depends on those before. The
check is a closed form: a release is ρ-zCDP with ρ = 1 / (2z²), releases add up, and ρ-zCDP is (ρ + 2√(ρ ln 1/δ), δ)-DP
(Bun and Steinke, Concentrated Differential Privacy, 2016, propositions 1.6 and 1.3 and lemma 1.7).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.luck import Luck

GRID = 1e-3  # step of the accountant's distribution where ε is below 10, and in proportion above: good to seven digits


def release(change: npt.NDArray[np.floating[Any]], clip: float, noise: float, luck: Luck) -> npt.NDArray[np.float32]:
    """Clip a change and add noise, so that it may be published; shape (parameters,).

    Args:
        change: of a model, shape (parameters,).
        clip: C, the greatest length.
        noise: z, standard deviations in units of C.
        luck: of this release alone.
    """
    length = float(np.linalg.norm(change))
    clipped = change * min(1.0, clip / length) if length else change
    drawn = luck.generator().normal(0.0, noise * clip, len(change))
    return (clipped + drawn).astype(np.float32)


@cache
def epsilon(releases: int, noise: float, delta: float) -> float:
    """Return the ε of several releases together: the smaller of two bounds, which is the accountant's for usual δ.

    Args:
        releases: how many.
        noise: z, standard deviations in units of the clip.
        delta: δ.
    """
    from dp_accounting import GaussianDpEvent, pld  # takes two seconds: only where there is a budget

    closed = closed_form(releases, noise, delta)
    if not releases or not math.isfinite(closed):
        return closed
    accountant = pld.PLDAccountant(value_discretization_interval=GRID * max(1.0, closed / 10))
    return min(closed, float(accountant.compose(GaussianDpEvent(noise), releases).get_epsilon(delta)))


def closed_form(releases: int, noise: float, delta: float) -> float:
    """Return an ε that several releases together never exceed: zCDP, converted. Takes no time, and is a fifth too high.

    Args:
        releases: how many.
        noise: z, standard deviations in units of the clip.
        delta: δ.
    """
    rho = releases / (2 * noise**2)
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))


@cache
def affordable(target: float, noise: float, delta: float) -> int:
    """Count the releases that stay within a privacy budget.

    Args:
        target: ε of all of them together.
        noise: z, standard deviations in units of the clip.
        delta: δ.
    """
    log = math.log(1 / delta)
    surely = math.floor(2 * noise**2 * (math.sqrt(log + target) - math.sqrt(log)) ** 2 + 1e-9)  # by the closed form
    step, over = 1, surely + 1
    while within(over, target, noise, delta):
        step *= 2
        over += step
    counts = range(surely + 1, over + 1)
    return surely + bisect_left(counts, True, key=lambda count: not within(count, target, noise, delta))


def within(releases: int, target: float, noise: float, delta: float) -> bool:
    """Tell whether releases stay within a privacy budget, but for rounding.

    Args:
        releases: how many.
        target: ε of all of them together.
        noise: z, standard deviations in units of the clip.
        delta: δ.
    """
    return epsilon(releases, noise, delta) <= target * (1 + 1e-9)
