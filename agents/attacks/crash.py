"""Crash: an honest fault, a device that dies in the middle of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.agents.conduct import Conduct, resolved
from slashpoint.sim.domain import Share

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Work


@dataclass
class Crash(Conduct):
    """Means well, and its device dies after a part of the training, which was paid for. It hopes for better luck.

    Source: ModelMarket's README (training costs electricity). Exposed by: nothing is handed in; not an attacker.
    """

    chance: Share = 0.5  # of a job
    after: Share = 0.5  # share of the training that was done

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Half a training, and no work."""
        if me.luck("crash", job.key).random() >= self.chance:
            return (yield from resolved(super().work(me, job)))
        yield me.trains(job, effort=self.after)
        return None
