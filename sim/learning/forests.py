r"""Random forests for regression that any node reproduces byte for byte, and that a contract can walk.

A forest is a function of the *set* of its records, a seed and its parameters: records are sorted by their content, so
the order in which they came does not matter, and each tree's bootstrap is drawn record by record from a hash of the
tree's seed and the record (`draws`). Trees are grown by scikit-learn's `DecisionTreeRegressor` on whole numbers, so
the same version of scikit-learn grows the same trees on every machine. Split points and leaves are rounded to whole
numbers afterwards: for whole numbers x <= t and x <= floor(t) are the same, so inference needs integers only.

A node is 8 bytes, four to a 32-byte word, the first one in the highest bits:

    bits 63 … 56   the feature that is compared, 0 … 254; 255 for a leaf
    bits 55 … 48   zero
    bits 47 … 32   index in the tree of the child where x > threshold; the other child is the next node; 0 for a leaf
    bits 31 … 0    the threshold, or a leaf's value: int32, two's complement

Nodes are in preorder, so the step to the child where x <= threshold mostly stays within a word that was loaded before.
Zeros fill up a tree's last word.

A forest is packed in words too: first b"forest\0\1", trees and features (4 bytes each, big-endian)
and zeros; then the number of nodes of each tree, 2 bytes each, filled up with zeros; then the trees.

A forest's prediction is the sum of its trees' leaves divided by their number, rounded towards zero, as in Solidity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Tree = npt.NDArray[np.uint64]  # nodes, shape (nodes,)
    Numbers = npt.NDArray[np.integer[Any]]

MAGIC = b"forest\0\1"
WORD = 32  # bytes
NODES = 4  # a word
LEAF = 255  # in place of a feature
MAX_TREES = 1000
MAX_NODES = 2**16 - 1  # of a tree: children are found by 16 bits
LIMIT = 2**23  # bytes of a packed forest


@dataclass(frozen=True)
class Forest:
    """Trees that answer together."""

    features: int  # numbers in a row that is asked about
    trees: tuple[Tree, ...]

    def predict(self, rows: Numbers) -> npt.NDArray[np.int64]:
        """Return the mean of the trees' answers, rounded towards zero, shape (rows,).

        Args:
            rows: whole numbers, shape (rows, features).
        """
        total = self.votes(rows).sum(1)
        mean: npt.NDArray[np.int64] = np.sign(total) * (np.abs(total) // len(self.trees))
        return mean

    def majority(self, rows: Numbers) -> npt.NDArray[np.int64]:
        """Return what most trees answer, of two answers with as many the lower one, shape (rows,).

        Args:
            rows: whole numbers, shape (rows, features).
        """
        return majority(self.votes(rows))

    def votes(self, rows: Numbers) -> npt.NDArray[np.int64]:
        """Return what each tree answers, shape (rows, trees).

        Args:
            rows: whole numbers, shape (rows, features).
        """
        feature, right, value, roots = self._flat
        at = np.broadcast_to(roots, (len(rows), len(roots))).copy()
        row = np.arange(len(rows))[:, None]
        while (inner := feature[at] != LEAF).any():
            asked = np.where(inner, feature[at], 0)
            at = np.where(inner, np.where(rows[row, asked] <= value[at], at + 1, right[at]), at)
        return value[at]

    @cached_property
    def _flat(self) -> tuple[npt.NDArray[np.int64], ...]:
        """All nodes one after another: features, right children, thresholds or values; then the roots' places."""
        nodes = np.concatenate(self.trees)
        sizes = np.array([len(tree) for tree in self.trees])
        roots = np.cumsum(sizes) - sizes
        feature, right, value = fields(nodes)
        return feature, right + np.repeat(roots, sizes), value, roots

    @property
    def depth(self) -> int:
        """Return the greatest number of comparisons on a way from a root to a leaf."""
        feature, right, _, roots = self._flat
        at, deep = roots, 0
        while len(at := at[feature[at] != LEAF]):
            at, deep = np.unique(np.concatenate([at + 1, right[at]])), deep + 1
        return deep

    def words(self, tree: int) -> list[bytes]:
        """Return one tree as a contract stores it: words of four nodes."""
        packed = _padded(self.trees[tree].astype(">u8").tobytes())
        return [packed[at : at + WORD] for at in range(0, len(packed), WORD)]

    def encode(self) -> bytes:
        """Pack all trees; see the head of this module."""
        head = MAGIC + len(self.trees).to_bytes(4, "big") + self.features.to_bytes(4, "big")
        sizes = np.array([len(tree) for tree in self.trees], ">u2").tobytes()
        trees = [_padded(tree.astype(">u8").tobytes()) for tree in self.trees]
        return b"".join([_padded(head), _padded(sizes), *trees])


