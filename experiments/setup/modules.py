"""Modules of files: ours under their names, a project's under a private name that nobody else knows."""

from __future__ import annotations

import hashlib
import importlib
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING

import slashpoint
from slashpoint.experiments.setup.inputs import code, digest, watching
from slashpoint.sim.errors import PROJECT, BrokenProject, Escaped, Misconfigured, contained, location, named

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(slashpoint.__path__[0])
_importing = RLock()
_imported: dict[Path, str] = {}  # projects with the hash of their code when they were first imported


def load_module(path: Path, project: Path | None = None) -> ModuleType:
    """Import a module of this package, or of a project under a private name, so that it cannot hide anything.

    Files of a project may import one another relatively.

    Args:
        path: the file.
        project: its folder, if there is one.

    Raises:
        Misconfigured: a project's file is no Python, or imports what is not there.
        BrokenProject: a project's file raised something else, whatever it is.
    """
    root, top = (package(project), project) if project else ("slashpoint", HOME)
    if project is not None and project not in _imported:
        refreshed(project)
    try:
        with contained(), watching(), _without_bytecode() if project is not None else nullcontext():
            parts = path.relative_to(top).with_suffix("").parts
            return importlib.import_module(".".join((root, *(one for one in parts if one != "__init__"))))
    except Exception as error:
        if project is None:
            raise  # ours to mend
        if isinstance(error, Misconfigured):  # ours: what a decorator says, say
            raise Misconfigured(f"{location(error)}: {error}") from error
        said = str(error) if isinstance(error, Escaped) else f"{location(error)}: cannot be imported: {named(error)}"
        kind = Misconfigured if isinstance(error, (ImportError, SyntaxError)) else BrokenProject
        raise kind(said) from error


def refreshed(project: Path, now: str = "") -> str:
    """Forget what was imported of a project if its code has changed since, so that what is there is imported.

    Args:
        project: its folder.
        now: the hash of its code, where it is known.

    Returns:
        The hash of its code.
    """
    now = now or digest(code(project))
    if _imported.setdefault(project, now) != now:
        for name in [name for name in sys.modules if name.startswith(f"{package(project)}.")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        _imported[project] = now
    return now


@contextmanager
def _without_bytecode() -> Iterator[None]:
    """Leave no .pyc: Python takes one for current whose source was written in the same second, of the same size."""
    with _importing:  # of one thread at a time: the interpreter has one such switch
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            yield
        finally:
            sys.dont_write_bytecode = before


def package(project: Path) -> str:
    """Return the private package that a project is: only `sys.modules` knows of it, never `sys.path`."""
    name = f"{PROJECT}{hashlib.blake2b(str(project).encode(), digest_size=4).hexdigest()}"
    package = sys.modules.setdefault(name, ModuleType(name))
    package.__path__ = [str(project)]
    return name
