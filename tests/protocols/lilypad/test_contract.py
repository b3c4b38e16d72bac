"""The contract of Lilypad: who may do what when, who has which money at the end, and what each hole costs whom."""

from __future__ import annotations

import functools
import hashlib
import itertools
from math import comb
from typing import Any

import pytest
from eth_hash.auto import keccak
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from scipy.stats import binom

from slashpoint.protocols.lilypad.invariants import payload
from slashpoint.sim.market import commitment
from slashpoint.sim.testing.contract import Deed, Scene

CLIENT, POKER, SOLVER, STRANGER = (bytes([i]) * 20 for i in (2, 3, 4, 5))
PROVIDERS = [bytes([16 + i]) * 20 for i in range(9)]
MEDIATORS = [bytes([32 + i]) * 20 for i in range(3)]
NONE, MEDIATION, REDUNDANCY = range(3)
(
    OFFERED, MATCHED, AGREED, REVEALING, SUBMITTED, MEDIATING, ACCEPTED, MEDIATION_ACCEPTED, MEDIATION_REJECTED,
    VERIFIED, VOID, UNMATCHED, TIMEOUT_AGREE, TIMEOUT_SUBMIT, TIMEOUT_JUDGE, TIMEOUT_MEDIATE,
) = range(1, 17)  # fmt: skip
PRICE, COUNT, PAYMENT, FEE, SOLVERS = 2, 50, 200, 30, 4
AGREE, SUBMIT, JUDGE, MEDIATE, LEAST = 5, 10, 20, 50, 60  # collaterals
BID, AGREEING, WORK, REVEAL, JUDGING, MEDIATING_TIME = 100, 110, 500, 120, 300, 400
HARDENED = {
    "cheapest": True, "openResults": False, "compareCounts": True, "beaconMediator": True, "conflictCheck": True,
    "fullMediation": True, "silencePays": True, "ownRefunds": True, "callerRefunds": False, "cheaterPays": True,
    "slashMinority": True, "treasuryTwice": False, "truncates": False, "redraws": 2, "reruns": 1,
    "collateralBps": 11_000, "treasuryBps": 0, "pokeBountyBps": 1000, "minCollateral": LEAST,
}  # fmt: skip
LITERAL = {
    "cheapest": False, "openResults": True, "compareCounts": False, "beaconMediator": False, "conflictCheck": False,
    "fullMediation": False, "silencePays": False, "ownRefunds": False, "callerRefunds": True, "cheaterPays": False,
    "slashMinority": False, "treasuryTwice": True, "truncates": True, "redraws": 0, "reruns": 0,
    "collateralBps": 11_000, "treasuryBps": 0, "pokeBountyBps": 0, "minCollateral": 0,
}  # fmt: skip
SALT, SPEC = b"s" * 32, b"p" * 32


def cid(number: int) -> bytes:
    return hashlib.sha256(bytes([number])).digest()


