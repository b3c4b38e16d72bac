"""Merkle trees of SHA-256 whose pairs are sorted, as `contracts/src/common/Tree.sol` reads them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def words(*values: int | bytes) -> bytes:
    """Numbers, addresses and hashes as the ABI has them: 32 bytes each, from the right."""
    return b"".join(one.to_bytes(32, "big") if isinstance(one, int) else one.rjust(32, b"\0") for one in values)


def leaf(*values: int | bytes) -> bytes:
    """Return what is put into a tree: never two words, so that no leaf is another tree's node."""
    return hashlib.sha256(words(*values)).digest()


class Tree:
    """A tree over some leaves. Its `root` is 32 bytes, zero over none."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        """Build it from the leaves; the last of an odd level goes up alone."""
        self._levels = [list(leaves) or [bytes(32)]]
        while len(low := self._levels[-1]) > 1:
            pairs = [low[i : i + 2] for i in range(0, len(low), 2)]
            self._levels.append([
                hashlib.sha256(b"".join(sorted(pair))).digest() if len(pair) > 1 else pair[0] for pair in pairs
            ])  # fmt: skip

    @property
    def root(self) -> bytes:
        """The root that is committed to, 32 bytes."""
        return self._levels[-1][0]

    def proof(self, place: int) -> list[bytes]:
        """Return what shows that the leaf at a place belongs to the root: its siblings, from below."""
        found = []
        for level in self._levels[:-1]:
            if place ^ 1 < len(level):
                found.append(level[place ^ 1])
            place //= 2
        return found
