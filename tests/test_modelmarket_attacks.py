"""Attacks on ModelMarket: each does something, and what it does is what its docstring says."""

from __future__ import annotations

from functools import cache

import pytest

import slashpoint
from slashpoint.agents.attacks.copycat import Copycat
from slashpoint.agents.attacks.hash_oracle import likely
from slashpoint.agents.attacks.label_lookup import LabelLookup
from slashpoint.experiments.setup.config import compose
from slashpoint.sim.errors import Misconfigured

BEACON = "protocol.split=beacon"
ALL = "scenario.attackers=4"  # every seat of the attack: nobody honest is there to win
QUICK = ("engine=pyevm", "scenario.jobs=1")


@cache
def run(*overrides, attack=(), seed=3):
    """One small run; kept, for several tests compare with the same."""
    return slashpoint.simulate(scenario="small", attack=attack, seed=seed, overrides=[*QUICK, *overrides])


def answers(result, duty):
    """What the attackers answered a duty with."""
    duties = result.ledger["duties"]
    return set(duties[(duties["duty"] == duty) & ~duties["by"].str.startswith("Conduct")]["answer"])


def claims(result):
    """What each account claimed to have right."""
    duties = result.ledger["duties"]
    claimed = duties[duties["duty"] == "claim"]
    return dict(zip(claimed["account"], claimed["answer"].astype(int), strict=True))


def outcome(result):
    return set(result.ledger["jobs"]["outcome"])


def profit(result, who):
    return result.metric("profit", who)


