"""What made a result: the program, and what it stands on."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
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


def machine() -> dict[str, str]:
    """Where this runs, in words: processor, cores, memory, system, Python."""
    cpu = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():  # Linux, where platform knows no more than the architecture
        lines = described.read_text(encoding="utf-8").splitlines()
        cpu = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0.0
    return {
        "processor": cpu, "cores": f"{os.cpu_count()} cores", "memory": f"{memory:.0f} GiB",
        "system": platform.system(), "python": f"Python {platform.python_version()}",
    }  # fmt: skip
