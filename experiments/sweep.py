"""A sweep: one table of every metric over every combination of settings, with intervals over seeds.

Overrides are in Hydra's multirun grammar; `seed=range(20)` is no setting but what is repeated. Where a setting names an
attack each run is paired with its twin, in which nobody cheats, for the metrics `gain` and `loss`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.experiments.config import compose, expand
from slashpoint.experiments.executor import COLUMNS as ROW
from slashpoint.experiments.executor import Point, evaluate
from slashpoint.experiments.pairs import cheated, compared, twin
from slashpoint.experiments.stats import bootstrap, crossing, t_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

COLUMNS = {
    "metric": "its name, or name:key; gain and loss are differences to the run in which nobody cheats",
    "mean": "over seeds, in the metric's unit",
    "low": "lower end of its 95 % interval",
    "high": "upper end",
    "n": "runs that have the number",
    "failed": "runs of this setting that crashed",
    "notes": "what a reader must know of this setting",
}  # after a column for each setting that is swept
CROSSINGS = {
    "crossing": "where the mean first changes its sign, by straight lines between what was run",
    "low": "lower end of its 95 % interval, by bootstrap over seeds; empty where too few draws cross",
    "high": "upper end",
    "n": "seeds",
}  # after a column for each other setting


@dataclass(frozen=True)
class Sweep:
    """What a sweep found."""

    axes: tuple[str, ...]  # the settings that vary, but for the seed
    rows: pd.DataFrame  # a run each
    table: pd.DataFrame  # a setting and metric each

    @property
    def along(self) -> str | None:
        """The first setting that is a number: what a picture is drawn along."""
        return next((axis for axis in self.axes if pd.api.types.is_numeric_dtype(self.table[axis])), None)

    def of(self, metric: str) -> pd.DataFrame:
        """The rows of the table of one metric.

        Raises:
            KeyError: there is none; the message lists some.
        """
        found = self.table[self.table["metric"] == metric]
        if found.empty:
            there = sorted(set(self.table["metric"].str.split(":").str[0]))
            raise KeyError(f"no metric {metric!r}; there are {', '.join(there)}, most as name:key")
        return found

    def crossings(self, metric: str) -> pd.DataFrame:
        """Where a metric changes its sign along the first numeric setting, for each combination of the others."""
        along = self.along
        others = [axis for axis in self.axes if axis != along]
        found = []
        for key, rows in self.rows.groupby(others) if others else [((), self.rows)]:
            if along is None or metric not in rows:
                continue
            grid = rows.pivot_table(index="seed", columns=along, values=metric).dropna()
            at = grid.columns.to_numpy(float)
            interval = bootstrap(grid.to_numpy(float), lambda sample, at=at: crossing(at, sample.mean(axis=0)))  # type: ignore[misc]
            about = dict(zip(others, key))
            found.append(
                {**about, "crossing": interval.mean, "low": interval.low, "high": interval.high, "n": interval.n}
            )
        return pd.DataFrame(found, columns=[*others, *CROSSINGS])


def sweep(
    overrides: Sequence[str],
    *,
    workers: int = 1,
    cache: Path | None = None,
    project: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sweep:
    """Run every combination.

    Args:
        overrides: in Hydra's multirun grammar.
        workers: processes.
        cache: where rows are kept: a sweep that was killed goes on from there.
        project: a project's folder.
        progress: told how many runs are done, of how many.

    Raises:
        Misconfigured: a setting cannot run; nothing was run.
    """
    runs = expand(overrides, project)
    settings = [dict(one.split("=", 1) for one in run) for run in runs]
    axes = _axes(settings)
    kinds = {axis: _kind([setting.get(axis, "") for setting in settings]) for axis in axes}
    for said in dict.fromkeys(tuple(one for one in run if not one.startswith("seed=")) for run in runs):
        compose(said, project)  # all are checked before the first begins
    points = []
    for i, (run, setting) in enumerate(zip(runs, settings)):
        about = {axis: kinds[axis](setting.get(axis, "")) for axis in axes}
        seed = _seed(setting, run, project)
        pair = (tuple(run), twin(run)) if cheated(run) else (tuple(run),)
        points += [
            Point(one, project, {**about, "setting": i, "seed": seed, "honest": j == 1}) for j, one in enumerate(pair)
        ]
    rows = _with_differences(evaluate(points, workers=workers, cache=cache, progress=progress), axes)
    return Sweep(axes, rows, pd.DataFrame(list(_table(rows, axes)), columns=[*axes, *COLUMNS]))


def _axes(settings: Sequence[dict[str, str]]) -> tuple[str, ...]:
    names = dict.fromkeys(name for setting in settings for name in setting if name != "seed")
    return tuple(name for name in names if len({setting.get(name) for setting in settings}) > 1)


def _kind(values: Sequence[str]) -> Callable[[str], Any]:
    """What turns the values of a setting into those of a column: numbers if all are, else text."""
    try:
        list(map(float, values))
    except ValueError:
        return str
    return float


def _seed(setting: dict[str, str], run: Sequence[str], project: Path | None) -> int:
    said = setting.get("seed", "0" if not any("scenario" in one for one in run) else None)
    return int(said) if said is not None and said.isdigit() else int(compose(run, project).seed)


def _with_differences(rows: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """The runs without their twins, with what the twins tell as two more metrics."""
    told = [rows[~rows["honest"].astype(bool)].set_index("setting")]
    if rows["honest"].any():
        found = {}
        for setting, pair in rows.groupby("setting"):
            change = compared(pair)
            if len(change):
                found[setting] = change.iloc[0][["gain", "loss"]].astype(float)
        told.append(pd.DataFrame(found, index=["gain", "loss"]).T)
    joined = pd.concat(told, axis=1).drop(columns="honest")
    return joined.sort_values([*axes, "seed"], kind="stable", ignore_index=True)


def _table(rows: pd.DataFrame, axes: Sequence[str]) -> Iterator[dict[str, Any]]:
    metrics = [name for name in rows if name not in {*axes, *ROW}]
    for key, group in rows.groupby(list(axes), sort=True) if axes else [((), rows)]:
        about = dict(zip(axes, key))
        failed = int((group["error"] != "").sum())
        notes = "; ".join(dict.fromkeys(note for one in group["notes"] for note in one.splitlines()))
        for metric in metrics:
            known = group[metric].dropna().astype(float)
            if len(known) or metric == metrics[0]:
                interval = t_interval(known)
                numbers = {"mean": interval.mean, "low": interval.low, "high": interval.high, "n": interval.n}
                yield {**about, "metric": str(metric), **numbers, "failed": failed, "notes": notes}
