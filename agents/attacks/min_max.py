"""Min-max: as far away as no further than the others are from one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.poisoner import Poisoner

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.agents.poisoner import Stack, Vector
    from slashpoint.sim.market import Job


@dataclass
class MinMax(Poisoner):
    """Goes as far from the mean as the two most distant honest updates are apart, and hopes that distances say nothing.

    Source: Shejwalkar and Houmansadr, Manipulating the Byzantine (2021). Exposed by: measuring each update; NNM.
    """

    looks: ClassVar[bool] = True

    def forge(self, me: Me, job: Job, own: Vector, others: Stack) -> Vector:
        """Return the largest step against the deviations that keeps within their distances."""
        from slashpoint.sim.learning.attacks import min_max

        return min_max(others)
