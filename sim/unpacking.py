"""What can be read in bytes from anybody: all that is packed in them, and the numbers that they may stand for.

Everything is bounded: how much is unpacked, how deep, and how many contents are read.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import io
import lzma
import re
import zipfile
import zlib
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from slashpoint.sim.learning.codec import LIMIT, ModelError, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

DEPTH = 4  # how often something is packed into something, at most
CONTENTS = 64  # that are read, at most: a bomb of many files ends here
PACKED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08|BZh|\xfd7zXZ")  # how zlib, gzip, bz2 and xz begin
CODED = re.compile(rb"[A-Za-z0-9+/_=\-]{32,}")  # text in base 16, 32 or 64
NUMBER = re.compile(rb"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
SPACE = re.compile(rb"\s+")
NAMES = ("u1", "i1", "u2", "i2", "f2", "i4", "f4", "i8", "f8")
TYPES = tuple(dict.fromkeys(np.dtype(order + name) for name in NAMES for order in "<>"))
FAULTS = (
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)


def contents(output: bytes) -> Iterator[bytes]:
    """Yield some bytes and everything that is packed in them, each content once, within bounds."""
    seen, waiting = set[bytes](), [(output, 0)]
    while waiting and len(seen) < CONTENTS:
        content, depth = waiting.pop(0)
        if content and content not in seen:
            seen.add(content)
            yield content
            if depth < DEPTH:
                waiting += [(inner, depth + 1) for inner in islice(_inside(content), CONTENTS)]


def readings(content: bytes) -> Iterator[npt.NDArray[np.float64]]:
    """Yield the numbers that a content may stand for: those in its text, and those of each type from each byte on."""
    if content.isascii():
        yield np.array([float(one) for one in NUMBER.findall(content)])
    yield from _arrays(content)
    with np.errstate(all="ignore"):
        for kind in TYPES:
            for offset in range(min(kind.itemsize, len(content))):
                count = (len(content) - offset) // kind.itemsize
                yield np.frombuffer(content, kind, count, offset).astype(np.float64)


def _arrays(content: bytes) -> Iterator[npt.NDArray[np.float64]]:
    """Yield arrays that say how they lie in memory, row by row."""
    try:
        yield np.load(io.BytesIO(content), allow_pickle=False).astype(np.float64).ravel()
    except (*FAULTS, AttributeError, TypeError):  # no array, one of text, or several
        pass
    try:
        yield from (one.astype(np.float64).ravel() for one in decode(content).values())
    except (ModelError, *FAULTS):
        pass


def _inside(content: bytes) -> Iterator[bytes]:
    """Yield what a content holds, by every way to unpack it."""
    for start in islice(PACKED.finditer(content), CONTENTS):
        for unpack in UNPACKERS:
            yield _tried(unpack, content[start.start() :])
    yield from _members(content)
    texts = sorted(set(CODED.findall(content)), key=len, reverse=True)[:CONTENTS]
    for text in ([SPACE.sub(b"", content)] if content.isascii() else []) + texts:
        for unpack in DECODERS:
            yield _tried(unpack, text)


def _members(content: bytes) -> Iterator[bytes]:
    """Yield the files of a zip archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist()[:CONTENTS]:
                with archive.open(name) as member:
                    yield member.read(LIMIT)
    except FAULTS:
        return


def _tried(unpack: Callable[[bytes], bytes], packed: bytes) -> bytes:
    """Return what an unpacker makes of bytes; nothing where they are not of its kind."""
    try:
        return unpack(packed)
    except FAULTS:
        return b""


UNPACKERS: tuple[Callable[[bytes], bytes], ...] = (  # what is cut off is unpacked as far as it goes
    lambda packed: zlib.decompressobj(47).decompress(packed, LIMIT),  # zlib or gzip
    lambda packed: bz2.BZ2Decompressor().decompress(packed, LIMIT),
    lambda packed: lzma.LZMADecompressor().decompress(packed, LIMIT),
)
DECODERS: tuple[Callable[[bytes], bytes], ...] = (
    binascii.unhexlify,
    lambda text: base64.b64decode(text + b"=" * (-len(text) % 4), validate=True),
    lambda text: base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True),
    base64.b32decode,
    base64.b85decode,
    base64.a85decode,
)
