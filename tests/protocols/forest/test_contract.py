"""The contract of the communal forest: who may do what when, who is paid, and that it answers as its forest does."""

from __future__ import annotations

import functools
import hashlib
from time import process_time
from typing import Any

import numpy as np
import pytest
from eth_hash.auto import keccak
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from scipy.stats import binom

from slashpoint.protocols.forest import trees
from slashpoint.protocols.forest.market import algorithm
from slashpoint.protocols.forest.reports import Report
from slashpoint.sim.learning import forests
from slashpoint.sim.learning.diabetes import data
from slashpoint.sim.learning.growing import Growth, forget, grow
from slashpoint.sim.luck import Luck
from slashpoint.sim.market import commitment
from slashpoint.sim.market.tree import Tree
from slashpoint.sim.testing.contract import Scene

STEWARD, POKER = (bytes([i]) * 20 for i in (2, 3))
OWNERS, WORKERS, USERS = ([bytes([start + i]) * 20 for i in range(3)] for start in (16, 32, 48))
COLLECTING, TRAINING, SERVING, ANSWERING, CHALLENGING = 300, 200, 400, 60, 50
FEE, DEPOSIT, BOND, REWARD, PRICE, DOUBT = 3, 20, 100, 60, 10, 7
HARDENED: dict[str, Any] = {
    "onChain": False, "byCid": True, "openDataset": False, "openAlgorithm": False, "committed": True,
    "forgetting": True, "agreeing": 2, "answers": 1, "quota": 1, "maxPackets": 8, "retrainBatch": 1,
    "dividendBps": 5000, "workerBps": 4000, "slashBps": 5000, "voteBps": 6667, "packetBytes": 4400,
    "answerWindow": ANSWERING, "challengeWindow": CHALLENGING, "algorithmDelay": 100, "fee": FEE,
    "deposit": DEPOSIT, "predictionFee": PRICE, "bond": BOND, "challengeBond": DOUBT,
}  # fmt: skip
LITERAL = {
    **HARDENED, "byCid": False, "openDataset": True, "openAlgorithm": True, "committed": False, "forgetting": False,
    "agreeing": 1, "quota": 0, "retrainBatch": 0, "dividendBps": 0, "workerBps": 0, "slashBps": 0, "deposit": 0,
    "bond": 0, "challengeWindow": 0, "challengeBond": 0,
}  # fmt: skip
ON_CHAIN = {**LITERAL, "onChain": True}
COLLECT, TRAIN, REVEAL, SERVE, CLOSED = range(1, 6)
SALT = b"s" * 32
FORGED = Report(b"f" * 32, b"f" * 32, 0, b"\1")


class Stage(Scene):
    """The contract of communal models."""

    def __init__(self, rules: dict[str, Any]) -> None:
        super().__init__("Forest", rules, people=[STEWARD, POKER, *OWNERS, *WORKERS, *USERS])
        self.rules = rules

    def post(self, crew: int = 3, **changes: Any) -> int:
        terms = {
            "epochs": 2, "maxWorkers": 3, "collectWindow": COLLECTING, "trainWindow": TRAINING, "serveWindow": SERVING,
            "reward": REWARD, **changes,
        }  # fmt: skip
        names = [algorithm("forest"), algorithm("ridge")]
        created = self.must(STEWARD, self.market.createModel(terms, names, "diabetes")).of("ModelCreated")
        job = int(created[0]["id"])
        for who in WORKERS[:crew]:
            self.must(who, self.market.enlist(job))
        return job

    def model(self, job: int) -> Any:
        return self.market.modelOf(job)

    def hands_in(self, who: bytes, job: int, rows: bytes = b"rows") -> Any:
        if self.rules["byCid"]:
            return self.market.submitDataCid(job, hashlib.sha256(rows).digest(), 1, SALT)
        return self.market.submitData(job, rows, 1)

    def submit(self, job: int, *owners: bytes) -> None:
        for who in owners:
            self.must(who, self.hands_in(who, job, b"rows" + who))

    def due(self, job: int) -> Stage:
        self.at(max(self.now, self.model(job).due))
        return self

    def advance(self, job: int) -> Any:
        return self.due(job).must(POKER, self.market.advance(job))

    def report(self, job: int, reports: dict[bytes, Report]) -> None:
        """Reports of this epoch, in as many steps as it takes."""
        epoch = self.model(job).epoch
        if not self.rules["committed"]:
            for who, report in reports.items():
                self.do(who, self.market.publishModel(job, epoch, report.words))
            return
        for who, report in reports.items():
            self.must(who, self.market.commitReport(job, epoch, commitment(report.digest, SALT, who, salted=True)))
        if self.model(job).state == TRAIN:
            self.advance(job)
        for who, report in reports.items():
            self.must(who, self.market.revealReport(job, epoch, report.words, SALT))
        if self.model(job).revealed < self.model(job).committed:
            self.due(job)
        self.must(POKER, self.market.advance(job))

    def serving(self, *owners: bytes, marks: bytes | None = None, report: Report | None = None) -> int:
        """A model whose first epoch is served."""
        job = self.post()
        self.submit(job, *owners)
        self.advance(job)
        report = report or Report(b"c" * 32, b"r" * 32, 1, marks or b"\1" * len(owners))
        self.report(job, dict.fromkeys(WORKERS, report))
        assert self.model(job).state == SERVE
        return job

    def ask(self, job: int, user: bytes = USERS[0]) -> int:
        return int(self.must(user, self.market.requestPrediction(job, SALT)).of("PredictionRequested")[0]["request"])

    def check_books(self) -> None:
        self.check_vault(sum(self.model(job).held for job in range(self.market.models())))


