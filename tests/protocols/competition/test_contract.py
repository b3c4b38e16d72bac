"""The competition's contract: who may do what when, who is paid, and that money is conserved whatever people do."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from slashpoint.experiments.setup.config import compose
from slashpoint.protocols.competition.invariants import payload
from slashpoint.protocols.competition.terms import CompetitionTerms
from slashpoint.sim.contract import keccak
from slashpoint.sim.market import commitment
from slashpoint.sim.testing.contract import Deed, Scene

HOST, POKER = (bytes([i]) * 20 for i in (2, 3))
ANN, BOB, CAY = COMPETITORS = [bytes([16 + i]) * 20 for i in range(3)]
MINERS = [bytes([32 + i]) * 20 for i in range(5)]
EVERYBODY = [HOST, POKER, *COMPETITORS, *MINERS]
PURSE, PRIZE, BUY_IN, STAKE, BOND, SCALE, WINDOW = 10_000, 1_001, 100, 500, 40, 10, 100
SALT, LABELS = b"s" * 32, bytes(range(10))
JUDGING, SETTLED, VOID, WITHHELD, CANCELLED = range(6, 11)


def rules(variant: str, **changes: Any) -> dict[str, Any]:
    """A variant's rules, with small amounts where it has any."""
    said = CompetitionTerms(**dict(compose(["protocol=competition", f"protocol.variant={variant}"]).protocol)).rules()
    small = {"bond": BOND if said["bond"] else 0, "hostStake": STAKE if said["hostStake"] else 0}
    return {**said, **small, **changes}


def said(correct: int, wrong: int = 1) -> bytes:
    """Answers of which the first so many are right; the others differ by `wrong`."""
    return LABELS[:correct] + bytes(label ^ wrong for label in LABELS[correct:])


class Stage(Scene):
    """The contract of competitions."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__("Competition", said, people=EVERYBODY, payout=PURSE)
        self.rules = said

    def after(self, window: str, job: int = 0) -> Stage:
        """The end of a competition's window."""
        return self.at(int(getattr(self.market.competitionOf(job), f"{window}End")))

    def post(self, competitors: list[bytes] | None = None, **changes: Any) -> int:
        """A competition with people in it, of whom models are expected."""
        cid = hashlib.sha256(LABELS).digest()
        asked = {
            "trainCid": bytes(32), "testCid": bytes(32), "scale": SCALE, "byteLimit": 64,
            "truth": hashlib.sha256(cid + SALT).digest() if self.rules["sealedTruth"] else cid,
            "registerWindow": WINDOW, "competeWindow": WINDOW, "openWindow": WINDOW, "reportWindow": WINDOW,
            "revealWindow": WINDOW, "prize": PRIZE, "buyIn": BUY_IN, "context": "digits",
        }  # fmt: skip
        created = self.must(HOST, self.market.createCompetition({**asked, **changes})).of("CompetitionCreated")
        job = int(created[0]["id"])
        for who in COMPETITORS if competitors is None else competitors:
            self.must(who, self.market.register(job))
        if competitors != []:
            self.after("register", job)
        return job

    def hands_in(self, models: dict[bytes, int], job: int = 0) -> None:
        """A model of each owner, with its claim; committed and opened where models are committed."""
        for who, claimed in models.items():
            if self.rules["sealedModels"]:
                committed = commitment(hashlib.sha256(b"model" + who).digest(), SALT, who, salted=True)
                self.must(who, self.market.commitModel(job, committed))
            else:
                self.must(who, self.market.submitModel(job, b"model" + who, claimed))
        self.after("compete", job)
        for number, (who, claimed) in enumerate(models.items()) if self.rules["sealedModels"] else ():
            self.must(who, self.market.openModel(job, number, b"model" + who, claimed, SALT))

    def grounds(self, job: int = 0) -> None:
        if self.rules["sealedTruth"]:
            self.must(HOST, self.market.revealTruth(job, LABELS, SALT))
        self.after("open", job)

    def reports(self, model: int, counts: dict[bytes, int], job: int = 0) -> None:
        """Reports on a model: in the open, or committed (for `opens` to open)."""
        for who, correct in counts.items():
            if self.rules["sealedReports"]:
                committed = commitment(payload(model, self.said(correct)), SALT, who, salted=True)
                self.must(who, self.market.commitReport(job, model, committed))
            else:
                self.must(who, self.market.report(job, model, correct))

    def opens(self, model: int, counts: dict[bytes, int], job: int = 0) -> None:
        self.after("report", job)
        for who, correct in counts.items() if self.rules["sealedReports"] else ():
            self.must(who, self.opening(model, correct, job))

    def said(self, correct: int | bytes) -> int | bytes:
        """What a report is of: a count, or answers, of which the first so many are right unless they are given."""
        return said(correct) if self.rules["proofOfEvaluation"] and isinstance(correct, int) else correct

    def opening(self, model: int, correct: int | bytes, job: int = 0, labels: bytes = LABELS) -> Any:
        """How a committed report is revealed."""
        if self.rules["proofOfEvaluation"]:
            return self.market.revealAnswers(job, model, self.said(correct), labels, SALT)
        return self.market.revealReport(job, model, correct, SALT)

    def ends(self, job: int = 0) -> Deed:
        """All models are judged, and everybody is paid."""
        self.after("reveal", job)
        book = self.market.competitionOf(job)
        while book.truthOpen and book.judged < len(self.market.modelsOf(job)):
            self.must(POKER, self.market.judgeNext(job))
            book = self.market.competitionOf(job)
        return self.must(POKER, self.market.settle(job))

    def plays(self, models: dict[bytes, int], counts: dict[int, dict[bytes, int]]) -> Deed:
        """A whole competition: owners with their claims, and by model what each miner reports."""
        self.post()
        self.hands_in(models)
        self.grounds()
        for model, told in counts.items():
            self.reports(model, told)
        for model, told in counts.items():
            self.opens(model, told)
        return self.ends()

    def check_books(self) -> None:
        self.check_vault(sum(self.market.competitionOf(job).held for job in range(self.market.competitions())))


