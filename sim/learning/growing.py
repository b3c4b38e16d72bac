"""Growing: how a forest comes from records and a seed, and how a record leaves it again."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np

from slashpoint.sim.domain import Count, Within
from slashpoint.sim.learning.forests import LEAF, MAX_NODES, MAX_TREES, Forest, constant, node
from slashpoint.sim.learning.records import EXACT, NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from slashpoint.sim.learning.forests import Tree
    from slashpoint.sim.learning.records import Records

    Counts = npt.NDArray[np.int64]

MANY = 10  # more draws of one record by one tree count as so many: the chance is 10⁻⁸
CHANCES = np.cumsum([math.exp(-1) / math.factorial(times) for times in range(MANY)])
DRAWN = np.round(CHANCES * 2**32).astype(np.uint64)  # a hash of 32 bits below the k-th of these: k draws at most


@dataclass(frozen=True)
class Growth:
    """How the trees of a forest are grown."""

    trees: Annotated[int, Within(1, MAX_TREES)] = 100
    depth: Annotated[int, Within(0, 1000)] = 0  # comparisons from the root to a leaf, at most; 0 for no limit
    leaf: Annotated[int, Within(1, 10**6)] = 1  # records in a leaf, at least; one that was drawn twice counts once
    bootstrap: bool = True  # each tree draws its records; otherwise it has all
    random: bool = False  # splits at random points; otherwise at the best
    tried: Count = 0  # features tried at each split; 0 for floor(√features)
    votes: bool = False  # a leaf answers its most frequent label; otherwise the mean

    def scaled(self, effort: float) -> Growth:
        """Return the growth of a share of the trees, one at least."""
        return replace(self, trees=min(MAX_TREES, max(1, round(effort * self.trees))))


USUAL = Growth()


class Sample(NamedTuple):
    """What one tree learns from."""

    records: Records  # those that it drew, sorted, shape (drawn, features + 1)
    times: Counts  # how often it drew each, shape (drawn,)

    def same(self, other: Sample) -> bool:
        """Tell whether a tree learns the same from another sample."""
        return np.array_equal(self.records, other.records) and np.array_equal(self.times, other.times)


def grow(records: Records, seed: bytes, growth: Growth = USUAL, epoch: int = 0) -> Forest:
    """Grow a forest: the same bytes from the same set of records, whatever their order, on every machine.

    Args:
        records: features within ±2²⁴ and a label, shape (records, features + 1); without any the forest answers 0.
        seed: public randomness.
        growth: how trees are grown.
        epoch: of the forest: more of the randomness.
    """
    if not len(records):
        return constant(0, records.shape[1] - 1, growth.trees)
    found = samples(records, seed, growth, epoch)
    return Forest(
        records.shape[1] - 1,
        tuple(_tree(sample, tree_seed(seed, epoch, tree), growth) for tree, sample in enumerate(found)),
    )


def forget(
    forest: Forest, records: Records, gone: Sequence[int], seed: bytes, growth: Growth = USUAL, epoch: int = 0
) -> tuple[Forest, int]:
    """Return the forest that would have been grown without some records, to the byte, and how many trees are new.

    Only the trees that drew one of them are grown again, of a single record about 1 − 1/e of all.

    Args:
        forest: grown from `records`.
        records: all of them, shape (records, features + 1).
        gone: which of them leave, indices.
        seed: that the forest was grown with.
        growth: that the forest was grown with.
        epoch: that the forest was grown with.
    """
    left = np.delete(records, gone, axis=0)
    if not len(left):
        return grow(left, seed, growth, epoch), growth.trees
    trees, new = list(forest.trees), 0
    before, after = (samples(some, seed, growth, epoch) for some in (records, left))
    for tree, (old, sample) in enumerate(zip(before, after)):
        if not sample.same(old):
            trees[tree] = _tree(sample, tree_seed(seed, epoch, tree), growth)
            new += 1
    return Forest(forest.features, tuple(trees)), new


def tree_seed(seed: bytes, epoch: int, tree: int) -> bytes:
    """Return 32 bytes that a tree's randomness follows from.

    In Solidity `sha256(abi.encodePacked(seed, epoch, tree))`, where epoch and tree are uint256.

    Args:
        seed: public randomness.
        epoch: of the forest.
        tree: its number, from 0.
    """
    return hashlib.sha256(seed + epoch.to_bytes(32, "big") + tree.to_bytes(32, "big")).digest()


def saw(records: Records, seed: bytes, growth: Growth = USUAL, epoch: int = 0) -> npt.NDArray[np.bool_]:
    """Tell which tree's bootstrap has which record, shape (trees, records).

    Args:
        records: all, shape (records, features + 1).
        seed: that the forest was grown with.
        growth: that the forest was grown with.
        epoch: that the forest was grown with.
    """
    order = _order(records)
    times = np.empty((growth.trees, len(records)), np.int64)
    times[:, order] = _draws(records[order], seed, growth, epoch)
    found: npt.NDArray[np.bool_] = times > 0
    return found


def samples(records: Records, seed: bytes, growth: Growth, epoch: int) -> Iterator[Sample]:
    """Yield what each tree learns from; a tree that drew nothing learns from all.

    Args:
        records: all, shape (records, features + 1), in any order.
        seed: public randomness.
        growth: how many trees, and whether they draw at all.
        epoch: of the forest.
    """
    ordered = records[_order(records)]
    for times in _draws(ordered, seed, growth, epoch):
        times = times if times.any() else np.ones_like(times)
        yield Sample(ordered[times > 0], times[times > 0])


def _order(records: Records) -> npt.NDArray[np.intp]:
    """Return the order of records by their numbers, the first number first."""
    return np.lexsort(records.T[::-1])


def _draws(ordered: Records, seed: bytes, growth: Growth, epoch: int) -> Counts:
    """Return how often each tree draws each record, shape (trees, records).

    Poisson's law with mean 1, to which a bootstrap of many records tends (Oza, Russell 2001), from a hash of the tree's
    seed and the record: who leaves or comes changes nobody else's draws. Of equal records each counts as another.
    """
    if not growth.bootstrap:
        return np.ones((growth.trees, len(ordered)), np.int64)
    first = np.r_[True, (ordered[1:] != ordered[:-1]).any(1)]
    place = np.arange(len(ordered))
    repeat = place - np.maximum.accumulate(np.where(first, place, 0))
    rows = [row.tobytes() for row in ordered.astype(NUMBER)]
    names = [hashlib.sha256(row + int(number).to_bytes(4, "big")).digest()[:8] for row, number in zip(rows, repeat)]
    seeds = [tree_seed(seed, epoch, tree)[:8] for tree in range(growth.trees)]
    name, key = (np.frombuffer(b"".join(some), ">u8").astype(np.uint64) for some in (names, seeds))
    return np.searchsorted(DRAWN, _mixed(name ^ key[:, None]) >> np.uint64(32), "right")


def _mixed(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return hashes of words: the last steps of SplitMix64 (Steele et al. 2014), twice."""
    for _ in range(2):
        words = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        words = (words ^ words >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        words ^= words >> np.uint64(31)
    return words


def grower(sample: Sample, key: bytes, growth: Growth) -> Any:
    """Return scikit-learn's estimator of one tree, grown.

    Args:
        sample: what it learns from.
        key: the tree's seed.
        growth: how it is grown.
    """
    from sklearn import tree

    inputs, labels = sample.records[:, :-1], sample.records[:, -1]
    if np.abs(inputs).max(initial=0) > EXACT:
        raise ValueError(f"a feature of {np.abs(inputs).max():,} is beyond ±{EXACT:,}, so float32 does not hold it")
    kind = tree.DecisionTreeClassifier if growth.votes else tree.DecisionTreeRegressor
    blank = kind(
        splitter="random" if growth.random else "best",
        max_depth=growth.depth or None,
        min_samples_leaf=growth.leaf,
        max_features=min(growth.tried or math.isqrt(inputs.shape[1]), inputs.shape[1]),
        random_state=int.from_bytes(key[8:12], "big"),
    )
    weights = sample.times.astype(np.float64)
    return blank.fit(inputs.astype(np.float32), labels.astype(np.float64)[:, None], weights, check_input=False)


def _tree(sample: Sample, key: bytes, growth: Growth) -> Tree:
    """Grow one tree; a leaf answers its most frequent label, or the mean."""
    estimator = grower(sample, key, growth)
    values = estimator.tree_.value[:, 0]
    return rounded(estimator.tree_, estimator.classes_[values.argmax(1)] if growth.votes else values[:, 0])


def rounded(grown: Any, answers: npt.NDArray[np.floating[Any]]) -> Tree:
    """Return scikit-learn's tree in whole numbers: what it compares with down, what it answers to the nearest.

    Args:
        grown: a `tree_`.
        answers: of its nodes if they are leaves, shape (nodes,).

    Raises:
        ValueError: it has too many nodes.
    """
    if grown.node_count > MAX_NODES:
        raise ValueError(f"a tree of {grown.node_count:,} nodes is too large: raise task.leaf, or take fewer records")
    leaf = grown.children_right < 0
    return node(
        np.where(leaf, LEAF, grown.feature),
        np.where(leaf, 0, grown.children_right),
        np.where(leaf, np.rint(answers), np.floor(grown.threshold)),
    )
