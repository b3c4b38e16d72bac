"""The ledger: everything that happened in a world, as append-only tables.

A row is one `list.append`: `ledger.duties.append(DutyRow(…))`; many go in by columns. `tick`, once a block, sends
full buffers to `<folder>/ledger/<table>.arrow` as record batches, so that whatever was flushed reads back whole after
`kill -9`; `close` turns each table into one Parquet file. A ledger that was not closed holds a file named PARTIAL.
The tables are those of `columns.TABLES`, and `read` takes a ledger in any of these states.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from slashpoint.sim.errors import OutOfRoom, unwritten
from slashpoint.sim.ledger.arrow import LedgerError, schema
from slashpoint.sim.ledger.columns import (
    SCHEMA_VERSION,
    TABLES,
    AccountRow,
    BlockRow,
    DutyRow,
    EventRow,
    HoldingRow,
    JobRow,
    ModelRow,
    TransactionRow,
    TransferRow,
    ViolationRow,
    row,
)
from slashpoint.sim.ledger.digest import hash_of
from slashpoint.sim.ledger.reading import PARTIAL, Tables, from_folder
from slashpoint.sim.ledger.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "SCHEMA_VERSION",
    "TABLES",
    "AccountRow",
    "BlockRow",
    "DutyRow",
    "EventRow",
    "HoldingRow",
    "JobRow",
    "Ledger",
    "LedgerError",
    "ModelRow",
    "Table",
    "Tables",
    "TransactionRow",
    "TransferRow",
    "Unwritten",
    "ViolationRow",
    "read",
    "row",
]

BUFFERED = 8192  # rows, of all tables together, before they are flushed
ON_CHAIN = ("blocks", "transactions", "events", "transfers")  # what the chain hash covers: no column is a float


class Unwritten(LedgerError, OutOfRoom):
    """A ledger for which there is no room."""


class Ledger:
    """All tables of one world, on disk under `<folder>/ledger`, or in memory when there is no folder.

    `meta` (seed, engine …) goes into the metadata of every table, not into the hashes.
    """

    blocks: Table[BlockRow]
    transactions: Table[TransactionRow]
    events: Table[EventRow]
    transfers: Table[TransferRow]
    duties: Table[DutyRow]
    models: Table[ModelRow]
    jobs: Table[JobRow]
    accounts: Table[AccountRow]
    holdings: Table[HoldingRow]
    violations: Table[ViolationRow]

    def __init__(
        self, folder: Path | None = None, *, meta: Mapping[str, str] | None = None, buffered: int = BUFFERED
    ) -> None:
        self.folder = folder / "ledger" if folder else None
        self.buffered = buffered
        self.meta = dict(meta or {})
        self.complete = False
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            if any(self.folder.iterdir()):
                raise LedgerError(f"{self.folder} holds a ledger already")
            (self.folder / PARTIAL).write_text("still being written, or its writer was killed\n")
        self.tables: dict[str, Table[Any]] = {name: Table(name, self.folder, self.meta) for name in TABLES}
        vars(self).update(self.tables)

    def describe(self, **facts: str) -> None:
        """Add to the metadata of every table what is known once a world is deployed, before anything is flushed."""
        self.meta |= facts
        for table in self.tables.values():
            table.schema = schema(table.name, self.meta)

    def tick(self) -> None:
        """Flush if enough rows wait: call it once a block, so that all tables on disk end at the same block."""
        if sum(table.waiting for table in self.tables.values()) >= self.buffered:
            self.flush()

    def flush(self) -> None:
        """Send all buffered rows on; raises LedgerError after having tried every table."""
        refused: list[OSError] = []
        wrong: list[str] = []
        for table in self.tables.values():
            try:
                table.flush()
            except OSError as error:
                refused.append(error)
            except LedgerError as error:
                wrong.append(f"{table.name}: {error} ({table.waiting} rows not written)")
        if refused:
            raise Unwritten(self._unwritten(refused[0])) from refused[0]
        if wrong:
            raise LedgerError(f"the ledger could not be written: {'; '.join(wrong)}")

    def close(self, *, complete: bool = True, why: str = "the run did not end by itself") -> None:
        """Flush; then one Parquet file a table, or, when not `complete`, leave it as it is, marked with `why`.

        Raises LedgerError when the disk is full, say; what is on disk can be read all the same.

        Args:
            complete: whether the run came to its end.
            why: what the mark of an incomplete ledger says.
        """
        if self.complete:
            return
        try:
            self.flush()
            if complete and self.folder:
                for table in self.tables.values():
                    table.to_parquet()
                (self.folder / PARTIAL).unlink()
            self.complete = complete
        except OSError as error:
            raise Unwritten(self._unwritten(error)) from error
        finally:
            for table in self.tables.values():
                table.release()
        if not complete and self.folder:
            with suppress(OSError):  # an empty mark is one too
                (self.folder / PARTIAL).write_text(why + "\n", encoding="utf-8")

    def hashes(self) -> tuple[str, str]:
        """Return SHA-256 hashes, in hexadecimal, of what is on chain, and of everything.

        The first covers the integers and text of blocks, transactions, events and transfers without compute: no float,
        nothing that was made from one, and no name of a duty or a verb. Equal for any batches, hash seed and folder.
        """
        self.flush()
        chain = hash_of((name, self.tables[name].chain_digest) for name in ON_CHAIN)
        return chain, hash_of((name, table.digest) for name, table in self.tables.items())

    def _unwritten(self, error: OSError) -> str:
        lost = sum(table.waiting for table in self.tables.values())
        return unwritten(error, f"{self.folder}: {lost} rows not written" if lost else self.folder)


def read(source: Path | Ledger) -> Tables:
    """Return the tables of a ledger that is still in memory, or of the folder that one was written under.

    Raises:
        LedgerError: there is none, it is damaged, or a newer or older schema wrote it.
    """
    if isinstance(source, Path):
        return from_folder(source)
    source.flush()
    if source.folder:
        return from_folder(source.folder)
    return Tables(
        {name: pa.Table.from_batches(table.batches, table.schema) for name, table in source.tables.items()},
        complete=source.complete,
    )
