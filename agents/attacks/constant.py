"""Constant: the same answer to every question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Share, Within
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject


@dataclass
class Constant(Conduct):
    """Predicts one class for everything, untrained, and hopes that the others are no better; judges without looking.

    Source: ModelMarket's README (training costs electricity). Exposed by: competition, or a minimum accuracy; as a
    judge, by comparing judgements.
    """

    label: Annotated[int, Within(0, 255)] = 0  # what it predicts
    share: Share = 0.9  # of full marks: what it judges everybody to be worth

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in a model that answers every item alike."""
        return Work(model=bytes([self.label]), predictions=bytes([self.label]) * job.scale)

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Give everybody the same share of full marks without looking."""
        return int(self.share * subject.scale)
