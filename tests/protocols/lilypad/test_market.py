"""Lilypad as it is played: who is paid for what, what checking and redundancy catch, and what every timeout does."""

from __future__ import annotations

import json

import pytest

import slashpoint
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.protocols.lilypad import LilypadTerms
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.ledger import Ledger

VARIANTS = ("literal", "hardened")
REDUNDANT = "protocol.verification=redundancy"


def run(*overrides, attack=(), seed=0, jobs=1):
    """One small run."""
    return slashpoint.simulate("lilypad", attack, "small", seed, [f"scenario.jobs={jobs}", *overrides])


def outcomes(result):
    return list(result.ledger["jobs"]["outcome"])


def stuck(result):
    """MDC that the contract holds and owes to nobody."""
    table = result.metrics
    return sum(table[(table["name"] == "stuck_funds") & (table["key"] == "Lilypad:MDC")]["value"])


def named(result, address):
    """The name of an account."""
    accounts = result.ledger["accounts"]
    return accounts[accounts["address"] == address]["account"].item()


MODES = {
    "mediation": (),
    "always checked": ("protocol.check=1",),
    "redundancy": ("protocol.verification=redundancy",),
    "open redundancy": ("protocol.verification=redundancy", "protocol.commit_results=false"),
    "no verification": ("protocol.verification=none",),
}
PAID = {"mediation": "accepted", "always checked": "mediation accepted", "no verification": "accepted"}


@pytest.mark.parametrize("variant", ["hardened", "literal"])
@pytest.mark.parametrize("mode", MODES)
def test_honest_work_is_paid_whatever_the_verification(mode, variant):
    result = run(f"protocol.variant={variant}", *MODES[mode], seed=1)
    assert list(result.violations["complaint"]) == []
    assert outcomes(result) == [PAID.get(mode, "verified")]
    assert result.metric("delivered_share") == 1
    assert stuck(result) == 0


def trained(*overrides, attack=()):
    """By who trained for the job: the model that it made."""
    said = ["protocol=lilypad", "scenario=small", "scenario.jobs=1", "protocol.verification=redundancy", *overrides]
    world = build(compose([*said, *(f"attack={one}" for one in attack)]), Ledger(None))
    world.run(1, 2000)
    world.forget()
    market = world.markets[0]
    (job,) = market.jobs.values()
    return {fact.provider: world.store.get(fact.result) for fact in world.facts.of(market.ResultRevealed, job.key)}


@pytest.mark.parametrize("task", ["surrogate", "synthetic"])
def test_exact_trainings_of_two_people_are_equal_to_the_byte(task):
    exact = trained(f"task={task}")
    assert len(exact) == 3
    assert len(set(exact.values())) == 1
    ordinary = trained(
        f"task={task}", "protocol.deterministic=false", "protocol.engine=docker", "protocol.reproducible_only=false"
    )
    assert len(set(ordinary.values())) == len(ordinary) >= 3


# --- what goes wrong ---


def test_a_job_that_ends_the_run_without_a_result_delivers_nothing():
    result = slashpoint.simulate("lilypad", (), "small", 0, ["scenario.jobs=1", "scenario.blocks=20"])
    assert not result.metric("delivered_share") > 0


def test_a_result_that_the_mediator_rejected_is_not_delivered():
    result = run("protocol.variant=literal", "protocol.deterministic=false", "protocol.check=1")
    assert outcomes(result) == ["mediation rejected"]
    assert not result.metric("delivered_share") > 0


LITERAL = "protocol.variant=literal"


def events(result, name):
    """The arguments of a run's events of a name."""
    table = result.ledger["events"]
    return [json.loads(args) for args in table[table["event"] == name]["args"]]


def test_two_against_two_is_void_and_two_more_providers_decide():
    said = ["protocol.verification=redundancy", "protocol.concurrency=4", "protocol.seats.provider=6"]
    result = run(*said, "scenario.attackers=2", attack="constant")
    assert list(result.violations["complaint"]) == []
    assert [one["valid"] for one in events(result, "ResultsTallied")] == [False, True]
    assert outcomes(result) == ["verified"]
    assert result.metric("delivered_quality") > 0.9
    assert result.metric("revert_share") == 0


@pytest.mark.parametrize(("tolerance", "outcome"), [(0, "void"), (15, "verified")])
def test_results_that_differ_from_run_to_run_take_a_tolerance(tolerance, outcome):
    said = ["protocol.verification=redundancy", LITERAL, "protocol.deterministic=false"]
    result = run(*said, f"protocol.tolerance={tolerance}")
    assert outcomes(result) == [outcome]
    assert list(result.violations["complaint"]) == []