class Stage(Scene):
    """The contract of Lilypad."""

    def __init__(self, rules: dict[str, Any]) -> None:
        super().__init__("Lilypad", rules, people=[CLIENT, POKER, SOLVER, STRANGER, *PROVIDERS, *MEDIATORS])
        self.rules = rules

    def offer(self, verification: int = MEDIATION, **changes: Any) -> int:
        """A job that is offered."""
        terms = {
            "verification": verification, "engine": 1, "specCid": SPEC, "inputCid": SPEC, "instructions": 60,
            "concurrency": 3 if verification == REDUNDANCY else 1, "confidence": 2 if verification == REDUNDANCY else 0,
            "minBids": 0, "tolerance": 0, "commitResults": True, "multiple": 2, "bidWindow": BID,
            "agreeWindow": AGREEING, "submitWindow": WORK, "revealWindow": REVEAL, "judgeWindow": JUDGING,
            "mediateWindow": MEDIATING_TIME, "maxPrice": PRICE, "payment": PAYMENT, "agreeCollateral": AGREE,
            "submitCollateral": SUBMIT, "judgeCollateral": JUDGE, "mediateCollateral": MEDIATE, "mediationFee": FEE,
            "solverFee": SOLVERS, "context": "digits",
        }  # fmt: skip
        return int(self.must(CLIENT, self.market.offerJob({**terms, **changes})).of("JobOffered")[0]["id"])

    def match(self, job: int, mediators: int = 3) -> None:
        """Offers, and a match of the first of them."""
        deal = self.deal(job)
        for who in PROVIDERS[: deal.concurrency]:
            self.must(who, self.market.bid(job, PRICE))
        for who in MEDIATORS[:mediators]:
            self.must(who, self.market.enrol(job))
        self.at(deal.due).must(SOLVER, self.market.matchOffers(job, list(range(deal.concurrency))))

    def agree(self, job: int) -> None:
        for who in (CLIENT, *(seat.provider for seat in self.market.seatsOf(job))):
            self.must(who, self.market.agree(job))

    def deal(self, job: int) -> Any:
        return self.market.dealOf(job)

    def working(self, verification: int = MEDIATION, mediators: int = 3, **changes: Any) -> int:
        """A deal whose providers work."""
        job = self.offer(verification, **changes)
        self.match(job, mediators)
        self.agree(job)
        return job

    def submitted(self, result: int = 1, count: int = COUNT, who: bytes = PROVIDERS[0], **more: Any) -> int:
        """A deal with a result."""
        job = self.working(**more)
        self.must(who, self.market.submitResult(job, cid(result), count, b""))
        return job

    def commit(self, job: int, at: int, result: int, count: int = COUNT, outputs: bytes = b"") -> None:
        who = self.market.seatsOf(job)[at].provider
        sealed = commitment(payload(cid(result), count, outputs), SALT, who, salted=True)
        self.must(who, self.market.commitResult(job, sealed))

    def reveal(self, job: int, at: int, result: int, count: int = COUNT, outputs: bytes = b"") -> Deed:
        who = self.market.seatsOf(job)[at].provider
        return self.do(who, self.market.revealResult(job, cid(result), count, outputs, SALT))

    def vote(self, results: list[int], counts: list[int] | None = None, job: int | None = None, **changes: Any) -> Deed:
        """Redundant execution from the offer to the count of its results; what the count said."""
        job = self.working(REDUNDANCY, 0, concurrency=len(results), **changes) if job is None else job
        counts = counts or [COUNT] * len(results)
        for at, (result, count) in enumerate(zip(results, counts, strict=True)):
            self.commit(job, at, result, count)
        for at, (result, count) in enumerate(zip(results, counts, strict=True)):
            assert self.reveal(job, at, result, count).ok
        return self.must(POKER, self.market.tally(job))

    def check_books(self) -> None:
        self.check_vault(sum(self.deal(job).held for job in range(self.market.deals())))


@functools.cache
def prepared(kind: str) -> tuple[Stage, int]:
    stage = Stage(KINDS[kind])
    return stage, stage.engine.snapshot()


KINDS = {
    "hardened": HARDENED,
    "literal": LITERAL,
    "fee": {**HARDENED, "treasuryBps": 200},
    "fee twice": {**HARDENED, "treasuryBps": 200, "treasuryTwice": True},
    "lenient": {**HARDENED, "slashMinority": False, "reruns": 0, "compareCounts": False},
    "no reruns": {**HARDENED, "reruns": 0},
}


def fresh(kind: str = "hardened") -> Stage:
    """A stage as it was at first."""
    stage, snapshot = prepared(kind)
    stage.engine.restore(snapshot)
    stage.beacon = bytes(32)
    return stage.at(1_000_000)


COST = PRICE * COUNT
COLLATERAL = COST * 2 * 11 // 10
FIRST, SECOND = PROVIDERS[:2]


@pytest.fixture
def stage():
    made = fresh()
    yield made
    made.check_books()


@pytest.fixture
def literal():
    made = fresh("literal")
    yield made
    made.check_books()


def gains(stage, *people):
    return tuple(stage.gained(who) for who in people)


# --- matching ---


def test_a_match_takes_the_cheapest_offers_and_gives_the_others_their_collateral_back(stage):
    job = stage.offer()
    for who, price in zip(PROVIDERS, (2, 1, 2), strict=False):
        stage.must(who, stage.market.bid(job, price))
    assert stage.fails(SOLVER, stage.market.matchOffers(job, [1])) == "TooEarly"
    stage.at(stage.deal(job).due)
    assert stage.fails(SOLVER, stage.market.matchOffers(job, [0])) == "CheaperOffer"
    assert stage.fails(SOLVER, stage.market.matchOffers(job, [3])) == "WrongMatch"
    assert stage.fails(SOLVER, stage.market.matchOffers(job, [0, 1])) == "WrongMatch"
    stage.must(SOLVER, stage.market.matchOffers(job, [1]))
    assert gains(stage, *PROVIDERS[:3]) == (0, -AGREE, 0)


