"""The same configuration and seed give the same ledger, whatever the order of creation, the process or the others."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import slashpoint
from slashpoint.agents.person import Person
from slashpoint.experiments.setup.catalogue import names
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashpoint import Result

SMALL = ("scenario.jobs=2", "engine=pyevm")


def small(attack: object = (), *more: str) -> Result:
    return slashpoint.simulate(scenario="small", attack=attack, seed=5, overrides=[*SMALL, *more])


def models(run: Result) -> dict[tuple[str, str], str]:
    """The content of every model by (person, job), those of cheats left out."""
    accounts = run.ledger["accounts"]
    attackers = set(accounts[accounts["attacker"]]["controller"])
    rows = run.ledger["models"]
    return {
        (who, job): cid for who, job, cid in zip(rows["controller"], rows["job"], rows["cid"]) if who not in attackers
    }


@pytest.fixture(scope="module")
def honest() -> Result:
    return small()


def test_three_runs_have_one_hash(honest: Result) -> None:
    assert {honest.full_hash, small().full_hash, small().full_hash} == {honest.full_hash}
    assert slashpoint.simulate(scenario="small", seed=6, overrides=SMALL).chain_hash != honest.chain_hash


@pytest.mark.parametrize("attack", [(), ("sybil", "overclaim")])
def test_the_order_of_creation_decides_nothing(attack: Iterable[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Persons begin in shuffled orders, and all hear, train and act at the same instants: ranks alone order them."""
    ties = ("scenario.people.latency=0.5", "scenario.people.data_share=1")
    expected, begin = small(list(attack), *ties).full_hash, Person.begin
    for shuffle in range(4):
        waiting: list[Person] = []

        def later(person: Person, waiting: list[Person] = waiting, shuffle: int = shuffle) -> None:
            waiting.append(person)
            if len(waiting) == 6:  # all of them: now they begin
                for one in sorted(waiting, key=lambda one: Luck(shuffle, one.name).integer()):
                    begin(one)

        monkeypatch.setattr(Person, "begin", later)
        assert small(list(attack), *ties).full_hash == expected


def test_persons_may_be_created_in_any_order(monkeypatch: pytest.MonkeyPatch, honest: Result) -> None:
    from slashpoint.protocols import modelmarket

    monkeypatch.setattr(modelmarket, "ROLES", modelmarket.ROLES[::-1])
    assert small().full_hash == honest.full_hash


@pytest.mark.parametrize("hashseed", ["0", "1"])
def test_processes_agree(honest: Result, hashseed: str) -> None:
    code = (
        "import slashpoint; "
        f"run = slashpoint.simulate(scenario='small', seed=5, overrides={list(SMALL)}); print(run.full_hash)"
    )
    where = {**os.environ, "PYTHONHASHSEED": hashseed}
    told = subprocess.run([sys.executable, "-c", code], env=where, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == honest.full_hash


@pytest.mark.parametrize("attack", [name for name in names("attack") if name in {"lazy", "overclaim", "sybil"}])
def test_an_attack_changes_no_honest_model(honest: Result, attack: str) -> None:
    cheated = models(small(attack))
    assert cheated
    assert all(models(honest)[key] == cid for key, cid in cheated.items())


def test_who_else_is_there_changes_no_model(honest: Result) -> None:
    chosen = "protocol.split=chosen"  # a block draws another test set for a job that comes later
    more = models(small((), "protocol.seats.requester=2", "scenario.jobs=4", chosen))
    fewer = models(small((), "scenario.absent=[trainer/3]"))
    assert all(more[key] == cid for key, cid in models(small((), chosen)).items())
    assert {key for key in models(honest) if key[0] != "trainer/3"} == set(fewer)
    assert all(models(honest)[key] == cid for key, cid in fewer.items())


def test_real_models_too() -> None:
    """Bit for bit, with everybody's real training in one cohort."""
    plain = models(small((), "task=digits", "scenario.jobs=1"))
    beside = models(small("lazy", "task=digits", "scenario.jobs=1"))
    assert len(plain) == 4
    assert len(beside) == 3
    assert all(plain[key] == cid for key, cid in beside.items())


def test_a_surrogate_needs_no_torch() -> None:
    code = (
        "import sys, slashpoint; slashpoint.simulate(scenario='small', overrides=['scenario.jobs=1', 'engine=pyevm']); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_mesa_still_keeps_models_alive() -> None:
    """When Mesa mends it, `World.forget` can go."""
    import mesa

    model = mesa.Model(seed=0)
    mesa.Agent(model)
    assert model in mesa.Agent._ids
    mesa.Agent._ids.pop(model)
