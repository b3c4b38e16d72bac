"""The gate: a suite is run, and each expectation is held, failed, or not yet decided.

An expectation on a mean is held when the whole interval keeps the bound and failed when the whole interval breaks it;
the intervals of a suite share its confidence (Bonferroni). An expectation on every run, like an invariant, fails at the
first run that breaks it. What is neither held nor failed is undecided, which is not green.

An expectation with a key that no run has fails, rather than being refused: the suite may be misspelt, but the contract
may also have lost a function, and whoever changed that wants to see all other checks beside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.experiments.setup.config import compose
from slashpoint.experiments.setup.invariants import checked
from slashpoint.experiments.study.executor import Point, cause, column, evaluate
from slashpoint.experiments.study.pairs import PAIRED, changes, paired
from slashpoint.experiments.study.stats import t_interval
from slashpoint.sim.errors import choices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from slashpoint.experiments.gate.suite import Expectation, Scenario, Suite
    from slashpoint.experiments.study.stats import Interval

HELD, FAILED, UNDECIDED, CRASHED = "held", "failed", "undecided", "crashed"
EFFECT = "the attack has an effect"
DUE = "delivered_share"  # not a number in a run where no job was due: invariants hold there, for nothing happened
COLUMNS = {
    "scenario": "of the suite",
    "check": "what is expected, or the invariants",
    "status": "held, failed, undecided or crashed",
    "found": "what was found, in words",
    "mean": "of the metric over runs, in its unit",
    "low": "lower end of its interval",
    "high": "upper end",
    "n": "seeds, with each of which the attack is run once from every seat; of what is about runs their number",
    "line": "repeats the run that is worst for it",
}


def gate(
    suite: Suite,
    *,
    strict: bool = False,
    workers: int = 1,
    cache: Path | None = None,
    project: Path | None = None,
    stand_ins: Sequence[Path] = (),
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Run a suite and judge it.

    Args:
        suite: what to run and to expect.
        strict: money that moved for no known cause, or jobs that nobody posted, fail their scenario.
        workers: processes.
        cache: where rows are kept.
        project: a project's folder.
        stand_ins: builds that are deployed in the place of contracts of the same name.
        progress: told how many runs are done, of how many.

    Returns:
        A row for each check; columns as in COLUMNS.
    """
    runs = [point for scenario in suite.scenarios for point in points(scenario, project, stand_ins)]
    rows = evaluate(runs, workers=workers, cache=cache, progress=progress)
    found = [
        finding
        for scenario in suite.scenarios
        for finding in checks(
            suite, scenario, rows[rows["scenario"] == scenario.name], strict=strict,
            asked=len(checked(compose(scenario.overrides, project), project)),
        )
    ]  # fmt: skip
    return pd.DataFrame(found, columns=list(COLUMNS))


def points(scenario: Scenario, project: Path | None = None, stand_ins: Sequence[Path] = ()) -> list[Point]:
    """Return the runs of a scenario, in the order of seeds: the attack is run once from every seat of its role.

    Args:
        scenario: of a suite.
        project: a project's folder.
        stand_ins: builds that are deployed in the place of contracts of the same name.
    """
    runs = paired(scenario.overrides, range(scenario.seeds), project, scenario=scenario.name)
    return [
        Point(one.overrides, project, one.labels, tuple(stand_ins))
        for one in runs
        if scenario.attacked or not one.labels["honest"]
    ]


def checks(
    suite: Suite, scenario: Scenario, rows: pd.DataFrame, *, strict: bool = False, asked: int = 0
) -> Iterator[dict[str, Any]]:
    """Yield what the rows of a scenario say of its invariants, of its expectations, and of its attack.

    Args:
        suite: has the level of intervals, and units.
        scenario: what was run.
        rows: of its runs.
        strict: money that moved for no known cause, or jobs that nobody posted, fail it.
        asked: how many invariants were checked in each run; 0 where nobody counted.
    """
    ran = rows[rows["error"] == ""]
    if len(ran) < len(rows):
        worst = rows[rows["error"] != ""].iloc[0]
        error = cause(worst["error"])
        yield _finding(scenario, "runs to its end", CRASHED, f"{len(rows) - len(ran)} runs: {error}", len(rows), worst)
    if ran.empty:
        return
    yield _invariants(scenario, ran, strict=strict, asked=asked)
    for one in scenario.expect:
        yield {"scenario": scenario.name, "check": str(one), **_expected(suite, one, ran)}
    if scenario.attacked:
        yield from _effect(scenario, ran)


def _invariants(scenario: Scenario, rows: pd.DataFrame, *, strict: bool, asked: int) -> dict[str, Any]:
    broken = rows[rows["violations"] > 0]
    if len(broken):
        found = f"{broken['complaint'].iloc[0]} ({len(broken)} of {len(rows)} runs)"
        return _finding(scenario, "invariants", FAILED, found, len(rows), broken.iloc[0])
    for doubt in ("unknown", "unposted") if strict else ():
        odd = rows[rows[doubt] != ""]
        if len(odd):
            return _finding(scenario, "invariants", FAILED, odd[doubt].iloc[0], len(rows), odd.iloc[0])
    if DUE in rows and rows[DUE].isna().all():
        words = f"no complaint, but no job was due in any of {len(rows)} runs"
        return _finding(scenario, "invariants", UNDECIDED, words, len(rows), rows.iloc[0])
    words = f"{asked} checked, all held in {len(rows)} runs" if asked else f"no complaint in {len(rows)} runs"
    return _finding(scenario, "invariants", HELD, words, len(rows))


