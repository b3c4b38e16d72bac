"""Ballot stuffer: votes more than once, and on its own proposals."""

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
    """Votes twice in every round, and in those of its own."""

    def propose(self, me: Me, job: Job) -> Steps:
        """Approve of oneself."""
        me.spawn(self.stuff, job)
        yield from super().propose(me, job)

    def vote(self, me: Me, job: Job) -> Steps:
        """Once like everybody, and once more."""
        me.spawn(self.stuff, job)
        yield from super().vote(me, job)

    def stuff(self, me: Me, job: Job) -> Steps:
        """Vote as soon as there is something to vote on, and open it as often as it goes."""
        market, score = self.market, job.scale
        what, proposed = yield me.first(
            proposed=me.sees(market.Proposed, round=job.round), over=me.sees(market.ProposerSkipped, round=job.round)
        )
        if what == "over":
            return
        due, vote = float(proposed.due), {"approve": True, "score": score}
        yield me.sends(market.judges(me, job, **vote), by=due)
        if market.terms.sealed:
            _, closed = yield me.first(all=me.sees(market.AllCommitted, round=job.round), by=due)
            until = float(closed.due) if closed is not None else due + market.terms.vote_window
            for _ in range(2):
                yield me.sends(market.reveals(me, job, **vote), by=until)
        else:
            yield me.sends(market.judges(me, job, **vote), by=due)


@dataclass
class BallotStuffer(Conduct):
    """Votes again and again for what it likes, its own proposals first, and hopes that somebody counts.

    Source: Fetch.ai's collective learning (a proposer's own vote is void). Exposed by: one vote a seat.
    """

    script: ClassVar[type | None] = Learner
