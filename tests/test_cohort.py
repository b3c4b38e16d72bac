"""Cohorts: each network trains as if it were alone, and as the textbook says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.sim.learning.networks import Pupil
from slashpoint.sim.learning.networks.cnn import BLOCK, Cnn
from slashpoint.sim.learning.networks.mlp import Mlp
from slashpoint.sim.learning.networks.softmax import Softmax
from slashpoint.sim.luck import Luck

ROWS = 200
NETWORKS = [
    pytest.param(Mlp((64, 32, 10)), 32, id="mlp"),
    pytest.param(Mlp((13, 30, 10)), 7, id="odd mlp"),  # nothing is a multiple of a vector register
    pytest.param(Mlp((13, 10)), 16, id="linear"),
    pytest.param(Mlp((5, 3, 2)), 1, id="tiny mlp"),
    pytest.param(Mlp((64, 48, 17, 10)), 20, id="deep mlp"),
    pytest.param(Cnn(8, 10), 32, id="cnn"),
    pytest.param(Cnn(12, 3, (3, 5)), 7, id="odd cnn"),
    pytest.param(Cnn(28, 10), 3, id="large cnn"),
    pytest.param(Softmax(16, 10), 16, id="softmax"),
    pytest.param(Softmax(13, 7), 5, id="odd softmax"),
    pytest.param(Softmax(2, 2), 1, id="tiny softmax"),
]


def width(network):
    match network:
        case Mlp():
            return network.sizes[0], network.sizes[-1]
        case Cnn():
            return network.side**2, network.classes
    return network.inputs, network.classes


def task(network):
    generator = Luck("data").generator()
    inputs, classes = width(network)
    x = generator.random((ROWS, inputs), dtype=np.float32)
    return x, generator.integers(classes, size=ROWS).astype(np.uint8)


def pupil(network, batch, who, steps):
    generator = Luck("pupil", who).generator()
    return Pupil(network.draw(generator), generator.integers(ROWS, size=(steps, batch)))


def logits(network, weights, x):
    """What a network comes to, in torch's own words."""
    if isinstance(network, Cnn):
        signal = x.view(len(x), 1, network.side, network.side)
        for i in range(2):
            filters = weights[f"w{i}"].permute(3, 0, 1, 2)
            signal = torch.nn.functional.conv2d(signal, filters, weights[f"b{i}"], padding=1)
            signal = torch.nn.functional.max_pool2d(signal, 2).relu()
        return signal.flatten(1) @ weights["w2"] + weights["b2"]
    last = len(weights) // 2 - 1
    for i in range(last + 1):
        x = x @ weights[f"w{i}"] + weights[f"b{i}"]
        x = x if i == last else x.relu()
    return x


def bits(weights):
    return {name: array.tobytes() for name, array in weights.items()}


def alone(network, batch, who, steps):
    (weights,) = network.train(*task(network), [pupil(network, batch, who, steps)], 0.3)
    return bits(weights)


@pytest.mark.parametrize(("network", "batch"), NETWORKS)
def test_who_trains_beside_you_never_changes_your_weights(network, batch):
    pupils = [pupil(network, batch, who, 3 + who % 7) for who in range(70)]
    whole = [bits(weights) for weights in network.train(*task(network), pupils, 0.3, chunk=1000)]
    assert whole[0] == alone(network, batch, 0, 3)
    assert whole[0] != whole[1]
    for chunk in (1, 2, 7, 64):
        assert [bits(weights) for weights in network.train(*task(network), pupils, 0.3, chunk=chunk)] == whole


@pytest.mark.parametrize(("network", "batch"), [NETWORKS[i] for i in (0, 1, 5, 7)])
@settings(max_examples=15, deadline=None)
@given(beside=st.lists(st.tuples(st.integers(1, 50), st.integers(0, 12)), max_size=8), place=st.integers(0, 8))
def test_partners_of_any_length_in_any_order_change_nothing(network, batch, beside, place):
    orders = list(beside)
    orders.insert(place, (0, 6))
    pupils = [pupil(network, batch, who, steps) for who, steps in orders]
    weights = list(network.train(*task(network), pupils, 0.3, chunk=4))
    for order, trained in zip(orders, weights, strict=True):
        assert bits(trained) == alone(network, batch, *order)


