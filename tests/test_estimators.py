"""Estimators: each name of the list answers as scikit-learn's, from bytes that are data, and junk is no model."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache
from time import process_time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashpoint.sim.learning.codec import decode, encode
from slashpoint.sim.learning.diabetes import FORMAT, Diabetes, data
from slashpoint.sim.learning.estimators import Classifier, constant, estimator, names, with_weights
from slashpoint.sim.learning.estimators.trees import RandomForest
from slashpoint.sim.learning.growing import Growth
from slashpoint.sim.learning.records import SCALE
from slashpoint.sim.luck import Luck

SEED = b"beacon".rjust(32)
NAMES = sorted(names())
EDGES = Diabetes(bands=3).edges
RECORDS, ROWS = data()[:300], data()[300:, :-1]


@cache
def learner(name):
    return estimator(name, FORMAT, EDGES, Growth(trees=10, leaf=5))


@cache
def fitted(name):
    return learner(name).fit(RECORDS, SEED)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_belongs_to_the_set_of_its_records_and_the_seed(name):
    one, mixed = learner(name), Luck("order").generator().permutation(RECORDS)
    assert one.fit(mixed, SEED) == fitted(name)
    assert one.fit(RECORDS[1:], SEED) != fitted(name)
    assert (one.fit(RECORDS, SEED[::-1]) != fitted(name)) == one.seeded


@pytest.mark.parametrize("name", [name for name in NAMES if not isinstance(learner(name), RandomForest)])
def test_a_model_answers_as_scikit_learn_does(name):
    one = learner(name)
    answers = one.predict(fitted(name), ROWS)
    ordered = RECORDS[np.lexsort(RECORDS.T[::-1])]  # where neighbours are as near, the first ones count
    if isinstance(one, Classifier) or name == "knn_classifier":
        bands, labels = one.bands(ordered)
        prepared = getattr(one, "prepared", lambda rows, _fitting: one.scaled(rows))
        solver = one.solver().fit(prepared(ordered[:, :-1], ordered[:, :-1]), bands)
        assert (answers == labels[solver.predict(prepared(ROWS, ordered[:, :-1]))]).all()
    else:
        scaled = one.solver().fit(one.scaled(ordered[:, :-1]), one.label_scaled(ordered[:, -1]))
        assert np.abs(one.label_scaled(answers) - scaled.predict(one.scaled(ROWS))).max() < 2e-6


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_better_than_the_mean_label_and_better_than_chance(name):
    one, truth = learner(name), data()[300:, -1]
    answers = one.predict(fitted(name), ROWS)
    assert answers.dtype == np.int64
    right = np.searchsorted(EDGES, answers, "right") == np.searchsorted(EDGES, truth, "right")
    assert right.mean() > 0.4
    if not isinstance(one, Classifier) and name not in {
        "tree",
        "tree_classifier",
        "forest_classifier",
        "knn_classifier",
    }:
        assert np.mean((answers - truth) ** 2.0) < 0.75 * np.var(truth)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_print_how_good_large_and_quick_a_model_is(name):
    """The table of docs/learning.md: means of 20 splits into 342 records and 100 others, two bands."""
    task, found = Diabetes(model=name), []
    task.estimator.fit(data()[:50], SEED)  # what is imported at the first call is not timed
    for split in range(20):
        rows = Luck("split", split).generator().permutation(data())
        began = process_time()
        model = task.estimator.fit(rows[:342], SEED)
        seconds, truth = process_time() - began, rows[342:, -1]
        answers = task.estimator.predict(model, rows[342:, :-1])
        error = np.mean((answers - truth) ** 2.0)
        right = (task.band(answers) == task.band(truth)).mean()
        found.append((100 * right, error**0.5 / SCALE, 1 - error / np.var(truth), len(model), 1000 * seconds))
    right, rmse, explained, size, ms = np.mean(found, 0)
    print(f"\n| {name} | {right:.0f} | {rmse:.1f} | {explained:.2f} | {size:,.0f} | {ms:.0f} |")  # noqa: T201
    assert right > 60


@pytest.mark.parametrize("name", NAMES)
def test_few_records_and_none_still_make_a_model(name):
    one = learner(name)
    assert set(one.predict(one.fit(RECORDS[:0], SEED), ROWS)) == {0}
    low, high = RECORDS[:, -1].min(), RECORDS[:, -1].max()
    for count in (1, 2, 3):
        answers = one.predict(one.fit(RECORDS[:count], SEED), ROWS)
        assert len(answers) == len(ROWS)
        assert (np.abs(answers) < 4 * (high + low)).all()
    assert set(one.predict(constant(5), ROWS)) == {5}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None)
@given(junk=st.binary(max_size=64))
def test_junk_is_no_model(name, junk):
    assert learner(name).predict(junk, ROWS) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_another_estimator_is_none(name):
    for other in NAMES:
        if type(learner(other)).__mro__[1:3] != type(learner(name)).__mro__[1:3]:
            answers = learner(name).predict(fitted(other), ROWS[:3])
            assert answers is None or len(answers) == 3


@pytest.mark.parametrize("name", [name for name in NAMES if not isinstance(learner(name), RandomForest)])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    part=st.integers(0, 5),
    value=st.sampled_from([0.0, np.nan, np.inf, 1e300, -1e300, -1.0]),
    cut=st.integers(0, 2),
    axis=st.integers(0, 2),
)
def test_wild_numbers_and_shapes_still_answer_or_are_none(name, part, value, cut, axis):
    model = decode(fitted(name))
    spoilt = sorted(model)[part % len(model)]
    tensor = model[spoilt].copy()
    if np.issubdtype(tensor.dtype, np.floating):
        with np.errstate(over="ignore"):
            tensor.flat[:: 1 + part] = value
    model[spoilt] = np.delete(tensor, slice(0, cut), axis % tensor.ndim)
    answers = learner(name).predict(encode(model), ROWS)
    assert answers is None or (answers.dtype == np.int64 and len(answers) == len(ROWS))


def test_another_process_fits_the_same_bytes():
    code = """
