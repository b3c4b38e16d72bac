"""Random EVM programs: short, nested, and fond of the corners where two engines may disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

T = TypeVar("T")

# Arguments, the stack's top first, and how many results it leaves. w is a word, a an address, o an offset or size,
# s a slot, t a transient slot, n a block number
STEPS: dict[int, tuple[str, int]] = {
    **dict.fromkeys(bytes.fromhex("01020304050607 0a0b 1011121314 161718 1a1b1c1d"), ("ww", 1)),  # arithmetic
    **dict.fromkeys(bytes.fromhex("0809"), ("www", 1)),  # ADDMOD MULMOD
    **dict.fromkeys(bytes.fromhex("1519"), ("w", 1)),  # ISZERO NOT
    0x20: ("oo", 1),  # KECCAK256
    **dict.fromkeys(bytes.fromhex("313b3f"), ("a", 1)),  # BALANCE EXTCODESIZE EXTCODEHASH
    **dict.fromkeys(bytes.fromhex("30323334 36383a3d 4142434445464748 4a 58595a"), ("", 1)),  # its surroundings
    **dict.fromkeys(bytes.fromhex("354951"), ("o", 1)),  # CALLDATALOAD BLOBHASH MLOAD
    **dict.fromkeys(bytes.fromhex("37395e"), ("ooo", 0)),  # CALLDATACOPY CODECOPY MCOPY
    0x3C: ("aooo", 0),  # EXTCODECOPY
    0x40: ("n", 1),  # BLOCKHASH
    **dict.fromkeys(bytes.fromhex("5253"), ("ow", 0)),  # MSTORE MSTORE8
    0x54: ("s", 1),  # SLOAD
    0x55: ("sw", 0),  # SSTORE
    0x5C: ("t", 1),  # TLOAD
    0x5D: ("tw", 0),  # TSTORE
    **{0xA0 + topics: ("oo" + "w" * topics, 0) for topics in range(5)},  # LOG0 ... LOG4
}
STATEFUL = bytes.fromhex("31 3b 3f 54 54 5c 5c 5d 5d")  # what reads and warms accounts and slots, and what is transient
ODD = bytes.fromhex("0c1e3efe508090565b5fef")  # invalid in some fork, out of bounds, or out of step with the stack
STOP, POP, SSTORE, GAS, RETURN, REVERT, INVALID, SELFDESTRUCT = (bytes((op,)) for op in b"\x00PUZ\xf3\xfd\xfe\xff")
CALL, CALLCODE, DELEGATECALL, STATICCALL, CREATE, CREATE2 = (bytes((op,)) for op in b"\xf1\xf2\xf4\xfa\xf0\xf5")
WORDS = (0, 1, 2, 31, 32, 255, 256, 2**64, 2**160, 2**255, 2**255 - 1, 2**256 - 2, 2**256 - 1)
SLOTS = 4  # programs use the slots below


def push(value: int | bytes) -> bytes:
    """Return the shortest PUSH of a number, or one of exactly these bytes."""
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big") if isinstance(value, int) else value
    return bytes((0x5F + len(raw),)) + raw


def deployer(runtime: bytes) -> bytes:
    """Return initcode that returns `runtime`."""
    return b"\x61" + len(runtime).to_bytes(2, "big") + bytes.fromhex("80600a5f395ff3") + runtime


class Author:
    """Writes programs that call, pay, inspect and leave their wei to `addresses`, and most often to `contracts`."""

    def __init__(self, rng: np.random.Generator, addresses: Sequence[bytes], contracts: Sequence[bytes]) -> None:
        self._rng, self._addresses, self._contracts = rng, addresses, contracts

    def program(self, depth: int = 2) -> bytes:
        """Return a random program; those of the contracts that it creates are embedded, at most `depth` deep."""
        code = b""
        for _ in range(self._below(7) + 1):
            code += self._guarded(depth, len(code)) if self._chance(0.3) else self._step(depth)
        return code + self._ending()

    def word(self) -> int:
        """Return a number of at most 256 bits, often an extreme one."""
        if self._chance(0.5):
            return self._pick(WORDS)
        return self._below(1_000) if self._chance(0.6) else int.from_bytes(self._rng.bytes(32), "big")

    def _guarded(self, depth: int, at: int) -> bytes:
        """Return steps that are done only if a bit of the calldata is set, or several times."""
        body = b"".join(self._step(depth) for _ in range(self._below(3) + 1))
        if self._chance(0.7):
            body += self._ending() if self._chance(0.2) else b""
            unset = push(1 << self._below(8)) + push(self._below(8)) + bytes.fromhex("355f1a1615")
            after = at + len(unset) + 4 + len(body)
            return unset + push(after.to_bytes(2, "big")) + b"\x57" + body + b"\x5b"
        count = push(self._below(5) + 1)
        again = bytes.fromhex("6001900380") + push((at + len(count)).to_bytes(2, "big")) + b"\x57"
        return count + b"\x5b" + body + again + POP

    def _step(self, depth: int) -> bytes:
        """Return something that, mostly, leaves the stack as it was."""
        kind = self._rng.random()
        if kind < 0.25:
            return self._call()
        if kind < 0.35 and depth:
            return self._create(depth)
        if kind < 0.47:
            return push(self.word() if self._chance(0.4) else 0) + self._slot() + SSTORE
        if kind < 0.48:
            return bytes((self._pick(ODD),))
        opcode = self._pick(STATEFUL if kind < 0.75 else tuple(STEPS))
        arguments, left = STEPS[opcode]
        code = b"".join(map(self._argument, reversed(arguments))) + bytes((opcode,))
        return code + (self._keep() if left else b"")

    def _argument(self, kind: str) -> bytes:
        if self._chance(0.02):
            return push(self.word())  # whatever was wanted
        match kind:
            case "a":
                return self._address()
            case "o":
                return push(self._below(100) if self._chance(0.98) else self._below(20_000))
            case "s":
                return self._slot()
            case "t":
                return push(self._below(2))
            case "n":
                return bytes.fromhex("60014303") if self._chance(0.5) else push(self._below(300))
        return push(self.word()) if self._chance(0.8) else bytes.fromhex("5f35")

    def _keep(self) -> bytes:
        """Return what consumes a result: forget it, store it, or log it as data or topic."""
        return self._pick((POP, self._slot() + SSTORE, bytes.fromhex("5f5260205fa0"), bytes.fromhex("60205fa1")))

    def _call(self) -> bytes:
        opcode = self._pick((CALL, CALL, CALL, CALLCODE, DELEGATECALL, STATICCALL))
        code = push(self._rng.bytes(32)) + bytes.fromhex("5f52")  # its calldata decides what the callee does
        code += b"".join(push(self._below(65)) for _ in range(4))
        code += self._wei() if opcode in (CALL, CALLCODE) else b""
        gas = GAS if self._chance(0.7) else push(self._pick((0, 700, 2_300, 9_000, 30_000, 100_000)))
        return code + self._address() + gas + opcode + self._keep()

    def _create(self, depth: int) -> bytes:
        inner = self.program(depth - 1) if self._chance(0.7) else self._bequest()
        initcode = deployer(inner) if self._chance(0.7) else inner
        code = b""
        for at in range(0, len(initcode), 32):
            code += push(initcode[at : at + 32].ljust(32, b"\0")) + push(at) + b"\x52"
        salt = push(self._below(2)) if self._chance(0.6) else b""  # few, so that addresses collide
        code += salt + push(len(initcode)) + push(0) + self._wei() + (CREATE2 if salt else CREATE)
        for _ in range(self._below(3)):  # call what was created, perhaps with wei
            code += bytes.fromhex("5f5f60205f") + self._wei() + b"\x85" + GAS + CALL + POP
        return code + self._keep()

    def _ending(self) -> bytes:
        kind = self._rng.random()
        if kind < 0.2:
            return self._bequest()
        if kind < 0.22:
            return INVALID
        return STOP if kind < 0.5 else push(self._below(70)) + push(0) + (REVERT if kind < 0.7 else RETURN)

    def _bequest(self) -> bytes:
        return (self._address() if self._chance(0.7) else b"\x30") + SELFDESTRUCT

    def _address(self) -> bytes:
        kind = self._rng.random()
        if kind < 0.8:
            return push(self._pick(self._contracts if self._contracts and kind < 0.5 else self._addresses))
        # itself, its caller, the coinbase, the origin, what the calldata says
        return self._pick((b"\x30", b"\x33", b"\x41", b"\x32", bytes.fromhex("5f35")))

    def _wei(self) -> bytes:
        if self._chance(0.95):
            return push(0) if self._chance(0.4) else push(self._below(1_000))
        return self._pick((b"\x47", b"\x34", push(2**100)))  # all it has, what it got, more than there is

    def _slot(self) -> bytes:
        return push(self._below(SLOTS))

    def _below(self, bound: int) -> int:
        return int(self._rng.integers(bound))

    def _chance(self, probability: float) -> bool:
        return bool(self._rng.random() < probability)

    def _pick(self, among: Sequence[T]) -> T:
        return among[self._below(len(among))]
