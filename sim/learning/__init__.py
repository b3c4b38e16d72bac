"""Learning: tasks whose models are really trained, or replaced by a surrogate, which every result then says.

Importing this is cheap: what a task needs (torch, data) loads when it is first used.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

from slashpoint.sim.domain import check
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from slashpoint.sim.learning.poison import Poison
    from slashpoint.sim.learning.records import Format

    Rows = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Problem:
    """One commission: a random split of a task's data. Equal when the keys are."""

    key: str  # 16 hex digits, from the task's name and the split itself
    scale: int  # test items
    train: Rows = field(repr=False, compare=False)  # rows of the task's data, shape (n,)
    test: Rows = field(repr=False, compare=False)  # shape (scale,)
    pool: str = field(default="", repr=False, compare=False)  # key of the problem whose rows were split anew, if any
    seed: bytes = b""  # public randomness, instead of the person's: whoever trains gets the same, bit for bit
    records: bytes | None = field(default=None, repr=False)  # packed rows to train on instead of `train`: others' data
    product: Literal["model", "records"] = "model"  # "records": a training hands out its rows, after its poison
    algorithm: str = ""  # instead of the task's own, by its name, where a task knows several


@dataclass(frozen=True)
class Order:
    """One training to be done. The same order gives the same model, bit for bit, whoever else trains."""

    who: str  # the person whose luck it is; "" for public randomness, where everybody must get the same
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

    def luck(self, training: Luck) -> Luck:
        """Return the luck of this one: by the problem's public randomness where there is any, else the person's."""
        if self.problem.seed:
            return Luck("train", self.problem.seed.hex(), self.twist)
        return training("train", self.who, self.problem.key, self.twist)

    def seed(self, training: Luck) -> bytes:
        """Return the bytes that everything random follows from, for what is seeded by bytes.

        Public randomness itself, so that who knows it needs nothing of this program to repeat a training; with a twist
        the SHA-256 of both. Else 32 bytes of the person's luck.
        """
        if not self.problem.seed:
            return self.luck(training).bytes(32)
        return sha256(self.problem.seed + self.twist.encode()).digest() if self.twist else self.problem.seed


class Errors(NamedTuple):
    """How far a model's answers are from the truth, in the label's own unit."""

    rmse: float  # root of the mean squared error
    mae: float  # mean absolute error
    r2: float  # share of the variance that is explained; 0 for the mean, negative for worse


