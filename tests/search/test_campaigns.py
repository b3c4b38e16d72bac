"""What every campaign must do, however it searches."""

import importlib
import importlib.util

import pytest

from slashpoint.sim.search import Finding, Gain, Harvest, Kind, Step, plain, properties
from slashpoint.sim.search.campaign import Report, gains

NATIVE = importlib.util.find_spec("slashpoint_revm") and importlib.util.find_spec("slashpoint.sim.search.native")
CAMPAIGNS = ["plain", pytest.param("native", marks=pytest.mark.skipif(not NATIVE, reason="it is not built"))]


@pytest.fixture(params=CAMPAIGNS)
def search(request):
    if request.param == "plain":
        return plain.search
    return importlib.import_module("slashpoint.sim.search.native").search


def counted(setup, search, **changed):
    return search(setup, **{"calls": 600, "seed": 3, "length": 40, "properties": list(properties(setup)), **changed})


def test_it_makes_as_many_calls_as_it_is_given(stage, search):
    assert counted(stage("Counter"), search).calls == 600
    assert sum(usage.calls for usage in counted(stage("Counter"), search).functions.values()) == 600


def test_the_same_seed_brings_home_the_same_and_another_seed_something_else(stage, search):
    first, again, other = (counted(stage("Counter"), search, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first.interesting != other.interesting


def test_the_setup_is_afterwards_as_it_was(stage, search):
    setup = stage("Counter")
    before = setup.engine.state_root(), setup.now, setup.number
    counted(setup, search)
    assert (setup.engine.state_root(), setup.now, setup.number) == before


def test_what_it_suspects_is_seen_again_when_its_steps_are_played(stage, search):
    setup = stage("Counter")
    found = counted(setup, search, calls=8000)
    assert {each.kind for each in found.suspects} >= {Kind.PROPERTY, Kind.ASSERTION}
    (asked,) = properties(setup)
    suspect = next(each for each in found.suspects if each.kind == Kind.PROPERTY)
    assert suspect.subject == asked.name
    setup.mark()
    assert all(played.ok for played in list(setup.play_all(suspect.steps))[-1:])
    assert not asked.holds(setup)
    setup.back()


def test_sequences_of_the_corpus_are_played_first(stage, search):
    setup = stage("Counter")
    broken = next(each for each in counted(setup, search, calls=3000).suspects if each.kind == Kind.PROPERTY)
    at_once = counted(setup, search, calls=len(broken.steps), seed=9, corpus=[broken.steps])
    assert broken.key in {each.key for each in at_once.suspects}


def test_a_sequence_has_at_most_the_length_that_it_is_given(stage, search):
    found = counted(stage("Counter"), search, length=5, calls=2000)
    assert max(len(steps) for steps in found.interesting) <= 5


def test_the_most_that_an_account_gained_is_told_with_how(stage, search):
    setup = stage("ReentrantBank")
    found = search(setup, calls=3000, seed=1, length=30)
    (account, asset), gain = max(found.gains.items(), key=lambda each: each[1].amount)
    setup.mark()
    before = worth(setup, account)[asset]
    for each in gain.steps:
        setup.play(each)
    assert worth(setup, account)[asset] - before == gain.amount
    setup.back()


def worth(setup, account):
    held = [setup.worth(setup.accounts[account])]
    if account == "mallory":
        held.append(setup.worth(setup.contracts["puppet"].address_))
    return {asset: sum(each[asset] for each in held) for asset in held[0]}


def test_of_gains_that_are_no_theft_only_the_largest_of_an_asset_is_told():
    few, many = Gain(5, (Step(b"a" * 20, b"b" * 20),)), Gain(7, (Step(b"a" * 20, b"b" * 20),) * 2)
    report = Report(harvest=Harvest(gains={("alice", "wei"): few, ("bob", "wei"): many, ("bob", "Coin"): few}))
    assert {each.partition(" more")[0] for each in gains(report)} == {"bob once had 5 of Coin", "bob once had 7 of wei"}
    report.findings.append(Finding(Kind.GAIN, "Bank", "", ()))
    assert gains(report) == []
