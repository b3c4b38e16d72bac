"""IPM: the mean of the others' updates, backwards."""

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
class Ipm(Poisoner):
    """Sends −ε times what the others gained on average, and hopes that their mean turns against the truth.

    A small ε hides among honest updates, one above (n − f)/f reverses the mean of n. Source: Xie et al., Fall of
    Empires (2019). Exposed by: bucketing or NNM before a robust rule; committed updates, which it cannot see.
    """

    looks: ClassVar[bool] = True

    epsilon: Annotated[float, Within(-1000, 1000)] = 2.0  # ε

    def forge(self, me: Me, job: Job, own: Vector, others: Stack) -> Vector:
        """Send the others' mean times minus epsilon (inner product manipulation)."""
        from slashpoint.sim.learning.attacks import ipm

        return ipm(others, self.epsilon)
