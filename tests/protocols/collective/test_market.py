"""Collective learning as it is played: what is learnt together, who decides, and what attacks and privacy cost."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy.stats import norm

import slashpoint
from slashpoint.agents.conduct import Conduct
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.protocols.collective.terms import CollectiveTerms
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.learning import privacy
from slashpoint.sim.ledger import Ledger
from slashpoint.sim.luck import Luck
from slashpoint.sim.market import Work


@cache
def run(*overrides, attack=(), seed=0):
    """One small experiment; kept, for several tests compare with the same."""
    said = ["scenario.jobs=1", *overrides]
    return slashpoint.simulate("collective", scenario="small", attack=attack, seed=seed, overrides=said)


def lived(*overrides, seed=0):
    """A world whose one experiment is over, and that experiment."""
    said = ["protocol=collective", "scenario=small", "scenario.jobs=1", f"seed={seed}", *overrides]
    world = build(compose(said), Ledger(None))
    world.run(1, 2000)
    world.forget()
    return world, next(iter(world.markets[0].jobs.values()))


def told(result, event):
    events = result.ledger["events"]
    return [json.loads(args) for args in events[events["event"] == event]["args"]]


def accepted(result):
    return [one["round"] for one in told(result, "RoundTallied") if one["accepted"]]


def attackers(result):
    accounts = result.ledger["accounts"]
    return set(accounts[accounts["attacker"]]["address"])


# --- learning together ---


@pytest.mark.parametrize("variant", ["hardened", "literal"])
@pytest.mark.parametrize("seed", [0, 1])
def test_together_they_learn(variant, seed):
    result = run(f"protocol.variant={variant}", seed=seed)
    assert list(result.violations["complaint"]) == []
    assert set(result.ledger["jobs"]["outcome"]) == {"finished"}
    assert result.metric("delivered_quality") > 0.8
    assert len(told(result, "RoundBegan")) == 15
    assert len(told(result, "GlobalUpdated")) == len(accepted(result)) > 1


def test_shards_are_private_and_a_person_has_one():
    world, job = lived("attack=sybil", "protocol.rounds=2")
    market = world.markets[0]
    learners = [one for one in world.accounts.values() if "learner" in one.roles]
    shards = {one.name: market.problem(job, one) for one in learners}
    assert len(shards) == 7
    assert shards["learner/0"] is shards["learner/0+1"]
    rows = [set(map(int, [*shard.train, *shard.test])) for name, shard in shards.items() if "+" not in name]
    assert sum(map(len, rows)) == len(set().union(*rows))
    assert set().union(*rows) <= set(map(int, job.task.train))
    assert market.problem(job, next(one for one in world.accounts.values() if "keeper" in one.roles)) is job.task


def path(world, job):
    """By accepted round: by how much the right answers changed, in the voters' sets together and in the job's test."""
    market, score = world.markets[0], world.training_cache.score
    honest = [one for one in world.accounts.values() if "learner" in one.roles and not one.person.attacker]
    sets = [market.problem(job, one) for one in honest]
    models = [world.facts.of(market.ExperimentCreated, job.key)[0].initCid]
    models += [fact.cid for fact in world.facts.of(market.GlobalUpdated, job.key)]
    votes = [sum(score(world.store.get(cid), one) for one in sets) for cid in models]
    tests = [score(world.store.get(cid), job.task) for cid in models]
    return np.diff(votes), np.diff(tests)


@pytest.mark.parametrize("cheating", [(), ("attack=garbage", "scenario.attackers=2")], ids=["honest", "two lie"])
def test_with_an_honest_majority_the_model_does_not_get_worse(cheating):
    """What is accepted is better in all honest voters' sets together, and it is better on the test on the whole."""
    votes, tests = zip(*(path(*lived(*cheating, seed=seed)) for seed in range(4)), strict=True)
    assert (np.concatenate(votes) > 0).all()
    assert all(change.sum() > 40 for change in tests)
    later = np.concatenate([change[1:] for change in tests])
    assert later.mean() > -2 * later.std(ddof=1) / math.sqrt(len(later))


@pytest.mark.parametrize(("variant", "enough"), [("hardened", 3), ("literal", 2)])
@pytest.mark.parametrize("colluding", [2, 3, 4, 5])
def test_a_coalition_carries_junk_exactly_when_it_has_the_votes(variant, enough, colluding):
    """Of five, one proposes and four vote: more than half of four are three, half of them two."""
    said = f"protocol.variant={variant}", "attack.constant.share=1", f"scenario.attackers={colluding}"
    result = run(*said, attack="constant")
    liars = attackers(result)
    proposer = {one["round"]: one["proposer"] for one in told(result, "RoundBegan")}
    approvals = {number: {True: 0, False: 0} for number in proposer}
    for vote in told(result, "VoteRevealed"):
        approvals[vote["round"]][vote["voter"] in liars] += vote["approve"]
    only = {True: colluding - 1, False: 0}
    alone = [number for number in proposer if proposer[number] in liars and approvals[number] == only]
    assert alone
    carried = [number for number in alone if number in accepted(result)]
    assert carried == (alone if colluding - 1 >= enough else [])
    if colluding - 1 >= enough:
        assert result.metric("delivered_quality") < 0.6
    assert list(result.violations["complaint"]) == []


