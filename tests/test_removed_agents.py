"""A Mesa agent that was removed: nothing new is sent, what was sent stays, what was used is charged."""

from __future__ import annotations

from itertools import count

import pytest

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.me import Me
from slashpoint.agents.person import Person, Traits
from slashpoint.agents.roles import Role
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.sim.ledger import Ledger, read

SECONDS = 100.0  # between what the probe sends
LATENCY = 20.0  # of the probe: more than a block


@pytest.fixture
def world():
    made = build(compose(["scenario=small", "engine=pyevm", "scenario.jobs=2"]), Ledger(None))
    made.expected_jobs = 2
    yield made
    made.forget()


def lives(world, live, **traits) -> Person:
    """One more person, who runs `live(me)`."""

    class Probe(Role):
        def live(self, me):
            yield from live(me)

    market = world.markets[0]
    person = Person(world, "probe/0", [Probe(Conduct(), market)], Traits(latency=LATENCY, **traits))
    person.endow(market)
    person.begin()
    return person


def pays(me):
    """Send a little to oneself, every hundred seconds from the genesis on."""
    for number in count(1):
        yield me.until(me._world.rules.genesis + number * SECONDS)
        me.sends(me._world.tokens["MDC"].transfer(me.address, 1, gas=80_000))


def until(world, seconds: float) -> None:
    while world.chain.time < (world.rules.genesis + seconds) * 10**9:
        world.step()


def sent(world) -> list[float]:
    """When the probe sent what ran, seconds from genesis."""
    rows = read(world.ledger)["transactions"].query("account == 'probe/0' and verb == ''")
    return [(time / 10**9) - world.rules.genesis for time in rows["sent_ns"]]


def test_nothing_is_sent_after_it_was_removed_and_what_was_sent_stays(world):
    person = lives(world, pays)
    until(world, 2 * SECONDS + LATENCY / 2)  # the second is on its way
    person.remove()
    assert person not in world.agents
    until(world, 10 * SECONDS)
    assert sent(world) == [SECONDS, 2 * SECONDS]


def test_who_is_not_removed_goes_on(world):
    lives(world, pays)
    until(world, 10 * SECONDS)
    assert len(sent(world)) > 5


def test_a_whole_market_that_is_removed_is_silent(world):
    """By Mesa's own tools."""
    until(world, 120)
    world.agents.do("remove")
    before = len(read(world.ledger)["transactions"])
    pending = world.chain.backlog
    until(world, 3000)
    assert len(read(world.ledger)["transactions"]) == before + pending
    assert not world.chain.backlog
    world.check()
    assert {name for _, name, _ in world.violations} <= {"liveness"}


def test_the_others_go_on_without_a_trainer(world):
    until(world, 60)
    gone = next(one for one in world.agents if one.name == "trainer/0")
    gone.remove()
    world.run(2, 400)
    tables = read(world.ledger)
    assert set(tables["jobs"]["outcome"]) == {"success"}
    assert not (
        tables["transactions"].query("account == 'trainer/0'")["sent_ns"] > (world.rules.genesis + 60) * 1e9
    ).any()
    assert "trainer/0" in set(tables["accounts"]["account"])


def test_what_it_was_training_is_charged_for_the_time_that_it_took(world):
    def live(me):
        job = next(iter(world.markets[0].jobs.values()))
        started.append(me.now)
        yield me.trains(job, effort=100.0)

    started: list[float] = []
    person = lives(world, live, compute_usd_hour=3600.0)
    until(world, 120)
    person.remove()
    charged = read(world.ledger)["transfers"].query("sender == 'probe/0' and cause == 'compute'")["amount"]
    assert [amount / 10**18 for amount in charged] == [pytest.approx(world.rules.genesis + 120 - started[0], abs=1e-3)]


def test_it_may_remove_itself(world):
    def live(me):
        me.spawn(pays)
        yield me.until(world.rules.genesis + 2.5 * SECONDS)
        me.account.person.remove()
        done.append("removed")
        yield me.until(me.now + 1)
        done.append("went on")

    done: list[str] = []
    lives(world, live)
    until(world, 10 * SECONDS)
    assert done == ["removed"]
    assert sent(world) == [SECONDS, 2 * SECONDS]


def test_a_hand_that_still_holds_its_account_cannot_send_either(world):
    person = lives(world, pays)
    person.remove()
    with pytest.raises(RuntimeError, match="probe/0 was removed from the world and sends nothing more"):
        Me(world, person.accounts[0]).sends(world.tokens["MDC"].transfer(person.accounts[0].address, 1))