def test_a_mediator_redoes_an_honest_job_within_the_tolerance():
    said = [LITERAL, "protocol.deterministic=false", "protocol.check=1"]
    assert outcomes(run(*said, "protocol.tolerance=15")) == ["mediation accepted"]
    assert outcomes(run(*said)) == ["mediation rejected"]  # a trap for who did the work


@pytest.mark.parametrize(("attack", "variant", "outcome"), [
    ("never_judge", "literal", "timeout judge"), ("never_judge", "hardened", "timeout judge"),
    ("vanisher", "literal", "timeout agree"), ("vanisher", "hardened", "timeout agree"),
    ("own_mediator", "literal", "mediation rejected"), ("own_mediator", "hardened", "mediation accepted"),
    ("trapper", "literal", "mediation rejected"), ("trapper", "hardened", "unmatched"),
    ("forged_result", "literal", "accepted"), ("self_matching", "literal", "accepted"),
])  # fmt: skip
def test_what_exploits_come_to(attack, variant, outcome):
    result = run(f"protocol.variant={variant}", "protocol.check=1" if variant == "hardened" else "protocol.check=0",
                 attack=attack)  # fmt: skip
    assert outcomes(result) == [outcome]
    assert list(result.violations["complaint"]) == []


def paid(result, who):
    """What somebody was paid in MDC."""
    moved = result.ledger["transfers"]
    mine = moved[(moved["receiver"] == who) & (moved["cause"] == "reward")]
    return sum(mine["amount"]) / 10**18


def test_the_solver_pays_itself_the_highest_price_only_literally():
    literal, hardened = (run(f"protocol.variant={one}", attack="self_matching") for one in ("literal", "hardened"))
    assert paid(literal, "solver/0") == 52  # the highest price, and its fee
    assert paid(hardened, "solver/0") == 0  # its match is refused, and the keeper matches
    assert outcomes(hardened) != ["unmatched"]


def test_a_forged_result_is_paid_only_literally():
    literal, hardened = (run(f"protocol.variant={one}", attack="forged_result") for one in ("literal", "hardened"))
    (forger,) = literal.run.people.query("attacker").index
    assert paid(literal, forger) > 40
    assert paid(hardened, forger) == 0


def test_a_copier_is_paid_where_results_are_open_and_loses_its_collateral_where_they_are_committed():
    gains = {}
    for committed in ("true", "false"):
        said = ["protocol.verification=redundancy", "protocol.seats.provider=3"]
        result = run(*said, f"protocol.commit_results={committed}", attack="result_copier")
        gains[committed] = result.metric("attacker_profit")
    assert gains["false"] > 35
    assert gains["true"] < -100


def test_one_provider_under_three_names_is_the_whole_vote():
    """Its wrong results agree, so nothing is seen and nothing lost."""
    result = run("protocol.verification=redundancy", attack="sybil_bidder")
    assert outcomes(result) == ["verified"]
    assert {one["largest"] for one in events(result, "ResultsTallied")} == {3}
    assert result.metric("delivered_quality") < 0.9
    assert result.metric("attacker_profit") > 90


@pytest.mark.parametrize(("variant", "lost"), [("literal", 0), ("hardened", 50)])
def test_an_offer_of_price_0_loses_the_least_collateral_and_literally_nothing(variant, lost):
    said = [f"protocol.variant={variant}", "protocol.check=1", "attack.sybil_bidder.price=0"]
    result = run(*said, attack="sybil_bidder")
    assert outcomes(result) == ["mediation rejected"]
    assert sum(int(one["amount"]) for one in events(result, "Slashed")) == max(0, lost - 30) * 10**18  # less the fee
    assert list(result.violations["complaint"]) == []


def test_a_provider_whose_other_names_mediate_passes_its_own_work_when_one_is_drawn():
    verdicts = {}
    for seed in range(6):
        result = run("protocol.check=1", "protocol.seats.provider=1", attack="mediator_bench", seed=seed)
        (decided,) = events(result, "MediationDecided")
        own = named(result, decided["mediator"]).startswith("provider/0")
        verdicts.setdefault(own, set()).add(decided["accepted"])
    assert verdicts == {True: {True}, False: {False}}


