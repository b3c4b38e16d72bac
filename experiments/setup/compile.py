"""Compilation: from contracts/src to contracts/build with the pinned solc, and the check that no build is stale.

The folder is ours, or that of a project that has a `contracts/src`. A patch in its `mutants` becomes a build of its own
in `build/mutants`: a protocol's contract with one bug. Compiling needs Node and npm. Checking, and everything else,
needs neither: the builds are committed, and each holds the hashes of the sources that it was made of.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slashpoint
from slashpoint.experiments.report.text import complain
from slashpoint.experiments.setup.files import writing
from slashpoint.sim.errors import Misconfigured, choices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = logging.getLogger(__name__)
CONTRACTS = Path(slashpoint.__file__).parent / "contracts"
REMEDY = "run: slashpoint compile (needs Node and npm), and commit contracts/build"
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
DEPLOYABLE = re.compile(r"(?<!abstract )\b(?:contract|library)\s+(\w+)\s*(?:is\b[^{]*)?\{")


def contracts_of(project: Path | None) -> Path:
    """Return the folder of the contracts of a project; where it has none, or there is no project, ours."""
    return project / "contracts" if project is not None and (project / "contracts" / "src").is_dir() else CONTRACTS


def compile_contracts(check: bool, contracts: Path = CONTRACTS, names: Sequence[str] = ()) -> int:
    """Compile, or with `check` only verify that the builds are those of today's sources.

    A build changes when everything has compiled, and not before. Complaints go to stderr, solc's as it says them.

    Args:
        check: compile nothing.
        contracts: the folder with `src`, `build` and perhaps `mutants`.
        names: these contracts alone, without mutants; all, if empty.

    Returns:
        The exit code: 0 when it compiled or every build is fresh, 1 otherwise.

    Raises:
        Misconfigured: a name is of no contract there, or Node and its packages are missing.
    """
    there = names_in(contracts)
    if strange := [name for name in names if name not in there]:
        raise Misconfigured(f"{contracts / 'src'} has no contract {strange[0]!r}; {choices(strange[0], there)}")
    if check:
        complaints = list(stale(contracts, names))
        for complaint in complaints:
            log.error(complaint)
        log.error(REMEDY) if complaints else log.info("%s is of today's sources", contracts / "build")
        return int(bool(complaints))
    node = equipped()
    with writing(contracts / "build"), tempfile.TemporaryDirectory(dir=contracts, prefix=".build.") as draft:
        command = [node, str(CONTRACTS / "compile.mjs"), str(contracts), draft, *names]
        if subprocess.run(command, check=False).returncode:  # noqa: S603 - our own command
            log.error("nothing was built: %s is as it was", contracts / "build")
            return 1
        _swapped(Path(draft), contracts / "build", everything=not names)
    return 0


def names_in(contracts: Path) -> list[str]:
    """Return the names of the contracts and libraries in a folder's sources, abstract ones and interfaces left out."""
    texts = [COMMENT.sub("", path.read_text(encoding="utf-8")) for path in sorted((contracts / "src").rglob("*.sol"))]
    return sorted({name for text in texts for name in DEPLOYABLE.findall(text)})


