"""Columns of a block: arrays that no Python object is made for, and rows that are made when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Numbers = npt.NDArray[np.uint64]
    Places = npt.NDArray[np.uint32]

T = TypeVar("T")


class CallColumns(NamedTuple):
    """A batch of calls; row i of each column is one of them. Creations and access lists go by `Tx`."""

    sender: Bytes | bytes  # n * 20 bytes
    to: Bytes | bytes  # n * 20 bytes
    data: Bytes | bytes  # calldata, one after the other
    ends: Numbers  # shape (n,), where in `data` each one's ends
    value: Bytes | bytes  # n * 32 bytes, big-endian
    gas: Numbers  # shape (n,), and so are the next three
    max_fee: Numbers
    tip: Numbers
    nonce: Numbers


class TransferColumns(NamedTuple):
    """Movements of wei; row i of each array is one of them."""

    tx: Places  # shape (n,), index in the block's batch
    kind: Bytes  # shape (n,), of Movement
    sender: Bytes  # shape (n, 20)
    receiver: Bytes  # shape (n, 20)
    wei: Bytes  # shape (n, 32), big-endian


class EventColumns(NamedTuple):
    """Events of one kind and contract; row i of each column is one of them."""

    tx: Places  # shape (n,), index in the block's batch
    log: Places  # shape (n,), index among the block's logs
    values: tuple[Bytes | tuple[object, ...], ...]  # (n, 20) an address, (n, 32) another word, n objects if dynamic


class LazySequence(Sequence[T]):
    """A sequence of Python objects that are made when somebody first looks into it."""

    __slots__ = ("_make", "_rows", "_size")

    def __init__(self, size: int, make: Callable[[], list[T]]) -> None:
        self._size, self._make = size, make
        self._rows: list[T] | None = None

    def _all(self) -> list[T]:
        if self._rows is None:
            self._rows = self._make() if self._size else []
        return self._rows

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        return self._all()[at]

    def __iter__(self) -> Iterator[T]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._size == len(other) and self._all() == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._all())
