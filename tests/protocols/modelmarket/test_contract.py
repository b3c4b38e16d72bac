from __future__ import annotations

import functools
import hashlib
from collections import Counter
from typing import Any

import eth_abi
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from slashpoint.sim.contract import Revert
from slashpoint.sim.testing.contract import DEPLOYER, Deed, Scene

REQUESTER, RIVAL, POKER = (bytes([i]) * 20 for i in (2, 3, 4))
TRAINERS = [bytes([16 + i]) * 20 for i in range(6)]
DEAD = bytes(18) + b"\xde\xad"
WINDOW, SUBMISSION, REWARD, STAKE, DEPOSIT = 900, 600, 1_000, 100, 200
RULES = {
    "window": WINDOW, "minSubmission": 60, "requesterStake": DEPOSIT, "loserRefund": True, "slashTo": 1,
    "pokeBountyBps": 500, "minAccuracyBps": 0, "feeBps": 100, "salted": True, "maxSubmissions": 8, "beacon": False,
}  # fmt: skip
LITERAL = {  # the seed's rules as values
    **RULES, "requesterStake": 0, "loserRefund": False, "slashTo": 0, "pokeBountyBps": 0, "feeBps": 0, "salted": False,
    "maxSubmissions": 0,
}  # fmt: skip
TREASURY, VICTIMS, BURN = range(3)
OPEN, AWAIT_TRUTH, GROUNDED, CANDIDATE, SUCCESS, REFUNDED, CANCELLED, PUNISHED = range(1, 9)
TRUTH = bytes([3, 1, 4, 1, 5, 9, 2, 250])  # labels above 9 too
SALT, CID = b"s" * 32, b"m" * 32


def sha256(*words: bytes) -> bytes:
    return hashlib.sha256(b"".join(words)).digest()


def guesses(correct: int) -> bytes:
    """Predictions with so many right."""
    return TRUTH[:correct] + bytes(255 - label for label in TRUTH[correct:])


class Stage(Scene):
    """ModelMarket."""

    def __init__(self, rules: dict[str, Any]) -> None:
        super().__init__("ModelMarket", rules, people=[REQUESTER, RIVAL, POKER, *TRAINERS], airdrop=True)
        self.rules = rules

    def at(self, time: int) -> Stage:
        super().at(time)
        self.beacon = sha256(bytes([self.number % 256]))
        return self

    def committed(self, payload: bytes, who: bytes, salt: bytes = SALT) -> bytes:
        return sha256(payload, *[salt, bytes(12), who] * self.rules["salted"])

    def all_labels(self, truth: bytes = TRUTH) -> bytes:
        """What a requester commits to and reveals: as many rows again where the test set is drawn."""
        return 2 * truth if self.rules["beacon"] else truth

    def post(self, who: bytes = REQUESTER, truth: bytes = TRUTH, **changes: Any) -> int:
        size, truth = len(truth), self.all_labels(truth)
        terms = {
            "reward": REWARD, "stake": STAKE, "submissionWindow": SUBMISSION, "size": size, "rows": len(truth),
            "trainCid": CID, "testCid": CID, "context": "digits",
            "truthSeal": sha256(sha256(truth), *[SALT] * self.rules["salted"]),
        }  # fmt: skip
        (created,) = self.must(who, self.market.createRequest({**terms, **changes})).of("RequestCreated")
        return int(created["id"])

    def submit(self, job: int, who: bytes, predictions: bytes) -> Deed:
        commitments = self.committed(CID, who), self.committed(sha256(predictions), who)
        return self.do(who, self.market.submitModel(job, *commitments))

    def deadline(self, job: int) -> int:
        return int(self.market.requestOf(job).deadline)

    def ground(self, job: int) -> Deed:
        return self.at(self.deadline(job)).must(REQUESTER, self.market.uploadTruth(job, TRUTH, SALT))

    def rest(self, job: int, labels: bytes) -> bytes:
        """The commitment of the rows that were not drawn."""
        drawn = self.market.testRowsOf(job)
        return sha256(bytes(0xFF if row in drawn else label for row, label in enumerate(labels)))

    def publish(self, job: int, labels: bytes | None = None) -> None:
        """The next block draws the test rows, and the requester publishes the others."""
        self.at(self.now + 12).must(POKER, self.market.drawSplit(job))
        committed = self.rest(job, labels or self.all_labels())
        self.must(self.market.requestOf(job).requester, self.market.publishTraining(job, CID, committed))

    def check_books(self) -> None:
        """Escrow is what each request says that it holds, and no coin came or went."""
        market = self.market
        self.check_vault(sum(market.requestOf(job).held for job in range(market.requests())))
        holders = [DEPLOYER, DEAD, market.address_, *self.people]
        assert sum(map(self.coin.balanceOf, holders)) == self.coin.totalSupply() == 10**24


