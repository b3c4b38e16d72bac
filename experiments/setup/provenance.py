"""What made a result: the program, and what it stands on."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slashpoint
from slashpoint.experiments.setup.inputs import content, digest
from slashpoint.sim.contract.artifact import BUILD

if TYPE_CHECKING:
    from collections.abc import Iterator

# They show results, start processes or compose what is in the key: no run comes out otherwise with another version
UNFELT = {"altair", "duckdb", "hydra-core", "joblib", "omegaconf", "rich", "vl-convert-python"}


def versions() -> dict[str, str]:
    """Python, slashpoint, and whatever it needs to run, as installed; the native engine with a hash of its file."""
    found = {"python": platform.python_version(), "slashpoint": slashpoint.__version__}
    with suppress(importlib.metadata.PackageNotFoundError):
        required = importlib.metadata.requires("slashpoint") or []
        names = [re.split(r"[^\w.-]", one, maxsplit=1)[0] for one in required if "extra ==" not in one]
        found |= {name: importlib.metadata.version(name) for name in names}
    native = importlib.util.find_spec("slashpoint_revm")
    if native is not None and native.origin is not None:
        file = next(iter(Path(native.origin).parent.glob("*.so")), Path(native.origin))
        found["slashpoint-revm"] = f"{importlib.metadata.version('slashpoint-revm')} ({content(file)[:8]})"
    return found


def program() -> str:
    """All of the program that decides how a run comes out, as text."""
    felt = {name: version for name, version in versions().items() if name not in UNFELT}
    builds = digest({path.name: path for path in sorted(BUILD.glob("*.json"))})
    return json.dumps([_source(), builds, felt, processor()])


@functools.cache
def _source() -> str:
    """SHA-256 of our Python files that decide a run."""
    return digest(_sources("sim", "protocols", "agents") | deciding())


@functools.cache
def source_hash() -> str:
    """SHA-256 of slashpoint's own Python files, by their names."""
    return digest(_sources("sim", "protocols", "agents", "experiments"))


def deciding() -> dict[str, Path]:
    """Return the modules of `experiments/` that the executor imports, directly or not, by their names."""
    files = {_module(name): path for name, path in _sources("experiments").items()}
    found = ["slashpoint.experiments.study.executor"]
    for name in found:
        found += [one for one in _imports(files[name]) if one in files and one not in found]
    return {name: files[name] for name in sorted(found)}


def _module(name: str) -> str:
    """Return the dotted name of the module that lies in a file of ours."""
    return ".".join(("slashpoint", *Path(name).with_suffix("").parts))


def _imports(path: Path) -> Iterator[str]:
    """Yield what a file may import: modules, and what it takes from them, which may be modules too."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def git(folder: Path) -> dict[str, Any] | None:
    """Return the commit of the repository around a folder, and whether tracked files have changed; None without one."""
    asked = ["git", "--no-optional-locks", "-C", str(folder), "status", "--porcelain=v2", "--branch", "-uno"]
    around = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # of a hook, say
    try:
        found = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10, env=around)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    lines = found.stdout.splitlines()
    commit = next((line.removeprefix("# branch.oid ") for line in lines if line.startswith("# branch.oid ")), "")
    return {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}


@functools.cache
def ours() -> dict[str, Any] | None:
    """Return the same of slashpoint's own checkout; None where it was installed without one."""
    root = Path(slashpoint.__path__[0]).parent  # in a checkout; where it is installed, a folder of packages
    return git(root) if (root / ".git").exists() else None


@functools.cache
def sources() -> dict[str, str]:
    """Our Python files and builds of contracts, each with the beginning of its hash."""
    builds = {f"contracts/build/{path.name}": path for path in sorted(BUILD.glob("*.json"))}
    files = _sources("sim", "protocols", "agents", "experiments") | builds
    return {name: content(path)[:12] for name, path in files.items()}


def _sources(*parts: str) -> dict[str, Path]:
    root = Path(slashpoint.__path__[0])
    return {path.relative_to(root).as_posix(): path for part in parts for path in sorted((root / part).rglob("*.py"))}


@functools.cache
def processor() -> str:
    """Return the model of the processor: what is trained differs between two in its last digits."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []  # Linux
    known = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(known, platform.processor() or platform.machine())


def machine() -> dict[str, str]:
    """Where this runs, in words: processor, cores, memory, system, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0.0
    return {
        "processor": processor(), "cores": f"{os.cpu_count()} cores", "memory": f"{memory:.0f} GiB",
        "system": platform.system(), "python": f"Python {platform.python_version()}",
    }  # fmt: skip
