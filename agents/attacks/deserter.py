"""Deserter: leaves as soon as it has been paid."""

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
    """Takes part until a proposal of its own is accepted."""

    def propose(self, me: Me, job: Job) -> Steps:
        """Like everybody; then, if it was worth something, leave in the next turn of somebody else."""
        market = self.market
        yield from super().propose(me, job)
        what, _ = yield me.first(
            won=me.sees(market.GlobalUpdated, round=job.round),
            lost=me.sees(market.RoundBegan, round=job.round + 1),
            closed=me.sees(market.ExperimentClosed),
        )
        if what != "won":
            return
        what, began = yield me.first(
            began=me.sees(market.RoundBegan, round=job.round + 1), closed=me.sees(market.ExperimentClosed)
        )
        if what == "began" and began.proposer != me.address:
            yield me.sends(market.leaves(job), by=float(began.due))


@dataclass
class Deserter(Conduct):
    """Takes the reward of a proposal and its stake, and leaves the voting, and the fees for it, to the others.

    Source: learners may leave an experiment that goes on. Exposed by: rewards that are paid at the end.
    """

    script: ClassVar[type | None] = Learner
