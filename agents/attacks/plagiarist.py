"""Plagiarist: another's public model, retouched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct, resolved
from slashpoint.sim.domain import Factor
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Plagiarist(Conduct):
    """Takes the public model of the highest claim, retouches it so that its hash is new, and hopes to be paid for it.

    Where nothing can be read in time, it trains. Source: near-copies, as every open leaderboard knows them. Exposed
    by: commitments until the deadline; the earlier of two that are alike.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    blocks: Factor = 6.0  # before the deadline: when it looks
    noise: Factor = 1e-4  # how far each weight is moved, relatively

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in the best that anybody can read."""
        yield me.until(job.deadline - self.blocks * me.block_time)
        public = [
            (one.claimed or 0, one.model)
            for one in job.market.handed(job)
            if one.model is not None and one.owner not in me.coalition.addresses
        ]
        if not public:
            return (yield from resolved(super().work(me, job)))
        model = self._retouched(me, job, max(public)[1])
        return Work(model=model, predictions=me.predicts(model, job))

    def _retouched(self, me: Me, job: Job, model: bytes) -> bytes:
        try:
            weights = me.weights(model)
        except NotImplementedError:
            return model
        if weights is None:
            return model
        noise = me.luck("retouch", me.name, *job.round_key).generator().normal(0.0, self.noise, len(weights))
        return me.assembles(weights * (1 + noise))