def equipped() -> str:
    """Return where Node is, once the pinned packages are installed beside our contracts."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        raise Misconfigured("compiling needs Node and npm on the PATH; the committed builds need neither")
    lock, installed = CONTRACTS / "package-lock.json", CONTRACTS / "node_modules" / ".package-lock.json"
    wanted = {path: each for path, each in json.loads(lock.read_text())["packages"].items() if path}
    if not installed.exists() or json.loads(installed.read_text())["packages"] != wanted:
        command = [npm, "ci", "--no-audit", "--no-fund"]
        if subprocess.run(command, cwd=CONTRACTS, check=False).returncode:  # noqa: S603 - our own command
            raise Misconfigured(
                f"`{' '.join(command)}` failed in {CONTRACTS}: compiling needs the packages of its lock"
            )
    return node


def _swapped(draft: Path, builds: Path, *, everything: bool) -> None:
    """Put new builds in the places of the old, each in one step; take away what is made no more."""
    made = sorted(path.relative_to(draft) for path in draft.rglob("*.json"))
    try:
        _move(draft, builds, made)
    except BaseException:  # such as Ctrl-C
        _move(draft, builds, [path for path in made if (draft / path).exists()])  # too late to go back: a moment more
        raise
    if everything:
        for path in sorted(builds.rglob("*.json")):
            if path.relative_to(builds) not in made and _ours(path):
                path.unlink()


def _move(draft: Path, builds: Path, paths: list[Path]) -> None:
    for path in paths:
        (builds / path).parent.mkdir(parents=True, exist_ok=True)
        (draft / path).replace(builds / path)


def _ours(path: Path) -> bool:
    """Whether a build was made here: a project may keep others', Foundry's say, beside its own."""
    try:
        build = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(build, dict) and {"source_hash", "sources", "compiler", "settings", "libraries"} <= build.keys()


def stale(contracts: Path = CONTRACTS, names: Sequence[str] = ()) -> Iterator[str]:
    """Yield what is wrong with the builds: silence means that each is of today's sources, settings and versions.

    Args:
        contracts: the folder with `src`, `build` and perhaps `mutants`.
        names: the contracts whose builds are looked at; of all, and of mutants, if empty.
    """
    used: set[str] = set()
    for path in sorted((contracts / "build").rglob("*.json")):
        name = path.relative_to(contracts / "build").as_posix()
        if names and name.removesuffix(".json") not in names:
            continue
        if not _ours(path):
            if contracts == CONTRACTS or names:
                yield f"contracts/build/{name} was not made by slashpoint compile"
            continue
        used.update(json.loads(path.read_text(encoding="utf-8"))["sources"])
        yield from _outdated(contracts, path)
    for name in names:
        if not (contracts / "build" / f"{name}.json").exists():
            yield f"contracts/build/{name}.json was never made"
    for path in sorted([*(contracts / "src").rglob("*.sol"), *(contracts / "mutants").rglob("*.patch")]):
        if not names and (name := path.relative_to(contracts).as_posix()) not in used:
            yield f"contracts/{name} is in no build"


def refuse_stale(project: Path | None) -> None:
    """Refuse to judge a project's contracts by builds that are not of today's sources."""
    if outdated := _stale_builds(project):
        raise Misconfigured(outdated)


def warn_of_stale(project: Path | None) -> None:
    """Say on stderr, in one line, that builds of a project are not of today's sources."""
    if outdated := _stale_builds(project):
        complain(f"warning: {outdated}")


def _stale_builds(project: Path | None) -> str:
    """Return the first build of a project that is stale, why, how many more there are and what helps; else nothing."""
    contracts = contracts_of(project)
    if contracts == CONTRACTS:  # ours are checked by tests
        return ""
    paths = sorted(path for path in (contracts / "build").rglob("*.json") if _ours(path))
    found = [whys[0] for path in paths if (whys := list(_outdated(contracts, path)))]
    more = f" (and {len(found) - 1} more)" if found[1:] else ""
    return f"{found[0]}{more}; run: slashpoint compile" if found else ""


def _outdated(contracts: Path, path: Path) -> Iterator[str]:
    """Yield in which ways a build is stale."""
    for why in _differences(contracts, json.loads(path.read_text(encoding="utf-8"))):
        yield f"contracts/build/{path.relative_to(contracts / 'build').as_posix()} is stale: {why}"


def _differences(contracts: Path, build: dict[str, Any]) -> Iterator[str]:
    """Yield how what a build records of its making differs from what lies here."""
    pins = json.loads((CONTRACTS / "package.json").read_text())["dependencies"]
    for source, digest in build["sources"].items():
        path, library = _place(contracts, source)
        if not path.exists():
            if not library:  # a library's sources are here only where npm installed them
                yield f"{source} is gone"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield f"{source} has changed"
    if not build["compiler"].startswith(f"{pins['solc']}+"):
        yield f"made by solc {build['compiler']}, and package.json pins {pins['solc']}"
    for library, version in build["libraries"].items():
        if pins.get(library) != version:
            yield f"made with {library} {version}, and package.json pins {pins.get(library)}"
    if build["settings"] != json.loads(_either(contracts, "solc.json").read_text()):
        yield "solc.json has changed"
    if build["source_hash"] != source_hash(build):
        yield "its source_hash is not that of what it records: it was edited by hand"


def _place(contracts: Path, source: str) -> tuple[Path, bool]:
    """Where a source lies, as in compile.mjs, and whether it is a library's."""
    if source.startswith(("src/", "mutants/")):
        return contracts / source, False
    if source.startswith("slashpoint/"):
        return CONTRACTS / "src" / source.removeprefix("slashpoint/"), False
    return _either(contracts, f"node_modules/{source}"), True


def _either(contracts: Path, path: str) -> Path:
    """Return a project's own file, if it has one, else ours."""
    return contracts / path if (contracts / path).exists() else CONTRACTS / path


def source_hash(build: dict[str, Any]) -> str:
    """SHA-256 of what a build records of its making: compiler, libraries, settings and each source's SHA-256."""
    made = {key: build[key] for key in ("compiler", "libraries", "settings", "sources")}
    return hashlib.sha256(json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
