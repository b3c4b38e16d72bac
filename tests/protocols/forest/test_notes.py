"""Settings of the communal forest that cannot work are refused, or told by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from omegaconf import OmegaConf

import slashpoint
from slashpoint.experiments.setup.config import compose
from slashpoint.protocols.forest.terms import ForestTerms
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.learning.estimators import classifiers, names

AUDIT = ("protocol.audit_model=lasso",)
BLOCK, TRAINING = 12.0, 15.0  # seconds


def terms(*said: str) -> ForestTerms:
    found: Any = OmegaConf.to_container(compose(["protocol=forest", "scenario=small", *said]).protocol)
    return ForestTerms(**{**found, "allowed": tuple(found["allowed"])})


def notes(*said: str) -> list[str]:
    return list(slashpoint.simulate("forest", (), "small", 0, ["scenario.jobs=1", *said]).run.notes)


def test_usual_settings_have_no_note():
    for usual in (terms(), terms("protocol.place=onchain")):
        assert [*usual.infeasible(), *usual.late(BLOCK, TRAINING)] == []


def test_classifiers_are_those_that_are_like_scikit_learn_s():
    from sklearn.base import is_classifier
    from sklearn.utils import all_estimators

    known = {f"{kind.__module__.split('.')[1]}.{name}": kind for name, kind in all_estimators()}
    assert classifiers() == [name for name, kind in names().items() if is_classifier(known[kind.like]())]


@pytest.mark.parametrize("name", classifiers())
def test_what_only_classifies_does_not_measure_the_influence_on_a_number(name):
    with pytest.raises((Misconfigured, ValueError), match=f"protocol.audit_model={name}: ") as refused:
        terms(f"protocol.audit_model={name}")
    offered = str(refused.value).partition(": ")[2]
    assert "ridge" in offered
    assert not [other for other in classifiers() if other != name and other in offered.replace(",", "").split()]


def test_a_classifier_may_be_proposed_and_is_told_to_be_one():
    (why,) = terms("protocol.allowed=[gaussian_bayes]", "protocol.proposal=gaussian_bayes").infeasible()
    assert why == "protocol.proposal=gaussian_bayes is a classifier: it treats numbers as classes"


@pytest.mark.parametrize("name", ["collect", "train", "serve", "answer", "challenge"])
def test_a_window_of_a_block_is_over_before_a_transaction_is_in(name):
    short = {f"{name}_window": BLOCK}
    (why,) = replace(terms(), **short).late(BLOCK, TRAINING)
    assert why == f"protocol.{name}_window=12: over before a transaction is in a block of 12 s"
    if name in {"answer", "challenge"}:  # the contract answers at once
        assert not [*replace(terms("protocol.place=onchain"), **short).late(BLOCK, TRAINING)]


@pytest.mark.parametrize(
    ("how", "needed"), [((), (1 + 10) * 15), (("protocol.filter=none",), 15), (("protocol.epochs=1",), (1 + 5) * 15)]
)
def test_a_training_that_ends_after_its_window_is_told(how, needed):
    short = replace(terms(*how), train_window=needed + BLOCK)
    (why,) = short.late(BLOCK, TRAINING)
    assert why.startswith(f"protocol.train_window={needed + BLOCK:g}: to train")
    assert f"{needed:g} s" in why
    assert not [*replace(short, train_window=needed + BLOCK + 1).late(BLOCK, TRAINING)]


def test_a_run_tells_of_a_window_that_leaves_no_time_to_train():
    (note,) = notes("protocol.train_window=45")
    assert note == (
        "infeasible: protocol.train_window=45: to train, and to judge each packet by training without it, takes 90 s, "
        "up to 165 s in the last epoch, on the reference device, and a report waits for a block of 12 s"
    )


def test_a_proposal_that_is_in_force_after_the_last_collecting_has_no_effect():
    late = terms("protocol.proposal=ridge", "protocol.algorithm_delay=100000")
    assert [*late.infeasible()] == [
        "proposal=ridge has no effect: the last collecting is over before algorithm_delay is"
    ]
    assert not [*replace(late, algorithm_delay=late.last_collecting - 1).infeasible()]
    assert [*replace(late, algorithm_delay=300.0, epochs=1).infeasible()] == [
        "proposal=ridge has no effect: the only collecting is over before algorithm_delay is"
    ]


@pytest.mark.parametrize(
    ("how", "idle"),
    [
        (("protocol.filter=loo",), ["strangeness"]), (("protocol.filter=knn",), ["audit_model", "tau"]),
        (("protocol.variant=literal",), ["audit_model", "tau", "strangeness"]),
    ],
)  # fmt: skip
def test_settings_of_another_filter_have_no_effect(how, idle):
    assert [name for name, _ in terms(*how).idle()] == idle


def test_a_run_tells_of_an_audit_model_that_its_filter_does_not_use_and_is_as_without():
    said = ["protocol.variant=literal", "scenario.jobs=1"]
    plain, told = (slashpoint.simulate("forest", (), "small", 0, [*said, *more]) for more in ((), AUDIT))
    assert "protocol.audit_model has no effect: protocol.filter=none, not loo" in told.run.notes
    assert told.chain_hash == plain.chain_hash


@pytest.mark.parametrize("said", ["questions", "seats.user"])
def test_a_model_that_nobody_asks_is_told(said):
    (why,) = terms(f"protocol.{said}=0").infeasible()
    assert why == f"protocol.{said}=0: no prediction is ever asked, and no fee of one is paid"
