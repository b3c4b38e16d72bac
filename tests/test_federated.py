"""Federated training as people play it: rounds, payments, data that stay, and every way that a job can end."""

from __future__ import annotations

from functools import cache

import pytest

import slashpoint


@cache
def run(*overrides, attack=(), seed=0):
    """One small job; kept, for several tests compare with the same."""
    said = ["scenario.jobs=1", *overrides]
    return slashpoint.simulate("federated", attack=attack, scenario="small", seed=seed, overrides=said)


def outcome(result):
    return set(result.ledger["jobs"]["outcome"])


def paid(result, cause="reward"):
    """What each account had withdrawn for a cause, whole MDC."""
    rows = result.ledger["transfers"]
    rows = rows[(rows["cause"] == cause) & (rows["asset"] == "MDC")]
    return {who: sum(map(int, some)) / 10**18 for who, some in rows.groupby("receiver")["amount"]}


@pytest.mark.parametrize("variant", ["seed", "hardened"])
def test_a_job_of_three_rounds_pays_whoever_improved_the_model(variant):
    result = run(f"protocol.variant={variant}")
    assert outcome(result) == {"completed"}
    assert list(result.violations["complaint"]) == []
    assert result.metric("delivered_quality") > 0.6
    sent = result.ledger["transactions"]
    vouchers = int((sent["function"] == "executeVoucher").sum())
    assert sum(paid(result).values()) == 5 * vouchers
    assert vouchers == 18 if variant == "seed" else 12 < vouchers <= 18
    assert not (result.ledger["transfers"]["cause"] == "unknown").any()
    assert (sent["status"] == "success").all()
