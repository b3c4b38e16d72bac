"""DP budget waster: lets others spend their privacy for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import collective

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job, Subject

    Steps = Generator[Any, Any, Any]


class Learner(collective.Learner):
    """Rejects whatever is not its own circle's."""

    def approves(self, me: Me, job: Job, subject: Subject, better: int) -> bool:
        """Where privacy is spent by proposing, only accomplices' models are worth anything."""
        theirs = bool(self.market.terms.dp_noise) and subject.owner not in me.circle.addresses
        return not theirs and super().approves(me, job, subject, better)


@dataclass
class DpBudgetWaster(Conduct):
    """Rejects what others propose, so that they spend their privacy for nothing and only it can propose in the end.

    Without noise (protocol.dp_noise=0) there is nothing to waste, and it votes like everybody. Source: Fetch.ai's
    collective learning (a learner whose budget is spent proposes the current model again). Exposed by: nothing here but
    an honest majority; a vote does not say why.
    """

    script: ClassVar[type | None] = Learner
