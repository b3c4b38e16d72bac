"""Vote copier: another's open vote, for free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Factor

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject


@dataclass
class VoteCopier(Conduct):
    """Waits for a vote on its way and casts the same, and hopes to be paid with the majority for no measurement.

    A committed vote says nothing: then it takes what the worker claims, else full marks. Source: weight copying, as
    Bittensor's Yuma consensus has it. Exposed by: committed votes; known answers among what is to be judged.
    """

    powers: ClassVar[frozenset[str]] = frozenset({"mempool"})
    seats: ClassVar[dict[str, int]] = {"judge": 1}

    patience: Factor = 3.0  # blocks that it waits for one

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Return the first vote in sight, in the unit of judgements."""
        seen = yield me.pool.sees("judges", job, by=me.now + self.patience * me.block_time)
        vote = None if seen is None or seen.subject not in {None, subject.id} else seen.carries
        if isinstance(vote, bool):
            return subject.scale if vote else 0
        if isinstance(vote, int):
            return vote
        return subject.scale if subject.claimed is None else subject.claimed
