"""What there is to choose from and to read, as rows of plain values: ours and the project's."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.catalogue import PROTOCOL, kept
from slashpoint.sim.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Row = dict[str, str]
Broken = list[Misconfigured]  # what could not be read, with why


def protocols(project: Path | None, broken: Broken) -> list[Row]:
    """Protocols, by the first line of their YAML."""
    with kept(broken):
        if project is not None:
            catalogue.refuse_namesakes(project)
    found = catalogue.presets("protocol", project).items()
    lines = [(name, file.read_text(encoding="utf-8", errors="replace").partition("\n")[0]) for name, file in found]
    return [{"name": name, "what": line.lstrip("# ").partition(" slashpoint run")[0]} for name, line in lines]


def options(kind: str, project: Path | None, broken: Broken) -> list[Row]:
    """The options of a kind, with their parameters."""
    rows = []
    for name in catalogue.names(kind, project):
        with kept(broken):
            cls = catalogue.load(kind, name, project)
            taken = dataclasses.fields(catalogue.parameters(cls))
            rows.append({"name": name, "what": first_line(cls), "parameters": ", ".join(map(parameter, taken))})
    return rows


def duties(project: Path | None, broken: Broken) -> list[Row]:
    """Which protocol asks which duty of which role, what it is about there, and how an honest person answers."""
    from slashpoint.agents.conduct import Conduct

    rows = []
    for protocol in _bound(project):
        with kept(broken):
            rules = catalogue.rules(protocol, project)
            for duty, about in rules.MARKET.duties.items():
                asked = ", ".join(role.__name__.lower() for role in rules.ROLES if duty in role.duties)
                honest = first_line(getattr(Conduct, duty, None))
                rows.append({"protocol": protocol, "duty": duty, "role": asked, "about": about, "answer": honest})
    return rows


def metrics(project: Path | None, broken: Broken) -> list[Row]:
    """Metrics with their units."""
    from slashpoint.sim.metrics import definition

    return [
        {"name": one.__name__, "unit": one.unit, "better": one.better or "", "what": definition(one)}
        for one in catalogue.metrics(project, broken)
    ]


def _often(period: int) -> str:
    return {0: "at the end", 1: "every block"}.get(period, f"every {period} blocks")


def invariants(project: Path | None, broken: Broken) -> list[Row]:
    """Invariants of every world, of each protocol, and the project's."""
    from slashpoint.experiments.setup.invariants import of_every_world, of_project, of_protocol

    found = [("every world", of_every_world()), ("the project", of_project(project, broken))]
    for protocol in _bound(project):
        with kept(broken):
            found.append((protocol, of_protocol(protocol, project)))
    return [
        {
            "name": one.__name__, "of": whose, "asked": _often(one.period),
            "what": first_line(one),
        }
        for whose, ones in found
        for one in ones
    ]  # fmt: skip


def _bound(project: Path | None) -> list[str]:
    """The protocols that have a market of their own: not the presets of another's."""
    return [name for name in catalogue.presets("protocol", project) if catalogue.there(PROTOCOL, name, project)]


LISTS: Mapping[str, Callable[[Path | None, Broken], list[Row]]] = {
    "protocols": protocols,
    "attacks": lambda project, broken: options("attack", project, broken),
    "duties": duties,
    "tasks": lambda project, broken: options("task", project, broken),
    "metrics": metrics,
    "invariants": invariants,
    "prices": lambda project, broken: options("prices", project, broken),
}


def parameter(field: dataclasses.Field[Any]) -> str:
    """A parameter with its default."""
    return field.name if field.default is dataclasses.MISSING else f"{field.name}={field.default}"


def first_line(what: Any) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(what) or "").partition("\n")[0]
