"""Estimators: algorithms by name, each a function of records and a seed, with a model that is data and never code.

Names follow scikit-learn, which grows or fits them; inference is this project's own, so that a model answers the same
after it was packed, sent and unpacked. An estimator learns numbers: a regression learns the label, a classifier the
label's band, and answers the mean label of the band that it takes for the likeliest. Bands lie between `edges`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from slashpoint.sim.errors import choices
from slashpoint.sim.learning.codec import ModelError, decode, encode
from slashpoint.sim.learning.growing import USUAL, Growth

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.learning.records import Format, Records

    Values = npt.NDArray[np.int64]  # labels, in units of 1/SCALE; shape (rows,)
    Floats = npt.NDArray[np.float64]
    Tensors = dict[str, npt.NDArray[Any]]

MODULES = ("bayes", "kernels", "linear", "neighbours", "trees")
LIMIT = 2**23  # bytes of a model, unpacked
MAX_ROWS = 20_000  # that a model may hold


@dataclass(frozen=True)
class Estimator(ABC):
    """An algorithm for records of one format."""

    format: Format
    edges: tuple[int, ...]  # between the labels' bands, rising; a label on an edge belongs to the upper one
    growth: Growth = USUAL

    name: ClassVar[str]
    like: ClassVar[str]  # scikit-learn's class
    seeded: ClassVar[bool] = False  # whether another seed gives another model
    classifies: ClassVar[bool] = False  # whether it learns bands instead of labels

    def fit(self, records: Records, seed: bytes) -> bytes:
        """Return the model of a set of records, whatever their order; of none one that answers 0.

        Args:
            records: valid ones, shape (records, features + 1).
            seed: public randomness.
        """
        if not len(records):
            return constant(0)
        return self._fit(records[np.lexsort(records.T[::-1])], seed)

    def predict(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> Values | None:
        """Return what a model answers, shape (rows,); None for bytes that are no model of this estimator.

        Args:
            model: from anybody.
            rows: features in units of 1/SCALE, shape (rows, features).
        """
        if (always := stored_constant(model)) is not None:
            return np.full(len(rows), always, np.int64)
        return self._predict(model, rows)

    @abstractmethod
    def _fit(self, records: Records, seed: bytes) -> bytes:
        """Return the model of records in a fixed order; there is one at least."""

    @abstractmethod
    def _predict(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> Values | None:
        """Return what a model answers: see `predict`."""

    def weights(self, model: bytes) -> npt.NDArray[np.float32] | None:
        """Unpack a model into one flat vector, shape (parameters,); None for bytes that are no model."""
        raise NotImplementedError(f"task.model={self.name} has no weights: choose one of {', '.join(with_weights())}")

    def assemble(self, weights: npt.NDArray[np.floating[Any]]) -> bytes:
        """Pack a flat vector into a model: the inverse of `weights`."""
        raise NotImplementedError(f"task.model={self.name} has no weights: choose one of {', '.join(with_weights())}")

    # --- for those that inherit ---------------------------------------------------------------------------------

    def scaled(self, rows: npt.NDArray[np.integer[Any]]) -> Floats:
        """Return features such that the format's limits are −1 and 1, shape (rows, features)."""
        low, high = self.format.limits[:, :-1]
        found: Floats = (2.0 * rows - (low + high)) / (high - low)
        return found

    def label_scaled(self, labels: npt.NDArray[np.integer[Any]]) -> Floats:
        """Return labels such that the format's limits are −1 and 1."""
        low, high = self.format.label.limits
        found: Floats = (2.0 * labels - (low + high)) / (high - low)
        return found

    def label_of(self, scaled: Floats) -> Values:
        """Return labels in units of 1/SCALE: the inverse of `label_scaled`, within twice its limits."""
        low, high = self.format.label.limits
        found: Values = np.rint((np.clip(np.nan_to_num(scaled), -2, 2) * (high - low) + (low + high)) / 2).astype(
            np.int64
        )
        return found

    def bands(self, records: Records) -> tuple[npt.NDArray[np.intp], Values]:
        """Return the band of each record's label, numbered among those that occur, and each one's mean label."""
        _, bands = np.unique(np.searchsorted(self.edges, records[:, -1], "right"), return_inverse=True)
        sums = np.bincount(bands, records[:, -1])
        return bands, np.rint(sums / np.bincount(bands)).astype(np.int64)

    @cached_property
    def features(self) -> int:
        """Count the numbers in a row."""
        return len(self.format.features)


