"""Crash: an honest fault, a device that dies in the middle of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Share

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Crash(Conduct):
    """Means well, and its device dies after a part of the training, which was paid for. It hopes for better luck.

    Source: ModelMarket's README (training costs electricity). Exposed by: nothing is handed in; not a cheat.
    """

    chance: Share = 0.5  # of a job
    after: Share = 0.5  # share of the training that was done

    def work(self, me: Me, job: Job) -> Any:
        """Half a training, and no work."""
        if me.luck("crash", job.key).random() >= self.chance:
            return (yield from super().work(me, job))
        yield me.trains(job, effort=self.after)
        return None
