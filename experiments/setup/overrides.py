"""Overrides as they were given: what would be ignored, or read from outside, is refused before anything is composed."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import ChoiceSweep, Glob, OverrideType, RangeSweep
from omegaconf import DictConfig

from slashpoint.sim.errors import Misconfigured, choices, legible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hydra.core.override_parser.types import Override

MOST_RUNS = 100_000
LISTS = {"attack"}  # groups of which several may be chosen
PURE = {"oc.select", "oc.dict.keys", "oc.dict.values"}  # resolvers that look at the configuration alone


def refuse_idle(overrides: Sequence[str], configs: Sequence[DictConfig]) -> None:
    """Refuse settings that no run reads: who attacks where nobody does, and what a person could earn elsewhere.

    Args:
        overrides: as given on the command line.
        configs: of the runs that they ask for.

    Raises:
        Misconfigured: names the setting, and the one that would make it count.
    """
    idle = {
        "scenario.attackers": (any(one.attack for one in configs), "attack=…"),
        "scenario.seat": (any(one.attack for one in configs), "attack=…"),
        "scenario.people.outside_usd": (any(one.scenario.free_entry for one in configs), "scenario.free_entry=true"),
    }
    for one in overrides:
        key = one.partition("=")[0].lstrip("+")
        read, remedy = idle.get(key, (True, ""))
        if not read:
            raise Misconfigured(f"{one}: no run reads it without {remedy}")


def once(overrides: Iterable[str]) -> None:
    """Refuse what was typed twice, for only the last would count; a program may add to a list of overrides.

    Raises:
        Misconfigured: names what is given twice.
    """
    given: dict[str, list[str]] = {}
    for one in overrides:
        given.setdefault(one.lstrip("+~").partition("=")[0], []).append(one)
    for key, said in given.items():
        if len(said) > 1:
            raise Misconfigured(f"{' '.join(said)}: {key} is given {len(said)} times")


def vet(overrides: Sequence[Override], options: Callable[[str], Sequence[str]]) -> None:
    """Refuse overrides that are for others than us, and choices that are none.

    Args:
        overrides: parsed.
        options: what there is to choose from in a group; nothing where there is no such group.

    Raises:
        Misconfigured: names the first of them.
    """
    for one in overrides:
        if not one.key_or_group:
            raise Misconfigured(f"{one.input_line}: an override is key=value")
        if one.key_or_group.partition(".")[0].partition("/")[0] == "hydra":
            raise Misconfigured(f"{one.input_line}: there is no Hydra application here; --out says where runs are kept")
    for one in overrides:
        group, _, name = one.key_or_group.partition(".")
        if name == "name" and options(group):
            raise Misconfigured(f"{one.input_line}: write {group}={one.value()}, which brings its parameters")
        if there := options(one.key_or_group):
            _vet_choice(one, there)


def _vet_choice(one: Override, there: Sequence[str]) -> None:
    """Refuse a choice from a group that is no name, and a list of names with one of them twice."""
    key = one.key_or_group
    value: Any = one.value()
    if one.is_delete():
        raise Misconfigured(f"{one.input_line}: {f'write {key}=[]' if key in LISTS else f'every run has a {key}'}")
    if one.type != OverrideType.CHANGE and one.package is None and "/" not in key:
        raise Misconfigured(f"{one.input_line}: write {key}=…, without +")
    if isinstance(value, Glob):
        return
    for choice in value.list if isinstance(value, ChoiceSweep) else [value]:
        if isinstance(choice, list) and key not in LISTS:
            raise Misconfigured(f"{one.input_line}: it must be one name; {choices('', sorted(there))}")
        names = [getattr(name, "text", name) for name in (choice if isinstance(choice, list) else [choice])]
        for name in names:
            if not isinstance(name, str):
                raise Misconfigured(f"{one.input_line}: it must be a name; {choices(str(name), sorted(there))}")
        if repeated := [name for name, number in Counter(map(str, names)).items() if number > 1]:
            raise Misconfigured(f"{one.input_line}: {repeated[0]} is there twice")


def vet_sweep(overrides: Sequence[Override]) -> None:
    """Refuse a sweep with a value twice, without any, or of more runs than can be meant. Nothing is expanded before.

    Raises:
        Misconfigured: says how many runs these are.
    """
    sweeps = [one for one in overrides if one.is_discrete_sweep()]
    sizes = {str(one.input_line): _size(one) for one in sweeps}
    for said, size in sizes.items():
        if not size:
            raise Misconfigured(f"{said}: there is no value in it")
    if (runs := math.prod(sizes.values())) > MOST_RUNS:
        largest = max(sizes, key=lambda said: sizes[said])
        raise Misconfigured(f"{largest}: {runs:,} runs; at most {MOST_RUNS:,} at once: sweep over fewer values")
    for one in sweeps:
        values = Counter(_plain(value) for value in one.sweep_string_iterator())
        for value, number in values.items():
            if number > 1:
                raise Misconfigured(f"{one.input_line}: {value} is there {number} times")


def _size(one: Override) -> int:
    """Return how many values an override lists."""
    value = one.value()
    if isinstance(value, RangeSweep):
        if value.start is None or value.stop is None or not value.step:
            raise Misconfigured(f"{one.input_line}: a range goes from one number to another by steps that are not 0")
        if not all(map(math.isfinite, (value.start, value.stop, value.step))):
            raise Misconfigured(f"{one.input_line}: a number is finite")
        return max(0, math.ceil((value.stop - value.start) / value.step))
    return len(value.list) if isinstance(value, ChoiceSweep) else sum(1 for _ in one.sweep_iterator())


def _plain(value: str) -> str:
    """Return the same text for values that mean the same: 1 and 1.0, lazy and [lazy]."""
    try:
        return f"{float(value):.17g}"
    except ValueError:
        return value[1:-1] if value.startswith("[") and "," not in value else value


def known(config: DictConfig, overrides: Sequence[Override], options: Callable[[str], Sequence[str]]) -> None:
    """Refuse an override of what a configuration does not have.

    Args:
        config: what the files say that were chosen.
        overrides: of its values.
        options: what there is to choose from in a group.

    Raises:
        Misconfigured: names what is near.
    """
    for one in overrides:
        key, seen = one.key_or_group, ""
        node: Any = config
        if one.value() == {}:
            raise Misconfigured(f"{one.input_line}: it changes nothing; name what is to change")
        if one.type in {OverrideType.ADD, OverrideType.FORCE_ADD} and not key.startswith("attack."):
            continue  # what nothing reads is refused once it is there
        for name in key.split("."):
            if not isinstance(node, DictConfig):
                break  # inside a list or below a value: OmegaConf knows
            if name not in node:
                if seen in LISTS:
                    there = options(seen)
                    if name in there:
                        raise Misconfigured(f"{key}: nothing reads it; choose it first: {seen}={name}")
                    raise Misconfigured(f"{key}: there is no {seen} {name!r}; {choices(name, sorted(there))}")
                there_are = choices(name, map(str, node)) if node else f"{seen.rpartition('.')[2]} has no parameters"
                raise Misconfigured(f"{key}: nothing reads it; {there_are}")
            node, seen = node._get_node(name), f"{seen}.{name}".lstrip(".")  # noqa: SLF001 - it may be unresolved


def self_contained(value: Any, where: str) -> None:
    """Refuse text that OmegaConf would replace by what lies outside of the configuration, and what is no text.

    Args:
        value: text, or lists and mappings of it.
        where: what the message begins with.

    Raises:
        Misconfigured: names the resolver; what it would read is never read.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            self_contained(key, where)
            self_contained(item, where)
    elif isinstance(value, list):
        for item in value:
            self_contained(item, where)
    elif isinstance(value, str):
        if legible(value) != value:
            raise Misconfigured(f"{where}: it has bytes that are no UTF-8, which no file of a run could keep")
        for name in _resolvers(value):
            if name not in PURE:
                raise Misconfigured(
                    f"{where}: ${{{name}:…}} reads what lies outside of the configuration; write the value itself"
                )


def _resolvers(text: str) -> Iterator[str]:
    """Yield the names of the resolvers in a text: what stands between `${` and a colon."""
    _, *pieces = text.split("${")
    for number, piece in enumerate(pieces, 1):
        name, end = re.match(r"([^:{}]*)([:{}]?)", piece).groups()  # type: ignore[union-attr] # it always matches
        if end == ":" or (not end and number < len(pieces)):  # or the name is put together from others
            yield name.strip() or "…"
