"""The contract of competitions: who may do what when, how reports become scores, who is paid."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from slashpoint.protocols.base import sealed
from slashpoint.protocols.competition import SETTLED, VOID, WITHHELD, count
from slashpoint.sim.contract import Artifact, Contract, Revert
from slashpoint.sim.engine import BlockContext, Status, Tx
from slashpoint.sim.engine.pyevm import PyEvm

DEPLOYER, HOST, POKER = (bytes([i]) * 20 for i in (1, 2, 3))
RIVALS = [bytes([16 + i]) * 20 for i in range(4)]
MINERS = [bytes([32 + i]) * 20 for i in range(5)]
EVERYBODY = [HOST, POKER, *RIVALS, *MINERS]
PRIZE, BUY_IN, STAKE, BOND = 1_000, 100, 500, 20
HARDENED = {
    "winnerBps": 9000, "quorumBps": 5100, "minReports": 3, "maxReports": 64, "maxCompetitors": 64, "maxModels": 2,
    "tolerance": 0, "payWithin": 0, "bond": BOND, "hostStake": STAKE, "sealedModels": True, "sealedTruth": True,
    "sealedReports": True, "dualRole": False, "unique": True, "claimBinds": True,
}  # fmt: skip
LITERAL = {  # the seed's rules as values
    **HARDENED, "minReports": 1, "maxModels": 0, "payWithin": 2**32 - 1, "bond": 0, "hostStake": 0,
    "sealedModels": False, "sealedTruth": False, "sealedReports": False, "dualRole": True, "unique": False,
    "claimBinds": False,
}  # fmt: skip
VARIANTS = [HARDENED, LITERAL, {**LITERAL, "minReports": 3, "tolerance": 2, "payWithin": 4, "bond": BOND}]
TRUTH, SALT = bytes(range(10)) * 2, b"s" * 32
MODELS = [b"model %d" % i for i in range(8)]


@dataclass
class Outcome:
    ok: bool
    gas: int
    revert: Revert
    events: list[tuple[str, dict[str, Any]]]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [args for event, args in self.events if event == name]


class Stage:
    """The contract on an EVM, with people who have coins and have approved it."""

    def __init__(self, rules: dict[str, Any]) -> None:
        self.engine, self.now, self.rules = PyEvm(), 1_000_000, rules
        self.coin = self.deploy("ModelCoin", False)
        self.market = self.deploy("Competition", self.coin.address, rules)
        for each in EVERYBODY:
            self.must(DEPLOYER, self.coin.transfer(each, 10_000))
            self.must(each, self.coin.approve(self.market.address, 2**256 - 1))

    def deploy(self, name: str, *args: Any) -> Contract:
        artifact = Artifact.ours(name)
        result = self.execute(DEPLOYER, None, artifact.deploy_data(*args))
        assert result.status[0] == Status.SUCCESS, str(artifact.interface.decode_error(result.output[0]))
        return Contract(artifact, bytes(result.output[0]), self.engine)

    def execute(self, who: bytes, to: bytes | None, data: bytes) -> Any:
        context = BlockContext(1, self.now, 0, 100_000_000)
        return self.engine.run_block(context, [Tx(who, to, data, 0, 16_000_000, nonce=self.engine.nonce(who))])

    def do(self, who: bytes, call: Any) -> Outcome:
        result = self.execute(who, call.to, call.data)
        self.coin.forget()
        self.market.forget()
        assert result.status[0] in {Status.SUCCESS, Status.REVERTED}, result.reasons
        revert = self.market.decode_error(result.output[0]) if result.status[0] == Status.REVERTED else Revert("", {})
        assert revert.name != "Panic", revert
        logs = [self.market.decode_log(log) for log in result.logs if log.address == self.market.address]
        events = [(event.name, args) for event, args in logs]
        return Outcome(result.status[0] == Status.SUCCESS, int(result.gas[0]), revert, events)

    def must(self, who: bytes, call: Any) -> Outcome:
        outcome = self.do(who, call)
        assert outcome.ok, outcome.revert
        return outcome

    def fails(self, who: bytes, call: Any) -> str:
        outcome = self.do(who, call)
        assert not outcome.ok
        return outcome.revert.name

    def at(self, time: int) -> Stage:
        """Move the clock: an empty block."""
        self.now = time
        self.engine.run_block(BlockContext(1, time, 0, 100_000_000), [])
        self.coin.forget()
        self.market.forget()
        return self

    def terms(self, **changes: Any) -> dict[str, Any]:
        cid = hashlib.sha256(TRUTH).digest()
        return {
            "trainCid": b"t" * 32, "testCid": b"u" * 32,
            "truth": hashlib.sha256(cid + SALT).digest() if self.rules["sealedTruth"] else cid, "scale": len(TRUTH),
            "byteLimit": 30_000, "registerWindow": 100, "competeWindow": 100, "openWindow": 100, "reportWindow": 100,
            "revealWindow": 100, "prize": PRIZE, "buyIn": BUY_IN, "context": "digits", **changes,
        }  # fmt: skip

    def post(self, rivals: int = 3, **changes: Any) -> int:
        """A competition that people have registered for."""
        made = self.must(HOST, self.market.createCompetition(self.terms(**changes))).of("CompetitionCreated")[0]
        for who in RIVALS[:rivals]:
            self.must(who, self.market.register(made["id"]))
        return int(made["id"])

    def book(self, job: int) -> Any:
        return self.market.competitionOf(job)

    def hand_in(self, job: int, models: dict[bytes, bytes], claims: int = 0, *, truth: bool = True) -> None:
        """Models of people, open in the end, and the truth if it is sealed."""
        market = self.market
        self.at(self.book(job).registerEnd)
        for who, model in models.items():
            if self.rules["sealedModels"]:
                seal = sealed(hashlib.sha256(model).digest(), SALT, who, salted=True)
                self.must(who, market.commitModel(job, seal))
            else:
                self.must(who, market.submitModel(job, model, claims))
        self.at(self.book(job).competeEnd)
        if self.rules["sealedModels"]:
            for index, (who, model) in enumerate(models.items()):
                self.must(who, market.openModel(job, index, model, claims, SALT))
        if self.rules["sealedTruth"] and truth:
            self.must(HOST, market.revealTruth(job, TRUTH, SALT))

    def report(self, job: int, counts: list[list[int | None]], silent: tuple[int, ...] = ()) -> None:
        """For each model the counts of the miners in turn; silent miners never open what they sealed."""
        for model, row in enumerate(counts):
            for who, correct in zip(MINERS, row, strict=False):
                if correct is None:
                    continue
                if self.rules["sealedReports"]:
                    seal = sealed(count(model, correct), SALT, who, salted=True)
                    self.must(who, self.market.commitReport(job, model, seal))
                else:
                    self.must(who, self.market.report(job, model, correct))
        self.at(self.book(job).reportEnd)
        for model, row in enumerate(counts) if self.rules["sealedReports"] else ():
            for place, (who, correct) in enumerate(zip(MINERS, row, strict=False)):
                if correct is not None and place not in silent:
                    self.must(who, self.market.revealReport(job, model, correct, SALT))

    def finish(self, job: int) -> Outcome:
        """Judge everything and settle."""
        self.at(self.book(job).revealEnd)
        while self.book(job).judged < len(self.market.modelsOf(job)):
            self.must(POKER, self.market.judgeNext(job))
        return self.must(POKER, self.market.settle(job))

    def gained(self, who: bytes) -> int:
        return int(self.coin.balanceOf(who) + self.market.owed(who)) - 10_000

    def check_books(self) -> None:
        market = self.market
        assert market.escrow() == sum(self.book(job).held for job in range(market.competitions()))
        assert self.coin.balanceOf(market.address) == market.escrow() + market.owedTotal() + market.treasury()
        assert market.owedTotal() == sum(map(market.owed, EVERYBODY))


@functools.cache
def prepared(variant: int) -> tuple[Stage, int]:
    stage = Stage(VARIANTS[variant])
    return stage, stage.engine.snapshot()


def fresh(variant: int) -> Stage:
    """A stage as it was at first."""
    stage, snapshot = prepared(variant)
    stage.engine.restore(snapshot)
    return stage.at(1_000_000)


def two(first: int = 0, second: int = 1) -> dict[bytes, bytes]:
    return {RIVALS[0]: MODELS[first], RIVALS[1]: MODELS[second]}


@pytest.fixture(params=[0, 1], ids=["hardened", "seed"])
def stage(request):
    made = fresh(request.param)
    yield made
    made.check_books()


@pytest.fixture
def closed():
    made = fresh(0)
    yield made
    made.check_books()


# --- a life ---


def test_the_best_takes_nine_tenths_and_the_miners_the_rest(stage):
    job = stage.post()
    stage.hand_in(job, two())
    stage.report(job, [[15] * 3, [17] * 5])
    outcome = stage.finish(job)
    pool = PRIZE + 3 * BUY_IN
    assert outcome.of("CompetitionClosed") == [
        {"id": job, "state": SETTLED, "winner": RIVALS[1], "score": 17, "pool": pool}
    ]
    share = pool // 10 // 8
    assert [stage.gained(who) for who in MINERS] == [2 * share] * 3 + [share] * 2
    assert [stage.gained(who) for who in RIVALS] == [-BUY_IN, pool * 9 // 10 - BUY_IN, -BUY_IN, 0]
    assert stage.gained(HOST) == -PRIZE
    assert stage.market.treasury() == pool // 10 - 8 * share
    assert [(one.owner, one.score) for one in stage.market.modelsOf(job)] == [(RIVALS[0], 15), (RIVALS[1], 17)]
    assert list(stage.market.historyOf(job, RIVALS[1])) == [1]


def test_of_equal_models_the_earlier_wins(stage):
    job = stage.post()
    stage.hand_in(job, two())
    stage.report(job, [[17] * 3, [17] * 3])
    assert stage.finish(job).of("CompetitionClosed")[0]["winner"] == RIVALS[0]


def test_without_a_validated_model_all_have_their_money_back(stage):
    job = stage.post()
    stage.hand_in(job, two())
    stage.report(job, [[1, 2, 3, 4, 5], []])
    assert stage.finish(job).of("CompetitionClosed")[0]["state"] == VOID
    assert [stage.gained(who) for who in (HOST, *RIVALS)] == [0] * 5
    bond = stage.rules["bond"]
    assert [stage.gained(who) for who in MINERS] == [-bond, -bond, 0, -bond, -bond]


def test_without_any_model_it_is_void_at_once(stage):
    job = stage.post()
    stage.at(stage.book(job).openEnd)
    assert stage.must(POKER, stage.market.settle(job)).of("CompetitionClosed")[0]["state"] == VOID
    assert [stage.gained(who) for who in EVERYBODY] == [0] * len(EVERYBODY)


def test_a_host_that_keeps_the_truth_pays_those_whose_models_it_has(closed):
    job = closed.post()
    closed.hand_in(job, two(), truth=False)
    assert closed.fails(MINERS[0], closed.market.commitReport(job, 0, SALT)) == "TruthSealed"
    closed.at(closed.book(job).openEnd)
    assert closed.must(POKER, closed.market.settle(job)).of("CompetitionClosed")[0]["state"] == WITHHELD
    share = (PRIZE + STAKE) // 2
    assert [closed.gained(who) for who in (HOST, *RIVALS)] == [-PRIZE - STAKE, share, share, 0, 0]


# --- who may do what ---


def test_registration_is_once_in_time_and_paid(stage):
    job = stage.post()
    assert stage.fails(RIVALS[0], stage.market.register(job)) == "AlreadyRegistered"
    stage.at(stage.book(job).registerEnd)
    assert stage.fails(RIVALS[3], stage.market.register(job)) == "WrongState"
    assert stage.fails(HOST, stage.market.cancelCompetition(job)) == "WrongState"


def test_a_host_may_cancel_until_somebody_has_bought_in(stage):
    job, taken = stage.post(rivals=0), stage.post(rivals=1)
    assert stage.fails(POKER, stage.market.cancelCompetition(job)) == "NotHost"
    assert stage.fails(HOST, stage.market.cancelCompetition(taken)) == "Taken"
    stage.must(HOST, stage.market.cancelCompetition(job))
    assert stage.fails(HOST, stage.market.cancelCompetition(job)) == "WrongState"
    assert stage.gained(HOST) == -PRIZE - stage.rules["hostStake"]


def test_models_are_within_the_limit_by_competitors_and_in_time():
    stage = fresh(1)
    job = stage.post(byteLimit=8)
    market = stage.market
    assert stage.fails(RIVALS[0], market.submitModel(job, b"x", 0)) == "WrongState"
    stage.at(stage.book(job).registerEnd)
    assert stage.fails(RIVALS[0], market.submitModel(job, b"x" * 9, 0)) == "TooLarge"
    assert stage.fails(RIVALS[0], market.submitModel(job, b"x", len(TRUTH) + 1)) == "TooHigh"
    assert stage.fails(RIVALS[3], market.submitModel(job, b"x", 0)) == "NotCompetitor"
    assert stage.fails(RIVALS[0], market.commitModel(job, SALT)) == "Sealed"
    stage.must(RIVALS[0], market.submitModel(job, b"x" * 8, 3))
    assert bytes(market.bytesOf(job, 0)) == b"x" * 8
    stage.at(stage.book(job).competeEnd)
    assert stage.fails(RIVALS[0], market.submitModel(job, b"y", 0)) == "WrongState"


def test_a_sealed_model_opens_as_it_was_for_its_owner_and_is_new(closed):
    market, job = closed.market, closed.post()
    closed.at(closed.book(job).registerEnd)
    seal = sealed(hashlib.sha256(MODELS[0]).digest(), SALT, RIVALS[0], salted=True)
    for who in (RIVALS[0], RIVALS[0], RIVALS[1]):  # twice its own, and a thief
        closed.must(who, market.commitModel(job, seal))
    assert closed.fails(RIVALS[0], market.commitModel(job, seal)) == "Full"
    assert closed.fails(RIVALS[0], market.openModel(job, 0, MODELS[0], 0, SALT)) == "WrongState"
    closed.at(closed.book(job).competeEnd)
    assert closed.fails(RIVALS[1], market.openModel(job, 2, MODELS[0], 0, SALT)) == "WrongSeal"
    assert closed.fails(RIVALS[1], market.openModel(job, 0, MODELS[0], 0, SALT)) == "NotOwner"
    assert closed.fails(RIVALS[0], market.openModel(job, 0, MODELS[1], 0, SALT)) == "WrongSeal"
    closed.must(RIVALS[0], market.openModel(job, 0, MODELS[0], 0, SALT))
    assert closed.fails(RIVALS[0], market.openModel(job, 0, MODELS[0], 0, SALT)) == "AlreadyOpen"
    assert closed.fails(RIVALS[0], market.openModel(job, 1, MODELS[0], 0, SALT)) == "Copied"


def test_only_the_host_opens_what_it_sealed(closed):
    market, job = closed.market, closed.post()
    closed.hand_in(job, two(), truth=False)
    assert closed.fails(POKER, market.revealTruth(job, TRUTH, SALT)) == "NotHost"
    assert closed.fails(HOST, market.revealTruth(job, TRUTH[::-1], SALT)) == "WrongSeal"
    closed.must(HOST, market.revealTruth(job, TRUTH, SALT))
    assert closed.fails(HOST, market.revealTruth(job, TRUTH, SALT)) == "AlreadyOpen"


def test_a_miner_reports_once_on_what_is_there_within_bounds(stage):
    market, job = stage.market, stage.post()
    stage.hand_in(job, two())
    hidden = stage.rules["sealedReports"]

    def file(model: int, correct: int) -> Any:
        return market.commitReport(job, model, SALT) if hidden else market.report(job, model, correct)

    assert stage.fails(MINERS[0], file(2, 3)) == "NoSuchModel"
    stage.must(MINERS[0], file(0, 0))
    assert stage.fails(MINERS[0], file(0, 5)) == "AlreadyReported"
    if hidden:
        assert stage.fails(RIVALS[2], file(0, 3)) == "NotMiner"
    else:
        stage.must(RIVALS[2], file(0, 3))
        assert stage.fails(MINERS[1], file(0, 2**31)) == "TooHigh"
    stage.at(stage.book(job).reportEnd)
    assert stage.fails(MINERS[1], file(0, 3)) == "WrongState"


def test_a_sealed_report_opens_as_it_was_in_time(closed):
    market, job = closed.market, closed.post()
    closed.hand_in(job, two())
    for who in MINERS[:2]:  # the second copies the first's
        closed.must(who, market.commitReport(job, 0, sealed(count(0, 9), SALT, MINERS[0], salted=True)))
    assert closed.fails(MINERS[0], market.revealReport(job, 0, 9, SALT)) == "WrongState"
    closed.at(closed.book(job).reportEnd)
    assert closed.fails(MINERS[0], market.revealReport(job, 0, 8, SALT)) == "WrongSeal"
    assert closed.fails(MINERS[1], market.revealReport(job, 0, 9, SALT)) == "WrongSeal"
    assert closed.fails(MINERS[2], market.revealReport(job, 0, 9, SALT)) == "NotMiner"
    closed.must(MINERS[0], market.revealReport(job, 0, 9, SALT))
    assert closed.fails(MINERS[0], market.revealReport(job, 0, 9, SALT)) == "AlreadyReported"


def test_nobody_is_paid_before_all_is_judged(stage):
    market, job = stage.market, stage.post()
    stage.hand_in(job, two())
    stage.report(job, [[15] * 3, [17] * 3])
    if stage.rules["sealedReports"]:
        assert stage.fails(POKER, market.judgeNext(job)) == "WrongState"
        assert stage.fails(POKER, market.settle(job)) == "WrongState"
    stage.at(stage.book(job).revealEnd)
    stage.must(POKER, market.judgeNext(job))
    assert stage.fails(RIVALS[0], market.settle(job)) == "Unjudged"
    stage.finish(job)
    assert stage.fails(POKER, market.settle(job)) == "WrongState"
    assert stage.fails(POKER, market.judgeNext(job)) == "WrongState"


# --- how reports become a score ---


@pytest.mark.parametrize(
    ("counts", "valid", "score", "agreeing"),
    [
        ([15, 15, 15], True, 15, 3), ([15, 15, 1], True, 15, 2), ([15, 15, 1, 2], False, 15, 2),
        ([15, 15, 15, 2], True, 15, 3), ([1, 1, 15, 15], False, 1, 2), ([15, 15], False, 15, 2),
        ([0, 15, 15, 15, 20], True, 15, 3), ([20, 20, 15, 15, 0], False, 15, 2),
    ],
)  # fmt: skip
def test_a_score_is_what_51_percent_of_those_who_reported_say(closed, counts, valid, score, agreeing):
    job = closed.post()
    closed.hand_in(job, {RIVALS[0]: MODELS[0]})
    closed.report(job, [counts])
    closed.at(closed.book(job).revealEnd)
    judged = closed.must(POKER, closed.market.judgeNext(job)).of("ModelJudged")[0]
    median = sorted(counts)[(len(counts) - 1) // 2]
    assert judged == {
        "id": job, "model": 0, "valid": valid, "score": score, "median": median, "agreeing": agreeing,
        "reports": len(counts),
    }  # fmt: skip


def test_reports_within_the_tolerance_agree_and_those_near_the_median_earn():
    stage = fresh(2)
    job = stage.post()
    stage.hand_in(job, {RIVALS[0]: MODELS[0]})
    stage.report(job, [[14, 15, 16, 19, 3]])
    closed = stage.finish(job)
    assert closed.of("CompetitionClosed")[0]["score"] == 15
    share = (PRIZE + 3 * BUY_IN) // 10 // 4
    assert [stage.gained(who) for who in MINERS] == [share] * 4 + [-BOND]
    stage.check_books()


def test_who_does_not_open_a_report_loses_its_bond(closed):
    job = closed.post()
    closed.hand_in(job, {RIVALS[0]: MODELS[0]})
    closed.report(job, [[15] * 4], silent=(3,))
    closed.finish(job)
    assert closed.gained(MINERS[3]) == -BOND
    assert closed.gained(MINERS[0]) > 0


def test_a_model_that_is_worse_than_was_claimed_is_not_validated(closed):
    job = closed.post()
    closed.hand_in(job, two(), claims=16)
    closed.report(job, [[15] * 3, [16] * 3])
    assert closed.finish(job).of("CompetitionClosed")[0]["winner"] == RIVALS[1]


@pytest.mark.parametrize(
    ("change", "name"),
    [({"scale": 0}, "scale"), ({"byteLimit": 0}, "byteLimit"), ({"registerWindow": 0}, "registerWindow"),
     ({"competeWindow": 0}, "competeWindow"), ({"openWindow": 0}, "openWindow"), ({"reportWindow": 0}, "reportWindow"),
     ({"revealWindow": 0}, "revealWindow")],
)  # fmt: skip
def test_impossible_terms_are_refused(closed, change, name):
    with pytest.raises(AssertionError, match=f"TermOutOfRange.*{name}"):
        closed.post(**change)


@pytest.mark.parametrize(
    "change",
    [{"winnerBps": 10_001}, {"quorumBps": 5000}, {"minReports": 0}, {"minReports": 65}, {"maxCompetitors": 0},
     {"tolerance": 1}],
)  # fmt: skip
def test_impossible_rules_are_refused(closed, change):
    with pytest.raises(AssertionError, match="RuleOutOfRange"):
        closed.deploy("Competition", closed.coin.address, {**HARDENED, **change})


@pytest.mark.parametrize(("size", "ceiling"), [(1_000, 1_000_000), (4_000, 3_300_000), (16_000, 12_600_000)])
def test_gas_of_a_submission_follows_its_size(size, ceiling):
    """Bytes in storage: 690 gas a byte and 16 as calldata, and what a submission takes anyway."""
    stage = fresh(1)
    job = stage.post()
    stage.at(stage.book(job).registerEnd)
    model = bytes(1 + i % 255 for i in range(size))
    used = stage.must(RIVALS[0], stage.market.submitModel(job, model, 0)).gas
    assert 700 * size < used < ceiling, used


# --- anybody does anything at any time ---

people = st.sampled_from(EVERYBODY)
numbers = st.integers(0, 3)


class AnybodyAnything(RuleBasedStateMachine):
    """Money is conserved, nobody is paid early, and every competition ends, whoever does what, in whatever order."""

    @initialize(variant=st.integers(0, len(VARIANTS) - 1), prize=st.sampled_from([0, 1, 997]), rivals=st.integers(0, 3))
    def deploy(self, variant, prize, rivals):
        self.stage = fresh(variant)
        self.market = self.stage.market
        self.stage.post(rivals=rivals, prize=prize)
        self.ended = 0

    @rule(who=people, model=st.sampled_from(MODELS[:3]), claim=st.integers(0, 21))
    def competes(self, who, model, claim):
        market = self.market
        self.stage.do(who, market.register(0))
        if self.stage.rules["sealedModels"]:
            seal = sealed(hashlib.sha256(model).digest(), SALT, who, salted=True)
            self.stage.do(who, market.commitModel(0, seal))
            for index in market.historyOf(0, who):
                self.stage.do(who, market.openModel(0, index, model, claim, SALT))
        else:
            self.stage.do(who, market.submitModel(0, model, claim))

    @rule(who=people, model=numbers, correct=st.integers(0, 21))
    def reports(self, who, model, correct):
        market = self.market
        if self.stage.rules["sealedReports"]:
            self.stage.do(who, market.commitReport(0, model, sealed(count(model, correct), SALT, who, salted=True)))
            self.stage.do(who, market.revealReport(0, model, correct, SALT))
        else:
            self.stage.do(who, market.report(0, model, correct))

    @rule(who=people, what=st.sampled_from(["judgeNext", "settle", "cancelCompetition"]))
    def pokes(self, who, what):
        self.stage.do(who, self.market.function(what)(0))

    @rule(who=people)
    def tells(self, who):
        self.stage.do(who, self.market.revealTruth(0, TRUTH, SALT))

    @rule(who=people)
    def withdraws(self, who):
        self.stage.do(who, self.market.withdraw())

    @rule(seconds=st.sampled_from([1, 50, 99, 100]))
    def waits(self, seconds):
        self.stage.at(self.stage.now + seconds)

    @invariant()
    def books_balance(self):
        self.stage.check_books()

    @invariant()
    def what_is_over_stays_over(self):
        ended = self.stage.book(0).ended
        assert ended == self.ended or not self.ended
        assert not ended or self.stage.book(0).held == 0
        self.ended = ended

    def teardown(self):
        """One living poker ends the competition, and everybody takes what is theirs."""
        if not hasattr(self, "market"):
            return
        stage, market = self.stage, self.market
        if not stage.book(0).ended:
            stage.at(max(stage.now, stage.book(0).revealEnd))
            while stage.book(0).truthOpen and stage.book(0).judged < len(market.modelsOf(0)):
                stage.must(POKER, market.judgeNext(0))
            stage.must(POKER, market.settle(0))
        for who in EVERYBODY:
            if market.owed(who):
                stage.must(who, market.withdraw())
        stage.check_books()
        assert market.escrow() == market.owedTotal() == 0
        assert sum(map(stage.gained, EVERYBODY)) == -market.treasury()


TestAnybodyAnything = AnybodyAnything.TestCase
TestAnybodyAnything.settings = settings(max_examples=40, stateful_step_count=14, deadline=None)
