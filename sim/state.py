"""The state of a world: what it is made of, and what anybody may look up in it."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import mesa

from slashpoint.sim.births import Births
from slashpoint.sim.chain import Chain
from slashpoint.sim.engine import CallResult, Engine, Signer, Tx
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.facts import Facts
from slashpoint.sim.ledger.money import Edge
from slashpoint.sim.script import Clock
from slashpoint.sim.store import ContentStore
from slashpoint.sim.training_cache import TrainingCache
from slashpoint.sim.units import DECIMALS, ETH, SECOND, to_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from slashpoint.sim.contract import Call, Contract
    from slashpoint.sim.intention import Pending, Poke, Sender
    from slashpoint.sim.job_accounts import JobAccounts
    from slashpoint.sim.learning import Task
    from slashpoint.sim.ledger import Ledger
    from slashpoint.sim.luck import Luck
    from slashpoint.sim.market import Market
    from slashpoint.sim.prices import Prices
    from slashpoint.sim.rules import ChainRules

GENESIS = Edge.GENESIS.value


class State(mesa.Model):
    """What a world is made of. Everything here may be read by whoever records, checks or measures it.

    Args:
        engine: an EVM in its first state.
        rules: the chain's parameters.
        luck: of this world; everything random is keyed under it.
        task: what is learnt.
        prices: what assets are worth in USD.
        ledger: where everything is written down.
        models: a cache of trained models that several worlds may share.
    """

    def __init__(
        self,
        engine: Engine,
        rules: ChainRules,
        luck: Luck,
        task: Task,
        prices: Prices,
        ledger: Ledger,
        models: dict[object, bytes] | None = None,
    ) -> None:
        super().__init__(seed=0)  # Mesa's generators are never drawn from
        self.engine, self.rules, self.luck, self.prices, self.ledger = engine, rules, luck, prices, ledger
        self.env = Clock(initial_time=rules.genesis * SECOND)
        self.chain = Chain(engine, rules, luck("chain"))
        self.facts, self.store = Facts(), ContentStore()
        self.training_cache = TrainingCache(task, luck("learning"), models)
        self.contracts: dict[bytes, Contract] = {}
        self.tokens: dict[str, Contract] = {}  # by symbol
        self.decimals: dict[str, int] = {"ETH": DECIMALS, "USD": DECIMALS}  # by asset
        self.markets: list[Market] = []
        self.market_of: dict[bytes, Market] = {}  # by the addresses of its contracts
        self.births = Births(self)
        self.accounts: dict[bytes, Sender] = {}  # by address
        self.names: dict[bytes, str] = {}  # by address
        self.booked: dict[str, dict[bytes, int]] = defaultdict(lambda: defaultdict(int))  # asset → holder → amount
        self.touched: dict[str, set[bytes]] = defaultdict(set)  # asset → who moved it since it was last checked
        self.violations: list[tuple[int, str, str]] = []
        self.demand: dict[str, list[tuple[int, float]]] = {}  # account → jobs to post: (number, Unix seconds)
        self.notes: list[str] = []  # what a reader must know of how it was set up
        self.expected_jobs = 0
        self.attempts = 0  # to post a job
        self.pokes: list[Poke] = []
        self.watchers: list[Callable[[Pending], None]] = []  # those who read the mempool
        self.job_accounts: JobAccounts | None = None  # kept where entry is free
        self._deployer = address_of(GENESIS, rules.addresses)
        self.names[self._deployer] = GENESIS
        self._signer = engine if isinstance(engine, Signer) else None  # it needs everybody's keys
        if self._signer is not None:
            self._signer.learn(GENESIS)
        prices.begin(luck("prices"), float(rules.genesis))
        self.booked["ETH"][self._deployer] = 10**12 * ETH
        engine.fund(self._deployer, self.booked["ETH"][self._deployer])

    def to_units(self, asset: str, amount: float) -> int:
        """Return the smallest units in an amount of whole ones; ValueError where it is no whole number of them.

        Args:
            asset: ETH, USD or a token's symbol.
            amount: whole ones.
        """
        return to_units(amount, self.decimals[asset])

    def whole(self, asset: str, units: int) -> float:
        """Return the whole ones in smallest units of an asset.

        Args:
            asset: ETH, USD or a token's symbol.
            units: smallest units.
        """
        one: int = 10 ** self.decimals[asset]
        return units / one

    def dollars(self, amounts: Mapping[str, int]) -> float:
        """Return what amounts by asset are worth now, USD."""
        now = self.env.now / SECOND
        return sum(self.whole(asset, units) * self.prices.usd(asset, now) for asset, units in amounts.items())

    @property
    def deployer(self) -> bytes:
        """Return the address of who deploys: the `msg.sender` of everything before time begins."""
        return self._deployer

    def left_of(self, token: str) -> int:
        """Return what nobody was given yet of a token's supply, smallest units."""
        return self.booked[token][self._deployer]

    def name_of(self, address: bytes) -> str:
        """Return the name of an account or a contract, else its address in hex."""
        return self.names.get(address) or "0x" + address.hex()

    def contract_at(self, address: bytes) -> Contract | None:
        """Return the contract at an address: deployed, born in the run, or a clone of one of these; None for others."""
        return self.contracts.get(address) or self.births.known(address)

    @contextmanager
    def fork(self) -> Iterator[Engine]:
        """Undo after the block whatever is executed on the engine inside it; takes microseconds on `native`."""
        mark = self.engine.snapshot()
        try:
            yield self.engine
        finally:
            self.engine.restore(mark)
            self._forget_views()

    def tries(self, call: Call, sender: bytes) -> CallResult:
        """Return what a call would come to in the block that ran last, without a trace; free of fees.

        Args:
            call: what is tried.
            sender: the address that it is tried from.
        """
        return self.engine.call(Tx(sender, call.to, call.data, call.value, call.gas))

    def web3(self) -> Any:
        """Return a web3.py client of the running chain. Empty blocks come into being with the next that is not empty.

        Raises:
            RuntimeError: the engine keeps no chain of signed blocks.
        """
        if self._signer is None:
            raise RuntimeError(
                f"engine={self.engine.name} keeps no signed blocks: run with engine=eth_tester chain.addresses=keys"
            )
        return self._signer.web3()

    def _forget_views(self) -> None:
        """Ask contracts again what they were asked before: the state has changed."""
        for contract in self.contracts.values():
            contract.forget_()
