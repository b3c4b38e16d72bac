"""A call: a function of a contract with its arguments, as somebody may send it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

GAS = 500_000  # what a call declares unless it says otherwise


@dataclass(slots=True)
class Call:
    """An intention: a function of a contract with its arguments, not yet sent.

    The last four fields are what others may see of it while it waits, whatever the protocol.
    """

    to: bytes
    data: bytes
    function: str
    names: tuple[str, ...]  # of its parameters
    values: Sequence[Any]  # of its arguments
    value: int = 0  # wei
    gas: int = GAS  # the limit that it declares
    contract: str = ""  # name
    verb: str = ""  # submits, claims …
    job: Any = None
    subject: Any = None
    carries: Any = None  # what it gives away: committed bytes, a number, a preimage

    @property
    def args(self) -> dict[str, Any]:
        """Return its arguments by name."""
        return dict(zip(self.names, self.values, strict=True))

    def tagged(self, verb: str, job: Any = None, subject: Any = None, carries: Any = None) -> Call:
        """Fill the neutral fields in; returns the call itself.

        Args:
            verb: what it does in the words of markets.
            job: that it is about.
            subject: what it is about within the job.
            carries: what it gives away: sealed bytes, a number, a preimage.
        """
        self.verb, self.job, self.subject, self.carries = verb, job, subject, carries
        return self
