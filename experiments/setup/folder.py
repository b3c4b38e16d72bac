"""The folder that a run leaves, and the only place with a wall clock.

    runs/<date>/<time>_<protocol>_<attack>_s<seed>_<id>/
        config.yaml       the whole configuration, under the line that repeats the run
        ledger/           one Parquet file a table (Arrow files and a mark when the run was cut short)
        result.json       hashes, metrics, warnings, violations, prices at the end
        report.html       all of it as one page
        provenance.json   versions, commit, processor, seed, overrides, hashes of our files
        kept.json         what was kept of what made the run, in code/, inputs/ …: see `origins`
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
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.report.page import page
from slashpoint.experiments.report.text import command, visible
from slashpoint.experiments.setup.files import make_folder, write
from slashpoint.experiments.setup.provenance import ours, processor, source_hash, sources, versions
from slashpoint.sim.errors import Misconfigured, OutOfRoom, named
from slashpoint.sim.ledger import LedgerError, read
from slashpoint.sim.metrics import all_metrics
from slashpoint.sim.metrics.caveats import complaints, warnings
from slashpoint.sim.metrics.run import Run, assets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from slashpoint.sim.ledger import Ledger
    from slashpoint.sim.metrics import Metric
    from slashpoint.sim.world import World

RUNS = Path("runs")
SHOWN = 8  # complaints in the result; all are in the ledger
LAST = "last"
FAILED = "FAILED"  # the file that says why a run whose ledger is whole has no result
WHILE = 1.0  # seconds of wall time after which rows go to the disk, however few: nobody can flush after kill -9
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
            runs: where folders of runs are made.
        """
        now = datetime.now().astimezone()
        name = re.sub(r"[^\w.+-]", "-", f"{now:%H%M%S}_{protocol}_{(attack or 'none')[:MOST]}_s{seed}")
        salt = f"{config}{time.time_ns()}{os.getpid()}"
        path = runs / f"{now:%Y-%m-%d}" / f"{name}_{hashlib.blake2b(salt.encode(), digest_size=3).hexdigest()}"
        said = [*overrides] if any(one.startswith("seed=") for one in overrides) else [*overrides, f"seed={seed}"]
        folder = cls(path, visible(again) or command("run", [*said, *options]))
        made = f"# {folder.reproduce}\n{config}"
        provenance = {
            "reproduce": folder.reproduce,
            "seed": seed,
            "overrides": list(overrides),
            "protocol": protocol,
            "attack": attack or "none",
            "versions": versions(),
            "source": source_hash(),
            "config": _hash(made),
            "git": ours(),
            "platform": platform.platform(),
            "processor": processor(),
            "sources": sources(),
        }
        try:
            make_folder(path)
            write(path / "provenance.json", document(provenance))
            write(path / "timing.json", document({"started": now.isoformat()}))
            write(path / "config.yaml", made)  # the last: by it a run is found
        except OutOfRoom:
            shutil.rmtree(path, ignore_errors=True)
            raise
        return folder

    def keeps(self, ledger: Ledger, progress: Callable[[World], None] | None) -> Callable[[World], None]:
        """Return what is to be called after every block: it flushes the ledger once a while, then calls `progress`.

        Args:
            ledger: that is flushed.
            progress: called with the world; None is not called.
        """
        last = time.monotonic()

        def kept(world: World) -> None:
            nonlocal last
            if (now := time.monotonic()) - last >= WHILE:
                ledger.flush()
                last = now
            if progress is not None:
                progress(world)

        return kept

    def discard(self) -> None:
        """Take the folder away again, and the folders around it that hold nothing else: there was no run."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self.path.parent.rmdir()
            self.path.parent.parent.rmdir()

    def fails(self, why: str) -> None:
        """Note why there will be no result, if the disk still takes it."""
        with suppress(OutOfRoom):
            write(self.path / FAILED, f"{why}\n")

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
        """Write `result.json`, `report.html` and `timing.json`; returns the result.

        Args:
            run: a finished run.
            engine: its name.
            metrics: that the result has; by default those of this package.
        """
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
    """Return what a run came to, as one JSON document.

    Args:
        run: a finished run.
        metrics: that it has; by default those of this package.
    """
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
    """Return the run in a folder: a path, `last`, or any part of a folder's name that only one has.

    A run that never came to its result has no prices: its sums in USD are not numbers, and `unfinished` says why.

    Args:
        which: the run.
        runs: the folder of the folders of runs.

    Raises:
        Misconfigured: there is none, or a file of it is missing or damaged; the message names it.
    """
    path = find(which, runs)
    try:
        tables = read(path)
    except LedgerError as error:
        raise Misconfigured(str(error)) from error
    config = _config(path)
    if not tables.complete or not (path / "result.json").exists():
        unknown = dict.fromkeys(assets(tables), math.nan)
        why = tables.why if not tables.complete else _why_no_result(path)
        return Run(tables, unknown, config, ("the run did not come to its result",), unfinished=why)
    result = mapping(path / "result.json", json.loads)
    try:
        hashes: dict[str, str] = {name: str(result[name]) for name in ("chain_hash", "full_hash") if name in result}
        prices, begun = (
            {asset: float(price) for asset, price in result[kind].items()} for kind in ("prices", "prices_at_first")
        )
        expected = {kind: [str(name) for name in names] for kind, names in result["expected"].items()}
        return Run(tables, prices, config, tuple(map(str, result["notes"])), expected, hashes, begun)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Misconfigured(f"{path / 'result.json'} is damaged: {named(error)}") from error


def _config(path: Path) -> Any:
    """Return a run's configuration, which nobody has edited since."""
    from omegaconf import OmegaConf

    def read(text: str) -> Any:
        if known not in {None, _hash(text)}:
            raise ValueError("it was edited, and is not what the run was made with")
        return OmegaConf.to_container(OmegaConf.create(text))

    known = mapping(path / "provenance.json", json.loads).get("config")
    return mapping(path / "config.yaml", read)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _why_no_result(path: Path) -> str:
    failure = path / FAILED
    if failure.exists():
        return failure.read_text(encoding="utf-8").strip()
    return "its process was killed, or the disk was full"


