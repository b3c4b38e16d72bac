"""Competitions as they are played: who wins, what commitments are worth, and whom each attack robs."""

from __future__ import annotations

import json
from functools import cache

import pytest

import slashpoint
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.protocols.competition.terms import CompetitionTerms
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.ledger import Ledger

VARIANTS = ["hardened", "literal"]


@cache
def run(*overrides, attack=(), seed=0):
    """One small competition; kept, for several tests compare with the same."""
    said = ["scenario.jobs=1", *overrides]
    return slashpoint.simulate("competition", scenario="small", attack=attack, seed=seed, overrides=said)


def told(result, event):
    events = result.ledger["events"]
    return [json.loads(args) for args in events[events["event"] == event]["args"]]


def reasons(result):
    return " ".join(result.ledger["transactions"]["reason"].dropna())


def gain(attack, *overrides, seed=0):
    """What the attackers have more than the same seats honest, USD."""
    cheating, honest = run(*overrides, attack=attack, seed=seed), run(*overrides, seed=seed)
    assert list(cheating.violations["complaint"]) == []
    attackers = [name for name, attacks in cheating.run.people["attacker"].items() if attacks]
    return sum(cheating.metric("profit", who) - honest.metric("profit", who) for who in attackers)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_best_model_wins_and_is_delivered(variant, seed):
    result = run(f"protocol.variant={variant}", seed=seed)
    assert list(result.violations["complaint"]) == []
    assert set(result.ledger["jobs"]["outcome"]) == {"settled"}
    scores = [one["score"] for one in told(result, "ModelJudged")]
    assert len(scores) == 4
    assert told(result, "CompetitionClosed")[0]["score"] == max(scores) == 100 * result.metric("delivered_quality")
    assert {one["claimed"] for one in told(result, "ModelOpened")} <= set(scores)


@pytest.mark.parametrize("task", ["digits", "synthetic"])
def test_models_that_are_really_trained_fit_the_limit(task):
    result = run(f"task={task}", "task.epochs=2")
    assert list(result.violations["complaint"]) == []
    assert all(0 < one["size"] <= 16_384 for one in told(result, "ModelOpened"))
    assert result.metric("delivered_quality") > 0.7


def test_off_the_chain_a_model_costs_less_and_counts_only_if_it_can_be_had():
    away = "protocol.models_on_chain=false"
    result, on_chain = run(away), run()
    assert list(result.violations["complaint"]) == []
    assert told(result, "ModelJudged") == told(on_chain, "ModelJudged")
    assert result.metric("delivered_quality") == on_chain.metric("delivered_quality")
    hidden = run(away, attack="no_pin")
    assert list(hidden.violations["complaint"]) == []
    assert [one["score"] for one in told(hidden, "ModelJudged") if not one["valid"]] == [0]
    assert list(run(away, "protocol.variant=literal").violations["complaint"]) == []


def test_a_leaderboard_and_everybodys_history():
    world = build(
        compose(["protocol=competition", "protocol.variant=literal", "scenario=small", "attack=model_spammer"]),
        Ledger(None),
    )
    world.run(1, 2000)
    market = world.markets[0]
    job = next(iter(market.jobs.values()))
    board = market.leaderboard(job)
    assert [score for score, *_ in board] == sorted((score for score, *_ in board), reverse=True)
    assert (board[0][1], market.delivered(job)) == (job.winner, bytes(market.contract.bytesOf(job.id, board[0][2])))
    histories = {one.name: market.history(job, one.address) for one in world.accounts.values()}
    assert sorted(map(len, histories.values()), reverse=True)[:4] == [7, 1, 1, 1]
    assert all(claimed in {0, score} for rows in histories.values() for _, claimed, score in rows)
    world.forget()


# --- what commitments are worth ---


THREE = "scenario.jobs=3"


def test_knowing_the_test_pays_where_it_is_public_and_not_where_it_is_sealed():
    seeds = range(4)
    assert sum(gain("memorizer", "protocol.variant=literal", THREE, seed=seed) for seed in seeds) > 100
    assert all(gain("memorizer", THREE, seed=seed) == pytest.approx(0, abs=1e-3) for seed in seeds)


def test_a_host_that_competes_knows_the_test_even_where_it_is_sealed():
    assert sum(gain("host_as_competitor", THREE, seed=seed) for seed in range(4)) > 100


def test_a_copied_model_in_the_open_comes_too_late_to_win():
    assert gain("copycat", "protocol.variant=literal") < 0


def test_a_host_that_keeps_the_truth_pays_for_the_models_that_it_saw():
    result = run(attack="withhold_truth")
    assert set(result.ledger["jobs"]["outcome"]) == {"truth withheld"}
    assert run("protocol.host_stake=0", attack="withhold_truth").metric("profit", "host/0") < -100
    assert result.metric("profit", "host/0") < -150
    assert all(result.metric("profit", f"competitor/{i}") > 30 for i in range(4))


def test_three_liars_of_five_void_a_competition_and_nobody_can_tell_who_they_are():
    result = run("scenario.attackers=3", attack="score_saboteur")
    assert set(result.ledger["jobs"]["outcome"]) == {"void"}
    assert told(result, "Forfeited") == []
    assert list(result.violations["complaint"]) == []


