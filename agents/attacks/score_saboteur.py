"""Score saboteur: reports what cannot be, on what is not there, and otherwise than it sealed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import competition

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job, Subject


class Miner(competition.Miner):
    """Tries every wrong report before its own."""

    def mine(self, me: Me, job: Job) -> Any:
        """Models of nobody or of others' committees; more right answers than there are items, where that is told."""
        market = self.market
        yield me.sends(market.judges(me, job, 1000, 0))
        if market.terms.committee:
            for one in market.handed(job):
                if me.address not in market.committee(job, one.id):
                    yield me.sends(market.judges(me, job, one.id, 0))
        if not market.terms.sealed_reports and (yield me.sees(market.ModelOpened, by=job.deadline)):
            yield me.sends(market.judges(me, job, 0, job.scale + 1))
        return (yield from super().mine(me, job))

    def reveal(self, me: Me, job: Job, reported: dict[int, int]) -> Any:
        """Something else than what was sealed, first, and what makes it right."""
        market = self.market
        for model, correct in reported.items():
            yield me.sends(market.opens_report(me, job, model, job.scale))
            if market.terms.proof_of_evaluation:
                yield me.sends(market.opens_report(me, job, model, correct, labels=market.shown(job, correct)))
        yield from super().reveal(me, job, reported)


@dataclass
class ScoreSaboteur(Conduct):
    """Reports at random and against the rules, and hopes that nobody's model can be scored any more.

    Source: DeML's contract (reports on models that do not exist lock the pool; two of 2^255 make the last one revert).
    Exposed by: bounds on what is reported, and a quorum that one liar cannot break.
    """

    script: ClassVar[type | None] = Miner

    def judge(self, me: Me, job: Job, subject: Subject) -> Any:
        """Any number."""
        return me.luck("lie", me.name, job.key, subject.id).integer(subject.scale)
