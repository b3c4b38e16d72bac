"""Diabetes: records by value, public randomness, and answers in bands and in numbers."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import slashpoint
from slashpoint.experiments.cli import main
from slashpoint.sim.errors import Misconfigured
from slashpoint.sim.learning import Order, correct
from slashpoint.sim.learning.diabetes import FORMAT, Diabetes, data, errors
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.learning.growing import Growth, grow
from slashpoint.sim.learning.poison import Poison
from slashpoint.sim.learning.records import SCALE
from slashpoint.sim.learning.surrogate import Surrogate
from slashpoint.sim.luck import Luck

TASK = Diabetes()
LUCK = Luck(7)
SEED = b"beacon of the epoch".rjust(32)


def problem(**what):
    return replace(TASK.problem(Luck("job")), **what)


def test_the_records_are_those_of_scikit_learn_and_all_are_valid():
    from sklearn.datasets import load_diabetes

    theirs = load_diabetes(scaled=False)
    assert np.allclose(data() / SCALE, np.column_stack([theirs.data, theirs.target]), rtol=0, atol=1e-9)
    assert [field.name for field in FORMAT.features] == theirs.feature_names
    assert FORMAT.valid(data()).all()


def test_with_public_randomness_everybody_gets_the_same_whoever_they_are():
    public = problem(seed=SEED)
    one, other = TASK.train([Order("ann", public), Order("bob", public)], LUCK)
    assert one == other
    assert TASK.train([Order("", public)], Luck("another run")) == [one]
    assert TASK.train([Order("ann", problem(seed=b"another"))], LUCK) != [one]
    assert TASK.train([Order("ann", public, twist="again")], LUCK) != [one]
    assert one == grow(data()[public.train], SEED, Growth(leaf=TASK.leaf)).encode()  # which needs no luck


def test_a_seed_replaces_the_person_in_every_task():
    for task in (Digits(), Surrogate()):
        split = replace(task.problem(LUCK), seed=SEED)
        orders = [Order("ann", split, 0.1), Order("bob", split, 0.1), Order("ann", replace(split, seed=b"2"), 0.1)]
        one, same, other = task.train(orders, LUCK)
        assert one == same != other


def test_records_of_others_are_what_is_trained_on_and_junk_among_them_is_not():
    mine = data()[100:300]
    given = problem(seed=SEED, records=FORMAT.pack(mine))
    assert given != problem(seed=SEED)  # or a cache would mix them up
    (model,) = TASK.train([Order("ann", given)], LUCK)
    assert model == grow(mine, SEED, Growth(leaf=TASK.leaf)).encode()
    wild = np.vstack([mine, np.full((1, 11), 2**31 - 1)])
    assert TASK.train([Order("ann", problem(seed=SEED, records=FORMAT.pack(wild)))], LUCK) == [model]
    for nothing in (b"", b"no whole record"):
        (empty,) = TASK.train([Order("ann", problem(seed=SEED, records=nothing))], LUCK)
        assert set(TASK.answer(empty, mine[:, :-1])) == {0}


def test_records_are_a_product_too_and_poison_spoils_them():
    shop = problem(product="records")
    sound, part, bad = TASK.train(
        [Order("ann", shop), Order("ann", shop, share=0.1), Order("ann", shop, share=0.1, poison=Poison())], LUCK
    )
    assert sorted(FORMAT.parts(sound)) == sorted(FORMAT.parts(FORMAT.pack(data()[shop.train])))
    assert len(FORMAT.parts(part)) == 35
    assert set(FORMAT.parts(part)) <= set(FORMAT.parts(sound))
    rows, spoilt = FORMAT.unpack(part), FORMAT.unpack(bad)
    assert (rows[:, :-1] == spoilt[:, :-1]).all()
    median = np.median(data()[:, -1])
    assert (spoilt[:, -1] == np.maximum(2 * median - rows[:, -1], 25 * SCALE)).all()
    assert FORMAT.valid(spoilt).all()


def test_where_there_are_no_records_they_are_refused():
    for task in (Digits(), Surrogate()):
        split = task.problem(LUCK)
        for changed in (replace(split, product="records"), replace(split, records=b"")):
            with pytest.raises(ValueError, match=f"task={task.name} has no records to hand over: choose task=diabetes"):
                task.train([Order("ann", changed)], LUCK)


@pytest.mark.parametrize("bands", [2, 3, 7])
def test_bands_have_equally_many_patients(bands):
    task = Diabetes(bands=bands)
    sizes = np.bincount(task.table[1])
    assert len(sizes) == bands == task.classes
    assert all(abs(one - other) <= 12 for one, other in combinations(sizes, 2))  # labels repeat
    assert (task.band(task.middles) == np.arange(bands)).all()


def test_a_forest_explains_about_half_of_the_variance_and_the_mean_nothing():
    split = problem()
    (model,) = TASK.train([Order("ann", split)], LUCK)
    found = TASK.errors(model, split)
    assert 45 < found.rmse < 62
    assert 35 < found.mae < found.rmse
    assert 0.35 < found.r2 < 0.6
    truth = np.array([1, 2, 6]) * SCALE
    assert errors(np.full(3, 3 * SCALE), truth) == pytest.approx(((14 / 3) ** 0.5, 2, 0))
    assert errors(truth, truth) == (0, 0, 1)


def test_an_unknown_model_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"task.model=forst: .*forest"):
        Diabetes(model="forst")


def test_a_forest_has_no_weights_and_says_who_has():
    with pytest.raises(NotImplementedError, match=r"task.model=forest has no weights: choose one of .*ridge"):
        TASK.weights(b"")


def test_a_linear_model_moves_from_its_base_as_far_as_its_effort():
    task = Diabetes(model="ridge")
    split = problem()
    base = task.assemble(np.linspace(-1, 1, 11))
    none, half, full, more = task.train([Order("", split, effort, base=base) for effort in (0, 0.5, 1, 3)], LUCK)
    assert none == base
    assert full == more
    assert np.allclose(task.weights(half) * 2, task.weights(base) + task.weights(full), atol=1e-6)
    assert correct(task.predict(full, split), task.labels(split)) > 65


def test_a_region_is_poisoned_and_the_rest_of_the_world_is_not():
    shop, poison = problem(product="records"), Poison(region=("bmi", 30, 100))
    sound, bad = (
        FORMAT.unpack(one) for one in TASK.train([Order("ann", shop), Order("ann", shop, poison=poison)], LUCK)
    )
    heavy = sound[:, 2] >= 30 * SCALE
    assert 0 < heavy.sum() < len(heavy)
    assert (sound[~heavy] == bad[~heavy]).all()
    assert (sound[heavy, -1] != bad[heavy, -1]).mean() > 0.9
    with pytest.raises(ValueError, match=r"feature 'bim': .*bmi"):
        TASK.train([Order("ann", shop, poison=Poison(region=("bim", 0, 1)))], LUCK)


def test_copies_and_garbage_fit_the_format():
    shop = problem(product="records")
    copies, junk = (
        FORMAT.unpack(one)
        for one in TASK.train([Order("ann", shop, poison=p) for p in (Poison(copies=True), Poison(junk=True))], LUCK)
    )
    assert len(np.unique(copies, axis=0)) == 1
    assert copies[0].tolist() in data().tolist()
    assert len(np.unique(junk, axis=0)) == len(junk)
    assert FORMAT.valid(junk).all()
    assert TASK.train([Order("ann", shop, poison=Poison(junk=True))], LUCK) == [FORMAT.pack(junk)]


def test_who_is_lazy_repeats_few_records_and_who_does_nothing_makes_them_up():
    shop = problem(product="records")
    lazy, idle = (FORMAT.unpack(TASK.train([Order("ann", shop, effort)], LUCK)[0]) for effort in (0.05, 0))
    assert len(lazy) == len(idle) == 342
    assert len(np.unique(lazy, axis=0)) == 18
    assert {*map(tuple, lazy.tolist())} <= {*map(tuple, data().tolist())}
    assert not {*map(tuple, idle.tolist())} & {*map(tuple, data().tolist())}
    assert FORMAT.valid(idle).all()


def test_poison_for_records_is_refused_where_there_are_none():
    split = Digits().problem(LUCK)
    for poison in (Poison(junk=True), Poison(copies=True), Poison(region=("bmi", 0, 1))):
        with pytest.raises(ValueError, match="region, copies and junk are for records"):
            Digits().train([Order("ann", split, poison=poison)], LUCK)


@pytest.mark.parametrize("model", ["forest", "ridge", "knn"])
def test_the_number_of_bands_changes_nothing_but_who_is_right(model):
    split = problem(seed=SEED)
    two, five = (Diabetes(model=model, bands=bands) for bands in (2, 5))
    assert two.train([Order("", split)], LUCK) == five.train([Order("", split)], LUCK)
    (fitted,) = two.train([Order("", split)], LUCK)
    assert two.errors(fitted, split) == five.errors(fitted, split)
    assert two.predict(fitted, split) != five.predict(fitted, split)


@pytest.mark.parametrize(
    ("protocol", "overrides"),
    [
        ("modelmarket", ["task.trees=10"]),
        ("competition", ["task.trees=10"]),  # 16,384 bytes are its limit
        ("collective", ["task.model=ridge"]),
        ("federated", ["task.model=linear", "scenario.jobs=1"]),
    ],
)
def test_diabetes_plays_in(protocol, overrides):
    small = {} if protocol == "federated" else {"scenario": "small"}  # sets epochs in small
    result = slashpoint.simulate(protocol, overrides=["task=diabetes", *overrides], **small)
    assert list(result.violations["complaint"]) == []
    jobs = result.ledger["jobs"]
    assert (jobs["delivered"] > 0.55 * jobs["scale"]).mean() >= 2 / 3


def test_a_forest_is_refused_where_weights_are_averaged():
    for protocol in ("federated", "collective"):
        with pytest.raises(Misconfigured, match=r"task.model=forest has no weights: choose one of elastic_net, lasso"):
            slashpoint.simulate(protocol, overrides=["task=diabetes"])


def test_a_run_says_how_far_off_what_was_delivered_is_and_nothing_where_classes_are_learnt(capsys):
    said = ["task=diabetes", "task.trees=10", "scenario.jobs=1"]
    result = slashpoint.simulate(scenario="small", overrides=said)
    (error,) = result.ledger["jobs"]["rmse"]
    assert 45 < error < 75  # 77 is the error of the mean label
    assert result.metric("model_rmse") == error
    classes = slashpoint.simulate(scenario="small", overrides=["scenario.jobs=1"])
    assert np.isnan(classes.metric("model_rmse"))
    assert main(["run", "scenario=small", *said]) == 0
    assert ["RMSE", "of", "delivered", "models", f"{error:.1f}"] in [
        line.split()[:5] for line in capsys.readouterr().out.splitlines()
    ]
    with pytest.raises(NotImplementedError, match="task=surrogate learns classes"):
        Surrogate().errors(b"", Surrogate().problem(LUCK))
