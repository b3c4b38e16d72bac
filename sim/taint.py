"""Taint: whether rows of data that should stay with their owners turn up where others can read them.

`Taint` looks for the bytes of many people's rows, as they are published or within zlib: fast enough for every block.
`leaks` looks for the numbers, however they were written down (`sim/unpacking.py`): packed, as text, as integers or
floats of any width and byte order; the rows in any order, the numbers of a row in any order, rounded, column by column,
or with others between them. What is encrypted, or changed by more than rounding, it cannot find: for that only the size
of an output is a bound.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from slashpoint.sim.learning.codec import LIMIT, decode
from slashpoint.sim.unpacking import contents, readings

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    import numpy.typing as npt

    from slashpoint.sim.learning import Problem, Task

    Floats = npt.NDArray[np.float64]

WINDOW = 8  # bytes of a row's middle that are looked for first


class Taint:
    """The rows of some people's data, and the search for them in bytes: as they are, or within zlib."""

    def __init__(self, task: Task, shards: Iterable[tuple[str, Problem]]) -> None:
        self._rows = {row: owner for owner, shard in shards for row in rows(task, shard)}
        self._by_window: dict[int, list[bytes]] = {}
        for row in self._rows:
            middle = len(row) // 2
            window = int.from_bytes(row[middle : middle + WINDOW].ljust(WINDOW, b"\0"), "little")
            self._by_window.setdefault(window, []).append(row)
        self._windows: npt.NDArray[np.uint64] = np.array(sorted(self._by_window), np.uint64)

    def owners(self, blobs: Sequence[bytes], public: Container[bytes] = ()) -> set[str]:
        """Whose rows are in some bytes; `public` are those that others hold too, and may publish.

        Args:
            blobs: what was published.
            public: what anybody may have.
        """
        if not len(self._windows):
            return set()
        whole = b"\xff".join(part for blob in blobs for part in (blob, _inflated(blob)))
        found: set[int] = set()
        for shift in range(min(WINDOW, len(whole))):
            words = np.frombuffer(whole, np.uint64, (len(whole) - shift) // WINDOW, shift)
            places = np.minimum(np.searchsorted(self._windows, words), len(self._windows) - 1)
            found.update(words[self._windows[places] == words].tolist())
        secret = (row for window in found for row in self._by_window[window] if row not in public)
        return {self._rows[row] for row in secret if row in whole}


def rows(task: Task, problem: Problem, part: str = "train") -> list[bytes]:
    """Return the raw rows that a problem's owner trains on, or (`test`) measures with.

    Args:
        task: the task that is learnt.
        problem: what is to be learnt.
        part: `train` or `test`.
    """
    table = next(one for one in decode(task.files(problem)[part]).values() if one.ndim > 1)
    return [row.tobytes() for row in table.reshape(len(table), -1)]


def _inflated(blob: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(blob, LIMIT)
    except zlib.error:
        return b""


# --- copies -----------------------------------------------------------------------------------------------------

STRIDES = range(1, 5)  # numbers from one of a row's to its next
BESIDE = range(5)  # numbers that are written with each row, where they are written column by column
ROUNDED = 0.1  # standard deviations by which a copy may differ
CHANCE = 1e-9  # of taking another row of the same data for a copy: it bounds the tolerance
SAMPLE = 500  # rows among which distances are measured
POWERS = 4  # sums of so many powers of a row's numbers are what it is found by
MIXTURE = np.array([1.0, -1.618, 2.718, -3.142])  # of these sums: one number by which most places are ruled out
CANDIDATES = 4  # rows that are compared with a place
CHUNK = 2**17  # numbers that are searched at once: it bounds memory


def leaks(output: bytes, rows: npt.ArrayLike) -> int:
    """Count the rows of private data that somebody can read in an output, exact or copied.

    Args:
        output: what a consumer gets.
        rows: the private data, shape (rows, inputs), two inputs or more. Rows that occur twice are one.
    """
    secret = Secret(np.asarray(rows, np.float64))
    found = np.zeros(len(secret.rows), np.bool_)
    for content in contents(output):
        for numbers in readings(content):
            secret.mark(numbers, found)
    return int(found.sum())


class Secret:
    """Rows that are looked for among numbers."""

    def __init__(self, rows: Floats) -> None:
        if rows.ndim != 2 or rows.shape[1] < 2 or not len(rows) or not np.isfinite(rows).all():
            raise ValueError(f"rows of shape {rows.shape}: taint needs some rows of two finite numbers or more")
        self.rows = np.unique(rows, axis=0)
        self._width = rows.shape[1]
        self._middle = (self.rows.min() + self.rows.max()) / 2
        self._half = float(self.rows.max() - self._middle) * (1 + ROUNDED) or 1.0
        scaled = self._scaled(self.rows)
        self._searches = [_Search(scaled, ranked=False)]
        ranked = np.sort(scaled, 1)
        if len(np.unique(ranked, axis=0)) == len(ranked):  # else their numbers alone do not tell them apart
            self._searches.append(_Search(ranked, ranked=True))

    def _scaled(self, numbers: Floats) -> Floats:
        """Return numbers so that those that rows may have lie in −1 … 1."""
        scaled: Floats = (numbers - self._middle) / self._half
        return scaled

    def mark(self, numbers: Floats, found: npt.NDArray[np.bool_]) -> None:
        """Mark the rows that are among numbers.

        Args:
            numbers: in the order in which they were written, shape (numbers,).
            found: of each row, whether it was found: set here.
        """
        with np.errstate(all="ignore"):
            scaled = self._scaled(numbers)
            scaled[~(np.abs(scaled) <= 1)] = np.nan
        if np.isfinite(scaled).sum() >= self._width:
            for line in self._lines(scaled):
                for begin in range(0, len(line), CHUNK):
                    self._mark(line[begin : begin + CHUNK + self._width], found)

    def _lines(self, numbers: Floats) -> Iterator[Floats]:
        """Yield numbers so that those of a row lie side by side: every so many of them, or column by column."""
        for stride in STRIDES:
            yield from (numbers[phase::stride] for phase in range(stride))
        for width in (self._width + beside for beside in BESIDE):
            if not len(numbers) % width:
                yield numbers.reshape(width, -1).T.ravel()

    def _mark(self, line: Floats, found: npt.NDArray[np.bool_]) -> None:
        """Mark the rows that lie side by side in a line; what is not a number is in no row."""
        width, plausible = self._width, np.isfinite(line)
        until = np.concatenate([[0], np.cumsum(plausible)])
        starts = np.flatnonzero(until[width:] - until[:-width] == width)
        if len(starts):
            line = np.where(plausible, line, 0)
            for search in self._searches:
                search.mark(line, starts, found)


class _Search:
    """Rows by the sums of powers of their numbers, which no order of the numbers changes and rounding hardly does."""

    def __init__(self, rows: Floats, *, ranked: bool) -> None:
        from scipy.spatial import KDTree  # takes a second: only where somebody asks

        self._rows, self._ranked = rows, ranked
        self._allowed = _allowed(rows)
        sums = np.stack([(rows**power).sum(1) for power in range(1, POWERS + 1)], 1)
        self._tree = KDTree(sums)
        self._radius = 3 * float(np.linalg.norm(self._allowed)) * float(np.linalg.norm(range(1, POWERS + 1))) + 1e-9
        self._mixed = np.sort(sums @ MIXTURE)

    def mark(self, line: Floats, starts: npt.NDArray[np.intp], found: npt.NDArray[np.bool_]) -> None:
        """Mark the rows that begin at some places of a line.

        Args:
            line: numbers in −1 … 1.
            starts: where so many as a row has may be one.
            found: of each row, whether it was found: set here.
        """
        width, power, sums = self._rows.shape[1], np.ones_like(line), np.empty((len(starts), POWERS))
        for i in range(POWERS):
            power = power * line
            ends = np.concatenate([[0.0], np.cumsum(power)])
            sums[:, i] = ends[starts + width] - ends[starts]
        mixed, reach = sums @ MIXTURE, self._radius * float(np.linalg.norm(MIXTURE))  # cheaper than the tree, and rarer
        near = np.searchsorted(self._mixed, mixed - reach) < np.searchsorted(self._mixed, mixed + reach, "right")
        starts = starts[near]
        distance, nearest = map(np.asarray, self._tree.query(sums[near], CANDIDATES, distance_upper_bound=self._radius))
        place, choice = np.nonzero(np.isfinite(distance))
        window = line[starts[place][:, None] + np.arange(width)]
        if self._ranked:
            window.sort(1)
        row = nearest[place, choice]
        found[row[(np.abs(window - self._rows[row]) <= self._allowed).all(1)]] = True


def _allowed(rows: Floats) -> Floats:
    """Return by how much each number of a copy may differ, shape (inputs,).

    By less than what makes copies of other rows by chance. Where a number's values lie so far apart that rounding
    would leave no other value (pixels, counts), not at all.
    """
    scale = rows.std(0)
    allowed = scale * _tolerance(rows[:: 1 + len(rows) // SAMPLE][:, scale > 0] / scale[scale > 0])
    gaps = np.array([np.diff(np.unique(column)).min(initial=np.inf) for column in rows.T])
    bound: Floats = np.where(gaps > 2 * allowed, 0.0, allowed) + 1e-6
    return bound


def _tolerance(rows: Floats) -> float:
    """Return by how many standard deviations a copy may differ, so that chance makes no copies of other rows.

    The nearest of all pairs are so far apart; one that is nearer is rarer by the power of how many numbers there are.

    Args:
        rows: in standard deviations, shape (rows, inputs).
    """
    from scipy.spatial import KDTree

    count, width = rows.shape
    if count < 2 or not width:
        return 0.0
    apart, _ = KDTree(rows).query(rows, 2, p=np.inf)
    pairs = count * (count - 1) / 2
    rare = min(1.0, pairs * CHANCE) ** (1 / width)
    return float(min(ROUNDED, 0.5 * rare * apart[:, 1].min()))
