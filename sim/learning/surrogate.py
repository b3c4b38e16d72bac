"""The surrogate: a formula that stands in for training on digits, for worlds of 10^5 agents and for fast runs.

The share of right answers is a function of effort and share of the data, fitted to `Digits` and checked by a test. The
surrogate has labels and predictions, so that contracts work as with real models: each item has a difficulty, which all
models of a problem share, and a model fails where the difficulty exceeds its ability. Only integers and exactly rounded
operations decide, so results are the same on every machine.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from slashpoint.sim.domain import Within
from slashpoint.sim.learning import Order, Problem, Task
from slashpoint.sim.luck import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from slashpoint.sim.luck import Luck

    Words = npt.NDArray[np.uint64]

CHANCE = 0.1  # accuracy before training
BEST = 0.972  # accuracy after endless training
QUICK = 0.68  # part of what is learnt that comes quickly, as effort² / (effort² + HALF_QUICK²)
HALF_QUICK = 0.041  # effort
HALF_SLOW = 0.0245  # effort; the rest comes as effort / (effort + HALF_SLOW)
SCARCITY = 0.0056  # how much few rows hurt: 1 / (1 + SCARCITY · (1 / share − 1))
MEMORY = 0.8  # how far having trained on the test rows cuts the errors there: MEMORY · effort / (1 + effort)
ROWS = 10  # rows of a problem for each of its test items, where somebody asks for all of them
SPREAD = 0.25  # between people: standard deviation of effort's worth, relative
COMMON = 0.8  # chance that a model meets an item's common difficulty and not one of its own

_MODEL = struct.Struct(">8sQII8s")  # magic, luck, ability, ability where it leaked, the problem that leaked
_MAGIC = b"surrogat"
_UNIT = 2**32  # an ability is a share of this
_STEP = np.uint64(0x9E3779B97F4A7C15)  # splitmix64 (Steele et al. 2014)


def accuracy(effort: float, share: float = 1.0, leak: bool = False) -> float:
    """Return the expected accuracy of a model, averaged over luck.

    Within 0.03 of digits for effort or share from 0.05 up; with both near 0.05 it is 0.07 too high.

    Args:
        effort: share of a full training's steps, may be above 1.
        share: of the training rows, in (0, 1].
        leak: whether it trained on the test rows too.
    """
    quick = effort * effort / (effort * effort + HALF_QUICK * HALF_QUICK)
    learnt = QUICK * quick + (1 - QUICK) * effort / (effort + HALF_SLOW)
    right = CHANCE + (BEST - CHANCE) * learnt / (1 + SCARCITY * (1 / share - 1))
    return right + (1 - right) * MEMORY * effort / (1 + effort) if leak else right


@dataclass(frozen=True)
class Surrogate(Task):
    """Pretend to learn digits: labels and mistakes are drawn by luck, nothing is trained."""

    name: ClassVar[str] = "surrogate"
    kind: ClassVar[str] = "surrogate"
    classes: ClassVar[int] = 10
    note: ClassVar[str] = "nothing was trained: accuracy comes from a formula fitted to digits"
    scale: Annotated[int, Within(1, 10**6)] = 100  # test items of a problem
    seconds: Annotated[float, Within(0, 10**9, "low")] = 60.0  # simulated, of a full training on the reference device

    def problem(self, luck: Luck) -> Problem:
        """Draw a set of items by `luck`; there are no training rows."""
        key = digest(self.name, self.scale, luck("split").integer()).hex()
        return Problem(key, self.scale, np.empty(0, np.int16), np.arange(self.scale, dtype=np.int32))

    def files(self, problem: Problem) -> dict[str, bytes]:
        """Return placeholders, distinct for each problem."""
        return {part: f"{self.name} {part} {problem.key}".encode() for part in ("train", "test", "all")}

    def labels(self, problem: Problem) -> bytes:
        """Return the true classes, one byte an item."""
        return _asked(problem)[0].tobytes()

    def pool(self, problem: Problem) -> bytes:
        """Return the true classes of ROWS times as many items as a test has, the test's first."""
        return _items(problem.pool or problem.key, ROWS * self.scale)[0].tobytes()

    def resplit(self, problem: Problem, test: Sequence[int]) -> Problem:
        """Choose other items of the pool: see `Task.resplit`."""
        rows, pool = np.asarray(test, np.int32), problem.pool or problem.key
        return Problem(digest(pool, rows.tobytes()).hex(), self.scale, problem.train, rows, pool)

    def train(self, orders: Sequence[Order], luck: Luck) -> list[bytes]:
        """Make models of 32 bytes: abilities, and the luck that decides where they fail."""
        self._needs_no_records(orders)
        return [_model(order, order.luck(luck)) for order in orders]

    def predict_many(self, asked: Sequence[tuple[bytes, Problem]]) -> list[bytes]:
        """Return what models answer: the truth where their ability suffices, elsewhere a wrong class drawn by luck."""
        answers = [bytes(problem.scale) for _, problem in asked]
        places: dict[int, list[int]] = {}
        for place, (model, problem) in enumerate(asked):
            if len(model) == _MODEL.size and model.startswith(_MAGIC):
                places.setdefault(problem.scale, []).append(place)
        for some in places.values():
            for place, answer in zip(some, _answers([asked[place] for place in some]), strict=True):
                answers[place] = answer.tobytes()
        return answers


