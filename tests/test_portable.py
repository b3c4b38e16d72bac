"""Portable models: another framework builds the same network, miners take both forms, and junk is refused."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashpoint.sim.learning import Order, codec, portable
from slashpoint.sim.learning.codec import ModelError
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.learning.synthetic import Synthetic
from slashpoint.sim.luck import Luck

WEIGHTS = {"w0": np.arange(6, dtype=np.float32).reshape(2, 3), "b0": np.zeros(3, np.float32)}
MODEL = portable.encode(WEIGHTS)


def said(model: bytes) -> dict:
    return json.loads(zlib.decompress(base64.b64decode(model)))


def written(what: object) -> bytes:
    return base64.b64encode(zlib.compress(json.dumps(what).encode(), 9))


@pytest.mark.parametrize("kind", ["linear", "mlp", "cnn"])
def test_pytorch_builds_the_same_network_from_the_json_alone(kind):
    import torch
    from torch import nn

    task = Digits(model=kind)
    problem = task.problem(Luck(3))
    (packed,) = task.train([Order("one", problem, 0.3)], Luck(3))
    told = said(portable.encode(codec.decode(packed)))

    def tensor(name: str) -> torch.Tensor:
        raw = base64.b64decode(told["tensors"][name]["data"])
        return torch.tensor(np.frombuffer(raw, "<f4").reshape(told["tensors"][name]["shape"]))

    network = nn.Sequential()
    for number, layer in enumerate(told["layers"]):
        weight = tensor(f"w{number}")
        if layer["kind"] == "dense":
            if weight.ndim == 2 and number and told["layers"][number - 1]["kind"] == "convolution":
                network.append(nn.Flatten())
            made, weight = nn.Linear(layer["inputs"], layer["units"]), weight.T
        else:
            made = nn.Conv2d(layer["channels"], layer["filters"], layer["size"], padding=layer["padding"])
            weight = weight.permute(3, 0, 1, 2)
        made.weight, made.bias = nn.Parameter(weight.contiguous()), nn.Parameter(tensor(f"b{number}"))
        network.append(made)
        if layer["kind"] == "convolution":
            network.append(nn.MaxPool2d(layer["pool"]))
        if layer["activation"] == "relu":
            network.append(nn.ReLU())
    rows = torch.from_numpy(task.inputs[problem.test])
    with torch.no_grad():
        answers = network(rows.reshape(-1, 1, 8, 8) if kind == "cnn" else rows).argmax(1)
    assert bytes(answers.to(torch.uint8).numpy()) == task.predict(packed, problem)


@pytest.mark.parametrize("task", [Digits(model="mlp"), Synthetic()], ids=["digits", "synthetic"])
def test_who_measures_takes_both_forms(task):
    problem = task.problem(Luck(3))
    (packed,) = task.train([Order("one", problem, 0.3)], Luck(3))
    same = portable.encode(codec.decode(packed))
    assert task.predict(same, problem) == task.predict(packed, problem) != bytes(problem.scale)
    assert len(packed) < len(same) < 1.6 * len(packed)
    assert portable.is_one(same)
    assert not portable.is_one(packed)


def test_what_is_encoded_comes_back():
    back = portable.decode(MODEL)
    assert back.keys() == WEIGHTS.keys()
    assert all((back[name] == WEIGHTS[name]).all() and back[name].dtype == np.float32 for name in back)


@given(st.binary(max_size=200))
def test_junk_is_a_model_error(junk):
    for model in (junk, b"e" + junk, base64.b64encode(junk), base64.b64encode(zlib.compress(junk))):
        with pytest.raises(ModelError):
            portable.decode(model)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["w0", "b0", "shape", "data"]), inner),
    max_leaves=8,
)


@given(json_values, json_values)
def test_any_other_json_is_a_model_error(layers, tensors):
    with pytest.raises(ModelError):
        portable.decode(written({"layers": layers or "none", "tensors": tensors}))


def test_layers_that_are_not_those_of_the_tensors_are_refused():
    told = said(MODEL)
    told["layers"][0]["activation"] = "relu"
    with pytest.raises(ModelError, match="do not make up its layers"):
        portable.decode(written(told))
    with pytest.raises(ModelError, match="decompresses to more"):
        portable.decode(written({"layers": [], "tensors": {}, "zeros": "0" * 4000}), limit=1000)
