"""The words of every market: verbs, and what a job, somebody's piece of work and a commitment are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from slashpoint.sim.units import nanoseconds

if TYPE_CHECKING:
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market.base import Market
    from slashpoint.sim.market.terms import Terms

VERBS = (
    "approves", "posts", "cancels", "registers", "submits", "retracts", "reveals_truth", "claims", "judges", "reveals",
    "settles", "disputes", "pokes", "withdraws",
)  # fmt: skip
EARNS = ("posts", "registers", "submits", "reveals_truth", "claims", "judges", "reveals")  # what people are paid for
CARRY_CID = ("reveals", "submits")  # verbs whose calls may carry a model's CID: a reveal before a commitment
NO_CID = "no call of the winner carried a CID; define delivered"
UNAVAILABLE = "nobody has the model available"


def commitment(payload: bytes, salt: bytes, who: bytes, *, salted: bool) -> bytes:
    """Return a contract's commitment: SHA-256 of a payload, a salt and an address, or of the payload alone.

    Args:
        payload: 32 bytes.
        salt: 32 bytes.
        who: the address, 20 bytes.
        salted: whether salt and address are in it.
    """
    return hashlib.sha256(payload + salt + who.rjust(32, b"\0") if salted else payload).digest()


class Actor(Protocol):
    """Somebody with an account, as far as a market needs to know."""

    @property
    def name(self) -> str:
        """The account's name, such as `trainer/3`."""
        ...

    @property
    def address(self) -> bytes:
        """The account's address, 20 bytes."""
        ...

    def salt(self, *key: Any) -> bytes:
        """32 secret bytes for a purpose."""
        ...


@dataclass(eq=False)
class Job:
    """One commission, in terms that every protocol shares; what only one protocol knows is in `terms`."""

    key: str  # from its content, the same in every world of a seed
    market: Market
    task: Problem  # what is to be learnt
    terms: Terms  # what its poster offers
    poster: bytes = b""  # address
    holder: bytes = b""  # address: whose the data and their labels are, where they are not its poster's
    id: Any = None  # the contract's
    reward: int = 0  # smallest units of the market's asset
    stake: int = 0  # the same: what a worker puts up
    scale: int = 0  # the best possible measurement
    unit: str = "correct"  # what measurements and claims count
    deadline: float = 0.0  # Unix seconds: for handing in work
    born: int = 0  # nanoseconds: when it was posted
    exact: bool = False  # whether work must be bit-equal for everybody
    redone: bool = False  # whether who judges does the work again, and compares
    round: int = 0  # of a job that goes on in rounds, the one that this view of it is about
    base: bytes | None = None  # the model that a round starts from; None where everybody starts afresh
    rows: int = 0  # labels that were committed, where the test items are drawn out of them; 0 where the poster chose
    drawn: tuple[int, ...] = ()  # which of them are the test items', once that is known
    moved: int = 0  # nanoseconds: when an event was last about it
    closed: int | None = None  # nanoseconds: when it became terminal
    outcome: str | None = None
    winner: bytes | None = None
    fetched: bool = False  # whether its poster has tried to get what it paid for
    received: bytes | None = None  # the model that its poster got; None where nobody has it available

    @property
    def deadline_ns(self) -> int:
        """The deadline for work in nanoseconds since 1970."""
        return nanoseconds(self.deadline)

    @property
    def round_key(self) -> tuple[str, int]:
        """Job and round: what a piece of work is for, as a key."""
        return self.key, self.round

    @property
    def undrawn(self) -> bool:
        """Whether nobody knows yet what the test items are."""
        return bool(self.rows) and not self.drawn

    def tested(self, labels: bytes) -> bytes:
        """Of the labels that were committed, the test items'."""
        return bytes(labels[row] for row in self.drawn) if self.drawn else labels

    def at(self, number: int, base: bytes, deadline: float) -> Job:
        """Return this job as round `number` has it, which duties of that round are asked about; facts are the job's.

        Args:
            number: the round's number, from 1.
            base: the model that the round starts from.
            deadline: Unix seconds.
        """
        return replace(self, round=number, base=base, deadline=deadline)


@dataclass(frozen=True)
class Subject:
    """Somebody's piece of work that is to be judged."""

    id: Any
    owner: bytes
    model: bytes | None
    claimed: int | None
    scale: int


@dataclass(frozen=True)
class Work:
    """What a worker hands in: a model with its predictions, or a commitment that another made."""

    model: bytes | None = None  # an artefact of the task
    predictions: bytes | None = None  # one byte a test item
    copied: Any = None  # what was taken from another's intention
    tip: int | None = None  # wei per gas to hand it in with; None for one's usual tip