def test_a_cached_result_is_paid_until_somebody_does_the_job_again():
    alone = ["protocol.seats.provider=1", "scenario.interval=3000"]
    unchecked = run(*alone, "protocol.check=0", attack="cached_result", jobs=3)
    assert outcomes(unchecked) == ["accepted"] * 3
    assert len(unchecked.ledger["models"]["cid"].unique()) == 1
    checked = run(*alone, "protocol.check=1", attack="cached_result", jobs=3)
    assert outcomes(checked) == ["mediation accepted", *["mediation rejected"] * 2]


@pytest.mark.parametrize(("variant", "matched"), [("literal", "solver/0"), ("hardened", "keeper/0")])
def test_a_censor_leaves_the_cheapest_out_literally_and_here_somebody_else_matches(variant, matched):
    result = run(f"protocol.variant={variant}", attack="censor")
    (match,) = events(result, "DealMatched")
    prices = {one["provider"]: one["price"] for one in events(result, "ResourceOffered")}
    (taken,) = match["providers"]
    assert named(result, match["solver"]) == matched
    assert (prices[taken] == min(prices.values())) == (variant == "hardened")
    assert result.metric("delivered_share") == 1


@pytest.mark.parametrize("mode", ["always checked", "redundancy"])
def test_each_try_of_a_meddler_is_refused(mode):
    result = run(*MODES[mode], "protocol.seats.provider=3", attack="meddler", seed=2)
    tried = result.ledger["transactions"].query("controller in @result.run.people.query('attacker').index")
    refused = set(tried[tried["status"] == "reverted"]["reason"].str.partition("(")[0])
    assert {"TooEarly", "TooExpensive", "WrongState"} <= refused
    assert list(result.violations["complaint"]) == []
    assert result.metric("delivered_quality") > 0.9


def test_a_keeper_matches_where_no_solver_does():
    result = run("protocol.seats.solver=0", attack=())
    assert result.metric("delivered_share") == 1
    assert [named(result, one["solver"]) for one in events(result, "DealMatched")] == ["keeper/0"]


def test_late_mediators_are_fined_and_the_next_one_decides():
    result = run("protocol.check=1", attack="absentee", seed=2)
    requested = events(result, "MediationRequested")
    fined = events(result, "Slashed")
    assert outcomes(result) == ["mediation accepted"]
    assert len(requested) == 1 + len(fined)


def test_overreported_instructions_are_paid_literally_and_capped_here():
    """With one provider: 100 counts for 50, at most the payment; a tenth more where there is a cap."""
    said = ["protocol.seats.provider=1", "protocol.spread=0", "protocol.check=0"]
    pay = {one: paid(run(*said, f"protocol.variant={one}", attack="overclaim"), "provider/0") for one in VARIANTS}
    assert pay == {"literal": 100, "hardened": 55}


def test_a_treasury_counted_twice_shows_as_money_that_is_missing():
    result = run(LITERAL, "protocol.treasury_bps=200", jobs=2)
    assert "escrow_is_what_deals_hold" in set(result.violations["invariant"])


def test_a_treasury_counted_twice_leaves_a_single_deal_unpaid_and_its_votes_uncounted():
    said = (LITERAL, "protocol.treasury_bps=200")
    alone, votes = run(*said), run(*said, REDUNDANT, "scenario.blocks=400")
    assert outcomes(alone) == ["timeout judge"]
    assert paid(alone, "provider/0") == 0
    assert alone.violations.empty
    assert set(votes.violations["invariant"]) == {"deals_end_in_time", "liveness"}
    assert any("protocol.treasury_bps=200: treasury_twice=true takes it twice" in note for note in alone.run.notes)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_client_whose_check_nobody_can_do_accepts_and_keeps_its_collateral(variant):
    result = run(f"protocol.variant={variant}", "protocol.seats.mediator=0", "protocol.check=1")
    assert outcomes(result) == ["accepted"]
    assert events(result, "Slashed") == []
    assert any("nobody mediates (protocol.seats.mediator=0)" in note for note in result.run.notes)


DIFFERING = ("protocol.deterministic=false", "protocol.engine=docker", "protocol.check=1")


@pytest.mark.parametrize(("mode", "why", "unlike", "alike"), [
    ("verification=mediation", "from its mediator's", "mediation rejected", "mediation accepted"),
    ("verification=redundancy", "from any other", "void", "verified"),
])  # fmt: skip
def test_that_honest_results_differ_is_told_with_the_tolerance_that_helps(mode, why, unlike, alike):
    said = (*DIFFERING, f"protocol.{mode}")
    exact, tolerant = run(*said, "protocol.reproducible_only=false"), run(*said, "protocol.tolerance=10")
    (note,) = (one for one in exact.run.notes if one.startswith("infeasible: "))
    assert why in note
    assert "set protocol.tolerance" in note
    assert (outcomes(exact), outcomes(tolerant)) == ([unlike], [alike])
    assert not any(one.startswith("infeasible: ") for one in tolerant.run.notes)


