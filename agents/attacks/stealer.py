"""Stealer: proposes the model that another is about to propose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import collective

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job

    Steps = Generator[Any, Any, Any]


class Learner(collective.Learner):
    """Watches the mempool in every round of another's."""

    def vote(self, me: Me, job: Job) -> Steps:
        """Overtake the proposal, then vote on it like everybody."""
        me.spawn(self.overtake, job)
        yield from super().vote(me, job)

    def overtake(self, me: Me, job: Job) -> Steps:
        """The same model, sooner."""
        glimpse = yield me.pool.sees("submits", job, by=job.deadline)
        if glimpse is not None and glimpse.subject == job.round:
            yield me.sends(self.market.submits(job, glimpse.carries, 0), tip=100 * 10**9, by=job.deadline)


@dataclass
class Stealer(Conduct):
    """Sees a proposal on its way and sends the same with a higher tip, and hopes for the proposer's reward.

    Source: front-running, Daian et al., Flash Boys 2.0 (2019). Exposed by: one proposer a round.
    """

    script: ClassVar[type | None] = Learner
    powers: ClassVar[frozenset[str]] = frozenset({"mempool"})
