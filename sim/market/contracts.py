"""The contracts of a market: the first, the others, and the kinds of those that are born in a run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from slashpoint.sim.contract import Artifact, Contract
from slashpoint.sim.engine import ZERO_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slashpoint.sim.contract import Birth, Event
    from slashpoint.sim.state import State


class Contracts:
    """What a market knows of its contracts: their addresses, and the events of all of them by name."""

    world: State
    contract: Contract
    others: tuple[Contract, ...]
    births: Mapping[str, Birth]

    @cached_property
    def addresses(self) -> set[bytes]:
        """The addresses of its contracts, those that are born in the run too."""
        return {each.address_ for each in (self.contract, *self.others)}

    @cached_property
    def sources(self) -> tuple[Contract, ...]:
        """Its contracts, and the kinds of those that are born in the run: whose events have a name here."""
        return tuple(dict.fromkeys((self.contract, *self.others, *self.kinds.values())))

    @cached_property
    def kinds(self) -> dict[str, Contract]:
        """What is born where a factory's event says so, by the event; of an artifact, one at no address."""
        made: dict[str, Contract] = {}
        for birth in self.births.values():
            if isinstance(birth.kind, Artifact) and birth.kind.name not in made:
                made[birth.kind.name] = Contract(birth.kind, ZERO_ADDRESS, self.world.engine)
        return {
            event: made[birth.kind.name] if isinstance(birth.kind, Artifact) else birth.kind
            for event, birth in self.births.items()
        }

    def event(self, name: str) -> Event:
        """Return an event by its name, or by its signature where several share the name.

        Where several contracts of the market have it, it is the main contract's; another's is `Escrow.Deposit`.

        Raises:
            AttributeError: there is none, or several of the other contracts have it.
        """
        owner, _, short = name.partition("(")[0].rpartition(".")
        named = [each for each in self.sources if owner in {"", each.name_}]
        having = [each for each in named if short in each.artifact_.interface.events]
        if not having and len(self.sources) > 1:
            offered = (f"{each.name_}.{one}" for each in self.sources for one in each.artifact_.interface.events)
            raise AttributeError(f"the market has no event {name!r}; it has {', '.join(offered)}")
        if len(having) > 1 and having[0] is not self.contract:
            several = " or ".join(f"{each.name_}.{short}" for each in having)
            raise AttributeError(f"several contracts have the event {short}: choose event({several!r})")
        source = having[0] if having else self.contract
        return source.event_(name.removeprefix(f"{owner}.") if owner else name)

    def at(self, address: bytes) -> Contract:
        """Return the contract at an address, such as one that was born in the run.

        Raises:
            KeyError: nobody knows what lives there.
        """
        contract = self.world.contract_at(address)
        if contract is None:
            raise KeyError(f"nobody knows what lives at 0x{address.hex()}")
        return contract
