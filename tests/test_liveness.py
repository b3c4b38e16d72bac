"""Liveness: a world that is stuck says so in its first lines, and one that was cut short is not called stuck."""

from __future__ import annotations

import json
from dataclasses import replace

from slashpoint.experiments.cli import FAILED, HELD, MISCONFIGURED, main
from slashpoint.experiments.gate.patches import mutants
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import run, simulate
from slashpoint.protocols.modelmarket.market import ModelMarket
from slashpoint.sim.contract.artifact import standing_in
from slashpoint.sim.market import Market

STARVED = 30_000  # gas: enough to begin, too little to end
ONE = ("scenario.jobs=1",)
NOBODY_POKES = (*ONE, "scenario.absent=[keeper/0]", "scenario.blocks=300", "attack=[withhold_truth]")


def complaints(result) -> list[str]:
    return list(result.violations.query("invariant == 'liveness'")["complaint"])


def played(*overrides) -> list[str]:
    return complaints(run(compose(["scenario=small", *overrides])))


def starve(monkeypatch, verb: str) -> None:
    """Have a market's verb declare too little gas, so that it fails whoever sends it."""
    usual = getattr(ModelMarket, verb)

    def starved(self, *args):
        found = usual(self, *args)
        if isinstance(found, tuple):
            return found[0], replace(found[1], gas=STARVED)
        return found and replace(found, gas=STARVED)

    monkeypatch.setattr(ModelMarket, verb, starved)


def test_a_world_of_honest_people_is_alive():
    assert played() == []


def test_a_job_that_nobody_moves_on_is_overdue():
    (complaint,) = played(*NOBODY_POKES)
    assert complaint.startswith("ModelMarket: job ")
    assert "is open; enforceTimeout has been due for" in complaint


def test_a_run_tells_that_nobody_has_a_keeper_s_seat_where_something_is_overdue():
    """Where others move jobs on, as a spender does, or where nothing is overdue yet, there is nothing to tell."""
    told = "infeasible: protocol.seats.keeper=0: nobody here calls what is overdue"
    none, spent = "protocol.seats.keeper=0", "protocol.seats.spender=0"
    for protocol, said, noted in (
        ("forest", (none, "scenario.blocks=100"), True), ("golem", (none, spent, "scenario.blocks=900"), True),
        ("golem", (none,), False), ("modelmarket", (none, "scenario.blocks=5"), False),
        ("modelmarket", NOBODY_POKES, False),
    ):  # fmt: skip
        notes = simulate(protocol, scenario="small", overrides=[*ONE, *said]).run.notes
        assert (told in notes) == noted, (protocol, said)


def test_a_run_that_was_stopped_before_its_time_is_not_stuck():
    """At no block: whatever is under way, nobody is late."""
    for blocks in (1, 2, 5, 40, 76, 79, 81, 83, 85):
        result = simulate(scenario="small", overrides=[*ONE, f"scenario.blocks={blocks}"])
        assert complaints(result) == [], blocks
        assert any(note.startswith("stopped at") for note in result.run.notes), blocks


def test_a_keeper_that_fails_each_time_says_why(monkeypatch):
    starve(monkeypatch, "poke")
    overdue, in_vain = played(*ONE, "protocol.split=chosen", "scenario.blocks=300")
    assert "pickCandidate has been due" in overdue
    assert in_vain.startswith("keeper: all ")
    assert in_vain.endswith("calls of pickCandidate failed, the last by out of gas")


def test_money_that_cannot_be_withdrawn_is_locked(monkeypatch):
    starve(monkeypatch, "withdraws")
    told = played(*ONE)
    assert any("trainer/" in one and "MDC and cannot withdraw" in one for one in told)
    assert not any("is open" in one for one in told)


def test_a_market_that_sends_people_what_they_are_owed_is_not_asked_to_pay(monkeypatch):
    """It has no `withdraws` of its own."""

    class Pushing(Market):
        pass

    assert not Pushing.pulls.fget(object.__new__(Pushing))
    assert ModelMarket.pulls.fget(object.__new__(ModelMarket))
    starve(monkeypatch, "withdraws")
    monkeypatch.setattr(ModelMarket, "pulls", False)
    assert not any("cannot withdraw" in one for one in played(*ONE))


def test_money_that_is_nobodys_is_locked():
    """A mutant that forgets the bonds of those who reported."""
    (forgotten,) = [one for one in mutants() if one.name == "BondsForgotten"]
    with standing_in(forgotten.build):
        told = complaints(run(compose(list(forgotten.overrides))))
    assert [one for one in told if one.startswith("Competition holds ") and "nobody can withdraw" in one]


def test_what_a_treasury_keeps_by_the_rules_is_not_locked():
    assert played(*ONE, "protocol.fee_bps=200") == []


# --- said first, and switched off by name -----------------------------------------------------------------------------


def test_a_stuck_world_says_so_in_its_first_line_and_exits_with_one(tmp_path, capsys):
    said = ["run", "scenario=small", *NOBODY_POKES, "--quiet", "--out", str(tmp_path)]
    assert main(said) == FAILED
    assert capsys.readouterr().out.startswith("violated  liveness: block ")
    assert main([*said, "--json"]) == FAILED
    (complaint,) = json.loads(capsys.readouterr().out)["complaints"]
    assert complaint.startswith("liveness: block ")
    assert main([*said, "scenario.allow=[liveness]"]) == HELD
    told = capsys.readouterr().out
    assert "violated" not in told
    assert "invariants that were not asked (scenario.allow): liveness" in " ".join(told.split())


def test_an_invariant_that_there_is_not_cannot_be_switched_off(capsys):
    assert main(["run", "scenario=small", "scenario.allow=[livenes]"]) == MISCONFIGURED
    assert "scenario.allow=[livenes]: there is no such invariant; did you mean liveness?" in capsys.readouterr().err
    assert main(["run", "scenario=small", "scenario.allow=[some_honest_voter_approved]"]) == MISCONFIGURED


def test_any_invariant_is_switched_off_by_its_name():
    (mutant,) = [one for one in mutants() if one.name == "FeeTwice"]
    with standing_in(mutant.build):
        broken = set(run(compose(list(mutant.overrides))).violations["invariant"])
        allowed = f"scenario.allow=[{','.join(sorted(broken))}]"
        assert broken
        assert run(compose([*mutant.overrides, allowed])).violations.empty


def test_it_is_in_the_list_of_invariants(capsys):
    main(["list", "invariants"])
    told = capsys.readouterr().out
    assert "liveness" in told
    assert "at the end" in told
