"""Sign flip: what it learnt, backwards."""

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
class SignFlip(Poisoner):
    """Trains, and sends the opposite of what it gained, and hopes that a mean of few takes everybody backwards.

    Source: Li et al., RSA (2019). Exposed by: a median or a trimmed mean; measuring each update; a gain that is asked
    for.
    """

    factor: Factor = 1.0  # how far back

    def forge(self, me: Me, job: Job, own: Vector, others: Stack) -> Vector:
        """Send its own update times a negative factor."""
        from slashpoint.sim.learning.attacks import sign_flip

        return sign_flip(own, self.factor)
