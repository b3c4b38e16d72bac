"""Label flip: trains on mirrored labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.sim.domain import Part
from slashpoint.sim.learning.poison import Poison
from slashpoint.sim.market import Work

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job


@dataclass
class LabelFlip(Conduct):
    """Takes class y of its rows for C − 1 − y, trains in earnest, and hopes that the others' model learns the mistake.

    Source: Tolpegin et al., Data Poisoning Attacks Against Federated Learning Systems (2020). Exposed by: measuring
    each update; robust rules while the attackers are few.
    """

    seats: ClassVar[dict[str, int]] = {"work": 1}

    share: Part = 1.0  # of its rows

    def work(self, me: Me, job: Job) -> Answered[Work | None]:
        """Hand in a full training, on poisoned rows."""
        model = yield me.trains(job, poison=Poison(share=self.share))
        return Work(model=model, predictions=me.predicts(model, job))
