"""Recorded prices, read from a CSV file."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from slashpoint.sim.csvfile import Row, read
from slashpoint.sim.luck import Luck
from slashpoint.sim.prices import USD, Prices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

COLUMNS = ("time", "asset", "price")
UNITS = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
LATEST_SECONDS = 1e11  # Unix seconds (the year 5138): a number beyond is in a smaller unit


@dataclass
class Replay(Prices):
    """Recorded prices: a CSV file with the columns time, asset and price; a price holds until the next.

    Times are Unix times or ISO 8601 (UTC unless it says otherwise); rows may come in any order. Unix times are all in
    seconds, or all in milli-, micro- or nanoseconds, which their size tells: of seconds, 10^11 is the year 5138.
    """

    path: str = ""  # the file; there is no default
    _rows: dict[str, tuple[list[float], list[float]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.path:
            raise ValueError("prices.path is missing: a CSV file with the columns time, asset and price")

    @property
    def reads(self) -> Mapping[str, Sequence[Path]]:
        """Return the file; its path is relative to the current folder."""
        return {"path": [Path(self.path)]}

    def begin(self, luck: Luck, genesis: float) -> None:  # noqa: ARG002 - nothing here is left to chance
        """Read the file; ValueError names the line that is wrong, or the asset that has no price yet at genesis."""
        self._rows, last = {}, None
        for asset, time, price, row in sorted(self._read(), key=itemgetter(0, 1)):
            times, prices = self._rows.setdefault(asset, ([], []))
            if times and times[-1] == time:
                if prices[-1] != price:
                    raise ValueError(f"{row.where}: {asset} has another price at {instant(time)} in line {last}")
                continue
            times.append(time)
            prices.append(price)
            last = row.line
        if not self._rows:
            raise ValueError(f"{self.path} has no price: there is nothing below its first line")
        for asset, (times, _) in self._rows.items():
            if times[0] > genesis:
                raise ValueError(
                    f"{self.path}: the first price of {asset} is from {instant(times[0])}, "
                    f"the world begins at {instant(genesis)}"
                )

    def ready(self, genesis: float) -> None:
        """Raise ValueError if the file has no prices, or none at genesis yet."""
        self.begin(Luck("prices"), genesis)

    def usd(self, asset: str, now: float) -> float:
        """Return USD per whole unit: the last recorded price at a Unix time."""
        if asset not in self._rows:
            if asset == USD:
                return super().usd(asset, now)
            raise KeyError(f"{self.path} has no price for {asset}; it has {', '.join(sorted(self._rows)) or 'none'}")
        times, prices = self._rows[asset]
        return prices[max(0, bisect_right(times, now) - 1)]

    def _read(self) -> Iterator[tuple[str, float, float, Row]]:
        unit, since = "", 0
        for row in read(self.path, "prices.path", COLUMNS):
            time, its_unit = moment(row)
            if its_unit and unit and its_unit != unit:
                raise ValueError(
                    f"{row.where}: {row.cells['time']} is in {its_unit}, and the time in line {since} in {unit}"
                )
            if its_unit:
                unit, since = its_unit, since or row.line
            price = row.number("price")
            if not 0 < price < math.inf:
                raise ValueError(f"{row.where}: {price} is no price")
            if not row.cells["asset"]:
                raise ValueError(f"{row.where}: no asset")
            yield row.cells["asset"], time, price, row


def moment(row: Row) -> tuple[float, str]:
    """Return the time of a row in Unix seconds, and the unit that it was in, which is none of an ISO date."""
    text = row.cells["time"]
    try:
        number = row.number("time")
    except ValueError:
        try:
            date = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{row.where}: {text!r} is no time: write Unix seconds, or ISO 8601") from None
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp(), ""
    if not math.isfinite(number):
        raise ValueError(f"{row.where}: {text!r} is no time")
    for unit, parts in UNITS.items():
        if abs(number) / parts < LATEST_SECONDS:
            return number / parts, unit
    raise ValueError(f"{row.where}: {text!r} is no time in any unit")


def instant(time: float) -> str:
    """Format a Unix time for people."""
    return datetime.fromtimestamp(time, UTC).isoformat()
