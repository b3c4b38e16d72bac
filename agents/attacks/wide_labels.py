"""Wide labels: asks for a model of more than ten classes."""

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
class WideLabels(Conduct):
    """Commits to labels above nine, which are nobody's predictions, so that the best of the trainers has none right.

    Source: the ModelMarket dApp's contract, which took single digits only. Exposed by: a minimum accuracy, where one
    is set; the reward is paid for nothing otherwise.
    """

    shift: Annotated[int, Within(0, 255)] = 100  # added to each label

    def truth(self, me: Me, job: Job) -> Answered[bytes]:
        """Return the true labels under other names."""
        return bytes((label + self.shift) % 256 for label in me.labels(job))
