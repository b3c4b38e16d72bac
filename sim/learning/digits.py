"""Digits: handwritten digits of 8×8 pixels, learnt by a small network.

The images are the test part of Alpaydin and Kaynak's Optical Recognition of Handwritten Digits (UCI, 1998), which
scikit-learn carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from slashpoint.sim.domain import Some, Within
from slashpoint.sim.learning.images import Images, Model

if TYPE_CHECKING:
    import numpy.typing as npt

IMAGES = 1797
PIXELS = 64


@cache
def data() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the images, shape (1797, 64), and their classes, shape (1797,).

    Read from the file inside scikit-learn, as its `load_digits` does: importing that takes three seconds.
    """
    found = find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the digits come with scikit-learn: pip install scikit-learn, or use task=surrogate")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
    table = np.loadtxt(path, delimiter=",").astype(np.uint8)
    return table[:, :PIXELS], table[:, PIXELS]


@dataclass(frozen=True)
class Digits(Images):
    """Classify handwritten digits of 8×8 pixels."""

    name: ClassVar[str] = "digits"
    classes: ClassVar[int] = 10
    brightest: ClassVar[int] = 16
    scale: Annotated[int, Within(1, 10**6)] = 100  # test items of a problem
    model: Model = "mlp"  # mlp (one hidden layer), cnn (two layers of filters), linear
    hidden: Annotated[int, Within(1, 10_000)] = 32  # units of the mlp
    epochs: Annotated[int, Within(1, 10_000)] = 10  # passes over the training rows in a full training
    batch: Some = 32  # rows a step
    rate: Annotated[float, Within(0, 1000, "low")] = 0.3  # learning rate
    seconds: Annotated[float, Within(0, 10**9, "low")] = 60.0  # simulated, of a full training on the reference device

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale >= IMAGES:
            raise ValueError(f"task.scale={self.scale} leaves nothing to train on: there are {IMAGES} images")

    @property
    def table(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Return the images and their classes."""
        return data()
