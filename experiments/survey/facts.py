"""Facts: what documents and contracts say of a network. Each has its source, and none of them was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.modules import HOME
from slashpoint.experiments.setup.strict_yaml import load
from slashpoint.sim.errors import Misconfigured, choices

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "survey.yaml"  # in a protocol's folder
TOPICS = {
    "money": "who pays whom",
    "jobs": "kinds of jobs",
    "hardware": "hardware",
    "formats": "formats of models and data",
    "update": "update a model",
    "version": "tell versions apart",
    "withdraw": "withdraw a model",
    "sees_data": "who sees the data",
    "sees_model": "who sees the model",
    "sees_output": "who sees the result",
}  # what a file must say, each by `says` and `source`
OTHERS = ("network", "collateral", "stakes", "task")  # beside TOPICS
REMEDY = "protocols/collective/survey.yaml is an example"


@dataclass(frozen=True)
class Fact:
    """A statement and where it is made."""

    says: str
    source: str  # a document and its section, or a file of this repository and what it defines
    function: str = ""  # Contract:function, whose gas it takes
    run: str = ""  # overrides of a run in which somebody calls it; empty where an honest deployment does


@dataclass(frozen=True)
class Facts:
    """What is said of a network."""

    network: str  # in words
    collateral: str  # the parameter of the protocol that a worker loses when it is caught; empty where there is none
    stakes: tuple[float, ...]  # values of it to try; empty for the survey's
    task: tuple[str, ...]  # overrides of the task that is deployed, where it cannot be the survey's
    topics: Mapping[str, Fact]  # by TOPICS


def facts(protocol: str, project: Path | None = None) -> Facts | None:
    """Return the facts of a protocol; None where its folder has no such file.

    Args:
        protocol: its name.
        project: a project's folder.

    Raises:
        Misconfigured: the file lacks something, or says something that nobody reads; the message names it.
    """
    path = file_of(protocol, project)
    if path is None:
        return None
    try:
        said = load(path)
    except ValueError as error:
        raise Misconfigured(f"{path}: {error}") from error
    if not isinstance(said, dict):
        raise Misconfigured(f"{path}: it must map topics to what is said of them; {REMEDY}")
    if strange := [one for one in said if one not in (*OTHERS, *TOPICS)]:
        raise Misconfigured(f"{path}: {strange[0]}: {choices(strange[0], [*OTHERS, *TOPICS])}")
    if missing := [one for one in (OTHERS[0], *TOPICS) if one not in said]:
        raise Misconfigured(f"{path} lacks {', '.join(missing)}; {REMEDY}")
    topics = {name: _fact(path, name, said[name]) for name in TOPICS}
    task = tuple(str(said.get("task") or "").split())
    try:
        stakes = tuple(float(one) for one in str(said.get("stakes") or "").split())
    except ValueError as error:
        raise Misconfigured(f"{path}: stakes: {said['stakes']}: numbers with spaces between") from error
    return Facts(str(said["network"]), str(said.get("collateral") or ""), stakes, task, topics)


def file_of(protocol: str, project: Path | None) -> Path | None:
    """Return where the facts of a protocol lie, if they are there.

    Args:
        protocol: its name.
        project: a project's folder.
    """
    tops = [HOME, *([project] if project else [])]
    found = (top / "protocols" / protocol / FILE for top in tops)
    return next((path for path in found if path.is_file()), None)


def surveyed(project: Path | None = None) -> list[str]:
    """Return all protocols that there are, by name.

    Args:
        project: a project's folder.
    """
    there = catalogue.presets("protocol", project)
    return [name for name in there if catalogue.there(catalogue.PROTOCOL, name, project)]


def _fact(path: Path, topic: str, said: Any) -> Fact:
    if not isinstance(said, dict) or not all(isinstance(one, str) for one in said.values()):
        raise Misconfigured(f"{path}: {topic}: it must have says and source, both texts; {REMEDY}")
    try:
        found = Fact(**said)
    except TypeError as error:
        raise Misconfigured(f"{path}: {topic}: it must have says and source, and may have function and run") from error
    if not (found.says.strip() and found.source.strip()):
        raise Misconfigured(f"{path}: {topic}: says and source must not be empty; {REMEDY}")
    return found
