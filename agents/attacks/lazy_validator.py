"""Lazy validator: claims what somebody else claimed before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.roles import federated
from slashpoint.protocols.machine import Output

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from slashpoint.agents.me import Me
    from slashpoint.protocols.base import Job


class Validator(federated.Validator):
    """Measures nothing, and waits for others."""

    def concludes(self, me: Me, view: Job) -> Generator[Any, Any, Any]:
        """The first claim of the round."""
        market = self.market
        seen = yield me.sees(market.OutputClaimed, round=view.round, by=view.deadline - 2 * me.block_time)
        if seen is None:
            return None
        said = market.outputs[seen.output.vouchers]
        return Output(me.fetches(seen.output.base) or b"", said.vouchers, seen.output.failed)


@dataclass
class LazyValidator(Conduct):
    """Copies the first claim that it sees, saves the measuring, and hopes that whoever made it took the trouble.

    Source: Cartesi's Quorum (claims are public as they come); Luu et al., the verifier's dilemma (2015). Exposed by:
    the bond, where it copied a lie that is disputed; nothing, where it copied the truth.
    """

    script: ClassVar[type | None] = Validator
