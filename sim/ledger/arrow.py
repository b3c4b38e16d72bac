"""Rows to Arrow and back, exactly: money of any size goes in and comes out as Python ints."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import repeat
from operator import index
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from slashpoint.sim.errors import legible
from slashpoint.sim.ledger.columns import SCHEMA_VERSION, TABLES, Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    Values = Sequence[Any] | npt.NDArray[Any]  # of one column, a row each; or one of Arrow

WIDE = "_wide"  # of a money column: the amounts of more than 38 digits, 32 bytes big-endian; there the column is null
MONEY = pa.decimal128(38, 0)
BULK = 64  # rows from which a batch of their own is cheaper than rows among others
LARGEST = 10**38  # of a decimal128
DIGITS = 78  # of 2**256 - 1
CODES = {"i32": "i", "i64": "q"}  # of the standard library's arrays, which take whole numbers alone, and fast
TYPES = {
    "i32": pa.int32(),
    "i64": pa.int64(),
    "f64": pa.float64(),
    "bool": pa.bool_(),
    "str": pa.string(),
    "money": MONEY,
}


class LedgerError(Exception):
    """A ledger that cannot be written, or cannot be read."""


def schema(table: str, meta: Mapping[str, str]) -> pa.Schema:
    """Return the Arrow schema of a table as it is gathered: money columns have wide siblings.

    Args:
        table: its name.
        meta: of the whole ledger.
    """
    fields = []
    for name, column in TABLES[table].items():
        money = column.type == "money"
        about = {"meaning": column.meaning} | ({"wide": name + WIDE} if money else {})
        fields.append(pa.field(name, TYPES[column.type], nullable=column.nullable or money, metadata=about))
        if money:
            # Not of fixed size: an empty one would take 32 bytes a row.
            wide = {"meaning": f"{name} where it has more than 38 digits: 32 bytes, big-endian"}
            fields.append(pa.field(name + WIDE, pa.binary(), metadata=wide))
    return pa.schema(fields, {"schema_version": str(SCHEMA_VERSION), "table": table, **meta})


def encode(table: str, rows: Sequence[tuple[Any, ...]], form: pa.Schema) -> pa.RecordBatch:
    """Return rows as one record batch; raises LedgerError naming the column and the value that does not fit.

    Args:
        table: its name.
        rows: each in the order of the table's columns.
        form: the table's schema.
    """
    try:
        data = list(zip(*rows, strict=True))
    except ValueError:
        data = []
    if len(data) != len(TABLES[table]):
        wrong = next((row for row in rows if len(row) != len(TABLES[table])), None)
        raise LedgerError(f"{table} wants rows of {len(TABLES[table])} ({', '.join(TABLES[table])}), got {wrong!r}")
    return pack(table, data, form)


def pack(table: str, data: Sequence[Values], form: pa.Schema) -> pa.RecordBatch:
    """Return columns as one record batch; raises as `encode` does.

    Args:
        table: its name.
        data: its columns, in their order.
        form: the table's schema.
    """
    arrays = []
    for (name, column), values in zip(TABLES[table].items(), data, strict=True):
        try:
            arrays += money(values) if column.type == "money" else [plain(values, column)]
        except (ValueError, TypeError, AttributeError, OverflowError) as error:  # Arrow's own errors are ValueErrors
            raise LedgerError(f"{table}.{name} is {column.kind}: {culprit(values, column)} ({error})") from error
    return pa.RecordBatch.from_arrays(arrays, schema=form)


class Same(Sequence[Any]):
    """A column that says one thing in every row."""

    __slots__ = ("_rows", "value")

    def __init__(self, value: Any, rows: int) -> None:
        self.value, self._rows = value, rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: Any) -> Any:
        return self.value

    def __iter__(self) -> Iterator[Any]:
        return repeat(self.value, self._rows)


class StringPool:
    """StringPool that come again and again, by their places: a column of them is made without looking at any."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._array: pa.Array | None = None

    def add(self, text: str) -> int:
        """Add a text, and return its place."""
        self._texts.append(text)
        self._array = None
        return len(self._texts) - 1

    def column(self, places: Sequence[int] | npt.NDArray[np.int32]) -> Sequence[str] | pa.Array:
        """Return the texts at some places."""
        if len(places) < BULK:
            return [self._texts[place] for place in places]
        if self._array is None:
            self._array = pa.array(self._texts, pa.string())
        return self._array.take(pa.array(places, pa.int32()))  # pyright: ignore[reportOptionalMemberAccess]


def culprit(values: Values, column: Column) -> str:
    """Return the first value that a column cannot hold, in words.

    Args:
        values: of the column.
        column: what it may hold.
    """
    for row, value in enumerate(values):
        try:
            money((value,)) if column.type == "money" else plain((value,), column)
        except (ValueError, TypeError, AttributeError, OverflowError):
            return f"row {row} holds {value!r}"
    return "the batch does not fit"


def plain(values: Values, column: Column) -> pa.Array:
    """Return a column of anything but money as Arrow has it.

    Args:
        values: of the column.
        column: what it may hold.
    """
    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ndarray):
        return pa.array(values, TYPES[column.type])
    if isinstance(values, Same):
        one = plain((values.value,), column)
        if column.type in CODES:
            return pa.array(np.full(len(values), values.value, TYPES[column.type].to_pandas_dtype()))
        return pa.repeat(one[0], len(values))
    if column.kind in CODES:
        return pa.array(np.frombuffer(array(CODES[column.kind], values), CODES[column.kind]))
    if column.type in CODES:
        integers(values)
    try:
        found = pa.array(values, TYPES[column.type])
    except UnicodeEncodeError:  # a string of a contract's, say, with bytes that are no UTF-8: Arrow has no other text
        found = pa.array([value if value is None else legible(value) for value in values], TYPES[column.type])
    if found.null_count and not column.nullable:
        raise ValueError("None is not one of its values")
    return found


