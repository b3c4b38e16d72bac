"""Replayer: hands in again what somebody was paid for before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.agents.conduct import Conduct, resolved
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Replayer(Conduct):
    """Hands in, byte for byte, a model that somebody handed in before, and hopes that nobody keeps a list.

    It works where rounds are open to each other's eyes; in the first there may be nothing to take, and it trains.
    Source: DeML's services (a request is paid whenever it comes). Exposed by: identifiers that a job has seen.
    """

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in the first model of this round or of one before that anybody can read."""
        yield me.until(job.deadline - 5 * me.block_time)
        for number in range(job.round, 0, -1):
            for one in job.market.handed(job.at(number, b"", job.deadline)):
                if one.model is not None and one.owner not in me.knowledge.addresses:
                    return Work(model=one.model)
        return (yield from resolved(super().work(me, job)))
