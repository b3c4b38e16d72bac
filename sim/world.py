"""A world: SimPy time, one chain, the contracts on it, and everybody who acts there.

It knows no protocol and no strategy. People act through intentions (`send`); the world executes them, block by block,
turns what happened into facts, and writes everything down.
"""

from __future__ import annotations

import gc
import json
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import mesa

from slashpoint.sim import closing as inventory
from slashpoint.sim import invariants as builtin
from slashpoint.sim import liveness as endings
from slashpoint.sim.chain import Block, Chain, ChainRules, Pending, Receipt
from slashpoint.sim.contract import Contract
from slashpoint.sim.contract.artifact import stand_in
from slashpoint.sim.contract.token import decimals_of
from slashpoint.sim.engine import BlockContext, CallResult, Engine, Signer, Status, Tx
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.errors import legible
from slashpoint.sim.facts import Fact, Facts
from slashpoint.sim.invariants import Invariant, invariants_of
from slashpoint.sim.ledger import Ledger, ViolationRow
from slashpoint.sim.ledger.money import Cause, Edge
from slashpoint.sim.liveness import Poke
from slashpoint.sim.recorder import Recorder
from slashpoint.sim.recorder.decoder import verb_fact
from slashpoint.sim.recorder.transactions import SUCCESS
from slashpoint.sim.script import Clock
from slashpoint.sim.store import ContentStore
from slashpoint.sim.training_cache import TrainingCache
from slashpoint.sim.units import DECIMALS, ETH, SECOND, to_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from slashpoint.sim.contract import Artifact, Call, Event
    from slashpoint.sim.job_accounts import JobAccounts
    from slashpoint.sim.learning import Task
    from slashpoint.sim.luck import Luck
    from slashpoint.sim.prices import Prices

GENESIS = Edge.GENESIS.value
GENESIS_LEAD_SECONDS = (
    10**7
)  # seconds before the genesis at which deployment begins; a second for each of its transactions
IDLE_BLOCKS_TO_END = 3  # blocks without anything pending after which a world whose jobs are done has ended


class GenesisFailed(RuntimeError):
    """A transaction before time begins did not succeed: `why` it halted, or what it reverted with."""

    def __init__(self, why: str, output: bytes) -> None:
        super().__init__(f"the genesis failed: {why} {output.hex()}")
        self.why, self.output = why, output


