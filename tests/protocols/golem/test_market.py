"""Golem as it is played: bills and payments between honest people, what is at risk, scores, and who gains by what."""

from __future__ import annotations

import copy
import math
from functools import cache
from pathlib import Path

import pytest
from scipy.stats import binom

import slashpoint
from slashpoint.experiments.report.explain import jobs, story
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.protocols.golem import exploits
from slashpoint.protocols.golem import messages as say
from slashpoint.protocols.golem.messages import whole_seconds
from slashpoint.protocols.golem.reputation import Reputation
from slashpoint.protocols.golem.requestor import majority
from slashpoint.sim.engine.keys import sign
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.facts import Fact
from slashpoint.sim.ledger import Ledger
from slashpoint.sim.luck import Luck
from slashpoint.sim.units import to_units


@cache
def run(*overrides, attack=(), seed=0):
    """One small job; kept, for several tests compare with the same."""
    return slashpoint.simulate("golem", attack, "small", seed, ["scenario.jobs=1", *overrides])


def lived(*overrides, seed=0):
    """A market whose one job is over, and that job."""
    said = ["protocol=golem", "scenario=small", "scenario.jobs=1", f"seed={seed}", *overrides]
    world = build(compose(said), Ledger(None))
    world.run(1, 2000)
    world.forget()
    assert world.violations == []
    return world.markets[0], next(iter(world.markets[0].jobs.values()))


def told(market, topic, job):
    return list(market.world.facts.of(topic, job.key))


def profit(result, who):
    return result.metric("profit", who)


def test_on_quick_chains_the_spender_of_the_first_job_pays_it_though_it_was_still_setting_up():
    market, job = lived("chain=l2")
    assert {fact.by for fact in market._events_of("DepositTransfer", job)} == {market.spender(job)}
    assert len(market.activities) == 1
    assert job.closed - job.born < 1200 * 10**9


def test_a_jobs_story_names_people_and_writes_no_raw_bytes():
    result = run()
    told = [f"{one.what} {one.then}" for one in story(result.run, jobs(result.run)[0]["job"])]
    assert not [one for one in told if "b'" in one or 'b"' in one]
    assert any("funder=requestor/0, spender=spender/0" in one for one in told)
    assert any("asked to settle of 0x" in one for one in told)
    assert any(one.startswith("settles provider/") for one in told)


# --- honest people ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["literal", "hardened"])
def test_a_provider_is_paid_the_price_of_what_it_used_and_the_deposit_comes_back(variant):
    market, job = lived(f"protocol.variant={variant}")
    (key,) = market.activities
    agreement, notes = market.agreements[key], market.bills(job, key)
    assert [note.cpu for note in notes] == [120, 240, 360, 480, 600, 720, 840, 900]
    assert market.paid(job, agreement.provider) == agreement.price(900, 900) == to_units(23.5, 18)
    fee = to_units(10.0, 18) if variant == "literal" else to_units(10.0, 18) * 235 // 1000
    (closed,) = market.world.facts.of(market.DepositClosed, job.key)
    assert closed.returned == to_units(110.0, 18) - to_units(23.5, 18) - fee
    assert market.delivered(job) is not None


def test_a_wallet_pays_without_a_deposit():
    market, job = lived("protocol.variant=literal", "protocol.pays_from=wallet")
    (activity,) = market.activities.values()
    assert market.paid(job, activity.agreement.provider) == activity.agreement.price(900, 900)
    assert not market.world.facts.of(market.DepositTransfer, job.key)


def test_messages_take_the_latency_of_both_ends():
    market, job = lived()
    (demand,) = told(market, say.DEMAND, job)
    offers = told(market, say.PROPOSAL, job)
    assert len(offers) == 4
    for offer in offers:
        assert offer.time == demand.time + 2 * market.world.accounts[offer.by].latency