@dataclass
class Nowhere(Conduct):
    """Proposes a model that nobody can fetch."""

    def work(self, me, job):
        return Work(copied=b"n" * 32)


def test_what_cannot_be_fetched_or_is_no_model_is_rejected_by_everybody_honest():
    result = run(attack=Nowhere)
    nowhere = [one["round"] for one in told(result, "Proposed") if one["cid"] == "0x" + (b"n" * 32).hex()]
    assert nowhere
    assert {one["approve"] for one in told(result, "VoteRevealed") if one["round"] in nowhere} == {False}
    assert set(nowhere).isdisjoint(accepted(result))


def test_nothing_but_models_leaves_a_learners_machine():
    world, _ = lived("protocol.rounds=5")
    task, store = world.training_cache.task, world.store
    assert len(store) > 3
    assert all(task.weights(store.get(key)) is not None for key in store)


# --- holes and what closes them ---


def test_the_current_model_again_is_accepted_for_nothing_where_no_worse_is_enough():
    """A margin of 0 and no rule that models differ: who proposes what there is has a proposal accepted."""
    again = ("attack.tiny_step.share=0", "scenario.attackers=5")
    holes = run("protocol.variant=literal", "protocol.margin=0", *again, attack="tiny_step")
    assert len({one["cid"] for one in told(holes, "Proposed")}) == 1
    assert len(accepted(holes)) == 15
    assert accepted(run("protocol.variant=literal", *again, attack="tiny_step")) == []
    closed = run(*again, attack="tiny_step")
    assert told(closed, "Proposed") == []
    assert "SameModel" in " ".join(closed.ledger["transactions"]["reason"].dropna())


def test_who_leaves_takes_its_stake_and_the_electorate_shrinks():
    result = run("scenario.attackers=5", attack="deserter")
    gone = {one["learner"] for one in told(result, "Left")}
    assert gone
    assert list(result.violations["complaint"]) == []
    votes = [one["votes"] for one in told(result, "RoundTallied")]
    assert (votes[0], votes[-1]) == (4, 4 - len(gone))
    assert not gone & {one["learner"] for one in told(result, "Slashed")}


def test_who_never_proposes_is_fined_and_keeps_nobody_waiting_for_ever():
    result, honest = run(attack="no_show"), run()
    lost = [one for one in told(result, "Slashed") if one["learner"] in attackers(result)]
    assert len(lost) == len(told(result, "ProposerSkipped")) > 0
    assert result.metric("profit", "learner/0") < honest.metric("profit", "learner/0")
    assert len(told(result, "RoundBegan")) == 15
    unpunished = run("protocol.variant=literal", attack="no_show")
    assert told(unpunished, "Slashed") == []


@pytest.mark.parametrize(
    ("attack", "error"),
    [("stealer", "NotProposer"), ("ballot_stuffer", "ProposersDoNotVote"), ("ballot_stuffer", "WrongBallot"),
     ("turncoat", "WrongSeal"), ("hasty", "TooEarly")],
)  # fmt: skip
def test_a_probe_meets_the_rule_that_stops_it(attack, error):
    result = run(attack=attack)
    assert error in " ".join(result.ledger["transactions"]["reason"].dropna())
    assert list(result.violations["complaint"]) == []
    assert result.metric("profit", "learner/0") < run().metric("profit", "learner/0")


def test_in_the_open_one_votes_with_the_winners_without_a_look():
    """What commitments are for: voting last and with the majority costs no measuring, and is never wrong."""
    paid = ("protocol.commit_votes=false", "protocol.voter_reward=20")
    result = run(*paid, attack="turncoat")
    lies = [one for one in told(result, "VoteRevealed") if one["voter"] in attackers(result)]
    won = set(accepted(result))
    assert len(lies) > 8
    assert sum(one["approve"] == (one["round"] in won) for one in lies) >= len(lies) - 1


# --- privacy ---


@pytest.mark.parametrize("releases", [1, 3, 40])
@pytest.mark.parametrize("noise", [0.02, 0.8, 4.0])
def test_the_budget_is_what_several_releases_tell(releases, noise):
    """k releases are one normal shift of √k / z, whose exact (ε, δ) is known (Balle and Wang 2018)."""
    delta = 1e-5
    spent, shift = privacy.epsilon(releases, noise, delta), math.sqrt(releases) / noise
    exact = norm.cdf(shift / 2 - spent / shift) - math.exp(norm.logcdf(-shift / 2 - spent / shift) + spent)
    assert 0.5 * delta < exact <= delta * (1 + 1e-6)
    assert spent < privacy.closed_form(releases, noise, delta)
    assert privacy.affordable(spent, noise, delta) == releases
    assert privacy.affordable(spent * 0.999, noise, delta) == releases - 1


