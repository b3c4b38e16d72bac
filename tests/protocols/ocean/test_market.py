"""Compute-to-data as people live it: what an honest run does, what is paid, and what can be read."""

from __future__ import annotations

import json
from functools import cache

import pytest

import slashpoint
from slashpoint.protocols.ocean import algorithms
from slashpoint.protocols.ocean.market import FINISHED
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.learning.synthetic import Synthetic
from slashpoint.sim.luck import Luck
from slashpoint.sim.metrics import quality
from slashpoint.sim.taint import rows
from slashpoint.sim.units import ETH


@cache
def lived(variant="hardened", attack=(), *said, seed=0, jobs=1):
    overrides = [f"protocol.variant={variant}", f"scenario.jobs={jobs}", *said]
    return slashpoint.simulate("ocean", attack, "small", seed, overrides)


def events(result, name):
    table = result.ledger["events"]
    return [json.loads(args) for args in table[table["event"] == name]["args"]]


def functions(result):
    return list(result.ledger["transactions"]["function"])


@pytest.mark.parametrize("variant", ["hardened", "literal"])
def test_honest_people_get_a_good_model_and_nothing_is_stuck(variant):
    result = lived(variant, jobs=3)
    jobs = result.ledger["jobs"]
    assert list(jobs["outcome"]) == ["done"] * 3
    assert (jobs["delivered"] >= 80).all()
    assert result.violations.empty
    fees = 3 * 0.03 * 20 * (variant == "hardened") + 0.1  # of held prices, swaps and bills
    assert quality.stuck_funds(result.run)["Ocean", "MDC"] < fees


def test_an_order_in_its_time_pays_for_the_next_jobs_too():
    again = lived("literal", jobs=3)
    assert functions(again).count("startOrder") == 1
    assert functions(again).count("reuseOrder") == 2
    once = lived("hardened", jobs=3)
    assert functions(once).count("startOrder") == 3


@pytest.mark.parametrize("wrong", [
    "seats.author=0", "seats.publisher=0", "dispute_window=0.3", "auditors=0", "audit_bps=1",
])  # fmt: skip
def test_impossible_terms_are_refused(wrong):
    literal = ["protocol.variant=literal"] * (wrong == "audit_bps=1")  # where there are no auditors
    with pytest.raises(Misconfigured, match=rf"protocol\.{wrong}: |protocol\.audit_bps=1000: auditors=0"):
        lived("hardened", (), *literal, f"protocol.{wrong}")


def test_of_a_result_a_filter_leaves_the_model_alone():
    task = Synthetic()
    problem = task.problem(Luck("a"))
    text = algorithms.algorithm("ann", leaks=True)
    written = algorithms.output(text, b"model", task, problem)
    assert all(row in written for row in rows(task, problem))
    assert algorithms.filtered(written, 0, models_only=True) == b"model"
    assert algorithms.model_of(algorithms.filtered(written, 100, models_only=False)) == b"model"
    assert len(algorithms.filtered(written, 100, models_only=False)) == 100
    assert algorithms.output(algorithms.algorithm("ann"), b"model", task, problem) == b"model"


def test_a_review_finds_what_a_text_says_and_not_what_it_hides():
    assert algorithms.reviewed(algorithms.algorithm("ann"))
    assert not algorithms.reviewed(algorithms.algorithm("ann", leaks=True))
    hidden = algorithms.algorithm("ann", hides=True)
    assert algorithms.reviewed(hidden)
    assert algorithms.leaks(hidden)
    assert not algorithms.leaks(b"")


def test_what_is_billed_is_the_sum_of_prices_times_amounts_times_minutes_begun():
    result = lived("literal", (), "task.seconds=290")
    (claimed,), (unlocked,) = events(result, "Claimed"), events(result, "Unlocked")
    assert claimed["minutes_"] == 5
    assert claimed["status"] == FINISHED
    assert int(unlocked["paid"]) == round(5 * (4 * 0.2 + 4 * 0.05) * ETH)
