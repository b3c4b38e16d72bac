"""Accuracy vandal: a bystander reports in others' jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.takeover import Takeover
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.agents.roles import Steps
    from slashpoint.sim.market import Job


class Worker(Takeover[Any]):
    """Hands nothing in, and reports as soon as anybody can."""

    verbs: ClassVar[tuple[str, ...]] = ("claims",)
    duty: ClassVar[str] = "claim"

    def serve(self, me: Me, job: Job) -> Steps:
        """Report a few times: once the truth is there, or somebody else has reported."""
        seen = yield me.sees("reveals_truth", "claims")
        for _ in range(self.conduct.times if seen else 0):  # type: ignore[attr-defined] # its own conduct's
            yield me.sends(self.market.claims(job, 0), tip=100 * 10**9)


@dataclass
class AccuracyVandal(Conduct):
    """Reports counts for jobs to which it submitted nothing, and hopes to spoil the others' claims.

    Source: the ModelMarket dApp's contract, whose submitAccuracy knew no owner. Exposed by: owners.
    """

    script: ClassVar[type | None] = Worker

    times: Annotated[int, Within(1, 1000)] = 4  # reports for each job
