"""Attacks that call verbs: they play in any protocol whose market offers them, and have no seat elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

import slashpoint
from slashpoint.experiments.setup.config import NoSeat, compose

ESCROW = Path(__file__).parent / "projects" / "escrow"


def run(protocol: str, attack: object, *said: str, jobs: int = 2) -> slashpoint.Result:
    project = ESCROW if protocol == "escrow" else None
    return slashpoint.simulate(protocol, attack, "small", 0, [f"scenario.jobs={jobs}", *said], project)


def sent(result: slashpoint.Result, verb: str) -> list[str]:
    """What came of the calls of a verb that the attacker sent."""
    accounts, rows = result.ledger["accounts"], result.ledger["transactions"]
    attacker = set(accounts[accounts["attacker"]]["account"])
    return list(rows[rows["account"].isin(attacker) & (rows["verb"] == verb)]["status"])


@pytest.mark.parametrize("protocol", ["modelmarket", "competition", "federated", "escrow"])
@pytest.mark.parametrize("attack", ["double_refund", "rug_host"])
def test_who_cancels_plays_wherever_jobs_can_be_cancelled(protocol: str, attack: str) -> None:
    result = run(protocol, attack)
    assert sent(result, "cancels")
    assert list(result.violations["complaint"]) == []


@pytest.mark.parametrize("protocol", ["modelmarket", "escrow"])
def test_who_reports_in_others_jobs_plays_wherever_there_are_claims_and_is_turned_away(protocol: str) -> None:
    assert set(sent(run(protocol, "accuracy_vandal"), "claims")) == {"reverted"}


def test_a_careless_contract_refunds_twice_and_is_short_of_what_it_owes_to_others() -> None:
    careless = run("escrow", "double_refund", "protocol.careful=false", jobs=4)
    assert sent(careless, "cancels").count("success") > 2
    assert set(careless.violations["invariant"]) >= {"markets_are_solvent"}
    assert not len(run("escrow", "double_refund", jobs=4).violations)


def test_a_careless_contract_takes_anybodys_claims() -> None:
    assert set(sent(run("escrow", "accuracy_vandal", "protocol.careful=false"), "claims")) == {"success"}


@pytest.mark.parametrize(
    ("attack", "protocol", "says"),
    [
        ("double_refund", "collective", "it calls cancels, which Collective does not offer"),
        ("rug_host", "collective", "it calls cancels, which Collective does not offer"),
        ("accuracy_vandal", "federated", "it calls claims, which Federated does not offer"),
        ("redraw", "federated", "its script takes over none of the roles, sponsor, client"),
        ("downvoter", "modelmarket", "it takes the seat of a role with the duty judge, and the roles"),
        (
            "withholder",
            "modelmarket",
            "it takes the seat of a role with the duty judge, and the roles here have c",
        ),
    ],
)
def test_where_a_verb_or_a_role_is_missing_the_attack_has_no_seat_and_says_why(
    attack: str, protocol: str, says: str
) -> None:
    with pytest.raises(NoSeat, match=says):
        compose([f"protocol={protocol}", f"attack={attack}", "scenario=small"])


def test_a_role_that_is_taken_over_lives_on_beside_the_attack() -> None:
    """Who cannot cancel is paid for its honest end: the host reveals, and the competition settles."""
    result = run("competition", "rug_host")
    assert set(result.ledger["jobs"]["outcome"]) == {"settled"}
    assert "reverted" in sent(result, "cancels")
    assert "success" in sent(result, "reveals_truth")
