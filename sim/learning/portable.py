"""Portable models: architecture and weights as JSON, which any framework can build a network from.

The data of a packed model (see `codec`) in more bytes: JSON, compressed by zlib, as base64 text. Wherever a model is
taken, one in this form is as well.
"""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.learning.codec import LIMIT, ModelError, from_text, inflate, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from slashpoint.sim.learning.networks import Weights

FLOATS = "<f4"  # little-endian, whatever the machine
LEVEL = 9  # of zlib: here it undoes most of what the inner base64 costs


def is_one(model: bytes) -> bool:
    """Tell whether a model looks portable: base64 of zlib's first byte begins so, and no packed model does."""
    return model.startswith(b"e")


def encode(weights: Mapping[str, npt.NDArray[np.float32]]) -> bytes:
    """Write a network's weights, by the names in `Network.shapes`, with the layers that they make up."""
    shapes = {name: array.shape for name, array in weights.items()}
    tensors = {
        name: {"shape": array.shape, "data": base64.b64encode(array.astype(FLOATS).tobytes()).decode()}
        for name, array in sorted(weights.items())
    }
    text = json.dumps({"layers": layers(shapes), "tensors": tensors}, separators=(",", ":"))
    return to_text(zlib.compress(text.encode(), LEVEL)).encode()


def decode(model: bytes, limit: int = LIMIT) -> Weights:
    """Read the weights of a portable model.

    Args:
        model: from anybody.
        limit: bytes that it may decompress to.

    Raises:
        ModelError: it is none, it is over the limit, or its layers are not those that its tensors make up.
    """
    try:
        document = json.loads(inflate(from_text(model.decode("ascii")), limit))
        weights = {name: _array(**tensor) for name, tensor in document["tensors"].items()}
        if document["layers"] != layers({name: array.shape for name, array in weights.items()}):
            raise ModelError("its tensors do not make up its layers; use portable.encode")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelError(f"a model of {len(model):,} bytes is not portable ({error}); use portable.encode") from error
    return weights


def layers(shapes: Mapping[str, tuple[int, ...]]) -> list[dict[str, Any]]:
    """List the layers, in order, that weights of such shapes make up: dense, or 3×3 filters followed by pooling."""
    numbers = sorted(int(name[1:]) for name in shapes if re.fullmatch(r"w\d{1,3}", name))
    made: list[dict[str, Any]] = []
    for number in numbers:
        *inputs, units = shapes[f"w{number}"]
        bent = "relu" if number != numbers[-1] else "softmax"
        if len(inputs) == 1:
            made.append({"kind": "dense", "inputs": inputs[0], "units": units, "activation": bent})
        else:
            channels, size, _ = inputs
            what = {"channels": channels, "filters": units, "size": size, "padding": "same", "pool": 2}
            made.append({"kind": "convolution", **what, "activation": bent})
    return made


def _array(shape: list[int], data: str) -> npt.NDArray[np.float32]:
    raw = base64.b64decode(data, validate=True)
    if len(raw) != 4 * math.prod(shape):
        raise ValueError(f"{len(raw)} bytes are no tensor of shape {shape}")
    return np.frombuffer(raw, FLOATS).astype(np.float32).reshape(shape)
