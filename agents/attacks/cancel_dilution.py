"""Cancel dilution: a requester whose other accounts submit, so that a forfeited reward comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import modelmarket
from slashpoint.protocols.base import Work
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Requester(modelmarket.Requester):
    """Its first account posts and cancels; the others submit to what it posts."""

    def live(self, me: Me) -> Generator[Any, Any, Any]:
        """Post one's jobs, or pose as a trainer for one's own."""
        yield from super().live(me)
        posted = me.hears(self.market.RequestCreated, job=None)
        while True:
            fact = yield posted.next()
            if fact.job is not None and fact.job.poster in me.mind.addresses - {me.address}:
                me.spawn(self.pose, fact.job)

    def pose(self, me: Me, job: Job) -> Generator[Any, Any, Any]:
        """Submit anything, and take a share of what is forfeited."""
        work = Work(model=b"nothing", predictions=bytes(job.scale))
        if (yield me.sends(self.market.submits(me, job, work), by=job.deadline)).ok:
            yield me.sees(self.market.RequestClosed)
            yield from self.collect(me, job)

    def serve(self, me: Me, job: Job, labels: bytes, salt: bytes) -> Generator[Any, Any, Any]:
        """Cancel shortly before the deadline, when the others have trained."""
        yield me.until(job.deadline - 3 * me.block_time)
        yield me.sends(self.market.cancels(job))
        yield me.sees(self.market.RequestClosed)
        yield from self.collect(me, job)


@dataclass
class CancelDilution(Conduct):
    """Cancels after others have trained, and hopes to get most of the forfeit back by k submissions of its own.

    Source: ModelMarket's README (a forfeited reward is distributed between the trainers). Exposed by: a forfeit that is
    burnt or goes to the treasury; a stake for each submission.
    """

    script: ClassVar[type | None] = Requester

    k: Annotated[int, Within(0, 1000)] = 4  # submissions of its own

    def identities(self, role: type) -> int:
        """One that posts, and those that pose."""
        return 1 + self.k
