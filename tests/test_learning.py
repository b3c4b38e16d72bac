"""Tasks: keyed luck, honest quality, junk answered and never raised, and light imports."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.sim.learning import Order, Problem, correct
from slashpoint.sim.learning.codec import decode, encode
from slashpoint.sim.learning.diabetes import Diabetes
from slashpoint.sim.learning.digits import Digits, data
from slashpoint.sim.learning.poison import Poison
from slashpoint.sim.learning.surrogate import Surrogate
from slashpoint.sim.learning.synthetic import Synthetic
from slashpoint.sim.luck import Luck

DIGITS, SURROGATE, SYNTHETIC, DIABETES = Digits(), Surrogate(), Synthetic(), Diabetes(trees=10)
TASKS = [pytest.param(task, id=task.name) for task in (DIGITS, SURROGATE, SYNTHETIC, DIABETES)]
TRAINED = [pytest.param(task, id=task.name) for task in (DIGITS, SYNTHETIC)]
LUCK = Luck(7)
SOUND = {"diabetes": 65}  # right answers of 100 that a full training reaches at least; of the others 86


def problem(task, job=0):
    return task.problem(Luck("job", job))


def scores(task, orders):
    models = task.train(orders, LUCK)
    answers = task.predict_many([(model, order.problem) for model, order in zip(models, orders, strict=True)])
    return np.array([correct(said, task.labels(order.problem)) for said, order in zip(answers, orders, strict=True)])


@cache
def spread(task, jobs=20, people=12, **how):
    """Mean accuracy, and the standard deviations between people on one problem and between problems."""
    orders = [Order(f"trainer/{i}", problem(task, job), **how) for job in range(jobs) for i in range(people)]
    accuracy = scores(task, orders).reshape(jobs, people) / task.scale
    within = accuracy.var(1, ddof=1).mean()
    between = accuracy.mean(1).var(ddof=1) - within / people
    return accuracy.mean(), within**0.5, max(between, 0) ** 0.5


def python(code, **environment):
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_surrogate_never_imports_torch():
    loaded = python("""
import sys
from slashpoint.sim.learning import Order, correct
light = set(sys.modules)
from slashpoint.sim.learning.surrogate import Surrogate
from slashpoint.sim.luck import Luck
task, luck = Surrogate(), Luck(1)
problem = task.problem(luck("job"))
[model] = task.train([Order("ann", problem)], luck)
assert correct(task.predict(model, problem), task.labels(problem)) > 50 and task.files(problem)
heavy = {"torch", "sklearn", "scipy", "pandas"}
print(sorted(heavy & set(sys.modules)), sorted((heavy | {"numpy", "safetensors"}) & light))
""")
    assert loaded == "[] []"


def test_naming_digits_imports_neither_torch_nor_sklearn():
    loaded = python("""
