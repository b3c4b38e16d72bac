"""Values as JSON text, one by one and by columns: arguments of calls and events as the ledger has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from slashpoint.sim.errors import legible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashpoint.sim.contract.rows import Values

SAFE = 2**53  # integers beyond it are text in JSON, for readers that take numbers for doubles


def plain(value: Any) -> Any:
    """Return a value as JSON has it: large integers as text, bytes and what is no UTF-8 in a string in hex."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return value if value.isascii() or legible(value) == value else plain(value.encode(errors="surrogateescape"))
    if isinstance(value, int):
        return value if -SAFE < value < SAFE else str(value)
    if isinstance(value, bytes | bytearray):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def text(names: Iterable[str], values: Iterable[Any]) -> str:
    """Return arguments as JSON; the usual kinds without the detour through `plain`, which is slower by half.

    Args:
        names: of the arguments.
        values: of the same, in the same order.
    """
    parts = []
    for name, value in zip(names, values):
        kind = type(value)
        if kind is int and -SAFE < value < SAFE:
            parts.append(f'"{name}": {value}')
        elif kind is int:
            parts.append(f'"{name}": "{value}"')
        elif kind is bytes:
            parts.append(f'"{name}": "0x{value.hex()}"')
        else:
            parts.append(f'"{name}": {json.dumps(plain(value))}')
    return "{" + ", ".join(parts) + "}"


def texts(args: dict[str, Values]) -> pa.Array:
    """Return `text` of each row of columns."""
    parts = [part for name, column in args.items() for part in (f', "{name}": ', *column_text(column))]
    return pc.binary_join_element_wise("{" + parts[0].removeprefix(", "), *parts[1:], "}", "")  # pyright: ignore[reportAttributeAccessIssue]


def column_text(column: Values) -> list[Any]:
    """Return the JSON of each value of a column, in parts that are to be joined."""
    if isinstance(column, np.ndarray) and column.ndim > 1:
        rows, width = len(column), 2 * column.shape[1]
        ends = pa.py_buffer(np.arange(rows + 1, dtype=np.int32) * np.int32(width))
        digits = pa.StringArray.from_buffers(rows, ends, pa.py_buffer(column.tobytes().hex().encode()))
        return ['"0x', digits, '"']
    if isinstance(column, np.ndarray) and -SAFE < column.min(initial=0) <= column.max(initial=0) < SAFE:
        return [pa.array(column).cast(pa.string())]
    values = column.tolist() if isinstance(column, np.ndarray) else column
    return [pa.array([json.dumps(plain(value)) for value in values], pa.string())]
