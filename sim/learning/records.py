"""Records: rows in a fixed format, as contracts carry them and as anybody checks them.

A record is a row of whole numbers, its features and its label, each an int32: a value times `SCALE`, rounded. All of
scikit-learn's diabetes data are exact in this unit. Packed, a record is its numbers in order, big-endian, four bytes
each; many records are one after another. Features stay within 2²⁴, so that float32, in which scikit-learn grows trees,
holds each of them exactly.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.errors import choices

if TYPE_CHECKING:
    import numpy.typing as npt

    Records = npt.NDArray[np.int32]  # shape (records, features + 1); the label is last

SCALE = 10_000  # of one unit of a feature or a label
EXACT = 2**24  # float32 holds every whole number up to here
NUMBER = np.dtype(">i4")  # as packed


@dataclass(frozen=True)
class Field:
    """A number of a record and what it may be; both ends are allowed."""

    name: str
    low: float
    high: float

    @property
    def limits(self) -> tuple[int, int]:
        """Return the least and the greatest value, in units of 1/SCALE."""
        return quantised(self.low), quantised(self.high)


@dataclass(frozen=True)
class Format:
    """What every record of a data set looks like."""

    features: tuple[Field, ...]
    label: Field

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return the features, then the label."""
        return (*self.features, self.label)

    @property
    def size(self) -> int:
        """Return the bytes of a packed record."""
        return NUMBER.itemsize * len(self.fields)

    @property
    def limits(self) -> npt.NDArray[np.int64]:
        """Return the least and the greatest value of each number, shape (2, features + 1)."""
        return np.array([field.limits for field in self.fields], np.int64).T

    def pack(self, records: npt.NDArray[np.integer[Any]]) -> bytes:
        """Pack records, valid or not.

        Args:
            records: shape (records, features + 1), or one of them.

        Raises:
            ValueError: another number of fields, or a number that is no int32.
        """
        rows = np.atleast_2d(np.asarray(records))
        if rows.shape[-1] != len(self.fields) or rows.ndim != 2:
            raise ValueError(f"records of shape {rows.shape} do not fit: one has {len(self.fields)} numbers")
        if rows.size and (rows.min() < -(2**31) or rows.max() >= 2**31):
            raise ValueError(f"a record's numbers are int32: {rows.min()} … {rows.max()} are not")
        return rows.astype(NUMBER).tobytes()

    def unpack(self, packed: bytes) -> Records | None:
        """Unpack records, valid or not: shape (records, features + 1); None if these are not whole records."""
        if len(packed) % self.size:
            return None
        return np.frombuffer(packed, NUMBER).astype(np.int32).reshape(-1, len(self.fields))

    def valid(self, records: Records) -> npt.NDArray[np.bool_]:
        """Tell of each record whether all of its numbers are within their limits, shape (records,)."""
        low, high = self.limits
        within: npt.NDArray[np.bool_] = ((records >= low) & (records <= high)).all(1)
        return within

    def within(self, records: Records, feature: str, low: float, high: float) -> npt.NDArray[np.bool_]:
        """Tell of each record whether a feature lies in a region, shape (records,).

        Args:
            records: shape (records, features + 1).
            feature: its name.
            low: in the feature's own unit; it lies in the region.
            high: the same; it does not.

        Raises:
            ValueError: there is no such feature.
        """
        names = [field.name for field in self.features]
        if feature not in names:
            raise ValueError(f"feature {feature!r}: {choices(feature, names)}")
        found = records[:, names.index(feature)]
        inside: npt.NDArray[np.bool_] = (found >= low * SCALE) & (found < high * SCALE)
        return inside

    def parts(self, packed: bytes) -> list[bytes]:
        """Cut packed records into single ones; none if these are not whole records."""
        whole = not len(packed) % self.size
        return [packed[at : at + self.size] for at in range(0, len(packed), self.size)] if whole else []


def leaf(packed: bytes) -> bytes:
    """Return a record's leaf in a Merkle tree: SHA-256 of a zero byte and the packed record.

    A leaf hashes an odd number of bytes and a node of the tree 64, so that none can pass for the other.
    """
    return hashlib.sha256(b"\0" + packed).digest()


def quantised(value: float) -> int:
    """Return a value in units of 1/SCALE, to the nearest, halves to even."""
    return round(value * SCALE)
