"""Federated training as people play it: rounds, payments, data that stay, and every way that a job can end."""

from __future__ import annotations

import math
import zlib
from functools import cache
from typing import ClassVar

import pytest

import slashpoint
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.taint import rows


@cache
def run(*overrides, attack=(), seed=0):
    """One small job; kept, for several tests compare with the same."""
    said = ["scenario.jobs=1", *overrides]
    return slashpoint.simulate("federated", attack=attack, scenario="small", seed=seed, overrides=said)


def outcome(result):
    return set(result.ledger["jobs"]["outcome"])


def paid(result, cause="reward"):
    """What each account had withdrawn for a cause, whole MDC."""
    rows = result.ledger["transfers"]
    rows = rows[(rows["cause"] == cause) & (rows["asset"] == "MDC")]
    return {who: sum(map(int, some)) / 10**18 for who, some in rows.groupby("receiver")["amount"]}


@pytest.mark.parametrize("variant", ["literal", "hardened"])
def test_a_job_of_three_rounds_pays_whoever_improved_the_model(variant):
    result = run(f"protocol.variant={variant}")
    assert outcome(result) == {"completed"}
    assert list(result.violations["complaint"]) == []
    assert result.metric("delivered_quality") > 0.6
    sent = result.ledger["transactions"]
    vouchers = int((sent["function"] == "executeVoucher").sum())
    assert sum(paid(result).values()) == 5 * vouchers
    assert vouchers == 18 if variant == "literal" else 12 < vouchers <= 18
    assert not (result.ledger["transfers"]["cause"] == "unknown").any()
    assert (sent["status"] == "success").all()


def gain(attack, *overrides):
    """What the attackers have more than the same seats honest, USD."""
    cheating, honest = run(*overrides, attack=attack), run(*overrides)
    attackers = [name for name, attacks in cheating.run.people["attacker"].items() if attacks]
    return sum(cheating.metric("profit", who) - honest.metric("profit", who) for who in attackers)


def reverts(result):
    sent = result.ledger["transactions"]
    return {reason.partition("(")[0] for reason in sent["reason"][sent["status"] == "reverted"]}


LITERAL = "protocol.variant=literal"


@pytest.mark.parametrize(
    ("attack", "refusal"),
    [
        ("weights_thief", "Reserved"), ("rug_withdraw", "Reserved"), ("forged_callback", "NotReferee"),
        ("amount_inflation", ""), ("impossible_threshold", ""), ("replayer", "NotUnique"),
    ],
)  # fmt: skip
def test_what_pays_where_the_rules_are_read_literally_does_not_pay_where_they_are_mended(attack, refusal):
    assert gain(attack, LITERAL) > (-1 if attack == "replayer" else 5)
    assert gain(attack) < 0.1
    assert {refusal} - {""} <= reverts(run(attack=attack))
    assert list(run(LITERAL, attack=attack).violations["complaint"]) == []
    assert list(run(attack=attack).violations["complaint"]) == []


def test_a_sponsor_that_cancels_keeps_the_models_and_pays_nothing():
    stolen = run(LITERAL, attack="weights_thief")
    assert outcome(stolen) == {"cancelled"}
    assert paid(stolen) == {}
    assert int(stolen.ledger["jobs"]["delivered"].iloc[0]) > 20


def test_a_trainer_that_uploads_is_seen_by_the_invariant_and_refused_by_those_who_know_hashes():
    leaked = run(LITERAL, attack="malicious_trainer")
    assert set(leaked.violations["invariant"]) == {"data_never_leave_their_owners"}
    assert leaked.metric("leaked_data") == len(leaked.violations) > 0
    assert run().metric("leaked_data") == 0
    nobody_looks = slashpoint.simulate("modelmarket", scenario="small", overrides=["scenario.jobs=1"])
    assert math.isnan(nobody_looks.metric("leaked_data"))
    assert len(leaked.violations) == 6
    refused = run(attack="malicious_trainer")
    assert outcome(refused) == {"expired"}
    assert list(refused.violations["complaint"]) == []


class Careless(slashpoint.Conduct):
    """Hands in its rows beside its model, in one way or another."""

    seats: ClassVar[dict[str, int]] = {"work": 1}
    way: ClassVar[str] = ""

    def work(self, me, job):
        work = yield from super().work(me, job)
        row = rows(job.market.world.training_cache.task, job.market.problem(job, me))[3]
        if self.way == "store":
            me.publishes(b"beside something else " + row)
        elif self.way == "packed":
            me.publishes(zlib.compress(b"beside something else " + row))
        elif self.way == "message":
            job.market.asks(me, job, row + b" is what I hold")
        elif self.way == "call":
            yield me.sends(job.market.hands_in(job, bytes(32), b"see: " + row))
        return work


