"""Validation overfitter: fits the validation set and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from slashpoint.agents.conduct import Conduct, resolved
from slashpoint.sim.domain import Factor, Within
from slashpoint.sim.learning import correct
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class ValOverfitter(Conduct):
    """Climbs by random steps on labels that it can read, holds no data of its own, and hopes to pass as an improvement.

    Where labels are committed it has only those of rounds before, on other rows. Source: DeML (the validation set is
    one public file); Blum and Hardt, The Ladder (2015). Exposed by: committed labels, a part of its own for each round.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    steps: Annotated[int, Within(0, 10_000)] = 60  # perturbations that it tries
    size: Factor = 0.1  # of a step, standard deviations of the weights

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in the best of many guesses."""
        best, known = job.base or b"", self._known(job)
        start = None if known is None else me.weights(best)
        if known is None or start is None:
            return (yield from resolved(super().work(me, job)))
        view, labels = known
        most, generator = correct(me.predicts(best, view), labels), me.luck("climb", *job.round_key).generator()
        weights, scale = start.astype(np.float64), self.size * (float(np.std(start)) or 1.0)
        for _ in range(self.steps):
            tried = weights + generator.normal(0.0, scale, len(weights))
            model = me.assembles(tried)
            if (right := correct(me.predicts(model, view), labels)) > most:
                best, most, weights = model, right, tried
        yield me.until(me.now + me.block_time)
        return Work(model=best)

    @staticmethod
    def _known(job: Job) -> tuple[Job, bytes] | None:
        """Return the latest validation set whose labels are open, as a job to predict for; None where there is none."""
        market: Any = job.market
        if not hasattr(market, "data"):  # nothing is held back there to validate with
            return None
        for number in range(job.round, 0, -1):
            view = job.at(number, b"", job.deadline)
            if (labels := market.revealed(view)) is not None:
                return replace(view, task=market.data.validation(job, number)), labels
        return None
