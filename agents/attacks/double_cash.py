"""Double cash: has each voucher paid again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import federated
from slashpoint.sim.domain import Within

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Client(federated.Client):
    """Works like the others, and is not content with one payment."""

    def cash(self, me: Me, view: Job) -> Generator[Any, Any, Any]:
        """Ahead of the others, for what they are owed is in the same pot."""
        times: int = self.conduct.times  # type: ignore[attr-defined] # its own conduct's
        settled = me.sees(self.market.RoundSettled, round=view.round)
        what, _ = yield me.first(settled=settled, closed=me.sees(self.market.JobClosed))
        for voucher, output in self.market.vouchers(view, me.address) if what == "settled" else ():
            call = self.market.cashes(view, voucher, output)
            sent = [me.sends(call, tip=10**9) for _ in range(times)]
            yield sent[-1]


@dataclass
class DoubleCash(Conduct):
    """Presents each voucher several times, and hopes that nobody remembers which were paid.

    Source: Cartesi's executeOutput, whose record of what was executed this tests. Exposed by: that record.
    """

    script: ClassVar[type | None] = Client

    times: Annotated[int, Within(1, 1000)] = 3  # that it presents each voucher
