"""Late truth: opens the labels when the window for them is over."""

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
    """Opens in the last second and after it, ahead of whoever calls the timeout."""

    def serve(self, me: Me, job: Job, labels: bytes, salt: bytes) -> Generator[Any, Any, Any]:
        """Outbid the keepers."""
        yield me.until(job.deadline + self.market.terms.response_window)
        yield me.sends(self.market.grounds(job, labels, salt), tip=100 * 10**9)
        yield me.sees(self.market.RequestClosed)
        yield from self.collect(me, job)


@dataclass
class LateTruth(Conduct):
    """Opens the truth after its window, in the block of the timeout, and hopes to have kept everybody waiting for free.

    Source: ModelMarket's README (a window of 15 minutes). Exposed by: the contract's clock.
    """

    script: ClassVar[type | None] = Requester
