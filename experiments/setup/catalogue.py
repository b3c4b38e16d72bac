"""The catalogue: what can be chosen by name. Option x is the one class in x.py; its fields are its parameters.

It is the same for attacks, prices and tasks, for ours and for those of a project: any folder with a `slashpoint.yaml`,
whose Python files load by path under a private name. A new file is a new option; nothing else is edited.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, get_origin, get_type_hints

from slashpoint.experiments.setup import vetting
from slashpoint.experiments.setup.modules import HOME, load_module
from slashpoint.sim.errors import PROJECT as THEIRS
from slashpoint.sim.errors import Misconfigured, choices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from slashpoint.agents.roles import Role
    from slashpoint.sim.market import Market, Terms
    from slashpoint.sim.metrics import Metric


class Kind(NamedTuple):
    """One kind of choice: where ours lie, where a project's lie, and what they all are."""

    ours: tuple[str, ...]  # patterns of files in this package
    theirs: tuple[str, ...]  # patterns of files in a project; what people are told to write is the first
    module: str = ""  # where the base class is
    base: str = ""
    needs: tuple[str, ...] = ()  # names that each module defines

    @property
    def folder(self) -> str:
        """The folder of a project that it is looked for in first."""
        return self.theirs[0].partition("/")[0]


class Rules(NamedTuple):
    """What a protocol is made of, as its folder or its one file names it."""

    MARKET: type[Market]
    TERMS: type[Terms]
    ROLES: tuple[type[Role], ...]


EXPLOITS = "protocols/*/exploits/*.py"  # attacks that can play in one protocol only
KINDS = {
    "attack": Kind(
        ("agents/attacks/*.py", EXPLOITS), ("attacks/*.py", EXPLOITS), "slashpoint.agents.conduct", "Conduct"
    ),
    "prices": Kind(("sim/prices/*.py",), ("prices/*.py",), "slashpoint.sim.prices", "Prices"),
    "task": Kind(("sim/learning/*.py",), ("tasks/*.py",), "slashpoint.sim.learning", "Task"),
}
FOLDER_OR_FILE = ("protocols/*/__init__.py", "protocols/*.py")
PROTOCOL = Kind(FOLDER_OR_FILE, FOLDER_OR_FILE, needs=Rules._fields)
INVARIANTS, METRICS = Kind((), ("invariants/*.py",)), Kind((), ("metrics/*.py",))  # ours are found by their marks
DATACLASS = re.compile(r"^@(dataclasses\.)?dataclass\b", re.MULTILINE)
OPTION = re.compile(r"^@(dataclasses\.)?dataclass\b[^\n]*\n(@[^\n]*\n)*class \w+\(", re.MULTILINE)  # one that inherits


def names(kind: str, project: Path | None = None) -> list[str]:
    """Return the options of a kind, by name. Nothing is imported.

    Args:
        kind: such as `attack`.
        project: its folder, if there is one.
    """
    found = set()  # of ours those that inherit: beside them lie records; theirs that do not are refused by name
    for path, theirs in _files(KINDS[kind], project):
        mark = DATACLASS if theirs else OPTION
        if mark.search(path.read_text(encoding="utf-8", errors="replace")):
            found.add(stem(path))
    return sorted(found)


