"""Host as competitor: who puts up the prize competes for it, and knows the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class HostAsCompetitor(Conduct):
    """Trains on the test of its own competition under another name, and hopes to win its prize back with the buy-ins.

    Source: DeML's description (anonymous users). Exposed by: a test that a third party chooses; winning with what it
    paid in costs it the miners' share and the fees.
    """

    seats: ClassVar[dict[str, int]] = {"truth": 1, "work": 1}

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Know the test by heart in one's own competition; else as asked."""
        model = yield me.trains(job, leak=job.poster in me.coalition.addresses)
        return Work(model=model, predictions=me.predicts(model, job))
