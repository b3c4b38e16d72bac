"""Mail flood: a client who writes so many letters that the others' go unanswered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import federated
from slashpoint.sim.domain import Count

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Client(federated.Client):
    """Writes first, and a lot."""

    def enquire(self, me: Me, job: Job) -> Generator[Any, Any, Any]:
        """Write, and wait for no answer."""
        for number in range(self.conduct.letters):  # type: ignore[attr-defined] # its own conduct's
            if self.market.asks(me, job, b"question %d" % number) is None:
                break
        yield me.until(me.now)


@dataclass
class MailFlood(Conduct):
    """Floods the sponsor's inbox, so that the others are answered when it is too late to join, and has fewer rivals.

    Source: DeML's web3inbox (anybody may write). Exposed by: a limit for each sender, a price for each letter.
    """

    script: ClassVar[type | None] = Client

    letters: Count = 500