def _effect(scenario: Scenario, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Whether the attack changed anything: where it did not, a bound on what it gains is kept by accident."""
    found = changes(rows)
    if found.empty:
        return
    inert = found["same"] & (found[["gain", "loss"]] == 0).all(axis=1)  # who withholds bytes sends the same
    if not inert.all():
        words = f"{int((~inert).sum())} of {len(found)} runs differ from those without it"
        yield _finding(scenario, EFFECT, HELD, words, len(found))
        return
    why = (
        "the attack changed nothing" if found["overridden"].any() else "the protocol never asked it for what it changes"
    )
    status, allowed = (HELD, ", which the suite allows") if scenario.allow_no_effect else (FAILED, "")
    yield _finding(
        scenario, EFFECT, status, f"{why} in {len(found)} runs{allowed}", len(found), rows.loc[found.index[0]]
    )


def _expected(suite: Suite, one: Expectation, rows: pd.DataFrame) -> dict[str, Any]:
    """Return what the rows say of one expectation."""
    if one.key and column(one.metric, one.key) not in rows:
        words = f"no run has this key; {choices(one.key, _keys(one, rows))}"
        return {"status": FAILED, "found": words, "n": 0, "line": rows["line"].iloc[0]}
    runs = _values(one, rows)
    seeds = runs.groupby(rows["seed"]).mean().dropna()  # over the seats of a seed: one observation
    interval = t_interval(seeds, suite.level)
    found = {"mean": interval.mean, "low": interval.low, "high": interval.high, "n": len(seeds), "line": ""}
    known, unit = runs.dropna(), f" {suite.units[one.metric]}".removesuffix(" 1")
    if known.empty:
        words = f"none of {len(runs)} runs has such a number"
        return found | {"status": UNDECIDED, "found": words, "line": rows["line"].iloc[0]}
    at = int((one.sign * known).to_numpy().argmin())
    worst, value = rows["line"].loc[known.index[at]], f"{_shown(known.iloc[at], one.bound)}{unit}"
    if one.every and (bad := int((one.sign * (known - one.bound) < 0).sum())):
        words = f"{bad} of {len(runs)} runs break it; the worst value is {value}"
        return found | {"status": FAILED, "found": words, "line": worst}
    if len(missing := runs.index[runs.isna()]):
        words = f"{len(missing)} of {len(runs)} runs have no such number"
        return found | {"status": UNDECIDED, "found": words, "line": rows["line"].loc[missing[0]]}
    if one.every:
        return found | {"status": HELD, "found": f"{len(runs)} runs, worst value {value}"}
    return found | {"line": worst} | _on_average(one, interval, unit)


def _on_average(one: Expectation, interval: Interval, unit: str) -> dict[str, Any]:
    """Return what an interval says of a bound on a mean."""
    mean, low, high = (_shown(value, one.bound) for value in (interval.mean, interval.low, interval.high))
    words = f"{mean} [{low}, {high}]{unit}" + f" (few seeds: n = {interval.n})" * interval.few
    if not math.isfinite(interval.mean):
        words = f"{mean}{unit}, for it is infinite in some run"
    worst, best = sorted((one.sign * (interval.low - one.bound), one.sign * (interval.high - one.bound)))
    if worst >= 0:
        return {"status": HELD, "found": words, "line": ""}
    return {"status": FAILED if best < 0 else UNDECIDED, "found": words}


def _values(one: Expectation, rows: pd.DataFrame) -> pd.Series[float]:
    """Return the metric's value in each run by the index of its row, twins left out; of several keys the worst."""
    if one.metric in PAIRED:
        return changes(rows)[one.metric].astype(float)
    rows = rows[~rows["honest"].astype(bool)]
    names = [column(one.metric, one.key)]
    if not one.key and one.metric not in rows:
        names = [column(one.metric, key) for key in _keys(one, rows)]
    found = rows[names].astype(float)
    return found.min(axis=1) if one.sign > 0 else found.max(axis=1)


def _keys(one: Expectation, rows: pd.DataFrame) -> list[str]:
    """Return the keys that its metric has in some run."""
    start = column(one.metric, "?")[:-1]
    return [str(name).removeprefix(start) for name in rows if str(name).startswith(start)]


def _shown(value: float, bound: float) -> str:
    """Return a number in as few digits as show on which side of a bound it lies, and in four at least."""
    for digits in range(4, 17):
        text = _rounded(value, digits)
        near = float(text.replace(",", ""))
        if (near > bound, near < bound) == (value > bound, value < bound):
            return text
    return repr(value)


def _rounded(value: float, digits: int) -> str:
    """Return a number in some digits that count, without zeros at the end."""
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    text = f"{value:,.{max(1, digits - 1 - math.floor(math.log10(abs(value))))}f}"
    return text.rstrip("0").rstrip(".")


def _finding(
    scenario: Scenario, check: str, status: str, found: str, n: int, worst: pd.Series[Any] | None = None
) -> dict[str, Any]:
    """Return a row about something else than a metric."""
    again = "" if worst is None else worst["line"]
    return {"scenario": scenario.name, "check": check, "status": status, "found": found, "n": n, "line": again}