@functools.cache
def prepared(variant: int) -> tuple[Stage, int]:
    stage = Stage(VARIANTS[variant])
    return stage, stage.engine.snapshot()


def fresh(variant: int) -> Stage:
    """A stage as it was at first."""
    stage, snapshot = prepared(variant)
    stage.engine.restore(snapshot)
    return stage.at(1_000_000)


VARIANTS = [HARDENED, LITERAL, ON_CHAIN, {**HARDENED, "committed": False, "answers": 2}]


@pytest.fixture
def stage():
    made = fresh(0)
    yield made
    made.check_books()


@pytest.fixture
def literal():
    made = fresh(1)
    yield made
    made.check_books()


# --- records ---


def test_a_packet_pays_its_fee_at_once_and_its_deposit_comes_back_with_its_inclusion(stage):
    job = stage.serving(*OWNERS[:2], marks=b"\5\0")
    assert stage.market.owed(OWNERS[0]) == DEPOSIT
    assert stage.market.owed(OWNERS[1]) == 0
    assert stage.market.treasury() == 2 * FEE + DEPOSIT
    assert [one.status for one in stage.market.packetsOf(job)] == [2, 3]


def test_a_quota_bounds_the_packets_of_one_owner_for_an_epoch(stage):
    job = stage.post()
    stage.submit(job, OWNERS[0])
    assert stage.fails(OWNERS[0], stage.hands_in(OWNERS[0], job, b"more")) == "OverQuota"
    stage.submit(job, OWNERS[1])


def test_the_root_is_over_what_stands_and_what_is_forgotten_is_gone_from_the_next(stage):
    job = stage.serving(*OWNERS)
    leaves = [one.leaf for one in stage.market.packetsOf(job)]
    assert stage.model(job).dataset == Tree(leaves).root
    stage.must(OWNERS[1], stage.market.forget(job, 1))
    assert stage.fails(OWNERS[1], stage.market.forget(job, 1)) == "WrongStatus"
    assert stage.fails(OWNERS[0], stage.market.forget(job, 2)) == "NotOwner"
    stage.advance(job)
    due = stage.advance(job).of("TrainingDue")[0]
    assert due["dataset"] == Tree([leaves[0], leaves[2]]).root


def test_a_model_stays_where_too_little_is_new(stage):
    job = stage.serving(OWNERS[0])
    cid = stage.model(job).cid
    stage.advance(job)
    assert stage.advance(job).of("Serving") == [{"id": job, "epoch": 1, "cid": cid, "due": stage.model(job).due}]


def test_anybody_replaces_the_dataset_where_that_is_open_and_nobody_elsewhere(stage, literal):
    job = literal.post()
    literal.submit(job, *OWNERS)
    literal.must(POKER, literal.market.updateDataset(job, b"x" * 32))
    assert literal.advance(job).of("TrainingDue")[0]["dataset"] == b"x" * 32
    assert stage.fails(POKER, stage.market.updateDataset(stage.post(), b"x" * 32)) == "AppendOnly"


