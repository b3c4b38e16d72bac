"""What requestors, providers and spenders tell each other outside the chain, and what they sign."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from slashpoint.sim.facts import Topic

DEMAND = Topic("Demand", ("until",))  # a requestor asks for offers, until a moment (Unix seconds)
PROPOSAL = Topic(
    "Proposal", ("to", "per_cpu_second", "per_second", "fixed_price")
)  # a provider's prices, smallest units
REJECTED = Topic("ProposalRejected", ("to",))
OFFERED = Topic("AgreementProposed", ("to", "agreement", "signature"))  # signed by the requestor
APPROVED = Topic("AgreementApproved", ("to", "key", "signature"))  # by the provider: the activity begins
NOTE = Topic(
    "DebitNote", ("to", "key", "serial", "cpu", "duration", "total", "signature", "cid")
)  # the last: an invoice
ACCEPTED = Topic("NoteAccepted", ("to", "key", "serial", "total", "signature"))  # signed by the requestor
TERMINATED = Topic("AgreementTerminated", ("key", "reason"))
ORDER = Topic("PaymentOrder", ("to", "key", "payee", "total", "signature"))  # a requestor to its spender
DONE = Topic("JobDone", ("to",))  # no more orders come
REVIEW = Topic("Review", ("provider", "good", "key"))  # to whoever keeps the scores

AGREEMENT = (
    ("deposit", "uint256"), ("requestor", "address"), ("provider", "address"), ("perCpuSecond", "uint64"),
    ("perSecond", "uint64"), ("fixedPrice", "uint96"), ("benchmark", "uint32"), ("cap", "uint32"), ("until", "uint64"),
    ("task", "bytes32"),
)  # fmt: skip
ACCEPTANCE = (("agreement", "bytes32"), ("total", "uint128"))
DEBIT_NOTE = (
    ("agreement", "bytes32"), ("number", "uint32"), ("cpu", "uint32"), ("duration", "uint32"), ("total", "uint128")
)  # fmt: skip


class Agreement(NamedTuple):
    """What a requestor and a provider agree on: the contract's struct of this name. Prices in smallest units."""

    deposit: int
    requestor: bytes
    provider: bytes
    per_cpu_second: int
    per_second: int
    fixed_price: int
    benchmark: int  # CPU seconds that the task takes at the provider's audited speed
    cap: int  # the most that either counter may say, seconds
    until: int  # Unix seconds
    task: bytes

    def price(self, cpu: int, duration: int) -> int:
        """Return the price of usage: the sum of usage times coefficient, plus the fixed price, smallest units.

        Args:
            cpu: CPU seconds.
            duration: seconds.
        """
        return cpu * self.per_cpu_second + duration * self.per_second + self.fixed_price

    @property
    def most(self) -> int:
        """Return what it may cost at most, smallest units."""
        return self.price(self.cap, self.cap)

    @property
    def struct(self) -> dict[str, Any]:
        """Return it as the contract takes it."""
        return dict(zip((name for name, _ in AGREEMENT), self, strict=True))


@dataclass
class Activity:
    """What a provider did by an agreement, as it knows itself."""

    agreement: Agreement
    started: float  # Unix seconds
    stopped: float | None = None  # Unix seconds
    used: float = 0.0  # CPU seconds, when it stopped


def whole_seconds(seconds: float) -> int:
    """Return what a counter says: begun seconds, apart from what a floating point number gets wrong."""
    return math.ceil(round(seconds, 3))
