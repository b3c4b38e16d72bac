"""Images: what the tasks share that learn the classes of square grey images."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from slashpoint.sim.domain import Among
from slashpoint.sim.learning.classification import Classification

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.learning.networks import Network

Model = Annotated[str, Among("mlp", "cnn", "linear")]


class Images(Classification):
    """Classify images with a network of one's choice, trained by plain SGD."""

    brightest: ClassVar[int]  # pixels are whole numbers from 0 to this
    model: Model  # mlp (one hidden layer), cnn (two layers of filters), linear
    hidden: int  # units of the mlp

    @property
    def kind(self) -> str:
        """Return the name of the network."""
        return self.model

    @cached_property
    def inputs(self) -> npt.NDArray[np.float32]:
        """Scale pixels to 0 … 1, shape (images, pixels)."""
        return self.table[0] * np.float32(1 / self.brightest)

    @cached_property
    def network(self) -> Network:
        """Return the network that learns."""
        pixels = self.table[0].shape[1]
        if self.model == "cnn":
            from slashpoint.sim.learning.networks.cnn import Cnn

            return Cnn(math.isqrt(pixels), self.classes)
        from slashpoint.sim.learning.networks.mlp import Mlp

        return Mlp((pixels, *((self.hidden,) if self.model == "mlp" else ()), self.classes))
