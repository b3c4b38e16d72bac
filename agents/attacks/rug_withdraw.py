"""Rug: a sponsor who empties the escrow behind the clients' backs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import federated

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Sponsor(federated.Sponsor):
    """Takes the escrow out as soon as clients have begun to train."""

    def serve(self, me: Me, job: Job, labels: bytes, salt: bytes) -> Generator[Any, Any, Any]:
        """Empty the escrow, then go on as if nothing had happened."""
        market = self.market
        what, _ = yield me.first(begun=me.sees(market.RoundOpened), closed=me.sees(market.JobClosed))
        if what == "begun":
            yield me.sends(market.takes_back(job, market.terms.price))
        yield from super().serve(me, job, labels, salt)


@dataclass
class RugWithdraw(Conduct):
    """Takes the rewards out of the escrow once people train for them, and hopes to get the models for nothing.

    Source: DeML's PaymentGateway.sol, whose owner may withdraw any amount. Exposed by: an escrow that is reserved.
    """

    script: ClassVar[type | None] = Sponsor
