"""Learning: tasks whose models are really trained, or stood in for by a surrogate that says so.

Importing this is cheap: what a task needs (torch, data) loads when it is first used.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from slashpoint.sim.domain import check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from slashpoint.sim.learning.poison import Poison
    from slashpoint.sim.luck import Luck

    Rows = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Problem:
    """One commission: a random split of a task's data. Equal when the keys are."""

    key: str  # 16 hex digits, from the task's name and the split itself
    scale: int  # test items
    train: Rows = field(repr=False, compare=False)  # rows of the task's data, shape (n,)
    test: Rows = field(repr=False, compare=False)  # shape (scale,)
    pool: str = field(default="", repr=False, compare=False)  # key of the problem whose rows were split anew, if any


@dataclass(frozen=True)
class Order:
    """One training to be done. The same order gives the same model, bit for bit, whoever else trains."""

    who: str  # the person whose luck it is
    problem: Problem
    effort: float = 1.0  # share of the full training's steps
    share: float = 1.0  # share of the training rows that are used
    twist: str = ""  # more of the luck's key, for deliberate variations
    leak: bool = False  # trains on the test rows too, with their true labels
    base: bytes | None = field(default=None, repr=False)  # the model that it starts from; None for fresh weights
    poison: Poison | None = None  # what it does to its rows first

    def __post_init__(self) -> None:
        if not (self.effort >= 0 and math.isfinite(self.effort)):
            raise ValueError(f"{self.who} orders a training with effort={self.effort}; 1 is full, 0 is none")
        if self.poison is not None and not 0 < self.poison.share <= 1:
            raise ValueError(f"{self.who} spoils share={self.poison.share} of its rows; it lies in (0, 1]")
        if not 0 < self.share <= 1:
            raise ValueError(f"{self.who} orders a training with share={self.share} of the rows; it lies in (0, 1]")


class Task(ABC):
    """Something to be learnt: where the data come from, how a model is trained, what a model answers.

    Tasks are values: two of the same class with the same parameters are equal and hash alike.
    """

    name: ClassVar[str]
    unit: ClassVar[str] = "correct"  # of scores: the count of test items that are right
    classes: ClassVar[int]
    scale: int  # test items of a problem
    seconds: float  # simulated, of a full training on the reference device

    def __post_init__(self) -> None:
        check(self, "task")

    @property
    @abstractmethod
    def kind(self) -> str:
        """What a model is: "mlp", "surrogate"."""

    @property
    def note(self) -> str:
        """What an honest report must say of every result; empty where there is nothing."""
        return ""

    @property
    def reads(self) -> Mapping[str, Sequence[Path]]:
        """The files that each parameter stands for, by its name: what they hold counts, not where they lie."""
        return {}

    def ready(self) -> None:  # noqa: B027 - most read no files
        """Refuse files that hold something else than they should, with ValueError, before there is a world."""

    @abstractmethod
    def problem(self, luck: Luck) -> Problem:
        """A split drawn by `luck`, which should belong to the job."""

    @abstractmethod
    def files(self, problem: Problem) -> dict[str, bytes]:
        """What a requester publishes: "train" (with labels), "test" and "all" (without)."""

    @abstractmethod
    def labels(self, problem: Problem) -> bytes:
        """The truth: the class of each test item, one byte an item."""

    @abstractmethod
    def pool(self, problem: Problem) -> bytes:
        """The classes of all rows of a problem, test or not, one byte a row."""

    @abstractmethod
    def resplit(self, problem: Problem, test: Sequence[int]) -> Problem:
        """The same rows split anew: `test` says which of those in `pool` are the test items now."""

    @abstractmethod
    def train(self, orders: Sequence[Order], luck: Luck) -> list[bytes]:
        """Train models, all together; each depends on its own order and `luck` alone.

        Args:
            orders: what to train.
            luck: of the learning as a whole; each order's own is keyed by person, problem and twist below it.
        """

    def duration(self, order: Order) -> float:
        """Simulated seconds that a training takes on the reference device."""
        return self.seconds * order.effort * order.share

    def shards(self, problem: Problem, count: int, alpha: float, luck: Luck) -> list[Problem]:
        """A problem's training rows split among `count` people who never share them.

        Args:
            problem: what is split; all shards are parts of it.
            count: how many people.
            alpha: of the Dirichlet distribution that each class is split by (Hsu et al. 2019); inf is an even split.
            luck: of the split, which should belong to the job.

        Returns:
            For each person a problem of its own: it trains on most of its rows and tests on the rest.
        """
        raise NotImplementedError(f"task={self.name} has no rows to split: choose one that is really trained")

    def weights(self, model: bytes) -> npt.NDArray[np.float32] | None:
        """A model as one flat vector, None for bytes that are no model of this task."""
        raise NotImplementedError(f"task={self.name} has no weights: choose one that is really trained")

    def assemble(self, weights: npt.NDArray[np.floating[Any]]) -> bytes:
        """The model that a flat vector is: the inverse of `weights`."""
        raise NotImplementedError(f"task={self.name} has no weights: choose one that is really trained")

    @abstractmethod
    def predict_many(self, asked: Sequence[tuple[bytes, Problem]]) -> list[bytes]:
        """What models answer, each to the test items of its problem: one byte an item.

        Bytes that are no model of this task answer class 0 to everything: junk on chain is data, not an error.
        """

    def fooled(self, model: bytes, problem: Problem, backdoor: Poison) -> float:
        """The share of the test items of other classes that a model takes for the target once they are marked."""
        raise NotImplementedError(f"task={self.name} has no items to mark: choose one that is really trained")

    def predict(self, model: bytes, problem: Problem) -> bytes:
        """What one model answers: see `predict_many`."""
        return self.predict_many([(model, problem)])[0]


def correct(predictions: bytes, labels: bytes) -> int:
    """How many items two byte strings agree on; a missing item agrees with nothing."""
    return sum(map(int.__eq__, predictions, labels))


class Measured(int):
    """A count of right answers with the answers themselves, which whoever only heard of the count cannot show."""

    answers: bytes  # one byte a test item

    def __new__(cls, answers: bytes, labels: bytes) -> Self:
        """The count of those of `answers` that `labels` bear out."""
        measured = super().__new__(cls, correct(answers, labels))
        measured.answers = answers
        return measured
