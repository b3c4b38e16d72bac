"""The content store: bytes found by their hash, for as long as somebody pins them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CID_SIZE = 32  # bytes: a SHA-256, which fits a contract's bytes32


class ContentError(LookupError):
    """Content that is not there, or not pinned by who lets go of it."""


def cid(content: bytes) -> bytes:
    """Return the content identifier: SHA-256, 32 bytes. Anybody can compute it without making the content available."""
    return sha256(content).digest()


class ContentStore:
    """What is available to everybody, and thanks to whom. Who pins pays for the storage elsewhere, in the books."""

    def __init__(self) -> None:
        self._contents: dict[bytes, bytes] = {}
        self._pins: dict[bytes, dict[str, None]] = {}  # in the order of pinning, so that runs repeat

    def put(self, content: bytes, by: str) -> bytes:
        """Make content available, pinned by `by`; returns its identifier.

        Args:
            content: the bytes.
            by: the name of who pins it.
        """
        key = cid(content)
        self._contents[key] = bytes(content)
        self._pins.setdefault(key, {})[by] = None
        return key

    def get(self, key: bytes) -> bytes | None:
        """Return the content, or None when nobody pins it."""
        return self._contents.get(_checked(key))

    def pin(self, key: bytes, by: str) -> None:
        """Keep available what somebody else made so.

        Args:
            key: the content identifier, 32 bytes.
            by: the name of who pins it.

        Raises:
            ContentError: nobody pins it any more, so there is nothing to copy.
        """
        if _checked(key) not in self._contents:
            raise ContentError(f"{by} cannot pin 0x{key.hex()}: nobody has it available; put the content instead")
        self._pins[key][by] = None

    def unpin(self, key: bytes, by: str) -> None:
        """Let go of content; without a last pin it is gone.

        Args:
            key: the content identifier, 32 bytes.
            by: the name of who pinned it.

        Raises:
            ContentError: `by` does not pin it.
        """
        pins = self._pins.get(_checked(key), {})
        if by not in pins:
            raise ContentError(f"{by} does not pin 0x{key.hex()}; {', '.join(pins) or 'nobody'} does")
        del pins[by]
        if not pins:
            del self._pins[key], self._contents[key]

    def size(self, key: bytes) -> int:
        """Return the bytes of the content; 0 when it is not available."""
        return len(self._contents.get(_checked(key), b""))

    def pinned_by(self, key: bytes) -> tuple[str, ...]:
        """Return who keeps it available, in the order in which they began."""
        return tuple(self._pins.get(_checked(key), ()))

    def __iter__(self) -> Iterator[bytes]:
        """Yield the identifiers of all that is available, the oldest first."""
        return iter(tuple(self._contents))

    def __len__(self) -> int:
        return len(self._contents)

    def __contains__(self, key: bytes) -> bool:
        return key in self._contents


def _checked(key: bytes) -> bytes:
    if len(key) != CID_SIZE:
        raise ValueError(f"{key!r} is no content identifier: that is the {CID_SIZE} bytes of a SHA-256")
    return key
