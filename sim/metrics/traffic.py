"""How much the protocol carried, how fast, and what people did."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slashpoint.sim.metrics import metric
from slashpoint.sim.metrics.run import spread
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    import pandas as pd

    from slashpoint.sim.metrics.run import Run


@metric(unit="jobs/h", better="higher")
def jobs_per_hour(run: Run) -> float:
    """Jobs that ended, per hour of simulated time."""
    return len(run.closed) / run.span * 3600 if run.span else math.nan


@metric(unit="jobs/block", better="higher")
def jobs_per_block(run: Run) -> float:
    """Jobs that ended, per block."""
    blocks = len(run.tables["blocks"])
    return len(run.closed) / blocks if blocks else math.nan


@metric(unit="transactions/block")
def transactions_per_block(run: Run) -> float:
    """Transactions that were executed, per block."""
    blocks = len(run.tables["blocks"])
    return len(run.executed) / blocks if blocks else math.nan


@metric(unit="1")
def fullness(run: Run) -> float:
    """Gas used over the gas limit, of all blocks together."""
    blocks = run.tables["blocks"]
    return int(blocks["gas_used"].sum()) / int(blocks["gas_limit"].sum()) if len(blocks) else math.nan


@metric(unit="s", better="lower")
def latency(run: Run) -> pd.Series:
    """Mean, extremes and quantiles of the time from sending a transaction to its block."""
    return spread(run.executed["latency_ns"] / SECOND)


@metric(unit="intentions", better="lower")
def backlog(run: Run) -> pd.Series:
    """Mean, extremes and quantiles of the number of transactions still pending after a block."""
    return spread(run.tables["blocks"]["backlog"])


@metric(unit="1", better="lower")
def revert_share(run: Run) -> float:
    """Share of executed transactions that did not succeed."""
    return float((run.executed["status"] != "success").mean()) if len(run.executed) else math.nan


@metric(unit="transactions")
def failures(run: Run) -> pd.Series:
    """Count of failures of each verb by reason; dropped transactions too."""
    rows = run.tables["transactions"]
    failed = rows[rows["status"] != "success"]
    return failed.groupby(["verb", failed["reason"].fillna("").str.split("(").str[0]]).size()


@metric(unit="transactions")
def actions(run: Run) -> pd.Series:
    """Count of transactions of each role and verb, by how they ended."""
    return run.tables["transactions"].groupby(["role", "verb", "status"]).size()


@metric(unit="answers")
def duties(run: Run) -> pd.Series:
    """Count of answers to each role's duty, by the method that answered."""
    return run.tables["duties"].groupby(["role", "duty", "by"]).size()
