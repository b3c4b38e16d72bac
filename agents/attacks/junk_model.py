"""Junk model: good predictions, and a worthless file beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slashpoint.agents.conduct import Conduct, resolved
from slashpoint.sim.domain import Bytes

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Work


@dataclass
class JunkModel(Conduct):
    """Trains, predicts, keeps the model, and hands over an arbitrary file: hopes to be paid and to own what it sold.

    Source: ModelMarket's README (the model "can be an arbitrary file since this is not verified"). Exposed by:
    re-execution of the opened model on the opened test set.
    """

    size: Bytes = 650  # bytes of the file

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in the predictions of whatever would have been handed in, with another file."""
        work = yield from resolved(super().work(me, job))
        return work and replace(work, model=me.luck("junk", job.key).bytes(self.size))