def _model(order: Order, luck: Luck) -> bytes:
    """Make the model of an order: luck makes effort worth more or less, and seeds the mistakes."""
    draw = luck.bytes(24)
    quarters = sum(struct.unpack(">4I", draw[8:]))  # four uniform draws: their sum is nearly normal, its variance 4/12
    flipped = order.poison.share if order.poison is not None and order.poison.target is None else 0.0
    effort = order.effort * max(0.0, 1 - 2 * flipped)  # a flipped row undoes a sound one
    worth = max(0.0, effort * (1 + SPREAD * math.sqrt(3) * (quarters / _UNIT - 2)))
    able, leaked = (min(_UNIT - 1, int(accuracy(worth, order.share, leak) * _UNIT)) for leak in (False, order.leak))
    return _MODEL.pack(_MAGIC, int.from_bytes(draw[:8], "big"), able, leaked, bytes.fromhex(order.problem.key))


@lru_cache(maxsize=1024)
def _items(key: str, scale: int) -> tuple[npt.NDArray[np.uint8], Words, npt.NDArray[np.uint8]]:
    """Return, for a problem's items, labels, common difficulties, and which wrong class is the common mistake."""
    words = _mix(_counted(np.uint64(int(key, 16)), scale))
    return (
        (words % np.uint64(Surrogate.classes)).astype(np.uint8),
        words >> np.uint64(32),
        _mistake(_mix(words)),
    )


def _asked(problem: Problem) -> tuple[npt.NDArray[np.uint8], Words, npt.NDArray[np.uint8]]:
    """Return what `_items` returns, for a problem's test items."""
    if not problem.pool:
        return _items(problem.key, problem.scale)
    labels, difficulty, mistake = _items(problem.pool, ROWS * problem.scale)
    return labels[problem.test], difficulty[problem.test], mistake[problem.test]


def _answers(asked: Sequence[tuple[bytes, Problem]]) -> npt.NDArray[np.uint8]:
    """Return the answers of genuine models to problems of one scale: shape (models, items)."""
    scale = asked[0][1].scale
    models = [_MODEL.unpack(model) for model, _ in asked]
    keys = [bytes.fromhex(problem.key) for _, problem in asked]
    able = np.array(
        [leaked if key == leak else able for key, (_, _, able, leaked, leak) in zip(keys, models)], np.uint64
    )
    seeds = np.array([luck ^ int.from_bytes(key, "big") for key, (_, luck, *_) in zip(keys, models)], np.uint64)
    labels, difficulty, mistake = (
        np.stack(column) for column in zip(*(_asked(problem) for _, problem in asked), strict=True)
    )
    own = _mix(_counted(_mix(seeds)[:, None], scale))
    alone = (own & np.uint64(0xFFFF)) >= np.uint64(int(COMMON * 0x10000))
    difficulty = np.where(alone, own >> np.uint64(32), difficulty)
    mistake = np.where(alone, _mistake(own >> np.uint64(16) & np.uint64(0xFFFF)), mistake)
    wrong = difficulty >= able[:, None]
    return np.where(wrong, (labels + mistake) % np.uint8(Surrogate.classes), labels)


def _counted(seed: Any, scale: int) -> Words:
    """Return the states of a splitmix64 sequence from each seed."""
    counted: Words = seed + _STEP * np.arange(1, scale + 1, dtype=np.uint64)
    return counted


def _mix(words: Words) -> Words:
    """Apply the output function of splitmix64, with overflow."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _mistake(words: Words) -> npt.NDArray[np.uint8]:
    """Return how far a wrong answer is from the truth: 1 … classes − 1."""
    return (words % np.uint64(Surrogate.classes - 1)).astype(np.uint8) + np.uint8(1)
