"""Double refund: cancels, and asks for its money again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.takeover import PosterTakeover
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.agents.roles import Steps
    from slashpoint.sim.market import Job


class Poster(PosterTakeover[Any]):
    """Cancels once somebody has handed in, then cancels again, and calls what was due before."""

    verbs: ClassVar[tuple[str, ...]] = ("cancels",)

    def misuse(self, me: Me, job: Job) -> Steps:
        """Cancel, call what refunds when others' money is there, and withdraw."""
        times: int = self.conduct.times  # type: ignore[attr-defined] # its own conduct's
        yield me.sees("submits", by=job.deadline - 2 * me.block_time)
        due = self.market.poke(job)  # a timeout, where there are any: the market names none once the job is over
        yield me.sends(self.market.cancels(job))
        yield me.until(job.deadline)
        for _ in range(times):
            yield me.sends(due[1] if due is not None else self.market.cancels(job))
        yield from self.collect(me, job)


@dataclass
class DoubleRefund(Conduct):
    """Cancels its job and calls timeouts on it afterwards, or cancels again, and hopes to be refunded each time.

    Source: the ModelMarket dApp's contract, whose enforceTimeout asked for no status. Exposed by: final states.
    """

    script: ClassVar[type | None] = Poster

    times: Annotated[int, Within(1, 1000)] = 3  # how often it asks for each job
