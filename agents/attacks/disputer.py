"""Disputer: contradicts whatever it may contradict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject


@dataclass
class Disputer(Conduct):
    """Disputes every result without looking, and hopes for its money back, or that nobody answers in time.

    Source: Truebit's paper (a verifier's false challenge). Exposed by: a bond that who was wrong loses.
    """

    seats: ClassVar[dict[str, int]] = {"settle": 1}

    def settle(self, me: Me, job: Job, subject: Subject) -> Answered[str]:
        """Accept nothing."""
        return "dispute"
