"""Turncoat: opens another vote than it sealed."""

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
    """Votes with whoever wins."""

    def vote(self, me: Me, job: Job) -> Steps:
        """Seal something, then read the others' openings."""
        market = self.market
        what, proposed = yield me.first(
            proposed=me.sees(market.Proposed, round=job.round), over=me.sees(market.ProposerSkipped, round=job.round)
        )
        if what == "over":
            return
        due = float(proposed.due)
        if not market.terms.sealed:
            yield me.until(due - 4 * me.block_time)
            yield me.sends(market.judges(me, job, approve=self.leads(job), score=0), by=due)
            return
        if not (yield me.sends(market.judges(me, job, approve=True, score=0), by=due)).ok:
            return
        _, closed = yield me.first(all=me.sees(market.AllCommitted, round=job.round), by=due)
        until = float(closed.due) if closed is not None else due + market.terms.vote_window
        yield me.until(until - 4 * me.block_time)
        yield me.sends(market.reveals(me, job, approve=self.leads(job), score=0), by=until)

    def leads(self, job: Job) -> bool:
        """Whether more have approved than rejected."""
        book = self.market.contract.experimentOf(job.id)
        return bool(2 * book.approvals > book.revealed)


@dataclass
class Turncoat(Conduct):
    """Seals a vote without looking, waits how the others vote, and opens on the winning side: paid, and no work done.

    Source: whoever opens last knows what the others opened. Exposed by: seals that bind.
    """

    script: ClassVar[type | None] = Learner
