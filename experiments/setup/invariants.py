"""Which invariants a run is asked: all that there are, but for those that `scenario.allow` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.setup import catalogue, modules
from slashpoint.experiments.setup.catalogue import INVARIANTS
from slashpoint.experiments.setup.project import unknown
from slashpoint.experiments.setup.vetting import vet_marked, vet_names
from slashpoint.sim import conservation, liveness
from slashpoint.sim.errors import Misconfigured, choices
from slashpoint.sim.invariants import invariants_of

if TYPE_CHECKING:
    from pathlib import Path

    from omegaconf import DictConfig

    from slashpoint.sim.invariants import Invariant


def of_every_world() -> list[Invariant]:
    """Return the invariants that no protocol brings."""
    return [*invariants_of(conservation), *invariants_of(liveness)]


def of_protocol(name: str, project: Path | None) -> list[Invariant]:
    """Return the invariants that a protocol's market brings.

    Args:
        name: the protocol's.
        project: a project's folder.
    """
    return invariants_of(catalogue.rules(name, project).MARKET)


def of_project(project: Path | None, broken: list[Misconfigured] | None = None) -> list[Invariant]:
    """Return the invariants in a project's files.

    Args:
        project: its folder.
        broken: where errors of its files are noted; they are raised if there is none.
    """
    found: list[Invariant] = []
    for path in catalogue.own(INVARIANTS, project):
        with catalogue.kept(broken):
            theirs = invariants_of(module := modules.load_module(path, project))
            vet_marked(module, theirs, "invariant")
            vet_names(theirs, (one.__name__ for one in (*of_every_world(), *found)), "invariant")
            found += theirs
    return found


def checked(config: DictConfig, project: Path | None) -> list[Invariant]:
    """Return the invariants that a run of a configuration is asked.

    Args:
        config: composed.
        project: a project's folder.
    """
    off = allowed(config, project)
    every = (*of_every_world(), *of_protocol(config.protocol.name, project), *of_project(project))
    return [one for one in every if one.__name__ not in off]


def allowed(config: DictConfig, project: Path | None) -> frozenset[str]:
    """Return the names of the invariants that a configuration switches off.

    Args:
        config: composed and checked.
        project: a project's folder.

    Raises:
        Misconfigured: there is no invariant of such a name.
    """
    said = config.scenario.get("allow", [])
    names = [str(said)] if isinstance(said, str) else [str(one) for one in said]
    if names:
        every = (*of_every_world(), *of_protocol(config.protocol.name, project), *of_project(project))
        known = sorted({one.__name__ for one in every})
        for name in names:
            if name not in known:
                raise unknown(f"scenario.allow=[{name}]: there is no such invariant; {choices(name, known)}", project)
    return frozenset(names)
