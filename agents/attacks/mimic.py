"""Mimic: one of the others once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.poisoner import Poisoner

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.agents.poisoner import Stack, Vector
    from slashpoint.sim.market import Job


@dataclass
class Mimic(Poisoner):
    """Repeats the update that is least like the others, and hopes that it comes to count for more than it should.

    Each update is as honest as its author's. Source: Karimireddy et al., Byzantine-Robust Learning on Heterogeneous
    Datasets (2022). Exposed by: bucketing; identifiers of updates that a job has seen.
    """

    looks: ClassVar[bool] = True

    def forge(self, me: Me, job: Job, own: Vector, others: Stack) -> Vector:
        """Return the furthest along the direction in which they differ most."""
        from slashpoint.sim.learning.attacks import mimic

        return mimic(others)
