"""One table being written: rows gather, become record batches, and in the end a Parquet file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from slashpoint.sim.ledger.arrow import BULK, Same, batches_in, encode, given, outward, pack, schema, wides
from slashpoint.sim.ledger.columns import TABLES
from slashpoint.sim.ledger.digest import Digest
from slashpoint.sim.ledger.money import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from io import FileIO
    from pathlib import Path

Row = TypeVar("Row", bound=tuple[Any, ...])
ARRAYS = (np.ndarray, pa.Array)
KINDS = (list, *ARRAYS)  # what a column may be
OUR_NAMES = ("duty", "verb")  # of transactions: why somebody sent them, in our words
ROW_GROUP = 65_536  # rows of a Parquet file that are read at once


class Table(Generic[Row]):
    """One table being written. `append` takes a row, `extend` and `weave` take columns by name.

    Args:
        name: of the table, a key of `columns.TABLES`.
        folder: where its file goes; None keeps it in memory.
        meta: what the file's metadata say.
    """

    def __init__(self, name: str, folder: Path | None, meta: Mapping[str, str]) -> None:
        self.name = name
        self.schema = schema(name, meta)
        self.rows: list[Row] = []  # not flushed yet, after those held
        self.held: list[pa.RecordBatch] = []  # not flushed yet
        self.append: Callable[[Row], None] = self.rows.append
        self.batches: list[pa.RecordBatch] = []  # flushed, where there is no folder
        self.path = folder / f"{name}.arrow" if folder else None
        self._file: FileIO | None = None
        self._end = 0  # of what is whole in the file
        self._wide: set[str] = set()  # money columns with amounts of more than 38 digits
        self._full = Digest()  # of what was flushed
        self._chain: Digest | None = None  # of its part on chain, once that is not all

    def __len__(self) -> int:
        return self._full.rows + self.waiting

    @property
    def waiting(self) -> int:
        """Return how many rows were not flushed yet."""
        return len(self.rows) + sum(map(len, self.held))

    def extend(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Add many rows at once.

        Args:
            rows: how many.
            columns: every column by its name: a list, an array, or the one value that all rows have.

        Raises:
            TypeError: a column is missing, or the table has none of that name; nothing was added.
            LedgerError: a value does not fit its column; nothing was added.
        """
        data = self._in_order(rows, columns)
        if rows < BULK:
            data = [column.tolist() if isinstance(column, ARRAYS) else column for column in data]
            self.rows += zip(*data, strict=True)  # type: ignore[arg-type] # plain tuples, which cost less
            return
        self._hold(pack(self.name, data, self.schema))

    def weave(self, parts: Sequence[Mapping[str, Any]], by: str) -> None:
        """Add rows that come in parts, in the order of one column.

        Args:
            parts: each by columns as `extend` takes them.
            by: the name of the column that orders the rows; in each part it is a list or an array.
        """
        parts = [part for part in parts if len(part[by])]
        if len(parts) == 1:
            self.extend(len(parts[0][by]), parts[0])
        elif parts:
            batches = [pack(self.name, self._in_order(len(part[by]), part), self.schema) for part in parts]
            order = np.argsort(np.concatenate([part[by] for part in parts]), kind="stable")
            for batch in pa.Table.from_batches(batches).take(order).combine_chunks().to_batches():
                self._hold(batch)

    def _in_order(self, rows: int, columns: Mapping[str, Any]) -> list[Any]:
        names = TABLES[self.name]
        if columns.keys() != names.keys():
            wrong = ", ".join(sorted(columns.keys() ^ names.keys()))
            raise TypeError(f"columns of {self.name}: {wrong}: missing, or unknown; it has {', '.join(names)}")
        ordered = [columns[name] for name in names]
        return [column if isinstance(column, KINDS) else Same(column, rows) for column in ordered]

    def _hold(self, batch: pa.RecordBatch) -> None:
        if self.rows:
            self.held.append(encode(self.name, self.rows, self.schema))
            self.rows.clear()
        self.held.append(batch)

    def flush(self) -> None:
        """Send the buffered rows on. When it fails they stay buffered, and the file holds what it held."""
        batches = [*self.held, encode(self.name, self.rows, self.schema)] if self.rows else list(self.held)
        if not batches:
            return
        full, chain = self._full.copy(), self._chain and self._chain.copy()
        for batch in batches:
            self._wide |= wides(batch)
            chained = batch
            if self.name == "transfers":
                chained = batch.filter(pc.not_equal(batch["cause"], Cause.COMPUTE.value))  # pyright: ignore[reportAttributeAccessIssue]
            if chain is None and len(chained) < len(batch):
                chain = full.copy()
            full.update(batch)
            if chain is not None:
                chain.update(chained)
        end = self._write(batches) if self.path else 0
        # An interruption before these lines undoes the flush, one after them comes too late.
        self._end, self._full, self._chain = end, full, chain
        if not self.path:
            self.batches += batches
        self.rows.clear()
        self.held.clear()

    def _write(self, batches: list[pa.RecordBatch]) -> int:
        """Write batches as Arrow IPC messages; returns where the file then ends."""
        assert self.path is not None
        if self._file is None:
            self._file = self.path.open("r+b" if self._end else "wb", buffering=0)
        self._file.seek(self._end)
        self._file.truncate()  # what a failed or interrupted write left
        start = b"" if self._end else self.schema.serialize().to_pybytes()
        message = memoryview(start + b"".join(map(memoryview, (batch.serialize() for batch in batches))))
        end = self._end + len(message)
        while message:
            message = message[self._file.write(message) :]
        return end

    def to_parquet(self) -> None:
        """Turn the flushed rows into one Parquet file and remove the Arrow file; memory stays bounded."""
        assert self.path is not None
        final, draft = self.path.with_suffix(".parquet"), self.path.with_suffix(".parquet.draft")
        form = outward(self.schema.with_metadata({**self.schema.metadata, b"complete": b"true"}), self._wide)
        try:
            with pq.ParquetWriter(draft, form, compression="zstd") as writer:
                rows = 0
                for group in groups(batches_in(self.path)):
                    writer.write_table(given(group, form), row_group_size=ROW_GROUP)
                    rows += group.num_rows
            if rows != len(self):
                raise OSError(f"{self.path} gives back {rows} of its {len(self)} rows")
            draft.replace(final)
        finally:
            draft.unlink(missing_ok=True)
        self.release()
        self.path.unlink(missing_ok=True)

    def release(self) -> None:
        """Close the file, if it is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def digest(self) -> Digest:
        """Return the digest of what was flushed."""
        return self._full

    @property
    def chain_digest(self) -> Digest:
        """Return the digest of what was flushed and is on chain: without compute, which was a float, and our names."""
        return (self._chain or self._full).without(OUR_NAMES)


def groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield batches gathered into tables of at least ROW_GROUP rows, but for the last."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= ROW_GROUP:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held)
