"""Lists on the screen: names under headings, beside texts that wrap between words; and one entry told whole."""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.report.listing import SHARED, parameter
from slashpoint.experiments.report.protocol import told
from slashpoint.experiments.setup import catalogue
from slashpoint.experiments.setup.modules import HOME
from slashpoint.sim.domain import domains, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from slashpoint.experiments.report.listing import Row

NAMES = 22  # columns of names; a longer one has its text on the next line
Entry = tuple[tuple[str, ...], str, str]  # headings, name, text
Line = tuple[str, str]  # with its style
KIND_OF = {"attacks": "attack", "tasks": "task", "prices": "prices"}  # lists whose entries are classes


def _attack(row: Row) -> Entry:
    alone = "" if row["of"] == SHARED else " alone"
    return (f"in {row['of']}{alone}", row["answers"]), row["name"], row["what"]


def _metric(row: Row) -> Entry:
    better = f", {row['better']} is better" if row["better"] else ""
    return (), row["name"], f"{row['what']} [{row['unit']}{better}]"


def _invariant(row: Row) -> Entry:
    return (f"of {row['of']}",), row["name"], f"{row['what']} [asked {row['asked']}]"


ENTRIES: Mapping[str, Callable[[Row], Entry]] = {
    "attacks": _attack,
    "duties": lambda row: ((row["protocol"],), row["duty"], f"{row['role']}: {row['about']}"),
    "metrics": _metric,
    "invariants": _invariant,
}


def outline(kind: str, rows: Iterable[Row], width: int) -> Iterator[Line]:
    """Yield the lines of a list, with their styles.

    Args:
        kind: of what is listed, as in `slashpoint list KIND`.
        rows: of that list, in its order.
        width: of the screen, in columns.
    """
    shown: tuple[str, ...] = ()
    for heads, name, text in map(ENTRIES.get(kind, lambda row: ((), row["name"], row["what"])), rows):
        for depth, head in enumerate(heads):
            if heads[: depth + 1] != shown[: depth + 1]:
                yield f"{'  ' * depth}{head}", "bold"
        shown = heads
        margin = "  " * len(heads)
        yield from ((line, "") for line in beside(f"{margin}{name}", text, width))


def beside(name: str, text: str, width: int, names: int = NAMES) -> list[str]:
    """Return a name with its text in a column of its own, wrapped between words.

    Args:
        name: in the first column.
        text: in the second.
        width: of both, in columns of the screen.
        names: of the first; a longer name has its text on the next line.
    """
    first = [f"{name}  "] if len(name) <= names else []
    wrapped = textwrap.wrap(
        text, max(width, names + 32), initial_indent=" " * (names + 2), subsequent_indent=" " * (names + 2),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    if first and wrapped:
        return [f"{name:<{names + 2}}{wrapped[0].lstrip()}", *wrapped[1:]]
    return [name, *wrapped]


def whole(kind: str, row: Row, project: Path | None, width: int) -> Iterator[str]:
    """Yield the lines that tell one entry of a list: all of its text, its parameters, its file.

    Args:
        kind: of what is listed.
        row: its row of the list.
        project: a project's folder.
        width: of the screen, in columns.
    """
    what = _found(kind, row["name"], project)
    yield from beside(row["name"], "", width)
    for paragraph in _paragraphs(what) if what is not None else [row["what"]]:
        yield ""
        yield from textwrap.wrap(paragraph, width, break_long_words=False, break_on_hyphens=False)
    yield ""
    for label, text in _facts(row, what):
        yield from beside(label, text, width, 10)
    if kind == "protocols":
        if catalogue.there(catalogue.PROTOCOL, row["name"], project):
            for label, text in told(row["name"], project):
                yield from beside(label, text, width, 10)
        path = catalogue.presets("protocol", project)[row["name"]]
        yield from ("parameters", *(f"  {line}" for line in path.read_text(encoding="utf-8").splitlines()[1:]))
    if isinstance(what, type):
        yield from _parameters(KIND_OF[kind], row["name"], what, width)


def _found(kind: str, name: str, project: Path | None) -> Any:
    """Return the class or the function behind a name; None for a protocol and a duty."""
    if kind in KIND_OF:
        return catalogue.load(KIND_OF[kind], name, project)
    if kind == "metrics":
        return next(one for one in catalogue.metrics(project, []) if one.__name__ == name)
    if kind == "invariants":
        from slashpoint.experiments.report.listing import every_invariant

        return next(one for _, ones in every_invariant(project, []) for one in ones if one.__name__ == name)
    return None


def _paragraphs(what: Any) -> Sequence[str]:
    return [" ".join(part.split()) for part in (inspect.getdoc(what) or "").split("\n\n")]


def _facts(row: Row, what: Any) -> Iterator[tuple[str, str]]:
    """Yield what else is known of it, by a word."""
    labels = {"of": "plays in", "answers": "answers", "plays": "seats"} if "plays" in row else {}
    labels |= {"unit": "unit", "better": "better", "asked": "asked"}
    for key, label in labels.items():
        if row.get(key):
            yield label, row[key]
    if powers := getattr(what, "powers", None):
        yield "powers", ", ".join(sorted(powers))
    if what is not None:
        path = Path(inspect.getfile(what))
        ours = path.resolve().is_relative_to(HOME.resolve().parent) and path.is_relative_to(HOME)
        yield "file", str(path.relative_to(HOME) if ours else path)


def _parameters(kind: str, name: str, cls: type[Any], width: int) -> Iterator[str]:
    """Yield each parameter with its default, what it may be, and what its source says of it."""
    fields = dataclasses.fields(catalogue.parameters(cls))
    if not fields:
        yield from beside("parameters", "none", width, 10)
        return
    kind_of: Any = cls
    hints = domains(kind_of)
    yield "parameters"
    said = f"attack.{name}." if kind == "attack" else f"{kind}."
    for field in fields:
        text = "; ".join(part for part in (_comment(cls, field.name), in_words(hints.get(field.name, Any))) if part)
        yield from beside(f"  {said}{parameter(field)}", text, width, 10)


def _comment(cls: type[Any], name: str) -> str:
    """Return the comment behind a field, in the class that defines it."""
    owner = next(one for one in cls.__mro__ if name in getattr(one, "__annotations__", {}))
    found = re.search(rf"^\s+{name}\s*:[^#\n]*#\s*(.+)$", inspect.getsource(owner), re.MULTILINE)
    return found[1].strip() if found else ""
