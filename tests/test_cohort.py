"""Cohorts: each network trains as if it were alone, and as the textbook says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.sim.learning.networks import Pupil
from slashpoint.sim.learning.networks.mlp import Mlp
from slashpoint.sim.luck import Luck

ROWS = 200
SHAPES = [
    pytest.param((64, 32, 10), 32, id="default"),
    pytest.param((13, 30, 10), 7, id="odd"),  # nothing is a multiple of a vector register
    pytest.param((13, 10), 16, id="linear"),
    pytest.param((5, 3, 2), 1, id="tiny"),
    pytest.param((64, 48, 17, 10), 20, id="deep"),
]


def task(sizes):
    generator = Luck("data").generator()
    x = generator.random((ROWS, sizes[0]), dtype=np.float32)
    return x, generator.integers(sizes[-1], size=ROWS).astype(np.uint8)


def pupil(sizes, batch, who, steps):
    generator = Luck("pupil", who).generator()
    return Pupil(Mlp(sizes).draw(generator), generator.integers(ROWS, size=(steps, batch)))


def bits(weights):
    return {name: array.tobytes() for name, array in weights.items()}


def alone(sizes, batch, who, steps):
    (weights,) = Mlp(sizes).train(*task(sizes), [pupil(sizes, batch, who, steps)], 0.3)
    return bits(weights)


@pytest.mark.parametrize(("sizes", "batch"), SHAPES)
def test_who_trains_beside_you_never_changes_your_weights(sizes, batch):
    pupils = [pupil(sizes, batch, who, 9) for who in range(230)]
    whole = [bits(weights) for weights in Mlp(sizes).train(*task(sizes), pupils, 0.3, chunk=1000)]
    assert whole[0] == alone(sizes, batch, 0, 9)
    assert whole[0] != whole[1]
    for chunk in (1, 2, 7, 64, 100):
        assert [bits(weights) for weights in Mlp(sizes).train(*task(sizes), pupils, 0.3, chunk=chunk)] == whole


@pytest.mark.parametrize(("sizes", "batch"), SHAPES[:2])
@settings(max_examples=15, deadline=None)
@given(beside=st.lists(st.tuples(st.integers(1, 50), st.integers(0, 12)), max_size=8), place=st.integers(0, 8))
def test_partners_of_any_length_in_any_order_change_nothing(sizes, batch, beside, place):
    orders = list(beside)
    orders.insert(place, (0, 6))
    pupils = [pupil(sizes, batch, who, steps) for who, steps in orders]
    weights = list(Mlp(sizes).train(*task(sizes), pupils, 0.3, chunk=4))
    for order, trained in zip(orders, weights, strict=True):
        assert bits(trained) == alone(sizes, batch, *order)


@pytest.mark.parametrize(("sizes", "batch"), SHAPES)
def test_the_gradient_is_that_of_autograd(sizes, batch):
    x, y = task(sizes)
    start, batches = pupil(sizes, batch, "ann", 5)
    (trained,) = Mlp(sizes).train(x, y, [Pupil(start, batches)], 0.3)
    weights = {name: torch.tensor(array, requires_grad=True) for name, array in start.items()}
    for rows in batches:
        signal = torch.from_numpy(x[rows])
        for i in range(len(sizes) - 1):
            signal = signal @ weights[f"w{i}"] + weights[f"b{i}"]
            signal = signal if i == len(sizes) - 2 else signal.relu()
        loss = torch.nn.functional.cross_entropy(signal, torch.from_numpy(y[rows].astype(np.int64)))
        for weight, gradient in zip(weights.values(), torch.autograd.grad(loss, list(weights.values())), strict=True):
            weight.data -= 0.3 * gradient
    for name, weight in weights.items():
        np.testing.assert_allclose(trained[name], weight.detach().numpy(), atol=2e-6)
        assert np.abs(trained[name] - start[name]).max() > 1e-4  # it moved


def test_no_steps_is_no_change():
    sizes = (64, 32, 10)
    untrained = pupil(sizes, 32, "ann", 0)
    (weights,) = Mlp(sizes).train(*task(sizes), [untrained], 0.3)
    assert bits(weights) == bits(untrained.weights)


def test_pupils_are_taken_a_chunk_at_a_time():
    sizes, taken = (5, 3, 2), []

    def pupils():
        for who in range(30):
            taken.append(who)
            yield pupil(sizes, 4, who, 2)

    trained = Mlp(sizes).train(*task(sizes), pupils(), 0.3, chunk=10)
    next(trained)
    assert len(taken) == 10
    assert len(list(trained)) == 29


def test_answers_do_not_depend_on_who_is_asked_beside():
    sizes = (13, 30, 10)
    x, y = task(sizes)
    pupils = [pupil(sizes, 16, who, 20) for who in range(150)]
    models = list(Mlp(sizes).train(x, y, pupils, 0.3))
    rows = [Luck(who).generator().integers(ROWS, size=25) for who in range(150)]
    together = Mlp(sizes).predict(x, models, rows)
    for who in (0, 1, 63, 64, 149):
        assert Mlp(sizes).predict(x, models[who : who + 1], rows[who : who + 1]) == together[who : who + 1]
        hidden = np.maximum(x[rows[who]] @ models[who]["w0"] + models[who]["b0"], 0)
        assert list(together[who]) == (hidden @ models[who]["w1"] + models[who]["b1"]).argmax(1).tolist()


def test_one_thread_however_many_there_were():
    torch.set_num_threads(2)
    sizes = (64, 32, 10)
    list(Mlp(sizes).train(*task(sizes), [pupil(sizes, 32, "ann", 1)], 0.3))
    assert torch.get_num_threads() == 1


def test_initial_weights_fill_their_bounds():
    weights = Mlp((64, 400, 10)).draw(Luck("ann").generator())
    assert {name: array.shape for name, array in weights.items()} == Mlp((64, 400, 10)).shapes
    for name, bound in (("w0", 1 / 8), ("b0", 1 / 8), ("w1", 1 / 20)):
        assert 0.98 * bound < weights[name].max() <= bound
        assert -bound <= weights[name].min() < -0.98 * bound
        assert weights[name].dtype == np.float32
