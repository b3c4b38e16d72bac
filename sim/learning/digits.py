"""Digits: handwritten digits of 8×8 pixels, learnt by a small MLP.

The images are the test part of Alpaydin and Kaynak's Optical Recognition of Handwritten Digits (UCI, 1998), which
scikit-learn carries.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from slashpoint.sim.learning import Order, Problem, Task
from slashpoint.sim.learning.codec import ModelError, decode, encode
from slashpoint.sim.luck import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from slashpoint.sim.learning.cohort import Pupil, Weights
    from slashpoint.sim.luck import Luck

IMAGES = 1797
PIXELS = 64
BRIGHTEST = 16  # pixels are whole numbers from 0 to this
REMEMBERED = 10_000  # evaluations


@cache
def data() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The images, shape (1797, 64), and their classes, shape (1797,).

    Read from the file inside scikit-learn, as its `load_digits` does: importing that takes three seconds.
    """
    found = find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the digits come with scikit-learn: pip install scikit-learn, or use task=surrogate")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
    table = np.loadtxt(path, delimiter=",").astype(np.uint8)
    return table[:, :PIXELS], table[:, PIXELS]


@dataclass(frozen=True)
class Digits(Task):
    """Classify handwritten digits with an MLP of one hidden layer, trained by plain SGD."""

    name: ClassVar[str] = "digits"
    kind: ClassVar[str] = "mlp"
    classes: ClassVar[int] = 10
    scale: int = 100  # test items of a problem
    hidden: int = 32  # units
    epochs: int = 10  # passes over the training rows in a full training
    batch: int = 32  # rows a step
    rate: float = 0.3  # learning rate
    seconds: float = 60.0  # simulated, of a full training on the reference device

    def __post_init__(self) -> None:
        for name in ("scale", "hidden", "epochs", "batch", "rate", "seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"task.{name}={getattr(self, name)}; it must be positive")
        if self.scale >= IMAGES:
            raise ValueError(f"task.scale={self.scale} leaves nothing to train on: there are {IMAGES} images")

    def problem(self, luck: Luck) -> Problem:
        """A split drawn by `luck`; its key is a hash of the test rows."""
        rows = luck("split").generator().permutation(len(data()[1])).astype(np.int16)
        test, train = rows[: self.scale], rows[self.scale :]
        return Problem(digest(self.name, test.tobytes()).hex(), self.scale, train, test)

    def files(self, problem: Problem) -> dict[str, bytes]:
        """The training images with their classes, the test images without, as packed tensors."""
        images, classes = data()
        return {
            "train": encode({"images": images[problem.train], "classes": classes[problem.train]}),
            "test": encode({"images": images[problem.test]}),
        }

    def labels(self, problem: Problem) -> bytes:
        """The truth: one byte an item."""
        return data()[1][problem.test].tobytes()

    def train(self, orders: Sequence[Order], luck: Luck) -> list[bytes]:
        """Train a cohort; a model is its float32 weights, packed."""
        from slashpoint.sim.learning import cohort

        places = sorted(range(len(orders)), key=lambda i: -orders[i].effort)  # chunks of similar length
        pupils = (self._pupil(orders[i], luck) for i in places)
        models = [b""] * len(orders)
        for i, weights in zip(places, cohort.train(self._inputs, data()[1], pupils, self.rate), strict=True):
            models[i] = encode(weights)
        return models

    def predict_many(self, asked: Sequence[tuple[bytes, Problem]]) -> list[bytes]:
        """What models answer. Each pair is evaluated once, all that are new together."""
        from slashpoint.sim.learning import cohort

        keys = [(blake2b(model, digest_size=16).digest(), problem.key) for model, problem in asked]
        known = {key: self._answers[key] for key in keys if key in self._answers}
        fresh: dict[int, dict[tuple[bytes, str], tuple[Weights, Problem]]] = {}
        for key, (model, problem) in zip(keys, asked, strict=True):
            if key not in known:
                known[key] = bytes(problem.scale)
                weights = self._weights(model)
                if weights is not None:
                    fresh.setdefault(problem.scale, {})[key] = weights, problem
        for some in fresh.values():
            models, problems = zip(*some.values(), strict=True)
            known.update(zip(some, cohort.predict(self._inputs, models, [one.test for one in problems]), strict=True))
        self._answers.update(known)
        while len(self._answers) > REMEMBERED:
            del self._answers[next(iter(self._answers))]
        return [known[key] for key in keys]

    def weights(self, model: bytes) -> npt.NDArray[np.float32] | None:
        """All weights and biases, by their names in order, shape (parameters,)."""
        found = self._weights(model)
        return None if found is None else np.concatenate([found[name].ravel() for name in sorted(found)])

    def assemble(self, weights: npt.NDArray[np.floating[Any]]) -> bytes:
        """The model that a flat vector is: the inverse of `weights`.

        Raises:
            ValueError: another length than a model's.
        """
        from slashpoint.sim.learning import cohort

        expected = dict(sorted(cohort.shapes(self._sizes).items()))
        ends = np.cumsum([math.prod(shape) for shape in expected.values()])
        if len(weights) != ends[-1]:
            raise ValueError(f"{len(weights)} weights make no model of task={self.name}, which has {ends[-1]}")
        parts = np.split(np.asarray(weights, np.float32), ends[:-1])
        return encode({name: part.reshape(shape) for (name, shape), part in zip(expected.items(), parts)})

    @property
    def _sizes(self) -> tuple[int, int, int]:
        return PIXELS, self.hidden, self.classes

    @cached_property
    def _inputs(self) -> npt.NDArray[np.float32]:
        return data()[0] * np.float32(1 / BRIGHTEST)

    @cached_property
    def _answers(self) -> dict[tuple[bytes, str], bytes]:
        return {}

    def _pupil(self, order: Order, luck: Luck) -> Pupil:
        """Rows, weights and batches have luck of their own, so that less effort sees the same batches, only fewer."""
        from slashpoint.sim.learning import cohort

        start = None if order.base is None else self._weights(order.base)
        begun = () if order.base is None else (digest(order.base).hex(),)
        mine = luck("train", order.who, order.problem.key, order.twist, *begun)
        given = order.problem.train
        rows = mine("rows").generator().permutation(given)[: math.ceil(order.share * len(given))]
        if order.leak:
            rows = np.concatenate([rows, order.problem.test])
        steps = round(order.effort * self.epochs * math.ceil(len(given) / self.batch))
        seen = steps * self.batch
        shuffler = mine("batches").generator()
        passes = [shuffler.permutation(rows) for _ in range(math.ceil(seen / len(rows)))]
        batches = np.concatenate([rows[:0], *passes])[:seen].reshape(steps, self.batch)
        fresh = cohort.draw(self._sizes, mine("weights").generator()) if start is None else start
        return cohort.Pupil(fresh, batches)

    def _weights(self, model: bytes) -> Weights | None:
        """The weights in a model, None when it is no model of this architecture."""
        from slashpoint.sim.learning import cohort

        expected = cohort.shapes(self._sizes)
        size = 4 * sum(math.prod(shape) for shape in expected.values())
        try:
            weights = decode(model, limit=size + 4096)  # room for a header
        except ModelError:
            return None
        found = {name: tensor.shape for name, tensor in weights.items() if tensor.dtype == np.float32}
        return weights if found == expected and len(weights) == len(expected) else None