def test_what_is_signed_is_checked_by_recovering_the_key():
    market, job = lived()
    note = told(market, say.NOTE, job)[0]
    provider, said = market.agreements[note.key].provider, (note.cpu, note.duration, note.total)
    digest, other = market.bill(note.key, 0, *said), market.bill(note.key, 1, *said)
    assert market.signed(provider, digest, note.signature)
    assert not market.signed(job.poster, digest, note.signature)
    assert not market.signed(provider, digest, note.signature[:-1] + b"\0")
    assert not market.signed(provider, other, note.signature)


def test_settings_that_contradict_each_other_are_refused():
    for said in (
        "protocol.channel=false", "protocol.pays_from=wallet", "protocol.dispute_fee=21", "protocol.bond=0",
        "protocol.bind_payee=false", "protocol.seats.auditor=10", "protocol.newcomers=5",
    ):  # fmt: skip
        with pytest.raises((Misconfigured, ValueError), match=said.partition("=")[0].removeprefix("protocol.")):
            lived(said)
    with pytest.raises((Misconfigured, ValueError), match=r"protocol\.channel=true"):
        lived("protocol.variant=literal", "protocol.channel=true")


def test_paying_from_wallets_is_refused_once_with_all_that_is_to_be_set():
    with pytest.raises((Misconfigured, ValueError), match=r"protocol\.pays_from=wallet: .*; set ") as refused:
        lived("protocol.pays_from=wallet")
    remedy = str(refused.value).partition("; set ")[2].split()
    assert remedy == [f"protocol.{one}=false" for one in ("dispute", "channel", "bind_payee")]
    assert run("protocol.pays_from=wallet", *remedy).violations.empty
    with pytest.raises((Misconfigured, ValueError), match=r"; set protocol\.channel=false protocol\.bind_payee=false$"):
        lived("protocol.pays_from=wallet", "protocol.dispute=false")


def test_without_a_spender_providers_are_paid_from_channels_or_not_at_all():
    nobody, wallet = ("protocol.variant=literal", "protocol.seats.spender=0"), "protocol.pays_from=wallet"
    unpaid, paid = run(*nobody), run("protocol.seats.spender=0")
    assert any("seats.spender=0" in note and "stay unpaid" in note for note in unpaid.run.notes)
    assert any("seats.spender=0" in note and "channels" in note for note in paid.run.notes)
    assert (
        max(profit(unpaid, f"provider/{i}") for i in range(4))
        < 0
        < max(profit(paid, f"provider/{i}") for i in range(4))
    )
    assert not any("seats.spender=0" in note for note in run(*nobody, wallet).run.notes)


def test_a_budget_that_no_agreement_fits_is_noted():
    seconds = math.ceil(900 * 1.5)
    needed = 1 + seconds * (0.02 + 0.005)
    terms = lived()[0].terms
    for budget, redundancy, noted in ((needed, 1, False), (needed - 0.001, 1, True), (needed, 2, True)):
        terms.budget, terms.redundancy = budget, redundancy
        assert any("protocol.budget=" in why for why in terms.infeasible()) == noted
    assert any("infeasible: protocol.budget=1:" in note for note in run("protocol.budget=1").run.notes)


