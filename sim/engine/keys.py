"""Addresses from names, and private keys from names: the same on every engine and every machine."""

from __future__ import annotations

from eth_hash.auto import keccak

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
