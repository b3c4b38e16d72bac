"""A whole world: agents who pay each other in an ERC-20 token, beside verbs' own loop of the same transfers.

Everybody pays somebody in every block. In a world each person is a SimPy script with a latency; transactions are
ordered by priority fee, pay for gas and count nonces; receipts come back, events are decoded, every movement of money
is in the ledger with its cause, and the invariants hold. verbs has none of this: its `Sim.run` asks each agent for its
transactions and runs them, gas free of charge. Its agents pack their calldata by hand, which is twice as fast as its
ABI layer, beside it. Deployment is not timed. The garbage collector rests for all of them, as `World.run` has it.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.experiments.bench.benchmark import Once, Setting, contender
from slashpoint.sim.market import Market, Terms
from slashpoint.sim.units import ETH, GWEI

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from slashpoint.agents.me import Me
    from slashpoint.sim.contract import Artifact, Call
    from slashpoint.sim.market import Actor

SETTING = Setting("transfers/s", "agents", (1_000, 10_000), long=(100_000,), base="verbs")
TRANSFER = bytes.fromhex("a9059cbb") + bytes(12)
GAS = 80_000


def steps(agents: int, *, slow: bool = False) -> int:
    """Return how many blocks a turn has.

    Args:
        agents: who all pay in every block.
        slow: whether the engine is; it then has a tenth of the transfers.
    """
    return max(1, (1_000 if slow else 10_000) // agents)


def payments(me: int, agents: int) -> Iterator[tuple[int, int, int]]:
    """Yield whom somebody pays, how much and with which tip: the same for every contender.

    Args:
        me: the payer's number.
        agents: how many there are.
    """
    turn = 0
    while True:
        turn += 1
        mixed = (me * 0x9E3779B1 + turn * 0x85EBCA77) & 0xFFFFFFFF
        yield mixed % agents, 1 + mixed % 1_000, GWEI + mixed % 10**6


def coin() -> Artifact:
    """Return the artifact of the token that everybody pays in."""
    from slashpoint.sim.contract import Artifact

    return Artifact.ours("ModelCoin")


class Purse(Market):
    """A token, and nothing else to do than to pay in it."""

    asset: ClassVar[str] = "MDC"
    news = ()

    def setup(self, me: Actor) -> Sequence[Call]:
        """Return nothing: nobody else takes tokens, so that there is nothing to approve."""
        return ()

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Return one cause: all of it is payments."""
        return [("payment", amount, None)]

    def liabilities(self) -> dict[str, dict[str, int]]:
        """Return nothing: the token owes nobody."""
        return {self.asset: {}}


def paid(me: npt.NDArray[np.int64], turn: int, agents: int) -> tuple[Any, Any, Any]:
    """Return the same as `payments`, of many at once.

    Args:
        me: the payers' numbers.
        turn: which payment of theirs it is, from 1 on.
        agents: how many there are.
    """
    mixed = (me * 0x9E3779B1 + turn * 0x85EBCA77) & 0xFFFFFFFF
    return mixed % agents, 1 + mixed % 1_000, GWEI + mixed % 10**6


