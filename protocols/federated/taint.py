"""Taint: whether raw rows of data that should stay with their owners turn up where others can read them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from slashpoint.sim.learning.codec import LIMIT, decode

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    import numpy.typing as npt

    from slashpoint.sim.learning import Problem, Task

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
        whole = b"\xff".join(part for blob in blobs for part in (blob, _unpacked(blob)))
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


def _unpacked(blob: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(blob, LIMIT)
    except zlib.error:
        return b""
