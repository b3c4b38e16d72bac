"""What a model tells about its training rows, and what its answers tell about itself."""

from __future__ import annotations

from dataclasses import replace

import altair as alt
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsRegressor

from slashpoint import simulate
from slashpoint.experiments.study import curves
from slashpoint.experiments.study.stats import t_interval
from slashpoint.sim.learning import Order, correct, leakage
from slashpoint.sim.learning.diabetes import Diabetes
from slashpoint.sim.learning.digits import Digits
from slashpoint.sim.learning.mnist import Mnist
from slashpoint.sim.learning.surrogate import Surrogate
from slashpoint.sim.learning.synthetic import Synthetic
from slashpoint.sim.luck import Luck

SEEDS = range(20)
TOLD = (11, 50, 100, 300)  # queries in the table


def trained(task, luck, effort=1.0, rows=None):
    """A problem, of `rows` training rows if so many are wanted, and the model of somebody who trained for it."""
    problem = task.problem(luck)
    if rows is not None:
        problem = replace(problem, key=problem.key[:8] + f"{rows:08x}", train=problem.train[:rows])
    return problem, task.train([Order("somebody", problem, effort)], luck)[0]


# --- membership ---


def test_the_area_is_scikit_learns_with_ties_and_without():
    generator = Luck("auc").generator()
    for scale in (3, 10**9):
        members, others = generator.integers(scale, size=80) + 1.0, generator.integers(scale, size=50) * 1.0
        expected = roc_auc_score(np.r_[np.ones(80), np.zeros(50)], np.r_[members, others])
        assert leakage.auc(members, others) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(leakage.auc(members, others[:0]))
    assert leakage.auc(np.array([np.nan]), np.array([0.0])) == 0


def test_scores_of_one_distribution_tell_nothing():
    """The mean of 200 areas is 0.5, within three standard errors of the Mann-Whitney statistic."""
    members, others = 100, 60
    areas = []
    for seed in range(200):
        scores = Luck("one distribution", seed).generator().standard_normal(members + others)
        areas.append(leakage.auc(scores[:members], scores[members:]))
    error = np.sqrt((members + others + 1) / (12 * members * others) / len(areas))
    assert abs(np.mean(areas) - 0.5) < 3 * error
    assert np.std(areas) == pytest.approx(error * np.sqrt(len(areas)), rel=0.15)


def test_a_model_that_memorises_tells_every_training_row():
    generator = Luck("memory").generator()
    rows, truth = generator.standard_normal((400, 5)), generator.standard_normal(400)
    nearest = KNeighborsRegressor(1).fit(rows[:200], truth[:200])
    losses = (nearest.predict(rows) - truth) ** 2
    assert leakage.auc(-losses[:200], -losses[200:]) == 1


def test_what_is_no_model_tells_nothing():
    for task in (Synthetic(), Digits()):
        assert leakage.membership(task, b"junk", task.problem(Luck(0))) == 0.5


@pytest.mark.parametrize("task", [Synthetic(), Digits(), Digits(model="cnn"), Digits(model="linear"), Mnist()])
def test_the_answer_is_where_the_loss_says_that_it_is_likely(task):
    """A loss under log 2 is a probability over a half: such a row is answered rightly, whatever the network."""
    problem, model = trained(task, Luck("loss"), effort=0.2)
    losses = task.losses(model, problem, "test")
    right = np.frombuffer(task.predict(model, problem), np.uint8) == np.frombuffer(task.labels(problem), np.uint8)
    assert losses.shape == (100,)
    assert right[losses < np.log(2)].all()
    assert not right[losses > np.log(10)].any()
    assert len(task.losses(model, problem)) == len(problem.train)


def test_a_forest_that_fits_every_row_knows_them():
    for task, low, high in ((Diabetes(leaf=1, trees=20), 0.7, 1), (Diabetes(depth=4, leaf=10, trees=20), 0.4, 0.7)):
        problem, model = trained(task, Luck("forest"))
        assert low < leakage.membership(task, model, problem) < high
        assert leakage.membership(task, b"junk", problem) == 0.5
        assert 0.4 < leakage.copied(task, model, problem) <= 1


