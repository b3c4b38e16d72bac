"""The input trust score: an autoencoder that says how far a query is from the training data."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from slashpoint import simulate
from slashpoint.agents.attacks.lazy import Lazy
from slashpoint.sim.learning.codec import ModelError, decode, encode
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.learning.novelty import Novelty
from slashpoint.sim.learning.surrogate import Surrogate
from slashpoint.sim.learning.synthetic import Synthetic
from slashpoint.sim.luck import Luck

KNOWN = 1500  # digits that are training data; the others are fresh


@pytest.fixture(scope="module")
def rows():
    return Luck("novelty test").generator().permutation(Digits().inputs)


@pytest.fixture(scope="module")
def fitted(rows):
    return Novelty.fit(rows[:KNOWN], 1)


def auc(usual, strange):
    return roc_auc_score(np.r_[np.zeros(len(usual)), np.ones(len(strange))], np.r_[usual, strange])


def test_fresh_rows_of_the_same_kind_have_uniform_percentiles(rows, fitted):
    shares = np.histogram(fitted.percentile(rows[KNOWN:]), bins=4, range=(0, 100))[0] / len(rows[KNOWN:])
    assert shares == pytest.approx(np.full(4, 0.25), abs=0.1)


def test_noise_and_other_data_are_far(rows, fitted):
    fresh, generator = rows[KNOWN:], Luck("noise").generator()
    noise = generator.random(fresh.shape, np.float32)
    shuffled = generator.permuted(fresh, axis=1)
    assert np.median(fitted.percentile(noise)) == np.median(fitted.percentile(shuffled)) == 100
    for strange in (noise, shuffled):
        assert auc(fitted.percentile(fresh), fitted.percentile(strange)) > 0.98


def test_a_digit_that_was_left_out_is_further_than_by_principal_components():
    """The same split, the same length of the code: what is not linear is what an autoencoder adds."""
    inputs, classes = Digits().inputs, Digits().table[1]
    order = Luck("left out").generator().permutation(np.flatnonzero(classes > 1))
    train, usual, strange = inputs[order[300:]], inputs[order[:300]], inputs[classes <= 1]
    fitted = Novelty.fit(train, 1)
    _, _, axes = np.linalg.svd(train - train.mean(0), full_matrices=False)

    def linear(some):
        centred = some - train.mean(0)
        return ((centred - centred @ axes[:8].T @ axes[:8]) ** 2).mean(1)

    ours = auc(fitted.percentile(usual), fitted.percentile(strange))
    assert ours > 0.9
    assert ours > auc(linear(usual), linear(strange))


def test_the_same_rows_and_seed_give_the_same_bytes(rows, fitted):
    assert Novelty.fit(rows[:KNOWN], 1).encode() == fitted.encode()
    assert Novelty.fit(rows[:KNOWN], 2).encode() != fitted.encode()


def test_a_row_alone_has_the_percentile_that_it_has_among_others(rows, fitted):
    assert fitted.percentile(rows[-1:])[0] == pytest.approx(fitted.percentile(rows[-50:])[-1], abs=0.5)


def test_it_travels_as_data(rows, fitted):
    again = Novelty.decode(fitted.encode())
    assert again.encode() == fitted.encode()
    assert np.array_equal(again.percentile(rows[KNOWN:]), fitted.percentile(rows[KNOWN:]))


@pytest.mark.parametrize(
    "spoil",
    [
        {"w4": np.zeros((1, 1), np.float32)},
        {"unit": np.zeros(64, np.float32)},
        {"mean": np.full(64, np.nan, np.float32)},
        {"held": np.zeros(0, np.float32)},
        {"b1": np.zeros(3, np.float32)},
        {"w1": np.zeros((5, 8), np.float32)},
        {"mean": np.zeros(64)},
    ],
    ids=["too many", "no unit", "no number", "nothing held out", "bias", "layers", "float64"],
)
def test_bytes_that_are_no_autoencoder_are_refused(fitted, spoil):
    with pytest.raises(ModelError):
        Novelty.decode(encode(decode(fitted.encode()) | spoil))


def test_what_strangers_send_is_scored_and_never_an_error(fitted):
    strange = np.array([np.nan, np.inf, -np.inf, 1e300])[:, None] * np.ones(64)
    assert list(fitted.percentile(strange)) == [100] * 4
    with pytest.raises(ValueError, match="each needs 64 numbers"):
        fitted.percentile(np.zeros((2, 63)))


def test_the_unit_of_a_number_does_not_matter():
    """What is strange in a small number is as strange as in a large one."""
    generator = Luck("units").generator()
    usual, units = generator.standard_normal((300, 4)), np.array([1000, 1, 1e-3, 1])
    strange = usual + np.array([0, 0, 9, 0])
    assert Novelty.fit(usual * units, 1).percentile(strange * units).min() > 90


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="10 rows or more"):
        Novelty.fit(np.zeros((9, 4)), 1)


def test_numbers_that_never_differ_do_no_harm():
    rows = Luck("x").generator().random((60, 3)) * np.array([1, 1, 0])
    fitted = Novelty.fit(rows, 1)
    assert fitted.percentile(rows + np.array([0, 0, 5])).min() == 100
    constant = Novelty.fit(np.ones((20, 2)), 1)
    assert list(constant.percentile(np.array([[1.0, 1.0], [2.0, 1.0]]))) == [0, 100]


class Asks(Lazy):
    """Asks how strange some rows are to what it trains on."""

    def work(self, me, job):
        task = me._world.training_cache.task
        usual = task.inputs_of(job.market.problem(job, me), "test")
        HEARD.append((me.trust(job, usual), me.trust(job, usual * 3)))
        return (yield from super().work(me, job))


HEARD = []


def test_people_tell_who_asks_how_strange_a_query_is():
    HEARD.clear()
    simulate(attack=Asks, scenario="small", overrides=["scenario.jobs=1", "task=synthetic"])
    usual, strange = HEARD[0]
    assert 30 < np.median(usual) < 70
    assert np.median(strange) > 95


def test_a_task_without_rows_says_so():
    with pytest.raises(NotImplementedError, match="task=surrogate has no rows"):
        Surrogate().inputs_of(Surrogate().problem(Luck(0)))
    assert Synthetic().inputs_of(Synthetic().problem(Luck(0)), "test").shape == (100, 16)
