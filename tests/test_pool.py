"""The mempool: others' pending intentions, after two latencies, and never those of one's own circle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from slashpoint.agents.conduct import Conduct
from slashpoint.agents.knowledge import Knowledge
from slashpoint.agents.person import Person, Traits
from slashpoint.agents.roles import Role
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.sim.ledger import Ledger


@dataclass
class Watcher(Conduct):
    """Looks."""

    powers: ClassVar[frozenset[str]] = frozenset({"mempool"})


def watched(script):
    """What a script of somebody who reads the mempool of a small market returns."""
    world, got = build(compose(["scenario=small", "engine=pyevm", "scenario.jobs=1"]), Ledger()), []

    class Probe(Role):
        def live(self, me):
            fact = yield me.hears(self.market.RequestCreated).next()
            got.append((yield from script(me, fact.job, world)))

    market = world.markets[0]
    person = Person(world, "probe/0", [Probe(Watcher(), market)], Traits(latency=1.0), coalition=Knowledge())
    person.endow(market)
    person.begin()
    world.run(1, 200)
    world.forget()
    return got[0]


def trainers(world):
    return {one.name: one.address for one in world.accounts.values() if one.name.startswith("trainer/")}


def test_without_an_end_one_waits_until_somebody_sends():
    def script(me, job, _):
        seen = yield me.pool.sees("submits", job)
        before = me.now
        fact = yield me.sees("submits", job=job, carries=seen.carries)
        return seen, before, me.now, fact

    seen, before, after, fact = watched(script)
    assert seen.verb == "submits"
    assert seen.carries == fact.carries
    assert before < after


def test_with_an_end_one_gives_up():
    def script(me, job, _):
        seen = yield me.pool.sees("reveals", job, by=me.now + 30)
        return seen, me.now

    seen, now = watched(script)
    assert seen is None
    assert now % 1 == pytest.approx(0)


def test_ones_own_circle_is_not_seen():
    def script(me, job, world):
        others = trainers(world)
        alone = others.pop("trainer/2")
        me.coalition.addresses.update(others.values())
        seen = yield me.pool.sees("submits", job)
        fact = yield me.sees("submits", job=job, carries=seen.carries)
        me.coalition.addresses.add(alone)
        return fact.by == alone, (yield me.pool.sees("claims", job, by=job.deadline + 40))

    assert watched(script) == (True, None)


def test_what_is_pending_already_is_seen_the_earliest_first():
    def script(me, job, world):
        seen = yield me.pool.sees("submits", job)
        again = yield me.pool.sees("submits", job)
        return seen, again, [one.call.carries for one in world.chain.mempool if one.call.verb == "submits"]

    seen, again, pending = watched(script)
    assert seen == again
    assert seen.carries in pending


def test_an_account_of_ones_own_person_is_not_seen():
    def script(me, job, world):
        me.knowledge.addresses.update(trainers(world).values())
        return (yield me.pool.sees("submits", job, by=job.deadline))

    assert watched(script) is None


def test_to_look_takes_a_power():
    def script(me, job, _):
        me.account.person.roles[0].conduct = Conduct()
        with pytest.raises(PermissionError, match="mempool"):
            me.pool.sees("submits", job)
        yield me.until(me.now + 1)
        return True

    result: Any = watched(script)
    assert result is True
