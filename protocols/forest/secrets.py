"""Secrets: records as ciphertext in the content store, each packet with a key of its own.

The keys are with the workers of a model (the assumption that makes encrypted records poolable at all), and with whoever
an owner's grant lets read at the moment of asking. What somebody has read it has, whatever is revoked later; of what
comes later it gets no key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


def crypted(content: bytes, key: bytes) -> bytes:
    """Return the ciphertext of a content, or the content of a ciphertext: XOR with SHA-256 in counter mode.

    Args:
        content: any bytes.
        key: 32 bytes, for this content only.
    """
    blocks = -(-len(content) // 32)
    stream = b"".join(hashlib.sha256(key + place.to_bytes(8, "big")).digest() for place in range(blocks))
    return bytes(a ^ b for a, b in zip(content, stream))


@dataclass
class KeyRing:
    """Who has which key: what happens between owners and readers outside the chain."""

    keys: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)  # by CID: the owner's address and the key

    def adds(self, cid: bytes, owner: bytes, key: bytes) -> None:
        """Keep the key of a ciphertext for its owner.

        Args:
            cid: of the ciphertext.
            owner: an address.
            key: 32 bytes.
        """
        self.keys[cid] = owner, key

    def drops(self, cid: bytes) -> None:
        """Destroy a key, which nobody gets any more."""
        self.keys.pop(cid, None)
