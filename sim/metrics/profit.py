"""Profit: which person earned what, and how it is distributed."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd

from slashpoint.sim.ledger.money import EDGE, Cause
from slashpoint.sim.metrics import metric
from slashpoint.sim.metrics.run import Run, lines, spreads


@metric(unit="USD", better="higher")
def profit(run: Run) -> pd.Series:
    """Profit of each person in all assets at the final prices, less gas and computing, money owed to it included."""
    return run.dollars(run.net, run.people.index)


@metric(unit="USD", better="higher")
def wealth_change(run: Run) -> pd.Series:
    """Change of each person's wealth: profit, and how the price of its endowment rose or fell."""
    change = {asset: price - run.begun.get(asset, price) for asset, price in run.prices.items()}
    moved = profit(run)
    for (who, asset), amount in run.endowments.items():
        moved[who] += run.whole(asset, amount) * change[asset]
    return moved


@metric(unit="USD", better="higher")
def profit_by_role(run: Run) -> pd.DataFrame:
    """Mean, extremes and quantiles of profit over the persons of each role."""
    return spreads(profit(run), run.people["role"])


@metric(unit="USD")
def profit_by_strategy(run: Run) -> pd.DataFrame:
    """Mean, extremes and quantiles of profit over the persons of each role and strategy."""
    return spreads(profit(run), [run.people["role"], run.people["strategy"]])


@metric(unit="persons")
def persons(run: Run) -> pd.Series:
    """Count of persons of each role and strategy."""
    return run.people.groupby(["role", "strategy"]).size()


@metric(unit="USD", better="lower")
def attacker_profit(run: Run) -> float:
    """Profit of all attackers together; not a number when there are none."""
    attackers = run.people["attacker"]
    return float(profit(run)[attackers].sum(min_count=1))


@metric(unit="USD", better="higher")
def honest_profit(run: Run) -> float:
    """Profit of all honest persons together."""
    return float(profit(run)[~run.people["attacker"]].sum())


@metric(unit="USD")
def locked(run: Run) -> pd.Series:
    """Greatest net amount that each person had in contracts at one time, at the final prices."""
    worth: dict[str, float] = defaultdict(float)
    most = dict.fromkeys(run.people.index, 0.0)
    transfers = run.tables["transfers"]
    for sender, receiver, asset, amount in lines(transfers, "sender", "receiver", "asset", "amount"):
        payer, payee = run.controller.get(sender), run.controller.get(receiver)
        if payer and not payee and receiver not in EDGE:
            worth[payer] += run.usd(asset, amount)
            most[payer] = max(most[payer], worth[payer])
        elif payee and not payer and sender not in EDGE:
            worth[payee] -= run.usd(asset, amount)
    return pd.Series(most, dtype=float)


@metric(unit="1", better="higher")
def return_on_locked(run: Run) -> pd.Series:
    """Profit over the greatest amount locked in contracts (return on capital), for each person who locked something."""
    capital = locked(run)
    return (profit(run) / capital)[capital > 0]


@metric(unit="USD")
def winnings(run: Run) -> pd.Series:
    """Rewards received by each person who was asked to work or received one."""
    duties = run.tables["duties"]
    workers = dict.fromkeys(duties["controller"][duties["duty"] == "work"], 0.0)
    received = run.paid(Cause.REWARD, by="receiver")
    mine = {(run.controller[who], asset): 0 for who, asset in received if who in run.controller}
    for (who, asset), amount in received.items():
        if who in run.controller:
            mine[run.controller[who], asset] += amount
    return run.dollars(mine, workers | {who: 0.0 for who, _ in mine})


@metric(unit="1", better="lower")
def hhi_of_winnings(run: Run) -> float:
    """Herfindahl-Hirschman index of the rewards: the sum of squared shares, 1 when one person takes all."""
    won = winnings(run)
    return float(((won / won.sum()) ** 2).sum()) if won.sum() else float("nan")


@metric(unit="1", better="lower")
def gini_of_winnings(run: Run) -> float:
    """Gini coefficient of the rewards among those who were asked to work: 0 when all get the same."""
    won = winnings(run).sort_values()
    n = len(won)
    if not won.sum():
        return float("nan")
    return float(2 * (won * np.arange(1, n + 1)).sum() / (n * won.sum()) - (n + 1) / n)
