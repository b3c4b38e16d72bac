"""Sybil: one person behind several accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject, Work


@dataclass
class Sybil(Conduct):
    """One brain, k accounts: work and judgements are made, and paid for, once. Compose it: `attack=[sybil,overclaim]`.

    Source: Douceur, The Sybil Attack (2002). Exposed by: a stake or a fee for each identity.
    """

    modifies: ClassVar[bool] = True

    k: Annotated[int, Within(1, 1000)] = 3  # accounts

    def identities(self, role: type) -> int:
        """As many in every role."""
        return self.k

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Train once, and hand the same in from each account."""
        return (yield from me.knowledge.once(("work", job.round_key), me, super().work, me, job))

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Measure once, and judge the same from each account."""
        return (yield from me.knowledge.once(("judge", job.round_key, subject.id), me, super().judge, me, job, subject))