def test_literally_a_solver_may_take_any_offer(literal):
    job = literal.offer()
    for who, price in zip(PROVIDERS, (2, 1), strict=False):
        literal.must(who, literal.market.bid(job, price))
    literal.at(literal.deal(job).due).must(SOLVER, literal.market.matchOffers(job, [0]))
    assert literal.market.seatsOf(job)[0].provider == FIRST


def test_offers_are_refused_that_are_late_dear_or_second(stage):
    job = stage.offer()
    assert stage.fails(FIRST, stage.market.bid(job, PRICE + 1)) == "TooExpensive"
    stage.must(FIRST, stage.market.bid(job, PRICE))
    assert stage.fails(FIRST, stage.market.bid(job, PRICE)) == "AlreadyThere"
    stage.must(MEDIATORS[0], stage.market.enrol(job))
    assert stage.fails(MEDIATORS[0], stage.market.enrol(job)) == "AlreadyThere"
    stage.at(stage.deal(job).due)
    assert stage.fails(SECOND, stage.market.bid(job, PRICE)) == "TooLate"


def test_a_job_that_nobody_matches_costs_nothing(stage):
    job = stage.offer()
    stage.must(FIRST, stage.market.bid(job, PRICE))
    assert stage.at(stage.deal(job).due).fails(POKER, stage.market.expire(job)) == "TooEarly"
    stage.at(stage.deal(job).due + AGREEING).must(POKER, stage.market.expire(job))
    assert stage.deal(job).state == UNMATCHED
    assert gains(stage, CLIENT, FIRST) == (0, 0)


@pytest.mark.parametrize("changes", [
    {"specCid": bytes(32)}, {"instructions": 0}, {"concurrency": 2}, {"confidence": 2}, {"bidWindow": 0},
    {"agreeWindow": 0}, {"submitWindow": 0}, {"agreeCollateral": PAYMENT + 1},
    {"verification": REDUNDANCY, "concurrency": 1}, {"concurrency": 33, "verification": REDUNDANCY},
])  # fmt: skip
def test_terms_that_cannot_be_carried_out_are_refused(stage, changes):
    with pytest.raises(AssertionError, match="TermOutOfRange"):
        stage.offer(**changes)


# --- a result, and what becomes of it ---


def test_an_accepted_result_is_paid_by_price_and_count_and_everything_else_goes_back(stage):
    job = stage.submitted()
    assert stage.market.seatsOf(job)[0].collateral == COLLATERAL
    assert stage.fails(STRANGER, stage.market.acceptResult(job)) == "NotParty"
    stage.must(CLIENT, stage.market.acceptResult(job))
    assert stage.deal(job).state == ACCEPTED
    assert gains(stage, CLIENT, FIRST, SOLVER, *MEDIATORS) == (-COST - SOLVERS, COST, SOLVERS, 0, 0, 0)


@pytest.mark.parametrize(("count", "paid"), [(60, 60), (61, 60), (2**32 - 1, 60)])
def test_no_more_instructions_are_paid_for_than_the_cap(stage, count, paid):
    job = stage.submitted(count=count)
    stage.must(CLIENT, stage.market.acceptResult(job))
    assert stage.gained(FIRST) == paid * PRICE


def test_without_a_cap_the_payment_collateral_bounds_what_is_reported(stage):
    job = stage.submitted(count=1000, instructions=10_000)
    stage.must(CLIENT, stage.market.acceptResult(job))
    assert stage.gained(FIRST) == PAYMENT


def test_a_rejected_result_costs_its_collateral_and_reimburses_the_fee(stage):
    job = stage.submitted()
    stage.must(CLIENT, stage.market.checkResult(job))
    drawn = stage.deal(job).mediator
    assert stage.fails(STRANGER, stage.market.mediate(job, False)) == "NotParty"
    stage.must(drawn, stage.market.mediate(job, False))
    assert stage.deal(job).state == MEDIATION_REJECTED
    assert gains(stage, CLIENT, FIRST, drawn) == (-SOLVERS, -COLLATERAL, FEE)
    assert stage.market.treasury() == COLLATERAL - FEE


@pytest.mark.parametrize(("price", "count"), [(0, COUNT), (PRICE, 0), (0, 0)])
def test_a_result_that_costs_nothing_has_a_least_collateral_to_lose(stage, price, count):
    assert given_for(stage, price, count) == LEAST
    job = stage.market.deals() - 1
    stage.must(CLIENT, stage.market.checkResult(job))
    stage.must(stage.deal(job).mediator, stage.market.mediate(job, False))
    assert gains(stage, CLIENT, FIRST) == (-SOLVERS, -LEAST)
    assert stage.market.treasury() == LEAST - FEE


