"""The tree of calls of one transaction, as py-evm executed it."""

from __future__ import annotations

from typing import Any, NamedTuple


class FrameLog(NamedTuple):
    """An event that a frame emitted, undone or not."""

    number: int  # among those of the transaction, undone ones too
    address: bytes  # of the contract, 20 bytes
    topics: tuple[bytes, ...]  # 32 bytes each
    data: bytes


class CallFrame(NamedTuple):
    """One call, with those that it made."""

    kind: str  # call, delegatecall (another's code on its own storage), create
    sender: bytes  # 20 bytes
    to: bytes  # whose storage it works on; of a creation, the new contract
    code: bytes  # whose code runs: another's than `to` in a delegatecall
    static: bool  # whether it may change nothing
    value: int  # wei
    data: bytes  # calldata; of a creation, the initcode
    gas: int  # used by it and those below, refunds not taken off
    output: bytes  # return data or revert data
    error: str  # how it failed, in py-evm's word, such as Revert or OutOfGas; empty where it succeeded
    logs: tuple[FrameLog, ...]  # its own
    calls: tuple[CallFrame, ...]

    @property
    def ok(self) -> bool:
        """Return whether it succeeded by itself: what is above it may still have undone it."""
        return not self.error


def call_tree(frame: Any) -> CallFrame:
    """Return the tree of calls below one of py-evm's frames, executed, and of that frame."""
    message = frame.msg
    kind = (
        "create" if message.is_create else "call" if message.code_address == message.storage_address else "delegatecall"
    )
    own = tuple(
        FrameLog(number, address, tuple(topic.to_bytes(32, "big") for topic in topics), data)
        for number, address, topics, data in frame._log_entries  # noqa: SLF001 - its getter adds those below
    )
    error = type(frame.error).__name__ if frame.is_error else ""
    return CallFrame(
        kind, bytes(message.sender), bytes(message.storage_address), bytes(message.code_address or b""),
        bool(message.is_static), message.value, message.code if message.is_create else message.data_as_bytes,
        message.gas - frame.get_gas_remaining(), bytes(frame.output), error,
        own, tuple(map(call_tree, frame.children)),
    )  # fmt: skip