def mapping(path: Path, read: Callable[[str], Any]) -> dict[str, Any]:
    """Return what a file holds, which must be names with values."""
    try:
        found = read(path.read_text(encoding="utf-8"))
    except Exception as error:  # parsers have errors of their own
        raise Misconfigured(f"{path} is damaged: {named(error).partition(chr(10))[0]}") from error
    if not isinstance(found, dict):
        raise Misconfigured(f"{path} is damaged: it holds no names with values")
    return found


def find(which: Path | str, runs: Path = RUNS) -> Path:
    """Return the folder of a run.

    Args:
        which: a path, `last`, or any part of a folder's name that only one has.
        runs: the folder of the folders of runs.

    Raises:
        Misconfigured: there is none, or several; the message says which there are.
    """
    if (Path(which) / "config.yaml").exists():
        return Path(which)
    if str(which) != LAST and Path(which).is_dir():
        raise Misconfigured(f"{Path(which) / 'config.yaml'} is missing: {which} is no run, or a damaged one")
    made = [path.parent for path in runs.glob("*/*/config.yaml")]
    made.sort(key=lambda path: (path / "config.yaml").stat().st_mtime_ns)
    meant = made[-1:] if str(which) == LAST else [path for path in made if str(which) in path.name]
    if len(meant) == 1:
        return meant[0]
    found = ", ".join(path.name for path in (meant or made)[-5:]) or "none"
    raise Misconfigured(f"{len(meant) or 'no'} runs match {str(which)!r} in {runs}; the newest: {found}")


def document(value: Any) -> str:
    """JSON for people and for machines: strict, so that nothing that is not a number gets in."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
