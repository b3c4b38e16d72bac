"""Copycat: hands in what another committed to, ahead of him."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Gwei
from slashpoint.sim.market import Work
from slashpoint.sim.units import GWEI

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Copycat(Conduct):
    """Copies what others send before a block has it, outbids them, and hopes to own the work by priority.

    Source: ModelMarket's README (public hashes); Daian et al., Flash Boys 2.0 (2019). Exposed by: commitments that it
    cannot reveal; a salt and an address within the commitment.
    """

    powers: ClassVar[frozenset[str]] = frozenset({"mempool"})

    tip_gwei: Gwei = 50.0  # tip per gas: ahead of whom it copies

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in the first submission in sight."""
        seen = yield me.pool.sees("submits", job, by=job.deadline)
        return seen and Work(copied=seen.carries, tip=round(self.tip_gwei * GWEI))

    def claim(self, me: Me, job: Job, measured: int) -> Answered[int | None]:
        """Return what another claims; the earlier submission wins a tie."""
        seen = yield me.pool.sees("claims", job, by=me.now + 3 * me.block_time)
        return seen.carries if seen else job.scale
