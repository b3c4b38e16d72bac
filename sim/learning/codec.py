"""The codec of models and data: named tensors as safetensors, compressed with zlib. Data only, never code.

Bytes come from strangers, so decoding is bounded in memory and every failure is a ModelError.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

LIMIT = 2**24  # bytes, decompressed, unless told otherwise
LEVEL = 1  # of zlib: trained weights hardly compress, so more effort buys nothing


class ModelError(ValueError):
    """Bytes that are no model. The message says what is wrong with them and what is expected."""


def encode(tensors: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Pack named arrays; the same arrays give the same bytes, whatever the order of the names."""
    rows = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}  # safetensors overlooks strides
    return zlib.compress(safetensors.numpy.save(rows), LEVEL)


def decode(packed: bytes, limit: int = LIMIT) -> dict[str, npt.NDArray[Any]]:
    """Unpack what `encode` packed.

    Args:
        packed: from anybody.
        limit: bytes that it may decompress to; decompression stops there.

    Raises:
        ModelError: not zlib, cut off, followed by something, over the limit, or not safetensors.
    """
    raw = inflate(packed, limit)
    try:
        tensors: dict[str, npt.NDArray[Any]] = safetensors.numpy.load(raw)
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{_of(packed)} holds no safetensors ({error}); encode models with codec.encode") from error
    return tensors


def inflate(packed: bytes, limit: int = LIMIT) -> bytes:
    """Decompress zlib data, in bounded memory.

    Args:
        packed: from anybody.
        limit: bytes that it may decompress to; decompression stops there.

    Raises:
        ModelError: not zlib, cut off, followed by something, or over the limit.
    """
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(packed, limit + 1)
    except zlib.error as error:
        raise ModelError(f"{_of(packed)} is not zlib data ({error}); encode models with codec.encode") from error
    if len(raw) > limit:
        raise ModelError(f"{_of(packed)} decompresses to more than {limit:,} bytes; raise the limit if you trust it")
    if not stream.eof or stream.unused_data:
        fault = "is followed by other bytes" if stream.eof else "is cut off"
        raise ModelError(f"{_of(packed)} {fault}; send exactly what codec.encode returned")
    return raw


def to_text(packed: bytes) -> str:
    """Encode packed bytes as base64, for protocols that carry text."""
    return base64.b64encode(packed).decode()


def from_text(text: str) -> bytes:
    """Decode base64; strict, so that one model has one text.

    Raises:
        ModelError: not base64 as `to_text` writes it.
    """
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ModelError(f"a text of {len(text):,} characters is not base64 ({error}); use codec.to_text") from error
    if to_text(packed) != text:
        raise ModelError(f"a text of {len(text):,} characters is not canonical base64; use codec.to_text")
    return packed


def _of(packed: bytes) -> str:
    return f"a model of {len(packed):,} bytes (0x{packed[:8].hex()}…)"