VARIANTS = [
    rules("hardened"),
    rules("literal"),
    rules("literal", minReports=3, payWithin=0, bond=BOND),
    rules(
        "hardened",
        tolerance=1,
        payWithin=2,
        dualRole=True,
        claimBinds=False,
        sealedModels=False,
        maxModels=3,
        proofOfEvaluation=False,
    ),
    rules("hardened", sealedReports=False, sealedTruth=False, unique=False, proofOfEvaluation=False),
    rules("hardened", proofOfEvaluation=False),
    rules("hardened", proofOfEvaluation=True),
    rules("hardened", committee=3, minReports=2),
    rules("hardened", modelsOnChain=False),
    rules("hardened", committee=2, minReports=2, beacon=False, dualRole=True, maxModels=3, proofOfEvaluation=False),
]
SEALED, LITERAL, MEDIAN, TOLERANT, OPEN, COUNTS, ANSWERS, DRAWN, AWAY, STIRRED = range(10)


@functools.cache
def prepared(variant: int) -> tuple[Stage, int]:
    stage = Stage(VARIANTS[variant])
    return stage, stage.engine.snapshot()


def fresh(variant: int = SEALED) -> Stage:
    """A stage as it was at first."""
    stage, snapshot = prepared(variant)
    stage.engine.restore(snapshot)
    stage.now, stage.beacon = 0, bytes(32)
    return stage.at(1_000_000)


def told(correct: int, miners: list[bytes] | None = None) -> dict[bytes, int]:
    return dict.fromkeys(MINERS if miners is None else miners, correct)


@pytest.fixture(params=[SEALED, LITERAL], ids=["hardened", "literal"])
def either(request):
    made = fresh(request.param)
    yield made
    made.check_books()


@pytest.fixture
def stage():
    made = fresh()
    yield made
    made.check_books()


# --- who is paid ---


def test_the_best_model_takes_nine_tenths_of_the_pool_and_the_miners_share_the_rest_by_the_report(either):
    outcome = either.plays({ANN: 7, BOB: 9, CAY: 5}, {0: told(7), 1: told(9), 2: told(5, MINERS[:3])})
    pool = PRIZE + 3 * BUY_IN
    closed = outcome.of("CompetitionClosed")[0]
    assert (closed["state"], closed["winner"], closed["score"], closed["pool"]) == (SETTLED, BOB, 9, pool)
    first = pool * 9 // 10
    share = (pool - first) // 13
    assert [either.gained(who) for who in COMPETITORS] == [-BUY_IN, first - BUY_IN, -BUY_IN]
    assert [either.gained(who) for who in MINERS] == [3 * share] * 3 + [2 * share] * 2
    assert either.gained(HOST) == -PRIZE
    assert either.market.treasury() == pool - first - 13 * share  # what cannot be divided


