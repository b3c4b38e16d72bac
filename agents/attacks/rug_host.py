"""Rug host: calls its job off once people have put money in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.takeover import PosterTakeover

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.agents.roles import Steps
    from slashpoint.sim.market import Job


class Host(PosterTakeover[Any]):
    """Cancels as soon as somebody takes part, and else goes on as if nothing had happened."""

    verbs: ClassVar[tuple[str, ...]] = ("cancels",)

    def misuse(self, me: Me, job: Job) -> Steps:
        """Cancel as soon as somebody takes part."""
        if (yield me.sees("registers", "submits", by=job.deadline)):
            yield me.sends(self.market.cancels(job))


@dataclass
class RugHost(Conduct):
    """Takes its reward back, and hopes to get the others' stakes with it.

    Source: DeML's contract, whose host withdraws everything before a first score. Exposed by: a reward that cannot be
    taken back once somebody has put a stake in.
    """

    script: ClassVar[type | None] = Host
