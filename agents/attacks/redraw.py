"""Redraw: a requester that would draw its test set until it likes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import modelmarket

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Requester(modelmarket.Requester):
    """Looks at the draw, asks for another, and gives up what it does not like."""

    def serve(self, me: Me, job: Job, labels: bytes, salt: bytes) -> Generator[Any, Any, Any]:
        """Draw again; cancel if that did not help."""
        if (yield me.sees(self.market.SplitDrawn, by=job.deadline)):
            first = job.drawn
            yield me.sends(self.market.draws(job))
            if job.drawn == first:
                yield me.sends(self.market.cancels(job))
        yield from super().serve(me, job, labels, salt)


@dataclass
class Redraw(Conduct):
    """Draws again, and else cancels before anybody has trained, and hopes that one draw among many suits it, for free.

    Source: ModelMarket's README (the requester's own machine draws, as often as it likes). Exposed by: a draw that is
    made once, by a block; a stake that is lost with a draw that is not used.
    """

    script: ClassVar[type | None] = Requester
