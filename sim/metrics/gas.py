"""What it cost in gas: by function, role and phase (the verb is the phase of a protocol), in ether's price too."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from slashpoint.sim.metrics import metric
from slashpoint.sim.metrics.run import lines

if TYPE_CHECKING:
    import pandas as pd

    from slashpoint.sim.metrics.run import Run

BORN = re.compile(r"/\d+$")  # such as the clone Stall/0
OTHER = "other"  # the phase of a call that is no move of the protocol: a token's transfer, whatever somebody tries


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
    """Fees paid for all calls of each function, all kinds of fees together."""
    return costs(run, "contract", "function")["usd"]


@metric(unit="gas", better="lower")
def gas_by_role(run: Run) -> pd.Series:
    """Gas used by each role."""
    return costs(run, "role")["gas"]


@metric(unit="USD", better="lower")
def fees_by_role(run: Run) -> pd.Series:
    """Fees paid by each role, all kinds of fees together."""
    return costs(run, "role")["usd"]


@metric(unit="gas", better="lower")
def gas_by_phase(run: Run) -> pd.Series:
    """Gas used in each phase of the protocol, named by its verb."""
    return costs(run, "verb")["gas"]


@metric(unit="USD", better="lower")
def fees_by_phase(run: Run) -> pd.Series:
    """Fees paid in each phase of the protocol, all kinds of fees together."""
    return costs(run, "verb")["usd"]


@metric(unit="USD", better="lower")
def data_fees_by_phase(run: Run) -> pd.Series:
    """Fees that a rollup took in each phase for publishing data on layer 1; on layer 1 itself 0."""
    return costs(run, "verb")["data_usd"]


def costs(run: Run, *by: str) -> pd.DataFrame:
    """Sum calls, gas, fees in wei (exact) and USD, failed calls, and how much of the fees was a rollup's for data, USD.

    Args:
        run: whose transactions are counted.
        by: columns of the transactions that group them, such as "contract", "function".
    """
    if by not in run.costs:
        run.costs[by] = _costs(run, by)
    return run.costs[by]


def _costs(run: Run, by: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    sums: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    rows = lines(run.executed, *by, "block", "index", "gas", "status")
    for fee, (*key, block, index, gas, status) in zip(run.fees(run.executed), rows, strict=True):
        named = tuple((kind(each) if name == "contract" else each) or OTHER for name, each in zip(by, key))
        row = sums[named if len(by) > 1 else named[0]]
        row[0] += 1
        row[1] += gas
        row[2] += fee
        row[3] += status != "success"
        row[4] += run.data_fees.get((block, index), 0)
    keys = sorted(sums)
    index = pd.MultiIndex.from_tuples(keys, names=by) if len(by) > 1 and keys else pd.Index(keys, name=next(iter(by)))
    calls, gas, wei, failed, data = zip(*(sums[key] for key in keys), strict=True) if keys else ((),) * 5
    found = pd.DataFrame({"calls": calls, "gas": gas, "failed": failed}, index=index, dtype="int64")
    usd, data_usd = ([run.usd("ETH", each) for each in column] for column in (wei, data))
    return found.assign(wei=pd.Series(wei, index, dtype=object), usd=usd, data_usd=data_usd)


@cache
def kind(contract: str) -> str:
    """Return a contract's name without the number of those born in the run: all of a factory's are one row."""
    return BORN.sub("", contract)
