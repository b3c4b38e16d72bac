"""Poisoner: trains like the others, looks at what they gained, and hands in what a formula makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Factor
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    import numpy.typing as npt

    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job

    Vector = npt.NDArray[np.float64]  # (d,)
    Stack = npt.NDArray[np.float64]  # (n, d)


@dataclass
class Poisoner(Conduct):
    """Somebody who sends a false update; `forge` says how. An update is what a model gained on the job's base.

    It knows its own update, those of its coalition, and those that anybody can read a few blocks before the deadline;
    where these are fewer than two, it trains once more to learn how updates differ. A job without a base starts from
    one's own untrained weights. Where a task has no weights (a surrogate), it hands in an untrained model instead.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}
    looks: ClassVar[bool] = False  # whether the formula takes the others' updates

    effort: Factor = 1.0  # share of the full training that its own update has

    def forge(self, me: Me, job: Job, own: Vector, others: Stack) -> Vector:
        """Return what it sends in place of its update, shape (d,). `others` are empty unless it looks.

        Args:
            me: the account that acts.
            job: what it is about.
            own: its own update, shape (d,).
            others: the updates that it knows, shape (n, d).
        """
        raise NotImplementedError

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Train, look at others' updates, and hand in what `forge` makes of them."""
        import numpy as np

        if job.market.problem(job, me).product == "records":  # they have no weights: spoilt rows are all there is
            return Work(model=(yield from self.trained(me, job)))
        base = job.base if job.base is not None else (yield me.trains(job, effort=0.0))
        try:
            start = me.weights(base)
        except NotImplementedError:
            return Work(model=base, predictions=me.predicts(base, job))
        model = yield from self.trained(me, job)
        trained = me.weights(model)
        if start is None or trained is None:
            return Work(model=model, predictions=me.predicts(model, job))
        at = start.astype(np.float64)
        own = trained - at
        others = (yield from self.known(me, job, at, own)) if self.looks else np.empty((0, len(own)))
        model = me.assembles(at + self.forge(me, job, own, others))
        return Work(model=model, predictions=me.predicts(model, job))

    def trained(self, me: Me, job: Job) -> Generator[Any, Any, Any]:
        """Train the model that it would hand in were it honest."""
        return (yield me.trains(job, effort=self.effort))

    def known(self, me: Me, job: Job, at: Vector, own: Vector) -> Generator[Any, Any, Stack]:
        """Return the updates that it can know of: what others handed in, else its coalition's, else two of its own.

        Args:
            me: the account that acts.
            job: what it is about.
            at: the base as a vector, shape (d,).
            own: its own update, shape (d,).
        """
        import numpy as np

        updates = (*me.coalition.knows(("updates", job.round_key), ()), own)
        me.coalition.tells(("updates", job.round_key), updates)
        yield me.until(job.deadline - 4 * me.block_time)
        public = [
            weights - at
            for one in job.market.handed(job)
            if one.model is not None and one.owner not in me.coalition.addresses
            if (weights := me.weights(one.model)) is not None and np.isfinite(weights).all()
        ]
        if len(public) > 1:
            return np.stack(public)
        known = [*public, *me.coalition.knows(("updates", job.round_key))]
        if len(known) < 2 and me.now < job.deadline:
            again = me.weights((yield me.trains(job, effort=self.effort, twist="again")))
            known += [] if again is None else [again - at]
        return np.stack(known)