def test_a_slot_of_the_state_still_holds_a_record_that_was_forgotten():
    stage = Stage({**HARDENED, "byCid": False})
    rows = bytes(range(44))
    job = stage.post()
    stage.must(OWNERS[0], stage.hands_in(OWNERS[0], job, rows))
    stage.must(OWNERS[0], stage.market.forget(job, 0))
    assert stage.market.packetsOf(job)[0].status == 4
    word = functools.partial(int.to_bytes, length=32, byteorder="big")
    found = []
    for place in range(64):  # of `_rows` among the contract's variables
        head = keccak(word(0) + keccak(word(job) + word(place)))
        first = int.from_bytes(keccak(head), "big")
        kept = b"".join(word(stage.engine.storage(stage.market.address_, first + i)) for i in range(2))
        if kept[: len(rows)] == rows:
            found.append(place)
    assert found == [ROWS_PLACE]


ROWS_PLACE = 13  # the page names it


# --- training ---


def test_equal_reports_publish_a_model_and_who_differs_is_fined(stage):
    job = stage.post()
    stage.submit(job, OWNERS[0])
    stage.advance(job)
    true = Report(b"c" * 32, b"r" * 32, 2, b"\1")
    stage.report(job, {WORKERS[0]: FORGED, WORKERS[1]: true, WORKERS[2]: true})
    assert (stage.model(job).cid, stage.model(job).chunks) == (true.cid, 2)
    assert [stage.market.owed(who) for who in WORKERS] == [0, REWARD // 2, REWARD // 2]
    assert stage.market.treasury() == FEE + BOND // 2


@pytest.mark.parametrize("committed", [0, 1, 3])
@pytest.mark.parametrize("agree", [True, False])
def test_who_enlisted_and_is_silent_is_fined_whether_or_not_the_others_agree(stage, committed, agree):
    """Silent is who commits nothing, and who commits and reveals nothing."""
    job = stage.post()
    stage.submit(job, OWNERS[0])
    stage.advance(job)
    speak, silent = (WORKERS[:2], WORKERS[2:]) if agree else ([], WORKERS)
    said = dict.fromkeys([*speak, *silent[:committed]], Report(b"c" * 32, b"r" * 32, 1, b"\1"))
    for who, one in said.items():
        stage.must(who, stage.market.commitReport(job, 0, commitment(one.digest, SALT, who, salted=True)))
    if stage.model(job).state == TRAIN:
        stage.advance(job)
    for who in speak:
        stage.must(who, stage.market.revealReport(job, 0, said[who].words, SALT))
    while stage.model(job).state != SERVE:
        stage.advance(job)
    assert any(stage.model(job).cid) == agree
    assert stage.market.treasury() == FEE + BOND // 2 * len(silent)
    assert [stage.market.owed(who) for who in speak] == [REWARD // 2] * len(speak)


def test_without_agreement_there_is_no_model_and_nobody_who_reported_is_fined(stage):
    job = stage.post()
    stage.submit(job, OWNERS[0])
    stage.advance(job)
    reports = {who: Report(bytes([i]) * 32, b"r" * 32, 0, b"\1") for i, who in enumerate(WORKERS)}
    stage.report(job, reports)
    assert stage.model(job).cid == bytes(32)
    assert stage.fails(USERS[0], stage.market.requestPrediction(job, SALT)) == "NoModel"
    assert [stage.market.owed(who) for who in WORKERS] == [0, 0, 0]


def test_a_report_opens_by_what_was_committed_alone_and_once(stage):
    job = stage.post()
    stage.submit(job, OWNERS[0])
    assert stage.fails(WORKERS[0], stage.market.commitReport(job, 0, SALT)) == "WrongState"
    stage.advance(job)
    for who in WORKERS:
        stage.must(who, stage.market.commitReport(job, 0, commitment(FORGED.digest, SALT, WORKERS[0], salted=True)))
    assert stage.fails(WORKERS[0], stage.market.commitReport(job, 0, SALT)) == "WrongState"
    assert stage.fails(WORKERS[1], stage.market.revealReport(job, 0, FORGED.words, SALT)) == "WrongSeal"
    stage.must(WORKERS[0], stage.market.revealReport(job, 0, FORGED.words, SALT))
    assert stage.fails(WORKERS[0], stage.market.revealReport(job, 0, FORGED.words, SALT)) == "AlreadyReported"
    assert stage.fails(STEWARD, stage.market.revealReport(job, 0, FORGED.words, SALT)) == "NotWorker"


def test_one_worker_s_word_is_the_model_where_one_is_enough(literal):
    job = literal.serving(OWNERS[0], report=FORGED)
    assert literal.model(job).cid == FORGED.cid


@pytest.mark.parametrize(("crew", "k", "liars"), [(3, 2, 1), (5, 3, 2), (5, 2, 3)])
def test_liars_agree_on_a_model_as_often_as_the_binomial_law_says(crew, k, liars):
    """Of `crew` workers each lies, alike, with probability liars/crew: k publish where fewer than k are true."""
    p, draws = liars / crew, Luck("liars").generator().random((20_000, crew))
    lying = (draws < p).sum(1)
    published = (lying >= k) & (crew - lying < k)
    law = binom.cdf(min(k - 1, crew), crew, 1 - p) if crew - (k - 1) >= k else 0
    assert abs(published.mean() - law) < 4 * np.sqrt(law * (1 - law) / len(draws)) + 1e-12


# --- algorithms ---


def test_an_algorithm_changes_by_allow_list_votes_and_delay(stage):
    job = stage.post()
    ridge = algorithm("ridge")
    assert stage.fails(WORKERS[0], stage.market.proposeAlgorithm(job, b"x" * 32)) == "NotAllowed"
    assert stage.fails(OWNERS[0], stage.market.proposeAlgorithm(job, ridge)) == "NotWorker"
    stage.must(WORKERS[0], stage.market.proposeAlgorithm(job, ridge))
    stage.must(WORKERS[0], stage.market.voteAlgorithm(job, ridge))
    assert stage.fails(WORKERS[0], stage.market.voteAlgorithm(job, ridge)) == "AlreadyReported"
    assert stage.fails(POKER, stage.market.activateAlgorithm(job, ridge)) == "TooEarly"
    stage.at(stage.now + 100)
    assert stage.fails(POKER, stage.market.activateAlgorithm(job, ridge)) == "TooFewVotes"
    for who in WORKERS[1:]:
        stage.must(who, stage.market.voteAlgorithm(job, ridge))
    stage.must(POKER, stage.market.activateAlgorithm(job, ridge))
    assert stage.model(job).algorithm == ridge


def test_a_worker_votes_once_for_a_proposal_however_many_epochs_it_stands(stage):
    job = stage.post()
    ridge = algorithm("ridge")
    stage.must(WORKERS[0], stage.market.proposeAlgorithm(job, ridge))
    stage.must(WORKERS[0], stage.market.voteAlgorithm(job, ridge))
    for _ in range(2):
        stage.advance(job)
    assert (stage.model(job).epoch, stage.model(job).state) == (1, COLLECT)
    assert stage.fails(WORKERS[0], stage.market.voteAlgorithm(job, ridge)) == "AlreadyReported"
    assert stage.fails(POKER, stage.market.activateAlgorithm(job, ridge)) == "TooFewVotes"


def test_a_proposal_is_not_undone_by_another_nor_by_itself_and_counts_its_votes_anew_once_it_is_over(stage):
    job = stage.post()
    ridge, forest = algorithm("ridge"), algorithm("forest")
    stage.must(WORKERS[0], stage.market.proposeAlgorithm(job, ridge))
    for who in WORKERS:
        stage.must(who, stage.market.voteAlgorithm(job, ridge))
    stage.at(stage.now + 100)
    assert stage.fails(WORKERS[0], stage.market.proposeAlgorithm(job, ridge)) == "AlreadyProposed"
    stage.must(WORKERS[0], stage.market.proposeAlgorithm(job, forest))
    stage.must(POKER, stage.market.activateAlgorithm(job, ridge))
    assert stage.model(job).algorithm == ridge
    stage.must(WORKERS[0], stage.market.proposeAlgorithm(job, ridge))
    stage.must(WORKERS[1], stage.market.voteAlgorithm(job, ridge))
    stage.at(stage.now + 100)
    assert stage.fails(POKER, stage.market.activateAlgorithm(job, ridge)) == "TooFewVotes"


def test_anybody_changes_the_algorithm_at_once_where_that_is_open(literal):
    job = literal.post()
    literal.must(POKER, literal.market.proposeAlgorithm(job, b"x" * 32))
    assert literal.model(job).algorithm == b"x" * 32


# --- predictions ---


def test_an_answer_that_nobody_doubts_pays_its_worker_and_the_contributors(stage):
    job = stage.serving(*OWNERS[:2], marks=b"\3\1")
    number = stage.ask(job)
    stage.must(WORKERS[0], stage.market.fulfill(number, 1234))
    assert stage.fails(POKER, stage.market.settle(number)) == "TooEarly"
    stage.at(stage.now + CHALLENGING).must(POKER, stage.market.settle(number))
    before = [stage.market.owed(who) for who in OWNERS[:2]]
    assert stage.market.owed(WORKERS[0]) == REWARD // 3 + 4
    stage.advance(job)
    assert [stage.market.owed(who) - old for who, old in zip(OWNERS, before)] == [3, 1]


def test_a_doubted_answer_is_what_most_workers_say(stage):
    job = stage.serving(OWNERS[0])
    number = stage.ask(job)
    stage.must(WORKERS[0], stage.market.fulfill(number, 1))
    assert stage.fails(POKER, stage.market.challenge(number)) == "NotUser"
    stage.must(USERS[0], stage.market.challenge(number))
    for who in WORKERS[1:]:
        stage.must(who, stage.market.fulfill(number, 2))
    settled = stage.must(POKER, stage.market.settle(number)).of("PredictionSettled")[0]
    assert (settled["phase"], settled["value"]) == (5, 2)
    assert stage.market.owed(USERS[0]) == PRICE + DOUBT
    assert stage.market.owed(WORKERS[1]) == REWARD // 3 + BOND // 4
    assert stage.market.owed(WORKERS[0]) == REWARD // 3


def test_a_doubted_answer_that_as_many_uphold_as_contradict_costs_nobody_anything(stage):
    job = stage.serving(OWNERS[0])
    number = stage.ask(job)
    before = [stage.market.owed(who) for who in (*WORKERS, USERS[0])]
    stage.must(WORKERS[0], stage.market.fulfill(number, 1))
    stage.must(USERS[0], stage.market.challenge(number))
    stage.must(WORKERS[1], stage.market.fulfill(number, 2))
    settled = stage.at(stage.now + ANSWERING).must(POKER, stage.market.settle(number)).of("PredictionSettled")[0]
    assert settled["phase"] == 6
    after = [stage.market.owed(who) for who in (*WORKERS, USERS[0])]
    assert [now - old for now, old in zip(after, before)] == [0, 0, 0, PRICE + DOUBT]


def test_who_doubts_a_true_answer_pays_the_workers_who_uphold_it(stage):
    job = stage.serving(OWNERS[0])
    number = stage.ask(job)
    for who in WORKERS:
        if who == WORKERS[1]:
            stage.must(USERS[0], stage.market.challenge(number))
        stage.must(who, stage.market.fulfill(number, 1))
    stage.must(POKER, stage.market.settle(number))
    assert stage.market.owed(USERS[0]) == 0
    assert stage.market.owed(WORKERS[2]) == REWARD // 3 + (4 + DOUBT) // 3


def test_a_request_that_nobody_answers_is_refunded_and_keeps_its_epoch_open(stage):
    job = stage.serving(OWNERS[0])
    stage.at(stage.model(job).due - 10)
    number = stage.ask(job)
    assert stage.due(job).fails(POKER, stage.market.advance(job)) == "RequestsAreOpen"
    stage.at(stage.now + ANSWERING).must(POKER, stage.market.settle(number))
    assert stage.market.owed(USERS[0]) == PRICE
    assert stage.fails(WORKERS[0], stage.market.fulfill(number, 1)) == "WrongPhase"
    stage.advance(job)


def test_at_the_end_everybody_has_what_is_theirs(stage):
    job = stage.serving(*OWNERS)
    for _ in range(2):
        stage.advance(job)
    stage.due(job).must(POKER, stage.market.advance(job))
    while stage.model(job).state != CLOSED:
        stage.advance(job)
    assert stage.market.escrow() == 0
    assert [stage.market.owed(who) for who in WORKERS] == [BOND + REWARD // 3] * 3
    assert stage.market.owed(STEWARD) == REWARD


# --- inference ---


@functools.cache
def grown(count: int, depth: int = 0) -> forests.Forest:
    return grow(data(), SALT, Growth(count, depth, 5))


def uploaded(forest: forests.Forest, largest: int = trees.LARGEST) -> tuple[Stage, int, list[int]]:
    """A stage that answers on chain with a forest, and the gas of each chunk."""
    stage, pieces = Stage(ON_CHAIN), trees.chunks(forest, largest)
    tree = trees.merkle(pieces)
    job = stage.serving(OWNERS[0], report=Report(b"c" * 32, tree.root, len(pieces), b"\1"))
    uploads = (stage.market.uploadTrees(job, piece, tree.proof(place)) for place, piece in enumerate(pieces))
    gas = [stage.must(POKER, upload).gas for upload in uploads]
    return stage, job, gas


def random_rows(count: int) -> np.ndarray:
    """Cases all over the range of every feature, and beyond it."""
    draws = Luck("cases").generator()
    low, high = data()[:, :-1].min(0), data()[:, :-1].max(0)
    inside = draws.integers(low, high + 1, (count, len(low)))
    inside[::7] = draws.integers(-(2**31), 2**31, (len(inside[::7]), len(low)))
    return inside


def differing(count: int, largest: int = trees.LARGEST) -> int:
    forest = grown(100)
    stage, job, _ = uploaded(forest, largest)
    rows = random_rows(count)
    said = [stage.market.predictOnChain(job, row) for row in rows.tolist()]
    return int((np.array(said) != forest.predict(rows)).sum())


def test_the_contract_answers_as_the_forest_does():
    assert differing(200) == 0
    assert differing(20, 8_000) == 0


@pytest.mark.slow
def test_the_contract_answers_as_the_forest_does_to_ten_thousand_cases():
    assert differing(10_000) == 0


def test_negative_means_are_rounded_towards_zero_on_both_sides():
    leaf = [forests.node(np.array([forests.LEAF]), np.array([0]), np.array([value])) for value in (-3, -4, 0)]
    forest = forests.Forest(10, tuple(leaf))
    stage, job, _ = uploaded(forest)
    assert stage.market.predictOnChain(job, [0] * 10) == -2 == int(forest.predict(np.zeros((1, 10), int))[0])


def test_only_the_published_trees_are_taken_and_each_chunk_once():
    forest = grown(20)
    pieces = trees.chunks(forest, 4_000)
    tree, stage = trees.merkle(pieces), Stage(ON_CHAIN)
    job = stage.serving(OWNERS[0], report=Report(b"c" * 32, tree.root, len(pieces), b"\1"))
    assert stage.fails(POKER, stage.market.uploadTrees(job, pieces[0][:-32], tree.proof(0))) == "WrongRoot"
    stage.must(POKER, stage.market.uploadTrees(job, pieces[0], tree.proof(0)))
    assert stage.fails(POKER, stage.market.uploadTrees(job, pieces[0], tree.proof(0))) == "AlreadyUploaded"
    assert stage.fails(USERS[0], stage.market.makePrediction(job, [0] * 10)) == "NoModel"


def test_a_prediction_costs_gas_by_the_trees_and_their_depth_and_has_a_bound():
    gas = {}
    for count, depth in [(10, 3), (100, 3), (100, 0)]:
        stage, job, _ = uploaded(grown(count, depth))
        gas[count, depth] = stage.must(USERS[0], stage.market.makePrediction(job, data()[0, :-1].tolist())).gas
    assert gas[10, 3] < gas[100, 3] < gas[100, 0] < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 10, 30, 100])
def test_print_what_a_prediction_and_an_upload_cost(count):
    """A table of the page: gas of the second prediction, then of the upload, with depth 3, 6 and no limit."""
    predictions, uploads = [], []
    for depth in (3, 6, 0):
        stage, job, gas = uploaded(grown(count, depth))
        calls = [stage.market.makePrediction(job, row) for row in data()[:2, :-1].tolist()]
        predictions.append([stage.must(USERS[0], call).gas for call in calls][1])  # the first one opens the job's books
        uploads.append(sum(gas))
    cells = [f"{gas:,}" for gas in predictions] + [f"{gas / 1e6:.2f} M" for gas in uploads]
    print(f"\n| {count} | {' | '.join(cells)} |")  # noqa: T201
    assert predictions == sorted(predictions)
    assert uploads == sorted(uploads)


def seconds(work, repeats):
    """Processor time of one repetition, s; the first, which loads things, is left out."""
    work()
    began = process_time()
    for _ in range(repeats):
        work()
    return (process_time() - began) / repeats


WATTS, USD_PER_KWH = 65.0, 0.15  # of `scenario.people`: docs/calibration.md says where they are from
REPLICAS = (1, 5, 1_000)


def test_print_what_replicas_spend_on_a_prediction_and_on_a_training():
    """A table of the page: processor time of one node, then seconds, watt-hours and USD of n nodes that all do it."""
    forest, rows = grown(100), iter(data()[:, :-1].tolist())  # each row once: a view's answer is kept for a block
    stage, job, _ = uploaded(forest)
    works = {
        "a prediction in Solidity": seconds(lambda: stage.market.predictOnChain(job, next(rows)), 50),
        "a prediction in Python": seconds(lambda: forest.predict(np.array([next(rows)])), 50),
        "a training": seconds(lambda: grow(data(), SALT, Growth(100, 0, 5)), 3),
    }
    for name, each in works.items():
        hours = [n * each * WATTS / 3600 for n in REPLICAS]
        cells = [f"{n * each:.3g} s, {wh:.2g} Wh, {wh / 1000 * USD_PER_KWH:.1g} USD" for n, wh in zip(REPLICAS, hours)]
        print(f"\n| {name} | {1000 * each:.2f} ms | {' | '.join(cells)} |")  # noqa: T201
    assert works["a prediction in Python"] < works["a training"]


@pytest.mark.slow
@pytest.mark.parametrize("count", [10, 30, 100])
def test_print_how_many_trees_forgetting_grows_again(count):
    """A table of the page: trees that saw the first record, one of the first five, or of the first packet of 22."""
    again = [forget(grown(count), data(), range(gone), SALT, Growth(count, 0, 5))[1] for gone in (1, 5, 22)]
    print(f"\n| {count} | {' | '.join(map(str, again))} |")  # noqa: T201
    assert again == sorted(again)
    assert again[-1] == count


def test_code_is_a_cheaper_place_for_trees_than_storage():
    pieces = trees.chunks(grown(10))
    _, _, (code,) = uploaded(grown(10))
    stage = Stage({**LITERAL, "packetBytes": 100_000})
    storage = stage.must(OWNERS[0], stage.hands_in(OWNERS[0], stage.post(), pieces[0])).gas
    assert 2 * code < storage


def test_a_vote_of_trees_survives_poisoned_ones_as_the_binomial_law_says():
    """Of n trees f are always wrong and the others right with probability a: P(most are right)."""
    n, f, a = 51, 10, 0.6
    right = Luck("votes").generator().random((4_000, n - f)) < a
    leaves = np.where(np.hstack([right, np.zeros((4_000, f), bool)]), 1_000, -1_000)
    one = [forests.Forest(1, tuple(forests.node(*np.array([[255], [0], [v]])) for v in row)) for row in leaves[:50]]
    said = [int(forest.predict(np.zeros((1, 1), int))[0]) > 0 for forest in one]
    assert said == [row.sum() > 0 for row in leaves[:50]]
    law = binom.sf(n // 2, n - f, a)
    assert law == pytest.approx(0.391, abs=1e-3)
    assert abs((leaves.sum(1) > 0).mean() - law) < 4 * np.sqrt(law * (1 - law) / len(leaves))


# --- reading rights ---


def test_a_grant_lets_read_until_its_end_or_its_revocation():
    stage = fresh(0)
    rights = stage.deploy("ReadingRights")
    owner, reader = OWNERS[0], USERS[0]
    stage.must(owner, rights.grant(reader, 1, stage.now + 100))
    assert rights.mayRead(owner, reader, 1)
    assert not rights.mayRead(owner, reader, 0)
    stage.must(owner, rights.revoke(reader, 1))
    rights.forget_()
    assert not rights.mayRead(owner, reader, 1)
    stage.must(owner, rights.grant(reader, 0, stage.now + 100))
    stage.at(stage.now + 100)
    rights.forget_()
    assert not rights.mayRead(owner, reader, 0)


# --- anybody, anything ---

people = st.sampled_from([STEWARD, POKER, *OWNERS, *WORKERS, *USERS])
numbers = st.integers(0, 2)


class AnybodyAnything(RuleBasedStateMachine):
    """Whatever people do, money adds up, epochs go on, and all end with what is theirs."""

    @initialize(variant=st.integers(0, len(VARIANTS) - 1))
    def begins(self, variant):
        self.stage = fresh(variant)
        self.market, self.marks = self.stage.market, (0, 0)
        self.stage.post()
        self.stage.submit(0, *OWNERS[:2])

    @rule(who=people, rows=st.sampled_from([b"a", b"b"]))
    def hands_in(self, who, rows):
        self.stage.do(who, self.stage.hands_in(who, 0, rows))

    @rule(who=people, packet=numbers)
    def forgets(self, who, packet):
        if packet < len(self.market.packetsOf(0)):
            self.stage.do(who, self.market.forget(0, packet))

    @rule(forged=st.lists(st.booleans(), min_size=3, max_size=3), marks=st.sampled_from([b"\1\1", b"\0\2", b"\3"]))
    def trains(self, forged, marks):
        true = Report(b"c" * 32, b"r" * 32, 1, marks)
        model = self.stage.model(0)
        for who, lies in zip(WORKERS, forged):
            report = FORGED if lies else true
            if model.state == TRAIN:
                committed = commitment(report.digest, SALT, who, salted=True)
                self.stage.do(who, self.market.commitReport(0, model.epoch, committed))
                self.stage.do(who, self.market.publishModel(0, model.epoch, report.words))
            self.stage.do(who, self.market.revealReport(0, model.epoch, report.words, SALT))

    @rule(who=people)
    def asks(self, who):
        self.stage.do(who, self.market.requestPrediction(0, SALT))

    @rule(who=people, number=numbers, value=st.integers(0, 1))
    def answers(self, who, number, value):
        self.stage.do(who, self.market.fulfill(number, value))

    @rule(who=people, number=numbers, what=st.sampled_from(["challenge", "settle"]))
    def doubts(self, who, number, what):
        self.stage.do(who, self.market.function_(what)(number))

    @rule(who=people, what=st.sampled_from(["advance", "enlist"]))
    def pokes(self, who, what):
        self.stage.do(who, self.market.function_(what)(0))

    @rule(who=people, what=st.sampled_from(["propose", "vote", "activate"]))
    def changes_the_algorithm(self, who, what):
        self.stage.do(who, self.market.function_(f"{what}Algorithm")(0, algorithm("ridge")))

    @rule(who=people)
    def withdraws(self, who):
        self.stage.do(who, self.market.withdraw())

    @rule(seconds=st.sampled_from([30, CHALLENGING, TRAINING, COLLECTING, SERVING]))
    def waits(self, seconds):
        self.stage.at(self.stage.now + seconds)
        self.stage.do(POKER, self.market.advance(0))

    @invariant()
    def books_balance(self):
        self.stage.check_books()

    @invariant()
    def epochs_advance(self):
        model = self.stage.model(0)
        assert model.epoch >= self.marks[0]
        assert model.state != CLOSED or model.held == 0
        self.marks = (model.epoch, model.state)

    def teardown(self):
        """One living poker ends the model, and everybody takes what is theirs."""
        if not hasattr(self, "market"):
            return
        for _ in range(12):
            if self.stage.model(0).state == CLOSED:
                break
            self.stage.at(max(self.stage.now + ANSWERING, self.stage.model(0).due))
            for number in range(self.market.requests()):
                self.stage.do(POKER, self.market.settle(number))
            self.stage.at(self.stage.now).do(POKER, self.market.advance(0))
        assert self.stage.model(0).state == CLOSED
        for who in self.stage.people:
            if self.market.owed(who):
                self.stage.must(who, self.market.withdraw())
        self.stage.check_books()
        assert self.market.escrow() == self.market.owedTotal() == 0


TestAnybodyAnything = AnybodyAnything.TestCase
TestAnybodyAnything.settings = settings(max_examples=25, stateful_step_count=14, deadline=None)