class World(mesa.Model):
    """One market's universe. `step` is one block; Mesa's tools work on `agents`, the persons.

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
        self.markets: list[Any] = []
        self.market_of: dict[bytes, Any] = {}  # by the addresses of its contracts
        self.accounts: dict[bytes, Any] = {}
        self.names: dict[bytes, str] = {}
        self.booked: dict[str, dict[bytes, int]] = defaultdict(lambda: defaultdict(int))  # asset → holder → amount
        self.touched: dict[str, set[bytes]] = defaultdict(set)  # asset → who moved it since it was last checked
        self.invariants: list[Invariant] = [*invariants_of(builtin), *invariants_of(endings)]
        self.violations: list[tuple[int, str, str]] = []
        self.demand: dict[
            str, list[tuple[int, float]]
        ] = {}  # account → jobs that it is to post: (number, Unix seconds)
        self.notes: list[str] = []  # what a reader must know of how it was set up
        self.expected_jobs = 0
        self.attempts = 0  # to post a job
        self.pokes: list[Poke] = []
        self.watchers: list[Callable[[Pending], None]] = []  # those who read the mempool
        self.tally: JobAccounts | None = None  # kept where entry is free
        self.recorder = Recorder(self)
        self._active_blocks = 0
        self._quiet = 0
        self._deployer = address_of(GENESIS, rules.addresses)
        self.names[self._deployer] = GENESIS
        self._signer = engine if isinstance(engine, Signer) else None  # it needs everybody's keys
        if self._signer is not None:
            self._signer.learn(GENESIS)
        prices.begin(luck("prices"), float(rules.genesis))
        engine.fund(self._deployer, 10**12 * ETH)

    # --- before time begins -------------------------------------------------------------------------------------

    def genesis(self, to: bytes | None, data: bytes, value: int = 0) -> bytes:
        """Execute one transaction of the deployer in a block of its own before time begins, free of fees.

        Returns its output.
        """
        self.chain.number += 1
        context = BlockContext(
            self.chain.number, self.rules.genesis - GENESIS_LEAD_SECONDS + self.chain.number, 0, 2**40
        )
        nonce = self.engine.nonce(self._deployer)
        result = self.engine.run_block(context, [Tx(self._deployer, to, data, value, 2**24, 0, 0, nonce)])
        if result.status[0] != Status.SUCCESS:
            raise GenesisFailed(result.reasons.get(0, ""), bytes(result.output[0]))
        self.recorder.money.funding(self.recorder.decoder.movements(result)[0])
        self._forget_views()
        return bytes(result.output[0])

    def deploy(self, artifact: Artifact, *args: Any, symbol: str | None = None) -> Contract:
        """Put a contract, or what stands in for it, on the chain; a token's `symbol` makes its transfers known."""
        artifact = stand_in(artifact)
        try:
            address = self.genesis(None, artifact.deploy_data(*args))
        except GenesisFailed as error:
            why = error.why or artifact.interface.decode_error(error.output)
            raise ValueError(f"{artifact.name} cannot be deployed: {why}") from error
        contract = Contract(artifact, address, self.engine)
        self.contracts[address], self.names[address] = contract, contract.name_
        if symbol is not None:
            self.tokens[symbol] = contract
            self.decimals[symbol] = decimals_of(contract)
            self.ledger.describe(decimals=json.dumps(self.decimals))
            self.booked[symbol][self._deployer] = contract.balanceOf(self._deployer)
        return contract

    def endow(self, account: Any, wei: int, tokens: dict[str, int]) -> None:
        """Give an account its first money: the cause of these transfers is `funding`.

        Raises:
            ValueError: there are not so many tokens.
        """
        if wei:
            self.booked["ETH"][account.address] += wei
            self.engine.fund(account.address, self.booked["ETH"][account.address])
            self.recorder.money.transfer(GENESIS, account.name, "ETH", wei, Cause.FUNDING, None)
        for asset, amount in tokens.items():
            if amount > (left := self.left_of(asset)):
                wanted, there = self.whole(asset, amount), self.whole(asset, left)
                raise ValueError(f"{account.name} is to own {wanted:g} {asset}, and of their supply {there:g} are left")
            if amount:
                self.genesis(self.tokens[asset].address_, self.tokens[asset].transfer(account.address, amount).data)

    def to_units(self, asset: str, amount: float) -> int:
        """Return the smallest units in an amount of whole ones; ValueError where it is no whole number of them."""
        return to_units(amount, self.decimals[asset])

    def whole(self, asset: str, units: int) -> float:
        """Return the whole ones in smallest units of an asset."""
        one: int = 10 ** self.decimals[asset]
        return units / one

    def dollars(self, amounts: Mapping[str, int]) -> float:
        """Return what amounts by asset are worth now, USD."""
        now = self.env.now / SECOND
        return sum(self.whole(asset, units) * self.prices.usd(asset, now) for asset, units in amounts.items())

    def left_of(self, token: str) -> int:
        """What nobody was given yet of a token's supply, smallest units."""
        return self.booked[token][self._deployer]

    def register(self, account: Any) -> None:
        """Make an account known by its address."""
        self.accounts[account.address], self.names[account.address] = account, account.name
        account.name_code = self.recorder.names.add(account.name, account.controller, account.role, account.address)
        if self._signer is not None:
            self._signer.learn(account.name)

    def add_market(self, market: Any) -> None:
        """Open a market for business: its contract's events and movements of money are its to explain."""
        self.markets.append(market)
        self.market_of[market.contract.address_] = market
        if market.asset in self.tokens:  # its token's own functions too, such as an airdrop
            self.market_of.setdefault(self.tokens[market.asset].address_, market)
        self.invariants += invariants_of(market)

    # --- people act ---------------------------------------------------------------------------------------------

    def send(self, pending: Pending) -> None:
        """Take an intention on its way to the mempool."""
        self.chain.mempool.add(pending)
        if self.watchers:
            for watcher in tuple(self.watchers):
                watcher(pending)

    def name_of(self, address: bytes) -> str:
        """The name of an account or a contract, else its address in hex."""
        return self.names.get(address) or "0x" + address.hex()

    # --- time passes --------------------------------------------------------------------------------------------

    def step(self) -> None:
        """One block: people live until its time, then it is made of what had arrived by then."""
        for crowd in self.chain.crowds:
            crowd.turn()
        self.env.live(self.chain.time + self.chain.period)
        block = self.chain.mine()
        for crowd in self.chain.crowds:
            crowd.hears(block.time)
        if block.result is not None:
            self._forget_views()
        elif not block.dropped:
            self.recorder.block(block)
            self._quiet += 1
            self.ledger.tick()
            return
        decoded = self.recorder.decoder.decode(block)
        self._tell(block, decoded.facts)
        self.recorder.block(block, decoded)
        self._active_blocks += 1
        self.check(self._active_blocks)
        self._quiet = 0 if block.included or block.dropped else self._quiet + 1
        self.ledger.tick()

    def _forget_views(self) -> None:
        """Ask contracts again what they were asked before: the state has changed."""
        for contract in self.contracts.values():
            contract.forget_()

    def _tell(self, block: Block, facts: dict[int, list[tuple[Event, Fact]]]) -> None:
        """Turn what a block did into facts and receipts."""
        now, time, base_fee = block.time / SECOND, block.time, block.base_fee
        for pending, why in block.dropped:
            if not pending.moot:
                self.attempts += pending.call.verb == "posts"
                if pending.call.verb == "pokes":
                    self.pokes.append(Poke(pending, why, dropped=True))
            pending.done.fire(Receipt(ok=False, time=now, dropped=why), pending.account.latency)
        publish, number = self.facts.publish, block.number
        for i, pending in block.executed():
            ok, gas, account, verb = block.status[i] == SUCCESS, block.gas[i], pending.account, pending.call.verb
            account.executed += 1
            self.attempts += verb == "posts"
            events: tuple[Fact, ...] = ()
            if i in facts:
                events = tuple([fact for _, fact in facts[i]])
                for source, fact in facts[i]:
                    publish(source, fact)
                    self.prices.observes(fact)
            fee = gas * (base_fee + min(pending.tip, pending.max_fee - base_fee))
            revert = None if ok else self.recorder.decoder.revert(block, i)
            if ok and verb:
                publish(verb, verb_fact(pending, time))
            if verb == "pokes":
                self.pokes.append(Poke(pending, "" if ok else str(revert)))
            pending.done.fire(Receipt(ok, gas, fee, number, now, revert, events), account.latency)

    def check(self, blocks: int = 0) -> None:
        """Ask the invariants that are due (all of them at 0) and write down what they complain of."""
        for invariant in self.invariants:
            if blocks == 0 or (invariant.period and blocks % invariant.period == 0):
                for complaint in map(legible, invariant(self)):
                    self.violations.append((self.chain.number, invariant.__name__, complaint))
                    number, now = self.chain.number, self.chain.time
                    self.ledger.violations.append(
                        ViolationRow(block=number, time_ns=now, invariant=invariant.__name__, complaint=complaint)
                    )
        for asset in self.touched:
            if asset == "ETH" or blocks % builtin.tokens_are_conserved.period == 0:  # type: ignore[attr-defined]
                self.touched[asset].clear()

    @property
    def ended(self) -> bool:
        """Whether all jobs were posted and are over, and nothing has been pending for a while."""
        if self.attempts < self.expected_jobs or self._quiet < IDLE_BLOCKS_TO_END or self.chain.backlog:
            return False
        return all(job.closed is not None for market in self.markets for job in market.jobs.values())

    @property
    def unfinished(self) -> str:
        """Return what keeps a world from having ended, in words."""
        if any(job.closed is None for market in self.markets for job in market.jobs.values()):
            return "jobs still open"
        return "jobs still to be posted" if self.attempts < self.expected_jobs else "transactions still pending"

    def run(self, jobs: int, blocks: int, progress: Callable[[World], None] | None = None) -> None:
        """Live until `jobs` jobs were posted and are over, or for `blocks` blocks."""
        self.expected_jobs = jobs
        with frozen_garbage():
            for _ in range(blocks):
                self.step()
                if progress is not None:
                    progress(self)
                if self.ended:
                    break
        self.recorder.transactions.pending()
        for asset, holders in self.booked.items():
            self.touched[asset].update(holders)
        self.check()
        inventory.take(self, self.recorder.models)

    # --- looking in from outside --------------------------------------------------------------------------------

    @contextmanager
    def fork(self) -> Iterator[Engine]:
        """What if: whatever is executed on the engine inside is undone after; takes microseconds on `native`."""
        mark = self.engine.snapshot()
        try:
            yield self.engine
        finally:
            self.engine.restore(mark)
            self._forget_views()

    def tries(self, call: Call, sender: bytes) -> CallResult:
        """What a call would come to in the block that ran last, without a trace; free of fees."""
        return self.engine.call(Tx(sender, call.to, call.data, call.value, call.gas))

    def web3(self) -> Any:
        """A web3.py client of the running chain. Empty blocks come into being with the next that is not empty.

        Raises:
            RuntimeError: the engine keeps no chain of signed blocks.
        """
        if self._signer is None:
            raise RuntimeError(
                f"engine={self.engine.name} keeps no signed blocks: run with engine=eth_tester chain.addresses=keys"
            )
        return self._signer.web3()

    def forget(self) -> None:
        """Let go of everything: Mesa keeps each model alive by a class-level counter."""
        mesa.Agent._ids.pop(self, None)  # noqa: SLF001 - a Mesa 3.3 leak; a test says when it is mended


@contextmanager
def frozen_garbage() -> Iterator[None]:
    """Run without the cyclic garbage collector, the largest cost at ten thousand agents; unfreeze after.

    What an earlier world left is not collected first, which would take a quarter of a short run: the collector does it
    between runs, when it is due.
    """
    enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()
