"""Unsolvable: a task with random labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class Unsolvable(Conduct):
    """Asks for what cannot be learnt, and hopes to burn everybody's compute while the reward goes to a lottery.

    Source: ModelMarket's README (no check of data). Exposed by: a minimum accuracy, where it does not refund; an audit.
    """

    classes: Annotated[int, Within(1, 256)] = 10  # labels are drawn from as many

    def truth(self, me: Me, job: Job) -> Answered[bytes]:
        """Return random labels, which nobody can learn."""
        return bytes(byte % self.classes for byte in me.luck("noise", job.key).bytes(job.rows or job.scale))
