"""Files that are written whole or not at all; what the system refuses is told in a sentence, by `OutOfRoom`."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from slashpoint.sim.errors import OutOfRoom, unwritten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise as OutOfRoom, with the path, what the system refuses meanwhile."""
    try:
        yield
    except OSError as error:
        raise OutOfRoom(unwritten(error, path)) from error


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield the path of a draft, of the same suffix, that takes the place of `path` in the end."""
    draft = path.with_name(f".draft.{path.name}")
    try:
        with writing(path):
            yield draft
            draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink()


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all, so that a power failure changes nothing of this."""
    with whole(path) as draft, draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def make_folder(path: Path) -> Path:
    """Make a folder, and those above it, if it is not there; returns it."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path
