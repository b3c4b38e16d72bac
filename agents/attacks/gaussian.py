"""Gaussian: noise in place of an update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.agents.poisoner import Poisoner
from slashpoint.sim.domain import Factor

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.agents.poisoner import Stack, Vector
    from slashpoint.sim.market import Job


@dataclass
class Gaussian(Poisoner):
    """Sends noise, untrained, and hopes that it drowns what the others learnt.

    Source: Blanchard et al., Krum (2017). Exposed by: any robust rule; measuring each update.
    """

    effort: Factor = 0.0  # share of the full training
    deviation: Factor = 1.0  # of each weight's noise

    def forge(self, me: Me, job: Job, own: Vector, others: Stack) -> Vector:
        """N(0, deviation²) in each coordinate."""
        from slashpoint.sim.learning.attacks import gaussian

        return gaussian(len(own), me.luck("noise", me.name, *job.round_key).generator(), deviation=self.deviation)
