"""Lazy: hands in the fruit of a fraction of the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Factor
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Lazy(Conduct):
    """Trains a fraction of what is asked and hopes that nobody else is better.

    Source: ModelMarket's README (training costs electricity). Exposed by: competition, or a minimum accuracy.
    """

    effort: Factor = 0.05  # share of the full training

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Train with a share of the effort, and hand that in."""
        model = yield me.trains(job, effort=self.effort)
        return Work(model=model, predictions=me.predicts(model, job))
