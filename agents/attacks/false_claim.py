"""False claim: validators who say that their friends are to be paid, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct

if TYPE_CHECKING:
    from slashpoint.agents.conduct import Answered
    from slashpoint.agents.me import Me
    from slashpoint.sim.market import Job, Subject


@dataclass
class FalseClaim(Conduct):
    """Counts everything right for the updates of its coalition and nothing for others', and hopes to carry the panel.

    Alone it is outvoted; as a colluding quorum (`seats` by `scenario.attackers`) one honest validator with a bond to
    spare is enough to overturn it. Source: Cartesi's Quorum (more than half of a fixed list is the truth). Exposed by:
    disputes.
    """

    seats: ClassVar[dict[str, int]] = {"judge": 1, "work": 1}

    def judge(self, me: Me, job: Job, subject: Subject) -> Answered[int | None]:
        """Count everything right for the coalition's updates, and nothing for others'."""
        return subject.scale if subject.owner in me.coalition.addresses else 0

    def settle(self, me: Me, job: Job, subject: Subject) -> Answered[str]:
        """No dispute: that would be looked into."""
        return "accept"
