"""A sweep: one table of every metric over every combination of settings, with intervals over seeds.

Overrides are in Hydra's multirun grammar; `seed=range(20)` is no setting but what is repeated. Where a setting names an
attack, it is run once from every seat of its role with each seed, beside a twin in which nobody attacks, for the
metrics `gain` and `loss`. The mean over the seats of a seed is one observation, of these and of all other metrics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from slashpoint.experiments.setup.config import compose, expand
from slashpoint.experiments.study.executor import COLUMNS as ROW
from slashpoint.experiments.study.executor import evaluate
from slashpoint.experiments.study.pairs import changes, cheated, one_seat, paired, units
from slashpoint.experiments.study.stats import bootstrap, crossing, t_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

COLUMNS = {
    "metric": "its name, or name:key; gain and loss are differences to the run in which nobody attacks",
    "mean": "over seeds, in the metric's unit; with an attack a seed counts with its mean over the seats of the attack",
    "low": "lower end of its 95 % interval",
    "high": "upper end",
    "unit": "of the metric",
    "n": "seeds that have the number",
    "few_seeds": "whether there is an interval, but of fewer than five seeds",
    "missing": "runs of this setting that have no such number, and are in no mean; twins not counted",
    "infinite": "runs in which it is infinite: then the mean is so too or not a number, and has no interval",
    "failed": "runs of this setting that crashed, twins included; their seeds are in no mean",
    "notes": "what a reader must know of this setting",
}  # after a column for each setting that is swept
CROSSINGS = {
    "crossing": "where the mean first changes its sign, by straight lines between what was run",
    "low": "lower end of its 95 % interval, by bootstrap over seeds; empty where too few draws cross",
    "high": "upper end",
    "n": "seeds",
    "few_seeds": "whether they are fewer than five",
}  # after a column for each other setting


RUN = ("twin", "seat", "line")  # columns of rows, beside axes, the executor's and metrics


@dataclass(frozen=True)
class Sweep:
    """What a sweep found."""

    axes: tuple[str, ...]  # the settings that vary, but for the seed
    rows: pd.DataFrame  # a run each: with each seed one for each seat of the attack, and its twin without it
    units: Mapping[str, str] = field(default_factory=dict)  # of the metrics, by name

    @cached_property
    def observed(self) -> pd.DataFrame:
        """A seed of a setting each: metrics, of several seats their means. A seed of which a run failed is left out."""
        by = [*self.axes, "seed"]
        runs = self.rows[~self.rows["twin"]]
        known = runs[~(runs["error"] != "").groupby([runs[name] for name in by]).transform("any")]
        means = known[[*by, *_metrics(self.rows, self.axes)]].groupby(by).mean()
        return pd.concat([means.index.to_frame(index=False), means.reset_index(drop=True)], axis=1)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A setting and metric each; columns as in COLUMNS, after the axes."""
        return pd.DataFrame(list(_table(self)), columns=[*self.axes, *COLUMNS])

    @property
    def along(self) -> str | None:
        """The first setting that is a number: what a picture is drawn along."""
        return next((axis for axis in self.axes if pd.api.types.is_numeric_dtype(self.table[axis])), None)

    def of(self, metric: str) -> pd.DataFrame:
        """Return the rows of the table of one metric.

        Raises:
            KeyError: there is none; the message lists some.
        """
        found = self.table[self.table["metric"] == metric]
        if found.empty:
            names = sorted(set(self.table["metric"]))
            name = metric.partition(":")[0]
            if keyed := [one for one in names if one.startswith(f"{name}:")]:
                said = "it has keys:" if metric == name else "no such key; there are"
                raise KeyError(f"{metric}: {said} {', '.join(keyed)}")
            there = sorted({one.partition(":")[0] for one in names})
            raise KeyError(f"{metric}: no such metric; there are {', '.join(there)}, most as name:key")
        return found

    def crossings(self, metric: str) -> pd.DataFrame:
        """Where a metric changes its sign along the first numeric setting, for each combination of the others."""
        along = self.along
        others = [axis for axis in self.axes if axis != along]
        found = []
        for key, rows in self.observed.groupby(others) if others else [((), self.observed)]:
            if along is None or metric not in rows:
                continue
            grid = rows.pivot_table(index="seed", columns=along, values=metric).dropna()  # a seed has one row each
            at = grid.columns.to_numpy(float)
            interval = bootstrap(grid.to_numpy(float), lambda sample, at=at: crossing(at, sample.mean(axis=0)))  # type: ignore[misc]
            numbers = {"crossing": interval.mean, "low": interval.low, "high": interval.high}
            found.append({**dict(zip(others, key)), **numbers, "n": interval.n, "few_seeds": interval.few})
        return pd.DataFrame(found, columns=[*others, *CROSSINGS])

    def sides(self, metric: str) -> pd.DataFrame:
        """Where a metric's mean is on one side of zero all along: `side`, above or below, by the other settings."""
        others = [axis for axis in self.axes if axis != self.along]
        found = []
        for key, rows in self.of(metric).groupby(others) if others else [((), self.of(metric))]:
            side = "above" if (rows["mean"] > 0).all() else "below" if (rows["mean"] < 0).all() else ""
            if side and len(rows) > 1:
                found.append({**dict(zip(others, key)), "side": side})
        return pd.DataFrame(found, columns=[*others, "side"])

    def idle(self, metric: str) -> list[str]:
        """Return the settings that change a metric in no seed, whatever the other settings."""
        if metric not in self.observed or self.observed[metric].isna().all():
            return []
        return [axis for axis in self.axes if self._is_idle(axis, metric)]

    def _is_idle(self, axis: str, metric: str) -> bool:
        others = [name for name in (*self.axes, "seed") if name != axis]
        return bool(self.observed.groupby(others)[metric].nunique(dropna=False).max() <= 1)


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
    points, seats = [], {}
    for i, (setting, seeds) in enumerate(_repeated(runs, project).items()):
        values = dict(one.split("=", 1) for one in setting)
        about = {axis: kinds[axis](values.get(axis, "")) for axis in axes}
        here = paired(setting, seeds, project, **about, setting=i)
        points += [point for point in here if cheated(setting) or not point.labels["honest"]]
        seats[i] = one_seat(setting, project)
    rows = evaluate(points, workers=workers, cache=cache, progress=progress)
    rows["notes"] = [_with_seat(notes, seats[i]) for notes, i in zip(rows["notes"], rows["setting"])]
    return Sweep(axes, _with_differences(rows, axes), units(project))


