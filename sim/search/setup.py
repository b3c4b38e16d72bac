"""Setups: contracts, accounts and a clock, from which sequences are played."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from slashpoint.sim.engine import BlockContext, Status, Tx

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slashpoint.sim.contract import Contract
    from slashpoint.sim.engine import Engine, Log, Transfer
    from slashpoint.sim.search.step import Step

GAS = 12_000_000  # that each step declares; a third of a block
BLOCK_GAS = 30_000_000_000  # nothing is left out for lack of room
SECONDS_A_BLOCK = 12


class Played(NamedTuple):
    """What one step did."""

    step: Step
    status: Status
    gas: int
    output: bytes  # return data or revert data
    reason: str  # why it halted, or could not be executed
    logs: tuple[Log, ...]
    transfers: tuple[Transfer, ...]  # every movement of wei

    @property
    def ok(self) -> bool:
        """Return whether it succeeded."""
        return self.status == Status.SUCCESS


@dataclass
class Setup:
    """Contracts that stand, accounts that hold money, and the time: what every sequence begins from.

    Gas is counted and costs nothing, so that what an account holds changes by what the contracts do alone.
    """

    engine: Engine
    contracts: dict[str, Contract]  # by name; all their functions may be called
    accounts: dict[str, bytes]  # by name: 20 bytes; the first is the deployer
    now: int  # Unix seconds, of the block that ran last
    number: int = 1  # of that block
    tokens: tuple[str, ...] = ()  # names of those contracts that are ERC-20 tokens
    puppet: str = ""  # the name of the contract through which an attacker may be called back; it is in `contracts`
    _marks: list[tuple[int, int, int]] = field(default_factory=list, repr=False)

    def context(self, wait: int = 0) -> BlockContext:
        """Return the block that runs `wait` seconds after the last one; 0 is the same block once more."""
        number = self.number + -(-wait // SECONDS_A_BLOCK)
        return BlockContext(number, self.now + wait, 0, BLOCK_GAS, prevrandao=number.to_bytes(32, "big"))

    def play(self, step: Step) -> Played:
        """Execute one step as a block of its own."""
        context = self.context(step.wait)
        nonce = self.engine.nonce(step.sender)
        tx = Tx(step.sender, step.to, step.data, step.value, GAS, nonce=nonce)
        result = self.engine.run_block(context, [tx])
        self.now, self.number = context.timestamp, context.number
        status = Status(int(result.status[0]))
        logs, transfers = tuple(result.logs), tuple(result.transfers)
        return Played(step, status, int(result.gas[0]), result.output[0], result.reasons.get(0, ""), logs, transfers)

    def play_all(self, steps: Iterable[Step]) -> Iterator[Played]:
        """Execute steps one after the other."""
        return map(self.play, steps)

    def ask(self, to: bytes, data: bytes, sender: bytes = bytes(20)) -> tuple[bool, bytes]:
        """Return whether a call that leaves no trace succeeds, and what it returns.

        Args:
            to: whom it calls, 20 bytes.
            data: calldata.
            sender: who seems to ask, 20 bytes.
        """
        result = self.engine.call(Tx(sender, to, data, gas=GAS), self.context())
        return result.status == Status.SUCCESS, result.output

    def mark(self) -> None:
        """Remember this moment for `back`."""
        self._marks.append((self.engine.snapshot(), self.now, self.number))

    def back(self, *, keep: bool = False) -> None:
        """Go back to the youngest mark, and forget it unless it is to be kept."""
        snapshot, self.now, self.number = self._marks[-1] if keep else self._marks.pop()
        self.engine.restore(snapshot)

    def stay(self) -> None:
        """Forget the youngest mark, and go on from here."""
        self._marks.pop()

    def worth(self, account: bytes) -> dict[str, int]:
        """Return what an account holds: wei under "wei", and each token under its name."""
        held = {"wei": self.engine.balance(account)}
        for name in self.tokens:
            token = self.contracts[name]
            ok, answer = self.ask(token.address_, BALANCE_OF + account.rjust(32, b"\0"))
            held[name] = int.from_bytes(answer[:32], "big") if ok else 0
        return held


BALANCE_OF = bytes.fromhex("70a08231")  # balanceOf(address)