def test_one_liar_of_five_loses_each_bond_and_the_keeper_has_its_part():
    result = run(attack="score_saboteur")
    lost = told(result, "Forfeited")
    assert len(lost) == 4
    assert len({one["miner"] for one in lost}) == 1
    assert result.metric("profit", "keeper/0") - run().metric("profit", "keeper/0") == pytest.approx(2.0, abs=0.1)


COUNTS, ANSWERS = "protocol.proof_of_evaluation=false", "protocol.proof_of_evaluation=true"


@pytest.mark.parametrize("lazy", ["median_hugger", "vote_copier"])
def test_to_repeat_a_claim_is_as_good_as_to_measure_until_answers_are_asked_for(lazy):
    """The lazy miner's free ride: two of five who make answers up alike agree with each other, and with nobody else."""
    assert told(run(COUNTS, attack=lazy), "Forfeited") == []
    assert gain(lazy, COUNTS) >= 0
    both = run(ANSWERS, "scenario.attackers=2", attack=lazy)
    assert len(told(both, "Forfeited")) == 2 * 4
    assert gain(lazy, ANSWERS) < -15


def test_a_majority_that_makes_answers_up_alike_is_still_believed():
    result = run(ANSWERS, "scenario.attackers=3", attack="median_hugger")
    assert set(result.ledger["jobs"]["outcome"]) == {"settled"}
    assert len({one["miner"] for one in told(result, "Forfeited")}) == 2  # those who measured


@pytest.mark.parametrize("proof", [COUNTS, ANSWERS])
def test_answers_and_counts_settle_alike(proof):
    result = run(proof)
    assert list(result.violations["complaint"]) == []
    assert told(result, "ModelJudged") == told(run(COUNTS), "ModelJudged")
    assert {any(bytes.fromhex(one["answers"].removeprefix("0x"))) for one in told(result, "Reported")} == {
        proof == ANSWERS
    }


@pytest.mark.parametrize(("variant", "draw"), [("literal", "beacon"), ("hardened", "beacon"), ("hardened", "reveals")])
def test_three_of_five_measure_each_model_where_they_are_drawn(variant, draw):
    result = run(f"protocol.variant={variant}", "protocol.committee=3", f"protocol.draw={draw}")
    assert list(result.violations["complaint"]) == []
    assert set(result.ledger["jobs"]["outcome"]) == {"settled"}
    assert [one["reports"] for one in told(result, "ModelJudged")] == [3] * 4
    assert len(told(result, "Enrolled")) == 5
    assert reasons(result) == ""


def test_who_is_drawn_and_stays_away_pays_once_and_leaves_its_model_short():
    result = run("protocol.committee=3", attack="absentee")
    assert list(result.violations["complaint"]) == []
    assert len(told(result, "Forfeited")) == 1
    assert min(one["reports"] for one in told(result, "ModelJudged")) == 2
    assert gain("absentee", "protocol.committee=3") < -4


@pytest.mark.parametrize(
    ("attack", "said", "error"),
    [("early_settler", (), "Unjudged"), ("rug_host", (), "Taken"),
     ("resubmitter", ("protocol.max_models=2",), "Copied"),
     ("repeat_reporter", ("protocol.variant=literal",), "AlreadyReported"), ("score_saboteur", (), "WrongSeal"),
     ("score_saboteur", ("protocol.variant=literal",), "TooHigh"),
     ("score_saboteur", ("protocol.committee=3",), "NotDrawn"), ("model_spammer", (), "Full")],
)  # fmt: skip
def test_a_probe_meets_the_rule_that_stops_it(attack, said, error):
    result = run(*said, attack=attack)
    assert error in reasons(result)
    assert list(result.violations["complaint"]) == []


def test_junk_that_decompresses_without_end_is_a_model_that_knows_nothing():
    result = run("task=synthetic", attack="zip_bomb")
    assert list(result.violations["complaint"]) == []
    assert set(result.ledger["jobs"]["outcome"]) == {"settled"}
    assert min(one["score"] for one in told(result, "ModelJudged")) < 40


def test_a_judge_of_its_rivals_is_paid_for_lies_only_where_every_report_is():
    """The seed lets competitors mine, and pays whatever they say; near the median nobody lies for nothing."""
    dual = ("protocol.dual_role=true", "protocol.bond=0")
    assert gain("rival_judge", "protocol.variant=literal", "protocol.prize=900") > 10
    assert gain("rival_judge", *dual, "protocol.prize=900") < 0
    assert "NotMiner" in reasons(run(attack="rival_judge"))
    assert told(run("protocol.variant=literal", attack="rival_judge"), "CompetitionClosed")[0]["state"] == 7


# --- configuration ---


@pytest.mark.parametrize(
    "wrong",
    ["register_window=0.5", "quorum_bps=5000", "min_reports=0", "byte_limit=0", "reveal_window=0"],
)
def test_impossible_terms_are_refused(wrong):
    with pytest.raises(Misconfigured, match=rf"protocol\.{wrong.split('=')[0]}="):
        compose(["protocol=competition", "scenario=small", f"protocol.{wrong}"])


def test_too_little_to_take_part_is_said():
    plain = dict(compose(["protocol=competition"]).protocol)
    poor = CompetitionTerms(**{**plain, "prize": 2e3, "buy_in": 2e3, "bond": 1e3, "seats": {"competitor": 2}})
    assert len(list(poor.infeasible())) == 3
    assert list(CompetitionTerms(**plain).infeasible()) == []
    assert CompetitionTerms(**plain).payout == 100