class Task(ABC):
    """Something to be learnt: where the data come from, how a model is trained, what a model answers.

    Tasks are values: two of the same class with the same parameters are equal and have the same hash.
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
        """Name what a model is: "mlp", "surrogate"."""

    @property
    def note(self) -> str:
        """Return what a report must say beside every result; empty if there is nothing."""
        return ""

    @property
    def reads(self) -> Mapping[str, Sequence[Path]]:
        """Return the files that each parameter stands for, by its name; they count by content, not by path."""
        return {}

    def ready(self) -> None:  # noqa: B027 - most read no files
        """Read the task's files and raise ValueError if their content is wrong, before there is a world."""

    @abstractmethod
    def problem(self, luck: Luck) -> Problem:
        """Draw a random split of the data by `luck`, which should belong to the job."""

    @abstractmethod
    def files(self, problem: Problem) -> dict[str, bytes]:
        """Return what a requester publishes: "train" (with labels), "test" and "all" (without labels)."""

    @abstractmethod
    def labels(self, problem: Problem) -> bytes:
        """Return the true class of each test item, one byte an item."""

    @abstractmethod
    def pool(self, problem: Problem) -> bytes:
        """Return the classes of all rows of a problem, test rows or not, one byte a row."""

    @abstractmethod
    def resplit(self, problem: Problem, test: Sequence[int]) -> Problem:
        """Split the same rows again.

        Args:
            problem: whose rows are split.
            test: indices into `pool(problem)` of the rows that are the test items now, shape (scale,).
        """

    @abstractmethod
    def train(self, orders: Sequence[Order], luck: Luck) -> list[bytes]:
        """Train models, all together; each depends only on its own order and `luck`.

        Args:
            orders: what to train.
            luck: of all training in the world; each order's own is keyed by person, problem and twist below it.

        Returns:
            One model for each order, as bytes.
        """

    @property
    def format(self) -> Format | None:
        """Return how a record of the data is packed, where rows are handed over one by one; None if they are not."""
        return None

    def _needs_no_records(self, orders: Sequence[Order]) -> None:
        """Refuse orders that are about records.

        Raises:
            ValueError: there is one.
        """
        if any(order.problem.records is not None or order.problem.product != "model" for order in orders):
            raise ValueError(f"task={self.name} has no records to hand over: choose task=diabetes")

    def duration(self, order: Order) -> float:
        """Return the simulated seconds that a training takes on the reference device."""
        return self.seconds * order.effort * order.share

    def shards(self, problem: Problem, count: int, alpha: float, luck: Luck) -> list[Problem]:
        """Split a problem's training rows among `count` people who never share them.

        Args:
            problem: what is split; all shards are parts of it.
            count: how many people.
            alpha: of the Dirichlet distribution that each class is split by (Hsu et al. 2019); inf is an even split.
            luck: of the split, which should belong to the job.

        Returns:
            For each person a problem of its own: it trains on most of its rows and tests on the rest.
        """
        raise NotImplementedError(f"task={self.name} has no rows to split: choose one that is really trained")

    def inputs_of(self, problem: Problem, part: str = "train") -> npt.NDArray[np.float32]:
        """Return the inputs of a problem's rows, without labels, as a model reads them: shape (rows, inputs).

        Args:
            problem: whose rows.
            part: "train" or "test".
        """
        raise NotImplementedError(f"task={self.name} has no rows: choose one that is really trained")

    def losses(self, model: bytes, problem: Problem, part: str = "train") -> npt.NDArray[np.float64]:
        """Return how wrong a model is on each row, shape (rows,): the cross-entropy, or for numbers the squared error.

        Args:
            model: as bytes; what is no model is as wrong on every row.
            problem: whose rows.
            part: "train" or "test".
        """
        raise NotImplementedError(f"task={self.name} has no rows: choose one that is really trained")

    def errors(self, model: bytes, problem: Problem) -> Errors:
        """Return how far a model's answers to a problem's test items are from the truth, where the answers are numbers.

        Args:
            model: as bytes; what is no model answers 0.
            problem: whose test items are asked about.
        """
        raise NotImplementedError(f"task={self.name} learns classes: choose one that learns numbers, such as diabetes")

    def weights(self, model: bytes) -> npt.NDArray[np.float32] | None:
        """Unpack a model into one flat vector, shape (parameters,); None for bytes that are no model of this task."""
        raise NotImplementedError(f"task={self.name} has no weights: choose one that is really trained")

    def assemble(self, weights: npt.NDArray[np.floating[Any]]) -> bytes:
        """Pack a flat vector into a model: the inverse of `weights`."""
        raise NotImplementedError(f"task={self.name} has no weights: choose one that is really trained")

    @abstractmethod
    def predict_many(self, asked: Sequence[tuple[bytes, Problem]]) -> list[bytes]:
        """Return what models answer, each to the test items of its problem: one byte an item.

        Bytes that are no model of this task answer class 0 to everything: junk on chain is data, not an error.

        Args:
            asked: pairs of a model, as bytes, and the problem whose test items it answers.
        """

    def fooled(self, model: bytes, problem: Problem, backdoor: Poison) -> float:
        """Return the share of marked test items of other classes that a model assigns to the backdoor's class.

        Args:
            model: as bytes.
            problem: whose test items are marked.
            backdoor: the mark and the class.
        """
        raise NotImplementedError(f"task={self.name} has no items to mark: choose one that is really trained")

    def predict(self, model: bytes, problem: Problem) -> bytes:
        """Return what one model answers to a problem's test items, one byte an item: see `predict_many`."""
        return self.predict_many([(model, problem)])[0]


def correct(predictions: bytes, labels: bytes) -> int:
    """Count the items on which two byte strings agree; a missing item agrees with nothing."""
    return sum(map(int.__eq__, predictions, labels))


class Measured(int):
    """A count of right answers together with the answers, which somebody who only heard the count cannot show."""

    answers: bytes  # one byte a test item

    def __new__(cls, answers: bytes, labels: bytes) -> Self:
        """Count the right ones of `answers`, by `labels`; both have one byte a test item."""
        measured = super().__new__(cls, correct(answers, labels))
        measured.answers = answers
        return measured
