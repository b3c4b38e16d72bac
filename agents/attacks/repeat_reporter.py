"""Repeat reporter: reports on a model as often as somebody lets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import competition

if TYPE_CHECKING:
    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Miner(competition.Miner):
    """Reports, and reports again."""

    def files(self, me: Me, job: Job, model: int, correct: int, end: float) -> Any:
        """One report, and another."""
        receipt = yield from super().files(me, job, model, correct, end)
        yield me.sends(self.market.judges(me, job, model, correct), by=end)
        return receipt


@dataclass
class RepeatReporter(Conduct):
    """Votes more than once on a model, and hopes to be a quorum alone, or to be paid twice.

    Source: DeML's contract, where a report of 0 passes for none. Exposed by: one report by each miner on each model.
    """

    script: ClassVar[type | None] = Miner
