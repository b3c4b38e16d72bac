"""Who posted a job fetches the model that won, once it is over, and notices when nobody has it."""

from __future__ import annotations

import pytest

from slashpoint.experiments.report.explain import story
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build, simulate
from slashpoint.sim.ledger import Ledger, read

OFF_CHAIN = "protocol.models_on_chain=false"  # a competition's models go by CID
PLACES = [("modelmarket",), ("competition", OFF_CHAIN)]
LOST = "models that won are lost to their buyers: nobody has them available"


def lost(result) -> list[str]:
    return [warning for warning in result.warnings if LOST in warning]


def fetched(result) -> list[tuple[str, str]]:
    rows = result.ledger["duties"].query("duty == 'fetch'")
    return list(zip(rows["account"], rows["answer"]))


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
def test_what_won_is_fetched(place):
    protocol, *more = place
    result = simulate(protocol, scenario="small", overrides=["scenario.jobs=2", *more])
    assert result.metric("delivered_share") == 1
    assert not lost(result)
    assert not fetched(result)


def test_a_file_that_is_withheld_is_noticed_by_who_paid_for_it():
    """Every trainer opens its work and keeps the file."""
    result = simulate(attack="no_pin", scenario="small", overrides=["scenario.jobs=2", "scenario.attackers=4"])
    assert set(result.ledger["jobs"]["outcome"]) == {"success"}
    assert result.metric("delivered_quality") == 0
    assert result.metric("value_delivered") == 0
    assert lost(result) == [f"2 of 2 {LOST}"]
    assert fetched(result) == [("requester/0", "nobody has the model available")] * 2
    told = [f"{one.who} {one.what}" for one in story(result.run, result.ledger["jobs"]["job"].iloc[0])]
    assert any("requester/0 asked to fetch: nobody has the model available" in one for one in told)


def test_what_a_buyer_fetched_stays_its_own_whoever_lets_go_of_it_after():
    """A trainer that unpins the file once it is paid takes nothing back."""
    world = build(compose(["scenario=small", "scenario.jobs=1", "engine=pyevm"]), ledger := Ledger(None))
    market = world.markets[0]
    settled = market.delivered

    def once(job):
        found = settled(job)
        if found is not None:
            cid = market.accepted[job.key]
            for who in world.store.pinned_by(cid):
                world.store.unpin(cid, who)
        return found

    market.delivered = once
    world.run(1, 400)
    world.forget()
    assert settled(next(iter(market.jobs.values()))) is None
    assert read(ledger)["jobs"]["delivered"].iloc[0] > 50


def test_a_file_that_comes_after_its_buyer_looked_for_it_is_not_delivered():
    """What lies in the store when a run ends is not what somebody got."""
    world = build(compose(["scenario=small", "scenario.jobs=1", "engine=pyevm", "attack=[no_pin]",
                           "scenario.attackers=4"]), ledger := Ledger(None))  # fmt: skip
    market = world.markets[0]
    world.expected_jobs = 1
    while not world.ended:
        world.step()
    (job,) = market.jobs.values()
    assert job.fetched
    model = next(iter(world.training_cache._models.values()))
    world.store.put(model, "trainer/0")
    market.accepted[job.key] = next(iter(reversed(list(world.store))))
    assert market.delivered(job) is not None
    world.run(1, 1)
    world.forget()
    assert read(ledger)["jobs"]["delivered"].isna().all()


def test_of_a_run_that_was_cut_short_it_counts_what_could_be_had():
    """Nobody was there to fetch it."""
    whole = simulate(scenario="small", overrides=["scenario.jobs=1"])
    closed = int(whole.ledger["events"].query("event == 'RequestClosed'")["block"].iloc[0])
    first = int(whole.ledger["blocks"]["block"].iloc[0])
    cut = simulate(scenario="small", overrides=["scenario.jobs=1", f"scenario.blocks={closed - first + 1}"])
    assert cut.ledger["jobs"]["delivered"].equals(whole.ledger["jobs"]["delivered"])