ALONE = {  # attack → what a buyer gets where only attackers work
    "garbage": (0.0, 0.4), "constant": (0.0, 0.4), "junk_model": (0.0, 0.4), "label_lookup": (0.0, 0.4),
    "no_pin": (0.0, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("attack", ALONE)
def test_cheats_among_themselves_are_paid_for_worthless_models(attack):
    honest, cheated = run(), run(ALL, attack=attack)
    low, high = ALONE[attack]
    assert outcome(cheated) == {"success"}
    assert honest.metric("delivered_quality") > 0.9
    assert low <= cheated.metric("delivered_quality") <= high
    assert not len(cheated.violations)


@pytest.mark.parametrize("attack", ["garbage", "constant"])
def test_no_training_costs_nothing_and_wins_nothing_against_honest_people(attack):
    assert run(attack=attack).ledger["models"]["account"].nunique() == 3
    assert profit(run(attack=attack), "trainer/3") < 0


def test_the_silent_are_slashed_and_nobody_gets_a_model():
    silent = run(ALL, attack="withhold")
    assert outcome(silent) == {"refunded"}
    assert silent.metric("profit", "trainer/3") < -10
    assert answers(silent, "reveal") == {"False"}


@pytest.mark.parametrize(
    ("attack", "more"), [("withhold_truth", ()), ("lost_string", ("attack.lost_string.chance=1",))]
)
def test_a_requester_that_does_not_open_the_truth_is_punished(attack, more):
    silent = run(*more, attack=attack)
    assert outcome(silent) == {"requester punished"}
    assert profit(silent, "requester/0") < profit(run(), "requester/0")


def test_a_copycat_goes_first_and_cannot_open_what_it_took():
    copied = run(attack="copycat")
    sent = copied.ledger["transactions"]
    sent = sent[(sent["function"] == "submitModel") & (sent["status"] == "success")]
    arguments = dict(zip(sent["account"], sent["args"], strict=True))
    assert arguments.pop("trainer/3") in arguments.values()
    assert profit(copied, "trainer/3") < -10
    assert outcome(copied) == {"success"}


CHOSEN = "protocol.split=chosen"


@pytest.mark.parametrize(("attack", "split"), [("self_deal", CHOSEN), ("self_deal", BEACON), ("garbage_truth", CHOSEN)])
def test_an_accomplice_who_knows_the_labels_wins_the_reward_back(attack, split):
    dealt, honest = run(split, attack=attack), run(split)
    assert profit(dealt, "trainer/3") > 90
    assert dealt.metric("delivered_quality") < 0.4
    others = [f"trainer/{i}" for i in range(3)]
    assert max(profit(dealt, who) for who in others) < 0 < max(profit(honest, who) for who in (*others, "trainer/3"))


def test_garbage_truth_leaves_next_to_nothing_right_to_honest_people():
    counts = claims(run(CHOSEN, attack="garbage_truth"))
    assert counts.pop("trainer/3") == 100
    assert max(counts.values()) < 10
    assert min(claims(run(CHOSEN, attack="self_deal")).values()) > 90


def test_nobody_learns_what_cannot_be_learnt():
    counts = claims(run(CHOSEN, attack="unsolvable"))
    assert len(counts) == 4
    assert max(counts.values()) < 35


@pytest.mark.parametrize("attack", ["garbage_truth", "unsolvable", "wide_labels"])
def test_a_truth_unlike_the_training_labels_cannot_be_opened_where_a_block_draws_the_test_set(attack):
    drawn = run(BEACON, attack=attack)
    assert outcome(drawn) == {"requester punished"}
    assert outcome(run(CHOSEN, attack=attack)) == {"success"}
    assert profit(drawn, "requester/0") < -120 < profit(run(CHOSEN, attack=attack), "requester/0")


def test_a_block_draws_other_test_items_than_the_requester_and_everybody_trains_on_the_rest():
    drawn = run(BEACON)
    events = drawn.ledger["events"]
    order = ["RequestCreated", "SplitDrawn", "TrainingPublished", "ModelSubmitted"]
    blocks = [int(events[events["event"] == name]["block"].min()) for name in order]
    assert blocks == sorted(set(blocks))
    assert outcome(drawn) == {"success"}
    assert drawn.metric("delivered_quality") > 0.9


def test_without_a_keeper_the_requester_has_the_test_set_drawn_itself():
    alone = run(BEACON, "scenario.absent=[keeper/0]", "scenario.blocks=40")
    events = alone.ledger["events"]
    assert {"SplitDrawn", "TrainingPublished", "ModelSubmitted"} <= set(events["event"])


def test_a_second_draw_is_refused_and_to_give_up_after_the_first_costs_the_stake():
    tried = run(BEACON, attack="redraw")
    assert outcome(tried) == {"cancelled"}
    assert -30 < profit(tried, "requester/0") < -20
    sent = tried.ledger["transactions"]
    assert {"NothingToDraw" in str(why) for why in sent[sent["function"] == "drawSplit"]["reason"]} == {True, False}
    assert not len(tried.violations)


def test_the_late_hand_in_just_before_the_deadline():
    def handed_in(result):
        sent = result.ledger["transactions"]
        sent = sent[(sent["function"] == "submitModel") & (sent["account"] == "trainer/3")]
        return int(sent["time_ns"].iloc[0])

    deadline = int(run().ledger["jobs"]["deadline_ns"].iloc[0])
    late = handed_in(run(attack="late"))
    assert handed_in(run()) < deadline - 300 * 10**9
    assert deadline - 60 * 10**9 < late < deadline


def test_those_who_are_away_lose_their_stakes_and_those_who_crash_their_training():
    away = run("attack.offline.chance=1", attack="offline")
    assert answers(away, "claim") == {"None"}
    assert profit(away, "trainer/3") < -10
    crashed = run("attack.crash.chance=1", attack="crash")
    assert answers(crashed, "work") == {"None"}
    assert -10 < profit(crashed, "trainer/3") < 0
    never = run("attack.offline.chance=0", attack="offline")
    assert profit(never, "trainer/3") == profit(run(), "trainer/3")


@pytest.mark.parametrize(("kind", "power"), [(Copycat, "mempool"), (LabelLookup, "oracle")])
def test_a_power_that_was_not_declared_is_named(kind, power):
    weak = type("Weak", (kind,), {"powers": frozenset()})
    with pytest.raises(PermissionError, match=power):
        slashpoint.simulate(scenario="small", attack=weak, seed=3, overrides=list(QUICK))


SEED = {
    "variant": "literal", "requester_stake": 0, "loser_refund": False, "slash_to": "treasury", "poke_bounty_bps": 0,
    "fee_bps": 0, "salted": False, "airdrop": True, "split": "chosen",
}  # fmt: skip


def test_the_literal_variant_changes_defaults_and_what_is_said_explicitly_wins():
    usual, literal = compose([]).protocol, compose(["protocol.variant=literal"]).protocol
    assert {name: literal[name] for name in SEED} == SEED
    assert usual == compose(["protocol.variant=hardened"]).protocol
    assert {name for name in usual if usual[name] != literal[name]} == set(SEED) - {"fee_bps"}
    for order in (
        ["protocol.variant=literal", "protocol.salted=true"],
        ["protocol.salted=true", "protocol.variant=literal"],
    ):
        assert (compose(order).protocol.salted, compose(order).protocol.airdrop) == (True, True)
    with pytest.raises(Misconfigured, match=r"protocol.variant=lax: there are hardened, literal"):
        compose(["protocol.variant=lax"])


def test_in_the_seed_variant_those_who_lose_pay_for_the_winner():
    assert profit(run("protocol.variant=literal"), "trainer/3") < -10 < profit(run(), "trainer/3")


@pytest.mark.parametrize(("attack", "falls"), [((), False), ("junk_model", True), ("withhold", True), ("no_pin", True)])
def test_bad_models_make_a_reflexive_token_fall(attack, falls):
    price = run(ALL, "prices=reflexive", "prices.elasticity=2", attack=attack).run.prices["MDC"]
    assert price == pytest.approx((10 / 11) ** 2 if falls else 1.0)


def test_an_elastic_price_makes_honesty_pay_without_any_stake_for_who_holds_enough():
    free = ("prices=reflexive", "protocol.stake=0", "protocol.requester_stake=0")

    def gain(elasticity, held):
        setting = (*free, f"prices.elasticity={elasticity}", f"protocol.endowment.mdc={held}")
        looked, honest = run(*setting, attack="label_lookup", seed=0), run(*setting, seed=0)
        return looked.metric("surplus", "trainer/0") - honest.metric("surplus", "trainer/0")

    assert gain(0, 1000) > gain(0.5, 1000) > 0 > gain(0.5, 4000)
    assert gain(4, 1000) < 0


def test_diluting_a_forfeit_makes_cancelling_cheap():
    alone, diluted = (run(f"attack.cancel_dilution.k={k}", attack="cancel_dilution") for k in (0, 4))
    assert outcome(alone) == outcome(diluted) == {"cancelled"}
    assert profit(alone, "requester/0") < -90 < -70 < profit(diluted, "requester/0")
    assert not len(diluted.violations)


def test_an_airdrop_pays_for_every_account_that_asks():
    dropped = run("protocol.airdrop=true", attack="airdrop_sybil")
    assert 2900 < profit(dropped, "trainer/3") < 3100
    assert not (dropped.ledger["transfers"]["cause"] == "unknown").any()
    assert profit(run(attack="airdrop_sybil"), "trainer/3") < 100


def test_hands_are_paid_by_the_label_and_answer_well_without_a_model():
    by_hand = run(ALL, attack="hand_labeler")
    paid = by_hand.ledger["transfers"]
    paid = paid[paid["receiver"] == "people"]
    assert set(paid["amount"]) == {5 * 10**18}
    assert set(paid["cause"]) == {"compute"}
    assert min(claims(by_hand).values()) >= 95
    assert by_hand.metric("delivered_quality") < 0.4
    dearer = run(ALL, "attack.hand_labeler.usd=0.25", attack="hand_labeler")
    cost = [one.metric("attacker_profit") for one in (by_hand, dearer)]
    assert cost[0] - cost[1] == pytest.approx(4 * 100 * 0.2, abs=0.1)


def test_likely_labels_begin_with_the_majority_and_go_on_with_what_is_disputed():
    votes = [bytes([1, 2, 3]), bytes([1, 5, 3]), bytes([1, 2, 3])]
    first, second, *rest = likely(votes)
    assert (first, second) == (bytes([1, 2, 3]), bytes([1, 5, 3]))
    assert len(rest) == 3 * 9 + 3 * 9 * 9
    assert bytes([1, 2, 7]) in rest


def test_a_bare_seal_confirms_a_guess_and_a_salted_one_says_nothing():
    """Where a model is nearly perfect anyway: with so few test items that the guesses reach the truth."""
    few = ("task.scale=12", "attack.hash_oracle.guesses=6000", CHOSEN)
    known, blind = (
        [claims(run(*few, f"protocol.salted={salted}", attack="hash_oracle", seed=seed)) for seed in range(3)]
        for salted in ("false", "true")
    )
    attackers = [f"trainer/{seed}" for seed in range(3)]
    told = [[counts[who] for counts, who in zip(runs, attackers, strict=True)] for runs in (known, blind)]
    assert min(told[0]) == 12 > min(told[1])
