"""Timeout sniper: stays silent, and cries timeout when the blame should have shifted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import modelmarket
from slashpoint.protocols.base import Work

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Trainer(modelmarket.Trainer):
    """Submits anything, never reports, and calls the requester's timeout."""

    def serve(self, me: Me, job: Job) -> Generator[Any, Any, Any]:
        """Hold the claims open until the requester's window would be over, then shoot."""
        market = self.market
        work = Work(model=b"nothing", predictions=bytes(job.scale))
        if not (yield me.sends(market.submits(me, job, work), by=job.deadline)).ok:
            return
        yield me.until(job.deadline + market.terms.response_window - me.block_time)
        for _ in range(2):
            yield me.sends(market.times_out(job), tip=100 * 10**9)
        yield me.sees(market.RequestClosed)
        yield from self.collect(me, job)


@dataclass
class TimeoutSniper(Conduct):
    """Delays the claims by silence and hopes to have the requester punished for it.

    Source: the ModelMarket dApp's contract, where the requester stayed to blame after it had opened the truth.
    Exposed by: states that say whose duty is next; its own stake pays for the silence.
    """

    script: ClassVar[type | None] = Trainer
