"""A crowd is the same people with the same transactions, only decided by columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.person import Person, Traits
from slashpoint.agents.roles import Role
from slashpoint.benchmarks.transfers import Purse, coin, paid, payments
from slashpoint.experiments.report.page import page
from slashpoint.experiments.setup.config import chain_rules, compose, plugin
from slashpoint.experiments.setup.folder import result_of
from slashpoint.experiments.setup.run import run
from slashpoint.sim.contract import Artifact, Contract
from slashpoint.sim.crowd import Crowd
from slashpoint.sim.engine import make_engine
from slashpoint.sim.ledger import Ledger
from slashpoint.sim.ledger.arrow import StringPool
from slashpoint.sim.luck import Luck
from slashpoint.sim.market import Terms
from slashpoint.sim.metrics.gas import OTHER
from slashpoint.sim.units import GWEI
from slashpoint.sim.world import World

GAS = 80_000
PEOPLE = 150


class Till(Purse):
    """A token that owes nobody anything."""

    def owed(self, address):
        return 0


class Payers(Crowd):
    """Each pays in every block that it hears of."""

    def act(self, free):
        turns = self.turns = getattr(self, "turns", np.zeros(len(self.members), np.int64))
        turns[free] += 1
        receivers, amounts, tips = paid(free, turns[free], PEOPLE)
        tips = GWEI * (1 + tips % 3)  # so that ranks must break ties
        amounts[free % 7 == 3] = 2 * 10**18  # more than anybody has
        self.sends(self.world.token.transfer.rows(self.world.addresses[receivers], amounts, gas=GAS), free, tips)


class Payer(Role):
    """The same as a script."""

    def live(self, me):
        i = int(me.name.split("/")[1])
        for receiver, amount, tip in payments(i, PEOPLE):
            wei = 2 * 10**18 if i % 7 == 3 else amount
            tip = GWEI * (1 + tip % 3)
            yield me.sends(me._world.token.transfer(bytes(me._world.addresses[receiver]), wei, gas=GAS), tip=tip)


def live(crowded: int, *, engine: str = "native", eth: float = 1.0, blocks: int = 8, **rules: Any) -> tuple[Any, World]:
    """The hashes of a world of payers of whom the first so many are a crowd."""
    said = {"background": 0, "gas_limit": GAS * PEOPLE // 2, "base_fee_gwei": 50, **rules}
    config = compose(["scenario=small", *(f"chain.{name}={value}" for name, value in said.items())])
    chain, ledger = chain_rules(config), Ledger()
    world: Any = World(
        make_engine(engine, chain.fork), chain, Luck(0), plugin("task", config), plugin("prices", config), ledger
    )
    world.token = world.deploy(coin(), False, symbol="MDC")
    market = Till(world, world.token, Terms())
    world.add_market(market)
    latencies = [Luck("latency")(i).uniform(0.1, 2.0) for i in range(PEOPLE)]
    Payers(world, "payer", latencies[:crowded], eth, {"MDC": 1.0})
    for i in range(crowded, PEOPLE):
        traits = Traits(latency=latencies[i], eth=eth, tokens=1)
        person = Person(world, f"payer/{i}", [Payer(Conduct(), market)], traits)
        person.endow(market)
        person.begin()
    world.addresses = np.array([np.frombuffer(one.address, np.uint8) for one in world.accounts.values()])
    for _ in range(blocks):
        world.step()
    world.run(1, 1)
    return ledger.hashes(), world


@pytest.mark.parametrize("ordering", ["priority", "fifo", "random"])
def test_a_crowd_writes_the_same_ledger_as_the_same_people(ordering):
    alone, world = live(0, ordering=ordering)
    assert not world.violations
    statuses = world.ledger.transactions.batches
    said = {status for batch in statuses for status in batch["status"].to_pylist()}
    assert said == {"success", "reverted"}
    assert live(PEOPLE, ordering=ordering)[0] == alone
    assert live(PEOPLE // 2, ordering=ordering)[0] == alone


def test_who_cannot_pay_is_dropped_as_anybody_is():
    alone, world = live(0, eth=0.016)
    said = [status for batch in world.ledger.transactions.batches for status in batch["status"].to_pylist()]
    assert 0 < said.count("dropped") < said.count("success")
    together, crowded = live(PEOPLE, eth=0.016)
    assert together == alone
    assert not crowded.violations


def test_engines_agree_about_a_crowd():
    assert live(PEOPLE, blocks=2)[0] == live(PEOPLE, engine="pyevm", blocks=2)[0]


def test_a_crowd_loads_the_chain_of_a_market():
    said = ["scenario=small", "scenario.jobs=1", "chain.background=0", "chain.gas_limit=2000000"]
    calm = run(compose([*said]))
    loud = run(compose([*said, "scenario.crowd.members=300", "scenario.crowd.eager=0.5"]))
    assert loud.violations.empty
    rows = loud.ledger["transactions"]
    assert (rows["role"] == "payer").sum() > 1_000
    fees = [one.ledger["blocks"]["base_fee"].astype(float).max() for one in (calm, loud)]
    assert fees[1] > 2 * fees[0]
    causes = loud.ledger["transfers"]
    assert (causes["cause"] == "payment").sum() > 1_000
    assert "unknown" not in set(causes["cause"])
    result = result_of(loud.run)  # as a run's folder has it
    about = {"protocol": "", "attack": "", "seed": 0, "reproduce": "", "engine": ""}
    assert "bystander)" not in page(loud.run, about | result)
    told = result["metrics"]
    assert told["gas_by_phase"][OTHER] > told["gas_by_phase"]["submits"]
    spent = {who: usd for who, usd in told["fees_by_role"].items() if who != "payer"}
    assert told["gas_cost"] == pytest.approx(sum(spent.values())), "what payers pay is no cost of the market"
    assert told["provider_surplus"] > 0 > told["profit"]["payer/0"]
    assert set(told["surplus"]) == {who for who in told["profit"] if not who.startswith("payer/")}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=20, max_size=20), st.integers(0, 2**63 - 1)), min_size=1, max_size=20))
def test_rows_are_written_as_calls_are(given_rows):
    token = Contract(Artifact.ours("ModelCoin"), b"\1" * 20, make_engine("pyevm"))
    receivers, amounts = zip(*given_rows, strict=True)
    wanted = [token.transfer(*row).data for row in given_rows]
    columns = np.frombuffer(b"".join(receivers), np.uint8).reshape(-1, 20), np.array(amounts, np.int64)
    assert [bytes(row) for row in token.transfer.rows(*columns).data] == wanted
    assert [bytes(row) for row in token.transfer.rows(receivers, amounts).data] == wanted


def test_rows_that_are_no_calls_are_refused():
    token = Contract(Artifact.ours("ModelCoin"), b"\1" * 20, make_engine("pyevm"))
    with pytest.raises(TypeError, match="2 columns of one length"):
        token.transfer.rows([b"\1" * 20], [1, 2])
    with pytest.raises(TypeError, match="value: -1 is no uint256"):
        token.transfer.rows([b"\1" * 20], np.array([-1]))
    with pytest.raises(TypeError, match="no address"):
        token.transfer.rows([b"\1" * 19], [1])


def test_nobody_sends_twice():
    _, world = live(PEOPLE, blocks=1)
    (crowd,) = world.chain.crowds
    calls = world.token.transfer.rows([b"\1" * 20] * 2, [1, 1], gas=GAS)
    crowd.free[:] = True
    with pytest.raises(ValueError, match="one transaction"):
        crowd.sends(calls, np.array([1, 1]), 1)
    with pytest.raises(ValueError, match="never fits"):
        crowd.sends(world.token.transfer.rows([b"\1" * 20], [1], gas=10**9), np.array([1]), 1)


def test_texts_come_by_their_places():
    texts = StringPool()
    places = [texts.add(name) for name in ("a", "b", "a")]
    assert texts.column(places) == ["a", "b", "a"]
    assert texts.column(np.array(places * 50)).to_pylist() == ["a", "b", "a"] * 50
