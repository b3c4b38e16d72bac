"""What made a result: the program, and what it stands on."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import platform
import re
from pathlib import Path

import slashpoint


def versions() -> dict[str, str]:
    """Python, slashpoint, and whatever it requires, as installed."""
    found = {"python": platform.python_version(), "slashpoint": slashpoint.__version__}
    try:
        required = importlib.metadata.requires("slashpoint") or []
    except importlib.metadata.PackageNotFoundError:
        return found
    for requirement in required:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # an extra that is not there
    return found


@functools.cache
def source_hash() -> str:
    """SHA-256 of slashpoint's own Python files, by their names."""
    root = Path(slashpoint.__path__[0])
    digest = hashlib.sha256()
    for part in ("sim", "protocols", "agents", "experiments"):
        for path in sorted((root / part).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
