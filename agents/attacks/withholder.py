"""Withholder: commits to its judgement and never reveals it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Withholder(Conduct):
    """Votes like everybody and does not open the vote, and hopes to stall the count, or to wait and see, for free.

    Source: the last revealer's choice in every commit-reveal. Exposed by: a bond that silence loses.
    """

    seats: ClassVar[dict[str, int]] = {"judge": 1}

    def reveal(self, me: Me, job: Job, what: str) -> Answered[bool | str]:
        """Reveal everything but one's reports."""
        return what != "report" and super().reveal(me, job, what)
