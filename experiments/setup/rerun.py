"""Make a run again from what its folder holds, and say whether it comes to the same, or what differs."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from slashpoint.experiments.report.ledgers import first_difference
from slashpoint.experiments.setup import provenance
from slashpoint.experiments.setup.folder import LAST, find, mapping, open_run
from slashpoint.experiments.setup.inputs import content
from slashpoint.experiments.setup.origins import KEPT, MOST
from slashpoint.experiments.setup.progress import progress
from slashpoint.experiments.setup.project import refuse_strangers
from slashpoint.experiments.setup.run import run
from slashpoint.sim.contract.artifact import standing_in
from slashpoint.sim.errors import Misconfigured, location, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omegaconf import DictConfig

    from slashpoint.sim.metrics.run import Run

ASIDE = ("reproduce", "engine")  # of a result: how it came about, not what came out


@dataclass
class Rerun:
    """What became of a run that was made again."""

    folder: Path
    cut: str = ""  # why the run in the folder was cut short, if it was
    changed: dict[str, list[str]] = field(default_factory=dict)  # since then, of the program and the machine
    differs: list[str] = field(default_factory=list)  # in what came out; nothing where it is the same
    rows: int = 0  # of the ledger in the folder, which were compared

    @property
    def equal(self) -> bool:
        """Whether it came to the same."""
        return not self.differs


def rerun(folder: Path, *, shown: bool = False) -> Rerun:
    """Make a run again, elsewhere: its folder stays as it is.

    Args:
        folder: of the run.
        shown: whether progress is.

    Raises:
        Misconfigured: the folder is damaged, or does not hold what made the run; the message says what is missing.
    """
    then = open_run(folder)
    with restored(folder, then) as (config, project, made_by, kept):
        found = Rerun(folder, then.unfinished, _changed(made_by, kept), rows=sum(map(len, then.tables.values())))
        with (
            tempfile.TemporaryDirectory(prefix="slashpoint-rerun-") as there,
            progress(config.scenario.jobs, shown=shown) as bar,
        ):
            how = {"overrides": made_by["overrides"], "runs": Path(there), "progress": bar}
            found.differs = _made(folder, then, config, project, **how)
    return found


@contextmanager
def restored(folder: Path, then: Run) -> Iterator[tuple[DictConfig, Path | None, Mapping[str, Any], Mapping[str, Any]]]:
    """Give what made a run: its configuration, its project, its provenance and the list of what was kept of it.

    Args:
        folder: of the run.
        then: the run that it holds.

    Raises:
        Misconfigured: the folder is damaged, or does not hold what made the run; the message says what is missing.
    """
    if not (folder / KEPT).exists():
        raise Misconfigured(f"{folder} holds no {KEPT}: what made the run was not kept, as in earlier versions")
    made_by, kept = (mapping(folder / name, json.loads) for name in ("provenance.json", KEPT))
    try:
        with tempfile.TemporaryDirectory(prefix="slashpoint-restored-") as there:
            config, project = _restored(folder, then, kept), _project(folder, kept, Path(there, "project"))
            builds = [_whole(folder / "stand_ins" / name, one) for name, one in kept["stand_ins"].items()]
            with standing_in(*builds):
                yield config, project, made_by, kept
    except (KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"{folder} is damaged, or another version's: {named(error)}") from error


def _made(folder: Path, then: Run, config: DictConfig, project: Path | None, *, runs: Path, **how: Any) -> list[str]:
    """Make it; returns what differs in what came out."""
    try:
        run(config, project=project, runs=runs, **how)
    except Exception as error:  # noqa: BLE001 - the first run may have ended by the same
        ended = named(error)
        if not then.unfinished.startswith(ended):
            return [f"now it ends with {ended} ({location(error)})"]
    again = find(LAST, runs)
    now = open_run(again)
    different = first_difference(then.tables, now.tables, whole=not then.unfinished)
    differs = [different] if different else []
    if not then.unfinished and not differs:
        differs += _results(*(mapping(one / "result.json", json.loads) for one in (folder, again)))
    return differs


def _results(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what differs between two results of equal ledgers."""
    names = [name for name in then if name in now and name not in ASIDE and then[name] != now[name]]
    if "metrics" in names:
        both = then["metrics"], now["metrics"]
        metrics = sorted(name for name in both[0].keys() | both[1].keys() if both[0].get(name) != both[1].get(name))
        names[names.index("metrics")] = f"the metrics {', '.join(metrics)}"
    return [f"of equal ledgers the result has another {' and '.join(names)}"] if names else []