import sys
from slashpoint.sim.learning.diabetes import Diabetes
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.luck import Luck
problem = Digits().problem(Luck(1))
print(len(Digits().labels(problem)), sorted({"torch", "sklearn", "scipy"} & set(sys.modules)))
""")
    assert loaded == "100 []"


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    theirs = load_digits()
    assert (data()[0] == theirs.data).all()
    assert (data()[1] == theirs.target).all()


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_a_value(task):
    assert task == replace(task)
    assert hash(task) == hash(replace(task))
    assert task != type(task)(scale=50)
    assert type(task)(scale=50).problem(LUCK).scale == len(type(task)(scale=50).labels(problem(type(task)(scale=50))))


@pytest.mark.parametrize("task", TASKS)
def test_a_problem_belongs_to_its_luck(task):
    one, again, other = problem(task), problem(task), problem(task, 1)
    assert one == again
    assert hash(one) == hash(again)
    assert (one.test == again.test).all()
    assert one != other
    assert task.labels(one) != task.labels(other)
    assert len(bytes.fromhex(one.key)) == 8
    assert len(task.labels(one)) == one.scale == task.scale
    assert task.files(one) != task.files(other)
    assert task.files(one) == task.files(again)


def test_digits_are_split_into_training_and_test():
    one = problem(DIGITS)
    assert sorted([*one.train, *one.test]) == list(range(1797))
    files = {part: decode(content) for part, content in DIGITS.files(one).items()}
    assert (files["train"]["inputs"] == data()[0][one.train]).all()
    assert (files["train"]["classes"] == data()[1][one.train]).all()
    assert (files["test"]["inputs"] == data()[0][one.test]).all()
    assert set(files["test"]) == {"inputs"}  # unlabelled
    assert DIGITS.labels(one) == bytes(data()[1][one.test])


@pytest.mark.parametrize("task", TASKS)
def test_a_model_depends_on_its_order_alone(task):
    orders = [Order(f"trainer/{i}", problem(task, job)) for job in range(2) for i in range(4)]
    models = task.train(orders, LUCK)
    assert len(set(models)) == len(models)
    assert task.train(orders[5:6], LUCK) == models[5:6]
    crowd = [
        Order("lazy", problem(task, 9), effort=0.05),
        orders[6],
        Order("trainer/5", problem(task), effort=0.0),
        orders[2],
        Order("poor", problem(task), share=0.01, leak=True),
        Order("keen", problem(task), effort=1.5),
    ]
    trained = task.train(crowd, LUCK)
    assert trained[1] == models[6]
    assert trained[3] == models[2]
    assert task.train(crowd[::-1], LUCK) == trained[::-1]
    assert task.train([orders[0], orders[0]], LUCK) == models[:1] * 2
    assert task.train([], LUCK) == []


@pytest.mark.parametrize("task", TASKS)
def test_whatever_is_in_the_key_is_other_luck(task):
    one = problem(task)
    orders = [Order("ann", one), Order("bob", one), Order("ann", problem(task, 1)), Order("ann", one, twist="again")]
    models = [*task.train(orders, LUCK), *task.train(orders[:1], Luck(8))]
    assert len(set(models)) == 5


def test_another_process_trains_the_same_bits():
    code = """