def test_an_overfitted_network_tells_more_than_one_that_stops_early():
    """Sixty training rows: after one pass over them they are nearly like others, after two hundred they are known."""
    areas = {
        epochs: [
            leakage.membership(task, model, problem)
            for task in [Digits(epochs=epochs)]
            for problem, model in [trained(task, Luck("overfit", seed), rows=60) for seed in range(8)]
        ]
        for epochs in (1, 200)
    }
    assert np.mean(areas[1]) < 0.65
    assert np.mean(areas[200]) > np.mean(areas[1]) + 0.1


def test_weights_that_are_no_numbers_are_no_error():
    task = Synthetic()
    model = task.assemble(np.full(170, np.nan, np.float32))
    assert leakage.membership(task, model, task.problem(Luck(0))) == 0.5


def test_shadow_models_tell_more_than_a_threshold():
    task = Digits(epochs=100)
    found = []
    for seed in range(4):
        problem, model = trained(task, Luck("shadows", seed), rows=100)
        threshold = leakage.membership(task, model, problem)
        found.append((threshold, leakage.shadow_attack(task, model, problem, 16, Luck("attack", seed))))
    threshold, shadows = np.mean(found, 0)
    assert shadows > threshold + 0.03
    assert shadows > 0.7


def test_shadow_models_find_what_differs_only_for_members():
    """Two rows, one easy and one hard: a threshold takes the easy one for a member, LiRA the one that was learnt."""
    inside = np.array([[True, False], [False, True]] * 4)
    usual = np.array([5.0, 0.0])
    shadows = usual + inside * 2.0 + np.linspace(-0.1, 0.1, 8)[:, None]
    ratio = leakage.likelihood_ratio(usual + np.array([0.0, 2.0]), shadows, inside)
    assert ratio[0] < 0 < ratio[1]
    with pytest.raises(ValueError, match="fewer than two"):
        leakage.likelihood_ratio(usual, shadows[:2], inside[:2])


@pytest.mark.slow
def test_forests_and_networks_that_overfit_give_their_rows_away_and_others_do_not():
    """`pytest tests/test_leakage.py -m slow -s` prints the tables of docs/privacy.md."""
    lines = {}
    for name, task, rows in (
        ("forest, trees of any depth, leaves of 1", Diabetes(leaf=1), None),
        ("forest, depth 4, leaves of 10", Diabetes(depth=4, leaf=10), None),
        ("network, 200 passes over 100 rows", Digits(epochs=200), 100),
        ("network, 5 passes over 100 rows", Digits(epochs=5), 100),
        ("network, 10 passes over 1,697 rows", Digits(), None),
    ):
        found = []
        for seed in range(8):
            problem, model = trained(task, Luck("table", seed), rows=rows)
            right = correct(task.predict(model, problem), task.labels(problem)) / problem.scale
            shadows = leakage.shadow_attack(task, model, problem, 16, Luck("attack", seed))
            found.append((right, leakage.membership(task, model, problem), shadows))
        lines[name] = [t_interval(column) for column in zip(*found, strict=True)]
        print(f"| {name} |", " | ".join(f"{one.mean:.2f} ± {one.half_width:.2f}" for one in lines[name]), "|")  # noqa: T201
    overfitted, regular, long, short, _ = lines.values()
    for much, little in ((overfitted, regular), (long, short)):
        assert much[1].low > little[1].high
        assert much[2].low > 0.5
    assert overfitted[1].low > 0.7


@pytest.mark.slow
def test_more_answers_make_a_better_copy():
    """The inputs that are asked about are training inputs; a copy is compared on test inputs."""
    budgets, points = (11, 20, 35, 50, 70, 100, 170, 300), []
    for name, task in (
        ("diabetes, linear, numbers", Diabetes(model="linear")),
        ("diabetes, forest, numbers", Diabetes()),
        ("digits, network, classes", Digits()),
        ("digits, network, scores of each class", Digits()),
        ("synthetic, softmax, classes", Synthetic()),
    ):
        found = []
        for seed in range(8):
            problem, model = trained(task, Luck("table", seed))
            queries, fresh = (task.inputs_of(problem, part) for part in ("train", "test"))
            answer = answers(task, model, problem, name.rpartition(" ")[2])
            found.append([one.fidelity for one in leakage.extraction(answer, queries, fresh, budgets, seed)])
        means = [t_interval(column) for column in zip(*found, strict=True)]
        shown = [one for at, one in zip(budgets, means) if at in TOLD]
        cells = ("below 0" if one.mean < 0 else f"{one.mean:.2f} ± {one.half_width:.2f}" for one in shown)
        print(f"| {name} |", " | ".join(cells), "|")  # noqa: T201
        kind = {"model": name, "task": name.split(",")[0]}
        points += [
            kind | {"queries": at, "fidelity": one.mean, "low": one.low, "high": one.high}
            for at, one in zip(budgets, means)
            if one.low > 0
        ]
        assert means[-1].mean > 0.75
        assert means[-1].mean > means[0].mean or means[0].low > 0.99
    x = alt.X("queries:Q", scale=alt.Scale(type="log", domain=[10, 300]))
    curves.draw(
        "fidelity", points, x, alt.Y("fidelity:Q", title="fidelity", scale=alt.Scale(domain=[0, 1])), "model", "task"
    )


