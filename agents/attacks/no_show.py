"""No show: a proposer that is never there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import collective

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job

    Steps = Generator[Any, Any, Any]


class Learner(collective.Learner):
    """Does not propose."""

    def propose(self, me: Me, job: Job) -> Steps:
        """Wait until it is over."""
        yield me.sees(self.market.ProposerSkipped, round=job.round)


@dataclass
class NoShow(Conduct):
    """Takes a seat, votes, and lets every turn of its own pass, and hopes to be paid as a voter without ever training.

    Source: Fetch.ai's collective learning, whose driver waits for each learner in turn. Exposed by: a fine for absence.
    """

    script: ClassVar[type | None] = Learner
