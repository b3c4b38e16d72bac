"""Model spammer: one competitor, many models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import competition
from slashpoint.protocols.base import Work
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Competitor(competition.Competitor):
    """Hands in its model, and then as many again."""

    def hand_in(self, me: Me, job: Job, work: Work) -> Any:
        """Spam first: same person, same data, other seeds, a fraction of the effort."""
        market, spam = self.market, self.conduct
        for number in range(spam.models):  # type: ignore[attr-defined] # its conduct is the one below
            model = yield me.trains(job, effort=0.02, twist=f"spam {number}")
            if not me.in_time(job.deadline - 4 * me.block_time):
                break
            yield me.sends(market.submits(me, job, Work(model=model), 0, f"spam {number}"), by=job.deadline)
        yield from super().hand_in(me, job, work)


@dataclass
class ModelSpammer(Conduct):
    """Floods miners with models that cannot win, and hopes that nobody gets to measure its rivals'.

    Source: DeML's contract (no fee or limit of models). Exposed by: a limit for each competitor; gas by the byte.
    """

    script: ClassVar[type | None] = Competitor
    models: Annotated[int, Within(0, 1000)] = 6  # besides the real one
