"""Compute-to-data as people live it: what an honest run does, what is paid, and what can be read."""

from __future__ import annotations

import json
from functools import cache

import pytest

import slashpoint
from slashpoint.experiments.setup.config import compose
from slashpoint.protocols.ocean import algorithms
from slashpoint.protocols.ocean.market import FINISHED, Ocean
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.learning.synthetic import Synthetic
from slashpoint.sim.luck import Luck
from slashpoint.sim.metrics import caveats, quality
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


OCCASIONS = {  # where a setting matters, if not to honest people with two jobs
    "metered=false": ("scenario.people.speed=0.5",),
    "output_cap=800": ("protocol.filters=false", "attack=trojan_algorithm"),
    "filters=false": ("attack=trojan_algorithm",),
    "orders_stored=false": ("attack=order_reuse_cheat",),
    "pays_ok_only=false": ("attack=bill_failed",),
    "free_for_buyers=false": ("attack=free_tier_sybil",),
    "free_jobs=1": ("protocol.variant=literal", "attack=free_tier_sybil", "attack.free_tier_sybil.k=1"),
    "order_seconds=3600": ("protocol.seats.publisher=1", "scenario.interval=900"),
    "audit_window=900": ("attack=withhold",),
    "audit_bps=10000": (),
    "auditors=2": ("protocol.audit_bps=10000",),
    "dispute_bond=4": ("attack=disputer",),
    "sample_bps=0": ("attack=garbage_truth",),
}
OTHERS = (
    "data_price=25", "algorithm_price=2", "swap_fee=0.002", "consume_fee=0.05", "escrow_fee_bps=20", "prices.cpu=0.3",
    "amounts.ram=5", "provider_fee=2", "max_minutes=8", "slack=3", "trust=publishers", "allow_raw=true", "rank=orders",
    "fees_bound=false", "algorithms_checked=false", "price_held=false", "data_committed=false", "lock_window=400",
    "job_seconds=4000", "dispute_window=200", "collateral=70", "audit_bond=6", "audit_fee=2", "metric_bps=9900",
    "value_usd=200", "value_floor=0.2", "seats.author=2", "endowment.mdc=2000",
)  # fmt: skip
BESIDE = {"name", "variant"}  # what a protocol is, rather than how it is played


def test_every_setting_of_the_protocol_is_tried():
    tried = {said.partition("=")[0].partition(".")[0] for said in (*OCCASIONS, *OTHERS)}
    assert tried == {*compose(["scenario=small", "protocol=ocean"]).protocol} - BESIDE


@pytest.mark.slow
@pytest.mark.parametrize("said", [*OCCASIONS, *OTHERS])
def test_a_setting_changes_a_run_that_gives_it_its_occasion(said):
    occasion = OCCASIONS.get(said, ())
    attack = tuple(one.partition("=")[2] for one in occasion if one.startswith("attack="))
    more = [one for one in occasion if not one.startswith("attack=")]
    one, other = (lived("hardened", attack, *more, *change, jobs=2) for change in ((), (f"protocol.{said}",)))
    assert one.full_hash != other.full_hash


@pytest.mark.parametrize(("said", "beside"), [
    ("audit_window=900", "literal"), ("audit_bond=9", "literal"), ("dispute_bond=9", "literal"),
    ("sample_bps=0", "literal"), ("free_for_buyers=true", "free_jobs=0"),
])  # fmt: skip
def test_what_cannot_matter_is_said(said, beside):
    more = () if beside == "literal" else (f"protocol.{beside}",)
    notes = lived("literal", (), *more, f"protocol.{said}").run.notes
    assert any(note.startswith(f"protocol.{said.partition('=')[0]} has no effect: ") for note in notes)


def test_a_cap_below_a_model_is_said_and_money_that_is_too_little_is():
    capped = lived("hardened", (), "protocol.output_cap=1", "protocol.filters=false")
    assert any(note.startswith("infeasible: protocol.output_cap=1: a model here has ") for note in capped.run.notes)
    poor = lived("hardened", (), "protocol.endowment.mdc=10")
    assert any(note.startswith("infeasible: no provider owns what it must put up") for note in poor.run.notes)
    assert not [note for note in lived().run.notes if note.startswith("infeasible")]


ALL = "protocol.audit_bps=10000"
WORK, BLOCK = 300, 12  # seconds of the small task's work, and from a block to the next


@pytest.mark.parametrize(("said", "outcome"), [
    (("lock_window=36",), "lapsed"), (("lock_window=37",), "done"),  # data, sample and lock: three blocks
    (("lock_window=37", f"job_seconds={WORK + BLOCK - 1}"), "expired"),
    (("lock_window=48", f"job_seconds={WORK + BLOCK}"), "done"),
    (("job_seconds=1",), "expired"), (("audit_window=1", "audit_bps=10000"), "void"),
])  # fmt: skip
def test_a_window_that_is_over_too_early_for_anybody_is_said(said, outcome):
    result = lived("hardened", (), *(f"protocol.{one}" for one in said))
    assert list(result.ledger["jobs"]["outcome"]) == [outcome]
    notes = [note for note in result.run.notes if note.startswith("infeasible: protocol.")]
    assert len(notes) == (outcome != "done")


def test_an_audit_too_short_for_the_work_is_said_and_costs_the_auditors_their_bonds():
    result = lived("hardened", (), ALL, f"protocol.audit_window={WORK}")
    assert len(events(result, "Fined")) == 3
    assert any(
        note.startswith(f"infeasible: protocol.audit_window={WORK}: over before an") for note in result.run.notes
    )


@pytest.mark.parametrize("said", ["seats.provider=1", "metric_bps=10000", "dispute_window=12"])
def test_audits_that_cannot_be_right_are_said(said):
    notes = lived("hardened", (), f"protocol.{said}").run.notes
    assert any(note.startswith(f"infeasible: protocol.{said}: ") for note in notes)


def test_a_cut_result_is_not_delivered_and_blames_the_cap():
    result = lived("hardened", (), "protocol.output_cap=1")
    (job,) = result.ledger["jobs"].to_dict("records")
    assert job["outcome"] == "output capped"
    assert quality.delivered_share(result.run) == 0
    assert not [one for one in caveats.warnings(result.run) if "lost" in one]


@pytest.mark.parametrize("attack", [(), ("sybil", "lazy")])
def test_nobody_disputes_where_every_claim_is_audited(attack):
    result = lived("hardened", attack, ALL, "protocol.metric_bps=10000")
    assert list(result.ledger["jobs"]["outcome"]) == ["junk data"] or attack
    assert "dispute" not in functions(result)
    assert "dispute" in functions(lived("hardened", (), "protocol.audit_bps=0", "protocol.metric_bps=10000"))


def test_a_reason_tells_times_since_the_beginning_and_the_state_by_name():
    late = lived("hardened", (), "protocol.lock_window=1").run
    assert "reveals_truth never succeeded in 1: TooLate(time=144 s, until=133 s)" in caveats.warnings(late)
    assert late.words("WrongState(id=0, state=6)") == "WrongState(id=0, state=6 (audit))"
    assert late.words("WrongStake(sent=1, required=2)") == "WrongStake(sent=1, required=2)"


@pytest.mark.parametrize("variant", ["hardened", "literal"])
def test_an_honest_run_warns_of_no_duty_that_waits_for_a_dispute_or_a_draw(variant):
    assert not [one for one in caveats.warnings(lived(variant, jobs=1).run) if "never asked" in one]
    asked = set(lived("hardened", (), "protocol.audit_bps=10000").ledger["duties"]["duty"])
    assert asked == set(Ocean.duties)
