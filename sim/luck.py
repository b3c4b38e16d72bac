"""Keyed random numbers, like JAX's `fold_in`: draws are keyed, never sequential.

A draw belongs to a name (a person, a purpose, a job), not to a place in a sequence, so that adding or
removing somebody changes nobody else's luck. This is what makes runs with and without an attacker paired samples
(common random numbers).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

T = TypeVar("T")
Whole = TypeVar("Whole", int, "npt.NDArray[Any]")
Key = str | int | bytes | float | tuple["Key", ...] | None


def digest(*key: Key, size: int = 8) -> bytes:
    """Return the BLAKE2b hash of a key, `size` bytes: the same in every process and on every machine."""
    return hashlib.blake2b(repr(key).encode(), digest_size=size).digest()


class Luck:
    """A keyed RNG, like JAX's `fold_in`: one draw, addressed by its key; call it with more key to go deeper."""

    __slots__ = ("key",)

    def __init__(self, *key: Key) -> None:
        self.key = key

    def __call__(self, *key: Key) -> Luck:
        """Return the luck of a narrower name."""
        return Luck(*self.key, *key)

    def integer(self, below: int = 2**63) -> int:
        """Draw a whole number in [0, below); the bias is under below / 2**128."""
        return int.from_bytes(digest(*self.key, size=16), "big") % below

    def random(self) -> float:
        """Draw a uniform number in [0, 1), 53 bits."""
        return (int.from_bytes(digest(*self.key), "big") >> 11) * 2.0**-53

    def uniform(self, low: float, high: float) -> float:
        """Draw a uniform number in [low, high)."""
        return low + (high - low) * self.random()

    def choice(self, among: Sequence[T]) -> T:
        """Draw one of `among`, each as likely."""
        return among[self.integer(len(among))]

    def bytes(self, size: int) -> bytes:
        """Draw `size` random bytes (at most 64 come straight from the hash)."""
        return digest(*self.key, size=size) if size <= 64 else self.generator().bytes(size)

    def generator(self) -> np.random.Generator:
        """Return a NumPy generator seeded by the key, for where many draws follow."""
        import numpy as np

        return np.random.Generator(np.random.PCG64(int.from_bytes(digest(*self.key, size=16), "big")))


def tie_break(rank: Whole, number: Whole) -> Whole:
    """Return a hash by which ties break (Steele, SplitMix).

    Args:
        rank: of an account, itself a hash of seed and name: a Python number or a column of 64 unsigned bits.
        number: what tells the account's own apart: the same kind.
    """
    mixed: Whole = (rank ^ number * 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    hashed: Whole = (mixed ^ mixed >> 31) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return hashed
