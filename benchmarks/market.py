"""A growing market: ModelMarket with a surrogate for training, ever more requests with some twenty trainers each.

Trainers arrive one after another, serve the next request that is posted, and stay; a request a block, one requester for
five. So a market with ten times the trainers has ten times the requests, not larger ones. Timed is `World.run`:
scripts, chain, EVM, facts, invariants, ledger on disk. "B/agent" is what Python's allocator held at most, from an
empty world to its end and by trainer, in a run of its own under tracemalloc: fixed costs are in it, and so is the
garbage that the sleeping collector leaves; the native engine's state is not, pyevm's is.
"""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.bench.benchmark import Once, Setting, contender

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.sim.ledger import Ledger
    from slashpoint.sim.world import World

SETTING = Setting("transactions/s", "agents", (100, 300, 1_000), long=(3_000, 10_000, 100_000), base="pyevm")
CROWD = 20  # trainers for a request, on average
COMMISSIONS = 5  # requests of a requester
TRACED = 3_000  # agents: tracing takes several times as long as living
SAID = (
    "scenario=small", "protocol.stake=0.5", "protocol.reward=1", "protocol.requester_stake=1", "chain.background=0",
    "protocol.endowment.mdc=9",
)  # fmt: skip


def build(engine: str, agents: int, ledger: Ledger) -> World:
    """Return a world whose trainers come and are to be served.

    Args:
        engine: its name.
        agents: trainers.
        ledger: where it writes.
    """
    from slashpoint.agents.population import Population
    from slashpoint.agents.roles import Keeper
    from slashpoint.experiments.setup.config import chain_rules, compose, plugin
    from slashpoint.protocols.modelmarket import MARKET, TERMS, roles
    from slashpoint.sim.engine import make_engine
    from slashpoint.sim.luck import Luck
    from slashpoint.sim.world import World

    jobs, config = max(1, agents // CROWD), compose(SAID)
    rules = chain_rules(config)
    first = rules.genesis + 10 * rules.block_time

    class Trainer(roles.Trainer):
        """Comes at some time, and serves the next request."""

        def lives(self, me: Me) -> Generator[Any, Any, None]:
            yield me.until(rules.genesis + me.luck("arrival").uniform(0, (jobs + 5) * rules.block_time))
            yield from super().lives(me)

        def live(self, me: Me) -> Generator[Any, Any, None]:
            posted = yield me.hears(self.market.RequestCreated).next()
            yield me.spawn(self.serve, posted.job)

    world = World(
        make_engine(engine, rules.fork), rules, Luck(0), plugin("task", config), plugin("prices", config), ledger
    )
    market = MARKET.deploy(world, TERMS(**config.protocol))
    world.add_market(market)
    seats = {"requester": -(-jobs // COMMISSIONS), "trainer": agents, "keeper": 1}
    who = Population(seats, config.scenario.people, tokens=market.terms.endowment["mdc"])
    people = who.settle(world, market, (roles.Requester, Trainer, Keeper), (), "honest")
    for job in range(jobs):
        mine = world.demand.setdefault(f"requester/{job // COMMISSIONS}", [])
        mine.append((len(mine), first + job * rules.block_time))
    for person in people:
        person.begin()
    return world


def live(engine: str, agents: int, *, traced: bool = False) -> float:
    """Run a world from its first block to its end: its transactions per second, or its peak of bytes.

    Args:
        engine: its name.
        agents: trainers.
        traced: measure memory, not time.
    """
    from slashpoint.sim.ledger import Ledger, read

    with TemporaryDirectory() as folder:
        if traced:
            tracemalloc.start()
        ledger = Ledger(Path(folder))
        world = build(engine, agents, ledger)
        began = perf_counter()
        world.run(jobs=max(1, agents // CROWD), blocks=1_000 + agents)
        took = perf_counter() - began
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert world.ended
        assert not world.violations
        world.forget()
        ledger.close()
        ran = read(Path(folder))["transactions"]["status"]
    assert (ran == "success").mean() > 0.99, ran.value_counts()
    return held if traced else len(ran) / took


def market(engine: str, agents: int) -> Once:
    """Return what runs a fresh world in every turn; its memory is measured once, beforehand.

    Args:
        engine: its name.
        agents: trainers.
    """
    live(engine, CROWD)  # imports, and what is made on first use
    memory = {"B/agent": live(engine, agents, traced=True) / agents} if agents <= TRACED else {}
    return lambda: {SETTING.unit: live(engine, agents), **memory}


@contender("native", "slashpoint-revm", "make native")
def native(agents: int) -> Once:
    return market("native", agents)


@contender("pyevm", most=100, most_long=1_000)
def pyevm(agents: int) -> Once:
    return market("pyevm", agents)
