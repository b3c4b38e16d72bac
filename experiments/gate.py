"""The gate: a suite is run, and each expectation is held, failed, or not yet decided.

An expectation on a mean is held when the whole interval keeps the bound and failed when the whole interval breaks it;
the intervals of a suite share its confidence (Bonferroni). An expectation on every run, like an invariant, fails at the
first run that breaks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.experiments.executor import Point, cause, column, evaluate
from slashpoint.experiments.pairs import changes, paired
from slashpoint.experiments.stats import t_interval, wilson
from slashpoint.experiments.suite import PAIRED, Expectation, Scenario, Suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

HELD, FAILED, INCONCLUSIVE, CRASHED = "held", "failed", "inconclusive", "crashed"
COLUMNS = {
    "scenario": "of the suite",
    "check": "what is expected, or the invariants",
    "status": "held, failed, inconclusive or crashed",
    "found": "what was found, in words",
    "mean": "of the metric over runs, in its unit",
    "low": "lower end of its interval",
    "high": "upper end",
    "n": "seeds, with each of which a cheat takes every seat of its role by turns; of invariants runs",
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
        for finding in checks(suite, scenario, rows[rows["scenario"] == scenario.name], strict=strict)
    ]
    return pd.DataFrame(found, columns=list(COLUMNS))


def points(scenario: Scenario, project: Path | None = None, stand_ins: Sequence[Path] = ()) -> list[Point]:
    """The runs of a scenario, in the order of seeds: a cheat takes every seat of its role by turns."""
    runs = paired(scenario.overrides, range(scenario.seeds), project, scenario=scenario.name)
    return [
        Point(one.overrides, project, one.labels, tuple(stand_ins))
        for one in runs
        if scenario.attacked or not one.labels["honest"]
    ]


def checks(suite: Suite, scenario: Scenario, rows: pd.DataFrame, *, strict: bool = False) -> Iterator[dict[str, Any]]:
    """What the rows of a scenario say: of its invariants, then of each expectation."""
    ran = rows[rows["error"] == ""]
    if len(ran) < len(rows):
        worst = rows[rows["error"] != ""].iloc[0]
        error = cause(worst["error"])
        yield _finding(scenario, "runs to its end", CRASHED, f"{len(rows) - len(ran)} runs: {error}", len(rows), worst)
    if ran.empty:
        return
    yield _invariants(scenario, ran, strict=strict)
    for one in scenario.expect:
        unit = suite.units[one.metric]
        yield {
            "scenario": scenario.name,
            "check": str(one),
            **_expected(suite, one, ran, unit),
        }


def _invariants(scenario: Scenario, rows: pd.DataFrame, *, strict: bool) -> dict[str, Any]:
    broken = rows[rows["violations"] > 0]
    if len(broken):
        found = f"{broken['complaint'].iloc[0]} ({len(broken)} of {len(rows)} runs)"
        return _finding(scenario, "invariants", FAILED, found, len(rows), broken.iloc[0])
    for doubt in ("unknown", "unposted") if strict else ():
        odd = rows[rows[doubt] != ""]
        if len(odd):
            return _finding(scenario, "invariants", FAILED, odd[doubt].iloc[0], len(rows), odd.iloc[0])
    most = wilson(0, len(rows)).high
    return _finding(scenario, "invariants", HELD, f"0 of {len(rows)} runs broke one (at most {most:.0%})", len(rows))


def _expected(suite: Suite, one: Expectation, rows: pd.DataFrame, unit: str) -> dict[str, Any]:
    """What the rows say of one expectation."""
    runs = _values(one, rows)
    known = runs.groupby(rows["seed"]).mean().dropna()  # over the seats of a seed: one observation
    interval = t_interval(known, suite.level)
    found: dict[str, Any] = {
        "mean": interval.mean,
        "low": interval.low,
        "high": interval.high,
        "line": "",
        "n": len(known),
    }
    if runs.isna().any() or known.empty:
        return found | {
            "status": INCONCLUSIVE,
            "found": f"{int(runs.isna().sum())} of {len(runs)} runs have no such number",
        }
    slack = one.sign * (runs - one.bound).to_numpy()
    at = int(slack.argmin())
    worst = rows["line"].loc[runs.index].iloc[at]
    if one.every:
        bad, nearest = int((slack < 0).sum()), f"{runs.iloc[at]:,.6g} {unit}".removesuffix(" 1")
        if bad:
            return found | {"status": FAILED, "found": f"{nearest} at worst, {bad} of {len(runs)} runs", "line": worst}
        return found | {"status": HELD, "found": f"{nearest} at worst"}
    told = f"{interval} {unit}".removesuffix(" 1")
    lowest, highest = sorted((one.sign * (interval.low - one.bound), one.sign * (interval.high - one.bound)))
    if lowest >= 0:
        return found | {"status": HELD, "found": told}
    return found | {"status": FAILED if highest < 0 else INCONCLUSIVE, "found": told, "line": worst}


def _values(one: Expectation, rows: pd.DataFrame) -> pd.Series[float]:
    """The metric's value in each run by the index of its row, twins left out; of several keys the worst."""
    if one.metric in PAIRED:
        return changes(rows)[one.metric].astype(float)
    rows = rows[~rows["honest"].astype(bool)]
    exact = column(one.metric, one.key)
    keys = [str(name) for name in rows if str(name).startswith(f"{one.metric}:")]
    names = [exact] if exact in rows else [] if one.key else keys
    found = rows[names].astype(float)
    return found.min(axis=1) if one.sign > 0 else found.max(axis=1)


def _finding(
    scenario: Scenario, check: str, status: str, found: str, n: int, worst: pd.Series[Any] | None = None
) -> dict[str, Any]:
    """A row about something else than a metric."""
    again = "" if worst is None else worst["line"]
    return {"scenario": scenario.name, "check": check, "status": status, "found": found, "n": n, "line": again}
