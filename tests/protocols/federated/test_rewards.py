"""Contribution as a reward rule: what the machine pays of simple games, and who earns what of a real round.

A copy of what is handed in already adds nothing, and a rider hands in what everybody has: how much each is paid for it
depends on the rule alone.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import numpy as np
import pytest

import slashpoint
from slashpoint.protocols.federated.machine import Input, Machine

PRICE = 10**18  # of an update, as listed
OTHERS = 3  # honest people, each with something of its own
RULES = ("gain", "leave_one_out", "shapley", "banzhaf")


class Sets:
    """A task whose models are sets, as bits: merged they are their union."""

    def weights(self, model):
        return np.array([model[0] >> i & 1 for i in range(8)], np.float32)

    def assemble(self, weights):
        return bytes([sum(1 << i for i in range(8) if weights[i] > 0)])


def vouchers(rule, worth, members):
    """What the machine pays for updates, each of which is one member of a set, by place."""
    machine = Machine(Sets(), lambda model: worth(model[0].bit_count()), reward_rule=rule, reward=PRICE, need=0)
    inputs = [Input(i, bytes([i]) * 20, bytes(32), b"") for i in range(len(members))]
    models = {i: bytes([1 << member]) for i, member in enumerate(members)}
    output = machine.run(1, b"\0", inputs, models, {-1: 0} | dict.fromkeys(models, 1))
    paid = {one.place: one.amount / PRICE for one in output.vouchers}
    return [paid.get(place, 0.0) for place in range(len(members))]


@pytest.mark.parametrize(
    ("rule", "worth", "shares"),
    [
        ("shapley", lambda n: 10 * (n > 0), [1, 1, 1, 1]),  # one is as good as all: an equal share, and so below
        ("leave_one_out", lambda n: 10 * (n > 0), [0, 0, 0, 0]),  # nobody is missed
        ("banzhaf", lambda n: 10 * (n > 0), [1, 1, 1, 1]),
        ("leave_one_out", lambda n: 10 * (n == 4), [1, 1, 1, 1]),  # everybody is
    ],
)
def test_rules_of_contribution_pay_what_is_known_of_simple_games(rule, worth, shares):
    assert vouchers(rule, worth, range(4)) == shares


@pytest.mark.parametrize("copies", [1, 2, 3, 4, 5])
def test_copies_are_paid_by_the_head_by_their_set_or_hardly_at_all(copies):
    """Where worth is how much of its own everybody brings, k copies are worth 1 by Shapley, k/2^(k−1) by Banzhaf.

    A round's pool is a price for each update, so that it grows with the copies whatever they are worth.
    """
    pool, banzhaf = OTHERS + copies, copies / 2 ** (copies - 1)
    paid = {
        rule: sum(vouchers(rule, lambda n: n, [*range(OTHERS), *[OTHERS] * copies])[OTHERS:])
        for rule in ("flat", *RULES)
    }
    assert paid["flat"] == paid["gain"] == copies
    assert paid["shapley"] == pytest.approx(pool / (OTHERS + 1), rel=1e-5)
    assert paid["banzhaf"] == pytest.approx(pool * banzhaf / (OTHERS + banzhaf), rel=1e-5)
    assert paid["leave_one_out"] == (1 if copies == 1 else 0)


@pytest.mark.parametrize("copies", [1, 3, 5])
def test_where_any_one_is_as_good_as_all_no_rule_tells_copies_apart(copies):
    """By Shapley k/(n − 1 + k) of the pool, as in theory; by Banzhaf each has less, but shares are of their sum."""
    for rule in ("shapley", "banzhaf"):
        paid = vouchers(rule, lambda n: 10 * (n > 0), [*range(OTHERS), *[OTHERS] * copies])
        share = sum(paid[OTHERS:]) / sum(paid)
        assert share == pytest.approx(copies / (OTHERS + copies))


@cache
def run(rule, attack=(), *overrides, seed=0):
    said = ["scenario.jobs=1", "protocol.max_clients=8", f"protocol.reward_rule={rule}", *overrides]
    return slashpoint.simulate("federated", attack=attack, scenario="small", seed=seed, overrides=said)


def earned(rule, attack, *overrides, seeds=2):
    """Prices of an update that a cheat and an honest client earned a round, each with all its accounts."""
    cheats, others = [], []
    for seed in range(seeds):
        result = run(rule, attack, *overrides, seed=seed)
        transfers, sums = result.ledger["transfers"], defaultdict(float)
        rewards = transfers[(transfers["cause"] == "reward") & (transfers["asset"] == "MDC")]
        for who, amount in zip(rewards["receiver"], rewards["amount"]):
            sums[result.run.controller[who]] += amount / PRICE / 15  # five whole tokens, three rounds
        for who, person in result.run.people.iterrows():
            if person["role"] == "client":
                (cheats if person["attacker"] else others).append(sums[who])
    return np.mean(cheats or np.nan), np.mean(others)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_paid_by_contribution_is_at_most_the_listed_prices_and_differs(rule):
    _, honest = earned(rule, (), seeds=1)
    amounts = run(rule).ledger["transfers"]
    amounts = amounts[amounts["cause"] == "reward"].groupby("receiver")["amount"].sum()
    assert list(run(rule).violations["complaint"]) == []
    assert 0 < honest <= earned("flat", (), seeds=1)[1] <= 1
    assert len(set(amounts)) > 3


def test_a_replicator_is_paid_thrice_by_the_head_twice_by_shapley_and_less_by_banzhaf():
    """Three accounts hand in one model, where nothing refuses a model that the job has seen."""
    copies = "sybil", "attack.sybil.k=3", "protocol.unique=false"
    paid = {rule: earned(rule, *copies, seeds=6) for rule in ("shapley", "banzhaf", "leave_one_out")}
    (shapley, rest), (banzhaf, more), (missed, _) = paid.values()
    assert earned("flat", *copies)[0] == 3
    assert 1.4 < shapley < 2.6
    assert 0.4 < banzhaf < 1.8  # 1.2 of 24 seeds, which spread from nothing to 4
    assert missed < 2  # likewise: copies weigh thrice in the mean, so that one of them is missed by luck
    assert more > rest > 1  # the others have what copies have not


def test_a_rider_is_paid_in_full_by_the_head_and_less_than_who_works_by_what_it_adds():
    for rule in ("flat", "leave_one_out", "shapley", "banzhaf"):
        rider, worker = earned(rule, "free_rider", "attack.free_rider.mode=advanced")
        if rule == "flat":
            assert rider == 1 >= worker
        else:
            assert rider < worker - 0.1