def test_the_accountant_finds_what_the_closed_form_cannot():
    assert privacy.epsilon(15, 4.0, 1e-5) == pytest.approx(4.2168, abs=1e-4)
    assert privacy.closed_form(15, 4.0, 1e-5) == pytest.approx(5.1149, abs=1e-4)
    assert privacy.closed_form(1, 1.0, 1e-5) == pytest.approx(5.2985, abs=1e-4)
    assert privacy.affordable(5.115, 4.0, 1e-5) == 20  # the closed form allows 15
    assert privacy.affordable(0.01, 0.5, 1e-5) == 0


def test_a_delta_beyond_the_accountant_still_has_the_closed_form():
    assert privacy.epsilon(1, 1.0, 1e-40) == pytest.approx(privacy.closed_form(1, 1.0, 1e-40), rel=0.2)
    assert privacy.affordable(100, 1.0, 1e-40) >= 20


def test_a_release_is_clipped_and_noised():
    change = np.full(10_000, 0.5, np.float32)  # of length 50
    told_, again = (privacy.release(change, 2.0, 0.01, Luck("x")) for _ in range(2))
    assert np.array_equal(told_, again)
    assert told_.mean() == pytest.approx(0.02, abs=1e-3)
    assert told_.std() == pytest.approx(0.02, rel=0.05)
    assert np.allclose(privacy.release(change, 100.0, 0.0, Luck("x")), change)
    assert not privacy.release(np.zeros(4, np.float32), 1.0, 0.0, Luck("x")).any()


PRIVATE = ("protocol.dp_noise=0.5", "protocol.dp_clip=0.5", "protocol.dp_epsilon=20")  # two releases each


@pytest.mark.parametrize("variant", ["hardened", "literal"])
def test_a_spent_budget_ends_what_one_tells(variant):
    """Who has nothing left passes; where models need not differ, it proposes the current one again."""
    result = run(f"protocol.variant={variant}", *PRIVATE)
    assert list(result.violations["complaint"]) == []
    bases = {one["round"]: one["cid"] for one in told(result, "RoundBegan")}
    releases = {}
    for one in told(result, "Proposed"):
        releases[one["proposer"]] = releases.get(one["proposer"], 0) + (one["cid"] != bases[one["round"]])
    assert max(releases.values()) == privacy.affordable(20, 0.5, 1e-5) == 2
    again = sum(one["cid"] == bases[one["round"]] for one in told(result, "Proposed"))
    passed = sum(one["passed"] for one in told(result, "ProposerSkipped"))
    assert (passed > 0, again > 0) == (variant == "hardened", variant == "literal")


def test_noise_costs_accuracy_and_a_spoiler_makes_others_spend_for_nothing():
    assert run(*PRIVATE).metric("delivered_quality") < run().metric("delivered_quality")
    spoilt = run(*PRIVATE, "scenario.attackers=3", attack="dp_budget_waster")
    liars = attackers(spoilt)
    proposer = {one["round"]: one["proposer"] for one in told(spoilt, "RoundBegan")}
    assert [number for number in accepted(spoilt) if proposer[number] not in liars] == []
    assert accepted(run(*PRIVATE))
    assert run("scenario.attackers=3", attack="dp_budget_waster").chain_hash == run().chain_hash


# --- configuration ---


@pytest.mark.parametrize(
    "wrong",
    [
        "electorate=everybody", "order=chance", "rounds=0", "alpha=0", "vote_window=0.5", "max_learners=2",
        "min_learners=0",
    ],
)  # fmt: skip
def test_impossible_terms_are_refused(wrong):
    with pytest.raises(Misconfigured, match=rf"protocol\.{wrong.split('=')[0]}="):
        compose(["protocol=collective", "scenario=small", f"protocol.{wrong}"])


def test_a_surrogate_is_refused_for_nobody_can_share_it_out():
    config = compose(["protocol=collective", "scenario=small", "task=surrogate"])
    with pytest.raises(Misconfigured, match="task=surrogate has no weights: choose one that is really trained"):
        build(config, Ledger(None))


def test_too_little_to_take_part_is_said():
    plain = dict(compose(["protocol=collective"]).protocol)
    poor = CollectiveTerms(**{**plain, "stake": 2000.0, "proposer_reward": 900.0, "seats": {"learner": 2}})
    assert len(list(poor.infeasible())) == 2
    terms = CollectiveTerms(**plain)
    assert list(terms.infeasible()) == []
    assert terms.payout == 15 * 6 / 5
    assert CollectiveTerms(**{**plain, "proposer_reward": 0.0, "voter_reward": 0.0}).payout == 30


def test_what_is_credited_after_a_withdrawal_in_one_block_is_the_next_ones():
    """Learners withdraw in the blocks in which other experiments end: nothing moves for no cause, or backwards."""
    moved = slashpoint.simulate("collective", scenario="standard", seed=1_000_003).ledger["transfers"]
    assert "unknown" not in set(moved["cause"])
    assert (moved["amount"] > 0).all()
    out = moved[moved["sender"] == "Collective"].groupby(["block", "tx", "receiver"]).size()
    assert (out > 1).any(), "somebody withdraws what it was credited for by more than one cause"