def decode(packed: bytes) -> Forest | None:
    """Unpack a forest; None for anything but what `encode` made or could have made, whatever the bytes.

    Args:
        packed: from anybody.
    """
    if not packed.startswith(MAGIC) or not WORD < len(packed) <= LIMIT:
        return None
    count, features = (int.from_bytes(packed[at : at + 4], "big") for at in (8, 12))
    if not (1 <= count <= MAX_TREES and 1 <= features < LEAF):
        return None
    body = WORD + _ceil(2 * count)
    sizes = np.frombuffer(packed[WORD : WORD + 2 * count].ljust(2 * count, b"\0"), ">u2").astype(np.int64)
    ends = body + np.cumsum(-(-sizes // NODES)) * WORD
    if sizes.min() < 1 or len(packed) != ends[-1]:
        return None
    starts = np.append(body, ends[:-1])
    trees = tuple(
        np.frombuffer(packed, ">u8", size, start).astype(np.uint64)
        for size, start in zip(sizes.tolist(), starts.tolist())
    )
    forest = Forest(features, trees)
    return forest if all(sound(tree, features) for tree in trees) and forest.encode() == packed else None


def sound(tree: Tree, features: int) -> bool:
    """Tell whether nodes make up a tree: every way from the first one leads to a leaf, every comparison has a number.

    Args:
        tree: shape (nodes,).
        features: numbers in a row.
    """
    feature, right, _ = fields(tree)
    place, inner = np.arange(len(tree)), feature != LEAF
    forward = (right > place + 1) & (right < len(tree)) & (feature < features)  # so that every step leads on
    spare = tree >> np.uint64(48) & np.uint64(0xFF)
    return bool(np.where(inner, forward, right == 0).all() and not spare.any())


def fields(nodes: Tree) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the parts of nodes: features (LEAF for leaves), right children, thresholds or values; (nodes,) each."""
    feature = (nodes >> np.uint64(56)).astype(np.int64)
    right = (nodes >> np.uint64(32) & np.uint64(0xFFFF)).astype(np.int64)
    return feature, right, (nodes & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32).astype(np.int64)


def node(feature: Numbers, right: Numbers, value: Numbers) -> Tree:
    """Return nodes from their parts, shape (nodes,): the inverse of `fields`.

    Args:
        feature: LEAF for leaves.
        right: index of the right child, 0 for leaves.
        value: the threshold, or the leaf's value.
    """
    low = np.asarray(value, np.int64).astype(np.int32).view(np.uint32).astype(np.uint64)
    high = np.asarray(feature, np.uint64) << np.uint64(56) | np.asarray(right, np.uint64) << np.uint64(32)
    tree: Tree = high | low
    return tree


def majority(votes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the most frequent vote of each row, of two as frequent the lower one.

    Args:
        votes: shape (rows, voters).
    """
    ordered = np.sort(votes, axis=1)
    place = np.arange(votes.shape[1])
    new = np.diff(ordered, axis=1, prepend=ordered[:, :1] - 1) != 0
    run = place - np.maximum.accumulate(np.where(new, place, 0), axis=1)
    return np.take_along_axis(ordered, run.argmax(1)[:, None], axis=1)[:, 0]


def constant(value: int, features: int, trees: int = 1) -> Forest:
    """Return a forest that answers the same to everything.

    Args:
        value: the answer.
        features: numbers in a row.
        trees: how many; each is a single leaf.
    """
    leaf = node(np.array([LEAF]), np.array([0]), np.array([value]))
    return Forest(features, (leaf,) * trees)


def _ceil(size: int) -> int:
    return -(-size // WORD) * WORD


def _padded(packed: bytes) -> bytes:
    return packed.ljust(_ceil(len(packed)), b"\0")