@functools.cache
def prepared(variant: int) -> tuple[Stage, int]:
    """A stage for one of the variants, and a snapshot of it."""
    stage = Stage(VARIANTS[variant])
    return stage, stage.engine.snapshot()


@pytest.fixture
def stage():
    made = Stage(RULES)
    yield made
    made.check_books()


def played(stage: Stage, *claims: int, honest: int | None = None) -> int:
    """A request that is at its first candidate: trainer i got as many right as it claims; `honest` of them did."""
    job = stage.post()
    for i, (who, claim) in enumerate(zip(TRAINERS, claims, strict=False)):
        assert stage.submit(job, who, guesses(claim if honest is None or i < honest else 0)).ok
    stage.ground(job)
    for who, claim in zip(TRAINERS, claims, strict=False):
        stage.must(who, stage.market.claimAccuracy(job, claim))
    stage.must(POKER, stage.market.pickCandidate(job))
    return job


def test_the_best_claim_opens_and_is_paid(stage):
    job = played(stage, 5, 7, 6)
    assert stage.market.status(job) == (CANDIDATE, stage.now + WINDOW, 3, TRAINERS[1])
    outcome = stage.must(TRAINERS[1], stage.market.openModel(job, guesses(7), CID, SALT))
    assert outcome.of("ModelAccepted") == [{"id": job, "trainer": TRAINERS[1], "modelCid": CID}]
    assert outcome.of("RequestClosed") == [{"id": job, "state": SUCCESS, "winner": TRAINERS[1]}]
    assert [stage.gained(each) for each in TRAINERS[:3]] == [0, REWARD * 99 // 100, 0]
    assert stage.gained(REQUESTER) == -REWARD
    assert (stage.market.treasury(), stage.market.escrow()) == (REWARD // 100, 0)
    assert stage.market.truthOf(job) == TRUTH
    credited = sum(each["amount"] for each in outcome.of("Credited"))
    assert credited == REWARD * 99 // 100 + 3 * STAKE + DEPOSIT == stage.market.owedTotal()
    stage.must(TRAINERS[1], stage.market.withdraw())
    assert stage.do(TRAINERS[1], stage.market.withdraw()).revert == Revert("NothingOwed", {"who": TRAINERS[1]})


def test_the_seals_of_contract_and_python_are_one(stage):
    """abi.encode of (payload, salt, address) is three words; of (payload, salt), two."""
    words = eth_abi.encode(["bytes32", "bytes32", "address"], [sha256(b"x"), SALT, REQUESTER])
    assert stage.committed(sha256(b"x"), REQUESTER) == hashlib.sha256(words).digest()


def test_without_submissions_a_request_is_cancelled_or_refunded_for_nothing(stage):
    first, second = stage.post(), stage.post()
    stage.must(REQUESTER, stage.market.cancelRequest(first))
    assert stage.do(POKER, stage.market.enforceTimeout(second)).revert.name == "WrongState"
    stage.at(stage.deadline(second)).must(POKER, stage.market.enforceTimeout(second))
    assert stage.gained(REQUESTER) == 0
    assert [stage.market.status(job).state for job in (first, second)] == [CANCELLED, REFUNDED]


@pytest.mark.parametrize(("late", "fine"), [(False, 0), (True, DEPOSIT)])
def test_to_cancel_after_submissions_costs_the_reward_and_past_the_deadline_the_stake(stage, late, fine):
    job = stage.post()
    for who in TRAINERS[:3]:
        stage.submit(job, who, guesses(1))
    if late:
        stage.at(stage.deadline(job))
    assert stage.do(RIVAL, stage.market.cancelRequest(job)).revert.name == "NotRequester"
    stage.must(REQUESTER, stage.market.cancelRequest(job))
    assert stage.gained(REQUESTER) == -REWARD - fine
    each, rest = divmod(REWARD, 3)
    more, last = divmod(fine, 3)
    assert [stage.gained(who) for who in TRAINERS[:3]] == [each + rest + more + last, each + more, each + more]


@pytest.mark.parametrize("to", [TREASURY, VICTIMS, BURN])
def test_a_withheld_truth_costs_reward_and_stake(to):
    stage = Stage({**RULES, "slashTo": to})
    job = stage.post()
    for who in TRAINERS[:3]:
        stage.submit(job, who, guesses(1))
    stage.at(stage.deadline(job) + WINDOW - 1)
    assert stage.market.status(job) == (AWAIT_TRUTH, stage.now + 1, 3, bytes(20))
    assert stage.do(POKER, stage.market.enforceTimeout(job)).revert.name == "TooEarly"
    stage.at(stage.now + 1)
    assert stage.do(REQUESTER, stage.market.uploadTruth(job, TRUTH, SALT)).revert.name == "TooLate"
    outcome = stage.must(POKER, stage.market.enforceTimeout(job))
    lost = {"id": job, "who": REQUESTER, "amount": REWARD + DEPOSIT, "destination": to}
    assert outcome.of("StakeSlashed") == [lost]
    bounty = DEPOSIT * 500 // 10_000
    assert stage.gained(POKER) == bounty
    rest = REWARD + DEPOSIT - bounty
    got = [stage.gained(who) for who in TRAINERS[:3]]
    assert (stage.market.treasury(), sum(got), stage.coin.balanceOf(DEAD)) == {
        TREASURY: (rest, 0, 0), VICTIMS: (0, rest, 0), BURN: (0, 0, rest),
    }[to]  # fmt: skip
    assert got == sorted(got, reverse=True)  # remainders go to the earliest
    assert stage.do(POKER, stage.market.enforceTimeout(job)).revert == Revert(
        "WrongState", {"id": job, "state": PUNISHED}
    )
    stage.check_books()


def test_nothing_is_refunded_twice(stage):
    stage.post(RIVAL)
    job = stage.post()
    stage.must(REQUESTER, stage.market.cancelRequest(job))
    stage.at(stage.deadline(job) + 10 * WINDOW)
    for call in (stage.market.enforceTimeout, stage.market.cancelRequest, stage.market.pickCandidate):
        assert stage.do(REQUESTER, call(job)).revert == Revert("WrongState", {"id": job, "state": CANCELLED})
    assert stage.gained(REQUESTER) == 0


def test_only_the_candidate_opens_and_only_once(stage):
    job = stage.post()
    stage.submit(job, TRAINERS[0], bytes(len(TRUTH)))
    opening = stage.market.openModel(job, bytes(len(TRUTH)), CID, SALT)
    assert stage.do(TRAINERS[0], opening).revert == Revert("WrongState", {"id": job, "state": OPEN})
    stage.ground(job)
    assert stage.do(TRAINERS[0], opening).revert.name == "WrongState"
    stage.must(TRAINERS[0], stage.market.claimAccuracy(job, 0))
    stage.must(POKER, stage.market.pickCandidate(job))
    assert stage.do(TRAINERS[1], opening).revert.name == "NotCandidate"
    stage.must(TRAINERS[0], opening)
    assert stage.do(TRAINERS[0], opening).revert.name == "WrongState"


def test_claims_are_of_trainers_once_and_possible(stage):
    job = stage.post()
    stage.submit(job, TRAINERS[0], guesses(5))
    assert stage.do(TRAINERS[0], stage.market.claimAccuracy(job, 5)).revert.name == "WrongState"
    stage.ground(job)
    assert stage.do(RIVAL, stage.market.claimAccuracy(job, 5)).revert.name == "NotTrainer"
    too_many = stage.do(TRAINERS[0], stage.market.claimAccuracy(job, 9))
    assert too_many.revert == Revert("ClaimTooHigh", {"correct": 9, "size": 8})
    stage.must(TRAINERS[0], stage.market.claimAccuracy(job, 5))
    assert stage.do(TRAINERS[0], stage.market.claimAccuracy(job, 4)).revert.name == "AlreadyReported"
    assert stage.market.submissionOf(job, TRAINERS[0]).correct == 5


def test_who_does_not_claim_is_slashed_and_never_picked(stage):
    job = stage.post()
    for who, right in zip(TRAINERS[:4], (8, 4, 5, 8), strict=True):
        stage.submit(job, who, guesses(right))
    stage.ground(job)
    stage.must(TRAINERS[1], stage.market.claimAccuracy(job, 4))
    stage.must(TRAINERS[2], stage.market.claimAccuracy(job, 5))
    assert stage.do(POKER, stage.market.pickCandidate(job)).revert.name == "TooEarly"
    stage.at(stage.now + WINDOW)
    assert stage.do(TRAINERS[0], stage.market.claimAccuracy(job, 8)).revert.name == "TooLate"
    outcome = stage.must(POKER, stage.market.pickCandidate(job))
    assert [each["who"] for each in outcome.of("StakeSlashed")] == [TRAINERS[0], TRAINERS[3]]
    assert outcome.of("CandidatePicked")[0]["trainer"] == TRAINERS[2]
    assert stage.gained(POKER) == 2 * STAKE * 500 // 10_000
    stage.must(TRAINERS[2], stage.market.openModel(job, guesses(5), CID, SALT))
    share = (2 * STAKE - stage.gained(POKER)) // 2
    assert [stage.gained(who) for who in TRAINERS[:4]] == [-STAKE, share, share + REWARD * 99 // 100, -STAKE]


@pytest.mark.parametrize(
    ("predictions", "cid", "salt"),
    [
        (guesses(6), CID, SALT),
        (guesses(7), b"x" * 32, SALT),
        (guesses(7), CID, bytes(32)),
        (guesses(7)[:-1], CID, SALT),
    ],
)
def test_a_wrong_opening_loses_the_stake_and_the_next_best_is_up(stage, predictions, cid, salt):
    job = played(stage, 5, 7)
    outcome = stage.must(TRAINERS[1], stage.market.openModel(job, predictions, cid, salt))
    assert outcome.of("StakeSlashed")[0]["who"] == TRAINERS[1]
    assert outcome.of("Credited") == []  # no bounty for slashing oneself
    assert stage.market.status(job).candidate == TRAINERS[0]
    stage.must(TRAINERS[0], stage.market.openModel(job, guesses(5), CID, SALT))
    assert stage.gained(TRAINERS[0]) == STAKE + REWARD * 99 // 100


def test_predictions_of_another_length_do_not_check_out_though_sealed(stage):
    job = stage.post()
    stage.submit(job, TRAINERS[0], TRUTH + b"more")
    stage.ground(job)
    stage.must(TRAINERS[0], stage.market.claimAccuracy(job, len(TRUTH)))
    stage.must(POKER, stage.market.pickCandidate(job))
    stage.must(TRAINERS[0], stage.market.openModel(job, TRUTH + b"more", CID, SALT))
    assert stage.market.status(job).state == REFUNDED


def test_an_overclaim_that_opens_what_it_sealed_does_not_check_out(stage):
    job = played(stage, 5, 8, honest=1)
    stage.must(TRAINERS[1], stage.market.openModel(job, guesses(0), CID, SALT))
    assert stage.market.submissionOf(job, TRAINERS[1]).phase == 3
    assert stage.market.status(job).candidate == TRAINERS[0]


def test_silent_candidates_are_slashed_one_by_one_and_the_requester_is_made_whole(stage):
    job = played(stage, 5, 7)
    for who in (TRAINERS[1], TRAINERS[0]):
        assert stage.market.status(job).candidate == who
        assert stage.do(POKER, stage.market.enforceTimeout(job)).revert.name == "TooEarly"
        stage.at(stage.now + WINDOW)
        assert stage.do(who, stage.market.openModel(job, guesses(7), CID, SALT)).revert.name == "TooLate"
        stage.must(POKER, stage.market.enforceTimeout(job))
    assert stage.market.status(job) == (REFUNDED, 0, 2, TRAINERS[0])
    assert stage.gained(REQUESTER) == 0  # the victims are all slashed themselves: their stakes are the treasury's
    assert stage.market.treasury() == 2 * STAKE - stage.gained(POKER)


def test_of_equal_claims_the_earliest_submission_is_picked_whoever_left(stage):
    job = stage.post()
    for who in TRAINERS[:4]:
        stage.submit(job, who, guesses(4))
    stage.must(TRAINERS[0], stage.market.cancelSubmission(job))
    stage.submit(job, TRAINERS[0], guesses(4))
    assert stage.market.trainersOf(job) == (*TRAINERS[1:4], TRAINERS[0])
    stage.ground(job)
    for who in TRAINERS[:4]:
        stage.must(who, stage.market.claimAccuracy(job, 4))
    stage.must(POKER, stage.market.pickCandidate(job))
    assert stage.market.status(job).candidate == TRAINERS[1]


def test_a_submission_is_taken_back_before_the_deadline_only(stage):
    job = stage.post()
    stage.submit(job, TRAINERS[0], guesses(4))
    assert stage.submit(job, TRAINERS[0], guesses(4)).revert.name == "AlreadySubmitted"
    assert stage.do(RIVAL, stage.market.cancelSubmission(job)).revert.name == "NotTrainer"
    stage.must(TRAINERS[0], stage.market.cancelSubmission(job))
    assert stage.gained(TRAINERS[0]) == 0
    stage.submit(job, TRAINERS[1], guesses(4))
    stage.at(stage.deadline(job))
    assert stage.do(TRAINERS[1], stage.market.cancelSubmission(job)).revert.name == "WrongState"
    assert stage.submit(job, TRAINERS[2], guesses(4)).revert.name == "WrongState"


def test_there_is_room_for_so_many_submissions_at_once():
    stage = Stage({**RULES, "maxSubmissions": 2})
    job = stage.post()
    for who in TRAINERS[:2]:
        stage.submit(job, who, guesses(4))
    assert stage.submit(job, TRAINERS[2], guesses(4)).revert == Revert("Full", {"id": job, "submissions": 2})
    stage.must(TRAINERS[0], stage.market.cancelSubmission(job))
    assert stage.submit(job, TRAINERS[2], guesses(4)).ok


def test_the_truth_is_the_requesters_and_what_it_sealed(stage):
    job = stage.post()
    upload = stage.market.uploadTruth
    assert stage.do(REQUESTER, upload(job, TRUTH, SALT)).revert.name == "WrongState"
    stage.at(stage.deadline(job))
    assert stage.do(RIVAL, upload(job, TRUTH, SALT)).revert.name == "NotRequester"
    assert stage.do(REQUESTER, upload(job, TRUTH[1:], SALT)).revert.name == "WrongLength"
    assert stage.do(REQUESTER, upload(job, TRUTH, bytes(32))).revert.name == "WrongSeal"
    stage.must(REQUESTER, upload(job, TRUTH, SALT))
    assert stage.do(REQUESTER, upload(job, TRUTH, SALT)).revert.name == "WrongState"
    assert stage.do(REQUESTER, stage.market.cancelRequest(job)).revert.name == "WrongState"


def test_a_copied_seal_opens_for_its_owner_alone(stage):
    """Even for an accomplice who is told the preimage; without salts, for whoever knows it."""
    for bare in (False, True):
        stage = Stage({**RULES, "salted": not bare})
        job = stage.post()
        stage.submit(job, TRAINERS[0], guesses(6))
        commitments = stage.market.submissionOf(job, TRAINERS[0])
        stage.must(TRAINERS[1], stage.market.submitModel(job, commitments.modelSeal, commitments.predictionSeal))
        stage.ground(job)
        stage.must(TRAINERS[1], stage.market.claimAccuracy(job, 6))
        stage.at(stage.now + WINDOW).must(POKER, stage.market.pickCandidate(job))
        stage.must(TRAINERS[1], stage.market.openModel(job, guesses(6), CID, SALT))
        assert stage.market.status(job).state == (SUCCESS if bare else REFUNDED)


def test_the_literal_rules_keep_the_losers_stakes_and_ask_no_stake_of_the_requester():
    stage = Stage(LITERAL)
    job = played(stage, 5, 7)
    stage.must(TRAINERS[1], stage.market.openModel(job, guesses(7), CID, bytes(32)))
    assert [stage.gained(who) for who in (REQUESTER, *TRAINERS[:2])] == [-REWARD, -STAKE, REWARD]
    assert stage.market.treasury() == STAKE
    stage.check_books()


@pytest.mark.parametrize("cancelled", [True, False])
def test_no_trainer_loses_a_stake_where_the_requester_is_at_fault(cancelled):
    stage = Stage(LITERAL)
    job = stage.post()
    stage.submit(job, TRAINERS[0], TRUTH)
    stage.at(stage.deadline(job) + WINDOW)
    end = stage.market.cancelRequest if cancelled else stage.market.enforceTimeout
    stage.must(REQUESTER if cancelled else POKER, end(job))
    assert stage.gained(TRAINERS[0]) == (REWARD if cancelled else 0)  # else the contract claims the reward
    assert stage.market.treasury() == (0 if cancelled else REWARD)


def test_a_claim_below_the_least_accuracy_is_no_candidate():
    stage = Stage({**RULES, "minAccuracyBps": 5000})
    assert stage.market.status(played(stage, 3, 2)).state == REFUNDED
    assert [stage.gained(who) for who in (REQUESTER, *TRAINERS[:2])] == [0, 0, 0]
    assert stage.market.status(played(stage, 3, 4)).candidate == TRAINERS[1]
    stage.check_books()


def test_impossible_terms_and_rules_are_refused(stage):
    short = stage.do(REQUESTER, stage.market.createRequest((1, 1, 59, 8, 0, CID, CID, CID, "")))
    assert short.revert == Revert("WindowTooShort", {"sent": 59, "required": 60})
    assert (
        stage.do(REQUESTER, stage.market.createRequest((1, 1, 60, 0, 0, CID, CID, CID, ""))).revert.name
        == "WrongLength"
    )
    poor = stage.do(REQUESTER, stage.market.createRequest((10**6, 1, 60, 8, 0, CID, CID, CID, "")))
    assert poor.revert.name == "ERC20InsufficientBalance"
    assert stage.do(POKER, stage.market.enforceTimeout(7)).revert == Revert("NoSuchRequest", {"id": 7})
    for name, value in {"window": 0, "minSubmission": 59, "pokeBountyBps": 10_001, "feeBps": 10_001}.items():
        with pytest.raises(AssertionError, match=rf"RuleOutOfRange\(rule={name}, value={value}\)"):
            Stage({**RULES, name: value})


def test_a_closed_airdrop_gives_nothing_and_an_open_one_a_thousand_once():
    stage = Stage(RULES)
    coin = stage.coin
    stage.must(RIVAL, coin.claimAirdrop())
    assert coin.balanceOf(RIVAL) == 10_000 + 1_000 * 10**18
    assert (
        coin.decode_error_(stage.execute(RIVAL, coin.address_, coin.claimAirdrop().data).output[0]).name
        == "AlreadyClaimed"
    )
    closed = stage.deploy("ModelCoin", False)
    failed = stage.execute(RIVAL, closed.address_, closed.claimAirdrop().data)
    assert closed.decode_error_(failed.output[0]) == Revert("AirdropClosed", {})


def test_gas_at_a_hundred_labels(stage):
    """Ceilings, 10 % above what was measured; the first use of each slot, so the dearest."""
    truth = bytes(i % 10 for i in range(100))
    gas = Counter()
    job = stage.post(truth=truth)
    gas["createRequest"] = stage.must(REQUESTER, stage.market.createRequest((
        REWARD, STAKE, SUBMISSION, 100, 0, CID, CID, sha256(sha256(truth), SALT), "digits"))).gas  # fmt: skip
    for who in TRAINERS[:5]:
        gas["submitModel"] = stage.submit(job, who, truth).gas
    gas["cancelSubmission"] = stage.must(TRAINERS[0], stage.market.cancelSubmission(job)).gas
    stage.submit(job, TRAINERS[0], truth)
    stage.at(stage.deadline(job))
    gas["uploadTruth"] = stage.must(REQUESTER, stage.market.uploadTruth(job, truth, SALT)).gas
    for who in TRAINERS[:5]:
        gas["claimAccuracy"] = stage.must(who, stage.market.claimAccuracy(job, 100)).gas
    gas["pickCandidate"] = stage.must(POKER, stage.market.pickCandidate(job)).gas
    stage.at(stage.now + WINDOW)
    gas["enforceTimeout"] = stage.must(POKER, stage.market.enforceTimeout(job)).gas
    winner = stage.market.status(job).candidate
    gas["openModel"] = stage.must(winner, stage.market.openModel(job, truth, CID, SALT)).gas
    gas["withdraw"] = stage.must(winner, stage.market.withdraw()).gas
    ceilings = {
        "createRequest": 190_000, "submitModel": 172_000, "cancelSubmission": 130_000, "uploadTruth": 169_000,
        "claimAccuracy": 41_000, "pickCandidate": 71_000, "enforceTimeout": 124_000, "openModel": 315_000,
        "withdraw": 49_000,
    }  # fmt: skip
    assert {name: used for name, used in gas.items() if used > ceilings[name]} == {}


# --- a block draws the test set ---

DRAWN = {**RULES, "beacon": True}


@pytest.fixture
def drawing():
    made = Stage(DRAWN)
    yield made
    made.check_books()


def test_a_later_block_draws_the_test_rows_once(drawing):
    market, job = drawing.market, drawing.post()
    assert market.testRowsOf(job) == ()
    assert drawing.do(POKER, market.drawSplit(job)).revert.name == "TooEarly"
    assert drawing.do(REQUESTER, market.publishTraining(job, CID, CID)).revert.name == "NothingToPublish"
    drawing.publish(job)
    rows = market.testRowsOf(job)
    assert len(set(rows)) == len(TRUTH)
    assert max(rows) < 2 * len(TRUTH)
    assert drawing.at(drawing.now + 12).do(REQUESTER, market.drawSplit(job)).revert.name == "NothingToDraw"
    assert market.testRowsOf(job) == rows
    assert drawing.do(REQUESTER, market.publishTraining(job, CID, CID)).revert.name == "NothingToPublish"
    other = drawing.post()
    drawing.publish(other)
    assert market.testRowsOf(other) != rows
    assert drawing.do(RIVAL, market.publishTraining(drawing.post(), CID, CID)).revert.name == "NotRequester"


def test_the_truth_is_the_drawn_part_of_what_was_sealed(drawing):
    market, job = drawing.market, drawing.post()
    drawing.publish(job)
    drawing.submit(job, TRAINERS[0], bytes(len(TRUTH)))
    drawing.at(drawing.deadline(job))
    assert drawing.do(REQUESTER, market.uploadTruth(job, TRUTH, SALT)).revert.name == "WrongLength"
    drawing.must(REQUESTER, market.uploadTruth(job, drawing.all_labels(), SALT))
    assert market.truthOf(job) == bytes(drawing.all_labels()[row] for row in market.testRowsOf(job))


def test_a_test_set_labelled_unlike_the_training_set_cannot_be_opened(drawing):
    market, job = drawing.market, drawing.post(truth=bytes(label ^ 1 for label in TRUTH))
    drawing.publish(job, drawing.all_labels())
    drawing.submit(job, TRAINERS[0], TRUTH)
    drawing.at(drawing.deadline(job))
    lie = bytes(label ^ 1 for label in drawing.all_labels())
    assert drawing.do(REQUESTER, market.uploadTruth(job, lie, SALT)).revert.name == "WrongSeal"
    drawing.at(drawing.now + WINDOW).must(POKER, market.enforceTimeout(job))
    assert drawing.gained(REQUESTER) == -REWARD - DEPOSIT
    assert drawing.gained(TRAINERS[0]) == REWARD + DEPOSIT - drawing.gained(POKER)


@pytest.mark.parametrize("how", ["cancelled", "hoarded"])
def test_who_gives_up_a_draw_pays_its_stake_and_who_was_not_answered_does_not(drawing, how):
    market, job = drawing.market, drawing.post()
    drawing.at(drawing.now + 12).must(POKER, market.drawSplit(job))
    if how == "cancelled":
        drawing.must(REQUESTER, market.cancelRequest(job))
    else:
        drawing.at(drawing.deadline(job)).must(POKER, market.enforceTimeout(job))
    assert drawing.gained(REQUESTER) == -DEPOSIT
    assert market.treasury() == DEPOSIT - drawing.gained(POKER)
    drawing.must(REQUESTER, market.cancelRequest(drawing.post()))
    unanswered = drawing.post()
    drawing.publish(unanswered)
    drawing.at(drawing.deadline(unanswered)).must(POKER, market.enforceTimeout(unanswered))
    assert drawing.gained(REQUESTER) == -DEPOSIT


def test_a_test_set_is_at_most_half_of_what_is_sealed(drawing):
    few = drawing.do(REQUESTER, drawing.market.createRequest((1, 1, 60, 8, 15, CID, CID, CID, "")))
    assert few.revert == Revert("WrongLength", {"sent": 15, "required": 16})


def test_gas_of_a_draw_from_a_thousand_rows():
    """A hundred test rows of a thousand; ceilings about 10 % above what was measured."""
    stage, gas = Stage(DRAWN), Counter()
    pool = bytes(i % 10 for i in range(1000))
    committed = sha256(sha256(pool), SALT)
    terms = (REWARD, STAKE, SUBMISSION, 100, 1000, CID, CID, committed, "digits")
    stage.post()
    created = stage.must(REQUESTER, stage.market.createRequest(terms))
    job, gas["createRequest"] = created.of("RequestCreated")[0]["id"], created.gas
    stage.at(stage.now + 12)
    gas["drawSplit"] = stage.must(POKER, stage.market.drawSplit(job)).gas
    published = stage.market.publishTraining(job, CID, stage.rest(job, pool))
    gas["publishTraining"] = stage.must(REQUESTER, published).gas
    stage.submit(job, TRAINERS[0], pool[:100])
    stage.at(stage.deadline(job))
    gas["uploadTruth"] = stage.must(REQUESTER, stage.market.uploadTruth(job, pool, SALT)).gas
    ceilings = {"createRequest": 215_000, "drawSplit": 58_000, "publishTraining": 60_000, "uploadTruth": 325_000}
    assert {name: used for name, used in gas.items() if not 0.85 * ceilings[name] < used <= ceilings[name]} == {}


# --- anybody does anything at any time ---

VARIANTS = [
    RULES,
    DRAWN,
    LITERAL,
    {**RULES, "slashTo": TREASURY, "minAccuracyBps": 4000, "maxSubmissions": 3},
    {**RULES, "slashTo": BURN, "loserRefund": False, "feeBps": 10_000, "pokeBountyBps": 10_000},
]
people = st.sampled_from([REQUESTER, RIVAL, POKER, *TRAINERS])
requesters = st.sampled_from([REQUESTER, RIVAL])
trainers = st.sampled_from([*TRAINERS, REQUESTER])  # a requester may well train for itself
few = st.sets(trainers, max_size=2)
counts = st.integers(0, len(TRUTH))


class AnybodyAnything(RuleBasedStateMachine):
    """Money is conserved, states only advance, and every request ends, whoever does what, in whatever order."""

    @initialize(
        variant=st.integers(0, len(VARIANTS) - 1), answers=st.lists(st.tuples(trainers, counts), min_size=1, max_size=5)
    )
    def deploy(self, variant, answers):
        self.stage, snapshot = prepared(variant)
        self.stage.engine.restore(snapshot)
        self.stage.at(1_000_000)
        self.market = self.stage.market
        self.states: dict[int, int] = {}
        self.predictions: dict[tuple[int, bytes], bytes] = {}
        self.posts(REQUESTER, 997, 100, answers)

    def attempt(self, who, call):
        return self.stage.do(who, call)

    def a_job(self, data):
        return data.draw(st.integers(0, self.market.requests() - 1))

    @precondition(lambda self: self.market.requests() < 3)
    @rule(
        who=requesters,
        reward=st.sampled_from([0, 1, 997]),
        stake=st.sampled_from([0, 7, 100]),
        answers=st.lists(st.tuples(trainers, counts), max_size=5),
    )
    def posts(self, who, reward, stake, answers):
        job = self.stage.post(who, reward=reward, stake=stake, submissionWindow=60)
        for trainer, right in answers:
            self.submits(job, trainer, right)

    @rule(data=st.data(), who=trainers, right=counts)
    def one_more_submits(self, data, who, right):
        self.submits(self.a_job(data), who, right)

    def submits(self, job, who, right):
        if self.stage.submit(job, who, guesses(right)).ok:
            self.predictions[job, who] = guesses(right)

    @rule(
        data=st.data(),
        duties=st.integers(1, 5),
        silent=st.sets(trainers, max_size=2),
        liars=st.sets(trainers, max_size=2),
    )
    def goes_on(self, data, duties, silent, liars):
        """The next duties are done, by most of those who have them."""
        job = self.a_job(data)
        for _ in range(duties):
            self.next_duty(job, silent, liars)

    def next_duty(self, job, silent, liars):
        state, due, _, candidate = self.market.status(job)
        owner = self.market.requestOf(job).requester
        if state == OPEN:
            self.stage.at(self.stage.now + 1)
            self.attempt(POKER, self.market.drawSplit(job))
            if owner not in silent:
                committed = self.stage.rest(job, self.stage.all_labels())
                self.attempt(owner, self.market.publishTraining(job, CID, committed))
            self.stage.at(max(self.stage.now, due))
        elif state == AWAIT_TRUTH:
            self.attempt(owner, self.market.uploadTruth(job, self.stage.all_labels(), SALT))
        elif state == GROUNDED:
            truth = self.market.truthOf(job)
            for who in self.market.trainersOf(job):
                if who not in silent:
                    right = sum(a == b for a, b in zip(self.predictions[job, who], truth, strict=True))
                    self.attempt(who, self.market.claimAccuracy(job, len(TRUTH) if who in liars else right))
            if silent:
                self.stage.at(max(self.stage.now, due))
            self.attempt(POKER, self.market.pickCandidate(job))
        elif state == CANDIDATE and candidate not in silent:
            self.attempt(candidate, self.market.openModel(job, self.predictions[job, candidate], CID, SALT))
        elif state == CANDIDATE:
            self.stage.at(max(self.stage.now, due))
            self.attempt(POKER, self.market.enforceTimeout(job))

    @rule(
        data=st.data(),
        who=people,
        what=st.sampled_from(["cancelRequest", "cancelSubmission", "pickCandidate", "enforceTimeout", "drawSplit"]),
    )
    def meddles(self, data, who, what):
        self.attempt(who, self.market.function_(what)(self.a_job(data)))

    @rule(data=st.data(), who=people, correct=counts)
    def overridden_duties(self, data, who, correct):
        job = self.a_job(data)
        self.attempt(who, self.market.claimAccuracy(job, correct))
        self.attempt(who, self.market.openModel(job, guesses(correct), CID, SALT))
        self.attempt(who, self.market.uploadTruth(job, guesses(correct), SALT))

    @rule(who=people)
    def withdraws(self, who):
        self.attempt(who, self.market.withdraw())

    @rule(seconds=st.sampled_from([30, 60, WINDOW - 1, WINDOW]))
    def waits(self, seconds):
        self.stage.at(self.stage.now + seconds)

    @invariant()
    def books_balance(self):
        self.stage.check_books()

    @invariant()
    def states_advance(self):
        for job in range(self.market.requests()):
            now, before = self.market.status(job).state, self.states.get(job, 0)
            assert now == before if before >= SUCCESS else now >= before
            assert now < SUCCESS or self.market.requestOf(job).held == 0
            self.states[job] = now

    def teardown(self):
        """One living poker ends every request, and everybody takes what is theirs."""
        if not hasattr(self, "market"):
            return
        for job in range(self.market.requests()):
            pokes = 0
            while (state := self.market.status(job).state) < SUCCESS:
                poke = self.market.pickCandidate if state == GROUNDED else self.market.enforceTimeout
                self.stage.at(self.stage.now + WINDOW).do(POKER, poke(job))
                pokes += 1
                assert pokes <= 3 + len(self.market.trainersOf(job))
            owner = self.market.requestOf(job).requester
            for again in (self.market.enforceTimeout, self.market.pickCandidate, self.market.cancelRequest):
                assert self.attempt(owner, again(job)).revert.name == "WrongState"
        for who in self.stage.people:
            if self.market.owed(who):
                self.stage.must(who, self.market.withdraw())
        self.stage.check_books()
        assert self.market.escrow() == self.market.owedTotal() == 0


TestAnybodyAnything = AnybodyAnything.TestCase
TestAnybodyAnything.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
