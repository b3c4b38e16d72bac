"""Garbage: random bytes in place of work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Bytes
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Garbage(Conduct):
    """Hands in random bytes as model and predictions, and hopes for a job in which nobody else takes part.

    Source: ModelMarket's README (no check of models). Exposed by: competition, or a minimum accuracy.
    """

    size: Bytes = 650  # bytes of the "model"

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in random bytes, which cost no training."""
        luck = me.luck("garbage", job.key)
        return Work(model=luck("model").bytes(self.size), predictions=luck("predictions").bytes(job.scale))