def test_literally_a_result_that_costs_nothing_risks_nothing(literal):
    assert given_for(literal, 0, COUNT) == 0


def given_for(stage, price, count):
    """The collateral of a result of the only provider, who asked for a price and reports a count."""
    job = stage.offer()
    stage.must(FIRST, stage.market.bid(job, price))
    for who in MEDIATORS:
        stage.must(who, stage.market.enrol(job))
    stage.at(stage.deal(job).due).must(SOLVER, stage.market.matchOffers(job, [0]))
    stage.agree(job)
    stage.must(FIRST, stage.market.submitResult(job, cid(1), count, b""))
    return stage.market.seatsOf(job)[0].collateral


@pytest.mark.parametrize(("kind", "due"), [("hardened", LEAST), ("literal", 0)])
def test_a_redundant_result_that_costs_nothing_has_the_least_collateral_too(kind, due):
    stage = fresh(kind)
    job = stage.offer(REDUNDANCY)
    for who in PROVIDERS[:3]:
        stage.must(who, stage.market.bid(job, 0))
    stage.at(stage.deal(job).due).must(SOLVER, stage.market.matchOffers(job, [0, 1, 2]))
    stage.agree(job)
    for at, result in enumerate([1, 1, 2]):
        stage.commit(job, at, result)
    assert [seat.collateral for seat in stage.market.seatsOf(job)] == [due] * 3
    for at, result in enumerate([1, 1, 2]):
        assert stage.reveal(job, at, result).ok
    stage.must(POKER, stage.market.tally(job))
    assert gains(stage, *PROVIDERS[:3]) == (0, 0, -due)
    stage.check_books()


def test_literally_the_client_pays_for_finding_the_cheat(literal):
    job = literal.submitted()
    literal.must(CLIENT, literal.market.checkResult(job))
    literal.must(literal.deal(job).mediator, literal.market.mediate(job, False))
    assert literal.gained(CLIENT) == -SOLVERS - FEE


def test_a_right_result_that_was_checked_is_paid_and_the_client_pays_the_fee(stage):
    job = stage.submitted()
    stage.must(CLIENT, stage.market.checkResult(job))
    stage.must(stage.deal(job).mediator, stage.market.mediate(job, True))
    assert gains(stage, CLIENT, FIRST) == (-COST - SOLVERS - FEE, COST)


def test_percentages_that_divide_first_are_nothing(literal):
    job = literal.submitted()
    assert literal.market.seatsOf(job)[0].collateral == 2 * COST  # 11000 / 10000 is 1


def test_a_treasury_that_is_counted_twice_pays_with_other_deals_money():
    honest = fresh("fee")
    honest.must(CLIENT, honest.market.acceptResult(honest.submitted()))
    honest.check_books()
    assert honest.gained(FIRST) == COST - COST // 50
    twice = fresh("fee twice")
    other = twice.submitted()
    twice.must(CLIENT, twice.market.acceptResult(twice.submitted()))
    assert twice.gained(FIRST) + SUBMIT + COLLATERAL >= COST  # in full, and the treasury has its share as well
    assert twice.market.treasury() == COST // 50
    assert twice.market.escrow() == twice.deal(other).held - COST // 50
    with pytest.raises(AssertionError, match="Panic"):
        twice.do(CLIENT, twice.market.acceptResult(other))


def test_only_the_matched_provider_hands_in(stage):
    job = stage.working()
    assert stage.fails(STRANGER, stage.market.submitResult(job, cid(1), COUNT, b"")) == "NotParty"


def test_literally_anybody_hands_in_and_is_paid(literal):
    job = literal.working()
    literal.must(STRANGER, literal.market.submitResult(job, cid(9), COUNT, b""))
    literal.must(CLIENT, literal.market.acceptResult(job))
    assert gains(literal, STRANGER, FIRST) == (COST, 0)


def test_without_verification_a_result_is_paid_at_once(stage):
    job = stage.submitted(verification=NONE, judgeCollateral=0)
    assert stage.deal(job).state == ACCEPTED
    assert stage.gained(FIRST) == COST


# --- every timeout ---


def test_who_does_not_agree_loses_its_collateral_and_who_does_has_everything_back(stage):
    job = stage.offer()
    stage.match(job)
    stage.must(FIRST, stage.market.agree(job))
    assert stage.fails(STRANGER, stage.market.agree(job)) == "NotParty"
    assert stage.fails(POKER, stage.market.timeoutAgree(job)) == "TooEarly"
    stage.at(stage.deal(job).due)
    assert stage.fails(CLIENT, stage.market.agree(job)) == "TooLate"
    stage.must(POKER, stage.market.timeoutAgree(job))
    assert gains(stage, CLIENT, FIRST) == (-AGREE, 0)
    assert stage.gained(POKER) == 0  # a tenth of five


