"""Early settler: has the pool paid out before all models are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import competition

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job, Work


class Competitor(competition.Competitor):
    """Presses for money as soon as it is in, and as soon as one model is judged."""

    def hand_in(self, me: Me, job: Job, work: Work) -> Any:
        """Hand in, and press."""
        me.spawn(self.press, job)
        yield from super().hand_in(me, job, work)

    def press(self, me: Me, job: Job) -> Any:
        """Settle at once, then after the first judgement."""
        yield me.sends(self.market.settles(job))
        yield me.sees(self.market.ModelOpened, owner=me.address)
        yield me.sends(self.market.settles(job))
        yield me.sees(self.market.ModelJudged)
        yield me.sends(self.market.settles(job), tip=100 * 10**9)


@dataclass
class EarlySettler(Conduct):
    """Has the best model so far paid while others wait to be judged, and hopes that it is its own.

    Source: DeML's contract, whose winner withdraws the pool at any time. Exposed by: a settlement that waits for all.
    """

    script: ClassVar[type | None] = Competitor
