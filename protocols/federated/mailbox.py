"""Mailbox: messages to sponsors outside the chain, read one after the other by somebody with little time.

Source: DeML's web3inbox. Whoever writes a lot keeps others waiting; a price or a limit is what that costs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple


class Message(NamedTuple):
    """One message to a sponsor, and when it is answered."""

    time: float  # Unix seconds
    sender: str
    job: str  # key
    text: bytes


@dataclass
class Mailbox:
    """The inbox of all sponsors of a market."""

    reading: float  # seconds that the sponsor of a job takes for a message
    limit: int = 0  # messages from one account about one job; 0 is no limit
    messages: list[Message] = field(default_factory=list)
    _sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    _busy: dict[str, float] = field(default_factory=dict)  # job's key → until when its sponsor reads

    def asks(self, now: float, sender: str, job: str, text: bytes) -> float | None:
        """Write to a job's sponsor.

        Args:
            now: Unix seconds.
            sender: the account's name.
            job: the job's key.
            text: the message.

        Returns:
            When the answer comes, Unix seconds; None when the sender has written too often.
        """
        if self.limit and self._sent[sender, job] >= self.limit:
            return None
        self._sent[sender, job] += 1
        self.messages.append(Message(now, sender, job, text))
        self._busy[job] = max(now, self._busy.get(job, now)) + self.reading
        return self._busy[job]
