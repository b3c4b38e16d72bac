"""Tiny step: hands in a part of what it learnt, and keeps the rest for later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct, resolved
from slashpoint.sim.domain import Share

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Work


@dataclass
class TinyStep(Conduct):
    """Goes only a part of the way from the current model to its own, and hopes to be rewarded for each step.

    Source: rewards by the round for any improvement (Fetch.ai's collective learning asks for more than none). Exposed
    by: rewards by the size of the step, or a margin.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    share: Share = 0.25  # of the way

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Train, and go a part of the way; all of it where there is nothing to start from."""
        work = yield from resolved(super().work(me, job))
        if work is None or work.model is None or job.base is None:
            return work
        before, after = me.weights(job.base), me.weights(work.model)
        if before is None or after is None:
            return work
        model = me.assembles(before + self.share * (after - before))
        return replace(work, model=model, predictions=me.predicts(model, job))
