"""Inputs for the precompiled contracts: valid, at the edge, and damaged."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

ADDRESSES = tuple(number.to_bytes(20, "big") for number in (*range(1, 0x12), 0x100))
_G1 = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")  # alt_bn128's generator
_G1_NEGATED = _G1[:32] + bytes.fromhex("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45")
_G2 = bytes.fromhex(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
)
_BLS_G1 = bytes.fromhex(
    "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    "0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
)
_BLS_G2 = bytes.fromhex(
    "00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    "0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
    "000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"
)
_P256 = bytes.fromhex(  # hash, r, s, x, y of a valid signature
    "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d"
    "a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac"
    "36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60"
    "4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3"
    "7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e"
)


def calldata(rng: np.random.Generator, number: int) -> bytes:
    """Return input for the precompiled contract at address `number`: one in three is damaged.

    Args:
        rng: the generator.
        number: the contract's address.
    """
    data = _valid(rng, number)
    kind = rng.random()
    if kind < 0.1 and data:
        at = int(rng.integers(len(data)))
        return data[:at] + bytes((data[at] ^ 1 << int(rng.integers(8)),)) + data[at + 1 :]
    if kind < 0.2:
        return data[: int(rng.integers(len(data) + 1))]
    return data + rng.bytes(int(rng.integers(70))) if kind < 0.3 else data


def _valid(rng: np.random.Generator, number: int) -> bytes:
    scalar = (bytes(32), bytes(31) + b"\1", bytes(31) + b"\7", rng.bytes(32), b"\xff" * 32)[rng.integers(5)]
    pairs = int(rng.integers(3))
    match number:
        case 1:  # recovery: half of all r are on the curve
            return rng.bytes(32) + bytes(31) + bytes((27 + int(rng.integers(2)),)) + rng.bytes(64)
        case 5:
            return _modexp(rng)
        case 6:
            return _either(rng, _G1, bytes(64)) + _either(rng, _G1_NEGATED, _G1)
        case 7:
            return _either(rng, _G1, _G1_NEGATED) + scalar
        case 8:
            return (_G1 + _G2 + _either(rng, _G1_NEGATED, _G1) + _G2, b"", bytes(192))[pairs]
        case 9:
            return int(rng.integers(30)).to_bytes(4, "big") + rng.bytes(208) + bytes((int(rng.integers(2)),))
        case 10:  # the polynomial 0 is 0 everywhere, and so is its proof
            infinity = b"\xc0" + bytes(47)
            return b"\1" + sha256(infinity).digest()[1:] + bytes(31) + rng.bytes(1) + bytes(32) + infinity * 2
        case 11:
            return _either(rng, _BLS_G1, bytes(128)) + _BLS_G1
        case 12:
            return (_either(rng, _BLS_G1, bytes(128)) + scalar) * (pairs + 1)
        case 13:
            return _either(rng, _BLS_G2, bytes(256)) + _BLS_G2
        case 14:
            return (_either(rng, _BLS_G2, bytes(256)) + scalar) * (pairs + 1)
        case 15:
            return (_BLS_G1 + _BLS_G2, _BLS_G1 + bytes(256), bytes(384))[pairs]
        case 16:
            return bytes(17) + rng.bytes(47)
        case 17:
            return (bytes(17) + rng.bytes(47)) * 2
        case 0x100:
            return _P256
    return rng.bytes(int(rng.integers(300)))


def _modexp(rng: np.random.Generator) -> bytes:
    """Return the input of EIP-198: three lengths, base, exponent, modulus."""
    lengths = [(0, 0, 1, 2, 31, 32, 33, 96)[rng.integers(8)] for _ in range(3)]
    body = b"".join(rng.bytes(length) if rng.random() < 0.7 else bytes(length) for length in lengths)
    return b"".join(length.to_bytes(32, "big") for length in lengths) + body


def _either(rng: np.random.Generator, one: bytes, other: bytes) -> bytes:
    return one if rng.random() < 0.5 else other