@pytest.mark.parametrize("way", ["store", "packed", "message", "call", ""])
def test_rows_are_found_wherever_they_are(way):
    """In the content store, within zlib, in a message and in call data; and nowhere when nobody puts them there."""
    found = run(attack=type("Careless", (Careless,), {"way": way}))
    complaints = set(found.violations["complaint"])
    careless = next(name for name, attacks in found.run.people["attacker"].items() if attacks)
    assert complaints == ({f"job 0: rows of {careless} are where others can read them"} if way else set())


def test_squatters_keep_others_out_and_pay_for_it_with_their_bonds():
    assert run(attack="slot_squatter").metric("delivered_quality") < run().metric("delivered_quality")
    assert gain("slot_squatter") < -40
    assert -20 < gain("slot_squatter", LITERAL) < 0


def test_a_flooded_sponsor_answers_too_late_unless_letters_are_counted():
    def joined(*overrides):
        return int((run(*overrides, attack="mail_flood").ledger["events"]["event"] == "JobAccepted").sum())

    assert joined(LITERAL) < 6 == joined() == joined("protocol.mail_limit=0", "attack.mail_flood.letters=1")


@pytest.mark.parametrize(("liars", "settles"), [(1, True), (2, True), (2, False)])
def test_a_colluding_quorum_is_overturned_by_one_who_disputes(liars, settles):
    """Two of three say what they like: final without a window for disputes, and dear with one."""
    rules = [f"scenario.attackers={liars}", *([] if settles else ["protocol.dispute_window=0"])]
    result = run(*rules, attack="false_claim")
    honest = {who: sum(paid(result).get(who, 0) for who in names) for who, names in shares(result).items()}
    if settles:
        assert gain("false_claim", *rules) < (-30 if liars > 1 else 0)
        assert honest["others"] > 40
        assert list(result.violations["complaint"]) == []
    else:
        assert honest["others"] == 0 < honest["circle"]


def test_who_copies_claims_saves_the_measuring_as_long_as_somebody_measures():
    copied = run(attack="lazy_validator")
    assert outcome(copied) == {"completed"}
    assert 0 < gain("lazy_validator") < 1
    assert list(copied.violations["complaint"]) == []
    everybody = run("scenario.attackers=3", attack="lazy_validator")
    assert outcome(everybody) == {"void"}  # nobody is the first
    judged = copied.ledger["duties"]["duty"] == "judge"
    assert judged.sum() < (run().ledger["duties"]["duty"] == "judge").sum()


def shares(result):
    """The clients, by whether they belong to those who cheat."""
    people = result.run.people
    clients = people[people["role"] == "client"]
    return {
        "circle": list(clients.index[clients["attacker"]]), "others": list(clients.index[~clients["attacker"]])
    }  # fmt: skip


def test_labels_that_are_hidden_cost_the_listed_price_of_what_was_handed_in():
    hidden = run(attack="withhold_truth")
    assert outcome(hidden) == {"labels withheld"}
    assert sorted(paid(hidden).values()) == [5.0] * 6
    assert list(hidden.violations["complaint"]) == []


def test_a_job_that_nobody_validates_goes_back_to_whom_it_came_from():
    void = run("protocol.seats.validator=0")
    assert outcome(void) == {"expired"}
    slow = run("protocol.claim_window=1")
    assert outcome(slow) == {"void"}
    assert paid(slow) == paid(void) == {}
    assert list(slow.violations["complaint"]) == []
    assert abs(slow.metric("profit", "sponsor/0")) < 5


@pytest.mark.parametrize("aggregator", ["median", "trimmed_mean", "krum", "centered_clipping"])
def test_any_rule_that_merges_updates_can_be_the_jobs(aggregator):
    result = run(f"protocol.aggregator={aggregator}")
    assert outcome(result) == {"completed"}
    assert list(result.violations["complaint"]) == []


def test_an_unknown_rule_is_refused_before_anything_runs():
    for said in ("aggregator=best", "reward_rule=best", "validation_share=1.0"):
        with pytest.raises(Misconfigured):
            run(f"protocol.{said}")


@pytest.mark.parametrize(("said", "trained"), [((LITERAL,), 0), ((), 1), (("protocol.rotate=false",), 1)])
def test_who_fits_the_validation_set_trains_only_while_no_labels_are_open(said, trained):
    """In the seed labels are public from the first round on; else those of rounds before are."""
    models = run(*said, attack="val_overfitter").ledger["models"]
    assert (models["account"] == "client/0").sum() == trained
    assert (models["account"] == "client/1").sum() == 3