def _with_seat(notes: str, seat: str) -> str:
    """Return the notes of a run, and that its attacker takes one seat only where that is so."""
    seat_notes = [f"the attacker takes no seat but scenario.seat={seat}: chance decides who sits there"] if seat else []
    return "\n".join([*seat_notes, *notes.splitlines()])


def _repeated(runs: Sequence[Sequence[str]], project: Path | None) -> dict[tuple[str, ...], list[int]]:
    """Return the seeds of each setting, in the order in which they were said."""
    found: dict[tuple[str, ...], list[int]] = {}
    for run in runs:
        setting = tuple(one for one in run if not one.startswith("seed="))
        found.setdefault(setting, []).append(_seed(run, project))
    return found


def _axes(settings: Sequence[dict[str, str]]) -> tuple[str, ...]:
    names = dict.fromkeys(name for setting in settings for name in setting if name != "seed")
    return tuple(name for name in names if len({setting.get(name) for setting in settings}) > 1)


def _kind(values: Sequence[str]) -> Callable[[str], Any]:
    """Return what turns the values of a setting into those of a column: numbers if all are, else text."""
    try:
        return float if all(math.isfinite(float(value)) for value in values) else str
    except ValueError:
        return str


def _seed(run: Sequence[str], project: Path | None) -> int:
    said = dict(one.split("=", 1) for one in run).get("seed", "")
    return int(said) if said.isdigit() else int(compose(run, project).seed)


def _with_differences(rows: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """Return the runs, with what their twins tell as two more metrics."""
    parts = [rows.drop(columns="setting").rename(columns={"honest": "twin"})]
    if rows["honest"].any():
        found = [changes(pairs)[["gain", "loss"]] for _, pairs in rows.groupby("setting")]
        parts.append(pd.concat(found).astype(float))
    joined = pd.concat(parts, axis=1).astype({"twin": bool, "seat": "Int64"})
    return joined.sort_values([*axes, "seed", "seat"], kind="stable", ignore_index=True)


def _metrics(rows: pd.DataFrame, axes: Sequence[str]) -> list[str]:
    return [str(name) for name in rows if name not in {*axes, *ROW, *RUN}]


def _table(found: Sweep) -> Iterator[dict[str, Any]]:
    axes, metrics = list(found.axes), _metrics(found.rows, found.axes)
    seeds: dict[Any, pd.DataFrame] = dict(iter(found.observed.groupby(axes))) if axes else {(): found.observed}
    for key, group in found.rows.groupby(axes) if axes else [((), found.rows)]:
        about = dict(zip(axes, key))
        failed = int((group["error"] != "").sum())
        notes = "; ".join(dict.fromkeys(note for one in group["notes"] for note in one.splitlines()))
        ran = group[~group["twin"] & (group["error"] == "")]
        missing, infinite = ran[metrics].isna().sum(), np.isinf(ran[metrics].astype(float)).sum()
        for metric in metrics:
            known = seeds[key][metric].dropna() if key in seeds else ()
            if len(known) or infinite[metric] or metric == metrics[0]:
                interval = t_interval(known)
                yield {
                    **about, "metric": metric, "mean": interval.mean, "low": interval.low, "high": interval.high,
                    "unit": found.units.get(metric.split(":", maxsplit=1)[0], ""), "n": interval.n,
                    "few_seeds": interval.few, "missing": int(missing[metric]), "infinite": int(infinite[metric]),
                    "failed": failed, "notes": notes,
                }  # fmt: skip
