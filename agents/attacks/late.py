"""Late: hands in at the last moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.agents.conduct import Conduct, resolved
from slashpoint.sim.domain import Factor

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Work


@dataclass
class Late(Conduct):
    """Does honest work and hands it in just before the deadline, and hopes to give nothing away to those who look.

    Source: Ockenfels and Roth, Late and Multiple Bidding (2006), on sniping. Exposed by: full blocks and slow networks.
    """

    blocks: Factor = 3.0  # before the deadline

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Finish the work, then wait until just before the deadline."""
        work = yield from resolved(super().work(me, job))
        yield me.until(job.deadline - self.blocks * me.block_time)
        return work
