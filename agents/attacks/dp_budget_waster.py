"""DP budget waster: lets others spend their privacy for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import collective
from slashpoint.sim.learning import privacy

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job, Subject

    Steps = Generator[Any, Any, Any]


class Learner(collective.Learner):
    """Rejects whoever still has a budget."""

    def approves(self, me: Me, job: Job, subject: Subject, better: int) -> bool:
        """Only what comes from somebody who has nothing left."""
        terms = self.market.terms
        if not terms.dp_noise:
            return super().approves(me, job, subject, better)
        afforded = privacy.affordable(terms.dp_epsilon, terms.dp_noise, terms.dp_delta)
        left = afforded - self.market.releases(job, subject.owner)
        return left <= 0 and super().approves(me, job, subject, better)


@dataclass
class DpBudgetWaster(Conduct):
    """Rejects what learners propose until their privacy budgets are spent, and hopes to be the only one who still can.

    Without a budget (protocol.dp_noise=0) it votes like everybody.

    Source: Fetch.ai's collective learning (a learner whose budget is spent proposes the current model again). Exposed
    by: nothing here but an honest majority; votes say nothing of why.
    """

    script: ClassVar[type | None] = Learner