def answers(task, model, problem, kind):
    """What a model says of rows of a problem: numbers, classes, or a score of each class."""
    places = {
        row.tobytes(): i
        for part in ("train", "test")
        for i, row in zip(getattr(problem, part), task.inputs_of(problem, part))
    }

    def answer(rows):
        chosen = np.array([places[row.tobytes()] for row in rows])
        if kind == "numbers":
            return task.answer(model, task.table[0][chosen]) / 1e4
        if kind == "class":
            return task.network.logits(task.inputs, task._weights(model), chosen)
        asked = replace(problem, key=f"{chosen.tobytes()!r}", test=chosen, scale=len(chosen))
        return np.frombuffer(task.predict(model, asked), np.uint8)

    return answer


# --- extraction ---


def test_a_linear_model_is_copied_by_one_query_more_than_it_has_inputs():
    generator = Luck("linear").generator()
    weights, rows = generator.standard_normal(7), generator.standard_normal((60, 7))

    def answer(some):
        return some @ weights + 3

    few, exact, more = leakage.extraction(answer, rows[:30], rows[30:], (7, 8, 30), 1, price=0.5)
    assert few.fidelity < 0.999
    assert exact.fidelity == pytest.approx(1, abs=1e-9)
    assert more == (30, 15.0, pytest.approx(1, abs=1e-9))


def test_log_odds_of_a_logistic_model_give_it_away_and_classes_take_more_queries():
    rows, truth = Digits().table
    rows = rows / 16
    model = LogisticRegression(max_iter=1000).fit(rows[:1000], truth[:1000])
    open_, closed = (
        [one.fidelity for one in leakage.extraction(answer, rows[:1000], rows[1000:], (65, 130, 1000), 1)]
        for answer in (model.decision_function, model.predict)
    )
    assert open_[1] > 0.999
    assert closed[0] < closed[2] < open_[1]
    assert closed[2] > 0.85


def test_a_forest_is_copied_better_with_more_queries_but_not_exactly_by_a_line():
    rows, truth = Digits().table
    forest = RandomForestClassifier(50, random_state=1, n_jobs=1).fit(rows[:800], truth[:800])
    found = [one.fidelity for one in leakage.extraction(forest.predict, rows[800:1500], rows[1500:], (20, 100, 700), 1)]
    assert found == sorted(found)
    assert 0.6 < found[1] < found[2] < 1


def test_queries_beyond_the_rows_are_refused():
    with pytest.raises(ValueError, match="budget=3 queries, and there are 2 rows"):
        leakage.extract(lambda some: some[:, 0], np.zeros((2, 1)), 3, 1)


# --- in a run ---


def test_a_run_says_what_its_models_give_away():
    result = simulate(scenario="small", seed=3, overrides=["task=digits", "task.epochs=30"])
    jobs = result.ledger["jobs"]
    assert result.metric("membership_auc") == pytest.approx(jobs["membership"].mean())
    assert 0.45 < result.metric("membership_auc") < 0.65
    assert result.metric("copied_share") == pytest.approx(jobs["copied"].mean())
    assert 0.5 < result.metric("copied_share") < 1


def test_a_run_with_a_surrogate_says_nothing_of_rows():
    result = simulate(scenario="small", overrides=["task=surrogate"])
    assert result.ledger["jobs"]["delivered"].notna().any()
    assert np.isnan(result.metric("membership_auc"))
    assert np.isnan(result.metric("copied_share"))
    with pytest.raises(NotImplementedError, match="task=surrogate has no rows"):
        Surrogate().losses(b"", Surrogate().problem(Luck(0)))
