"""What it cost in gas: by function, role and phase (the verb is the phase of a protocol), in ether's price too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.metrics import metric

if TYPE_CHECKING:
    import pandas as pd

    from slashpoint.sim.metrics.run import Run


@metric(unit="gas", better="lower")
def gas_by_function(run: Run) -> pd.Series:
    """Gas used by all calls of each function."""
    return costs(run, "contract", "function")["gas"]


@metric(unit="gas", better="lower")
def gas_per_call(run: Run) -> pd.Series:
    """Mean gas of a call of each function, reverted calls included."""
    found = costs(run, "contract", "function")
    return found["gas"] / found["calls"]


@metric(unit="USD", better="lower")
def fees_by_function(run: Run) -> pd.Series:
    """Fees paid for all calls of each function, burned and tipped."""
    return costs(run, "contract", "function")["usd"]


@metric(unit="gas", better="lower")
def gas_by_role(run: Run) -> pd.Series:
    """Gas used by each role."""
    return costs(run, "role")["gas"]


@metric(unit="USD", better="lower")
def fees_by_role(run: Run) -> pd.Series:
    """Fees paid by each role, burned and tipped."""
    return costs(run, "role")["usd"]


@metric(unit="gas", better="lower")
def gas_by_phase(run: Run) -> pd.Series:
    """Gas used in each phase of the protocol, named by its verb."""
    return costs(run, "verb")["gas"]


@metric(unit="USD", better="lower")
def fees_by_phase(run: Run) -> pd.Series:
    """Fees paid in each phase of the protocol, burned and tipped."""
    return costs(run, "verb")["usd"]


def costs(run: Run, *by: str) -> pd.DataFrame:
    """Calls, gas, fees in wei (exact) and USD, and calls that failed, by some columns of the transactions."""
    executed = run.executed
    fees = executed["burned"] + executed["tipped"]
    rows = executed.assign(wei=fees, failed=executed["status"] != "success").groupby(list(by), sort=True)
    found = rows.agg(calls=("gas", "size"), gas=("gas", "sum"), wei=("wei", "sum"), failed=("failed", "sum"))
    return found.assign(usd=[run.usd("ETH", int(wei)) for wei in found["wei"]])
