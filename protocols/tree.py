"""Merkle trees of SHA-256 whose pairs are sorted, as `contracts/src/Tree.sol` reads them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def words(*values: int | bytes) -> bytes:
    """Numbers, addresses and hashes as the ABI has them: 32 bytes each, from the right."""
    return b"".join(one.to_bytes(32, "big") if isinstance(one, int) else one.rjust(32, b"\0") for one in values)


def leaf(*values: int | bytes) -> bytes:
    """What is put into a tree: never two words, so that no leaf is another tree's node."""
    return hashlib.sha256(words(*values)).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over some leaves, 32 bytes; zero over none."""
    return _levels(leaves)[-1][0] if leaves else bytes(32)


def proof(leaves: Sequence[bytes], place: int) -> list[bytes]:
    """What shows that the leaf at a place belongs to the root: its siblings, from below."""
    found = []
    for level in _levels(leaves)[:-1]:
        if place ^ 1 < len(level):
            found.append(level[place ^ 1])
        place //= 2
    return found


def _levels(leaves: Sequence[bytes]) -> list[Sequence[bytes]]:
    """From the leaves to the root; the last of an odd level goes up alone."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        low = levels[-1]
        pairs = [low[i : i + 2] for i in range(0, len(low), 2)]
        levels.append([hashlib.sha256(b"".join(sorted(pair))).digest() if len(pair) > 1 else pair[0] for pair in pairs])
    return levels
