"""Addresses from names, and private keys from names: the same on every engine and every machine."""

from __future__ import annotations

from typing import NamedTuple

from eth_hash.auto import keccak


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
            from eth_keys.datatypes import PrivateKey

            return PrivateKey(key_of(name)).public_key.to_canonical_address()
        case _:
            raise ValueError(f"addresses come from {' or '.join(SCHEMES)}, not from {scheme!r}")


def sign(name: str, digest: bytes) -> Signature:
    """Sign a digest with the key of a name: the same signature each time (RFC 6979).

    Args:
        name: of an account whose address comes from its key.
        digest: 32 bytes.
    """
    from eth_keys.datatypes import PrivateKey

    signature = PrivateKey(key_of(name)).sign_msg_hash(digest)
    r, s = (number.to_bytes(32, "big") for number in (signature.r, signature.s))
    return Signature(signature.v + 27, r, s)
