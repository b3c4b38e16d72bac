"""Diabetes: ten measurements of 442 patients, and how far their disease went in a year.

The data of Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression (2004), as scikit-learn carries them, not
normalised. The quantity is a number from 25 to 346; an answer is its band, one of `bands` that have equally many of the
442 patients, and is right where it is the true one. `errors` measures the number itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from slashpoint.sim.domain import Within
from slashpoint.sim.learning import Errors
from slashpoint.sim.learning.codec import encode
from slashpoint.sim.learning.estimators import Estimator, constant, estimator, names
from slashpoint.sim.learning.growing import Growth
from slashpoint.sim.learning.poison import Poison
from slashpoint.sim.learning.records import SCALE, Field, Format
from slashpoint.sim.learning.tabular import Tabular, share_of
from slashpoint.sim.luck import Luck

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from slashpoint.sim.learning import Order, Problem
    from slashpoint.sim.learning.records import Records

PATIENTS = 442
FORMAT = Format(
    (
        Field("age", 0, 120),  # years
        Field("sex", 1, 2),
        Field("bmi", 10, 80),  # kg/m²
        Field("bp", 30, 250),  # mean blood pressure, mmHg
        Field("s1", 30, 600),  # total serum cholesterol, mg/dl
        Field("s2", 5, 500),  # low-density lipoproteins, mg/dl
        Field("s3", 5, 200),  # high-density lipoproteins, mg/dl
        Field("s4", 1, 30),  # total cholesterol / HDL
        Field("s5", 1, 10),  # possibly the logarithm of serum triglycerides
        Field("s6", 20, 600),  # blood sugar, mg/dl
    ),
    Field("target", 25, 346),  # progression of the disease in one year
)


@cache
def data() -> Records:
    """Return all records, shape (442, 11).

    Read from the files inside scikit-learn, as its `load_diabetes` does: importing that takes three seconds.
    """
    found = find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("diabetes comes with scikit-learn: pip install scikit-learn, or use task=surrogate")
    folder = Path(found.submodule_search_locations[0]) / "datasets" / "data"
    inputs, target = np.loadtxt(folder / "diabetes_data_raw.csv.gz"), np.loadtxt(folder / "diabetes_target.csv.gz")
    return np.rint(np.column_stack([inputs, target]) * SCALE).astype(np.int32)


@dataclass(frozen=True)
class Diabetes(Tabular):
    """Foretell the progression of diabetes from ten measurements."""

    name: ClassVar[str] = "diabetes"
    scale: Annotated[int, Within(1, PATIENTS - 1)] = 100  # test items of a problem
    model: str = "forest"  # the algorithm: forest, linear, ridge, lasso, knn, … (docs/learning.md has all)
    bands: Annotated[int, Within(2, 20)] = 2  # of the label; an answer is right in the true one
    trees: Annotated[int, Within(1, 1000)] = 100  # of a forest
    depth: Annotated[int, Within(0, 1000)] = 0  # comparisons from a tree's root to a leaf, at most; 0 for no limit
    leaf: Annotated[int, Within(1, 10**6)] = 5  # records in a leaf, at least
    seconds: Annotated[float, Within(0, 10**9, "low")] = 60.0  # simulated, of a full training on the reference device

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            self.estimator  # noqa: B018 - refuses a name that it does not know
        except ValueError as error:
            raise ValueError(f"task.{error}") from error

    @property
    def classes(self) -> int:  # type: ignore[override]
        """Return how many bands there are."""
        return self.bands

    @property
    def kind(self) -> str:
        """Return the algorithm's name."""
        return self.model

    @property
    def format(self) -> Format:
        """Return how a record is packed."""
        return FORMAT

    @cached_property
    def edges(self) -> tuple[int, ...]:
        """The labels between two bands: the quantiles of all patients' labels, in units of 1/SCALE."""
        return tuple(np.quantile(data()[:, -1], np.arange(1, self.bands) / self.bands).astype(int).tolist())

    @cached_property
    def middles(self) -> npt.NDArray[np.int64]:
        """The mean label of each band, in units of 1/SCALE, shape (bands,)."""
        _, means = self.estimator.bands(data())
        return means

    @cached_property
    def table(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
        """The features in units of 1/SCALE, shape (442, 10), and the bands of the labels, shape (442,)."""
        return data()[:, :-1], self.band(data()[:, -1])

    @cached_property
    def inputs(self) -> npt.NDArray[np.float32]:
        """The features with mean 0 and variance 1 over all patients, shape (442, 10)."""
        return self.standard(self.table[0])

    def standard(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float32]:
        """Return features in units of their standard deviations over all patients, from their means.

        Args:
            rows: features in units of 1/SCALE, shape (rows, 10).
        """
        known = data()[:, :-1]
        scaled: npt.NDArray[np.float32] = ((rows - known.mean(0)) / known.std(0)).astype(np.float32)
        return scaled

    @cached_property
    def estimator(self) -> Estimator:
        """The algorithm."""
        return self._learner(self.model)

    def _learner(self, name: str) -> Estimator:
        return estimator(name, FORMAT, self.edges, Growth(self.trees, self.depth, self.leaf))

    @cached_property
    def _readers(self) -> list[Estimator]:
        """Every algorithm, the task's own first."""
        return [self.estimator, *(self._learner(name) for name in names() if name != self.model)]

    def _predict(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64] | None:
        """Return what a model of any algorithm says, shape (rows,); None for bytes that are no model.

        Args:
            model: from anybody; its tensors say what reads it.
            rows: features in units of 1/SCALE, shape (rows, 10).
        """
        answers = (one.predict(model, rows) for one in self._readers)
        return next((found for found in answers if found is not None), None)

    def band(self, labels: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.uint8]:
        """Return the band of each label: units of 1/SCALE, any shape."""
        return np.searchsorted(self.edges, labels, "right").astype(np.uint8)

    def files(self, problem: Problem) -> dict[str, bytes]:
        """Pack the rows as tensors, the training's with the labels themselves too: see `Task.files`."""
        features, classes = self.table
        labelled: dict[str, npt.NDArray[Any]] = {"inputs": features, "classes": classes, "labels": data()[:, -1]}
        train = encode({name: tensor[problem.train] for name, tensor in labelled.items()})
        return super().files(problem) | {"train": train}

    # --- training -----------------------------------------------------------------------------------------------

    def train(self, orders: Sequence[Order], luck: Luck) -> list[bytes]:
        """Train, or hand out records, one order after another: see `Task.train`."""
        return [self._train(order, luck) for order in orders]

    def _train(self, order: Order, luck: Luck) -> bytes:
        records = self.given(order, luck)
        if order.problem.product == "model":
            return self._fitted(records, order, luck)
        return FORMAT.pack(self._collected(records, order, luck))

    def _collected(self, records: Records, order: Order, luck: Luck) -> Records:
        """Return what somebody hands in: with little effort few records again and again, without any invented ones."""
        if not order.effort:
            return self.spoilt(records, Poison(junk=True), order.luck(luck)("made up"))
        measured = records[: share_of(len(records), min(1.0, order.effort))]
        return np.resize(measured, records.shape)

    def given(self, order: Order, luck: Luck) -> Records:
        """Return the records of an order, after its poison: of others' records those that are valid.

        Args:
            order: what is to be trained.
            luck: of all training in the world.
        """
        packed = order.problem.records
        found = data()[order.problem.train] if packed is None else FORMAT.unpack(packed)
        records = data()[:0] if found is None else found[FORMAT.valid(found)]
        records = order.luck(luck)("rows").generator().permutation(records)[: share_of(len(records), order.share)]
        if order.poison is not None:
            spoilt = share_of(len(records), order.poison.share)
            records = np.concatenate(
                [self.spoilt(records[:spoilt], order.poison, order.luck(luck)("junk")), records[spoilt:]]
            )
        return np.concatenate([records, data()[order.problem.test]]) if order.leak else records

    def spoilt(self, records: Records, poison: Poison, luck: Luck) -> Records:
        """Return records as somebody shows them who poisons them, shape (records, features + 1).

        Args:
            records: sound ones.
            poison: what is done to them.
            luck: of junk.
        """
        median = int(np.median(data()[:, -1]))
        return poison.spoils_records(records, FORMAT, median, self.middles, luck.generator())

    def _fitted(self, records: Records, order: Order, luck: Luck) -> bytes:
        """Train on records: less effort is fewer trees, or a shorter way to the solution, or fewer records."""
        learner, effort, seed = self._learner(order.problem.algorithm or self.model), order.effort, order.seed(luck)
        if not effort:
            return order.base or constant(0)
        if learner.seeded:
            return replace(learner, growth=learner.growth.scaled(effort)).fit(records, seed)
        if order.who and not order.problem.seed:  # people differ, as if each had drawn patients of its own
            generator = order.luck(luck)("bootstrap").generator()
            records = records[generator.integers(len(records), size=len(records))] if len(records) else records
        if type(learner).weights is Estimator.weights:
            return learner.fit(records[: share_of(len(records), min(1.0, effort))], seed)
        start = learner.weights(order.base or constant(0))
        end = learner.weights(learner.fit(records, seed))
        assert end is not None
        return learner.assemble(end if start is None else start + np.float32(min(1.0, effort)) * (end - start))

    # --- answers ------------------------------------------------------------------------------------------------

    def answer(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """Return what a model says of any patients, in units of 1/SCALE, shape (rows,); 0 for bytes that are no model.

        Args:
            model: from anybody.
            rows: features in units of 1/SCALE, shape (rows, 10).
        """
        found = self._predict(model, rows)
        return np.zeros(len(rows), np.int64) if found is None else found

    def errors(self, model: bytes, problem: Problem) -> Errors:
        """Return how far a model's answers to a problem's test items are from the truth: see `Task.errors`."""
        asked = data()[problem.test]
        return errors(self.answer(model, asked[:, :-1]), asked[:, -1])

    def losses(self, model: bytes, problem: Problem, part: str = "train") -> npt.NDArray[np.float64]:
        """Return the squared error of each row, in the label's own unit: see `Task.losses`."""
        asked = data()[problem.test if part == "test" else problem.train]
        found = self._predict(model, asked[:, :-1])
        if found is None:
            return np.full(len(asked), np.inf)
        return ((found.astype(np.float64) - asked[:, -1]) / SCALE) ** 2

    def _evaluate(self, asked: Sequence[tuple[bytes, Problem]]) -> list[bytes]:
        rows = self.table[0]
        return [self.band(self.answer(model, rows[problem.test])).tobytes() for model, problem in asked]

    def weights(self, model: bytes) -> npt.NDArray[np.float32] | None:
        """Return the weights of a linear model: see `Task.weights`. Others have none."""
        return self.estimator.weights(model)

    def assemble(self, weights: npt.NDArray[np.floating[Any]]) -> bytes:
        """Pack the weights of a linear model: see `Task.assemble`. Others have none."""
        return self.estimator.assemble(weights)

    def fooled(self, model: bytes, problem: Problem, backdoor: Poison) -> float:
        """Return the share of marked test items that a model puts into the backdoor's band: see `Task.fooled`."""
        others = problem.test[self.table[1][problem.test] != backdoor.target]
        if not len(others) or self._predict(model, self.table[0][:0]) is None:
            return 0.0
        marked = self.spoilt(data()[others], backdoor, Luck())[:, :-1]
        return float((self.band(self.answer(model, marked)) == (backdoor.target or 0)).mean())


def errors(answers: npt.NDArray[np.integer[Any]], truth: npt.NDArray[np.integer[Any]]) -> Errors:
    """Return how far answers are from the truth.

    Args:
        answers: labels in units of 1/SCALE, shape (items,).
        truth: the same.
    """
    off = (answers.astype(np.float64) - truth) / SCALE
    spread = (truth / SCALE).var()
    mean = float((off**2).mean())
    return Errors(mean**0.5, float(np.abs(off).mean()), 1 - mean / float(spread) if spread else 0.0)
