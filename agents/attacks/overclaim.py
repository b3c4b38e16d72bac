"""Overclaim: reports a perfect score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.agents.conduct import Conduct

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Overclaim(Conduct):
    """Claims the best possible score whatever was measured, and hopes that nobody checks.

    Source: ModelMarket's README (claims come before proof). Exposed by: revealing what was committed; the stake pays.
    """

    def claim(self, me: Me, job: Job, measured: int) -> Answered[int | None]:
        """Claim that every prediction is right."""
        return job.scale