class Classifier(Estimator):
    """An algorithm that gives each band a score. Its model holds the mean label of each band too."""

    classifies = True
    axes: ClassVar[dict[str, int]]  # of a model's tensors, by name

    @abstractmethod
    def solver(self) -> Any:
        """Return scikit-learn's estimator."""

    def prepared(self, rows: npt.NDArray[np.integer[Any]], fitting: npt.NDArray[np.integer[Any]]) -> Any:  # noqa: ARG002
        """Return features as the solver takes them.

        Args:
            rows: in units of 1/SCALE, shape (rows, features).
            fitting: the rows that it is fitted to.
        """
        return self.scaled(rows)

    @abstractmethod
    def _fitted(self, solver: Any, rows: npt.NDArray[np.integer[Any]]) -> Tensors:
        """Return the tensors of a solver that was fitted to rows."""

    @abstractmethod
    def _scores(self, model: Tensors, rows: npt.NDArray[np.integer[Any]]) -> Floats | None:
        """Return a score for each band, shape (rows, bands); None for tensors that do not fit each other."""

    def _fit(self, records: Records, _seed: bytes) -> bytes:
        bands, labels = self.bands(records)
        if len(labels) == 1:
            return constant(int(labels[0]))
        rows = records[:, :-1]
        return encode(self._fitted(self.solver().fit(self.prepared(rows, rows), bands), rows) | {"labels": labels})

    def _predict(self, model: bytes, rows: npt.NDArray[np.integer[Any]]) -> Values | None:
        found = tensors(model, **self.axes, labels=1)
        if found is None or not len(labels := found["labels"]) or labels.dtype != np.int64:
            return None
        with np.errstate(all="ignore"):  # a stranger's numbers may be anything
            scores = self._scores(found, rows)
        if scores is None or scores.shape[1] != len(labels):
            return None
        answers: Values = labels[scores.argmax(1)]
        return answers


def in_order(inputs: Floats, weights: Floats) -> Floats:
    """Return inputs · weightsᵀ, summed input by input, so that the bits are the same on every machine.

    Args:
        inputs: shape (rows, inputs).
        weights: shape (outputs, inputs).
    """
    total = np.zeros((len(inputs), len(weights)))
    for column, weight in zip(inputs.T, weights.T):
        total += column[:, None] * weight
    return total


def squared_distances(rows: Floats, others: Floats) -> Floats:
    """Return the squared distance of each row to each other one, shape (rows, others).

    Args:
        rows: shape (rows, features).
        others: shape (others, features).
    """
    far = np.zeros((len(rows), len(others)))
    for one, other in zip(rows.T, others.T):
        far += (one[:, None] - other) ** 2
    return far


def tensors(model: bytes, **expected: int) -> Tensors | None:
    """Unpack a model's tensors; None if they are not those that are expected.

    Args:
        model: from anybody.
        expected: the number of axes of each tensor, by name. All numbers must be finite.
    """
    try:
        found = decode(model, LIMIT)
    except ModelError:
        return None
    fits = {name: tensor.ndim for name, tensor in found.items()} == expected
    return found if fits and all(np.isfinite(tensor).all() for tensor in found.values()) else None


def constant(value: int) -> bytes:
    """Return a model of any estimator that answers the same to everything: a label in units of 1/SCALE."""
    return encode({"constant": np.array([value], np.int64)})


def stored_constant(model: bytes) -> int | None:
    """Return what a model always answers, if it is one of `constant`."""
    found = tensors(model, constant=1)
    return int(found["constant"][0]) if found is not None and len(found["constant"]) == 1 else None


def names() -> dict[str, type[Estimator]]:
    """Return all estimators by name, sorted."""
    for module in MODULES:
        import_module(f"{__name__}.{module}")
    kinds, found = [Estimator], {}
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if "name" in vars(kind):
            found[kind.name] = kind
    return dict(sorted(found.items()))


def classifiers() -> list[str]:
    """Name the estimators that learn bands: to them numbers are classes."""
    return [name for name, kind in names().items() if kind.classifies]


def with_weights() -> list[str]:
    """Name the estimators whose models are vectors that can be averaged."""
    return [name for name, kind in names().items() if kind.weights is not Estimator.weights]


def estimator(name: str, format: Format, edges: tuple[int, ...], growth: Growth = USUAL) -> Estimator:  # noqa: A002
    """Return an estimator by its name.

    Args:
        name: as in `names`.
        format: of the records.
        edges: between the labels' bands, rising, in units of 1/SCALE.
        growth: of trees, where it has any.

    Raises:
        ValueError: there is no such estimator; the message has the nearest names.
    """
    known = names()
    if name not in known:
        raise ValueError(f"model={name}: {choices(name, known)}")
    return known[name](format, edges, growth)