def world(engine: str, agents: int, *, columns: bool = False) -> Once:
    """Return what runs people in a world, each with a script, or all of them a crowd that decides by columns.

    Args:
        engine: its name.
        agents: who all pay in every block.
        columns: let them decide by columns.
    """
    from slashpoint.agents.conduct import Conduct
    from slashpoint.agents.person import Person, Traits
    from slashpoint.agents.roles import Role
    from slashpoint.experiments.setup.config import chain_rules, compose, plugin
    from slashpoint.sim.crowd import Crowd
    from slashpoint.sim.engine import make_engine
    from slashpoint.sim.ledger import Ledger
    from slashpoint.sim.luck import Luck
    from slashpoint.sim.world import World, frozen_garbage

    class Payer(Role):
        """Pays somebody, waits for the receipt, and pays again."""

        def live(self, me: Me) -> Generator[Any, Any, None]:
            token = self.market.contract
            for receiver, amount, tip in payments(int(me.name), agents):
                receipt = yield me.sends(token.transfer(addresses[receiver], amount, gas=GAS), tip=tip)
                assert receipt.ok

    class Payers(Crowd):
        """The same of everybody, in one call a block."""

        turn_of_all = 0

        def act(self, free: npt.NDArray[np.int64]) -> None:
            self.turn_of_all += 1
            receivers, amounts, tips = paid(free, self.turn_of_all, agents)
            self.sends(token.transfer.rows(self.addresses[receivers], amounts, gas=GAS), free, tips)

    config = compose(["scenario=small", "chain.background=0", f"chain.gas_limit={4 * agents * GAS}"])
    rules = chain_rules(config)
    ledger = Ledger()
    alive = World(
        make_engine(engine, rules.fork), rules, Luck(0), plugin("task", config), plugin("prices", config), ledger
    )
    token = alive.deploy(coin(), False, symbol=Purse.asset)
    market = Purse(alive, token, Terms())
    alive.add_market(market)
    latencies = [Luck("latency")(i).uniform(0.1, 2.0) for i in range(agents)]
    people = [
        Person(alive, str(i), [Payer(Conduct(), market)], Traits(latency=latencies[i], eth=100, tokens=1))
        for i in range(0 if columns else agents)
    ]
    addresses = [person.accounts[0].address for person in people]
    for person in people:
        person.endow(market)
        person.begin()
    if columns:
        Payers(alive, "payer", latencies, 100, {market.asset: 1})
    alive.step()  # the first payments arrive

    def once() -> float:
        blocks, before = steps(agents, slow=engine == "pyevm"), sum(one.executed for one in alive.accounts.values())
        with frozen_garbage():
            began = perf_counter()
            for _ in range(blocks):
                alive.step()
            took = perf_counter() - began
        assert not alive.violations
        done = sum(one.executed for one in alive.accounts.values()) - before
        assert done == blocks * agents, done
        return done / took

    return once


@contender("native", "slashpoint-revm", "make native")
def native(agents: int) -> Once:
    return world("native", agents)


@contender("native, deciding by columns", "slashpoint-revm", "make native")
def columns(agents: int) -> Once:
    return world("native", agents, columns=True)


@contender("pyevm", most=1_000, most_long=10_000)
def pyevm(agents: int) -> Once:
    return world("pyevm", agents)


def verbs_sim(agents: int, *, packed: bool) -> Once:
    """Return what runs the same transfers in a simulation of verbs.

    Args:
        agents: who all pay in every block.
        packed: pack calldata by hand, without the ABI layer.
    """
    from verbs.abi import get_abi
    from verbs.envs import EmptyEnvGasPriority
    from verbs.sim import Sim

    from slashpoint.sim.world import frozen_garbage

    artifact = coin()
    environment = EmptyEnvGasPriority(1)
    addresses = [(0x1000 + i).to_bytes(20, "big") for i in range(agents)]
    for address in addresses:
        environment.create_account(address, 100 * ETH)
    token = environment.deploy_contract(addresses[0], "ModelCoin", artifact.deploy_data(False))
    abi = get_abi("ModelCoin", artifact.abi)
    for address in addresses[1:]:
        environment.execute(addresses[0], token, TRANSFER + address + ETH.to_bytes(32, "big"), 0)

    class Payer:
        def __init__(self, me: int) -> None:
            self.address, self.payments = addresses[me], payments(me, agents)

        def update(self, _rng: Any, _environment: Any) -> list[Any]:
            receiver, amount, tip = next(self.payments)
            if packed:
                data = TRANSFER + addresses[receiver] + amount.to_bytes(32, "big")
                return [(self.address, token, data, True, tip, None, None)]
            return [abi.transfer.transaction(self.address, token, [addresses[receiver], amount], gas_priority_fee=tip)]

        def record(self, _environment: Any) -> None:
            pass

    sim = Sim(1, environment, [Payer(i) for i in range(agents)])

    def once() -> float:
        blocks = steps(agents)
        with frozen_garbage():
            began = perf_counter()
            sim.run(blocks, show_progress=False)
            took = perf_counter() - began
        assert len(environment.get_last_events()) == agents
        return blocks * agents / took

    return once


@contender("verbs", "verbs==0.4.1")
def verbs(agents: int) -> Once:
    return verbs_sim(agents, packed=True)


@contender("verbs, by its ABI", "verbs==0.4.1")
def verbs_abi(agents: int) -> Once:
    return verbs_sim(agents, packed=False)
