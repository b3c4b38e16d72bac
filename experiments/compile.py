"""Compilation: from contracts/src to contracts/build with the pinned solc, and the check that no build is stale.

A patch in contracts/mutants becomes a build of its own in contracts/build/mutants: a protocol's contract with one bug.
Compiling needs Node and npm. Checking, and everything else, needs neither: the builds are committed, and each holds
the hashes of the sources that it was made of.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slashpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)
CONTRACTS = Path(slashpoint.__file__).parent / "contracts"
REMEDY = "run: slashpoint compile (needs Node and npm), and commit contracts/build"


def compile_contracts(check: bool, contracts: Path = CONTRACTS) -> int:
    """Compile, or with `check` only verify that the builds are those of today's sources.

    Returns:
        The exit code: 0 when it compiled or every build is fresh, 1 otherwise. Complaints go to stderr.
    """
    if check:
        complaints = list(stale(contracts))
        for complaint in complaints:
            log.error(complaint)
        if complaints:
            log.error(REMEDY)
        return int(bool(complaints))
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        log.error("compiling needs Node and npm on the PATH; the committed builds need neither")
        return 1
    for command in ([npm, "ci", "--no-audit", "--no-fund"], [node, "compile.mjs"]):
        code = subprocess.run(command, cwd=contracts, check=False).returncode  # noqa: S603 - our own two commands
        if code:
            log.error("`%s` failed in %s", " ".join(command), contracts)
            return 1
    return 0


def stale(contracts: Path = CONTRACTS) -> Iterator[str]:
    """Yield what is wrong with the builds: silence means that each is of today's sources, settings and versions."""
    used: set[str] = set()
    for path in sorted((contracts / "build").rglob("*.json")):
        build = json.loads(path.read_text())
        used.update(build["sources"])
        for why in _differences(contracts, build):
            yield f"contracts/{path.relative_to(contracts).as_posix()} is stale: {why}"
    for path in sorted([*(contracts / "src").glob("*.sol"), *(contracts / "mutants").glob("*.patch")]):
        if (name := path.relative_to(contracts).as_posix()) not in used:
            yield f"contracts/{name} is in no build"


def _differences(contracts: Path, build: dict[str, Any]) -> Iterator[str]:
    """Yield how what a build records of its making differs from what lies here."""
    pins = json.loads((contracts / "package.json").read_text())["dependencies"]
    for source, digest in build["sources"].items():
        ours = source.startswith(("src/", "mutants/"))
        path = contracts / source if ours else contracts / "node_modules" / source
        if not path.exists():
            if ours:  # a library's sources are here only where npm installed them
                yield f"{source} is gone"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield f"{source} has changed"
    if not build["compiler"].startswith(f"{pins['solc']}+"):
        yield f"made by solc {build['compiler']}, and package.json pins {pins['solc']}"
    for library, version in build["libraries"].items():
        if pins.get(library) != version:
            yield f"made with {library} {version}, and package.json pins {pins.get(library)}"
    if build["settings"] != json.loads((contracts / "solc.json").read_text()):
        yield "solc.json has changed"
    if build["source_hash"] != source_hash(build):
        yield "its source_hash is not that of what it records: it was edited by hand"


def source_hash(build: dict[str, Any]) -> str:
    """SHA-256 of what a build records of its making: compiler, libraries, settings and each source's SHA-256."""
    made = {key: build[key] for key in ("compiler", "libraries", "settings", "sources")}
    return hashlib.sha256(json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
