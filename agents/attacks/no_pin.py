"""No pin: opens its work and does not publish it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class NoPin(Conduct):
    """Reveals the address of a model that nobody can fetch, and hopes to be paid for what it never gave away.

    Source: ModelMarket's README (models are IPFS addresses). Exposed by: a window in which the model must be available.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    def reveal(self, me: Me, job: Job, what: str) -> Answered[bool | str]:
        """Reveal the commitment, and publish nothing of what was committed."""
        return "unpinned" if what == "work" else super().reveal(me, job, what)
