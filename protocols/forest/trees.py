"""Trees as the contract keeps them: chunks of nodes, each small enough for the code of one account.

`contracts/src/forest/Inference.sol` says how a chunk is laid out; its nodes are those of `sim/learning/forests.py`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from slashpoint.sim.learning.forests import WORD
from slashpoint.sim.market.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.sim.learning.forests import Forest

LARGEST = 24_575  # bytes of a chunk: an account's code has one more at most


def chunks(forest: Forest, largest: int = LARGEST) -> list[bytes]:
    """Pack a forest into chunks of whole trees, in order.

    Args:
        forest: its trees.
        largest: bytes of a chunk, at most.

    Raises:
        ValueError: a tree is larger than that.
    """
    found: list[bytes] = []
    trees: list[int] = []
    for tree in range(len(forest.trees)):
        if trees and len(_chunk(forest, [*trees, tree])) > largest:
            found.append(_chunk(forest, trees))
            trees = []
        trees.append(tree)
    found.append(_chunk(forest, trees))
    if (size := max(map(len, found))) > largest:
        raise ValueError(f"a tree of {size:,} bytes is larger than a chunk of {largest:,}: set task.depth or task.leaf")
    return found


def _chunk(forest: Forest, trees: Sequence[int]) -> bytes:
    sizes = np.array([len(trees), *(len(forest.trees[tree]) for tree in trees)], ">u2").tobytes()
    head = sizes.ljust(-(-len(sizes) // WORD) * WORD, b"\0")
    return head + b"".join(word for tree in trees for word in forest.words(tree))


def merkle(pieces: Sequence[bytes]) -> Tree:
    """Return the Merkle tree over chunks, whose root a report carries."""
    return Tree([leaf(piece) for piece in pieces])


def leaf(piece: bytes) -> bytes:
    """Return a chunk's leaf in the Merkle tree, SHA-256."""
    return hashlib.sha256(piece).digest()
