"""Many calls of one function as columns: calldata in one matrix, arguments as they were given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.contract.codec import coder
from slashpoint.sim.contract.entry import SELECTOR
from slashpoint.sim.contract.words import ADDRESS, WORD

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from slashpoint.sim.contract.call import Call
    from slashpoint.sim.contract.entry import Function

    Bytes = npt.NDArray[np.uint8]
    Values = Sequence[Any] | npt.NDArray[Any]  # of one parameter, a row each


@dataclass(frozen=True, slots=True)
class CallRows:
    """Calls of one function; row i of each column is one of them."""

    call: Call  # what they share
    data: Bytes  # shape (n, bytes of calldata)
    args: dict[str, Values]  # columns by name

    def __len__(self) -> int:
        return len(self.data)

    def picked(self, rows: npt.NDArray[np.intp]) -> dict[str, Values]:
        """Return the arguments of some rows."""
        return {
            name: column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows.tolist()]
            for name, column in self.args.items()
        }


def matrix(function: Function, columns: Sequence[Values]) -> Bytes:
    """Encode the calldata of many calls of one function.

    Args:
        function: that all call.
        columns: one for each parameter: an array of whole numbers, one of addresses (n, 20), or any sequence.

    Raises:
        TypeError: the columns are not the function's, differ in length, or a parameter is no single word.
    """
    if len(columns) != function.arity or len({len(column) for column in columns}) != 1:
        raise TypeError(f"{function} takes {function.arity} columns of one length")
    data = np.zeros((len(columns[0]), SELECTOR + WORD * function.arity), np.uint8)
    data[:, :SELECTOR] = np.frombuffer(function.selector, np.uint8)
    for i, (parameter, column) in enumerate(zip(function.inputs, columns, strict=True)):
        words = data[:, SELECTOR + WORD * i : SELECTOR + WORD * (i + 1)]
        try:
            fill(words, parameter, column)
        except (TypeError, ValueError, AttributeError) as why:
            raise TypeError(f"{function}: {function.names[i]}: {why}") from None
    return data


def fill(words: Bytes, parameter: dict[str, Any], column: Values) -> None:
    """Write one parameter's words, shape (n, 32).

    Args:
        words: shape (n, 32), which are written.
        parameter: of the ABI.
        column: n values.
    """
    kind = coder(parameter)
    if isinstance(column, np.ndarray) and kind.type == "address" and column.dtype == np.uint8:
        words[:, WORD - ADDRESS :] = column.reshape(-1, ADDRESS)
    elif isinstance(column, np.ndarray) and kind.type in {"uint64", "uint128", "uint256"} and column.dtype.kind in "iu":
        if len(column) and column.min() < 0:
            raise TypeError(f"{column.min()} is no {kind.type}")
        words[:, WORD - 8 :] = column.astype(">u8").view(np.uint8).reshape(-1, 8)
    elif kind.dynamic or kind.size != WORD:
        raise TypeError(f"a {kind.type} is no single word")
    else:
        given = column.tolist() if isinstance(column, np.ndarray) else column
        words[:] = np.frombuffer(b"".join(map(kind.pack, given)), np.uint8).reshape(-1, WORD)
