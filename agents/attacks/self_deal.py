"""Self-deal: a requester whose accomplice knows the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct, resolved
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class SelfDeal(Conduct):
    """Tells an accomplice among the workers the labels, and hopes to win its own reward back with free work in hand.

    Source: ModelMarket's README (a requester keeps the labels). Exposed by: a fee, labels that come from a third party;
    honest people lose their training.
    """

    seats: ClassVar[dict[str, int]] = {"truth": 1, "work": 1}

    def truth(self, me: Me, job: Job) -> Answered[bytes]:
        """Commit as is asked, and tell."""
        labels = super().truth(me, job)
        me.coalition.tells(("truth", job.key), labels)
        return labels

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in what one was told; else as usual."""
        labels = me.coalition.knows(("truth", job.key))
        if labels is None:
            return (yield from resolved(super().work(me, job)))
        return Work(model=b"told", predictions=job.tested(labels))
