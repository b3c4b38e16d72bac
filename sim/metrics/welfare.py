"""Welfare: what all people together gained (the total surplus), and its parts."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from slashpoint.sim.ledger.money import FEES, OUTSIDE, Cause
from slashpoint.sim.metrics import metric
from slashpoint.sim.metrics.profit import profit, wealth_change
from slashpoint.sim.metrics.run import Run, lines


@metric(unit="USD", better="higher")
def value_delivered(run: Run) -> float:
    """Value of what was delivered: what the buyers would have paid for it."""
    return float(run.tables["jobs"]["value_usd"].sum())


@metric(unit="USD", better="lower")
def compute_cost(run: Run) -> float:
    """Money that all people paid for computing."""
    return sum(run.usd(asset, amount) for asset, amount in run.paid(Cause.COMPUTE).items())


@metric(unit="USD", better="lower")
def message_cost(run: Run) -> float:
    """Money that all people paid for messages outside the chain."""
    return sum(run.usd(asset, amount) for asset, amount in run.paid(Cause.POSTAGE).items())


@metric(unit="USD", better="lower")
def gas_cost(run: Run) -> float:
    """Money that all people but bystanders paid for gas, burned or tipped, and on a rollup for data."""
    spent: dict[str, int] = defaultdict(int)
    for (who, asset), amount in run.paid(*FEES, by="sender").items():
        if run.controller.get(who) not in run.bystanders:
            spent[asset] += amount
    return sum(run.usd(asset, amount) for asset, amount in spent.items())


@metric(unit="USD", better="higher")
def welfare(run: Run) -> float:
    """Value delivered less computing, messages and gas (total surplus); money that only changes hands cancels out."""
    return value_delivered(run) - compute_cost(run) - message_cost(run) - gas_cost(run)


@metric(unit="USD", better="higher")
def surplus(run: Run) -> pd.Series:
    """Change of each person's wealth, bystanders apart, and the value of the models delivered to it."""
    better = wealth_change(run).drop(list(run.bystanders))
    for poster, value in lines(run.tables["jobs"], "poster", "value_usd"):
        if run.controller.get(poster) in better.index and not pd.isna(value):
            better[run.controller[poster]] += value
    return better


@metric(unit="USD", better="higher")
def buyer_surplus(run: Run) -> float:
    """Value delivered, and the profit (mostly negative) of the persons who posted jobs."""
    return value_delivered(run) + float(profit(run).reindex(buyers(run)).sum())


@metric(unit="USD", better="higher")
def provider_surplus(run: Run) -> float:
    """Profit of the persons who posted no job, bystanders apart."""
    return float(profit(run).drop([*buyers(run), *run.bystanders]).sum())


@metric(unit="USD", better="lower")
def deadweight_loss(run: Run) -> float:
    """Gas, computing and messages of jobs that delivered nothing: the part of the loss that a ledger can show."""
    jobs = run.tables["jobs"]
    wasted = set(jobs["job"][jobs["delivered"].isna()])
    spent = run.dollars(run.paid(*FEES, *OUTSIDE, by="job"))
    return float(spent[spent.index.isin(wasted)].sum())


def buyers(run: Run) -> list[str]:
    """List the persons who posted jobs."""
    return list(dict.fromkeys(run.controller[who] for who in run.tables["jobs"]["poster"] if who in run.controller))
