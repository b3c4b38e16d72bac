"""Hasty: ends rounds before their time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import collective

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job

    Steps = Generator[Any, Any, Any]


class Learner(collective.Learner):
    """Calls every timeout at once."""

    def vote(self, me: Me, job: Job) -> Steps:
        """Vote like everybody, and press on."""
        me.spawn(self.press, job)
        yield from super().vote(me, job)

    def press(self, me: Me, job: Job) -> Steps:
        """Skip, and count as soon as anybody can vote."""
        market = self.market
        begun = market.AllCommitted if market.terms.sealed else market.Proposed
        yield me.sends(market.skips(job, job.round), tip=100 * 10**9)
        what, _ = yield me.first(
            votes=me.sees(begun, round=job.round), over=me.sees(market.ProposerSkipped, round=job.round)
        )
        if what == "votes":
            yield me.sends(market.tallies(job, job.round), tip=100 * 10**9)


@dataclass
class Hasty(Conduct):
    """Skips proposers that still train, counts votes while others still vote, and hopes to spoil what it dislikes.

    Source: timeouts that anybody may call. Exposed by: windows that the contract keeps.
    """

    script: ClassVar[type | None] = Learner
