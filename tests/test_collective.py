"""Collective learning as it is played: what is learnt together, who decides, what attacks and privacy cost."""

from __future__ import annotations

import json
from functools import cache

import pytest

import slashpoint

QUICK = ("scenario.jobs=1",)


@cache
def run(*overrides, attack=(), seed=0):
    """One small experiment; kept, for several tests compare with the same."""
    said = [*QUICK, *overrides]
    return slashpoint.simulate("collective", scenario="small", attack=attack, seed=seed, overrides=said)


def told(result, event):
    events = result.ledger["events"]
    return [json.loads(args) for args in events[events["event"] == event]["args"]]


def tallies(result):
    """By round: approvals, negative where the proposal was rejected."""
    return [one["approvals"] if one["accepted"] else -one["approvals"] for one in told(result, "RoundTallied")]


@pytest.mark.parametrize("variant", ["hardened", "seed"])
@pytest.mark.parametrize("seed", [0, 1])
def test_together_they_learn_more_than_anybody_alone(variant, seed):
    result = run(f"protocol.variant={variant}", seed=seed)
    assert list(result.violations["complaint"]) == []
    assert set(result.ledger["jobs"]["outcome"]) == {"finished"}
    first = told(result, "ExperimentCreated")[0]["initCid"]
    models = result.ledger["models"].set_index("cid")
    assert models["correct"][first.removeprefix("0x")] < 30
    assert result.metric("delivered_quality") > 0.85
    assert len(told(result, "RoundBegan")) == 15
    assert len(told(result, "GlobalUpdated")) == sum(one > 0 for one in tallies(result)) > 1
