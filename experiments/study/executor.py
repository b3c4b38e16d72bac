"""The executor: many runs, each a row. Every verb that needs more than one run asks it.

A point is a setting; a row is what its run came to. Rows lie in a cache, a file each, under a key that is made of all
that decides a run: the configuration with its seed, the code of the contracts, the program and what it stands on.
What is there is not run again, so whatever was killed goes on where it was.

    cache/ab/ab12….json   a row
    cache/seconds.csv     key and wall time of each run: the only file that differs between two machines
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from omegaconf import OmegaConf

from slashpoint.experiments.report.text import command
from slashpoint.experiments.setup.cache_key import Asked, Settings
from slashpoint.experiments.setup.files import make_folder, writing
from slashpoint.experiments.setup.inputs import undeclared, watching
from slashpoint.experiments.setup.modules import refreshed
from slashpoint.experiments.setup.run import run
from slashpoint.experiments.study.row_store import Kept
from slashpoint.experiments.study.workers import Died, each
from slashpoint.sim.contract.artifact import standing_in
from slashpoint.sim.errors import OutOfRoom, Stopped, contained, traced
from slashpoint.sim.metrics.caveats import complaints, unexplained, unposted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from slashpoint.experiments.setup.run import Result

CACHE = Path("points")  # in the folder of runs
COLUMNS = {
    "seed": "of everything random; -1 where it could not be read",
    "key": "hash of all that decides the run",
    "chain_hash": "SHA-256 of what happened on chain",
    "full_hash": "SHA-256 of all that was recorded",
    "trace_hash": "SHA-256 of what was sent and of what money moved, whoever decided it and why",
    "attackers": "the persons who attack, with spaces between",
    "overridden": "how often they were asked something that they answer in their own way",
    "violations": "complaints of invariants",
    "complaint": "the first of them",
    "unknown": "money that moved for no known cause; empty when none did",
    "unposted": "how many of the scenario's jobs were posted, and why no more; empty when all were",
    "notes": "what a reader must know, with line breaks between",
    "error": "the traceback of a run that failed; empty for one that did not",
}  # and each metric: its name, or name:key
LOST = "lost: the process that made this run was"  # what the error of such a run begins with
NOTHING: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {
    "seed": -1,
    "overridden": 0,
    "violations": 0,
}  # a row before its run


@dataclass(frozen=True)
class Point:
    """One run to be made."""

    overrides: tuple[str, ...]  # in Hydra's grammar
    project: Path | None = None
    labels: Mapping[str, Any] = field(default_factory=dict, compare=False)  # columns that say what it is to the asker
    stand_ins: tuple[Path, ...] = ()  # builds that are deployed in the place of contracts of the same name

    @property
    def job(self) -> tuple[tuple[str, ...], Path | None, tuple[Path, ...]]:
        """What is run: two points with other labels are one run."""
        return self.overrides, self.project, self.stand_ins


def evaluate(
    points: Sequence[Point],
    *,
    workers: int = 1,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Run what has not been run.

    Args:
        points: what to run; the same run under two labels is made once.
        workers: processes; what comes out does not depend on it.
        cache: where rows are kept; None keeps nothing.
        progress: told how many are done, of how many.

    Returns:
        A row for each point, in their order: labels, COLUMNS, metrics. A failed run is a row with its traceback
        and is tried again the next time.
    """
    jobs = list(dict.fromkeys(point.job for point in points))
    done: dict[Any, dict[str, Any]] = {}
    try:
        for job, row, seconds in _done(jobs, workers, cache and make_folder(cache)):
            done[job] = row
            if cache is not None and seconds is not None:
                with writing(times := cache / "seconds.csv"), times.open("a", encoding="utf-8") as file:
                    file.write(f"{row['key']},{seconds:.3f}\n")
            if progress is not None:
                progress(len(done), len(jobs))
    except (OutOfRoom, Stopped) as error:
        if kept := sum(not row["error"] for row in done.values()) if cache else 0:
            error.add_note(f"{kept} of {len(jobs)} runs are kept in {cache}: the same command goes on from there")
        raise
    return pd.DataFrame([{**point.labels, **done[point.job], **point.labels} for point in points])


def column(metric: str, key: str = "") -> str:
    """Return what the column of a metric is called.

    Args:
        metric: its name.
        key: of a metric that has several numbers.
    """
    return f"{metric}:{key}" if key else metric


