"""Differential privacy of updates: the Gaussian mechanism, and the privacy loss of several releases together.

One release is a change of a model, clipped to length C, with normal noise of standard deviation zC on each number.
Neighbours are a learner with its shard and one without, who changes nothing; their changes differ by at most C. Then a
release is ρ-zCDP with ρ = 1 / (2z²), releases add up, also when each depends on those before, and ρ-zCDP is
(ρ + 2√(ρ ln 1/δ), δ)-DP: Bun and Steinke, Concentrated Differential Privacy (2016), propositions 1.6 and 1.3 and lemma
1.7. Votes and scores, which are published too, are not covered.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.luck import Luck


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


def epsilon(releases: int, noise: float, delta: float) -> float:
    """Return the ε of several releases together.

    Args:
        releases: how many.
        noise: z, standard deviations in units of the clip.
        delta: δ.
    """
    rho = releases / (2 * noise**2)
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))


def affordable(target: float, noise: float, delta: float) -> int:
    """Count the releases that stay within a privacy budget.

    Args:
        target: ε of all of them together.
        noise: z, standard deviations in units of the clip.
        delta: δ.
    """
    log = math.log(1 / delta)
    return math.floor(2 * noise**2 * (math.sqrt(log + target) - math.sqrt(log)) ** 2 + 1e-9)
