"""Free rider: what everybody has, handed in as work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Among, Factor
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job

MODES = ("plain", "random", "disguised", "delta", "advanced")


@dataclass
class FreeRider(Conduct):
    """Hands in what it was given, plain or in disguise, and hopes to be paid for a training that never was.

    A job without a base is answered with untrained weights; without two different bases so far there is no step to
    imitate: delta is plain, and the others are the base with some noise; where a task has no weights (a surrogate),
    everything is plain. Source: Lin, Du and Liu (2019); Fraboni, Vidal and Lorenzi (2021). Exposed by: a gain that is
    asked for; novelty of updates, where there is no noise.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    mode: Annotated[str, Among(*MODES)] = "plain"  # plain, random, disguised, delta or advanced (delta with noise)
    bound: Factor = 0.3  # of random weights
    k: Factor = 1.0  # of the disguise: its noise relative to the first step
    gamma: Factor = 1.0  # of the disguise: how fast it fades
    noise: Factor = 1e-3  # on each weight where there is no step to imitate; of `advanced`, always

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in the base, made up as the mode says."""
        base = job.base if job.base is not None else (yield me.trains(job, effort=0.0))
        seen = me.knowledge.knows(("bases", job.key), ())
        if base not in seen:
            seen = (*seen, base)
            me.knowledge.tells(("bases", job.key), seen)
        model = base if self.mode == "plain" else self._made_up(me, job, seen)
        return Work(model=model, predictions=me.predicts(model, job))

    def _made_up(self, me: Me, job: Job, seen: tuple[bytes, ...]) -> bytes:
        """Of the bases so far, the present one last."""
        import numpy as np

        from slashpoint.sim.learning import freeriding

        try:
            known = [np.asarray(one, np.float64) for one in map(me.weights, seen) if one is not None]
        except NotImplementedError:
            return seen[-1]
        generator = me.luck("riding", me.name, *job.round_key).generator()
        if self.mode == "random" and known:
            return me.assembles(freeriding.random(len(known[-1]), generator, self.bound))
        stepped = freeriding.delta(known[-1], known[-2]) if len(known) > 1 else known[-1]
        if self.mode == "delta":
            return me.assembles(stepped)
        if self.mode == "advanced" or len(known) < 2:
            return me.assembles(stepped + generator.normal(0.0, self.noise, stepped.shape))
        first = known[1] - known[0]
        return me.assembles(
            freeriding.disguised(known[-1], first, len(known) - 1, generator, k=self.k, gamma=self.gamma)
        )
