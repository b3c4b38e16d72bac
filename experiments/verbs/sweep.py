"""Run every combination of settings: one table with intervals over seeds, and a picture of what pays where.

slashpoint sweep scenario=small attack=lazy,overclaim protocol.stake=1,5,20,50 "seed=range(20)" -j 2
slashpoint sweep scenario=small protocol.reward=10,100 "seed=range(20)" --metric delivered_quality

Overrides are in Hydra's multirun grammar. What was run before is not run again: repeat the same command to continue a
sweep that was stopped. For each seed an attack is run once from every seat of its role (or from that of
scenario.seat=k), beside a run in which all are honest; the average over the seats is one observation.
It leaves table.parquet, table.csv, rows.parquet, picture.html (offline) and picture.png in a folder named after it.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.report.text import emit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from slashpoint.experiments.study.sweep import Sweep


def arguments(parser: ArgumentParser) -> None:
    """Add what it takes."""
    from slashpoint.experiments.study.options import many_runs

    parser.add_argument("overrides", nargs="+", metavar="OVERRIDE", help="key=value, key=a,b or key=range(n)")
    parser.add_argument(
        "--metric", metavar="NAME[:KEY]", help="what the picture shows (gain, or honest_profit without attack)"
    )
    many_runs(parser)


def main(args: Namespace) -> int:
    """Sweep; returns the exit code."""
    from slashpoint.experiments.cli import CRASHED, FAILED, HELD, worst
    from slashpoint.experiments.report.text import complain
    from slashpoint.experiments.setup.compile import warn_of_stale
    from slashpoint.experiments.setup.progress import counting
    from slashpoint.experiments.setup.project import in_use
    from slashpoint.experiments.study.executor import CACHE
    from slashpoint.experiments.study.sweep import sweep
    from slashpoint.sim.errors import Misconfigured, OutOfRoom

    project = in_use()
    warn_of_stale(project)
    if args.metric is not None:
        _check_metric(args.metric, args.overrides, project)
    with counting("sweep", shown=not args.quiet) as update:
        found = sweep(args.overrides, workers=args.jobs, cache=args.out / CACHE, project=project, progress=update)
    metric = args.metric or ("gain" if "gain" in found.rows else "honest_profit")
    failed = int((found.rows["error"] != "").sum())
    try:
        folder = _write(args, found)
        if failed < len(found.rows):
            _tell(args, found, metric, folder, project)
    except KeyError as error:
        raise Misconfigured(f"--metric {error.args[0]}") from error
    except OutOfRoom as error:
        error.add_note(f"all runs are kept in {args.out / CACHE}: the same command makes the tables")
        raise
    for row in found.rows[found.rows["error"] != ""].head(3).to_dict("records"):
        complain(row["error"])
    broken = bool((found.rows["violations"] > 0).any())
    return worst([CRASHED if failed else HELD, FAILED if broken else HELD])


def _check_metric(metric: str, overrides: Sequence[str], project: Path | None) -> None:
    """Refuse a metric that no run will have; which keys it has, only runs know."""
    from slashpoint.experiments.setup import catalogue
    from slashpoint.experiments.setup.project import unknown
    from slashpoint.experiments.study.pairs import PAIRED, cheated
    from slashpoint.sim.errors import Misconfigured, choices

    name, colon, _ = metric.partition(":")
    known = sorted({*PAIRED, *(one.__name__ for one in catalogue.metrics(project))})
    if name not in known:
        raise unknown(f"--metric {metric}: no metric {name!r}; {choices(name, known)}", project)
    if name in PAIRED and colon:
        raise Misconfigured(f"--metric {metric}: {name} has no keys")
    if name in PAIRED and not cheated(overrides):
        raise Misconfigured(f"--metric {metric}: it is of an attack; name one, as in attack=lazy")


def _write(args: Namespace, found: Sweep) -> Path:
    """Return the folder with the tables: the same for the same overrides, whenever they are run."""
    from slashpoint.experiments.report.text import command
    from slashpoint.experiments.setup.files import make_folder, whole, write
    from slashpoint.experiments.setup.folder import MOST

    name = re.sub(r"[^\w.+-]+", "-", "_".join(found.axes)[:MOST] or "one")
    salt = hashlib.blake2b(" ".join(args.overrides).encode(), digest_size=3).hexdigest()
    folder: Path = args.out / "sweeps" / f"{name}_{salt}"
    make_folder(folder)
    for table, to, file in (
        (found.table, "to_parquet", "table.parquet"),
        (found.table, "to_csv", "table.csv"),
        (found.rows, "to_parquet", "rows.parquet"),
    ):
        with whole(folder / file) as draft:
            getattr(table, to)(draft, index=False)
    write(folder / "command", command("sweep", args.overrides) + "\n")
    return folder


def _tell(args: Namespace, found: Sweep, metric: str, folder: Path, project: Path | None) -> None:
    from slashpoint.experiments.report.screen import Grid, Screen
    from slashpoint.experiments.report.tables import money
    from slashpoint.experiments.study.options import document
    from slashpoint.experiments.study.stats import FEW_TOLD
    from slashpoint.experiments.study.sweep import COLUMNS

    chosen, crossings = found.of(metric), found.crossings(metric)
    unit = str(chosen["unit"].iloc[0])
    if found.axes:
        from slashpoint.experiments.study.chart import picture, save

        save(picture(found, metric, unit), folder)
    if args.json:
        facts = {"metric": metric, "folder": folder, "project": project}
        emit(document({"rows": found.table, "crossings": crossings}, COLUMNS, **facts))
        return
    title = f"{metric} in {unit}" if unit not in {"", "1"} else metric
    shown = Grid(title, *found.axes, mean=True, low=True, high=True, n=True, failed=True)
    shown.add_column("")
    for row in chosen.to_dict("records"):
        numbers = (money(row[name]) for name in ("mean", "low", "high"))
        cells = (f"{row[axis]:g}" if isinstance(row[axis], float) else str(row[axis]) for axis in found.axes)
        shown.add_row(*cells, *numbers, str(row["n"]), str(row["failed"] or "-"), _doubt(row))
    console = Screen()
    console.print(shown)
    console.print("means and 95 % intervals over seeds, each for itself", style="dim italic")
    if chosen["few_seeds"].any():
        console.tell(FEW_TOLD, style="dim italic")
    for line in _zeros(found, metric, crossings):
        console.tell(line)
    for note in _notes(found):
        console.tell(f"note      {note}")
    console.tell(f"folder    {folder}")


def _doubt(row: dict[Any, Any]) -> str:
    """Return what a reader must know of a mean."""
    from slashpoint.experiments.study.stats import FEW_MARK

    counts = [(name, row[name]) for name in ("infinite", "missing") if row[name]]
    doubts = [f"{name} in {count} run{'s' * (count > 1)}" for name, count in counts]
    return ", ".join([FEW_MARK] * row["few_seeds"] + doubts)


def _notes(found: Sweep) -> Iterator[str]:
    """Yield what a reader must know; of what is so for some settings only, for which."""
    settings_of: dict[str, dict[str, None]] = {}
    settings = set()
    for row in found.rows.to_dict("records"):
        values = {axis: f"{row[axis]:g}" if isinstance(row[axis], float) else row[axis] for axis in found.axes}
        settings.add(about := " ".join(f"{axis}={value}" for axis, value in values.items()))
        for note in row["notes"].splitlines():
            settings_of.setdefault(note, {})[about] = None
    for note, where in settings_of.items():
        yield note if len(where) == len(settings) else f"{note} ({', '.join(where)})"


def _zeros(found: Sweep, metric: str, crossings: pd.DataFrame) -> Iterator[str]:
    """Where a metric changes its sign, that it does not, and which settings do not change it at all."""
    from slashpoint.experiments.study.stats import FEW_MARK

    others, idle = [axis for axis in found.axes if axis != found.along], found.idle(metric)
    for axis in idle:
        yield f"{axis} has no effect: {metric} is the same at all its values, in every seed"
    if found.along is None or found.along in idle:
        return
    for row in crossings.dropna(subset=["crossing"]).to_dict("records"):
        about = " ".join(f"{axis}={row[axis]}" for axis in others)
        sure = f", 95 % between {row['low']:.3g} and {row['high']:.3g}{f' {FEW_MARK}' * row['few_seeds']}"
        known = ", not sure" if math.isnan(row["low"]) else sure
        even = f"{metric} crosses zero{' (break-even)' * (metric == 'gain')}"
        yield f"{about}: {even} at {found.along} = {row['crossing']:.3g}{known}".removeprefix(": ")
    for row in found.sides(metric).to_dict("records"):
        about = " ".join(f"{axis}={row[axis]}" for axis in others)
        yield f"{about} never crosses zero: the mean of {metric} is {row['side']} it at every {found.along}".strip()
