"""What a zero-knowledge proof of accuracy was to bind, ModelMarket's contract binds by hashes.

The ModelMarket dApp has a circuit, `accuracy(100)`, and does not use it: labels, predictions and count are all private,
so that its proof fits any labels and any predictions. The contract sees all three, and who changes one of them after it
was committed or claimed is not paid.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashpoint.sim.market import commitment
from slashpoint.sim.testing.contract import Scene

REQUESTER, TRAINER, POKER = (bytes([i]) * 20 for i in (2, 3, 4))
CLASSES, ITEMS = 3, 4  # small, so that changed labels are often nearly right
WINDOW, REWARD, STAKE = 900, 1_000, 100
SALT, MODEL = b"s" * 32, b"m" * 32
answers = st.binary(min_size=ITEMS, max_size=ITEMS).map(lambda drawn: bytes(one % CLASSES for one in drawn))


@cache
def market(salted: bool) -> tuple[Scene, int]:
    """A scene, and a snapshot of it."""
    rules = {
        "window": WINDOW, "minSubmission": 60, "requesterStake": 0, "loserRefund": True, "slashTo": 0,
        "pokeBountyBps": 0, "minAccuracyBps": 0, "feeBps": 0, "salted": salted, "maxSubmissions": 0, "beacon": False,
    }  # fmt: skip
    scene = Scene("ModelMarket", rules, people=[REQUESTER, TRAINER, POKER])
    return scene, scene.engine.snapshot()


def paid(
    salted: bool, labels: bytes, predictions: bytes, count: int, told: bytes, opened: bytes, model: bytes = MODEL
) -> bool:
    """Play one request to its end: whether the trainer has the reward.

    Args:
        salted: whether commitments carry a salt and an address.
        labels: what the requester committed to.
        predictions: what the trainer committed to.
        count: the trainer's claim.
        told: the labels that the requester opens.
        opened: the predictions that the trainer opens.
        model: the model's CID that it opens; MODEL was committed.
    """
    scene, fresh = market(salted)
    scene.engine.restore(fresh)
    scene.now, scene.number = 1_000_000, 100
    scene.at(scene.now)
    contract: Any = scene.market
    truth = hashlib.sha256(hashlib.sha256(labels).digest() + (SALT if salted else b"")).digest()
    terms = {
        "reward": REWARD, "stake": STAKE, "submissionWindow": 600, "size": ITEMS, "rows": 0, "trainCid": MODEL,
        "testCid": MODEL, "truthSeal": truth, "context": "circuit",
    }  # fmt: skip
    (request,) = scene.must(REQUESTER, contract.createRequest(terms)).of("RequestCreated")
    job = request["id"]
    payloads = MODEL, hashlib.sha256(predictions).digest()
    commitments = [commitment(one, SALT, TRAINER, salted=salted) for one in payloads]
    scene.must(TRAINER, contract.submitModel(job, *commitments))
    scene.at(request["deadline"])
    if scene.do(REQUESTER, contract.uploadTruth(job, told, SALT)).ok:
        scene.must(TRAINER, contract.claimAccuracy(job, count))
        scene.must(POKER, contract.pickCandidate(job))
        scene.must(TRAINER, contract.openModel(job, opened, model, SALT))
    return scene.gained(TRAINER) == REWARD


def right(labels: bytes, predictions: bytes) -> int:
    return sum(map(int.__eq__, labels, predictions))


@given(st.booleans(), answers, answers)
def test_the_truth_is_paid(salted, labels, predictions):
    assert paid(salted, labels, predictions, right(labels, predictions), labels, predictions)


@given(st.booleans(), answers, answers, st.integers(0, ITEMS))
def test_a_count_is_paid_that_the_contract_counts_itself(salted, labels, predictions, count):
    assert paid(salted, labels, predictions, count, labels, predictions) == (count == right(labels, predictions))


@given(st.booleans(), answers, answers, answers)
def test_labels_are_those_that_were_sealed(salted, labels, predictions, told):
    """A requester cannot choose them once it knows the predictions, nor a trainer make up its own."""
    assert paid(salted, labels, predictions, right(told, predictions), told, predictions) == (told == labels)


@given(st.booleans(), answers, answers, answers)
def test_predictions_are_those_that_were_sealed(salted, labels, predictions, opened):
    """Who knows the labels cannot copy them: full marks for what was not committed are nothing."""
    assert paid(salted, labels, predictions, right(labels, opened), labels, opened) == (opened == predictions)
    assert paid(salted, labels, predictions, ITEMS, labels, labels) == (labels == predictions)


@pytest.mark.parametrize("salted", [True, False])
def test_the_model_is_the_one_that_was_sealed(salted):
    """The circuit says nothing of a model; the contract at least of its hash."""
    labels = bytes(ITEMS)
    assert paid(salted, labels, labels, ITEMS, labels, labels)
    assert not paid(salted, labels, labels, ITEMS, labels, labels, b"x" * 32)
