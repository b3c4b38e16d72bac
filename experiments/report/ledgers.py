"""Two ledgers side by side: where they part."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from slashpoint.sim.ledger import Tables


def first_difference(then: Tables, now: Tables, *, whole: bool) -> str:
    """Say where in simulated time two ledgers first part: block, table, row, column; empty where they do not.

    Args:
        then: the one.
        now: the other.
        whole: whether the first is; else it is a beginning, and the second may have more rows.
    """
    found = {name: _parting(then[name], now[name], whole=whole) for name in then}
    apart = [name for name, (_, row) in found.items() if row >= 0]
    first = min(apart, key=lambda name: found[name][0], default="")
    if not first:
        return ""
    time, row = found[first]
    blocks = then["blocks"] if len(then["blocks"]) > len(now["blocks"]) else now["blocks"]
    upto = blocks["block"][blocks["time_ns"] >= time]  # a block takes what happened before its timestamp
    return f"block {upto.iloc[0]}, " * len(upto[:1]) + _told(first, row, then[first], now[first])


def _parting(then: pd.DataFrame, now: pd.DataFrame, *, whole: bool) -> tuple[float, int]:
    """When, in nanoseconds, and in which row two tables part; row -1 where they do not."""
    both = min(len(then), len(now))
    unlike = pd.Series(False, range(both))
    for column in then:
        unlike |= ~_alike(then[column].iloc[:both], now[column].iloc[:both])
    if unlike.any():
        row = int(unlike.to_numpy().argmax())
    elif len(now) < len(then) or (whole and len(now) > len(then)):
        row = both
    else:
        return math.inf, -1
    times = [float(table["time_ns"].iloc[row]) for table in (then, now) if "time_ns" in table and row < len(table)]
    return min(times, default=math.inf), row


def _alike(then: pd.Series[Any], now: pd.Series[Any]) -> pd.Series[bool]:
    """Where two columns hold the same, or both nothing."""
    same = (then == now).fillna(value=False).astype(bool)
    return same | (then.isna() & now.isna())


def _told(name: str, row: int, then: pd.DataFrame, now: pd.DataFrame) -> str:
    """Return a difference in words."""
    where = f"table {name}, row {row}"
    if row >= min(len(then), len(now)):
        return f"{where}: there were {len(then)} rows, now there are {len(now)}"
    unlike = [column for column in then if not _alike(then[column].iloc[[row]], now[column].iloc[[row]]).all()]
    differences = (f"{column} was {then[column].iloc[row]}, is {now[column].iloc[row]}" for column in unlike)
    return f"{where}: {'; '.join(differences)}"
