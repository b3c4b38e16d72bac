"""Weights thief: reads what it was handed, and calls the deal off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import federated
from slashpoint.sim.domain import Some

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Sponsor(federated.Sponsor):
    """Waits for updates that can be read, and cancels before they are paid."""

    def serve(self, me: Me, job: Job, labels: bytes, salt: bytes) -> Generator[Any, Any, Any]:
        """Cancel at the first update of the last round that pays to be stolen."""
        market, number = self.market, self.conduct.round  # type: ignore[attr-defined] # its own conduct's
        rival = me.spawn(super().serve, job, labels, salt)
        what, _ = yield me.first(
            ready=me.sees(market.RoundSealed, market.InputsComplete, round=number), closed=me.sees(market.JobClosed)
        )
        if what == "ready":
            yield me.sends(market.cancels(job), tip=10**9)
        yield rival


@dataclass
class WeightsThief(Conduct):
    """Lets clients train, reads the models that they publish, and takes the rewards back before anybody is paid.

    Source: DeML (updates are public as soon as they are made; the gateway's owner withdraws any amount). Exposed by: an
    escrow that is reserved, updates that are sealed until nothing can be cancelled any more.
    """

    script: ClassVar[type | None] = Sponsor

    round: Some = 1  # in which it cancels
