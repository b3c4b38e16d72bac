"""Rug host: calls a competition off once people have bought in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import competition

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Host(competition.Host):
    """Cancels as soon as somebody has registered."""

    def serve(self, me: Me, job: Job, labels: bytes, salt: bytes) -> Any:
        """Run, if it can; else go on as if nothing had happened."""
        what, _ = yield me.first(bought=me.sees(self.market.Registered), by=job.deadline)
        if what == "bought":
            yield me.sends(self.market.cancels(job))
        yield from super().serve(me, job, labels, salt)


@dataclass
class RugHost(Conduct):
    """Takes its prize back, and hopes to get the buy-ins with it.

    Source: DeML's contract, whose host withdraws everything before a first score. Exposed by: a prize that cannot be
    taken back once somebody has bought in.
    """

    script: ClassVar[type | None] = Host
