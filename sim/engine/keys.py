"""Addresses from names, and private keys from names: the same on every engine and every machine."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from eth_hash.auto import keccak

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Signature(NamedTuple):
    """A signature on secp256k1, as contracts take it."""

    v: int  # 27 or 28
    r: bytes  # 32 bytes
    s: bytes  # 32 bytes

    @property
    def packed(self) -> bytes:
        """The 65 bytes r, s, v."""
        return self.r + self.s + bytes([self.v])


SCHEMES = ("names", "keys")
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1


def key_of(name: str) -> bytes:
    """Return the private key of a name, 32 bytes: for simulations only, anybody can compute it."""
    return (int.from_bytes(keccak(b"slashpoint key: " + name.encode()), "big") % (ORDER - 1) + 1).to_bytes(32, "big")


@lru_cache(maxsize=4096)
def _private(name: str) -> Any:
    """Return a name's key as an object: making it multiplies on the curve, which takes milliseconds."""
    from eth_keys.datatypes import PrivateKey

    return PrivateKey(key_of(name))


def address_of(name: str, scheme: str = "names") -> bytes:
    """Return the address of a name, 20 bytes.

    Under `names` it is cut from the name's hash, and nobody has its key. Under `keys` it belongs to `key_of(name)`, so
    that signed transactions can come from it, at the cost of one multiplication on the curve.

    Args:
        name: of an account.
        scheme: names, by hashing it, or keys, by the private key that comes from it.

    Raises:
        ValueError: the scheme is unknown.
    """
    match scheme:
        case "names":
            return keccak(name.encode())[12:]
        case "keys":
            return bytes(_private(name).public_key.to_canonical_address())
        case _:
            raise ValueError(f"addresses come from {' or '.join(SCHEMES)}, not from {scheme!r}")


@lru_cache(maxsize=65_536)
def sign(name: str, digest: bytes) -> Signature:
    """Sign a digest with the key of a name: the same signature each time (RFC 6979).

    Args:
        name: of an account whose address comes from its key.
        digest: 32 bytes.
    """
    signature = _private(name).sign_msg_hash(digest)
    r, s = (number.to_bytes(32, "big") for number in (signature.r, signature.s))
    return Signature(signature.v + 27, r, s)


def typed_digest(
    domain: Mapping[str, Any], name: str, fields: Sequence[tuple[str, str]], values: Sequence[Any]
) -> bytes:
    """Return the digest of a structure that people sign, 32 bytes (EIP-712).

    Args:
        domain: name, version, chainId and verifyingContract.
        name: of the structure.
        fields: its (name, type) pairs.
        values: one a field; bytes for addresses.
    """
    from eth_account.messages import encode_typed_data

    types = {name: [{"name": field, "type": kind} for field, kind in fields]}
    signable = encode_typed_data(dict(domain), types, dict(zip((field for field, _ in fields), values, strict=True)))
    return bytes(keccak(b"\x19" + signable.version + signable.header + signable.body))
