"""Stand-ins: builds that are deployed in the place of a protocol's contracts. They are checked before anything runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.gate.patches import mutants
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.run import deploy
from slashpoint.sim import conservation, founding, state, world
from slashpoint.sim.contract import Artifact
from slashpoint.sim.contract.artifact import standing_in
from slashpoint.sim.contract.entry import Function
from slashpoint.sim.errors import Misconfigured, choices
from slashpoint.sim.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from omegaconf import DictConfig

    from slashpoint.sim.contract.entry import Entry


def stand_ins(contracts: Sequence[str], configs: Iterable[DictConfig], project: Path | None = None) -> tuple[Path, ...]:
    """Return the files that `--contract` means, each of which stands in for something in one of the configurations.

    Args:
        contracts: paths of builds, or names of mutants.
        configs: what is to be run with them.
        project: a project's folder.

    Raises:
        Misconfigured: one cannot be read or deployed, lacks what the market uses, or nothing deploys its like.
    """
    if not contracts:
        return ()
    found: dict[str, tuple[str, Path, Artifact]] = {}
    for said in contracts:
        path, artifact = _read(said)
        if artifact.name in found:
            raise Misconfigured(f"contract {said}: {found[artifact.name][0]} stands in for {artifact.name} already")
        found[artifact.name] = said, path, artifact
    settings = {str(config.protocol): config for config in configs}.values()
    deployed: dict[str, set[str]] = {}
    for config in settings:
        names = _check(found, config, project)
        deployed.setdefault(config.protocol.name, set()).update(names)
    for name, (said, _, _) in found.items():
        if not any(name in names for names in deployed.values()):
            there = "; ".join(f"{protocol} deploys {', '.join(sorted(each))}" for protocol, each in deployed.items())
            raise Misconfigured(f"contract {said}: {name} would stand in for nothing: {there}")
    return tuple(path for _, path, _ in found.values())


def _read(said: str) -> tuple[Path, Artifact]:
    builds = {mutant.name: mutant.build for mutant in mutants()}
    path = builds.get(said, Path(said)) if not Path(said).is_file() else Path(said)
    try:
        artifact = Artifact.load(path)
    except FileNotFoundError as error:
        near = choices(said, builds)
        raise Misconfigured(f"contract {said}: there is no such file, and no such mutant; {near}") from error
    except OSError as error:
        raise Misconfigured(f"contract {said}: it cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Misconfigured(f"contract {error}") from error  # that begins with the path
    return path, artifact


def _check(found: dict[str, tuple[str, Path, Artifact]], config: DictConfig, project: Path | None) -> set[str]:
    """Deploy a configuration's protocol without the stand-ins, then with them; return the names of its contracts."""
    ours = _deployed(config, project)
    used = _used(config.protocol.name, project)
    for name in ours.keys() & found.keys():
        said, path, artifact = found[name]
        if lacking := list(_lacking(ours[name], artifact, used)):
            raise Misconfigured(f"contract {said}: it lacks {', '.join(lacking)}, which {config.protocol.name} uses")
        try:
            with standing_in(path):
                _deployed(config, project)
        except (ValueError, TypeError, RuntimeError) as error:
            raise Misconfigured(f"contract {said}: {error}") from error
    return set(ours)


def _deployed(config: DictConfig, project: Path | None) -> dict[str, Artifact]:
    """Return what a configuration's protocol deploys, by name."""
    world, _ = deploy(config, Ledger(None), project)
    world.forget()
    return {contract.artifact_.name: contract.artifact_ for contract in world.contracts.values()}


def _used(protocol: str, project: Path | None) -> set[str]:
    """Return how the code of a protocol, its roles and the world calls things: attributes as `.x`, texts as `"x`."""
    market, _, roles = catalogue.rules(protocol, project)
    names = {one.__name__ for one in (state, founding, world, conservation)}
    names |= {one.__module__ for kind in (market, *roles) for one in kind.__mro__[:-1]}
    files = {sys.modules[name].__file__ for name in names}
    return {word for file in files if file for word in re.findall(r'[."]\w+', Path(file).read_text(encoding="utf-8"))}


def _lacking(ours: Artifact, other: Artifact, used: set[str]) -> Iterator[str]:
    """Yield the functions and events that are used and that another build of a contract does not have alike."""
    for kind, marks in (("functions", "."), ("events", '."')):
        others: dict[str, list[Entry]] = getattr(other.interface, kind)
        for name, entries in getattr(ours.interface, kind).items():
            shapes = [_shape(one, used) for one in others.get(name, ())]
            for what, read, entry in [(*_shape(one, used), one) for one in entries]:
                there = any(what == each and read <= theirs for each, theirs in shapes)
                if not there and any(f"{mark}{name}" in used for mark in marks):
                    yield str(entry)


def _shape(entry: Entry, used: set[str]) -> tuple[Any, set[str]]:
    """Return what of an entry must be the same, and the names in it by which its answers or its fields are read."""
    if not isinstance(entry, Function):
        what, names = None, set(entry.names)
    else:
        what = entry.signature, entry.view
        names = set(_names(entry.abi.get("outputs", ())))
    return what, {name for name in names if f".{name}" in used or f'"{name}' in used}


def _names(outputs: Iterable[dict[str, Any]]) -> Iterator[str]:
    for one in outputs:
        yield one.get("name", "")
        yield from _names(one.get("components", ()))