@pytest.mark.parametrize(("said", "why"), [
    (["protocol.confidence=4"], "confidence=4"), (["protocol.agree_collateral=101"], "agree_collateral"),
    (["protocol.own_refunds=false", "protocol.submit_collateral=30"], "judge_collateral"),
    (["protocol.deterministic=false"], "deterministic"),
])  # fmt: skip
def test_terms_that_contradict_each_other_are_refused_by_name(said, why):
    with pytest.raises(Misconfigured, match=why):
        run(*said)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("protocol.min_bids=6", "5 providers never make the 6 offers of protocol.min_bids"),
        ("protocol.engine=docker", "no honest provider offers to run jobs of protocol.engine=docker"),
        ("protocol.mediate_collateral=5000", "no mediator owns the collateral of 5000 MDC"),
        ("protocol.min_collateral=5000", "no provider owns its collaterals of 5010 MDC"),
        ("protocol.cap=0.5", "who reports what a job takes is paid for 50% of it"),
        ("protocol.bid_window=1", "protocol.bid_window=1: over before a transaction is in a block of 12 s"),
    ],
)
def test_what_nobody_can_take_part_in_is_told(said, why):
    assert any(why in note for note in run(said, "scenario.blocks=30").run.notes)


@pytest.mark.parametrize(("said", "because", "never"), [
    ("concurrency=4", "verification=mediation", REDUNDANT), ("reruns=2", "verification=mediation", REDUNDANT),
    ("commit_results=false", "verification=mediation", REDUNDANT), ("check=0.5", "verification=redundancy", ""),
    ("redraws=1", "verification=redundancy", ""), ("open_results=true", "verification=redundancy", ""),
    ("cap=2", "load=0.5", "protocol.load=0.4"), ("min_bids=1", "fewer than 1 offers", ""),
    ("treasury_twice=true", "treasury_bps=0", "protocol.treasury_bps=200"),
])  # fmt: skip
def test_a_setting_that_changes_nothing_beside_the_others_is_named(said, because, never):
    """`never`: another setting beside which it does have an effect."""
    beside = REDUNDANT if because == "verification=redundancy" else "protocol.verification=mediation"
    name = said.partition("=")[0]

    def noted(*overrides):
        notes = run(f"protocol.{said}", *overrides, "scenario.blocks=3").run.notes
        return [one for one in notes if one.startswith(f"protocol.{name} has no effect: ")]

    (note,) = noted(beside)
    assert because in note
    if never:
        assert noted(never) == []


def test_settings_that_nobody_mentions_are_not_called_idle():
    assert not any("has no effect" in note for note in run("scenario.blocks=3").run.notes)


def test_a_tolerance_that_any_result_meets_is_refused():
    with pytest.raises(Misconfigured, match="tolerance=100: a result has 100 outputs"):
        run("protocol.tolerance=100")


def moved(result):
    """Whose tokens moved where, and when."""
    table = result.ledger["transfers"]
    return table[table["asset"] == "MDC"][["block", "sender", "receiver", "amount"]].to_numpy().tolist()


def another(value):
    """Another value of a setting, as one writes it."""
    if isinstance(value, bool):
        return str(not value).lower()
    return value + 1 if isinstance(value, int) else 0.8 * value


@pytest.mark.parametrize("mode", ["mediation", "redundancy", "open redundancy", "no verification"])
@pytest.mark.parametrize("attack", [(), "lazy"])
def test_what_is_called_idle_moves_no_token(mode, attack):
    """All such settings are changed at once."""
    usual = run(*MODES[mode], attack=attack, seed=1)
    terms = LilypadTerms(**usual.run.config["protocol"])
    idle = [name for name, _ in terms.idle() if name not in {"min_bids", "cap"}]  # another value may bind
    said = [f"protocol.{name}={another(getattr(terms, name))}" for name in idle]
    other = run(*MODES[mode], *said, attack=attack, seed=1)
    assert len(idle) > 4
    assert moved(other) == moved(usual)
    assert {note.split()[0] for note in other.run.notes if "no effect" in note} >= {f"protocol.{one}" for one in idle}