def test_equal_scores_go_to_the_earlier_model(either):
    assert either.plays({CAY: 5, ANN: 5}, {0: told(5), 1: told(5)}).of("CompetitionClosed")[0]["winner"] == CAY


def test_nobody_is_paid_before_all_is_judged(either):
    either.post()
    either.hands_in({ANN: 7})
    either.grounds()
    either.reports(0, told(7))
    for who in (HOST, ANN, MINERS[0]):
        assert either.fails(who, either.market.withdraw()) == "NothingOwed"
        assert either.fails(who, either.market.settle(0)) == "WrongState"
    either.opens(0, told(7))
    either.after("reveal")
    assert either.fails(HOST, either.market.settle(0)) == "Unjudged"
    either.must(POKER, either.market.judgeNext(0))
    assert either.fails(POKER, either.market.judgeNext(0)) == "NothingToJudge"
    either.must(POKER, either.market.settle(0))
    assert either.fails(POKER, either.market.settle(0)) == "WrongState"


def test_a_model_that_is_worse_than_was_claimed_is_not_validated_where_claims_bind():
    counts = {0: told(9), 1: told(8)}
    assert fresh(SEALED).plays({ANN: 10, BOB: 8}, counts).of("CompetitionClosed")[0]["winner"] == BOB
    assert fresh(LITERAL).plays({ANN: 10, BOB: 8}, counts).of("CompetitionClosed")[0]["winner"] == ANN


# --- everything back ---


def test_without_a_model_everybody_has_everything_back(either):
    either.post()
    either.after("reveal")
    assert either.must(POKER, either.market.settle(0)).of("CompetitionClosed")[0]["state"] == VOID
    assert [either.gained(who) for who in EVERYBODY] == [0] * len(EVERYBODY)


def test_without_agreement_everybody_has_everything_back(stage):
    lies = {MINERS[0]: 1, MINERS[1]: 2, MINERS[2]: 7, MINERS[3]: 7, MINERS[4]: 9}
    assert stage.plays({ANN: 7}, {0: lies}).of("CompetitionClosed")[0]["state"] == VOID
    assert [stage.gained(who) for who in (HOST, *COMPETITORS)] == [0] * 4
    assert [stage.gained(who) for who in MINERS] == [0] * 5  # nobody can tell who lied


def test_where_a_quorum_agrees_who_says_otherwise_pays_even_if_the_model_is_worse_than_was_claimed(stage):
    lies = {**told(7, MINERS[:3]), MINERS[3]: 6, MINERS[4]: 8}
    assert stage.plays({ANN: 8}, {0: lies}).of("CompetitionClosed")[0]["state"] == VOID
    assert [stage.gained(who) for who in MINERS] == [0, 0, 0, -BOND, -BOND]


def test_without_enough_reports_nothing_is_validated(stage):
    assert stage.plays({ANN: 7}, {0: told(7, MINERS[:2])}).of("CompetitionClosed")[0]["state"] == VOID
    assert [stage.gained(who) for who in EVERYBODY] == [0] * len(EVERYBODY)


