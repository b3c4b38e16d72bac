"""Prices from a file."""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slashpoint.sim.prices import USD, Prices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slashpoint.sim.luck import Luck

COLUMNS = ["time", "asset", "price"]


@dataclass
class Replay(Prices):
    """Recorded prices: a CSV file with the columns time, asset and price; a price holds until the next.

    Times are Unix seconds or ISO 8601 (UTC unless it says otherwise); rows may come in any order.
    """

    path: str = ""  # the file; there is no default
    _rows: dict[str, tuple[list[float], list[float]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("prices.path is missing: a CSV file with the columns time, asset and price")

    def begin(self, luck: Luck, genesis: float) -> None:  # noqa: ARG002 - nothing here is left to chance
        """Read the file; ValueError names the line that is wrong, or the asset that has no price yet at genesis."""
        try:
            with Path(self.path).open(newline="", encoding="utf-8") as file:
                rows = sorted(self._read(file))
        except OSError as error:
            raise ValueError(f"prices.path={self.path!r} cannot be read: {error.strerror}") from error
        self._rows = {}
        for asset, time, price in rows:
            times, prices = self._rows.setdefault(asset, ([], []))
            if times and times[-1] == time:
                raise ValueError(f"{self.path}: {asset} has two prices at {instant(time)}")
            times.append(time)
            prices.append(price)
        for asset, (times, _) in self._rows.items():
            if times[0] > genesis:
                raise ValueError(
                    f"{self.path}: the first price of {asset} is from {instant(times[0])}, "
                    f"the world begins at {instant(genesis)}"
                )

    def usd(self, asset: str, now: float) -> float:
        """USD per whole unit: the last recorded price at a Unix time."""
        if asset not in self._rows:
            if asset == USD:
                return super().usd(asset, now)
            raise KeyError(f"{self.path} has no price for {asset}; it has {', '.join(sorted(self._rows)) or 'none'}")
        times, prices = self._rows[asset]
        return prices[max(0, bisect_right(times, now) - 1)]

    def _read(self, file: Iterable[str]) -> Iterator[tuple[str, float, float]]:
        reader = csv.DictReader(file)
        if missing := set(COLUMNS) - set(reader.fieldnames or ()):
            raise ValueError(f"{self.path} lacks {', '.join(sorted(missing))}: it needs time,asset,price")
        for line in reader:
            try:
                time, price = seconds(line["time"]), float(line["price"])
            except (TypeError, ValueError) as error:
                raise ValueError(f"{self.path}, line {reader.line_num}: {error}") from error
            if not 0 < price < math.inf:
                raise ValueError(f"{self.path}, line {reader.line_num}: {price} is no price")
            yield line["asset"], time, price


def seconds(text: str) -> float:
    """Unix seconds of a time in a file."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def instant(time: float) -> str:
    """A Unix time for people."""
    return datetime.fromtimestamp(time, UTC).isoformat()
