"""The native engine's search: what it brings home is what any engine sees when the steps are played again."""

import pytest

from slashpoint.sim.search import Kind, properties

pytest.importorskip("slashpoint_revm")
from slashpoint.sim.search.native import search

BOTH = ("native", "pyevm")


def sequences(found):
    suspects = [each.steps for each in found.suspects]
    return [*suspects, *(gain.steps for gain in found.gains.values()), *found.interesting[:40]]


@pytest.mark.parametrize("name", ["Counter", "ReentrantBank", "RefundTwice", "HiddenBids", "Vesting"])
def test_every_sequence_does_the_same_on_both_engines(stage, name):
    native, pyevm = (stage(name, engine=engine) for engine in BOTH)
    assert native.contracts[name].address_ == pyevm.contracts[name].address_
    found = search(native, calls=3000, seed=5, length=12, properties=list(properties(native)))
    played = 0
    for steps in sequences(found):
        both = []
        for setup in (native, pyevm):
            setup.mark()
            both.append([(each.status, each.gas, each.output) for each in setup.play_all(steps)])
            setup.back()
        assert both[0] == both[1]
        assert all(status == 1 for status, _, _ in both[0][:-1])  # only the last may fail, if it is what was new
        played += len(steps)
    assert played > 20


def test_a_search_of_another_engine_is_refused(stage):
    with pytest.raises(TypeError, match="not in pyevm"):
        search(stage("Counter", engine="pyevm"), calls=10, seed=1)


def test_a_sum_that_must_be_hit_exactly_is_hit(stage):
    setup = stage("Counter")
    assert first(setup, Kind.ASSERTION, calls=2000)


def first(setup, kind, calls):
    """Return whether a search of so many calls suspects something of a kind, with each of three seeds."""
    found = (search(setup, calls=calls, seed=seed, properties=list(properties(setup))) for seed in range(3))
    return all(kind in {each.kind for each in one.suspects} for one in found)
