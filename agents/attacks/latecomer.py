"""Latecomer: submits after the deadline."""

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


class Trainer(modelmarket.Trainer):
    """Trains for as long as it takes, and outbids the truth."""

    def serve(self, me: Me, job: Job) -> Generator[Any, Any, Any]:
        """Submit at the deadline, ahead of the labels in the same block."""
        market = self.market
        work = yield from self.ask(me, "work", job)
        yield me.until(job.deadline)
        if not (yield me.sends(market.submits(me, job, work), tip=100 * 10**9)).ok:
            return
        yield me.sees(market.RequestClosed)
        yield from self.collect(me, job)


@dataclass
class Latecomer(Conduct):
    """Hands in after the deadline, ahead of the truth by a higher tip, and hopes that nobody looks at the clock.

    Source: ModelMarket's README (submissions before the deadline). Exposed by: the contract's clock.
    """

    script: ClassVar[type | None] = Trainer
