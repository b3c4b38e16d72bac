"""Slot squatter: takes places, and leaves them empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Work


@dataclass
class SlotSquatter(Conduct):
    """Takes several places in each job and never works, and hopes that the honest find none and the job fails.

    Source: DeML (accepting a job costs nothing). Exposed by: a bond for each place, and a date by which it is lost.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    k: Annotated[int, Within(1, 1000)] = 4  # places

    def identities(self, role: type) -> int:
        """Return an account for each place."""
        return self.k

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand nothing in: the place alone is what it wants."""
        return None
