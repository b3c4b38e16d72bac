"""Airdrop Sybil: accounts that are opened for the tokens that each may claim once."""

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


class Trainer(modelmarket.Trainer):
    """Claims the airdrop first, and then trains like anybody."""

    def live(self, me: Me) -> Generator[Any, Any, Any]:
        """Free tokens, free stakes."""
        yield me.sends(self.market.does("registers", None, self.market.token.claimAirdrop(gas=90_000)))
        yield from super().live(me)


@dataclass
class AirdropSybil(Conduct):
    """Opens k accounts, claims the airdrop with each, and hopes for stakes that cost it nothing.

    Source: ModelMarket's README (1000 MDC from the airdrop button). Exposed by: no airdrop; one far below the stake.
    """

    script: ClassVar[type | None] = Trainer

    k: Annotated[int, Within(1, 1000)] = 3  # accounts

    def identities(self, role: type) -> int:
        """As many in its one role."""
        return self.k
