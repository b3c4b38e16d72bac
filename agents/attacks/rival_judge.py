"""Rival judge: a competitor that reports on the models that it competes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import competition

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job, Subject, Work


class Competitor(competition.Competitor):
    """Competes, and mines beside it."""

    def hand_in(self, me: Me, job: Job, work: Work) -> Any:
        """Hand in, and take up the other role."""
        me.spawn(self.mine, job)
        yield from super().hand_in(me, job, work)

    def mine(self, me: Me, job: Job) -> Any:
        """Report as soon as there is a truth to report by."""
        market = self.market
        if market.terms.sealed_truth:
            yield me.sees(market.TruthRevealed)
        miner = competition.Miner(self.conduct, market)
        reported = yield from miner.mine(me, job)
        if market.terms.sealed_reports and reported:
            yield me.until(market.clock(job).report)
            yield from miner.reveal(me, job, reported)


@dataclass
class RivalJudge(Conduct):
    """Finds every model worthless but its own, and hopes to win for want of rivals and to be paid for looking.

    Source: DeML's description (an individual can act as both a miner and a competitor). Exposed by: a rule against it,
    which another name evades; a quorum of others; pay for those near the median only.
    """

    script: ClassVar[type | None] = Competitor

    def judge(self, me: Me, job: Job, subject: Subject) -> Any:
        """Nothing for rivals."""
        return subject.scale if subject.owner in me.mind.addresses else 0
