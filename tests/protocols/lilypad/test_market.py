"""Lilypad as it is played: who is paid for what, what checking and redundancy catch, and what every timeout does."""

from __future__ import annotations

import pytest

import slashpoint
from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.run import build
from slashpoint.sim.ledger import Ledger


def run(*overrides, attack=(), seed=0, jobs=1):
    """One small run."""
    return slashpoint.simulate("lilypad", attack, "small", seed, [f"scenario.jobs={jobs}", *overrides])


def outcomes(result):
    return list(result.ledger["jobs"]["outcome"])


def stuck(result):
    """MDC that the contract holds and owes to nobody."""
    table = result.metrics
    return sum(table[(table["name"] == "stuck_funds") & (table["key"] == "Lilypad:MDC")]["value"])


MODES = {
    "mediation": (),
    "always checked": ("protocol.check=1",),
    "redundancy": ("protocol.verification=redundancy",),
    "open redundancy": ("protocol.verification=redundancy", "protocol.commit_results=false"),
    "no verification": ("protocol.verification=none",),
}
PAID = {"mediation": "accepted", "always checked": "mediation accepted", "no verification": "accepted"}


@pytest.mark.parametrize("variant", ["hardened", "literal"])
@pytest.mark.parametrize("mode", MODES)
def test_honest_work_is_paid_whatever_the_verification(mode, variant):
    result = run(f"protocol.variant={variant}", *MODES[mode], seed=1)
    assert list(result.violations["complaint"]) == []
    assert outcomes(result) == [PAID.get(mode, "verified")]
    assert result.metric("delivered_share") == 1
    assert stuck(result) == 0


def trained(*overrides, attack=()):
    """By who trained for the job: the model that it made."""
    said = ["protocol=lilypad", "scenario=small", "scenario.jobs=1", "protocol.verification=redundancy", *overrides]
    world = build(compose([*said, *(f"attack={one}" for one in attack)]), Ledger(None))
    world.run(1, 2000)
    world.forget()
    market = world.markets[0]
    (job,) = market.jobs.values()
    return {fact.provider: world.store.get(fact.result) for fact in world.facts.of(market.ResultRevealed, job.key)}


@pytest.mark.parametrize("task", ["surrogate", "synthetic"])
def test_exact_trainings_of_two_people_are_equal_to_the_byte(task):
    exact = trained(f"task={task}")
    assert len(exact) == 3
    assert len(set(exact.values())) == 1
    ordinary = trained(
        f"task={task}", "protocol.deterministic=false", "protocol.engine=docker", "protocol.reproducible_only=false"
    )
    assert len(set(ordinary.values())) == len(ordinary) >= 3