def presets(group: str, project: Path | None = None) -> dict[str, Path]:
    """Return the YAML files of a group of `conf/`, ours and the project's, by name.

    Args:
        group: a folder of `conf/`.
        project: its folder, if there is one.
    """
    found: dict[str, Path] = {}
    for top in [HOME, *([project] if project else [])]:
        for path in sorted((top / "conf" / group).glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def refuse_namesakes(project: Path) -> None:
    """Refuse a file of a project's `conf/` that has the name of one of ours, or of an option that has a class.

    Raises:
        Misconfigured: names it.
    """
    for path in sorted((project / "conf").rglob("*.yaml")):
        name = path.relative_to(project / "conf")
        if (HOME / "conf" / name).exists():
            raise Misconfigured(f"{path} has the name of one of ours, conf/{name}: give it another")
        if exists(str(name.parent), name.stem, project):
            raise Misconfigured(f"{path} has the name of the {name.parent} {name.stem}: give it another")


def exists(kind: str, name: str, project: Path | None = None) -> bool:
    """Whether there is such an option.

    Args:
        kind: such as `attack`.
        name: the option's.
        project: its folder, if there is one.
    """
    return kind in KINDS and there(KINDS[kind], name, project)


def there(kind: Kind, name: str, project: Path | None = None) -> bool:
    """Whether there is a module of this name.

    Args:
        kind: which files.
        name: the file's, or the folder's.
        project: its folder, if there is one.
    """
    return any(stem(path) == name for path, _ in _files(kind, project))


def load(kind: str, name: str, project: Path | None = None) -> type[Any]:
    """Return the class behind an option.

    Args:
        kind: such as `attack`.
        name: the option's.
        project: its folder, if there is one.

    Raises:
        Misconfigured: there is no such option, or its file does not hold what it should.
    """
    if not exists(kind, name, project):
        raise Misconfigured(f"there is no {kind} {name!r}; {choices(name, names(kind, project))}")
    return option(part(KINDS[kind], name, project), KINDS[kind])


def part(kind: Kind, name: str, project: Path | None = None) -> ModuleType:
    """Return the module of this name: ours, or the project's.

    Args:
        kind: which files.
        name: the file's, or the folder's.
        project: its folder, if there is one.

    Raises:
        Misconfigured: there is none, there are two, or importing it failed.
    """
    files = _files(kind, project)
    found = [(path, owner) for path, owner in files if stem(path) == name]
    if not found:
        folder = project / kind.folder / name if project else None
        if folder is not None and folder.is_dir() and kind is PROTOCOL:
            raise Misconfigured(f"{folder / '__init__.py'} is missing: it must define {' and '.join(kind.needs)}")
        stems = sorted(stem(path) for path, _ in files)
        raise Misconfigured(f"there is no {name}.py in {kind.folder}/; {choices(name, stems)}")
    if len(found) > 1:
        raise Misconfigured(f"{found[-1][0]} has the name of one of ours: give it another")
    module = load_module(*found[0])
    if missing := [one for one in kind.needs if not hasattr(module, one)]:
        raise Misconfigured(f"{module.__file__} must define {' and '.join(kind.needs)}; it lacks {missing[0]}")
    return module


def rules(name: str, project: Path | None = None) -> Rules:
    """Return the market, the terms and the roles of a protocol: ours, or the project's.

    Args:
        name: the protocol's.
        project: its folder.

    Raises:
        Misconfigured: there is none of this name, or it lacks one of them, or something that every run asks of them.
    """
    from slashpoint.experiments.setup.protocol_check import vet_protocol

    module = part(PROTOCOL, name, project)
    found = Rules(*(getattr(module, one) for one in Rules._fields))
    vet_protocol(module, *found)
    return found


def preload(protocol: str, project: Path) -> None:
    """Import what every run of a project imports.

    Args:
        protocol: its name.
        project: its folder, if there is one.
    """
    part(PROTOCOL, protocol, project)
    for kind in (INVARIANTS, METRICS):
        parts(kind, project)


def own(kind: Kind, project: Path | None) -> list[Path]:
    """Return the project's own files of a kind, by name.

    Args:
        kind: which files.
        project: its folder, if there is one.
    """
    return [path for path, owner in _files(kind, project) if owner is not None]


def parts(kind: Kind, project: Path | None) -> list[ModuleType]:
    """Return the project's own modules of a kind, by name.

    Args:
        kind: which files.
        project: its folder, if there is one.
    """
    return [load_module(path, project) for path in own(kind, project)]


@contextmanager
def kept(broken: list[Misconfigured] | None) -> Iterator[None]:
    """Note what is broken, and go on to what is not; where nobody keeps a note, it ends here."""
    try:
        yield
    except Misconfigured as error:
        if broken is None:
            raise
        broken.append(error)


def metrics(project: Path | None = None, broken: list[Misconfigured] | None = None) -> list[Metric]:
    """Return the metrics that there are: of this package, and of a project.

    Args:
        project: its folder.
        broken: where errors of its files are noted; they are raised if there is none.
    """
    from slashpoint.experiments.study.pairs import PAIRED  # they ask for metrics themselves
    from slashpoint.sim.metrics import builtin, metrics_of

    found = builtin()
    for path in own(METRICS, project):
        with kept(broken):
            theirs = metrics_of(module := load_module(path, project))
            vetting.vet_marked(module, theirs, "metric(unit=…)")
            vetting.vet_names(theirs, [*(one.__name__ for one in found), *PAIRED], "metric")
            found += theirs
    return found


def option(module: ModuleType, kind: Kind) -> type[Any]:
    """Return the one class of a kind that a module defines.

    Args:
        module: where it is defined.
        kind: what it must define.
    """
    base = getattr(importlib.import_module(kind.module), kind.base)
    classes = [
        one
        for one in vars(module).values()
        if inspect.isclass(one)
        and one.__module__ == module.__name__
        and issubclass(one, base)
        and not one.__name__.startswith("_")
    ]
    if len(classes) != 1:
        what = " and ".join(one.__name__ for one in classes) or "none"
        raise Misconfigured(f"{module.__file__} must define one public subclass of {kind.base}; it defines {what}")
    if "__dataclass_fields__" not in vars(classes[0]):
        raise Misconfigured(f"{module.__file__}: write @dataclass above class {classes[0].__name__}")
    if module.__name__.startswith(THEIRS):
        found: Any = classes[0]
        (vetting.vet_conduct if kind is KINDS["attack"] else vetting.vet)(found, base)
    return classes[0]


def parameters(cls: type[Any]) -> type[Any]:
    """Return a dataclass of the parameters of an option alone: names, types, defaults."""
    try:
        hints = get_type_hints(cls)
    except NameError as error:
        raise Misconfigured(f"{cls.__qualname__}: import the types of its parameters at run time: {error}") from error
    taken = [(one.name, hints[one.name], _bare(one)) for one in dataclasses.fields(cls) if one.init]
    return dataclasses.make_dataclass(cls.__name__, taken)


def make(kind: str, name: str, given: dict[str, Any], project: Path | None = None) -> Any:
    """Return an option with its parameters.

    Args:
        kind: such as `attack`.
        name: the option's.
        given: its parameters.
        project: its folder, if there is one.

    Raises:
        Misconfigured: it refuses them.
    """
    cls = load(kind, name, project)
    hints = get_type_hints(parameters(cls))
    given = {key: tuple(value) if get_origin(hints.get(key)) is tuple else value for key, value in given.items()}
    try:
        return cls(**given)
    except (TypeError, ValueError) as error:
        raise Misconfigured(f"{kind} {name}: {error}") from error


def _files(kind: Kind, project: Path | None) -> list[tuple[Path, Path | None]]:
    """Return the files of a kind, each with the project that it belongs to."""
    ours = _matches(HOME, kind.ours)
    theirs = _matches(project, kind.theirs) if project else []
    return [*((path, None) for path in ours), *((path, project) for path in theirs)]


def _matches(top: Path, patterns: tuple[str, ...]) -> list[Path]:
    found = ((pattern, path) for pattern in patterns for path in top.glob(pattern))
    return sorted(path for pattern, path in found if path.name[0] != "_" or pattern.endswith("__init__.py"))


def stem(path: Path) -> str:
    """Return the name of an option: its file's, or its folder's."""
    return path.parent.name if path.name == "__init__.py" else path.stem


def _bare(field: dataclasses.Field[Any]) -> Any:
    """Return a field with its default and nothing else."""
    if field.default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=field.default_factory)
    return dataclasses.field(default=field.default)