def _changed(made_by: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what of the program and the machine is another than then."""
    project = Path((kept["project"] or {"folder": ""})["folder"])
    code = {name: one["sha256"] for name, one in kept["code"].items()}
    return {
        "program": _files(made_by["sources"], provenance.sources()),
        "versions": _values(made_by["versions"], provenance.versions()),
        "processor": _values({"": made_by["processor"]}, {"": provenance.processor()}),
        "project": _files(code, _held({name: project / name for name in code})),
        "other files": _files(kept["read"], _held({name: Path(name) for name in kept["read"]})),
    }


def _held(paths: Mapping[str, Path]) -> dict[str, str]:
    return {name: content(path) for name, path in paths.items() if path.is_file()}


def _files(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the files that are others, by their hashes."""
    names = [name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name)]
    return [f"{name}{' (new)' * (name not in then)}{' (gone)' * (name not in now)}" for name in names]


def _values(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    names = [name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name)]
    return [f"{name} {then.get(name, 'none')} → {now.get(name, 'none')}".strip() for name in names]


def _restored(folder: Path, then: Run, kept: Mapping[str, Any]) -> DictConfig:
    """Return the configuration, with the copies of files in the place of the files.

    Raises:
        Misconfigured: somebody from Python took part, or a file is neither here nor there.
    """
    if kept["given"]:
        who = ", ".join(f"{one['class']} of {one['module']}" for one in kept["given"])
        source = next((f" (its source: {folder / one['source']})" for one in kept["given"] if one["source"]), "")
        raise Misconfigured(
            f"{folder} cannot be made again: {who} was given from Python, and has no name{source}. "
            "Put it into a project, as attacks/NAME.py"
        )
    config = OmegaConf.create(dict(then.config))
    for parameter, one in kept["inputs"].items():
        paths = [_input(folder / "inputs" / parameter, parameter, each) for each in one["files"]]
        if one["folder"] and len({path.parent for path in paths}) > 1:
            paths = [_there(Path(each["path"]), each, parameter) for each in one["files"]]
        if paths:
            OmegaConf.update(config, parameter, str(paths[0].parent if one["folder"] else paths[0]))
    return config


def _input(copies: Path, parameter: str, record: Mapping[str, Any]) -> Path:
    """Return a file that a parameter stood for: its copy, or where it was too large for one, itself."""
    path = Path(record["path"])
    return _whole(copies / path.name, record) if record["copy"] else _there(path, record, parameter)


def _there(path: Path, record: Mapping[str, Any], what: str) -> Path:
    """Return a file of which no copy was kept, if it is still what it was."""
    if path.is_file() and content(path) == record["sha256"]:
        return path
    why = "was changed since" if path.is_file() else "is gone"
    raise Misconfigured(f"{what}: {path} {why}, and of files beyond {MOST // 2**20} MiB no copy is kept")


def _whole(copy: Path, record: Mapping[str, Any]) -> Path:
    """Return a copy, if it is what was kept."""
    if copy.is_file() and content(copy) == record["sha256"]:
        return copy.absolute()
    raise Misconfigured(f"{copy} is {'damaged' if copy.is_file() else 'missing'}: it is not what the run was made with")


def _project(folder: Path, kept: Mapping[str, Any], there: Path) -> Path | None:
    """Put a project together of what was kept of it."""
    if kept["project"] is None:
        return None
    refuse_strangers(folder / "code")
    for name, record in kept["code"].items():
        target = there / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if record["copy"]:
            shutil.copyfile(_whole(folder / "code" / name, record), target)
        else:
            os.symlink(_there(Path(kept["project"]["folder"], name), record, name), target)  # noqa: PTH211 - reads so
    return there
