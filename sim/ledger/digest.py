"""What identifies a ledger: SHA-256 over its columns, whatever the batches in which they came."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from slashpoint.sim.ledger.columns import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Digest:
    """The running hash of a table, bounded in memory.

    Each column is hashed as up to three streams, which together determine its values and are concatenations, so that
    batches leave no mark: which rows are not null (one byte each), the values (little-endian, zero where null) and, for
    text, the lengths (8 bytes each) apart from the text.
    """

    def __init__(self, rows: int = 0, streams: Mapping[str, hashlib._Hash] = MappingProxyType({})) -> None:
        self.rows = rows
        self._streams = dict(streams)
        self._fields: tuple[tuple[str, pa.Field], ...] = ()

    def copy(self) -> Digest:
        """Return a digest of the same that goes on by itself."""
        twin = Digest(self.rows, {name: stream.copy() for name, stream in self._streams.items()})
        twin._fields = self._fields
        return twin

    def without(self, columns: Iterable[str]) -> Digest:
        """Return the running hash of the same rows without some columns."""
        left = tuple(f"{column}:" for column in columns)
        return Digest(self.rows, {name: one for name, one in self._streams.items() if not name.startswith(left)})

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the rows of a batch."""
        if not batch.num_rows:
            return
        self.rows += batch.num_rows
        if not self._fields:
            self._fields = tuple((f"{field.name}:{field.type}:", field) for field in batch.schema)
        for (column, field), array in zip(self._fields, batch.columns, strict=True):
            for name, data in streams(field, array):
                key = column + name
                if key not in self._streams:
                    self._streams[key] = hashlib.sha256()
                self._streams[key].update(data)

    def digest(self) -> bytes:
        """Return 32 bytes for all rows so far."""
        lines = [f"{name} {stream.hexdigest()}" for name, stream in sorted(self._streams.items())]
        return hashlib.sha256("\n".join([str(self.rows), *lines]).encode()).digest()


def streams(field: pa.Field, array: pa.Array) -> Iterator[tuple[str, bytes | memoryview | pa.Buffer]]:
    """Yield the streams of one column of one batch, each with its name.

    Args:
        field: name and type of the column.
        array: its values.
    """
    n, absent = len(array), array.null_count
    if field.nullable and 0 < absent < n:
        yield "valid", array.is_valid().cast(pa.uint8()).to_numpy().tobytes()
    elif field.nullable:
        yield "valid", bytes(n) if absent else b"\1" * n
    if pa.types.is_string(array.type) or pa.types.is_binary(array.type):
        _, places, text = array.buffers()
        bounds = np.frombuffer(places, np.int32)[array.offset : array.offset + n + 1]
        yield "length", np.diff(bounds).astype("<i8").tobytes()
        yield "value", b"" if text is None else text[int(bounds[0]) : int(bounds[-1])]
        return
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    if absent:
        array = pc.fill_null(array, pa.scalar(0).cast(array.type))
    size = array.type.byte_width
    yield "value", array.buffers()[1][array.offset * size : (array.offset + n) * size]


def hash_of(digests: Iterable[tuple[str, Digest]]) -> str:
    """Return one hash, in hexadecimal, for some tables."""
    lines = [f"{name} {digest.digest().hex()}" for name, digest in sorted(digests, key=lambda pair: pair[0])]
    return hashlib.sha256("\n".join([f"ledger {SCHEMA_VERSION}", *lines]).encode()).hexdigest()
