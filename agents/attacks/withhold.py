"""Withhold: commits to its work and never reveals it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Withhold(Conduct):
    """Wins and stays silent, and hopes that delay hurts the others more than itself: a silent candidate.

    Source: ModelMarket's README (a candidate that times out is passed over). Exposed by: timeouts; its stake pays.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    def reveal(self, me: Me, job: Job, what: str) -> Answered[bool | str]:
        """Reveal everything but one's work."""
        return what != "work" and super().reveal(me, job, what)
