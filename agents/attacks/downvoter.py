"""Downvoter: nobody's work is good, but one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct, resolved

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject


@dataclass
class Downvoter(Conduct):
    """Gives nothing for rivals' work and measures its own coalition's, and hopes to win for want of others.

    Source: DeML's README, where miners may compete. Exposed by: quorums; bonds on judgements; no judge who competes.
    """

    seats: ClassVar[dict[str, int]] = {"judge": 1}

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Measure the coalition's work, and give nothing for others'."""
        return (yield from resolved(super().judge(me, job, subject))) if subject.owner in me.coalition.addresses else 0
