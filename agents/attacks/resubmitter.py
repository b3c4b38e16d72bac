"""Resubmitter: hands the same bytes in as if they were new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import competition

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job, Work


class Competitor(competition.Competitor):
    """Hands its model in twice."""

    def hand_in(self, me: Me, job: Job, work: Work) -> Any:
        """Under two seals, where models are sealed."""
        market = self.market
        yield me.sends(market.submits(me, job, work, 0, "again"), by=job.deadline)
        me.spawn(self.opens, job, work)
        yield from super().hand_in(me, job, work)

    def opens(self, me: Me, job: Job, work: Work) -> Any:
        """Open the second seal once the first is open."""
        market = self.market
        if market.terms.sealed_models:
            yield me.sees(market.ModelOpened, owner=me.address)
            mine = self.market.contract.historyOf(job.id, me.address)
            for index in mine:
                yield me.sends(market.reveals(me, job, index, work.model, 0, "again"))


@dataclass
class Resubmitter(Conduct):
    """Enters one model as several, and hopes to have more of them in the race, or another's as its own.

    Source: DeML's contract, which leaves an evaluated model's bytes for anybody to submit again. Exposed by: that
    bytes are handed in once; seals that bind an address.
    """

    script: ClassVar[type | None] = Competitor
