"""YAML without its traps: a key is said once, numbers look like numbers, and aliases cannot grow beyond a bound.

What PyYAML does in silence is refused: of two equal keys it takes the last, `1e3` is text to it and `010` is 8, and a
few lines of aliases to aliases fill the memory of the machine.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

MOST_VALUES, DEEPEST = 100_000, 50  # of a file, each value as often as an alias repeats it; levels


class _Loader(yaml.SafeLoader):  # type: ignore[misc] # it has no types
    """YAML 1.1 but for numbers, which are those of JSON with underscores, and dates, which are text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, how) for tag, how in rules if tag.rpartition(":")[2] not in {"int", "float", "timestamp"}]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_WHOLE = r"[-+]?(0|[1-9][0-9_]*)"
_REAL = rf"{_WHOLE}(\.[0-9_]*)?([eE][-+]?[0-9]+)?|[-+]?\.[0-9_]+([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
for _kind, _form in (("int", _WHOLE), ("float", _REAL)):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_form})\Z"), list("-+.0123456789"))


def load(path: Path) -> Any:
    """Return what a file says, as plain Python values.

    Raises:
        ValueError: it is no YAML, or it says a key twice, or too much; the message says where.
    """
    return parse(path.read_bytes())


def parse(said: bytes | str) -> Any:
    """Return what a text in YAML says, as plain Python values.

    Raises:
        ValueError: it is no YAML, or it says a key twice, or too much; the message says where.
    """
    try:
        loader = _Loader(said)
        node = loader.get_single_node()
        if node is None:
            return None
        _bounded(node)
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        said = ", ".join(filter(None, (error.context, error.problem)))
        raise ValueError(f"it is no YAML: {said}{line}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _bounded(root: yaml.Node) -> None:
    """Refuse equal keys of one mapping, and too many or too deep values; an alias counts as all that it repeats."""
    seen, waiting = 0, [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if depth > DEEPEST:
            raise ValueError(f"it is nested too deeply, in more than {DEEPEST} levels, or an alias repeats itself")
        if seen > MOST_VALUES:
            raise ValueError(f"it says more than {MOST_VALUES:,} values, each as often as aliases repeat it")
        if isinstance(node, yaml.MappingNode):
            _once(node)
            waiting += [(one, depth + 1) for pair in node.value for one in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(one, depth + 1) for one in node.value]


def _once(node: yaml.MappingNode) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            said, line = (key.tag, key.value), key.start_mark.line + 1
            if said in lines:
                raise ValueError(f"line {line}: {key.value} is said twice, first in line {lines[said]}")
            lines[said] = line
