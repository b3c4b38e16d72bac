"""EVM programs, assembled by hand: what the conformance suite deploys needs no compiler."""

from __future__ import annotations

from typing import TypeAlias

Item: TypeAlias = str | int | bytes  # an opcode's name, a number or bytes to push

OPCODES = {
    "STOP": 0x00, "ADD": 0x01, "MUL": 0x02, "SUB": 0x03, "DIV": 0x04, "ISZERO": 0x15, "KECCAK256": 0x20,
    "ADDRESS": 0x30, "BALANCE": 0x31, "ORIGIN": 0x32, "CALLER": 0x33, "CALLVALUE": 0x34, "CALLDATALOAD": 0x35,
    "CALLDATASIZE": 0x36, "CALLDATACOPY": 0x37, "CODECOPY": 0x39, "GASPRICE": 0x3A, "RETURNDATASIZE": 0x3D,
    "RETURNDATACOPY": 0x3E, "EXTCODEHASH": 0x3F, "BLOCKHASH": 0x40, "COINBASE": 0x41, "TIMESTAMP": 0x42,
    "NUMBER": 0x43, "PREVRANDAO": 0x44, "GASLIMIT": 0x45, "CHAINID": 0x46, "SELFBALANCE": 0x47, "BASEFEE": 0x48,
    "POP": 0x50, "MLOAD": 0x51, "MSTORE": 0x52, "SLOAD": 0x54, "SSTORE": 0x55, "JUMP": 0x56, "JUMPI": 0x57, "GAS": 0x5A,
    "JUMPDEST": 0x5B, "TLOAD": 0x5C, "TSTORE": 0x5D, "DUP1": 0x80, "DUP2": 0x81, "SWAP1": 0x90, "LOG0": 0xA0,
    "LOG1": 0xA1, "LOG2": 0xA2, "LOG3": 0xA3, "LOG4": 0xA4, "CREATE": 0xF0, "CALL": 0xF1, "CALLCODE": 0xF2,
    "RETURN": 0xF3, "DELEGATECALL": 0xF4, "CREATE2": 0xF5, "STATICCALL": 0xFA, "REVERT": 0xFD, "INVALID": 0xFE,
    "SELFDESTRUCT": 0xFF,
}  # fmt: skip
PUSH0, WORD = 0x5F, 32
HALVE: tuple[Item, ...] = (2, "CALLVALUE", "DIV")  # pushes half of the value received


def assemble(*items: Item) -> bytes:
    """Return the bytecode of a program; numbers take the shortest PUSH."""
    code = bytearray()
    for item in items:
        if isinstance(item, str):
            code.append(OPCODES[item])
        else:
            word = item if isinstance(item, bytes) else item.to_bytes((item.bit_length() + 7) // 8, "big")
            code += bytes([PUSH0 + len(word)]) + word
    return bytes(code)


def in_memory(data: bytes) -> tuple[Item, ...]:
    """Write bytes to memory from 0 on."""
    words = (data[i : i + WORD].ljust(WORD, b"\0") for i in range(0, len(data), WORD))
    return tuple(item for i, word in enumerate(words) for item in (word, i * WORD, "MSTORE"))


def initcode(runtime: bytes, *first: Item) -> bytes:
    """Return a constructor that does `first`, then becomes `runtime`."""
    return assemble(*first, *in_memory(runtime), len(runtime), 0, "RETURN")


def calls(
    to: bytes, value: int | tuple[Item, ...] = 0, data: bytes = b"", gas: int | str = "GAS", kind: str = "CALL"
) -> tuple[Item, ...]:
    """Call `to` and leave on the stack whether it went well.

    Args:
        to: the address.
        value: wei, or what puts it on the stack.
        data: calldata.
        gas: that it may use; GAS for all that is left.
        kind: CALL, CALLCODE, DELEGATECALL or STATICCALL.
    """
    moves = value if isinstance(value, tuple) else (value,)
    if kind in {"DELEGATECALL", "STATICCALL"}:
        moves = ()
    return (*in_memory(data), 0, 0, len(data), 0, *moves, to, gas, kind)


def creates(init: bytes, value: int = 0, salt: int | None = None) -> tuple[Item, ...]:
    """Create a contract and leave its address on the stack, 0 if it failed.

    Args:
        init: the code of creation.
        value: wei.
        salt: of CREATE2; None for CREATE.
    """
    if salt is None:
        return (*in_memory(init), len(init), 0, value, "CREATE")
    return (*in_memory(init), salt, len(init), 0, value, "CREATE2")


def returns(*pushes: Item) -> tuple[Item, ...]:
    """Return the words that each of `pushes` (an opcode without operands, or a number) puts on the stack."""
    stores = tuple(item for i, push in enumerate(pushes) for item in (push, i * WORD, "MSTORE"))
    return (*stores, len(pushes) * WORD, 0, "RETURN")
