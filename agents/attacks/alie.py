"""ALIE: a little is enough, where every coordinate has some spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.poisoner import Poisoner
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.agents.poisoner import Stack, Vector
    from slashpoint.sim.market import Job


@dataclass
class Alie(Poisoner):
    """Stays within the others' spread, always on the same side, and hopes that no rule tells it apart.

    Source: Baruch et al., A Little Is Enough (2019), whose z depends on n and f. Exposed by: bucketing or NNM before a
    robust rule; measuring each update.
    """

    looks: ClassVar[bool] = True

    z: Annotated[float, Within(-1000, 1000)] = 1.5  # deviations; the paper's for n and f is `alie_z(n, f)`

    def forge(self, me: Me, job: Job, own: Vector, others: Stack) -> Vector:
        """Return the others' mean less z of their deviations."""
        from slashpoint.sim.learning.attacks import alie

        return alie(others, self.z)