import hashlib
from slashpoint.sim.learning.diabetes import FORMAT, Diabetes, data
from slashpoint.sim.learning.estimators import estimator, names
from slashpoint.sim.learning.growing import Growth
edges, growth = Diabetes(bands=3).edges, Growth(trees=10, leaf=5)
fitted = [estimator(name, FORMAT, edges, growth).fit(data()[:300], b"beacon".rjust(32)) for name in sorted(names())]
print(hashlib.sha256(b"".join(fitted)).hexdigest())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == hashlib.sha256(b"".join(map(fitted, NAMES))).hexdigest()


def test_a_forests_mean_is_the_sum_of_boosted_trees():
    one = learner("boosting")
    solver = one.solver(SEED).fit(
        RECORDS[np.lexsort(RECORDS.T[::-1])][:, :-1], RECORDS[np.lexsort(RECORDS.T[::-1])][:, -1]
    )
    assert np.abs(one.predict(fitted("boosting"), ROWS) - solver.predict(ROWS)).max() < 2


def test_only_linear_regressions_have_weights():
    assert with_weights() == ["elastic_net", "lasso", "linear", "ridge"]
    for name in with_weights():
        weights = learner(name).weights(fitted(name))
        assert weights.shape == (11,)
        assert learner(name).assemble(weights) == fitted(name)
        assert learner(name).weights(b"junk") is None
        always = learner(name).assemble(learner(name).weights(constant(100 * SCALE)))
        assert set(learner(name).predict(always, ROWS)) == {100 * SCALE}
        with pytest.raises(ValueError, match="10 weights make no"):
            learner(name).assemble(weights[1:])
    assert (learner("lasso").weights(fitted("lasso")) == 0).any()


def test_naming_an_estimator_imports_neither_torch_nor_scikit_learn():
    code = """
import sys
from slashpoint.sim.learning.diabetes import Diabetes
from slashpoint.sim.luck import Luck
Diabetes(model="svr").problem(Luck(1))
print(sorted({"torch", "sklearn", "scipy"} & set(sys.modules)))
from slashpoint.sim.learning import Order
task = Diabetes()
task.train([Order("ann", task.problem(Luck(1)), 0.01)], Luck(1))
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "False"]
