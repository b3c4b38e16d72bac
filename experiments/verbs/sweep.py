"""Run every combination of settings: one table with intervals over seeds, and a picture of what pays where.

slashpoint sweep scenario=small attack=lazy,overclaim protocol.stake=1,5,20,50 "seed=range(20)" -j 2
slashpoint sweep scenario=small protocol.reward=10,100 "seed=range(20)" --metric delivered_quality

Overrides are in Hydra's multirun grammar. What was run before is not run again, so a sweep that was killed goes on.
It leaves table.parquet, table.csv, rows.parquet, picture.html (offline) and picture.png in a folder named after it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from pathlib import Path

    from slashpoint.experiments.sweep import Sweep


def arguments(parser: ArgumentParser) -> None:
    """What it takes."""
    from slashpoint.experiments.options import many_runs

    parser.add_argument("overrides", nargs="+", metavar="OVERRIDE", help="key=value, key=a,b or key=range(n)")
    parser.add_argument("--metric", metavar="NAME[:KEY]", help="of the picture (gain, or honest_profit without attack)")
    many_runs(parser)


def main(args: Namespace) -> int:
    """Sweep; returns the exit code."""
    from slashpoint.experiments.cli import CRASHED, FAILED, HELD, worst
    from slashpoint.experiments.executor import CACHE
    from slashpoint.experiments.progress import counting
    from slashpoint.experiments.project import in_use
    from slashpoint.experiments.sweep import sweep
    from slashpoint.experiments.text import complain
    from slashpoint.sim.errors import Misconfigured, OutOfRoom

    project = in_use()
    with counting("sweep", shown=not args.quiet) as told:
        found = sweep(args.overrides, workers=args.jobs, cache=args.out / CACHE, project=project, progress=told)
    metric = args.metric or ("gain" if "gain" in found.rows else "honest_profit")
    failed = int((found.rows["error"] != "").sum())
    try:
        folder = _write(args, found)
        if failed < len(found.rows):
            _tell(args, found, metric, folder, project)
    except KeyError as error:
        raise Misconfigured(f"--metric: {error.args[0]}") from error
    except OutOfRoom as error:
        error.add_note(f"all runs are kept in {args.out / CACHE}: the same command makes the tables")
        raise
    for row in found.rows[found.rows["error"] != ""].head(3).to_dict("records"):
        complain(row["error"])
    broken = bool((found.rows["violations"] > 0).any())
    return worst([CRASHED if failed else HELD, FAILED if broken else HELD])


def _write(args: Namespace, found: Sweep) -> Path:
    """The folder with the tables: the same for the same overrides, whenever they are run."""
    from slashpoint.experiments.files import make_folder, whole, write
    from slashpoint.experiments.folder import MOST
    from slashpoint.experiments.text import command

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
    from slashpoint.experiments.options import document
    from slashpoint.experiments.screen import Grid, Screen
    from slashpoint.experiments.sweep import COLUMNS
    from slashpoint.experiments.tables import money

    chosen, crossings = found.of(metric), found.crossings(metric)
    if found.axes:
        from slashpoint.experiments.picture import picture, save

        save(picture(found, metric, _unit(metric)), folder)
    if args.json:
        facts = {"metric": metric, "folder": folder, "project": project}
        print(document({"rows": found.table, "crossings": crossings}, COLUMNS, **facts))
        return
    shown = Grid(f"{metric} in {_unit(metric)}", *found.axes, mean=True, low=True, high=True, n=True, failed=True)
    for row in chosen.to_dict("records"):
        numbers = (money(row[name]) for name in ("mean", "low", "high"))
        cells = (f"{row[axis]:g}" if isinstance(row[axis], float) else str(row[axis]) for axis in found.axes)
        shown.add_row(*cells, *numbers, str(row["n"]), str(row["failed"] or "-"))
    console = Screen()
    console.print(shown)
    others = [axis for axis in found.axes if axis != found.along]
    for row in crossings.dropna(subset=["crossing"]).to_dict("records"):
        about = " ".join(f"{axis}={row[axis]}" for axis in others)
        told = f"crosses zero at {found.along} = {row['crossing']:.3g}"
        known = f", 95 % between {row['low']:.3g} and {row['high']:.3g}" if row["low"] == row["low"] else ", not sure"
        console.print(f"{about} {told}{known}".strip())
    for note in dict.fromkeys(note for note in found.table["notes"] if note):
        console.tell(f"note      {note}")
    console.tell(f"folder    {folder}")


def _unit(metric: str) -> str:
    from slashpoint.experiments.suite import PAIRED
    from slashpoint.sim.metrics import builtin

    units = PAIRED | {one.__name__: one.unit for one in builtin()}
    return units.get(metric.split(":", maxsplit=1)[0], "1")