import hashlib
from slashpoint.sim.learning import Order
from slashpoint.sim.learning.diabetes import Diabetes
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.luck import Luck
task, luck = Digits(), Luck(7)
orders = [Order(f"trainer/{i}", task.problem(Luck("job", 0)), effort=0.2) for i in range(3)]
print(hashlib.sha256(b"".join(task.train(orders, luck))).hexdigest())
"""
    orders = [Order(f"trainer/{i}", problem(DIGITS), effort=0.2) for i in range(3)]
    here = hashlib.sha256(b"".join(DIGITS.train(orders, LUCK))).hexdigest()
    assert python(code, PYTHONHASHSEED="42", OMP_NUM_THREADS="2") == here


def test_the_surrogate_is_the_same_everywhere():
    """Golden: results that are compared across machines rest on it. A change here changes every recorded run."""
    orders = [
        Order(f"trainer/{i}", problem(SURROGATE, job), effort=effort, share=share, leak=leak)
        for job in range(3)
        for i in range(5)
        for effort, share, leak in ((1.0, 1.0, False), (0.1, 1.0, False), (0.7, 0.3, True), (0.0, 1.0, False))
    ]
    models = SURROGATE.train(orders, LUCK)
    answers = SURROGATE.predict_many([(model, order.problem) for model, order in zip(models, orders, strict=True)])
    labels = [SURROGATE.labels(order.problem) for order in orders]
    assert (
        hashlib.sha256(b"".join([*models, *answers, *labels])).hexdigest()
        == "b3a7bb999262db06157a23338b38aed5cede80200a222ce06ebc40ef39ce3a5d"
    )


def test_full_effort_learns_the_digits_and_little_effort_does_not():
    full, people, problems = spread(DIGITS)
    lazy, _, _ = spread(DIGITS, effort=0.05)
    assert 0.94 < full < 0.98
    assert lazy < full - 0.2
    assert people > 0.005  # people differ on the same problem
    assert problems > 0.005  # problems differ in difficulty


@pytest.mark.parametrize("how", [{"effort": 0.05}, {"effort": 0.2}, {"effort": 1.0}], ids=str)
def test_the_surrogate_is_calibrated_to_digits(how):
    real, people, problems = spread(DIGITS, **how)
    curve, curve_people, curve_problems = spread(SURROGATE, **how)
    assert abs(real - curve) < 0.03
    assert 0.6 < curve_people / people < 1.6
    assert 0.5 < curve_problems / problems < 2.0


@pytest.mark.parametrize(
    "how", [{"share": 0.05}, {"share": 0.2}, {"leak": True}, {"effort": 0.3, "leak": True}], ids=str
)
def test_the_surrogate_is_calibrated_for_less_data_and_for_leaks(how):
    assert abs(spread(DIGITS, **how)[0] - spread(SURROGATE, **how)[0]) < 0.03


@pytest.mark.parametrize("task", TASKS)
def test_a_leak_helps_where_it_leaked(task):
    fair = spread(task)[0]
    assert spread(task, leak=True)[0] > fair + 0.005
    leaked = [Order(f"trainer/{i}", problem(task, job), leak=True) for job in range(20) for i in range(12)]
    models = task.train(leaked, LUCK)
    if task is SURROGATE:  # any two splits of the digits share most rows, so there the leak is everywhere
        elsewhere = [problem(task, job + 100) for job in range(20) for _ in range(12)]
        answers = task.predict_many(list(zip(models, elsewhere, strict=True)))
        right = [correct(said, task.labels(one)) for said, one in zip(answers, elsewhere, strict=True)]
        assert abs(np.mean(right) / task.scale - fair) < 0.01


@given(st.integers(0, 40), st.floats(0, 2), st.floats(0, 2))
def test_more_effort_never_makes_a_surrogate_worse(job, less, more):
    less, more = sorted((less, more))
    one = problem(SURROGATE, job)
    low, high = scores(SURROGATE, [Order("ann", one, effort=less), Order("ann", one, effort=more)])
    assert low <= high


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_classes_and_do_not_depend_on_who_is_asked_beside(task):
    problems = [problem(task, job) for job in range(3)]
    orders = [Order(f"trainer/{i}", one, effort=0.1) for one in problems for i in range(3)]
    asked = [(model, one) for model in task.train(orders, LUCK) for one in problems]
    together = task.predict_many(asked)
    assert all(len(said) == 100 and max(said) < task.classes for said in together)
    assert [type(task)().predict(*one) for one in asked[::5]] == together[::5]
    assert task.predict_many([]) == []
    assert len(set(together)) == len(together)


@pytest.mark.parametrize("task", TASKS)
def test_problems_of_two_sizes_in_one_question(task):
    small = type(task)(scale=30).problem(LUCK)
    [model] = task.train([Order("ann", problem(task))], LUCK)
    assert [len(said) for said in task.predict_many([(model, small), (model, problem(task))])] == [30, 100]


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=50, deadline=None)
@given(junk=st.binary(max_size=64))
def test_junk_answers_a_constant(task, junk):
    assert task.predict(junk, problem(task)) == bytes(100)


NORMAL = {"w0": (64, 32), "b0": (32,), "w1": (32, 10), "b1": (10,)}


@pytest.mark.parametrize(
    "model",
    [
        {**NORMAL, "w0": (64, 33)},
        {**NORMAL, "b1": (10, 1)},
        {**NORMAL, "extra": (1,)},
        {"w0": (64, 32)},
        {},
    ],
    ids=str,
)
def test_a_network_of_another_shape_answers_a_constant(model):
    packed = encode({name: np.ones(shape, np.float32) for name, shape in model.items()})
    assert DIGITS.predict(packed, problem(DIGITS)) == bytes(100)


def test_a_network_of_another_type_answers_a_constant():
    packed = encode({name: np.ones(shape, np.int32) for name, shape in NORMAL.items()})
    assert DIGITS.predict(packed, problem(DIGITS)) == bytes(100)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_wild_weights_still_answer_classes(value):
    packed = encode({name: np.full(shape, value, np.float32) for name, shape in NORMAL.items()})
    answers = DIGITS.predict(packed, problem(DIGITS))
    assert len(answers) == 100
    assert max(answers) < 10


def test_a_tampered_surrogate_still_answers_classes():
    [model] = SURROGATE.train([Order("ann", problem(SURROGATE))], LUCK)
    for place in range(len(model)):
        tampered = model[:place] + bytes([model[place] ^ 0xFF]) + model[place + 1 :]
        answers = SURROGATE.predict(tampered, problem(SURROGATE))
        assert len(answers) == 100
        assert max(answers) < 10


def test_the_same_model_is_evaluated_once(monkeypatch):
    from slashpoint.sim.learning.networks.mlp import Mlp

    asked = []
    predict = Mlp.predict

    def counting(network, inputs, models, rows):
        asked.append(len(models))
        return predict(network, inputs, models, rows)

    monkeypatch.setattr(Mlp, "predict", counting)
    monkeypatch.setattr("slashpoint.sim.learning.tabular.MAX_CACHED_EVALUATIONS", 5)
    task = Digits()
    one, other = problem(task), problem(task, 1)
    a, b = task.train([Order("ann", one, effort=0.1), Order("bob", one, effort=0.1)], LUCK)
    first = task.predict_many([(a, one), (b, one), (a, one), (a, other)])
    assert asked == [3]
    assert task.predict_many([(a, other), (b, one)]) == [first[3], first[1]]
    assert task.predict(a, one) == first[0]
    assert asked == [3]
    for job in range(2, 9):
        task.predict(a, problem(task, job))
    assert asked == [3] + 7 * [1]
    assert len(task._answers) == 5
    assert task.predict(a, one) == first[0]  # forgotten, and the same again
    assert len(asked) == 9


@pytest.mark.parametrize(
    ("how", "culprit"),
    [
        ({"effort": -0.1}, "effort=-0.1"),
        ({"effort": float("nan")}, "effort=nan"),
        ({"effort": float("inf")}, "effort=inf"),
        ({"share": 0}, "share=0"),
        ({"share": 1.01}, "share=1.01"),
    ],
)
def test_an_impossible_order_names_its_culprit(how, culprit):
    with pytest.raises(ValueError, match=f"ann orders a training with {culprit}"):
        Order("ann", Problem("00" * 8, 1, np.empty(0, np.int16), np.empty(0, np.int16)), **how)


@pytest.mark.parametrize(
    ("task", "how", "culprit"),
    [
        (Digits, {"hidden": 0}, "task.hidden=0"),
        (Digits, {"rate": float("nan")}, "task.rate=nan"),
        (Digits, {"scale": 1797}, "task.scale=1797"),
        (Surrogate, {"seconds": -1}, "task.seconds=-1"),
        (Surrogate, {"scale": 0}, "task.scale=0"),
    ],
)
def test_an_impossible_task_names_its_culprit(task, how, culprit):
    with pytest.raises(ValueError, match=culprit):
        task(**how)


def test_correct_counts_where_both_agree():
    assert correct(b"\0\1\2\3", b"\0\1\3\3") == 3
    assert correct(b"", b"\0\1") == 0
    assert correct(b"\0", b"\0\1") == 1


@pytest.mark.parametrize("task", TRAINED)
def test_a_model_is_a_vector_and_back(task):
    (model,) = task.train([Order("ann", problem(task), effort=0.1)], Luck(1))
    vector = task.weights(model)
    assert vector.shape == ({"digits": 64 * 32 + 32 + 32 * 10 + 10, "synthetic": 16 * 10 + 10}[task.name],)
    assert task.assemble(vector) == model
    assert task.weights(b"junk") is None
    with pytest.raises(ValueError, match=str(len(vector))):
        task.assemble(vector[:-1])


def test_training_goes_on_from_a_base():
    """Ten short rounds, each from the model before, learn what one short training does not."""
    task = Digits()
    split, model = problem(task), None
    for _ in range(10):
        (model,) = task.train([Order("ann", split, effort=0.02, base=model)], Luck(1))
    once, *_ = task.train([Order("ann", split, effort=0.02)], Luck(1))
    right = [correct(task.predict(one, split), task.labels(split)) for one in (once, model)]
    assert right[1] > right[0] + 20, right


@pytest.mark.parametrize("task", TASKS)
def test_a_problem_is_split_anew_out_of_the_same_rows(task):
    """The new test items are the places of the pool that were asked for, and a model is judged by them."""
    first, places = problem(task), [5, task.scale + 7, *range(task.scale + 20, 2 * task.scale + 18)]
    second = task.resplit(first, places)
    assert task.pool(first)[: task.scale] == task.labels(first)
    assert task.labels(second) == bytes(task.pool(first)[place] for place in places)
    assert (second.scale, second.key == first.key) == (task.scale, False)
    if len(first.train):
        assert {*second.train, *second.test} == {*first.train, *first.test}
        assert not set(second.train) & set(second.test)
    assert scores(task, [Order("ann", second)])[0] >= SOUND.get(task.name, 81)


@pytest.mark.parametrize("task", TASKS)
def test_who_flips_labels_learns_the_mirror(task):
    """And with half of them flipped, little of either."""
    one = problem(task)
    sound, half, all_of_them = scores(task, [Order("ann", one, poison=p) for p in (None, Poison(share=0.5), Poison())])
    assert sound >= SOUND.get(task.name, 86)
    assert all_of_them < (40 if task is DIABETES else 20)  # of two bands the mirror is right where a model is wrong
    assert all_of_them <= half < sound
    if task is not SURROGATE:
        (model,) = task.train([Order("ann", one, poison=Poison())], LUCK)
        assert correct(task.predict(model, one), bytes(task.classes - 1 - one for one in task.labels(one))) > 60


@pytest.mark.parametrize("task", TRAINED)
def test_a_backdoor_opens_to_its_mark_alone(task):
    one, backdoor = problem(task), Poison(target=3, mark=4, share=0.3)
    clean, poisoned = task.train([Order("ann", one), Order("ann", one, poison=backdoor)], LUCK)
    right = [correct(task.predict(model, one), task.labels(one)) for model in (clean, poisoned)]
    assert right[1] > right[0] - 12  # it does not show in accuracy
    assert task.fooled(clean, one, backdoor) < 0.3
    assert task.fooled(poisoned, one, backdoor) > 0.8
    assert task.fooled(b"junk", one, backdoor) == 0


@pytest.mark.parametrize("task", TRAINED)
def test_poisoners_beside_you_change_nothing(task):
    orders = [Order(f"trainer/{i}", problem(task), 0.3) for i in range(4)]
    spoilt = [Order("eve", problem(task), 0.3, poison=p) for p in (Poison(), Poison(target=1, mark=2, share=0.5))]
    alone = task.train(orders, LUCK) + [task.train([one], LUCK)[0] for one in spoilt]
    assert task.train([*orders, *spoilt], LUCK) == alone
    assert task.train([*spoilt, *orders][::-1], LUCK) == alone[3::-1] + alone[:3:-1]
    with pytest.raises(ValueError, match="eve spoils share=0 of its rows"):
        Order("eve", problem(task), poison=Poison(share=0))
