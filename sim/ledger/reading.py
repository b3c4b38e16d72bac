"""Reading a ledger: finished, partial or still in memory, by the same names and with the same exact integers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from slashpoint.sim.ledger.arrow import WIDE, LedgerError, batches_in, given, outward, schema, whole, wides
from slashpoint.sim.ledger.columns import SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

ABOUT_ONE = {b"table", b"complete", b"wide"}  # metadata of one table, not of the ledger
PARTIAL = "PARTIAL"  # the file that marks an unfinished ledger, and says why it is one


class Tables(Mapping[str, "pd.DataFrame"]):
    """The tables of a ledger by name.

    Money columns hold exact Python ints (dtype object). Sum them as such: pandas' `sum` over ints is exact, NumPy's
    and DuckDB's conversions to float are not. Integer columns that may be empty are nullable Int64 or Int32; text that
    is missing is NaN. Who reads the Parquet files by other means finds money in decimals of 38 digits, and never a
    null; in a file with an amount of more, all of that column are texts of 78 digits, which nothing sums by mistake.
    """

    def __init__(self, tables: Mapping[str, pa.Table], *, complete: bool, why: str = "") -> None:
        self._tables = {name: _outward(table) for name, table in tables.items()}
        self._frames: dict[str, pd.DataFrame] = {}
        self.complete = complete  # False: the run was cut short, `why` says how
        self.why = why

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._frames:
            self._frames[name] = frame(name, self.arrow(name))
        return self._frames[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def arrow(self, name: str) -> pa.Table:
        """Return a table in Arrow: money as decimal128(38, 0), or where an amount needs more in texts of 78 digits."""
        try:
            return self._tables[name]
        except KeyError:
            raise KeyError(f"a ledger has no table {name!r}; it has {', '.join(self._tables)}") from None

    @property
    def meta(self) -> dict[str, str]:
        """Return what was said of the whole ledger: schema_version, and what its writer added."""
        found: dict[bytes, bytes] = {}
        for table in self._tables.values():  # one that is still empty may know nothing
            found |= table.schema.metadata
        return {key.decode(): value.decode() for key, value in found.items() if key not in ABOUT_ONE}


def from_folder(folder: Path) -> Tables:
    """Return the tables under a run's folder, or in its ledger folder."""
    inside = folder / "ledger" if (folder / "ledger").is_dir() else folder
    tables: dict[str, pa.Table] = {}
    mark = inside / PARTIAL
    for name in TABLES:
        done, open_ = inside / f"{name}.parquet", inside / f"{name}.arrow"
        if done.exists():
            tables[name] = _parquet(done)
        elif open_.exists():
            batches = list(batches_in(open_))
            tables[name] = pa.Table.from_batches(batches, batches[0].schema if batches else schema(name, {}))
    for name, table in tables.items():
        version = (table.schema.metadata or {}).get(b"schema_version", b"none").decode()
        if version != str(SCHEMA_VERSION):
            raise LedgerError(f"{inside}: {name} has schema version {version}, this program reads {SCHEMA_VERSION}")
    if not mark.exists() and (lost := [name for name in TABLES if name not in tables]):
        raise LedgerError(f"{inside / lost[0]}.parquet is missing" if tables else f"no ledger in {folder}")
    ordered = {name: tables.get(name, schema(name, {}).empty_table()) for name in TABLES}
    return Tables(ordered, complete=not mark.exists(), why=mark.read_text().strip() if mark.exists() else "")


def _parquet(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise LedgerError(f"{path} is damaged: {str(error).partition(chr(10))[0]}") from error


def _outward(table: pa.Table) -> pa.Table:
    """Return a table as readers get it, if it is as it was gathered: a run that goes on, or was cut short."""
    inward = any(name.endswith(WIDE) for name in table.schema.names)
    return given(table, outward(table.schema, wides(table))) if inward else table


def frame(name: str, table: pa.Table) -> pd.DataFrame:
    """Return a table as a DataFrame whose money is exact.

    Args:
        name: of the table.
        table: in Arrow, as readers get it.
    """
    import pandas as pd

    columns: dict[str, pd.Series] = {}
    for column, about in TABLES[name].items():
        values = table.column(column)
        if about.type == "money":
            columns[column] = pd.Series(whole(values), dtype=object)
        elif about.nullable and about.type in {"i32", "i64"}:
            columns[column] = values.to_pandas(
                types_mapper={pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype()}.get
            )
        else:
            columns[column] = values.to_pandas()
    return pd.DataFrame(columns)
