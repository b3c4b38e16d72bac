"""Offline: an honest fault, away for some of the jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Share

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Offline(Conduct):
    """Means well, and is away from the network for a part of the jobs after having handed in. It hopes for mercy.

    Source: ModelMarket's README (who misses a window loses the stake). Exposed by: timeouts; not an attacker.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    chance: Share = 0.5  # to be away for a job

    def _away(self, me: Me, job: Job) -> bool:
        return me.luck("offline", job.key).random() < self.chance

    def claim(self, me: Me, job: Job, measured: int) -> Answered[int | None]:
        """Claim nothing while away, else as usual."""
        return None if self._away(me, job) else super().claim(me, job, measured)

    def reveal(self, me: Me, job: Job, what: str) -> Answered[bool | str]:
        """Nothing is opened while away."""
        return not self._away(me, job) and super().reveal(me, job, what)
