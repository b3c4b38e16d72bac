"""Each deliberate bug is caught by what its patch names, and the contract without it is not accused."""

from __future__ import annotations

import pytest

from slashpoint.experiments.gate.patches import Mutant, mutants, protocol_of
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import Result, run
from slashpoint.experiments.study.pairs import twin
from slashpoint.sim.contract.artifact import standing_in

ALL = mutants()
DAPP = [one for one in ALL if protocol_of(one.overrides) == "modelmarket"]
SETTINGS = sorted({one.overrides for one in ALL})


def live(overrides, build=None, *, seed: int = 0, jobs: int = 2) -> Result:
    said = [one for one in overrides if one.startswith("scenario.jobs=")] or [f"scenario.jobs={jobs}"] * bool(jobs)
    with standing_in(*([build] if build else [])):
        return run(compose([*overrides, f"seed={seed}", *said]))


def succeeded(result: Result) -> bool:
    return set(result.ledger["jobs"]["outcome"]) == {"success"}


def gain(overrides, build=None) -> float:
    """What the cheats have more than the same seats honest, USD."""
    cheating, honest = live(overrides, build), live(twin(overrides), build)
    attackers = [name for name, attacks in cheating.run.people["attacker"].items() if attacks]
    return sum(cheating.metric("profit", who) - honest.metric("profit", who) for who in attackers)


@pytest.mark.parametrize("mutant", ALL, ids=[one.name for one in ALL])
def test_a_mutant_is_caught_by_what_its_patch_names(mutant: Mutant) -> None:
    result = live(mutant.overrides, mutant.build)
    assert mutant.invariants <= set(result.violations["invariant"])
    if "expectation: every request succeeds" in mutant.caught_by:
        assert not succeeded(result)
    if "profit" in mutant.caught_by:
        assert gain(mutant.overrides, mutant.build) > 0 > gain(mutant.overrides)


@pytest.mark.parametrize("overrides", SETTINGS, ids=" ".join)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_contract_itself_is_not_accused(overrides: tuple[str, ...], seed: int) -> None:
    result = live(overrides, seed=seed)
    assert list(result.violations["complaint"]) == []
    unserved = ("protocol=", "double_refund", "late_truth", "garbage_truth", "redraw")
    if not any(name in " ".join(overrides) for name in unserved):
        assert succeeded(result)


@pytest.mark.parametrize(
    "attack", sorted({one.split("=")[1] for each in DAPP for one in each.overrides if one.startswith("attack=")})
)
def test_what_shows_a_bug_loses_money_without_it(attack: str) -> None:
    assert live(("scenario=small", f"attack={attack}")).metric("attacker_profit") < 0


def test_a_request_that_nobody_answered_well_enough_is_over_when_it_is_picked() -> None:
    """All stakes and the reward go back in the one call, and the keeper declares the gas for it."""
    given = ("protocol.min_accuracy_bps=9999", "protocol.split=chosen", "attack=wide_labels")
    result = live(("scenario=small", *given))
    assert set(result.ledger["jobs"]["outcome"]) == {"refunded"}
    assert list(result.violations["complaint"]) == []


VARIANTS = ["protocol.variant=hardened", "protocol.variant=literal"]
PLAYED = ["attack=[]", "attack=overclaim", "attack=late", "attack=withhold", "attack=redraw", "attack=timeout_sniper"]


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("attack", PLAYED)
def test_nor_over_a_hundred_seeds(attack: str, variant: str) -> None:
    """No complaint in 100 runs: with 95 % confidence fewer than 3 % of such runs have one."""
    for seed in range(100):
        told = live(("scenario=small", attack, variant), seed=seed, jobs=0).violations["complaint"]
        assert list(told) == [], seed


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(10))
def test_nor_in_standard_runs(seed: int, variant: str) -> None:
    assert list(live((variant,), seed=seed, jobs=0).violations["complaint"]) == []


def test_the_dapps_bugs_are_all_there() -> None:
    numbered = "\n".join(one.bug + "\n" for one in DAPP)
    assert [n for n in range(1, 12) if f"code bug {n}" not in numbered] == []
    assert len(DAPP) > 11


def test_a_head_without_a_line_is_refused(tmp_path) -> None:
    (tmp_path / "mutants").mkdir()
    (tmp_path / "mutants/X.patch").write_text("Bug: one\nRun: scenario=small\n--- a/src/X.sol\n")
    with pytest.raises(ValueError, match=r"X\.patch: its head lacks Caught by"):
        mutants(tmp_path)