def integers(values: Sequence[Any]) -> None:
    """Refuse what is no integer: Arrow would silently cut the fraction off a float."""
    for kind in set(map(type, values)):
        if not issubclass(kind, (int, np.integer, NoneType)):
            raise TypeError(f"{kind.__name__} is no integer")


def money(values: Values) -> list[pa.Array]:
    """Return whole numbers as decimal128 and, where they have more than 38 digits, as 32 bytes beside.

    Arrow makes decimals of Python ints through `decimal`, at 0.5 µs each; this is 0.02 µs up to 63 bits, 0.1 beyond.
    """
    n = len(values)
    try:
        whole = isinstance(values, np.ndarray) and values.dtype == np.int64
        low = np.asarray(values) if whole else np.frombuffer(array("q", values), np.int64)  # refuses None and floats
    except OverflowError:
        pass
    else:
        pair = np.stack([low, low >> 63], axis=1)
        return [pa.Array.from_buffers(MONEY, n, [None, pa.py_buffer(pair)]), pa.nulls(n, pa.binary())]
    values = list(map(index, values))  # NumPy's numbers too: rows that came by columns hold them
    fits = [-LARGEST < value < LARGEST for value in values]
    held = values if all(fits) else [value if fit else 0 for value, fit in zip(values, fits, strict=True)]
    data = b"".join([value.to_bytes(16, "little", signed=True) for value in held])
    wide = [None if fit else value.to_bytes(32, "big") for value, fit in zip(values, fits, strict=True)]
    valid = pa.py_buffer(np.packbits(fits, bitorder="little"))
    return [pa.Array.from_buffers(MONEY, n, [valid, pa.py_buffer(data)]), pa.array(wide, pa.binary())]


def wides(table: pa.Table | pa.RecordBatch) -> set[str]:
    """Return the money columns of gathered rows that hold amounts of more than 38 digits."""
    siblings = [name for name in table.schema.names if name.endswith(WIDE)]
    return {name.removesuffix(WIDE) for name in siblings if table[name].null_count < table.num_rows}


def outward(form: pa.Schema, texts: Iterable[str]) -> pa.Schema:
    """Return the schema in which gathered rows are given to readers: no wide siblings, and no money that is null.

    Of the money columns in `texts`, every amount is a text of 78 digits. They sort as numbers do, a program that sums
    them raises, and so no amount is left out of a sum in silence; `wide` in the metadata names them.

    Args:
        form: of the rows as gathered.
        texts: names of the money columns with amounts of more than 38 digits.
    """
    texts, fields = sorted(texts), []
    for field in form:
        if f"{field.name}{WIDE}" in form.names:
            about = {b"meaning": field.metadata[b"meaning"]}
            kind = pa.string() if field.name in texts else field.type
            fields.append(pa.field(field.name, kind, nullable=False, metadata=about))
        elif not field.name.endswith(WIDE):
            fields.append(field)
    return pa.schema(fields, {**form.metadata, b"wide": " ".join(texts).encode()})


def given(table: pa.Table, form: pa.Schema) -> pa.Table:
    """Return gathered rows in an outward schema.

    Args:
        table: rows as gathered.
        form: the outward schema.
    """
    columns = [table[field.name] for field in form]
    for i, field in enumerate(form):
        if f"{field.name}{WIDE}" in table.schema.names and pa.types.is_string(field.type):
            numbers = whole(table[field.name], table[f"{field.name}{WIDE}"])
            columns[i] = pa.array([f"{number:0{DIGITS}d}" for number in numbers], pa.string())
    return pa.Table.from_arrays(columns, schema=form)


def whole(amounts: pa.ChunkedArray, wide: pa.ChunkedArray | None = None) -> list[int]:
    """Return the exact Python ints of a money column: of decimals with their wide siblings, if any, or of texts.

    Args:
        amounts: the column.
        wide: its sibling, which holds what has more than 38 digits.
    """
    if pa.types.is_string(amounts.type):
        return list(map(int, amounts.to_pylist()))
    numbers: list[int] = []
    for chunk in amounts.chunks:
        pair = np.frombuffer(chunk.buffers()[1], np.int64).reshape(-1, 2)[chunk.offset : chunk.offset + len(chunk)]
        low, high = pair[:, 0], pair[:, 1]
        if (high == low >> 63).all():
            numbers += low.tolist()
        else:
            below = low.view(np.uint64).tolist()
            numbers += [(top << 64) | rest for top, rest in zip(high.tolist(), below, strict=True)]
    if wide is not None and wide.null_count < len(wide):
        for row, value in enumerate(wide.to_pylist()):
            if value is not None:
                numbers[row] = int.from_bytes(value, "big")
    return numbers


def batches_in(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the whole batches of an Arrow stream, which may end anywhere."""
    if not path.exists():
        return
    with pa.OSFile(str(path)) as file:
        try:
            yield from pa.ipc.open_stream(file)
        except (pa.ArrowInvalid, OSError):
            return  # a torn end: its writer was killed, or the disk was full
