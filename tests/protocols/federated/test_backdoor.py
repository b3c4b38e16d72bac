"""A backdoor inside a protocol: what is delivered is as accurate as ever, and does what its maker wants of the mark."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest

import slashpoint
from slashpoint.experiments.report.page import page
from slashpoint.experiments.report.screen import Screen
from slashpoint.experiments.report.tables import summary
from slashpoint.sim.learning.poison import Poison

CROWD = "attack.backdoor.crowd=6"  # as many as the mean divides by


@cache
def run(protocol, *overrides, attack=("backdoor",), seed=0):
    """One small job."""
    said = ["scenario.jobs=1", *overrides]
    return slashpoint.simulate(protocol, attack=list(attack), scenario="small", seed=seed, overrides=said)


def mean(metric, *overrides, attack=("backdoor",)):
    return np.mean([run("federated", *overrides, attack=attack, seed=seed).metric(metric) for seed in range(3)])


def test_what_replaces_the_mean_fools_it_unseen_by_accuracy_and_by_the_gate():
    honest = mean("delivered_quality", attack=())
    assert mean("fooled_share", CROWD) > 0.8
    assert mean("delivered_quality", CROWD) > honest - 0.05


@pytest.mark.parametrize("aggregator", ["median", "krum", "multi_krum", "trimmed_mean"])
def test_rules_that_bear_one_liar_shut_the_door(aggregator):
    assert mean("fooled_share", CROWD, f"protocol.aggregator={aggregator}") < 0.1


def test_clipping_lets_in_a_part_however_large_the_update_is():
    """By its length alone: without a gate, for what is handed in to be all that counts."""
    clipped = mean("fooled_share", CROWD, "protocol.gate=false", "protocol.aggregator=norm_clipping+mean")
    assert clipped < mean("fooled_share", CROWD, "protocol.gate=false") - 0.5


def test_the_share_is_measured_on_what_was_delivered_by_the_truth():
    """As the task says, of the model that the sponsor can fetch, for the very mark that was trained."""
    result = run("federated", CROWD)
    (share,) = result.ledger["jobs"]["fooled"]
    scale = int(result.ledger["jobs"]["scale"].iloc[0])
    assert share == result.metric("fooled_share") > 0.5
    assert any(abs(share * others - round(share * others)) < 1e-9 for others in range(scale // 2, scale))
    assert run("federated", CROWD, "attack.backdoor.mark=1").metric("fooled_share") != share


def test_who_looks_at_a_run_sees_it():
    result, out = run("federated", CROWD), io.StringIO()
    summary(result.run, Screen(file=out, width=60))
    shown = f"{result.metric('fooled_share'):.1%}"
    assert f"marked items fooled {shown}" in " ".join(out.getvalue().split())
    about = {"protocol": "", "attack": "", "seed": 0, "reproduce": "", "engine": "", "warnings": []}
    assert "fooled</text>" in page(result.run, about)


@pytest.mark.parametrize("protocol", ["collective", "competition", "modelmarket"])
def test_every_protocol_is_measured_by_what_it_delivers(protocol):
    result = run(protocol, "task=synthetic", "protocol.rounds=3" if protocol == "collective" else "seed=0")
    assert 0 <= result.metric("fooled_share") <= 1


def test_where_nobody_trained_a_backdoor_or_nothing_can_be_marked_there_is_no_number():
    honest = run("federated", attack=())
    out = io.StringIO()
    summary(honest.run, Screen(file=out, width=60))
    assert np.isnan(honest.metric("fooled_share"))
    assert "fooled" not in out.getvalue()
    assert np.isnan(run("federated", attack=("label_flip",)).metric("fooled_share"))  # it has no mark

    class Marked(slashpoint.Conduct):
        """Marks what a surrogate has not."""

        def work(self, me, job):
            yield me.trains(job, poison=Poison(0, 4))
            return (yield from super().work(me, job))

    marked = slashpoint.simulate(attack=Marked, scenario="small", overrides=["task=surrogate", "scenario.jobs=1"])
    assert np.isnan(marked.metric("fooled_share"))
