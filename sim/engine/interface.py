"""The interface of an EVM: ordered batches of transactions in, columns of receipts and transfers out.

The engine enforces nonces, the block gas limit and intrinsic validity. `Chain` orders transactions, owns the
clock and computes the next base fee. Whatever implements `Engine` must pass `slashpoint.testing.check_engine`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    from web3 import Web3

    from slashpoint.sim.engine.columns import CallColumns

ZERO_ADDRESS = bytes(20)
# keccak-256 of Transfer(address,address,uint256)
ERC20_TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")


class Status(IntEnum):
    """How a transaction ended, or why it was not executed."""

    REVERTED = 0  # executed, undone by REVERT; its output is the revert data
    SUCCESS = 1
    HALTED = 2  # executed, undone by an exceptional halt (out of gas, invalid opcode …); all its gas is used
    DEFERRED = 3  # not executed: it did not fit what was left of the block, or an earlier nonce is missing
    INVALID = 4  # not executed: it can never be (nonce used, cannot pay, under the intrinsic gas …)


class Movement(IntEnum):
    """What moved wei inside a transaction."""

    CALL = 0  # the transaction's own value, or a CALL with value
    CREATE = 1
    SELFDESTRUCT = 2
    BURN = 3  # wei destroyed with an account


class Tx(NamedTuple):
    """One transaction; `to` is None for a creation. Amounts in wei, gas in units of gas."""

    sender: bytes  # 20 bytes
    to: bytes | None  # 20 bytes
    data: bytes = b""
    value: int = 0
    gas: int = 21_000  # the gas limit that it declares
    max_fee: int = 0  # per gas
    tip: int = 0  # max priority fee per gas
    nonce: int = 0
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...] = ()


class BlockContext(NamedTuple):
    """What the EVM may know of the block that it runs."""

    number: int
    timestamp: int  # Unix seconds
    base_fee: int  # wei per gas
    gas_limit: int
    coinbase: bytes = ZERO_ADDRESS
    prevrandao: bytes = bytes(32)
    hashes: bytes = b""  # of the blocks before, 32 bytes each, the youngest last: BLOCKHASH is 0 beyond them

    def ancestors(self) -> Iterator[bytes]:
        """Return the hashes one by one, the youngest first."""
        return (self.hashes[end - 32 : end] for end in range(len(self.hashes), 31, -32))


class Log(NamedTuple):
    """One event as the EVM wrote it."""

    tx: int  # index in the block's batch
    address: bytes
    topics: tuple[bytes, ...]  # 32 bytes each
    data: bytes


class Transfer(NamedTuple):
    """One movement of wei at any call depth that was not undone; zero values and self-transfers left out."""

    tx: int  # index in the block's batch
    kind: Movement
    sender: bytes
    receiver: bytes  # ZERO_ADDRESS for BURN
    wei: int


class TokenTransfers(NamedTuple):
    """What ERC-20 contracts say was transferred, in columns; zero values and self-transfers left out."""

    tx: list[int]  # index in the block's batch
    token: list[int]  # which of the contracts that were asked for
    sender: list[bytes]
    receiver: list[bytes]
    amount: list[int]


@dataclass(slots=True)
class BlockResult:
    """What a batch did: column i of each array is transaction i. Fees are not transfers: they follow from `gas`."""

    status: npt.NDArray[np.uint8]  # shape (n,), of Status
    gas: npt.NDArray[np.uint64]  # shape (n,), gas used; 0 where not executed
    output: Sequence[bytes]  # return data, revert data, or the 20-byte address of a created contract
    logs: Sequence[Log] = ()
    transfers: Sequence[Transfer] = ()
    reasons: dict[int, str] = field(default_factory=dict)  # why: HALTED, DEFERRED and INVALID only

    def token_transfers(self, tokens: Sequence[bytes]) -> tuple[TokenTransfers, list[tuple[int, Log]]]:
        """Return what the ERC-20 contracts at `tokens` moved, and all other events with their places."""
        moved, others = [], []
        for place, log in enumerate(self.logs):
            topics = log.topics
            if len(topics) != 3 or topics[0] != ERC20_TRANSFER or len(log.data) != 32 or log.address not in tokens:
                others.append((place, log))
            elif (amount := int.from_bytes(log.data, "big")) and topics[1][12:] != topics[2][12:]:
                moved.append((log.tx, tokens.index(log.address), topics[1][12:], topics[2][12:], amount))
        columns = map(list, zip(*moved, strict=True)) if moved else ([], [], [], [], [])
        return TokenTransfers(*columns), others


class CallResult(NamedTuple):
    """The outcome of a call that leaves no trace."""

    status: Status
    gas: int
    output: bytes
    reason: str = ""
    logs: tuple[Log, ...] = ()


class Engine(Protocol):
    """An EVM with accounts, nonces and exact gas. One engine per thread."""

    name: str
    fork: str  # "prague", …

    def run_block(self, context: BlockContext, txs: Sequence[Tx]) -> BlockResult:
        """Execute `txs` in order as one block; each transaction is final before the next begins.

        A transaction whose declared gas exceeds what the block has left (limit - gas used so far) is DEFERRED, and so
        is one whose nonce is ahead of its account's; execution goes on with the next. Checks come in this order: room
        in the block, what the transaction can never be (its tip, fee, a nonce of 2^64 - 1, initcode, intrinsic gas),
        its sender's code, its nonce, its sender's funds.

        Args:
            context: what the EVM may know of the block.
            txs: in the order in which they run.

        Raises:
            OverflowError: a number is negative or too large for its field (gas and nonce 64 bits, max fee and tip 128,
                value 256); nothing was executed.
            ValueError: an address has not 20 bytes; nothing was executed.
        """
        ...

    def call(self, tx: Tx, context: BlockContext | None = None) -> CallResult:
        """Execute without a trace, free of fees and of the nonce and balance checks on fees.

        `context` is the block that it pretends to be in: by default the one that ran last. Raises as `run_block` does.

        Args:
            tx: what is tried.
            context: the block that it pretends to be in: by default the one that ran last.
        """
        ...

    def fund(self, address: bytes, wei: int) -> None:
        """Set a balance: at the genesis, and between two blocks where a rollup takes its second fee.

        Args:
            address: 20 bytes.
            wei: what it then has.

        Raises:
            OverflowError: it is negative, or does not fit 256 bits.
        """
        ...

    def place(self, address: bytes, *, nonce: int = 0, code: bytes = b"", storage: Mapping[int, int] = {}) -> None:
        """Set the nonce, the code and the whole storage of an account: for the genesis only. Its balance stays.

        Args:
            address: 20 bytes.
            nonce: that it uses next.
            code: of a contract; empty for none.
            storage: word by slot; all others are zero.

        Raises:
            OverflowError: the nonce does not fit 64 bits, or a slot or a word does not fit 256.
            ValueError: since Prague, the code is a delegation (EIP-7702): such accounts are not known here.
        """
        ...

    def balance(self, address: bytes) -> int:
        """Return the wei of an account."""
        ...

    def nonce(self, address: bytes) -> int:
        """Return the nonce that an account uses next."""
        ...

    def balances(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the wei of many accounts, in their order."""
        ...

    def nonces(self, addresses: Sequence[bytes]) -> list[int]:
        """Return the next nonces of many accounts, in their order."""
        ...

    def code(self, address: bytes) -> bytes:
        """Return the code of a contract; empty for others."""
        ...

    def storage(self, address: bytes, slot: int) -> int:
        """Return one word of a contract's storage.

        Args:
            address: 20 bytes.
            slot: number of the word.
        """
        ...

    def state_root(self) -> bytes:
        """Return the root hash of the state, 32 bytes. Slow: it hashes all accounts."""
        ...

    def snapshot(self) -> int:
        """Remember the state and which block ran last, for `restore`. Cheap; many may be alive at once."""
        ...

    def restore(self, snapshot: int) -> None:
        """Go back to a snapshot, which stays usable; younger ones are forgotten.

        Raises:
            KeyError: it was forgotten, or never taken.
        """
        ...


@runtime_checkable
class ByColumns(Protocol):
    """An engine that takes a batch by columns too."""

    def run_columns(self, context: BlockContext, calls: CallColumns) -> BlockResult:
        """Run a block whose transactions come in columns, as `Engine.run_block` runs them.

        Args:
            context: what the EVM may know of the block.
            calls: in the order in which they run.
        """
        ...


@runtime_checkable
class Signer(Protocol):
    """An engine whose transactions are signed: it must know the keys of those who send them."""

    def learn(self, *names: str | bytes) -> None:
        """Sign for the accounts whose addresses come from the keys of these names, or from these private keys."""
        ...

    def web3(self) -> Web3:
        """Return a web3.py client of this very chain."""
        ...
