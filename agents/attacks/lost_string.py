"""Lost string: an honest fault, a requester that lost what opens the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Share

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class LostString(Conduct):
    """Means well, and lost the string of labels that it was to keep. It hopes for mercy.

    Source: ModelMarket's README ("keep it securely in a notepad"). Exposed by: timeouts; not an attacker.
    """

    seats: ClassVar[dict[str, int]] = {"truth": 1}

    chance: Share = 0.5  # of a job

    def reveal(self, me: Me, job: Job, what: str) -> Answered[bool | str]:
        """Reveal only where the secret string was not lost."""
        lost = what == "truth" and me.luck("lost", job.key).random() < self.chance
        return not lost and super().reveal(me, job, what)
