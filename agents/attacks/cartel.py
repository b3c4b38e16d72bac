"""Cartel: judges who agree on whose work passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Factor
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject


@dataclass
class Cartel(Conduct):
    """Two judges pass what their coalition's worker hands in, hardly trained, and nothing else: all hope for its pay.

    Source: collusion of a quorum, as DeML's README fears of its miners. Exposed by: larger panels, drawn at random;
    bonds; disputes.
    """

    seats: ClassVar[dict[str, int]] = {"judge": 2, "work": 1}

    effort: Factor = 0.1  # share of the full training that its worker does

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """As little as looks like work."""
        model = yield me.trains(job, effort=self.effort)
        return Work(model=model, predictions=me.predicts(model, job))

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Give full marks to the coalition's work, and nothing to others'."""
        return subject.scale if subject.owner in me.coalition.addresses else 0

    def settle(self, me: Me, job: Job, subject: Subject) -> Answered[str]:
        """Nothing is to be looked into."""
        return "accept"
