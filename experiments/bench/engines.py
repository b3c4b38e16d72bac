"""Engines side by side: what is installed, whether it conforms, and whether all answer alike."""

from __future__ import annotations

from functools import partial
from typing import Any

from slashpoint.sim.engine import ENGINES, make_engine
from slashpoint.sim.testing import check_engine, engine_trace

REFERENCE = "pyevm"


def parity(fork: str = "prague") -> list[dict[str, Any]]:
    """One row an engine: whether it is installed, passes `check_engine`, and how many rules it answers as pyevm does.

    The rules compare status, gas, output, logs, balances, nonces and every movement of wei.
    """
    expected = engine_trace(partial(make_engine, REFERENCE, fork), fork)
    rows = []
    for name in ENGINES:
        if name == "auto":
            continue
        make = partial(make_engine, name, fork)
        row: dict[str, Any] = {"engine": name, "fork": fork}
        try:
            check_engine(make, fork)
            row["conforms"] = "yes"
        except AssertionError as error:
            row["conforms"] = f"no: {error}"
        except ImportError as error:
            rows.append({**row, "conforms": f"not installed: {error}", "alike": ""})
            continue
        trace = engine_trace(make, fork)
        alike = sum(trace[rule] == expected[rule] for rule in expected)
        rows.append({**row, "alike": f"{alike} of {len(expected)} rules"})
    return rows
