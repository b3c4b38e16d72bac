"""Median hugger: a judge that reports what the others will."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.agents.conduct import Conduct, resolved

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject


@dataclass
class MedianHugger(Conduct):
    """Measures nothing, repeats what a model's owner claims, and hopes that it is near what others measure.

    Source: DeML's description (who is within a threshold of the median is paid). Exposed by: claims that come after the
    reports, or owners who do not say the truth.
    """

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Return the claim; where there is none, a look after all."""
        return (yield from resolved(super().judge(me, job, subject))) if not subject.claimed else subject.claimed
