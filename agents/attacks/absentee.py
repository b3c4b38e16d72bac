"""Absentee: a judge that takes its seat and judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject


@dataclass
class Absentee(Conduct):
    """Has itself counted among the judges, and hopes that too few are left for a judgement, or to be paid for nothing.

    Source: the empty identities of a Sybil, Douceur (2002). Exposed by: a bond for being there.
    """

    seats: ClassVar[dict[str, int]] = {"judge": 1}

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Leave the question unanswered: no judgement is sent."""
        return None
