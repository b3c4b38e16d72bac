"""Amount inflation: a client who writes the amount of its reward itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import federated
from slashpoint.protocols.tree import words
from slashpoint.sim.domain import Count

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job, Work


class Client(federated.Client):
    """Asks for a multiple of what is offered."""

    def hands_in(self, me: Me, view: Job, work: Work) -> Generator[Any, Any, Any]:
        """The update as it is, with a request of its own."""
        honest = self.market.submits(me, view, work)
        times: int = self.conduct.times  # type: ignore[attr-defined] # its own conduct's
        asked = words(me.address, times * view.reward)
        call = self.market.hands_in(view, honest.carries, asked)
        return (yield me.sends(call, tip=work.tip, by=view.deadline)).ok


@dataclass
class AmountInflation(Conduct):
    """Writes a larger amount into the request for its reward, and hopes that the service pays what it reads.

    Source: DeML's echo.py, where receiver and amount are fields of the request. Exposed by: the listed price.
    """

    script: ClassVar[type | None] = Client

    times: Count = 5  # the listed price
