"""Early open: opens a model that nobody asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import modelmarket
from slashpoint.protocols.base import Work
from slashpoint.sim.learning import correct

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Trainer(modelmarket.Trainer):
    """Submits zeros without training, and opens at each step of the request."""

    def serve(self, me: Me, job: Job) -> Generator[Any, Any, Any]:
        """Submit, open, claim what zeros are worth, and open when another is picked."""
        market = self.market
        zeros = bytes(job.scale)
        work = Work(model=b"nothing", predictions=zeros)
        if not (yield me.sends(market.submits(me, job, work), by=job.deadline)).ok:
            return
        for _ in range(2):  # the second time for another's money
            yield me.sends(market.reveals(me, job, work))
        what, fact = yield me.first(truth=me.sees(market.TruthUploaded), closed=me.sees(market.RequestClosed))
        if what == "truth":
            right = correct(zeros, market.truth(job))
            yield me.sends(market.claims(job, right), by=float(fact.due))
            what, _ = yield me.first(picked=me.sees(market.CandidatePicked), closed=me.sees(market.RequestClosed))
            if what == "picked":
                yield me.sends(market.reveals(me, job, work), tip=100 * 10**9)
                yield me.sees(market.RequestClosed)
        yield from self.collect(me, job)


@dataclass
class EarlyOpen(Conduct):
    """Commits to all zeros and opens before anybody asked, and hopes that a truth that is not there counts as zeros.

    Source: the ModelMarket dApp's contract, whose candidateUpload asked for neither status nor candidate.
    Exposed by: states, and a candidate.
    """

    script: ClassVar[type | None] = Trainer