def test_literally_a_timeout_before_agreement_locks_who_did_not_call_it(literal):
    job = literal.offer(agreeCollateral=0)
    literal.match(job)
    literal.must(FIRST, literal.market.agree(job))
    literal.at(literal.deal(job).due).must(POKER, literal.market.timeoutAgree(job))
    assert literal.gained(FIRST) == -SUBMIT
    assert literal.deal(job).held == SUBMIT


def test_a_late_result_costs_the_provider_and_gives_the_client_all_back(stage):
    job = stage.working()
    stage.at(stage.deal(job).due)
    assert stage.fails(FIRST, stage.market.submitResult(job, cid(1), COUNT, b"")) == "TooLate"
    stage.must(POKER, stage.market.timeoutSubmit(job))
    assert gains(stage, CLIENT, FIRST, POKER) == (-SOLVERS, -SUBMIT, SUBMIT // 10)


def test_literally_a_late_result_refunds_the_wrong_collateral(literal):
    job = literal.working()
    literal.at(literal.deal(job).due).must(POKER, literal.market.timeoutSubmit(job))
    assert literal.gained(CLIENT) == -SOLVERS - JUDGE + SUBMIT
    assert literal.deal(job).held == JUDGE - SUBMIT


def test_a_client_that_does_not_judge_pays_and_loses_its_collateral(stage):
    job = stage.submitted()
    assert stage.fails(POKER, stage.market.timeoutJudge(job)) == "TooEarly"
    stage.at(stage.deal(job).due)
    assert stage.fails(CLIENT, stage.market.acceptResult(job)) == "TooLate"
    assert stage.fails(CLIENT, stage.market.checkResult(job)) == "TooLate"
    stage.must(POKER, stage.market.timeoutJudge(job))
    assert gains(stage, CLIENT, FIRST) == (-COST - SOLVERS - JUDGE, COST)


def test_literally_a_client_that_does_not_judge_locks_its_payment_and_the_provider_is_unpaid(literal):
    job = literal.submitted()
    literal.at(literal.deal(job).due).must(POKER, literal.market.timeoutJudge(job))
    assert literal.gained(FIRST) == 0
    assert literal.deal(job).held == PAYMENT


def test_a_late_mediator_is_fined_and_replaced_and_at_last_everybody_is_refunded(stage):
    job = stage.submitted()
    stage.must(CLIENT, stage.market.checkResult(job))
    late = []
    for _ in MEDIATORS:
        late.append(stage.deal(job).mediator)
        assert stage.fails(POKER, stage.market.timeoutMediate(job)) == "TooEarly"
        stage.at(stage.deal(job).due)
        assert stage.fails(late[-1], stage.market.mediate(job, True)) == "TooLate"
        stage.must(POKER, stage.market.timeoutMediate(job))
    assert sorted(late) == MEDIATORS
    assert stage.deal(job).state == TIMEOUT_MEDIATE
    assert gains(stage, CLIENT, FIRST, *MEDIATORS) == (-SOLVERS, 0, *[-MEDIATE] * 3)
    assert stage.gained(POKER) == 3 * MEDIATE // 10


def test_literally_a_mediator_has_what_is_left_of_the_clients_time(literal):
    job = literal.submitted()
    due = literal.deal(job).due
    literal.at(due - 10).must(CLIENT, literal.market.checkResult(job))
    literal.at(due)
    assert literal.fails(literal.deal(job).mediator, literal.market.mediate(job, True)) == "TooLate"
    literal.must(POKER, literal.market.timeoutMediate(job))
    assert gains(literal, CLIENT, FIRST) == (-SOLVERS, 0)


def test_a_mediator_has_its_whole_time(stage):
    job = stage.submitted()
    stage.at(stage.deal(job).due - 10).must(CLIENT, stage.market.checkResult(job))
    assert stage.deal(job).due == stage.now + MEDIATING_TIME


# --- the draw ---


def test_the_literal_draw_is_known_before_and_may_be_a_party(literal):
    job = literal.offer()
    literal.must(CLIENT, literal.market.enrol(job))
    literal.match(job)
    literal.agree(job)
    literal.must(FIRST, literal.market.submitResult(job, cid(1), COUNT, b""))
    mediators = literal.market.mediatorsOf(job)
    while True:
        drawn = int.from_bytes(keccak(literal.now.to_bytes(32, "big") + job.to_bytes(32, "big")), "big")
        if mediators[drawn % len(mediators)] == CLIENT:
            break
        literal.at(literal.now + 1)
    literal.must(CLIENT, literal.market.checkResult(job))
    literal.must(CLIENT, literal.market.mediate(job, False))
    assert literal.gained(CLIENT) == -SOLVERS  # a result for nothing


def test_no_party_is_ever_drawn_and_everybody_else_is(stage):
    job = stage.offer()
    stage.must(CLIENT, stage.market.enrol(job))
    stage.must(FIRST, stage.market.enrol(job))
    stage.match(job)
    stage.agree(job)
    stage.must(FIRST, stage.market.submitResult(job, cid(1), COUNT, b""))
    before, drawn = stage.engine.snapshot(), set()
    for beacon in range(40):
        stage.engine.restore(before)
        stage.beacon = bytes([beacon]) * 32
        stage.must(CLIENT, stage.market.checkResult(job))
        drawn.add(stage.deal(job).mediator)
    assert drawn == set(MEDIATORS)


def test_without_mediators_nothing_can_be_checked(stage):
    job = stage.submitted(mediators=0)
    assert stage.fails(CLIENT, stage.market.checkResult(job)) == "NoMediator"


# --- redundancy ---


@pytest.mark.parametrize(("results", "counts", "winners"), [
    ([1, 1, 1], None, [0, 1, 2]), ([1, 2, 1], None, [0, 2]), ([2, 1, 1], None, [1, 2]),
    ([1, 1, 1], [50, 50, 60], [0, 1]), ([1, 2, 2, 3, 2], None, [1, 2, 4]),
])  # fmt: skip
def test_the_largest_group_is_paid_and_the_others_lose_their_collateral(stage, results, counts, winners):
    deed = stage.vote(results, counts)
    assert deed.of("ResultsTallied")[0]["valid"]
    assert stage.deal(0).state == VERIFIED
    most = min(PRICE * 60, PAYMENT)  # the collateral of a committed result is that of the dearest
    for at in range(len(results)):
        assert stage.gained(PROVIDERS[at]) == (COST if at in winners else -most * 22 // 10)
    assert stage.gained(CLIENT) == -SOLVERS - len(winners) * COST


@pytest.mark.parametrize("results", [[1, 2, 3], [1, 1, 2, 2], [1, 2]], ids=["all differ", "a tie", "two differ"])
def test_a_void_vote_is_repeated_with_two_more_and_nobody_who_revealed_loses(stage, results):
    deed = stage.vote(results)
    assert not deed.of("ResultsTallied")[0]["valid"]
    assert (stage.deal(0).state, stage.deal(0).concurrency) == (OFFERED, len(results) + 2)
    assert gains(stage, *PROVIDERS[: len(results)]) == (0,) * len(results)
    stage.match(0, 0)
    stage.agree(0)
    again = stage.vote([7] * (len(results) + 2), job=0)
    assert again.of("DealClosed")[0]["state"] == VERIFIED
    assert stage.gained(CLIENT) == -2 * SOLVERS - (len(results) + 2) * COST


def test_a_void_vote_without_reruns_refunds_everybody():
    stage = fresh("no reruns")
    stage.vote([1, 1, 2, 2])
    assert stage.deal(0).state == VOID
    assert gains(stage, CLIENT, *PROVIDERS[:4]) == (-SOLVERS, 0, 0, 0, 0)


def test_counts_are_not_compared_literally_and_an_overreporter_is_in_the_group():
    stage = fresh("lenient")
    stage.vote([1, 1, 2], [50, 60, 50])
    assert gains(stage, *PROVIDERS[:3]) == (COST, 60 * PRICE, 0)


def test_a_single_result_is_void_and_silence_costs(stage):
    job = stage.working(REDUNDANCY, 0)
    for at in range(3):
        stage.commit(job, at, 1)
    assert stage.reveal(job, 0, 1).ok
    assert stage.fails(POKER, stage.market.tally(job)) == "TooEarly"
    stage.at(stage.deal(job).due).must(POKER, stage.market.tally(job))
    assert stage.deal(job).state == OFFERED
    assert stage.gained(FIRST) == 0
    assert stage.gained(SECOND) < 0


def test_what_is_revealed_was_committed_by_who_reveals_it(stage):
    job = stage.working(REDUNDANCY, 0)
    stage.commit(job, 0, 1)
    copied = stage.market.seatsOf(job)[0].result
    stage.must(SECOND, stage.market.commitResult(job, copied))
    stage.commit(job, 2, 1)
    assert stage.reveal(job, 0, 2).revert.name == "WrongSeal"
    assert stage.reveal(job, 0, 1).ok
    assert stage.reveal(job, 1, 1).revert.name == "WrongSeal"
    assert stage.reveal(job, 0, 1).revert.name == "AlreadySubmitted"


def test_who_hands_in_nothing_loses_its_collateral_and_the_others_are_counted(stage):
    job = stage.working(REDUNDANCY, 0)
    stage.commit(job, 0, 1)
    stage.commit(job, 1, 1)
    stage.at(stage.deal(job).due).must(POKER, stage.market.timeoutSubmit(job))
    assert stage.reveal(job, 0, 1).ok
    assert stage.reveal(job, 1, 1).ok
    stage.must(POKER, stage.market.tally(job))
    assert stage.deal(job).state == VERIFIED
    assert gains(stage, *PROVIDERS[:3]) == (COST, COST, -SUBMIT)


@pytest.mark.parametrize(("tolerance", "valid"), [(1, False), (2, True), (3, True)])
def test_results_that_differ_within_the_tolerance_are_equal(tolerance, valid):
    stage = fresh("no reruns")
    job = stage.working(REDUNDANCY, 0, tolerance=tolerance)
    outputs = [b"aaaaaaaa", b"aaaaaabb", b"zzzzzzzz"]
    for at, each in enumerate(outputs):
        stage.commit(job, at, at, outputs=each)
    for at, each in enumerate(outputs):
        assert stage.reveal(job, at, at, outputs=each).ok
    assert stage.must(POKER, stage.market.tally(job)).of("ResultsTallied")[0]["valid"] == valid


# --- what theory says ---


def test_redoing_some_of_many_jobs_finds_a_cheat_as_often_as_drawing_without_replacement():
    """Of M deals f are wrong; m are checked: 1 - C(M-f, m)/C(M, m), by the contract's own verdict on each deal."""
    stage, many, wrong, checked = fresh(), 7, 2, 3
    jobs = [stage.submitted(result=9 if i < wrong else 1, judgeWindow=10**6) for i in range(many)]
    found = 0
    for drawn in itertools.combinations(jobs, checked):
        before, caught = stage.engine.snapshot(), False
        for job in drawn:
            stage.must(CLIENT, stage.market.checkResult(job))
            right = stage.market.seatsOf(job)[0].result == cid(1)
            stage.must(stage.deal(job).mediator, stage.market.mediate(job, right))
            caught |= stage.deal(job).state == MEDIATION_REJECTED
        found += caught
        stage.engine.restore(before)
    assert found / comb(many, checked) == pytest.approx(
        1 - comb(many - wrong, checked) / comb(many, checked), rel=1e-12
    )


@functools.cache
def carried(k: int, confidence: int) -> list[bool]:
    """By how many of k collude: whether their common wrong result is accepted by the contract."""
    said = []
    for colluders in range(k + 1):
        stage = fresh("no reruns")
        results = [9] * colluders + [1] * (k - colluders)
        stage.vote(results, confidence=confidence)
        closed = stage.deal(0)
        winners = [at for at in range(k) if stage.gained(PROVIDERS[at]) > 0]
        said.append(closed.state == VERIFIED and all(results[at] == 9 for at in winners))
    return said


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.4, 0.5])
@pytest.mark.parametrize(("k", "confidence"), [(3, 2), (5, 2), (5, 4), (4, 2)])
def test_colluders_carry_a_wrong_result_as_often_as_the_binomial_tail_says(k, confidence, share):
    """Of k independent providers each colludes with a probability: more than half, and at least the confidence."""
    by_contract = sum(binom.pmf(j, k, share) for j, wins in enumerate(carried(k, confidence)) if wins)
    print(f"\n{k}, {confidence}, p = {share}: {by_contract:.3f}")  # noqa: T201 - the page's table
    assert by_contract == pytest.approx(binom.sf(max(k // 2, confidence - 1), k, share), rel=1e-12)


def test_if_all_agree_on_a_wrong_result_nothing_sees_it():
    assert carried(3, 3) == [False, False, False, True]


# --- a life ---

people = st.sampled_from([CLIENT, SOLVER, STRANGER, *PROVIDERS[:4], *MEDIATORS])
POKES = ("expire", "timeoutAgree", "timeoutSubmit", "timeoutJudge", "timeoutMediate", "tally")


class AnybodyAnything(RuleBasedStateMachine):
    """Whoever calls whatever whenever: the books balance, final states stay, and what is owed can be had."""

    @initialize(
        kind=st.sampled_from(["hardened", "literal", "fee", "lenient"]),
        verification=st.sampled_from([0, 1, 2]),
        fees=st.sampled_from([0, 7]),
    )
    def deploy(self, kind, verification, fees):
        self.stage, self.market = fresh(kind), prepared(kind)[0].market
        self.final: dict[int, int] = {}
        for _ in range(2):
            self.stage.offer(verification, agreeCollateral=fees, mediateCollateral=fees)

    @rule(job=st.integers(0, 1), skips=st.integers(0, 3), result=st.integers(1, 2), accept=st.booleans())
    def goes_on(self, job, skips, result, accept):
        """The next duty is done, by most of those who have it."""
        stage, market, deal = self.stage, self.market, self.stage.deal(job)
        if deal.state == OFFERED:
            for who in PROVIDERS[: deal.concurrency + (skips == 0)]:
                stage.do(who, market.bid(job, (who[0] + skips) % (PRICE + 1)))
            for who in MEDIATORS:
                stage.do(who, market.enrol(job))
            stage.at(deal.due)
            count = len(market.offersOf(job))
            for start in range(max(0, count - deal.concurrency) + 1):
                stage.do(SOLVER, market.matchOffers(job, list(range(start, start + deal.concurrency))))
        elif deal.state == MATCHED:
            parties = (CLIENT, *(seat.provider for seat in market.seatsOf(job)))
            for who in parties[skips == 1 :]:
                stage.do(who, market.agree(job))
        elif deal.state == AGREED:
            for at, seat in enumerate(market.seatsOf(job)):
                if market.termsOf(job).verification != REDUNDANCY:
                    stage.do(seat.provider, market.submitResult(job, cid(result), COUNT, b""))
                elif at != skips and not seat.submitted and stage.now < deal.due:
                    stage.commit(job, at, result if at else 1)
        elif deal.state == REVEALING:
            for at in range(len(market.seatsOf(job))):
                if at != skips - 1:
                    stage.reveal(job, at, result if at else 1)
        elif deal.state == SUBMITTED:
            stage.do(CLIENT, market.acceptResult(job) if accept else market.checkResult(job))
        elif deal.state == MEDIATING:
            stage.do(deal.mediator, market.mediate(job, accept))

    @rule(job=st.integers(0, 1), who=people, what=st.sampled_from([*POKES, "agree", "acceptResult", "checkResult"]))
    def meddles(self, job, who, what):
        self.stage.do(who, self.market.function_(what)(job))

    @rule(job=st.integers(0, 1), who=people, yes=st.booleans())
    def cheats(self, job, who, yes):
        self.stage.do(who, self.market.mediate(job, yes))
        self.stage.do(who, self.market.submitResult(job, cid(3), 2**32 - 1, b""))
        self.stage.do(who, self.market.commitResult(job, cid(3)))
        self.stage.do(who, self.market.bid(job, yes))

    @rule(who=people)
    def withdraws(self, who):
        self.stage.do(who, self.market.withdraw())

    @rule(seconds=st.sampled_from([30, AGREEING, REVEAL, JUDGING, WORK]))
    def waits(self, seconds):
        self.stage.at(self.stage.now + seconds)

    @invariant()
    def books_balance(self):
        self.stage.check_books()

    @invariant()
    def what_is_over_stays_so_and_holds_nothing(self):
        for job in range(2):
            deal = self.stage.deal(job)
            assert self.final.get(job, deal.state) == deal.state
            if deal.state >= ACCEPTED:
                self.final[job] = deal.state
                assert deal.held == 0 or self.stage.rules is KINDS["literal"]

    def teardown(self):
        """One living poker ends every deal, and everybody takes what is theirs."""
        if not hasattr(self, "market"):
            return
        for job in range(2):
            for _ in range(12):
                deal = self.stage.deal(job)
                if deal.state >= ACCEPTED:
                    break
                self.stage.at(max(self.stage.now, deal.due + (AGREEING if deal.state == OFFERED else 0)))
                for what in POKES:
                    self.stage.do(POKER, self.market.function_(what)(job))
            assert self.stage.deal(job).state >= ACCEPTED
        for who in self.stage.people:
            if self.market.owed(who):
                self.stage.must(who, self.market.withdraw())
        self.stage.check_books()
        assert self.market.owedTotal() == 0


TestAnybodyAnything = AnybodyAnything.TestCase
TestAnybodyAnything.settings = settings(max_examples=40, stateful_step_count=14, deadline=None)
