"""What there is to choose from and to read, as rows of plain texts: ours and the project's."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.catalogue import PROTOCOL, kept
from slashpoint.experiments.setup.project import unknown
from slashpoint.sim.errors import Misconfigured, choices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from slashpoint.sim.invariants import Invariant

Row = dict[str, str]
Broken = list[Misconfigured]  # what could not be read, with why
SHARED = "every protocol that has the duty or the verbs"


def protocols(project: Path | None, broken: Broken) -> list[Row]:
    """Return the protocols, by the first line of their YAML.

    Args:
        project: a project's folder.
        broken: where errors of its files are noted.
    """
    with kept(broken):
        if project is not None:
            catalogue.refuse_namesakes(project)
    found = catalogue.presets("protocol", project).items()
    lines = [(name, file.read_text(encoding="utf-8", errors="replace").partition("\n")[0]) for name, file in found]
    return [{"name": name, "what": line.lstrip("# ").partition(" slashpoint run")[0]} for name, line in lines]


def options(kind: str, project: Path | None, broken: Broken) -> list[Row]:
    """Return the options of a kind, with their parameters.

    Args:
        kind: attack, task or prices.
        project: its folder.
        broken: where errors of its files are noted.
    """
    rows = []
    for name in catalogue.names(kind, project):
        with kept(broken):
            cls = catalogue.load(kind, name, project)
            taken = dataclasses.fields(catalogue.parameters(cls))
            rows.append({"name": name, "what": first_line(cls), "parameters": ", ".join(map(parameter, taken))})
    return rows


def attacks(project: Path | None, broken: Broken) -> list[Row]:
    """Return the attacks: those of every protocol first, each with the duties that it answers and where it plays.

    Args:
        project: a project's folder.
        broken: where errors of its files are noted.
    """
    from slashpoint.agents.population import seating

    rules = {}
    for protocol in _bound(project):
        with kept(broken):
            rules[protocol] = catalogue.rules(protocol, project)
    rows = []
    for row in options("attack", project, broken):
        cls = catalogue.load("attack", row["name"], project)
        with kept(broken):
            one = catalogue.make("attack", row["name"], {}, project)
            seats = {protocol: seating(each.ROLES, [one], each.MARKET) for protocol, each in rules.items()}
            plays = [f"{protocol} ({', '.join(taken)})" for protocol, taken in seats.items() if taken]
            rows.append(row | {"of": _owner(cls, seats), "answers": _answers(cls), "plays": ", ".join(plays)})
    return sorted(rows, key=lambda row: (row["of"] != SHARED, row["of"], row["answers"], row["name"]))


def _owner(cls: type[Any], seats: Mapping[str, Mapping[str, int]]) -> str:
    """Return the one protocol in whose folder an attack lies; else those whose role it plays, if it plays one.

    Args:
        cls: the attack.
        seats: how many of which role it takes, by protocol.
    """
    from slashpoint.agents.takeover import Takeover

    *_, protocol, folder, _ = ("", "", *cls.__module__.split("."))
    if folder == "exploits":
        return protocol
    if cls.script is None or issubclass(cls.script, Takeover):
        return SHARED
    return ", ".join(name for name, taken in seats.items() if taken) or "no protocol"


def _answers(cls: type[Any]) -> str:
    """Return which duties an attack answers otherwise, or else what it does instead."""
    from slashpoint.agents.conduct import Conduct, overridden_duties

    if duties := sorted(overridden_duties(cls)):
        return ", ".join(duties)
    if cls.script is not None:
        return f"all that a {cls.script.__name__.lower()} does"
    return "how many accounts one has" if cls.identities is not Conduct.identities else "how others are answered"


def duties(project: Path | None, broken: Broken) -> list[Row]:
    """Return which protocol asks which duty of which role, what it is about, and the honest answer.

    Args:
        project: a project's folder.
        broken: where errors of its files are noted.
    """
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
    """Return the metrics with their units.

    Args:
        project: a project's folder.
        broken: where errors of its files are noted.
    """
    from slashpoint.sim.metrics import definition

    return [
        {"name": one.__name__, "unit": one.unit, "better": one.better or "", "what": definition(one)}
        for one in catalogue.metrics(project, broken)
    ]


def _often(period: int) -> str:
    return {0: "at the end", 1: "every block"}.get(period, f"every {period} blocks")


def invariants(project: Path | None, broken: Broken) -> list[Row]:
    """Return the invariants of every world, of each protocol, and the project's.

    Args:
        project: a project's folder.
        broken: where errors of its files are noted.
    """
    return [
        {
            "name": one.__name__, "of": whose, "asked": _often(one.period),
            "what": first_line(one),
        }
        for whose, ones in every_invariant(project, broken)
        for one in ones
    ]  # fmt: skip


def every_invariant(project: Path | None, broken: Broken) -> list[tuple[str, list[Invariant]]]:
    """Return the invariants that there are, by what they are of.

    Args:
        project: a project's folder.
        broken: where errors of its files are noted.
    """
    from slashpoint.experiments.setup.invariants import of_every_world, of_project, of_protocol

    found = [("every world", of_every_world()), ("the project", of_project(project, broken))]
    for protocol in _bound(project):
        with kept(broken):
            found.append((protocol, of_protocol(protocol, project)))
    return found


def _bound(project: Path | None) -> list[str]:
    """Return the protocols that have a market of their own: not the presets of another's."""
    return [name for name in catalogue.presets("protocol", project) if catalogue.there(PROTOCOL, name, project)]


LISTS: Mapping[str, Callable[[Path | None, Broken], list[Row]]] = {
    "protocols": protocols,
    "attacks": attacks,
    "duties": duties,
    "tasks": lambda project, broken: options("task", project, broken),
    "metrics": metrics,
    "invariants": invariants,
    "prices": lambda project, broken: options("prices", project, broken),
}


ABOUT = {
    "protocols": "the rules of a market: contract, roles, terms",
    "attacks": "what dishonest people do: shared by all protocols, and each protocol's own exploits",
    "duties": "what a protocol asks of whom: what an attack can answer otherwise",
    "tasks": "what is learnt",
    "metrics": "what is measured of a run, with units",
    "invariants": "what must hold in every run",
    "prices": "what ether and tokens are worth, over time",
}


def chosen(rows: Iterable[Row], words: Iterable[str], kind: str, project: Path | None) -> list[Row]:
    """Return the row that has a name, or else the rows in which each of some words occurs.

    Args:
        rows: of a list.
        words: one name, or words that are looked for in all that a row says.
        kind: of what is listed.
        project: a project's folder.

    Raises:
        Misconfigured: there is none.
    """
    rows, words = list(rows), list(words)
    if len(words) == 1 and (named := [row for row in rows if row.get("name") == words[0]]):
        return named
    wanted = [word.casefold() for word in words]
    found = [row for row in rows if all(any(word in text.casefold() for text in row.values()) for word in wanted)]
    if not found and (setting := next((word for word in words if "=" in word), None)):
        said = " ".join(word.rpartition("=")[2] for word in words)
        raise Misconfigured(f"{setting!r}: a list is searched for words, not settings: slashpoint list {kind} {said}")
    if words and not found:
        near = choices(" ".join(words), sorted({row.get("name", "") for row in rows} - {""}))
        raise unknown(f"nothing in the list of {kind} says {' and '.join(map(repr, words))}; {near}", project)
    return found


def parameter(field: dataclasses.Field[Any]) -> str:
    """Return a parameter with its default."""
    return field.name if field.default is dataclasses.MISSING else f"{field.name}={field.default}"


def first_line(what: Any) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(what) or "").partition("\n")[0]