def test_a_host_that_keeps_the_truth_pays_those_who_opened_models(stage):
    stage.post()
    stage.hands_in({ANN: 7, BOB: 9})
    stage.after("open")
    assert stage.fails(MINERS[0], stage.market.commitReport(0, 0, SALT)) == "TruthSealed"
    assert stage.must(POKER, stage.market.settle(0)).of("CompetitionClosed")[0]["state"] == WITHHELD
    share = (PRIZE + STAKE - STAKE // 10) // 2
    assert [stage.gained(who) for who in (HOST, *COMPETITORS)] == [-PRIZE - STAKE, share, share, 0]
    assert stage.gained(POKER) == STAKE // 10  # for calling it


def test_a_host_may_call_it_off_while_nobody_is_in_it(either):
    job = either.post(competitors=[])
    assert either.fails(ANN, either.market.cancelCompetition(job)) == "NotHost"
    assert either.must(HOST, either.market.cancelCompetition(job)).of("CompetitionClosed")[0]["state"] == CANCELLED
    assert either.gained(HOST) == 0
    other = either.post(competitors=[])
    either.must(ANN, either.market.register(other))
    assert either.fails(HOST, either.market.cancelCompetition(other)) == "Taken"


# --- what the ancestor's contract let through ---


def test_a_report_of_zero_is_a_report(either):
    either.post()
    either.hands_in({ANN: 7})
    either.grounds()
    either.reports(0, {MINERS[0]: 0})
    again = either.market.commitReport(0, 0, SALT) if either.rules["sealedReports"] else either.market.report(0, 0, 10)
    assert either.fails(MINERS[0], again) == "AlreadyReported"


def test_there_are_no_reports_on_models_that_are_not_there_nor_of_more_than_there_is():
    stage = fresh(LITERAL)
    stage.post()
    stage.hands_in({ANN: 7})
    assert stage.fails(MINERS[0], stage.market.report(0, 1, 5)) == "NoSuchModel"
    assert stage.fails(MINERS[0], stage.market.report(0, 0, SCALE + 1)) == "TooHigh"
    assert stage.fails(MINERS[0], stage.market.report(1, 0, 5)) == "NoSuchCompetition"


def test_the_same_bytes_have_one_owner():
    stage = fresh(TOLERANT)  # models in the open, each once
    stage.post()
    stage.must(ANN, stage.market.submitModel(0, b"model", 5))
    assert stage.fails(BOB, stage.market.submitModel(0, b"model", 5)) == "Copied"
    stage = fresh(LITERAL)
    stage.post()
    for who in (ANN, BOB):
        stage.must(who, stage.market.submitModel(0, b"model", 5))


# --- who may do what ---


def test_models_come_from_competitors_in_time_within_the_limit(stage):
    stage.post()
    assert stage.fails(MINERS[0], stage.market.commitModel(0, SALT)) == "NotCompetitor"
    assert stage.fails(ANN, stage.market.submitModel(0, b"model", 5)) == "Sealed"
    stage.must(ANN, stage.market.commitModel(0, commitment(hashlib.sha256(b"m" * 65).digest(), SALT, ANN, salted=True)))
    assert stage.fails(ANN, stage.market.commitModel(0, SALT)) == "Full"
    stage.after("compete")
    assert stage.fails(BOB, stage.market.commitModel(0, SALT)) == "WrongState"
    assert stage.fails(BOB, stage.market.openModel(0, 0, b"m", 5, SALT)) == "NotOwner"
    assert stage.fails(ANN, stage.market.openModel(0, 0, b"m", 5, SALT)) == "WrongSeal"
    assert stage.fails(ANN, stage.market.openModel(0, 1, b"m", 5, SALT)) == "NoSuchModel"
    assert stage.fails(ANN, stage.market.openModel(0, 0, b"m" * 65, 5, SALT)) == "TooLarge"


def test_a_copied_seal_opens_for_nobody(stage):
    stage.post()
    committed = commitment(hashlib.sha256(b"model").digest(), SALT, ANN, salted=True)
    for who in (BOB, ANN):
        stage.must(who, stage.market.commitModel(0, committed))
    stage.after("compete")
    assert stage.fails(BOB, stage.market.openModel(0, 0, b"model", 5, SALT)) == "WrongSeal"
    stage.must(ANN, stage.market.openModel(0, 1, b"model", 5, SALT))
    assert stage.fails(ANN, stage.market.openModel(0, 1, b"model", 5, SALT)) == "AlreadyOpen"


def test_the_truth_is_the_hosts_and_as_it_was_sealed(stage):
    stage.post()
    stage.after("compete")
    assert stage.fails(ANN, stage.market.revealTruth(0, LABELS, SALT)) == "NotHost"
    assert stage.fails(HOST, stage.market.revealTruth(0, LABELS[::-1], SALT)) == "WrongSeal"
    stage.must(HOST, stage.market.revealTruth(0, LABELS, SALT))
    assert stage.fails(HOST, stage.market.revealTruth(0, LABELS, SALT)) == "AlreadyOpen"


def test_a_competitor_is_no_miner_where_that_is_forbidden():
    for variant in (SEALED, LITERAL):
        stage = fresh(variant)
        stage.post()
        stage.hands_in({ANN: 7})
        stage.grounds()
        if variant == SEALED:
            assert stage.fails(BOB, stage.market.commitReport(0, 0, SALT)) == "NotMiner"
        else:
            stage.must(BOB, stage.market.report(0, 0, 3))


def test_a_report_that_is_not_opened_costs_its_bond_and_does_not_count():
    stage = fresh(COUNTS)
    stage.post()
    stage.hands_in({ANN: 7})
    stage.grounds()
    stage.reports(0, {**told(7, MINERS[:3]), **told(2, MINERS[3:])})
    stage.opens(0, told(7, MINERS[:3]))
    assert stage.fails(MINERS[3], stage.market.revealReport(0, 0, 7, SALT)) == "WrongSeal"
    assert stage.fails(POKER, stage.market.revealReport(0, 0, 7, SALT)) == "NotMiner"
    assert stage.fails(MINERS[0], stage.market.revealReport(0, 0, 7, SALT)) == "AlreadyReported"
    assert stage.ends().of("CompetitionClosed")[0]["winner"] == ANN
    assert [stage.gained(who) for who in MINERS[3:]] == [-BOND] * 2


@pytest.mark.parametrize(
    ("counts", "agreeing"), [([4, 4, 4, 9, 9], 3), ([4, 5, 6, 9, 9], 2), ([4, 5, 5, 6, 9], 3), ([0, 10, 0, 10, 1], 3)]
)
def test_those_within_the_tolerance_agree(counts, agreeing):
    stage = fresh(TOLERANT)
    stage.post()
    stage.hands_in({ANN: 1})
    stage.grounds()
    said = dict(zip(MINERS, counts, strict=True))
    stage.reports(0, said)
    stage.opens(0, said)
    stage.after("reveal")
    judged = stage.must(POKER, stage.market.judgeNext(0)).of("ModelJudged")[0]
    assert (judged["agreeing"], judged["reports"], judged["median"]) == (agreeing, 5, sorted(counts)[2])
    assert judged["valid"] == (agreeing >= 3)


@pytest.mark.parametrize(
    "wrong", ["scale", "byteLimit", "registerWindow", "competeWindow", "openWindow", "reportWindow", "revealWindow"]
)
def test_impossible_terms_are_refused(stage, wrong):
    with pytest.raises(AssertionError, match=f"TermOutOfRange.*{wrong}"):
        stage.post(**{wrong: 0})


@pytest.mark.parametrize(
    ("rule_", "value"),
    [("winnerBps", 10_001), ("quorumBps", 5_000), ("quorumBps", 10_001), ("minReports", 0), ("maxCompetitors", 0),
     ("payWithin", 1), ("committee", 2), ("committee", 65), ("pokeBountyBps", 10_001)],
)  # fmt: skip
def test_impossible_rules_are_refused(stage, rule_, value):
    with pytest.raises(AssertionError, match=f"RuleOutOfRange.*{rule_}"):
        stage.deploy("Competition", stage.coin.address_, {**VARIANTS[ANSWERS], rule_: value})


def test_rules_that_need_seals_are_refused_without():
    stage = fresh()
    for wrong in (rules("hardened", proofOfEvaluation=True, sealedReports=False),
                  rules("hardened", proofOfEvaluation=True, sealedTruth=False),
                  rules("hardened", committee=3, beacon=False, sealedModels=False)):  # fmt: skip
        with pytest.raises(AssertionError, match=r"RuleOutOfRange.*(sealedReports|sealedTruth|beacon)"):
            stage.deploy("Competition", stage.coin.address_, wrong)


# --- reports that are answers ---


def judged(stage: Stage, reports: dict[bytes, bytes]) -> dict[str, Any]:
    """What becomes of a model that these answers were committed, opened and counted of."""
    stage.post()
    stage.hands_in({ANN: 1})
    stage.grounds()
    stage.reports(0, reports)
    stage.opens(0, reports)
    return stage.after("reveal").must(POKER, stage.market.judgeNext(0)).of("ModelJudged")[0]


def test_equal_counts_of_unequal_answers_do_not_agree():
    stage = fresh(ANSWERS)
    found = judged(stage, {**dict.fromkeys(MINERS[:3], said(7)), MINERS[3]: said(7, wrong=2), MINERS[4]: said(7)[::-1]})
    assert (found["valid"], found["score"], found["agreeing"], found["reports"]) == (True, 7, 3, 5)
    assert stage.ends().of("CompetitionClosed")[0]["winner"] == ANN
    assert [stage.gained(who) < 0 for who in MINERS] == [False, False, False, True, True]


def test_where_all_answer_otherwise_nobody_loses_a_bond():
    stage = fresh(ANSWERS)
    found = judged(stage, {who: said(7, wrong=1 + i) for i, who in enumerate(MINERS)})
    assert (found["valid"], found["agreeing"], found["median"]) == (False, 1, 7)
    stage.ends()
    assert [stage.gained(who) for who in MINERS] == [0] * 5


@settings(max_examples=20)
@given(
    pairs=st.lists(
        st.tuples(st.sampled_from(b"\0\1\x7f\x80\xff"), st.sampled_from(b"\0\1\x7f\x80\xff")), min_size=1, max_size=70
    )
)
def test_the_contract_counts_the_right_answers(pairs):
    """In words of 32 bytes, whatever they hold, and the rest of the last one does not count."""
    stage = fresh(ANSWERS)
    answers, labels = (bytes(column) for column in zip(*pairs, strict=True))
    stage.post(scale=len(pairs), truth=hashlib.sha256(hashlib.sha256(labels).digest() + SALT).digest())
    stage.hands_in({ANN: 1})
    stage.must(HOST, stage.market.revealTruth(0, labels, SALT))
    stage.reports(0, {MINERS[0]: answers})
    stage.after("report")
    reported = stage.must(MINERS[0], stage.opening(0, answers, labels=labels)).of("Reported")[0]
    assert reported["correct"] == sum(map(int.__eq__, answers, labels))
    assert reported["answers"] == keccak(answers)


def test_answers_are_as_sealed_as_long_as_the_test_and_against_the_true_labels():
    stage, short = fresh(ANSWERS), said(7)[:-1]
    stage.post()
    stage.hands_in({ANN: 1})
    stage.grounds()
    stage.reports(0, {MINERS[0]: said(7), MINERS[1]: short})
    stage.after("report")
    assert stage.fails(MINERS[0], stage.opening(0, 7, labels=said(7))) == "WrongSeal"
    assert stage.fails(MINERS[0], stage.opening(0, 8)) == "WrongSeal"
    assert stage.fails(MINERS[1], stage.opening(0, short)) == "TermOutOfRange"
    assert stage.fails(MINERS[0], stage.market.revealReport(0, 0, 7, SALT)) == "Answers"
    stage.must(MINERS[0], stage.opening(0, 7))
    assert stage.fails(MINERS[0], stage.opening(0, 7)) == "AlreadyReported"


def test_a_count_is_opened_as_a_count():
    stage = fresh(COUNTS)
    stage.post()
    assert stage.fails(MINERS[0], stage.market.revealAnswers(0, 0, said(7), LABELS, SALT)) == "Answers"
    assert fresh(SEALED).fails(MINERS[0], stage.market.enrol(0)) == "NoSuchCompetition"


# --- committees ---


def drawn(stage: Stage, models: dict[bytes, int], miners: list[bytes]) -> list[list[bytes]]:
    """Committees of models, out of those who enrol."""
    stage.post()
    for who in miners:
        stage.must(who, stage.market.enrol(0))
    stage.hands_in(models)
    stage.grounds()
    stage.must(POKER, stage.market.drawCommittees(0))
    return [list(stage.market.committeeOf(0, model)) for model in range(len(models))]


def test_committees_are_of_those_who_enrolled_nobody_twice_and_depend_on_the_block():
    stage, found = fresh(DRAWN), set()
    for beacon in range(8):
        stage.engine.restore(prepared(DRAWN)[1])
        stage.now, stage.beacon = 1_000_000, bytes([beacon]) * 32
        for members in drawn(stage, {ANN: 1, BOB: 1}, MINERS):
            assert len(set(members)) == 3
            assert set(members) <= set(MINERS)
            found.add(frozenset(members))
    assert len(found) > 5
    stage.engine.restore(prepared(DRAWN)[1])
    stage.now, stage.beacon = 1_000_000, bytes(32)
    assert sorted(drawn(stage, {ANN: 1}, MINERS[:2])[0]) == MINERS[:2]  # as many as there are


def test_only_the_drawn_report_and_the_absent_lose_the_bond_for_being_there_once():
    stage = fresh(DRAWN)
    committees = drawn(stage, {ANN: 7, BOB: 9}, MINERS)
    away = next(who for who in committees[0] if who in committees[1])
    for model, members in enumerate(committees):
        for who in set(MINERS) - set(members):
            assert stage.fails(who, stage.market.commitReport(0, model, SALT)) == "NotDrawn"
        stage.reports(model, dict.fromkeys([who for who in members if who != away], 7 + 2 * model))
    for model, members in enumerate(committees):
        stage.opens(model, dict.fromkeys([who for who in members if who != away], 7 + 2 * model))
    assert stage.ends().of("CompetitionClosed")[0]["winner"] == BOB
    assert stage.gained(away) == -BOND
    assert stage.gained(POKER) == BOND // 10
    part = (PRIZE + 3 * BUY_IN) // 10 // 4
    reports = Counter(who for members in committees for who in members if who != away)
    assert all(stage.gained(who) == reports[who] * part for who in MINERS if who != away)
    stage.check_books()


def test_enrolment_is_a_miners_while_models_are_handed_in():
    stage = fresh(DRAWN)
    job = stage.post(competitors=[])
    assert stage.fails(MINERS[0], stage.market.enrol(job)) == "WrongState"
    stage.must(ANN, stage.market.register(job))
    stage.after("register")
    assert stage.fails(ANN, stage.market.enrol(job)) == "NotMiner"
    stage.must(MINERS[0], stage.market.enrol(job))
    assert stage.fails(MINERS[0], stage.market.enrol(job)) == "AlreadyEnrolled"
    stage.after("compete")
    assert stage.fails(MINERS[1], stage.market.enrol(job)) == "WrongState"
    assert stage.fails(POKER, stage.market.drawCommittees(job)) == "WrongState"
    stage.after("open")
    assert list(stage.market.committeeOf(job, 0)) == []
    stage.must(POKER, stage.market.drawCommittees(job))
    assert stage.fails(POKER, stage.market.drawCommittees(job)) == "NothingToDraw"
    assert stage.ends().of("CompetitionClosed")[0]["state"] == VOID
    assert stage.gained(MINERS[0]) == 0
    other = fresh(SEALED)
    other.post()
    assert other.fails(MINERS[0], other.market.enrol(0)) == "NothingToDraw"


def test_salts_draw_by_which_models_are_opened_and_not_by_the_order():
    stage, seeds = fresh(STIRRED), {}
    for order in ([0, 1, 2], [2, 0, 1], [0, 1], [1], []):
        stage.engine.restore(prepared(STIRRED)[1])
        stage.now, stage.beacon = 1_000_000, bytes([len(seeds)]) * 32
        stage.post()
        stage.must(MINERS[0], stage.market.enrol(0))
        for who in COMPETITORS:
            committed = commitment(hashlib.sha256(who).digest(), SALT, who, salted=True)
            stage.must(who, stage.market.commitModel(0, committed))
        stage.after("compete")
        for number in order:
            who = COMPETITORS[number]
            stage.must(who, stage.market.openModel(0, number, who, 0, SALT))
        stage.after("open")
        stage.must(POKER, stage.market.drawCommittees(0))
        seeds[tuple(order)] = bytes(stage.market.panelOf(0).seed)
    assert seeds[0, 1, 2] == seeds[2, 0, 1]
    assert len(set(seeds.values())) == 4


# --- anybody does anything at any time ---

people = st.sampled_from(EVERYBODY)
numbers = st.integers(0, 2)
right = st.integers(0, SCALE)


class AnybodyAnything(RuleBasedStateMachine):
    """Money is conserved, nobody earns early, and every competition ends, whoever does what, in whatever order."""

    @initialize(variant=st.integers(0, len(VARIANTS) - 1), prize=st.sampled_from([0, 1, PRIZE]), begun=st.booleans())
    def deploy(self, variant, prize, begun):
        self.stage = fresh(variant)
        self.market = self.stage.market
        self.stage.post(competitors=[], prize=prize)
        for who in COMPETITORS:
            self.stage.must(who, self.market.register(0))
        if begun:
            self.stage.after("register")

    @rule(who=people, model=numbers, claimed=right)
    def hands_in(self, who, model, claimed):
        committed = commitment(hashlib.sha256(b"m%d" % model).digest(), SALT, who, salted=True)
        self.stage.do(who, self.market.commitModel(0, committed))
        self.stage.do(who, self.market.submitModel(0, b"m%d" % model, claimed))

    @rule(who=people, index=numbers, model=numbers, claimed=right)
    def opens_a_model(self, who, index, model, claimed):
        self.stage.do(who, self.market.openModel(0, index, b"m%d" % model, claimed, SALT))

    @rule(index=numbers, correct=right, some=st.sets(people, max_size=8), opens=st.booleans())
    def report(self, index, correct, some, opens):
        for who in sorted(some):
            self.stage.do(who, self.market.report(0, index, correct))
            committed = commitment(payload(index, self.stage.said(correct)), SALT, who, salted=True)
            self.stage.do(who, self.market.commitReport(0, index, committed))
            if opens:
                self.stage.do(who, self.stage.opening(index, correct))

    @rule(some=st.sets(people, max_size=8), draws=st.booleans())
    def enrol(self, some, draws):
        for who in sorted(some):
            self.stage.do(who, self.market.enrol(0))
        if draws:
            self.stage.do(POKER, self.market.drawCommittees(0))

    @rule()
    def truth(self):
        self.stage.do(HOST, self.market.revealTruth(0, LABELS, SALT))

    @rule(who=people)
    def pokes(self, who):
        for call in (self.market.cancelCompetition, self.market.judgeNext, self.market.settle):
            self.stage.do(who, call(0))
        self.stage.do(who, self.market.withdraw())

    @rule(seconds=st.sampled_from([1, WINDOW // 2, WINDOW]))
    def time_passes(self, seconds):
        self.stage.at(self.stage.now + seconds)

    @invariant()
    def money_is_conserved(self):
        self.stage.check_books()
        if self.market.stateOf(0) < JUDGING:
            assert self.market.owedTotal() == 0

    def teardown(self):
        if not hasattr(self, "stage"):
            return
        if self.market.stateOf(0) <= JUDGING:
            self.stage.ends()
        stage, market = self.stage, self.market
        assert market.stateOf(0) >= SETTLED
        assert market.competitionOf(0).held == market.escrow() == 0
        for who in EVERYBODY:
            stage.do(who, market.withdraw())
        assert stage.coin.balanceOf(market.address_) == market.treasury()
        assert sum(map(stage.gained, EVERYBODY)) == -market.treasury()


TestAnybodyAnything = AnybodyAnything.TestCase
TestAnybodyAnything.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


def test_a_model_off_the_chain_is_its_cid():
    stage = fresh(AWAY)
    stage.post()
    cid = hashlib.sha256(b"model").digest()
    stage.must(ANN, stage.market.commitModel(0, commitment(cid, SALT, ANN, salted=True)))
    stage.after("compete")
    assert stage.fails(ANN, stage.market.openModel(0, 0, b"model", 7, SALT)) == "TooLarge"
    assert stage.fails(ANN, stage.market.openModel(0, 0, cid[::-1], 7, SALT)) == "WrongSeal"
    opened = stage.must(ANN, stage.market.openModel(0, 0, cid, 7, SALT)).of("ModelOpened")[0]
    assert (opened["hash"], opened["size"], bytes(stage.market.bytesOf(0, 0))) == (cid, 32, b"")


@pytest.mark.parametrize("variant", [COUNTS, ANSWERS], ids=["counts", "answers"])
def test_gas_of_five_miners(variant):
    """Ceilings, 10 % above what was measured; the first use of each slot, so the dearest."""
    stage = fresh(variant)
    gas, market = Counter(), stage.market
    stage.post(competitors=[])
    for who in COMPETITORS:
        gas["register"] = max(gas["register"], stage.must(who, market.register(0)).gas)
    stage.after("register")
    committed = commitment(hashlib.sha256(b"m").digest(), SALT, ANN, salted=True)
    gas["commitModel"] = stage.must(ANN, market.commitModel(0, committed)).gas
    stage.after("compete")
    gas["openModel"] = stage.must(ANN, market.openModel(0, 0, b"m", 7, SALT)).gas
    gas["revealTruth"] = stage.must(HOST, market.revealTruth(0, LABELS, SALT)).gas
    stage.after("open")
    for who in MINERS:
        committed = commitment(payload(0, stage.said(7)), SALT, who, salted=True)
        gas["commitReport"] = max(gas["commitReport"], stage.must(who, market.commitReport(0, 0, committed)).gas)
    stage.after("report")
    for who in MINERS:
        name = "revealReport" if variant == COUNTS else "revealAnswers"
        gas[name] = stage.must(who, stage.opening(0, 7)).gas
    stage.after("reveal")
    gas["judgeNext"] = stage.must(POKER, market.judgeNext(0)).gas
    gas["settle"] = stage.must(POKER, market.settle(0)).gas
    gas["withdraw"] = stage.must(ANN, market.withdraw()).gas
    over = {name: used for name, used in gas.items() if used > CEILINGS[name]}
    assert not over, repr(sorted(gas.items()))


CEILINGS = {
    "register": 139_000, "commitModel": 138_000, "openModel": 109_000, "revealTruth": 70_000, "commitReport": 178_000,
    "revealReport": 53_000, "revealAnswers": 68_000, "judgeNext": 538_000, "settle": 219_000, "withdraw": 49_000,
}  # fmt: skip
