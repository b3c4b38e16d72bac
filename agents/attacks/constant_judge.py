"""Constant judge: the same judgement of whatever comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Share

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject


@dataclass
class ConstantJudge(Conduct):
    """Judges without looking, always alike, and hopes to be paid for agreeing with most.

    Full marks are always a yes, none always a no. Source: the verifier's dilemma, Luu et al. (2015). Exposed by: known
    answers among what is to be judged; pay for judgements that the truth bears out.
    """

    seats: ClassVar[dict[str, int]] = {"judge": 1}

    share: Share = 1.0  # of full marks

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Give everybody the same share of the scale without looking."""
        return round(self.share * subject.scale)
