"""Steps: the calls that a sequence is made of."""

from __future__ import annotations

from typing import Any, NamedTuple


class Step(NamedTuple):
    """One call: who calls whom with which data and wei, and how long after the step before."""

    sender: bytes  # 20 bytes, of an account without code
    to: bytes  # 20 bytes
    data: bytes = b""
    value: int = 0  # wei
    wait: int = 0  # seconds since the step before; 0 is the same block

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it: bytes in hex, wei as text."""
        return {
            "sender": f"0x{self.sender.hex()}",
            "to": f"0x{self.to.hex()}",
            "data": f"0x{self.data.hex()}",
            "value": str(self.value),
            "wait": self.wait,
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> Step:
        """Return the step that a JSON document holds.

        Raises:
            KeyError: a field is missing.
            ValueError: a field is no hex, no number, or out of range.
        """
        sender, to, data = (bytes.fromhex(document[each].removeprefix("0x")) for each in ("sender", "to", "data"))
        value, wait = int(document["value"]), int(document["wait"])
        if len(sender) != 20 or len(to) != 20 or not 0 <= value < 2**256 or not 0 <= wait < 2**40:
            raise ValueError("a step has addresses of 20 bytes, wei of 256 bits and a wait of 40 bits")
        return cls(sender, to, data, value, wait)
