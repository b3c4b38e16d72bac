"""Pollution of a communal model: what each poison does, what each defence saves, and who is not in the sample.

`SEEDS=20 pytest tests/test_pollution.py -s -m slow` prints the tables of docs/learning.md; three seeds are usual.
"""

from __future__ import annotations

import os
from functools import cache, partial

import altair as alt
import numpy as np
import pytest
from scipy.stats import t as student

from slashpoint.experiments.study import curves
from slashpoint.sim.learning.diabetes import FORMAT
from slashpoint.sim.learning.estimators import estimator
from slashpoint.sim.learning.growing import Growth
from slashpoint.sim.learning.pollution import (
    CONTRIBUTORS,
    HELD,
    POISONS,
    TESTED,
    Community,
    biased,
    defences,
    forgetting,
    influential,
)

say = partial(print, flush=True)
SEEDS = int(os.environ.get("SEEDS", "3"))  # of the tables
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)
KINDS = {"one sex": ("sex", 1, 2), "bmi below 25": ("bmi", 0, 25), "under 45 years": ("age", 0, 45)}


@cache
def outcomes(poison, share, defence, seeds):
    """Outcomes by seed, shape (seeds, 4)."""
    communities = [Community(seed, share, poison) for seed in range(seeds)]
    return np.array([one.outcome(defences()[defence](one)) for one in communities])


def rmse(poison, share, defence, seeds=6):
    return outcomes(poison, share, defence, seeds)[:, 0].mean()


def interval(values):
    """The mean of some values and half the width of its 95 % interval, by Student's law."""
    half = student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return f"{np.mean(values):.1f} ± {half:.1f}"


def table(poison, seeds, column):
    say(f"\n| {poison} | " + " | ".join(defences()) + " |\n|---|" + "--:|" * len(defences()))
    for share in (0.0, *SHARES):
        cells = [100 ** (column > 0) * outcomes(poison, share, name, seeds)[:, column] for name in defences()]
        say(f"| {share:.0%} | " + " | ".join(map(interval, cells)) + " |")


def test_a_community_is_dealt_once_whoever_of_it_poisons():
    sound, spoilt = Community(3), Community(3, 0.5)
    held, test, own = sound.dealt
    assert [len(held), len(test), len(own)] == [HELD, TESTED, 300]
    assert all((a == b).all() for a, b in zip(sound.dealt, spoilt.dealt, strict=True))
    assert (sound.records == own).all()
    false = spoilt.owners < CONTRIBUTORS / 2
    assert (spoilt.records[~false] == own[~false]).all()
    assert (spoilt.records[false] != own[false]).any(1).mean() > 0.95
    assert len({row.tobytes() for part in sound.dealt for row in part}) == 442


@pytest.mark.parametrize("poison", POISONS)
def test_every_poison_is_within_the_format(poison):
    assert FORMAT.valid(Community(1, 0.5, poison).records).all()


def test_false_labels_spoil_a_forest_and_leave_one_out_saves_most_of_it():
    sound, spoilt = rmse("labels", 0.0, "none"), rmse("labels", 0.4, "none")
    assert spoilt > sound + 8
    for defence in ("leave one out", "Shapley"):
        assert rmse("labels", 0.4, defence) < sound + 0.35 * (spoilt - sound)


def test_a_backdoor_does_not_show_in_the_error_and_an_autoencoder_stops_it():
    none, filtered = (outcomes("backdoor", 0.2, name, 2).mean(0) for name in ("none", "autoencoder"))
    assert none[0] < rmse("labels", 0.0, "none", 2) + 4
    assert none[1] > 0.95
    assert filtered[2] == 0
    assert filtered[3] > 0.9
    assert filtered[1] < 0.1


def test_only_equal_records_are_dropped_as_copies():
    kept = outcomes("duplicates", 0.4, "distinct", 6).mean(0)
    assert kept[2] == pytest.approx(1 / 15)
    assert kept[3] == 1


def test_influence_tells_poisoners_by_a_ridge_and_not_by_a_forest():
    """A forest's own chance hides what one contributor of twenty does."""
    seeds, judges = 4, (estimator("ridge", FORMAT, ()), estimator("forest", FORMAT, (), Growth(trees=20, leaf=5)))
    ones = [Community(seed, 0.2) for seed in range(seeds)]
    found = [[one.outcome(influential(one, judge))[2:] for one in ones] for judge in judges]
    (false, sound), (lost, left) = np.mean(found, axis=1)
    say(f"\nfalse and sound records kept: {false:.0%}, {sound:.0%} by a ridge; {lost:.0%}, {left:.0%} by a forest")
    assert sound - false > 0.8
    assert sound - false > left - lost + 0.2


def test_who_is_not_in_the_sample_is_served_worse():
    inside, outside = np.mean(
        [[part.outside - part.inside for part in biased(seed, *KINDS["bmi below 25"])] for seed in range(8)], 0
    )
    assert (
        inside > outside + 5
    )  # lean patients alone contribute: the gap to heavy ones is wider than after a fair sample


def test_the_cost_of_forgetting_grows_with_the_forest():
    small, large = forgetting(10), forgetting(100, repeats=2)
    assert small.trees / 10 == pytest.approx(0.63, abs=0.2)
    assert large.trees / 100 == pytest.approx(0.63, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("poison", POISONS)
def test_print_the_error_of_the_communal_forest_with_each_defence(poison):
    table(poison, SEEDS, 0)
    assert rmse(poison, 0.0, "none", SEEDS) < 63


@pytest.mark.slow
def test_draw_the_error_of_the_communal_forest_with_each_defence():
    rows = [
        {"share": share, "error": rmse(poison, share, name, SEEDS), "defence": name, "poison": poison}
        for poison in POISONS
        for share in (0.0, *SHARES)
        for name in defences()
    ]
    x = alt.X("share:Q", title="poisoners", axis=alt.Axis(format="%"))
    y = alt.Y("error:Q", title="RMSE", scale=alt.Scale(domain=[50, 80], clamp=True))
    curves.draw("pollution", rows, x, y, "defence", "poison")
    sound = [row["error"] for row in rows if row["share"] == 0 and row["defence"] == "none"]
    assert len(set(sound)) == 1  # nobody poisons, whatever poison it would be


@pytest.mark.slow
def test_print_how_often_the_backdoor_opens_and_what_is_kept():
    table("backdoor", SEEDS, 1)
    for poison in POISONS:
        kept = [outcomes(poison, 0.3, name, SEEDS).mean(0)[2:] for name in defences()]
        say(f"\n{poison}: " + ", ".join(f"{n} {a:.0%} / {b:.0%}" for n, (a, b) in zip(defences(), kept, strict=True)))
    assert outcomes("backdoor", 0.3, "none", SEEDS).mean(0)[1] > 0.9


@pytest.mark.slow
def test_print_who_is_served_worse_by_a_biased_sample():
    for name, kind in KINDS.items():
        found = np.array([biased(seed, *kind) for seed in range(max(SEEDS, 12))])
        cells = [interval(found[:, i, j]) for i in (0, 1) for j in (0, 1)]
        say(f"\n| {name} | " + " | ".join(cells) + " |")
        assert found[:, 0, 1].mean() > found[:, 1, 1].mean()


@pytest.mark.slow
def test_print_the_cost_of_forgetting():
    forgetting(10, repeats=1)  # what is imported at the first call is not timed
    for trees in (10, 30, 100, 300):
        found = forgetting(trees)
        say(f"\n| {trees} | {found.trees:.0f} | {1000 * found.seconds:.0f} | {1000 * found.anew:.0f} |")
        assert 0.4 < found.trees / trees < 0.85
