"""Double refund: cancels, and asks for its money again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import modelmarket
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Requester(modelmarket.Requester):
    """Cancels once somebody has submitted, then cries timeout."""

    def serve(self, me: Me, job: Job, labels: bytes, salt: bytes) -> Generator[Any, Any, Any]:
        """Cancel, then call what refunds, and withdraw."""
        times: int = self.conduct.times  # type: ignore[attr-defined] # its own conduct's
        yield me.sees(self.market.ModelSubmitted, by=job.deadline - 2 * me.block_time)
        yield me.sends(self.market.cancels(job))
        yield me.until(job.deadline)  # when others' money is there
        for _ in range(times):
            yield me.sends(self.market.times_out(job))
        yield from self.collect(me, job)


@dataclass
class DoubleRefund(Conduct):
    """Cancels its request and calls timeouts on it afterwards, and hopes to be refunded once more each time.

    Source: the ModelMarket dApp's contract, whose enforceTimeout asked for no status. Exposed by: final states.
    """

    script: ClassVar[type | None] = Requester

    times: Annotated[int, Within(1, 1000)] = 3  # timeouts that it calls for each request
