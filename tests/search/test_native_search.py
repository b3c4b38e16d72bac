"""The native engine's search: what it brings home is what any engine sees when the steps are played again."""

import pytest

from slashpoint.sim.search import properties

pytest.importorskip("slashpoint_revm")
from slashpoint.sim.search.native import search

BOTH = ("native", "pyevm")


def sequences(found):
    suspects = [each.steps for each in found.suspects]
    return [*suspects, *(gain.steps for gain in found.gains.values()), *found.interesting[:40]]


@pytest.mark.parametrize("name", ["Counter", "Doors", "ReentrantBank", "HiddenBids"])
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


def test_the_same_seed_brings_home_the_same(stage):
    one, again, other = (search(stage("Doors"), calls=5000, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.interesting != other.interesting


def test_it_finds_the_key_of_every_door(stage):
    """Magic numbers, a sum, a commitment that its preimage opens, a hex text, a moment, an amount, and a reentrancy."""
    opened = {
        ("Counter", 3000): {"Counter.add(uint8)", "Counter.invariant_small"},
        ("Doors", 60_000): {
            "Doors.maze(uint64,uint64,int64)",
            "Doors.unseal(uint64,bytes32)",
            "Doors.fulfil(bytes32)",
            "Doors.pass()",
            "Doors.pay()",
            "Doors.invariant_solvent",
        },
    }
    for (name, calls), subjects in opened.items():
        setup = stage(name)
        found = search(setup, calls=calls, seed=1, properties=list(properties(setup)))
        assert {each.subject for each in found.suspects} >= subjects


def test_a_state_that_is_broken_is_not_gone_on_from(stage):
    setup = stage("Counter")
    (asked,) = properties(setup)
    found = search(setup, calls=3000, seed=1, properties=[asked])
    assert [each.subject for each in found.suspects].count(asked.name) == 1
    for steps in found.interesting:
        setup.mark()
        for each in steps:
            assert asked.holds(setup)
            setup.play(each)
        setup.back()


def test_it_counts_edges_and_reverts_by_their_data(stage):
    found = search(stage("Doors"), calls=5000, seed=1)
    assert found.edges > 50
    assert {data[:4].hex() for (_, data) in found.reverts} >= {"08c379a0"}  # Error(string)