@pytest.mark.parametrize(
    "said",
    [
        "work_window=900", "negotiation_window=1", "accept_timeout=1", "payment_timeout=60", "dispute_window=12",
        "ruling_window=12", "seats.auditor=0", "seats.requestor=0", "seats.spender=0", "seats.provider=0", "bond=1001",
    ],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_noted_by_its_name(said):
    name, _, value = said.partition("=")
    market = lived()[0]
    usual, terms = list(market.terms.infeasible()), copy.deepcopy(market.terms)
    if name.startswith("seats."):
        terms.seats[name.removeprefix("seats.")] = int(value)
    else:
        setattr(terms, name, float(value))
    assert usual == []
    (why,) = terms.infeasible()
    assert name.removeprefix("seats.").split("_")[0] in why


def test_no_time_for_work_is_refused():
    with pytest.raises((Misconfigured, ValueError), match="negotiation_window=3600 leaves no time"):
        lived("protocol.negotiation_window=3600")


@pytest.mark.parametrize(
    ("beside", "idle"),
    [
        (("protocol.variant=literal",), "bond=3"), (("protocol.variant=literal",), "dispute_window=60"),
        (("protocol.variant=literal",), "tolerance_bps=1"),
        (("protocol.variant=literal", "protocol.pays_from=wallet"), "budget=50"),
    ],
)  # fmt: skip
def test_a_setting_that_changes_nothing_is_told_and_changes_nothing(beside, idle):
    plain, changed = run(*beside), run(*beside, f"protocol.{idle}")
    assert any(f"protocol.{idle.partition('=')[0]} has no effect" in note for note in changed.run.notes)
    assert not any("has no effect" in note for note in plain.run.notes if "flat_fee" not in note)
    assert changed.chain_hash == plain.chain_hash


# --- what is at risk --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("interval", "timeout"), [(120, 30), (60, 30), (200, 100)])
@pytest.mark.parametrize("variant", ["literal", "hardened"])
def test_who_is_never_paid_loses_just_an_interval_and_a_timeout(interval, timeout, variant):
    """Nothing is accepted: each provider stops at the first note's timeout, and loses what it used until then."""
    said = (f"protocol.interval={interval}", f"protocol.accept_timeout={timeout}", f"protocol.variant={variant}")
    market, job = lived(*said, "attack=[non_payer]")
    assert market.activities
    for activity in market.activities.values():
        used = interval + timeout
        assert whole_seconds(activity.used) == used
        assert market.loss(job, activity) == activity.agreement.price(used, used) <= market.exposure(activity)


EXPLOITS = sorted(path.stem for path in Path(exploits.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["literal", "hardened"])
@pytest.mark.parametrize("attack", [one for one in EXPLOITS if one != "early_extender"])  # which strands money
def test_no_attack_makes_a_provider_lose_more_than_it_risks(attack, variant):
    market, job = lived(f"protocol.variant={variant}", f"attack={attack}")
    for activity in market.activities.values():
        if market.honest(activity.agreement.provider):
            assert market.loss(job, activity) <= market.exposure(activity)


def test_what_is_accepted_and_not_paid_is_lost_where_no_channel_holds_it():
    literal, hardened = (
        lived(f"protocol.variant={one}", "protocol.payment_timeout=100", "attack=[credit_limit_runner]")
        for one in ("literal", "hardened")
    )
    (activity, *_), terms = literal[0].activities.values(), literal[0].terms
    assert 0 < literal[0].loss(literal[1], activity) <= literal[0].exposure(activity)
    assert activity.used <= terms.payable_interval + terms.interval + terms.payment_timeout + terms.interval
    for activity in hardened[0].activities.values():
        assert hardened[0].loss(hardened[1], activity) <= activity.agreement.price(10, 10)  # since the last note


def test_the_bound_grows_with_interval_timeout_and_where_nothing_holds_the_money_payment_timeout():
    (terms,) = (lived()[0].terms,)
    rate = to_units(terms.per_cpu_second, 18) + to_units(terms.per_second, 18)
    fixed = to_units(terms.fixed_price, 18)
    assert terms.exposure(0.0, 10**6) == rate * (120 + 30 + 1) + fixed
    terms.channel = terms.dispute = False
    assert terms.exposure(0.0, 10**6) == rate * (120 + 30 + 300 + 120 + 600 + 1) + fixed
    assert terms.exposure(0.0, 500) == rate * 500 + fixed


# --- scores -----------------------------------------------------------------------------------------------------------


def test_a_score_is_half_uptime_half_success_times_the_penalty_of_the_cpu():
    scores = Reputation(0.5, 0.5, 0.8, 5)
    scores.vouch(b"a", 0.0)
    assert scores.score(b"a") == 1
    for _ in range(10):
        scores.task(b"a", 1.0, good=False)
    assert scores.score(b"a") == 0.5 * 1 + 0.5 * 0.5
    assert scores.admits([b"a"]) == []
    for deviation, factor in ((0.05, 1.0), (0.1, 0.7), (0.15, 0.7), (0.16, 0.4)):
        scores.of(b"a").deviation = deviation
        assert scores.score(b"a") == pytest.approx(0.75 * factor)


def test_the_unlisted_are_rejected_where_any_is_listed_and_only_then():
    scores = Reputation(0.5, 0.5, 0.8, 2)
    assert scores.admits([b"a", b"b"]) == [b"a", b"b"]
    scores.vouch(b"a", 0.0)
    assert scores.admits([b"a", b"b"]) == [b"a"]
    for now in (1.0, 2.0):
        scores.probe(b"b", up=True)
        scores.task(b"b", now, good=True)
    assert scores.listed_at[b"b"] == 2.0
    assert scores.admits([b"a", b"b"]) == [b"a", b"b"]


def test_a_newcomer_earns_nothing_until_it_has_done_its_auditors_tasks():
    said = ("protocol.newcomers=1", "protocol.tasks_to_list=3", "protocol.audit_period=200", "protocol.redundancy=3")
    market, job = lived(*said, "protocol.budget=200")
    newcomer = next(who for who, one in market.world.accounts.items() if one.name == "provider/3")
    assert {one.agreement.provider for one in market.activities.values()} == set(market.reputation.records) - {newcomer}
    since = market.reputation.listed_at[newcomer] - market.world.rules.genesis
    assert since == pytest.approx(3 * 200, abs=40)  # and the auditor's set-up
    assert market.paid(job, newcomer) == 0


# --- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("providers", "share"), [(1, 0.3), (2, 0.4), (3, 0.3), (5, 0.4)])
def test_redundancy_accepts_wrong_results_as_often_as_the_binomial_says(providers, share):
    """Colluders hand in the same wrong result; more than half of several decide, and one alone is not compared."""
    luck, draws, wrong = Luck("redundancy", providers), 4000, 0
    for i in range(draws):
        results = [b"bad" if luck(i, j).random() < share else b"good" for j in range(providers)]
        wrong += majority(results) == b"bad"
    expected = binom.sf(providers // 2, providers, share) if providers > 1 else 0.0
    assert abs(wrong / draws - expected) <= 4 * math.sqrt(max(expected, 1e-9) / draws)


def test_little_work_is_outvoted_and_its_bond_lost():
    said = ("protocol.redundancy=3", "protocol.budget=200")
    honest, lazy = run(*said), run(*said, attack="lazy")
    who = lazy.run.people.query("attacker").index[0]
    assert profit(lazy, who) < profit(honest, who) - 20
    assert lazy.metric("delivered_quality") == honest.metric("delivered_quality")


def test_nonsense_costs_its_provider_the_bond_where_there_is_a_dispute_and_nothing_where_there_is_none():
    assert profit(run(attack="garbage"), "provider/0") < -20
    assert profit(run("protocol.variant=literal", attack="garbage"), "provider/0") > -1


# --- what pays --------------------------------------------------------------------------------------------------------


def gain(variant, attack, seed=0):
    said = f"protocol.variant={variant}"
    attacked = run(said, attack=attack, seed=seed)
    who = attacked.run.people.query("attacker").index
    return sum(profit(attacked, one) - profit(run(said, seed=seed), one) for one in who)


@pytest.mark.parametrize(
    ("attack", "literal", "hardened"),
    [("self_payee_drain", 90, 0), ("fee_taker", 0, 0), ("credit_limit_runner", 23, 0.01), ("false_disputer", 2, -5)],
)
def test_what_pays_by_the_published_rules_does_not_by_the_hardened(attack, literal, hardened):
    assert gain("literal", attack) > literal
    assert gain("hardened", attack) <= hardened


@pytest.mark.parametrize("attack", ["bogus_accept", "key_rotator"])
def test_a_provider_has_its_whole_price_whatever_a_requestor_does_with_its_last_signature(attack):
    market, job = lived(f"attack={attack}")
    (activity,) = market.activities.values()
    assert market.paid(job, activity.agreement.provider) == activity.agreement.price(900, 900)
    assert gain("hardened", attack) <= 0.01


def refusals(attack, *said):
    """Why the contract refused what attackers sent."""
    sent = run(*said, attack=attack).ledger["transactions"]
    attackers = run(*said, attack=attack).run.people.query("attacker").index
    mine = sent[sent["controller"].isin(list(attackers)) & (sent["status"] != "success")]
    return {str(reason).partition("(")[0] for reason in mine["reason"]}


def test_calls_in_others_places_are_refused_each_for_its_reason():
    two = ("protocol.redundancy=2", "protocol.budget=200")
    assert {"NotParty", "TooEarly", "NotSpender", "StillValid"} <= refusals("outsider", *two)
    assert {"AboveCap", "TooLate"} <= refusals("overreacher")
    assert gain("hardened", "overreacher") <= 0


def test_two_attacks_that_replace_the_scripts_of_two_roles_are_both_played():
    outsiders = refusals("outsider")
    assert outsiders
    assert not refusals("false_disputer")
    assert refusals(("outsider", "false_disputer")) & outsiders
    sent = run(attack=("outsider", "false_disputer")).ledger["transactions"].query("status == 'success'")
    assert list(sent["function"]).count("disputeClaim") == 1  # the script hires nobody else; without it there are three


def test_who_signs_beyond_the_cap_pays_the_price_and_others_have_theirs():
    market, job = lived("attack=excess_signer", "protocol.redundancy=2", "protocol.budget=200")
    assert len(market.activities) == 2
    for activity in market.activities.values():
        assert market.paid(job, activity.agreement.provider) == activity.agreement.price(900, 900)


@pytest.mark.parametrize("variant", ["literal", "hardened"])
def test_who_speaks_in_others_names_changes_nothing(variant):
    """The forger approves, ends and bills agreements in each rival's name, and says that the job is done."""
    said, market_of = (f"protocol.variant={variant}", "protocol.redundancy=2", "protocol.budget=200"), []
    for attack in ((), ("attack=message_forger",)):
        market, job = lived(*said, *attack)
        market_of.append(sorted((one.agreement.provider, one.used) for one in market.activities.values()))
        for activity in market.activities.values():
            assert market.paid(job, activity.agreement.provider) == activity.agreement.price(900, 900)
    assert market_of[0] == market_of[1]
    assert any(fact.reason == "Forged" for fact in told(market, say.TERMINATED, job))


def altered(fact, by=None, **changes):
    return Fact(fact.event, fact.time, by or fact.by, fact.job, fact.args | changes)


def test_only_what_the_requestor_sent_and_signed_counts_as_accepted():
    market, job = lived()
    note = market.accepted(job, next(iter(market.activities)))
    provider = next(iter(market.activities.values())).agreement.provider
    for changes in ({"signature": bytes(65)}, {"total": note.total + 1}, {"total": "much"}):
        bogus = altered(note, **changes)
        assert not market.genuine(job, bogus)
        market.world.facts.publish(say.ACCEPTED, bogus)
    market.world.facts.publish(say.ACCEPTED, altered(note, provider))
    less = note.total - 1
    signed = sign(market.world.accounts[job.poster].name, market.acceptance(note.key, less)).packed
    market.world.facts.publish(say.ACCEPTED, altered(note, total=less, signature=signed))
    found = market.accepted(job, note.key)
    assert (found.by, found.total, found.signature) == (job.poster, note.total, note.signature)


def test_an_extension_before_the_creation_strands_money_in_the_literal_rules():
    literal = run("protocol.variant=literal", attack="early_extender")
    assert literal.violations["complaint"].str.contains("nobody can withdraw").any()
    assert run(attack="early_extender").violations.empty
