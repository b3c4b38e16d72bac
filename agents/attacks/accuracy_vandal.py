"""Accuracy vandal: a bystander reports in others' requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import modelmarket
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Trainer(modelmarket.Trainer):
    """Submits nothing, and reports as soon as anybody can."""

    def serve(self, me: Me, job: Job) -> Generator[Any, Any, Any]:
        """Report a few times."""
        what, _ = yield me.first(truth=me.sees(self.market.TruthUploaded), closed=me.sees(self.market.RequestClosed))
        for _ in range(self.conduct.times if what == "truth" else 0):  # type: ignore[attr-defined] # its own conduct's
            yield me.sends(self.market.claims(job, 0), tip=100 * 10**9)


@dataclass
class AccuracyVandal(Conduct):
    """Reports counts for requests to which it submitted nothing, and hopes to spoil the others' claims.

    Source: the ModelMarket dApp's contract, whose submitAccuracy knew no owner. Exposed by: owners.
    """

    script: ClassVar[type | None] = Trainer

    times: Annotated[int, Within(1, 1000)] = 4  # reports for each request
