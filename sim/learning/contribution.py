"""Contribution: what each of several players contributes to a common result.

A cooperative game is a function of a coalition (a frozenset of players 0 … n − 1): here the quality of the model that
its members' data or updates give. Values have shape (n,), in the game's unit.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[np.float64]  # (n,)
    Points = npt.NDArray[np.floating[Any]]  # (items, features)
    Labels = npt.NDArray[np.integer[Any]]  # (items,)

Game = Callable[[frozenset[int]], float]


def leave_one_out(game: Game, n: int) -> Values:
    """Return what is lost without each player: v(N) − v(N∖i).

    Args:
        game: called n + 1 times.
        n: players.
    """
    everybody = frozenset(range(n))
    whole = game(everybody)
    return np.array([whole - game(everybody - {i}) for i in range(n)])


def shapley(game: Game, n: int) -> Values:
    """Return what each player adds to those before it, averaged over all orders. Shapley 1953.

    Args:
        game: called 2ⁿ times.
        n: players, few.
    """
    return _semivalue(game, n, [1 / (n * comb(n - 1, size)) for size in range(n)])


def banzhaf(game: Game, n: int) -> Values:
    """Return what each player adds, averaged over all coalitions. Banzhaf 1965; for data Wang and Jia 2023.

    Args:
        game: called 2ⁿ times.
        n: players, few.
    """
    return _semivalue(game, n, [0.5 ** (n - 1)] * n)


def _semivalue(game: Game, n: int, weights: list[float]) -> Values:
    """Sum weight(|S|) · (v(S ∪ i) − v(S)) over the coalitions S without i."""
    values = np.zeros(n)
    for size in range(n + 1):
        for members in combinations(range(n), size):
            coalition = frozenset(members)
            worth = game(coalition)
            for i in range(n):
                values[i] += worth * weights[size - 1] if i in coalition else -worth * weights[size]
    return values


def tmc_shapley(
    game: Game, n: int, generator: np.random.Generator, *, permutations: int = 100, tolerance: float = 0.0
) -> Values:
    """Estimate Shapley's values from random orders, each cut off when little is missing. Ghorbani and Zou 2019 (TMC).

    Args:
        game: called at most n times for each order, and twice more.
        n: players.
        generator: of the orders.
        permutations: how many orders.
        tolerance: in the game's unit: players that join when v(N) is as near as this count as adding nothing; 0 cuts
            only where nothing is missing.
    """
    whole, nothing = game(frozenset(range(n))), game(frozenset())
    values = np.zeros(n)
    for _ in range(permutations):
        before, present = nothing, frozenset[int]()
        for i in generator.permutation(n).tolist():
            if tolerance and abs(whole - before) <= tolerance:
                break
            present |= {i}
            worth = game(present)
            values[i] += worth - before
            before = worth
    return values / permutations


def sampled_banzhaf(game: Game, n: int, generator: np.random.Generator, *, coalitions: int = 1000) -> Values:
    """Estimate Banzhaf's values from random coalitions, each used for all players. Wang and Jia 2023 (MSR).

    The mean worth of the coalitions with a player, less that of those without; 0 for a player in all or in none.

    Args:
        game: called once for each coalition.
        n: players.
        generator: of the coalitions.
        coalitions: how many of them.
    """
    present = generator.random((coalitions, n)) < 0.5
    worth = np.array([game(frozenset(np.flatnonzero(row).tolist())) for row in present])
    counts = present.sum(axis=0)
    inside = worth @ present / np.maximum(counts, 1)
    outside = worth @ ~present / np.maximum(coalitions - counts, 1)
    return np.where((counts > 0) & (counts < coalitions), inside - outside, 0.0)


def knn_shapley(points: Points, labels: Labels, test_points: Points, test_labels: Labels, k: int) -> Values:
    """Return Shapley's value of each training item for a k-nearest-neighbours classifier, exactly. Jia et al. 2019.

    The game is the mean over test items of the share of the k nearest in the coalition whose label is right (of fewer
    than k, over k). From the furthest item to the nearest: s_n = 1[y_n = y]/max(k, n), and
    s_i = s_{i+1} + (1[y_i = y] − 1[y_{i+1} = y])/max(k, i).

    Args:
        points: training items, shape (n, features).
        labels: theirs, shape (n,).
        test_points: shape (m, features).
        test_labels: shape (m,).
        k: neighbours that vote.
    """
    n = len(points)
    ranks = np.maximum(k, np.arange(1, n + 1))
    values = np.zeros(n)
    for point, label in zip(test_points, test_labels):
        order = np.argsort(((points - point) ** 2).sum(axis=1), kind="stable")
        right = (labels[order] == label).astype(np.float64)
        steps = (right - np.append(right[1:], 0.0)) / ranks
        values[order] += np.cumsum(steps[::-1])[::-1]
    return values / len(test_points)


def knn_shapley_regression(points: Points, labels: Values, test_points: Points, test_labels: Values, k: int) -> Values:
    """Return Shapley's value of each training item for the mean of k nearest neighbours, exactly. Jia et al. 2019.

    The game is minus the squared error, averaged over test items; where a coalition has fewer than k, the mean of all
    labels stands in for each that is missing. With labels and truth t from that mean, from the furthest item to the
    nearest: s_i − s_{i+1} = (y_{i+1} − y_i)/k · ((y_i + y_{i+1})/k − 2t) · P(i) + 2(y_{i+1} − y_i)/k² ·
    Σ_l y_l P(l, i), where P(i) = min(k, i)/i is the chance that fewer than k of a random coalition are nearer than i,
    and P(l, i) the chance that l is in it too and answers beside i.

    Args:
        points: training items, shape (n, features).
        labels: theirs, shape (n,).
        test_points: shape (m, features).
        test_labels: shape (m,).
        k: neighbours whose mean is the answer.
    """
    n, middle = len(points), labels.mean() if len(points) else 0.0
    place = np.arange(1, n + 1)
    least = np.minimum(k, place)
    nearer = least * (least - 1) / (2 * place * np.maximum(place - 1, 1))  # P(l, i) for l < i
    further = np.minimum(k - 1, place - 2) * (np.minimum(k - 1, place - 2) + 1)  # and for l > i + 1, which is the same
    further = np.where(place > 2, further / np.maximum(2 * (place - 1) * (place - 2), 1), 0.0)  # for all i
    values = np.zeros(n)
    for point, label in zip(test_points, test_labels):
        order = np.argsort(((points - point) ** 2).sum(axis=1), kind="stable")
        y, t = labels[order] - middle, label - middle
        before = np.cumsum(y) - y
        after = np.append(np.cumsum((y * further)[::-1])[::-1], [0.0, 0.0])[2:]
        last = -y[-1] / k * ((y[-1] / k - 2 * t) * least[-1] / n + 2 / k * nearer[-1] * before[-1])
        step = (y[1:] - y[:-1]) / k
        both = (y[1:] + y[:-1]) / k - 2 * t
        steps = step * (both * (least / place)[:-1] + 2 / k * (nearer * before + after)[:-1])
        values[order] += last + np.append(np.cumsum(steps[::-1])[::-1], 0.0)
    return values / len(test_points)
