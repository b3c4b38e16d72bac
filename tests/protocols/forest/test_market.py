"""The communal forest as people play it: honest runs, what pollutes a model, and what that costs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

import slashpoint
from slashpoint.experiments.setup.config import compose
from slashpoint.protocols.forest import reports, secrets, trees
from slashpoint.protocols.forest.market import CommunalForest, algorithm, pooled
from slashpoint.protocols.forest.terms import ForestTerms
from slashpoint.sim.contract import Artifact
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.learning import Order, forests
from slashpoint.sim.learning.diabetes import FORMAT, Diabetes, data
from slashpoint.sim.learning.growing import Growth, grow
from slashpoint.sim.luck import Luck
from slashpoint.sim.testing.contract import Scene


@cache
def run(variant="hardened", attack=(), *more, seed=0):
    """One small run; kept, for several tests compare with the same."""
    said = [f"protocol.variant={variant}", "scenario.jobs=1", *more]
    return slashpoint.simulate("forest", attack, "small", seed, said)


def quality(*how, **more):
    return run(*how, **more).metric("delivered_quality")


def profit(who, *how):
    return run(*how).metric("profit", who)


def sent(result, function):
    calls = result.ledger["transactions"]
    return calls[calls["function"] == function]


# --- honest ---


@pytest.mark.parametrize("place", ["onchain", "offchain"])
def test_two_epochs_train_two_models_and_answer_all_questions(place):
    result = run("hardened", (), f"protocol.place={place}")
    events = result.ledger["events"]["event"].value_counts()
    assert list(result.violations["complaint"]) == []
    assert (events["ModelRetrained"], events["PredictionReady"], events["DataSubmitted"]) == (2, 12, 10)
    assert events.get("TreesUploaded", 0) == (2 if place == "onchain" else 0)


def test_forgotten_packets_leave_the_dataset_and_their_files_are_gone():
    result = run("hardened", (), "protocol.forget_rate=1.0")
    assert list(result.violations["complaint"]) == []
    assert len(sent(result, "forget")) == 5


def test_an_algorithm_that_workers_propose_and_vote_for_is_trained_from_the_next_epoch_on():
    result = run("hardened", (), "protocol.proposal=linear")
    events = result.ledger["events"]
    assert list(result.violations["complaint"]) == []
    counts = events["event"].value_counts()
    assert (counts["AlgorithmProposed"], counts["AlgorithmVoted"], counts["AlgorithmUpdated"]) == (1, 3, 1)
    asked = events[events["event"] == "TrainingDue"]["args"].str.extract(r'"algorithm": "0x(\w+)"')[0]
    assert list(asked) == [algorithm(name).hex() for name in ("forest", "linear")]
    assert (events["event"] == "ModelRetrained").sum() == 2  # and `published_models_are_reproducible` held
    assert result.metric("model_rmse") != run().metric("model_rmse")


def test_two_of_three_votes_are_two_thirds():
    votes = run("hardened", (), "protocol.proposal=ridge", "scenario.absent=[worker/2]").ledger["events"]["event"]
    assert (votes == "AlgorithmUpdated").sum() == 1
    assert terms()["vote_bps"] * 3 <= 20_000 < terms()["vote_bps"] * 4


def test_an_epoch_without_enough_that_is_new_serves_the_model_that_is_there():
    result = run("hardened", (), "protocol.retrain_batch=8")
    events = result.ledger["events"]["event"].value_counts()
    assert (events["Serving"], events["TrainingDue"]) == (2, 1)
    assert list(result.violations["complaint"]) == []


# --- attacks ---


OUT_OF_TURN = {
    "activateAlgorithm": "TooEarly", "forget": "NotOwner", "fulfill": "AlreadyAnswered", "revealReport": "WrongSeal",
    "voteAlgorithm": "AlreadyReported",
}  # fmt: skip


def test_calls_out_of_turn_are_refused_and_the_model_is_what_it_was():
    result = run("hardened", "out_of_turn", "protocol.proposal=ridge", "protocol.answers=3")
    refused = result.ledger["transactions"].query("status != 'success' and account == 'worker/0'")
    why = refused.groupby("function")["reason"].agg(lambda rows: {row.split("(")[0] for row in rows})
    assert all(error in why[function] for function, error in OUT_OF_TURN.items())
    assert list(result.violations["complaint"]) == []


def test_a_chunk_is_refused_again_in_an_epoch_without_a_training():
    result = run("hardened", "out_of_turn", "protocol.place=onchain", "protocol.retrain_batch=8")
    uploads = sent(result, "uploadTrees")
    assert list(uploads["status"]).count("success") == 1
    assert set(uploads.query("status != 'success'")["reason"].str.split("(").str[0]) == {"AlreadyUploaded"}


def test_a_doubt_that_comes_late_is_refused():
    challenges = sent(run("hardened", "late_doubter"), "challenge")
    assert len(challenges)
    assert set(challenges["reason"].str.split("(").str[0]) <= {"TooLate", "WrongPhase"}


@pytest.mark.parametrize("attack", ["algorithm_hijack", "dataset_swap", "constant_worker"])
def test_one_call_spoils_everybody_s_model_where_the_rules_are_literal_and_not_where_they_are_hardened(attack):
    assert quality("literal", attack) < quality("literal") - 0.15
    assert quality("hardened", attack) > quality("hardened") - 0.1


@pytest.mark.parametrize("attack", ["constant_worker", "lazy_worker", "result_forger"])
def test_a_worker_who_does_not_do_its_work_loses_its_bond(attack):
    assert profit("worker/0", "hardened", attack) < profit("worker/0", "hardened") - 20


def test_a_user_who_doubts_a_forged_answer_has_its_fee_back():
    events = run("hardened", "result_forger").ledger["events"]
    settled = events[events["event"] == "PredictionSettled"]
    assert len(sent(run("hardened", "result_forger"), "challenge"))
    assert settled["args"].str.contains('"phase": ?5').any()


def test_nobody_s_answer_means_everybody_s_fee_back():
    result = run("hardened", "result_withholder", "scenario.attackers=3")
    assert len(sent(result, "fulfill")) == 0
    assert list(result.violations["complaint"]) == []


def test_a_duplicate_is_refused_by_a_quota_and_taken_without_one():
    assert len(sent(run("literal", "duplicate_submitter"), "submitData").query("status == 'success'")) == 14
    assert set(sent(run("hardened", "duplicate_submitter"), "submitDataCid")["status"]) == {"success", "reverted"}


def test_who_asks_a_node_of_its_own_pays_nothing_where_trees_are_on_chain():
    said = ("hardened", "free_local_predict", "protocol.place=onchain")
    assert len(sent(run(*said), "makePrediction")) == 6
    assert profit("user/0", *said) > profit("user/0", "hardened", (), "protocol.place=onchain") + 5


def test_a_leaker_hands_in_as_its_own_what_it_was_trusted_with():
    result = run("hardened", "data_leaker")
    stolen = sent(result, "submitDataCid").query("account == 'worker/0'")
    assert len(stolen) == 1
    assert list(result.violations["complaint"]) == []


# --- worth ---


def test_a_packet_of_mirrored_labels_is_worth_less_than_a_sound_one():
    rows = data().astype(np.int64)
    held, sound, spoilt = rows[:60], rows[60:90], rows[60:90].copy()
    spoilt[:, -1] = rows[:, -1].min() + rows[:, -1].max() - spoilt[:, -1]
    assert reports.strange_labels(spoilt, held) > reports.strange_labels(sound, held)


@pytest.mark.slow
def test_an_autoencoder_finds_noise_strange_and_patients_not():
    draws = Luck("noise").generator()
    rows = data().astype(np.int64)
    noise = draws.integers(rows.min(0), rows.max(0) + 1, (40, rows.shape[1]))
    assert reports.strange_rows(noise, rows[:200]) > 0.5 > reports.strange_rows(rows[200:240], rows[:200])


@pytest.mark.parametrize("kind", ["flat", "leave_one_out", "shapley"])
def test_dividends_follow_what_packets_add(kind):
    events = run("hardened", (), f"protocol.dividend={kind}").ledger["events"]
    marks = events[events["event"] == "DataIncluded"]["args"].str.extract(r'"mark": ?"?(\d+)')[0].astype(int)
    assert (marks.nunique() == 1) == (kind == "flat")


@pytest.mark.parametrize("kind", ["none", "knn", pytest.param("autoencoder", marks=pytest.mark.slow), "loo"])
def test_every_filter_lets_honest_workers_agree(kind):
    result = run("hardened", (), f"protocol.filter={kind}")
    assert list(result.violations["complaint"]) == []
    assert result.ledger["events"]["event"].value_counts()["ModelRetrained"] == 2


# --- secrets ---


def test_what_is_revoked_is_not_read_later_and_what_is_forgotten_by_nobody():
    owner, reader, stranger = (bytes([i]) * 20 for i in (1, 2, 3))
    scene = Scene("Forest", ForestTerms(**terms()).rules(44), people=[owner, reader])
    rights = scene.deploy("ReadingRights")
    kept: dict[bytes, bytes] = {}
    market = CommunalForest.__new__(CommunalForest)
    market.__dict__.update(
        world=SimpleNamespace(store=SimpleNamespace(get=kept.get)), terms=ForestTerms(**terms()), rights=rights,
        ring=secrets.KeyRing(), books={},
    )  # fmt: skip

    def hands_in(cid: bytes, key: bytes) -> None:
        kept[cid] = secrets.crypted(b"a record", key)
        market.ring.adds(cid, owner, key)

    hands_in(b"1" * 32, b"k" * 32)
    assert market.reads(b"1" * 32, reader) is None
    scene.must(owner, rights.grant(reader, 1, scene.now + 1_000))
    rights.forget_()
    assert market.reads(b"1" * 32, reader) == b"a record"
    assert market.reads(b"1" * 32, stranger) is None
    scene.must(owner, rights.revoke(reader, 1))
    rights.forget_()
    hands_in(b"2" * 32, b"l" * 32)
    assert market.reads(b"2" * 32, reader) is None
    market.ring.drops(b"2" * 32)
    assert market.reads(b"2" * 32, owner) is None


def terms():
    said: Any = compose(["protocol=forest", "scenario=small"]).protocol
    return {**OmegaConf.to_container(said), "allowed": tuple(said.allowed)}


def test_ciphertext_is_another_text_and_comes_back():
    content, key = bytes(range(100)), b"k" * 32
    assert secrets.crypted(content, key) != content
    assert secrets.crypted(secrets.crypted(content, key), key) == content


# --- settings ---


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("protocol.encrypted=true protocol.storage=data", "set storage=cid"),
        ("protocol.worker_bps=6000", "together more than 10000"),
        ("protocol.workers=9", "fewer than the 9"),
        ("protocol.dividend=none", "choose a dividend"),
        ("protocol.place=onchain task.model=ridge", "task.model=ridge has none"),
        ("protocol.holdout=442", "protocol.holdout=442: leaves nothing to train on"),
        ("protocol.holdout=10000", "protocol.holdout=10000: leaves nothing to train on"),
        ("protocol.proposal=lasso", "protocol.proposal=lasso: .*ridge"),
        ("protocol.proposal=ridge protocol.place=onchain", "walks trees alone"),
        ("protocol.audit_model=rigde", "protocol.audit_model=rigde: .*ridge"),
        ("protocol.allowed=[ridge,lasoo]", r"protocol.allowed=\[ridge,lasoo\]: .*lasso"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(said, why):
    with pytest.raises((Misconfigured, ValueError), match=why):
        slashpoint.simulate("forest", (), "small", 0, said.split())


def test_a_task_without_records_is_refused():
    with pytest.raises((Misconfigured, ValueError), match="choose task=diabetes"):
        slashpoint.simulate("forest", (), "standard", 0, ["task=synthetic"])


def test_another_algorithm_than_a_forest_learns_off_the_chain():
    assert quality("hardened", (), "task.model=ridge") > 0.6


def test_the_list_of_algorithms_may_be_shorter_than_the_usual_one():
    said = compose(["protocol=forest", "scenario=small", "protocol.allowed=[lasso]"])
    assert list(said.protocol.allowed) == ["lasso"]


@pytest.mark.parametrize("kind", ["linear", "ridge"])
def test_an_allowed_algorithm_is_trained_and_read_where_the_task_s_own_is_a_forest(kind):
    task = Diabetes(trees=3)
    problem = pooled(task.problem(Luck("split")), b"d" * 32, b"s" * 32, FORMAT.pack(data()[:200]), kind)
    order = Order("", problem)
    (model,) = task.train([order], Luck())
    assert [model] == replace(task, model=kind).train([order], Luck())
    assert [model] != task.train([Order("", replace(problem, algorithm=""))], Luck())
    assert np.ptp(task.answer(model, data()[:50, :-1])) > 0


def test_the_report_s_hash_is_the_contract_s():
    said = reports.Report(b"c" * 32, b"r" * 32, 3, b"\1\0\2")
    assert len(said.digest) == 32
    assert said.digest != reports.Report(b"c" * 32, b"r" * 32, 3, b"\1\0\2\0").digest


def test_chunks_hold_all_trees_once_and_fit_their_size():
    forest = grow(data()[:100], b"s" * 32, Growth(30, 0, 5))
    pieces = trees.chunks(forest, 4_000)
    assert max(map(len, pieces)) <= 4_000
    assert sum(int.from_bytes(piece[:2], "big") for piece in pieces) == 30
    with pytest.raises(ValueError, match="larger than a chunk"):
        trees.chunks(forest, 100)
    assert reports.report(forest.encode(), b"").chunks == len(trees.chunks(forest))
    assert forests.decode(forest.encode()) is not None
    assert Artifact.ours("Forest").name == "Forest"


@pytest.mark.parametrize("scenario", ["small", "standard"])
def test_a_forest_has_records_to_hand_over_without_being_told_a_task(scenario: str) -> None:
    assert compose(["protocol=forest", f"scenario={scenario}"]).task.name == "diabetes"
