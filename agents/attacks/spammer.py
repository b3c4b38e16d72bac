"""Spammer: many accounts, each with another worthless model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Bytes, Within
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Spammer(Conduct):
    """Enters k times with random bytes, new ones each time, and hopes that judges tire or that one slips through.

    Source: Douceur, The Sybil Attack (2002). Exposed by: a stake or a fee for each submission; limits to their number.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    k: Annotated[int, Within(1, 1000)] = 4  # accounts
    size: Bytes = 650  # bytes of each "model"

    def identities(self, role: type) -> int:
        """As many in every role."""
        return self.k

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Another junk for each account."""
        luck = me.luck("spam", me.name, *job.round_key)
        return Work(model=luck("model").bytes(self.size), predictions=luck("predictions").bytes(job.scale))
