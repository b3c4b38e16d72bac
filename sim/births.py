"""Contracts that come into being in a run: told by a factory's event, or known by the code that lies at an address."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Protocol

from slashpoint.sim.contract import Artifact, Contract
from slashpoint.sim.contract.clones import IMPLEMENTATION_SLOT, implementation
from slashpoint.sim.contract.token import decimals_of
from slashpoint.sim.units import DECIMALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slashpoint.sim.contract import Birth, Event
    from slashpoint.sim.engine import BlockResult, Engine, Log


class Family(Protocol):
    """A market, as far as its contracts are concerned."""

    births: Mapping[str, Birth]

    @property
    def addresses(self) -> set[bytes]:
        """The addresses of its contracts."""
        ...

    @property
    def kinds(self) -> Mapping[str, Contract]:
        """What is born where a factory's event says so, by the event."""
        ...

    def event(self, name: str) -> Event:
        """Return an event of one of its contracts by its name."""
        ...


class Registry(Protocol):
    """A world, as far as its contracts are concerned."""

    engine: Engine
    contracts: dict[bytes, Contract]
    names: dict[bytes, str]
    tokens: dict[str, Contract]
    decimals: dict[str, int]

    @property
    def market_of(self) -> dict[bytes, Any]:
        """The markets by the addresses of their contracts."""
        ...


class Births:
    """Finds out what lives at addresses where the world deployed nothing."""

    def __init__(self, world: Registry) -> None:
        self._world = world
        self._factories: dict[bytes, list[tuple[Family, Birth]]] = defaultdict(list)  # by the event's topic
        self._strangers: set[bytes] = set()  # addresses with code that nobody knows
        self._number: dict[str, int] = defaultdict(int)  # of the next one of a name

    def watch(self, market: Family) -> None:
        """Read the events of a market's factories from now on."""
        for event, birth in market.births.items():
            self._factories[market.event(event).topic0].append((market, birth._replace(kind=market.kinds[event])))

    def read(self, result: BlockResult) -> None:
        """Make known whom the factories' events in a block tell of, and what those bear in turn."""
        if not self._factories:
            return
        told = [log for log in result.logs if log.topics and log.topics[0] in self._factories]
        while told and (later := [log for log in told if not self._reads(log)]) != told:
            told = later

    def _reads(self, log: Log) -> bool:
        """Make known whom an event tells of, if it is a factory's; a factory may itself be born in these logs."""
        parent = self._world.contracts.get(log.address)
        for market, birth in self._factories[log.topics[0]]:
            if parent is not None and self._world.market_of.get(log.address) is market:
                _, args = parent.decode_log_(log)
                self.add(args[birth.argument], birth.kind, market, birth.symbol)
                return True
        return False

    def add(
        self, address: bytes, kind: Contract | Artifact, market: Family | None = None, symbol: str = ""
    ) -> Contract:
        """Make known what lives at an address, and return it; its events are those of its kind.

        Args:
            address: 20 bytes.
            kind: a contract with the same code, or an artifact.
            market: whose it is, which is told its events and asked why its money moves.
            symbol: the beginning of its symbol, where it is a token whose transfers are money.

        Raises:
            ValueError: it is a token of other than 18 decimals.
        """
        world = self._world
        if address in world.contracts:
            return world.contracts[address]
        like = kind if isinstance(kind, Contract) else Contract(kind, address, world.engine)  # whose events are its own
        contract = Contract(like.artifact_, address, world.engine, self._name(like.name_.partition("/")[0]), like)
        world.contracts[address], world.names[address] = contract, contract.name_
        self._strangers.discard(address)
        if market is not None:
            market.addresses.add(address)
            world.market_of[address] = market
        if symbol:
            if (decimals := decimals_of(contract)) != DECIMALS:
                raise ValueError(f"{contract.name_} has {decimals} decimals: what is born in a run has {DECIMALS}")
            asset = self._name(symbol)
            world.tokens[asset], world.decimals[asset] = contract, decimals
        return contract

    def known(self, address: bytes) -> Contract | None:
        """Return what lives at an address where nothing was deployed, if its code tells."""
        if address in self._strangers:
            return None
        world = self._world
        if not (code := world.engine.code(address)):
            return None
        kind = world.contracts.get(implementation(code) or self._behind(address))
        kind = kind or next((one for at, one in world.contracts.items() if world.engine.code(at) == code), None)
        if kind is None:
            self._strangers.add(address)
            return None
        return self.add(address, kind, world.market_of.get(kind.address_))

    def _behind(self, proxy: bytes) -> bytes:
        """Return the address that a proxy names in the slot of ERC-1967."""
        return self._world.engine.storage(proxy, IMPLEMENTATION_SLOT).to_bytes(32, "big")[12:]

    def _name(self, kind: str) -> str:
        number = self._number[kind]
        self._number[kind] += 1
        return f"{kind}/{number}"
