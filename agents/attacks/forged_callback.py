"""Forged callback: a client who reports the result of the round itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import federated
from slashpoint.protocols.machine import Output, Voucher

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Client(federated.Client):
    """Hands in like the others, and then says who is paid."""

    def take_part(self, me: Me, view: Job, executable: bytes) -> Generator[Any, Any, Any]:
        """Report, as the backend would, that everything is its own."""
        market = self.market
        handed = yield from super().take_part(me, view, executable)
        what, _ = yield me.first(
            complete=me.sees(market.InputsComplete, round=view.round), closed=me.sees(market.JobClosed)
        )
        if handed and what == "complete":
            all_of_it = view.reward * market.terms.max_clients
            forged = Output(view.base or b"", (Voucher(view.round, 0, me.address, all_of_it),))
            yield me.sends(market.resolves(view, forged), tip=10**9)
        return handed


@dataclass
class ForgedCallback(Conduct):
    """Calls what the compute network should call, with an output that pays itself all, ahead of the true one.

    Source: Lilypad's returnLilypadResults, which is public. Exposed by: knowing who may report; checked vouchers.
    """

    script: ClassVar[type | None] = Client
