"""What was delivered, when, and what was left behind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from slashpoint.sim.ledger.columns import COPY
from slashpoint.sim.metrics import metric
from slashpoint.sim.metrics.run import Run, lines, spread, total
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVES = 0.25  # the least share of the way from a guess to a perfect model at which a job counts as served
DATA_STAY = "data_never_leave_their_owners"  # the invariant of protocols in which data stay with their owners
CANCELLED = "cancelled"  # the outcome of a job that its poster took back


@metric(unit="jobs")
def outcomes(run: Run) -> pd.Series:
    """Count of jobs that ended in each way; `open` when the run ended first."""
    jobs = run.tables["jobs"]
    return jobs["outcome"].where(jobs["closed_ns"].notna(), "open").fillna("none").value_counts().sort_index()


@metric(unit="1", better="higher")
def delivered_quality(run: Run) -> float:
    """Mean share of right answers of what was delivered, over jobs not cancelled; nothing delivered counts as 0."""
    jobs = due(run)
    return float((jobs["delivered"].fillna(0) / jobs["scale"]).mean()) if len(jobs) else math.nan


@metric(unit="units of the label", better="lower")
def model_rmse(run: Run) -> float:
    """Mean root mean squared error of delivered models on their jobs' test items; not a number where none is a number.

    A share of right answers says in which band a number lies, this how far it is off: for tasks that learn numbers.
    """
    return float(run.tables["jobs"]["rmse"].astype(float).mean())


@metric(unit="1", better="lower")
def fooled_share(run: Run) -> float:
    """Mean share of marked items that a delivered model assigns to a backdoor's class, where a backdoor was trained."""
    return float(run.tables["jobs"]["fooled"].astype(float).mean())


@metric(unit="1", better="lower")
def membership_auc(run: Run) -> float:
    """Mean chance that a delivered model errs less on a training row of its job than on a test row; 0.5 is a guess."""
    return float(run.tables["jobs"]["membership"].astype(float).mean())


@metric(unit="1", better="lower")
def copied_share(run: Run) -> float:
    """Mean share of test items on which a copy agrees that is distilled from 100 answers of a delivered model."""
    return float(run.tables["jobs"]["copied"].astype(float).mean())


@metric(unit="complaints", better="lower")
def leaked_data(run: Run) -> float:
    """Count of complaints that private rows are where others can read them; not a number where nobody looks.

    The invariant is `data_never_leave_their_owners`, of the protocols that keep data private.
    """
    if DATA_STAY not in run.expected.get("invariants", ()):
        return math.nan
    return float((run.tables["violations"]["invariant"] == DATA_STAY).sum())


@metric(unit="1", better="higher")
def service_share(run: Run) -> float:
    """Share of the scenario's jobs whose model is at least a quarter of the way from a guess to a perfect one."""
    jobs, wanted = run.tables["jobs"], run.config.get("scenario", {}).get("jobs", 0)
    guess = run.config.get("protocol", {}).get("value_floor", 0.0)
    served = (jobs["delivered"].fillna(0) / jobs["scale"] >= guess + SERVES * (1 - guess)).sum()
    return float(served / max(wanted, len(jobs))) if wanted or len(jobs) else math.nan


@metric(unit="1", better="higher")
def delivered_share(run: Run) -> float:
    """Share of jobs that ended, and were not cancelled, in which something was delivered."""
    jobs = due(run)
    return float(jobs["delivered"].notna().mean()) if len(jobs) else math.nan


@metric(unit="1", better="lower")
def better_passed_over(run: Run) -> float:
    """Share of jobs with a delivery for which somebody had trained a better model than the one delivered."""
    jobs = due(run)
    jobs = jobs[jobs["delivered"].notna()]
    best = run.tables["models"].groupby("job")["correct"].max()
    return float((jobs["job"].map(best) > jobs["delivered"]).fillna(value=False).mean()) if len(jobs) else math.nan


@metric(unit="1", better="lower")
def false_accept(run: Run) -> float:
    """Share of deliveries under `metrics.threshold` (right answers over all); not a number without a threshold."""
    return mean(quality < threshold for threshold, quality, _ in judged(run) if quality is not None)


@metric(unit="1", better="lower")
def false_reject(run: Run) -> float:
    """Share of jobs with nothing delivered for which a model at or over `metrics.threshold` had been trained."""
    return mean(best >= threshold for threshold, quality, best in judged(run) if quality is None)


@metric(unit="jobs")
def copies(run: Run) -> pd.Series:
    """Jobs whose delivered model an attacker has a copy of, by the way that it came by it; of a `model_thief`."""
    return copied(run).groupby("subject").size()


@metric(unit="USD")
def copy_worth(run: Run) -> float:
    """What the copies that attackers have would fetch: for each, what the delivered model is worth to its buyer."""
    rows = copied(run)
    worth = run.tables["jobs"].set_index("job")["value_usd"]
    return float(rows["job"].map(worth).sum()) if len(rows) else 0.0


@metric(unit="s", better="lower")
def time_to_settle(run: Run) -> pd.Series:
    """Mean, extremes and quantiles of the time from a job's posting to its end."""
    return spread((run.closed["closed_ns"] - run.closed["born_ns"]) / SECOND)


@metric(unit="s", better="lower")
def time_to_finality(run: Run) -> pd.Series:
    """Mean, extremes and quantiles of the time from a job's posting until its end cannot be undone."""
    delay: float = run.config.get("chain", {}).get("finality", math.nan)
    return time_to_settle(run).add(delay)


@metric(unit="whole units", better="lower")
def stuck_funds(run: Run) -> pd.Series:
    """Money in each contract at the end that is owed to nobody, by asset; negative when it owes more than it holds."""
    holdings = run.tables["holdings"]
    held = total(holdings[holdings["kind"] == "balance"], ["account", "asset"])
    for (_, contract, asset), amount in run.owed.items():
        held[contract, asset] = held.get((contract, asset), 0) - amount
    contracts = {*run.tables["transactions"]["contract"], *run.tables["jobs"]["market"]}
    contracts |= {contract for _, contract, _ in run.owed}
    found = {key: run.whole(key[1], amount) for key, amount in held.items() if key[0] in contracts}
    return pd.Series(found, dtype=float)


def copied(run: Run) -> pd.DataFrame:
    """Select the copies that attackers have of delivered models: rows of the table of duties."""
    duties = run.tables["duties"]
    return duties[duties["duty"] == COPY]


def due(run: Run) -> pd.DataFrame:
    """Select the jobs that should have delivered: those that ended and were not cancelled."""
    return run.closed[run.closed["outcome"] != CANCELLED]


def judged(run: Run) -> Iterator[tuple[float, float | None, float]]:
    """Yield threshold, delivered quality (None without a delivery) and best trained quality for each due job."""
    threshold = run.config.get("metrics", {}).get("threshold")
    if threshold is None:
        return
    best = run.tables["models"].groupby("job")["correct"].max()
    jobs = due(run)
    for job, scale, delivered in lines(jobs, "job", "scale", "delivered"):
        trained = best.get(job)
        yield (
            threshold,
            None if pd.isna(delivered) else delivered / scale,
            0.0 if trained is None or pd.isna(trained) else trained / scale,
        )


def mean(truths: Iterator[bool]) -> float:
    """Return the share that is true; not a number for none."""
    found = list(truths)
    return sum(found) / len(found) if found else math.nan
