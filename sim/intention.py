"""An intention: what somebody wants a block to take, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from slashpoint.sim.engine import Tx

if TYPE_CHECKING:
    from slashpoint.sim.contract import Call, Revert
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.script import Wait


class Owner(Protocol):
    """The person behind an account, as far as the machine needs to know."""

    @property
    def attacker(self) -> bool:
        """Return whether this person plays an attack."""
        ...

    @property
    def strategy(self) -> str:
        """Return honest, or the attacks that it plays."""
        ...


class Sender(Protocol):
    """An account, as far as the machine needs to know."""

    name_code: int  # of its name among the ledger's
    executed: int  # transactions that ran

    @property
    def name(self) -> str:
        """Return its name, such as trainer/3."""
        ...

    @property
    def address(self) -> bytes:
        """Return the 20 bytes of its address."""
        ...

    @property
    def role(self) -> str:
        """Return the role that it plays, several joined by +."""
        ...

    @property
    def roles(self) -> list[str]:
        """Return the roles that it plays."""
        ...

    @property
    def controller(self) -> str:
        """Return the name of the person behind it."""
        ...

    @property
    def person(self) -> Owner:
        """Return the person behind it."""
        ...


class Signatory(Sender, Protocol):
    """An account that sends transactions one by one."""

    next_nonce: int
    latency: int  # nanoseconds

    @property
    def rank(self) -> int:
        """Return what breaks ties between it and others."""
        ...


@dataclass(slots=True)
class Receipt:
    """What became of an intention. A revert is data, and so is having been dropped."""

    ok: bool
    gas: int = 0  # used
    fee: int = 0  # wei, all fees together
    block: int = -1
    time: float = 0.0  # Unix seconds
    revert: Revert | None = None
    events: tuple[Fact, ...] = ()
    dropped: str = ""  # why it never got into a block


@dataclass(slots=True, eq=False)
class Pending:
    """An intention on its way into a block."""

    account: Signatory  # who signed it
    call: Call
    tip: int  # wei per gas
    max_fee: int  # wei per gas
    nonce: int
    sent: int  # nanoseconds
    arrival: int  # nanoseconds
    by: int | None  # nanoseconds: worthless from then on
    done: Wait
    why: str = ""  # the duties that led to it
    replaces: Wait | None = None  # what sending another gave, whose nonce it takes
    moot: bool = False  # another of its nonce stands for it

    def signed(self) -> Tx:
        """Return the transaction as the engine takes it."""
        call = self.call
        return Tx(self.account.address, call.to, call.data, call.value, call.gas, self.max_fee, self.tip, self.nonce)


class Poke(NamedTuple):
    """What became of a call that anybody may make to move a job on."""

    pending: Pending
    failure: str  # why it failed; empty where it did not
    dropped: bool = False  # before a block had it
