"""Metrics: what a finished ledger means. Each is a marked function of a `Run`; they are found by their mark.

    @metric(unit="USD", better="lower")
    def burnt(run: Run) -> float:
        \"\"\"Ether that fees destroyed.\"\"\"
        return run.usd("ETH", run.paid("gas")["ETH"])

The first line of the docstring is the definition that every table carries. A metric returns one number, a Series (a
number for each key) or a DataFrame (a number for each key and column), all in its unit.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from numbers import Complex, Real
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from slashpoint.sim.errors import BrokenProject, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

    from slashpoint.sim.metrics.run import Run

Value = Any  # float | pd.Series | pd.DataFrame: named here so that the decorator does not import pandas
Better = Literal["higher", "lower"] | None
BETTER = ("higher", "lower", None)
Function = TypeVar("Function", bound="Callable[[Any], Value]")
COLUMNS = {
    "name": "name of the metric",
    "key": "what the number is about within the metric; empty when it has only one",
    "value": "the number",
    "unit": "its unit",
    "better": "higher, lower, or empty",
    "definition": "what it is",
}


class Metric(Protocol):
    """A marked function of a run."""

    __name__: str
    unit: str
    better: Better

    def __call__(self, run: Run, /) -> Value:
        """Return its value for a run."""


def metric(*, unit: str, better: Better = None) -> Callable[[Function], Function]:
    """Mark a function of a run as a metric.

    Args:
        unit: of its numbers, such as "USD", "s" or "1".
        better: "higher" or "lower", where one of them is better.
    """

    def mark(function: Function) -> Function:
        name = function.__name__
        if not inspect.getdoc(function):
            raise Misconfigured(f"the metric {name} needs a docstring: its first line is its definition")
        if better not in BETTER:
            raise Misconfigured(f"the metric {name}: better={better!r}: it must be 'higher', 'lower' or None")
        if not unit:
            raise Misconfigured(f"the metric {name}: unit={unit!r}: it must be text, such as 'USD' or '1'")
        function.unit, function.better = unit, better  # type: ignore[attr-defined]
        return function

    return mark


def definition(metric: Metric) -> str:
    """Return what a metric is, in one line."""
    return (inspect.getdoc(metric) or "").splitlines()[0]


def metrics_of(owner: Any) -> list[Metric]:
    """Find the marked functions of an object, or those that a module defines, by name."""
    found = [getattr(owner, name) for name in sorted(dir(owner))]
    marked: list[Any] = [one for one in found if callable(one) and hasattr(one, "unit") and hasattr(one, "better")]
    return [one for one in marked if not inspect.ismodule(owner) or one.__module__ == owner.__name__]


def builtin() -> list[Metric]:
    """Find the metrics of this package, by module and name."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [one for name in modules for one in metrics_of(importlib.import_module(f"{__name__}.{name}"))]


def all_metrics(run: Run, metrics: Iterable[Metric] | None = None) -> pd.DataFrame:
    """Measure a run by all metrics; one number a row, columns as in COLUMNS.

    Args:
        run: what is measured.
        metrics: by default those of this package.
    """
    import pandas as pd

    rows: list[tuple[str, str, float, str, str, str]] = []
    for one in builtin() if metrics is None else metrics:
        about = one.unit, one.better or "", definition(one)
        found = list(numbers(one(run)))
        _check_numbers(one, found)
        rows += [(one.__name__, key, value, *about) for key, value in found]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"value": float})


def _check_numbers(metric: Metric, found: Sequence[tuple[str, Any]]) -> None:
    """Refuse values that are not real numbers, and two numbers under one key."""
    seen = set[str]()
    for key, value in found:
        name = f"the metric {metric.__name__}{key and f' at {key}'}"
        if isinstance(value, Complex) and not isinstance(value, Real):
            raise BrokenProject(f"{name}: {value} is no real number")
        if key in seen:
            raise BrokenProject(f"{name}: there are two numbers for this key; give each its own")
        seen.add(key)


def numbers(value: Value) -> Iterator[tuple[str, float]]:
    """Yield each number of a metric with its key."""
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        for column in value.columns:
            for key, number in value[column].items():
                yield text(key, column), number
    elif isinstance(value, pd.Series):
        for key, number in value.items():
            yield text(key), number
    else:
        yield "", value


def text(*parts: Any) -> str:
    """Join the parts of a key, and parts of parts, by colons into one text."""
    return ":".join(text(*part) if isinstance(part, tuple) else str(part) for part in parts)
