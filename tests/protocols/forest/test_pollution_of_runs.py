"""What pollutes the communal model of a run, and which defence keeps its error down.

`SEEDS=10 pytest tests/protocols/forest/test_pollution_of_runs.py -s -m slow` prints the table of the page.
"""

from __future__ import annotations

import os
from functools import cache, partial

import numpy as np
import pytest
from scipy.stats import t as student

import slashpoint

say = partial(print, flush=True)
SEEDS = int(os.environ.get("SEEDS", "2"))  # of the table
CONTRIBUTORS = 6
DEFENCES = {  # of the rules
    "none": ("filter=none", "quota=0", "deposit=0"),
    "deposit and quota": ("filter=none",),
    "knn": ("filter=knn",),
    "autoencoder": ("filter=autoencoder",),
    "loo": ("filter=loo",),
}
ATTACKS = ("label_flip", "targeted_poisoner", "backdoor", "format_valid_garbage", "duplicate_submitter")


@cache
def outcome(attack, poisoners, defence, seed):
    """The error of the communal model, the share of marked items that it takes for the backdoor's, packets rejected."""
    said = [f"protocol.{rule}" for rule in DEFENCES[defence]]
    said += ["scenario.jobs=1", f"protocol.seats.contributor={CONTRIBUTORS}", f"scenario.attackers={max(1, poisoners)}"]
    result = slashpoint.simulate("forest", attack if poisoners else (), "small", seed, said)
    rejected = (result.ledger["events"]["event"] == "DataRejected").sum()
    return result.metric("model_rmse"), result.metric("fooled_share"), float(rejected)


def interval(values):
    """The mean of some values and half the width of its 95 % interval, by Student's law."""
    half = student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return f"{np.mean(values):.1f} ± {half:.1f}"


def cell(attack, poisoners, defence):
    found = np.array([outcome(attack if poisoners else "", poisoners, defence, seed) for seed in range(SEEDS)])
    opened = f", opens {np.mean(found[:, 1]):.0%}" if attack == "backdoor" and poisoners else ""
    return f"{interval(found[:, 0])} ({found[:, 2].mean():.1f}{opened})"


def test_without_a_filter_a_deposit_and_a_quota_change_nothing_but_how_often_one_hands_in():
    lie, copies = (
        [outcome(attack, 1, name, 0)[0] for name in ("none", "deposit and quota")]
        for attack in ("label_flip", "duplicate_submitter")
    )
    assert lie[0] == lie[1]
    assert copies[0] != copies[1]


def mean(attack, poisoners, defence, column=0):
    return np.mean([outcome(attack, poisoners, defence, seed)[column] for seed in range(2)])


def test_mirrored_labels_of_half_of_the_contributors_show_in_the_error_and_leave_one_out_saves_half_of_it():
    sound = mean("", 0, "loo")
    spoilt, saved = (mean("label_flip", 3, name) for name in ("none", "loo"))
    assert spoilt > sound + 10
    assert saved < (sound + spoilt) / 2


def test_a_backdoor_opens_unless_an_autoencoder_rejects_what_bears_its_mark():
    assert mean("backdoor", 1, "none", 1) > 0.6
    assert mean("backdoor", 1, "autoencoder", 1) < 0.4
    assert mean("backdoor", 1, "none") < mean("", 0, "none") + 4


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_print_the_error_of_the_communal_model_by_share_of_poisoners_and_defence(attack):
    """A table of the page: RMSE with its 95 % interval, and how many of the twelve packets were rejected."""
    shown = [name for name in DEFENCES if name != "none" or attack == "duplicate_submitter"]
    say(f"\n| {attack} | " + " | ".join(shown) + " |\n|--:|" + "--:|" * len(shown))
    for poisoners in range(CONTRIBUTORS // 2 + 1):
        cells = (cell(attack, poisoners, name) for name in shown)
        say(f"| {poisoners} of {CONTRIBUTORS} | " + " | ".join(cells) + " |")
    assert outcome("", 0, "loo", 0)[0] < 77  # the error of the mean label alone
