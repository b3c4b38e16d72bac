"""The folder that a run leaves, and the only place with a wall clock.

    runs/<date>/<time>_<protocol>_<attack>_s<seed>_<id>/
        config.yaml       the whole configuration, under the line that repeats the run
        ledger/           one Parquet file a table (Arrow files and a mark when the run was cut short)
        result.json       hashes, metrics, warnings, violations, prices at the end
        report.html       all of it as one page
        provenance.json   versions, builds, platform, seed, overrides
        timing.json       wall times: the only file that differs between two runs of one configuration, with run.log
        run.log

Every file but the ledger and the log is written whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import platform
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.files import make_folder, write
from slashpoint.experiments.provenance import source_hash, versions
from slashpoint.experiments.report import page
from slashpoint.experiments.text import command, visible
from slashpoint.sim.ledger import read
from slashpoint.sim.metrics import all_metrics
from slashpoint.sim.metrics.caveats import complaints, warnings
from slashpoint.sim.metrics.run import Run, assets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from slashpoint.sim.metrics import Metric

RUNS = Path("runs")
SHOWN = 8  # complaints in the result; all are in the ledger
LAST = "last"
MOST = 100  # characters of names of attacks or settings in a folder's name: file systems take 255 in all


@dataclass(frozen=True)
class RunFolder:
    """One run's folder. `Ledger(folder.path)` writes into it."""

    path: Path
    reproduce: str  # the line that repeats the run
    seconds: dict[str, float] = field(default_factory=dict)  # wall time by part

    @classmethod
    def create(
        cls,
        config: str,
        *,
        protocol: str,
        attack: str,
        seed: int,
        overrides: Sequence[str] = (),
        options: Sequence[str] = (),
        again: str = "",
        builds: Mapping[str, str] | None = None,
        runs: Path = RUNS,
    ) -> RunFolder:
        """Make the folder of a run that begins now.

        Args:
            config: the resolved configuration as YAML.
            protocol: its name.
            attack: its name, several joined by +.
            seed: of the run.
            overrides: what the user said, as on the command line.
            options: what else the line that repeats the run needs.
            again: the line itself, where no command repeats the run.
            builds: source hash of each contract's build, by name.
            runs: where folders of runs are made.
        """
        now = datetime.now().astimezone()
        name = re.sub(r"[^\w.+-]", "-", f"{now:%H%M%S}_{protocol}_{(attack or 'none')[:MOST]}_s{seed}")
        salt = f"{config}{time.time_ns()}{os.getpid()}"
        path = runs / f"{now:%Y-%m-%d}" / f"{name}_{hashlib.blake2b(salt.encode(), digest_size=3).hexdigest()}"
        make_folder(path)
        said = [*overrides] if any(one.startswith("seed=") for one in overrides) else [*overrides, f"seed={seed}"]
        folder = cls(path, visible(again) or command("run", [*said, *options]))
        write(path / "config.yaml", f"# {folder.reproduce}\n{config}")
        provenance = {
            "reproduce": folder.reproduce,
            "seed": seed,
            "overrides": list(overrides),
            "protocol": protocol,
            "attack": attack or "none",
            "versions": versions(),
            "source": source_hash(),
            "builds": dict(builds or {}),
            "platform": platform.platform(),
        }
        write(path / "provenance.json", document(provenance))
        write(path / "timing.json", document({"started": now.isoformat()}))
        return folder

    @contextmanager
    def takes(self, part: str) -> Iterator[None]:
        """Measure the wall time of a part of the run."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - begun

    @contextmanager
    def logs(self, level: int = logging.INFO) -> Iterator[logging.Logger]:
        """Send what the package logs into `run.log` too, after the line that repeats the run."""
        logger = logging.getLogger("slashpoint")
        handler = logging.FileHandler(self.path / "run.log", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        before = logger.level
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.info(self.reproduce)
        try:
            yield logger
        finally:
            logger.setLevel(before)
            logger.removeHandler(handler)
            handler.close()

    def finish(self, run: Run, *, engine: str, metrics: Iterable[Metric] | None = None) -> dict[str, Any]:
        """Write `result.json`, `report.html` and `timing.json`; returns the result."""
        provenance = json.loads((self.path / "provenance.json").read_text())
        about = {name: provenance[name] for name in ("protocol", "attack", "seed", "reproduce")}
        result = about | {"engine": engine} | result_of(run, metrics)
        write(self.path / "result.json", document(result))
        with self.takes("report"):
            write(self.path / "report.html", page(run, result))
        timing = json.loads((self.path / "timing.json").read_text())
        ended = datetime.now().astimezone().isoformat()
        write(self.path / "timing.json", document({**timing, "ended": ended, "seconds": self.seconds}))
        return result


def result_of(run: Run, metrics: Iterable[Metric] | None = None) -> dict[str, Any]:
    """What a run came to, as one JSON document."""
    values: dict[str, Any] = {}
    table = all_metrics(run, metrics)
    for name, key, value in zip(table["name"], table["key"], table["value"], strict=True):
        number = value if math.isfinite(value) else None
        if key:
            values.setdefault(name, {})[key] = number
        else:
            values[name] = number
    return {
        **run.hashes,
        "complete": run.tables.complete,
        "violations": len(said := complaints(run)),
        "complaints": said[:SHOWN],
        "warnings": warnings(run),
        "notes": list(run.notes),
        "prices": dict(run.prices),
        "prices_at_first": dict(run.begun),
        "expected": {kind: list(names) for kind, names in run.expected.items()},
        "metrics": values,
    }


def open_run(which: Path | str = LAST, runs: Path = RUNS) -> Run:
    """The run in a folder: a path, `last`, or any part of a folder's name that only one has.

    A run that never came to its result has no prices: its sums in USD are not numbers.
    """
    from omegaconf import OmegaConf

    path = find(which, runs)
    tables = read(path)
    config: Any = OmegaConf.to_container(OmegaConf.load(path / "config.yaml"), resolve=True)
    if not (path / "result.json").exists():
        unknown = dict.fromkeys(assets(tables), math.nan)
        return Run(tables, unknown, config, ("the run did not come to its result",))
    result = json.loads((path / "result.json").read_text())
    hashes = {name: result[name] for name in ("chain_hash", "full_hash") if name in result}
    begun = result.get("prices_at_first", {})
    return Run(tables, result["prices"], config, tuple(result["notes"]), result["expected"], hashes, begun)


def find(which: Path | str, runs: Path = RUNS) -> Path:
    """The folder of a run; FileNotFoundError says which there are."""
    if (Path(which) / "config.yaml").exists():
        return Path(which)
    made = [path.parent for path in runs.glob("*/*/config.yaml")]
    made.sort(key=lambda path: (path / "config.yaml").stat().st_mtime_ns)
    named = made[-1:] if str(which) == LAST else [path for path in made if str(which) in path.name]
    if len(named) == 1:
        return named[0]
    found = ", ".join(path.name for path in (named or made)[-5:]) or "none"
    raise FileNotFoundError(f"{len(named) or 'no'} runs match {str(which)!r} in {runs}; the newest: {found}")


def document(value: Any) -> str:
    """JSON for people and for machines: strict, so that nothing that is not a number gets in."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
