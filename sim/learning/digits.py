"""Digits: handwritten digits of 8×8 pixels, learnt by a small MLP.

The images are the test part of Alpaydin and Kaynak's Optical Recognition of Handwritten Digits (UCI, 1998), which
scikit-learn carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from slashpoint.sim.learning.classification import Classification

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.learning.networks import Network

IMAGES = 1797
PIXELS = 64
BRIGHTEST = 16  # pixels are whole numbers from 0 to this


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
class Digits(Classification):
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
        self._refuse("scale", "hidden", "epochs", "batch", "rate", "seconds")
        if self.scale >= IMAGES:
            raise ValueError(f"task.scale={self.scale} leaves nothing to train on: there are {IMAGES} images")

    @property
    def table(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """The images and their classes."""
        return data()

    @cached_property
    def inputs(self) -> npt.NDArray[np.float32]:
        """Pixels from 0 to 1."""
        return data()[0] * np.float32(1 / BRIGHTEST)

    @cached_property
    def network(self) -> Network:
        """One hidden layer."""
        from slashpoint.sim.learning.networks.mlp import Mlp

        return Mlp((PIXELS, self.hidden, self.classes))
