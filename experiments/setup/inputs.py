"""What a run reads: a project's code, the files that its parameters name, and whatever else is opened meanwhile.

A plug-in says what it reads (`reads` of prices, tasks, attacks and the rules of a chain); such a file counts by
its content alone, wherever it lies. What nobody said is seen as it is opened, whoever opens it, and is remembered by
its path and content.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import site
import sys
import sysconfig
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import slashpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PARTS = ("sim", "agents", "protocols", "experiments", "conf", "contracts")
OURS = [os.path.join(slashpoint.__path__[0], part) for part in PARTS]  # noqa: PTH118 - all of these are text
LIBRARIES = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
DEVICES = ["/proc", "/sys", "/dev"]
# What lies in one of these is no input: our files count by our source, packages by their versions
APART = tuple(
    f"{os.path.realpath(one)}{os.sep}"
    for one in (*OURS, *LIBRARIES, *site.getsitepackages(), site.getusersitepackages(), *DEVICES)
)
PRUNED = ("__pycache__", "node_modules")
MARKS = ("pyvenv.cfg", "provenance.json")  # what makes a folder an environment of Python, or one that a run left

_opened: set[str] = set()  # for reading, while something was watched: a file may be read once and kept in memory
_watchers = 0
_lock = Lock()


@contextmanager
def watching() -> Iterator[None]:
    """Take notice of every file that is opened for reading."""
    global _watchers  # noqa: PLW0603 - the interpreter's hook is global, too
    _listen()
    with _lock:
        _watchers += 1
    try:
        yield
    finally:
        with _lock:
            _watchers -= 1


def undeclared(known: Iterable[Path], project: Path | None) -> dict[str, str]:
    """Return the files that were opened and that nobody declared, with the hash of what they hold.

    Args:
        known: files that count already, and folders that the run itself writes.
        project: a project's folder: the names of files in it are told from there.
    """
    known_files = {path.resolve() for path in known}
    _opened.difference_update({one for one in _opened if not known_files.isdisjoint([Path(one), *Path(one).parents])})
    paths = [path for path in map(Path, sorted(_opened)) if path.is_file()]
    return {_told(path, project): content(path) for path in paths}


def unchanged(files: Mapping[str, str], project: Path | None) -> bool:
    """Return whether the files of `undeclared` hold what they held."""
    paths = {(project or Path.cwd()) / name: wanted for name, wanted in files.items()}
    return all(path.is_file() and content(path) == wanted for path, wanted in paths.items())


def _told(path: Path, project: Path | None) -> str:
    return str(path.relative_to(project) if project is not None and path.is_relative_to(project) else path)


def content(path: Path) -> str:
    """SHA-256 of what a file holds, read again when its time or size is another."""
    status = path.stat()
    return _content(path, status.st_mtime_ns, status.st_size)


def library(path: Path) -> bool:
    """Whether a file belongs to the interpreter, to a package or to us: its version tells what it holds."""
    return str(path.resolve()).startswith(APART)


def code(project: Path) -> dict[str, Path]:
    """Return a project's Python files by their names in it, but for hidden folders, environments of Python and runs."""
    found: dict[str, Path] = {}
    for top, folders, names in os.walk(project):
        here = Path(top)
        folders[:] = sorted(
            one
            for one in folders
            if not one.startswith(".") and one not in PRUNED and not any((here / one / mark).exists() for mark in MARKS)
        )
        found |= {(here / one).relative_to(project).as_posix(): here / one for one in names if one.endswith(".py")}
    return dict(sorted(found.items()))


def digest(files: Mapping[str, Path]) -> str:
    """SHA-256 of files by their names and what they hold."""
    return hashlib.sha256("".join(f"{name}\0{content(path)}\0" for name, path in files.items()).encode()).hexdigest()


@lru_cache(maxsize=65_536)
def _content(path: Path, _time: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _listen() -> None:
    sys.addaudithook(_hear)


def _hear(event: str, about: tuple[object, ...]) -> None:
    """Note a file that is opened: the interpreter calls this for each, also for those that libraries open."""
    if event != "open" or not _watchers:
        return
    path, mode, flags = about
    reads = mode.startswith("r") if isinstance(mode, str) else isinstance(flags, int) and not flags & os.O_WRONLY
    if reads and isinstance(path, (str, bytes, os.PathLike)):
        with suppress(OSError, ValueError):  # there is no current folder, or this is no file of Python's
            name = os.path.realpath(os.fsdecode(path))
            name = importlib.util.source_from_cache(name) if name.endswith(".pyc") else name
            if not name.startswith(APART):
                _opened.add(name)