@pytest.mark.parametrize(("network", "batch"), NETWORKS)
def test_the_gradient_is_that_of_autograd(network, batch):
    x, y = task(network)
    start, batches = pupil(network, batch, "ann", 5)
    (trained,) = network.train(x, y, [Pupil(start, batches)], 0.3)
    weights = {name: torch.tensor(array, dtype=torch.float64, requires_grad=True) for name, array in start.items()}
    for rows in batches:
        said = logits(network, weights, torch.from_numpy(x[rows].astype(np.float64)))
        loss = torch.nn.functional.cross_entropy(said, torch.from_numpy(y[rows].astype(np.int64)))
        for weight, gradient in zip(weights.values(), torch.autograd.grad(loss, list(weights.values())), strict=True):
            weight.data -= 0.3 * gradient
    for name, weight in weights.items():
        np.testing.assert_allclose(trained[name], weight.detach().numpy(), atol=5e-6)
        assert np.abs(trained[name] - start[name]).max() > 1e-4  # it moved


@pytest.mark.parametrize(("network", "batch"), NETWORKS)
def test_no_steps_is_no_change(network, batch):
    untrained = pupil(network, batch, "ann", 0)
    (weights,) = network.train(*task(network), [untrained], 0.3)
    assert bits(weights) == bits(untrained.weights)


@pytest.mark.parametrize(("network", "batch"), NETWORKS)
def test_pupils_are_taken_a_chunk_at_a_time(network, batch):
    taken = []

    def pupils():
        for who in range(30):
            taken.append(who)
            yield pupil(network, batch, who, 2)

    trained = network.train(*task(network), pupils(), 0.3, chunk=10)
    next(trained)
    assert len(taken) == 10
    assert len(list(trained)) == 29


@pytest.mark.parametrize("side", [8, 28, 64])
def test_large_images_train_few_at_a_time(side):
    """What the patches of a chunk take is bounded, but for a single model's."""
    network = Cnn(side, 10)
    assert {8: 40, 28: 5, 64: 1}[side] >= network.chunk(32) >= 1
    taken = []
    pupils = (taken.append(who) or pupil(network, 32, who, 1) for who in range(50))
    next(network.train(*task(network), pupils, 0.3))
    assert len(taken) == network.chunk(32)


@pytest.mark.parametrize(("network", "batch"), NETWORKS)
def test_answers_do_not_depend_on_who_is_asked_beside(network, batch):
    x, y = task(network)
    models = list(network.train(x, y, [pupil(network, batch, who, 10) for who in range(100)], 0.3))
    rows = [Luck(who).generator().integers(ROWS, size=25) for who in range(100)]
    together = network.predict(x, models, rows)
    assert network.predict(x, [], []) == []
    for who in (0, 1, 63, 64, 99):
        assert network.predict(x, models[who : who + 1], rows[who : who + 1]) == together[who : who + 1]
        weights = {name: torch.from_numpy(array) for name, array in models[who].items()}
        assert list(together[who]) == logits(network, weights, torch.from_numpy(x[rows[who]])).argmax(1).tolist()


def test_many_questions_are_answered_a_block_at_a_time():
    """In bounded memory, and as if asked one by one."""
    for network in (Cnn(8, 10), Mlp((64, 32, 10))):
        x, _ = task(network)
        model = pupil(network, 1, "ann", 0).weights
        rows = Luck("rows").generator().integers(ROWS, size=2 * BLOCK + 3)
        (answers,) = network.predict(x, [model], [rows])
        assert list(answers) == [network.predict(x, [model], [rows[i : i + 1]])[0][0] for i in range(len(rows))]


def test_one_thread_however_many_there_were():
    torch.set_num_threads(2)
    network = Mlp((64, 32, 10))
    list(network.train(*task(network), [pupil(network, 32, "ann", 1)], 0.3))
    assert torch.get_num_threads() == 1


def test_initial_weights_fill_their_bounds():
    weights = Mlp((64, 400, 10)).draw(Luck("ann").generator())
    assert {name: array.shape for name, array in weights.items()} == Mlp((64, 400, 10)).shapes
    for name, bound in (("w0", 1 / 8), ("b0", 1 / 8), ("w1", 1 / 20)):
        assert 0.98 * bound < weights[name].max() <= bound
        assert -bound <= weights[name].min() < -0.98 * bound
        assert weights[name].dtype == np.float32
