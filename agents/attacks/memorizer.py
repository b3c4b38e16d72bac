"""Memorizer: trains on the test as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Memorizer(Conduct):
    """Puts the test items and their public labels into its training rows, and hopes that the model has them by heart.

    Source: DeML's description (access to both train and test datasets). Exposed by: labels that are revealed when all
    models are in; a limit on a model's bytes, as far as what is to be memorised does not fit.
    """

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Train on all there is; as asked, where the test is not public."""
        model = yield me.trains(job, leak=job.market.answers(job, me) is not None)
        return Work(model=model, predictions=me.predicts(model, job))