def cause(error: str) -> str:
    """Return the line of a traceback that names the error, without the notes below it."""
    lines = error.strip().splitlines()
    frames = [i for i, line in enumerate(lines) if line.startswith(("  ", "Traceback"))]
    return lines[frames[-1] + 1] if frames and frames[-1] + 1 < len(lines) else lines[-1] if lines else ""


def _done(jobs: Sequence[Any], workers: int, cache: Path | None) -> Iterator[tuple[Any, dict[str, Any], float | None]]:
    """Each job with its row and its wall time (None when it was not run), as they come."""
    settings: dict[Path | None, Settings] = {}
    missing: dict[str, Any] = {}
    same: dict[str, list[Any]] = {}  # by the key of a run, jobs that ask for it in other words
    for job in jobs:
        overrides, project, stand_ins = job
        try:
            if project not in settings:
                settings[project] = Settings(project)
            with contained():
                asked = settings[project].ask(overrides, stand_ins)
            row = None if cache is None else Kept(cache, asked.key).read(COLUMNS, project)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this row's
            yield job, NOTHING | {"error": traced(error)}, None
            continue
        if row is not None:
            yield job, row, None
        elif asked.key in missing:
            same.setdefault(asked.key, []).append(job)
        else:
            missing[asked.key] = job, asked, cache
    for asked, (job, row, seconds) in _run(list(missing.values()), workers):
        yield job, row, seconds
        yield from ((other, row, None) for other in same.get(asked.key, ()))


def _run(missing: Sequence[Any], workers: int) -> Iterator[tuple[Asked, tuple[Any, dict[str, Any], float | None]]]:
    """Make the runs that are missing; each with its job, its row and its wall time, as they come."""
    if workers <= 1 or len(missing) <= 1:
        yield from ((what[1], _made(what)) for what in missing)
        return
    for (job, asked, _), found in each(_made, missing, workers):
        yield asked, (job, _lost(job, found), None) if isinstance(found, Died) else found


def _lost(job: Any, died: Died) -> dict[str, Any]:
    """Return the row of a run whose worker died."""
    helps = "where memory ran out, fewer at a time (-j) need less; the same command makes again what is missing"
    return NOTHING | {"error": f"{LOST} {died} ({command('run', job[0])}): {helps}"}


def _made(what: tuple[Any, Asked, Path | None]) -> tuple[Any, dict[str, Any], float | None]:
    """Make a run, and keep its row."""
    job, asked, cache = what
    overrides, project, stand_ins = job
    begun = time.perf_counter()
    row = NOTHING | {"seed": asked.config["seed"], "key": asked.key}
    try:
        if project is not None:
            refreshed(project, asked.code)
        with contained(), standing_in(*stand_ins), watching():
            row |= _row(run(OmegaConf.create(dict(asked.config)), project=project, overrides=overrides))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this row's
        row["error"] = traced(error)
    if cache is not None:
        about = {"overrides": list(overrides), "stand_ins": [str(one) for one in stand_ins]}
        Kept(cache, asked.key).write(row, undeclared(asked.reads, project), about)
    return job, row, time.perf_counter() - begun


def _row(result: Result) -> dict[str, Any]:
    tables, run = result.ledger, result.run
    people, duties = run.people, tables["duties"]
    attackers = list(people.index[people["attacker"]])
    asked = duties["controller"].isin(attackers) & ~duties["by"].str.startswith("Conduct.")
    said = complaints(run)
    found = {
        "chain_hash": result.chain_hash, "full_hash": result.full_hash, "trace_hash": _trace(tables),
        "attackers": " ".join(attackers), "overridden": int(asked.sum()), "violations": len(said),
        "complaint": said[0] if said else "", "unknown": "\n".join(unexplained(run)),
        "unposted": "\n".join(unposted(run)), "notes": "\n".join([*unposted(run), *run.notes]), "error": "",
    }  # fmt: skip
    metrics = result.metrics
    values = zip(metrics["name"], metrics["key"], metrics["value"].astype(float), strict=True)
    return found | {column(name, key): float(value) for name, key, value in values}


def _trace(tables: Mapping[str, pd.DataFrame] | Any) -> str:
    """Return a hash of transactions and transfers, without our names for why they were sent."""
    import hashlib

    digest = hashlib.sha256()
    for name, without in (("transactions", ["duty", "verb"]), ("transfers", [])):
        rows: Iterable[Any] = tables[name].drop(columns=without).to_numpy(dtype=object).tolist()
        for row in rows:
            digest.update(repr(row).encode())
    return digest.hexdigest()
