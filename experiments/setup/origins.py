"""What made a run, kept in its folder, so that it can be made again when its files were changed or are gone.

code/             the project's files that the run imported, and those beside them that they opened
inputs/           the files that parameters stand for: a replayed price, a data set
stand_ins/        builds that were deployed in the place of others
given/            the source of attacks that were given from Python, for a reader
kept.json         all of these with their hashes, and what else was read
"""

from __future__ import annotations

import ast
import json
import linecache
import shutil
import sys
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from slashpoint.experiments.setup import catalogue, modules
from slashpoint.experiments.setup.config import reads
from slashpoint.experiments.setup.files import make_folder, write, writing
from slashpoint.experiments.setup.inputs import content, library, undeclared, watching
from slashpoint.experiments.setup.project import MARK
from slashpoint.experiments.setup.provenance import git
from slashpoint.sim.contract.artifact import stand_ins
from slashpoint.sim.errors import OutOfRoom

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omegaconf import DictConfig

    from slashpoint.agents.conduct import Conduct

KEPT = "kept.json"
MOST = 8 * 2**20  # bytes of a file of which a copy is kept; of a larger one the hash is


@contextmanager
def keeping(folder: Path, config: DictConfig, project: Path | None, given: Sequence[Conduct] = ()) -> Iterator[None]:
    """Keep what makes a run while it is made: what is known at its start then, the rest in the end, however it ends.

    Args:
        folder: of the run.
        config: of the run.
        project: a project's folder.
        given: attacks from Python, which no name stands for.
    """
    kept: dict[str, Any] = {
        "project": project and {"folder": str(project), "git": git(project)},
        "inputs": {
            f"{section}.{name}": _inputs(folder, section, name, files, OmegaConf.select(config, f"{section}.{name}"))
            for section, parameters in reads(config, project).items()
            for name, files in parameters.items()
        },
        "stand_ins": {path.name: _copied(path, folder / "stand_ins" / path.name) for path in stand_ins()},
        "given": [_given(folder, one) for one in given],
        "code": {},
    }
    if project is not None:
        catalogue.preload(config.protocol.name, project)
    known = [Path(one["path"]) for each in kept["inputs"].values() for one in each["files"]]
    with watching():
        _keep(folder, kept, project, known)
        try:
            yield
        finally:
            with suppress(OutOfRoom):  # the run has its own complaint of a full disk
                _keep(folder, kept, project, known)


def _keep(folder: Path, kept: dict[str, Any], project: Path | None, known: Sequence[Path]) -> None:
    """Copy what was imported and opened so far and was not before; say so."""
    code = _imported(project) if project is not None else {}
    read = undeclared([folder, *known, *code.values()], project)
    beside = {name: project / name for name in read if project is not None and not Path(name).is_absolute()}
    for name, path in (code | beside).items():
        if name not in kept["code"]:
            kept["code"][name] = _copied(path, folder / "code" / name)
    kept["read"] = {name: record for name, record in read.items() if name not in beside}
    write(folder / KEPT, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")


def _imported(project: Path) -> dict[str, Path]:
    """Return the files of a project that this process imported, and the one that marks it, by their names in it."""
    package = modules.package(project)
    found = (module for name, module in sorted(sys.modules.items()) if name.startswith(f"{package}."))
    files = [Path(file) for module in found if (file := getattr(module, "__file__", None))]
    return {path.relative_to(project).as_posix(): path for path in (project / MARK, *files) if path.is_file()}


def _copied(path: Path, copy: Path) -> dict[str, Any]:
    """Copy a file unless it is too large; returns what is to be said of it."""
    digest = content(path)
    if path.stat().st_size > MOST:
        return {"sha256": digest, "copy": False}
    make_folder(copy.parent)
    with writing(copy):
        shutil.copyfile(path, copy)
    return {"sha256": digest, "copy": True}


def _inputs(folder: Path, section: str, name: str, files: Sequence[Path], value: Any) -> dict[str, Any]:
    """Keep the files that a parameter stands for; what lies in a package is there with its version."""
    mine = [path for path in files if path.is_file() and not library(path)]
    there = folder / "inputs" / f"{section}.{name}"
    return {
        "folder": not value or files != [Path(value)],  # whether its value is the folder around the files
        "files": [{"path": str(path.absolute()), **_copied(path, there / path.name)} for path in mine],
    }


def _given(folder: Path, attack: Conduct) -> dict[str, Any]:
    """Return what an attack from Python is: its class, its parameters as they print, its source where there is one."""
    kind = type(attack)
    sources = [text for one in reversed(kind.__mro__) if (text := source(one))]
    if sources:
        make_folder(folder / "given")
        write(folder / "given" / f"{kind.__name__}.py", "\n\n".join(sources) + "\n")
    parameters = {one.name: repr(getattr(attack, one.name)) for one in fields(attack)}
    about = {"class": kind.__qualname__, "module": kind.__module__, "parameters": parameters}
    return {**about, "source": f"given/{kind.__name__}.py" if sources else None}


def source(kind: type) -> str:
    """Return the source of a class that is neither ours nor Python's, from its file or cell; empty if it is lost."""
    if kind.__module__.partition(".")[0] in {"slashpoint", *sys.stdlib_module_names} - {"__main__"}:
        return ""
    files = [one.__code__.co_filename for one in vars(kind).values() if hasattr(one, "__code__")]
    for file in [*files, getattr(sys.modules.get(kind.__module__), "__file__", None)]:
        text = "".join(linecache.getlines(file)) if file else ""
        with suppress(SyntaxError):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    return ""
