"""Withheld truth: a requester that never opens the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class WithholdTruth(Conduct):
    """Asks for work and never says what was right, and hopes to get its reward back while the others paid for training.

    Source: ModelMarket's README (15 minutes to open the truth). Exposed by: timeouts; the requester's stake pays.
    """

    seats: ClassVar[dict[str, int]] = {"truth": 1}

    def reveal(self, me: Me, job: Job, what: str) -> Answered[bool | str]:
        """Reveal everything but the truth."""
        return what != "truth" and super().reveal(me, job, what)
