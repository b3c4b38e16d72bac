"""Reputation: scores of providers, which a central service keeps and requestors choose by.

Source: golem-js's reputation package (0.5 uptime and 0.5 success rate, minimum 0.8, a random one of the best two,
unlisted providers rejected when any are listed) and its auditor's penalty for a CPU that is not as it was measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PENALTIES = ((0.05, 1.0), (0.15, 0.7))  # (deviation at most, factor); 0.4 beyond
WORST = 0.4
EXPERIENCE = 10  # probes and tasks that whoever is listed from the start has behind it, all good


@dataclass
class Record:
    """What is known of one provider."""

    up: int = 0  # probes that it answered
    probes: int = 0
    successes: int = 0
    tasks: int = 0
    speed: float = 0.0  # as its benchmark had it, times the reference device; 0: none
    deviation: float = 0.0  # the largest that its jobs showed, share of the speed

    @property
    def penalty(self) -> float:
        """Return the factor for a CPU that is not as it was measured."""
        return next((factor for most, factor in PENALTIES if self.deviation <= most), WORST)


@dataclass
class Reputation:
    """The scores of all providers of a market."""

    uptime_weight: float
    success_weight: float
    minimum: float
    tasks_to_list: int  # tasks that somebody must have done to be listed
    records: dict[bytes, Record] = field(default_factory=dict)  # by address
    listed_at: dict[bytes, float] = field(default_factory=dict)  # Unix seconds

    def of(self, provider: bytes) -> Record:
        """Return what is known of a provider; nothing is known of a new one."""
        return self.records.setdefault(provider, Record())

    def vouch(self, provider: bytes, now: float) -> None:
        """List somebody who is known from before.

        Args:
            provider: its address.
            now: Unix seconds.
        """
        record = self.of(provider)
        record.up = record.probes = record.successes = record.tasks = EXPERIENCE
        self.listed_at[provider] = now

    def probe(self, provider: bytes, *, up: bool) -> None:
        """Count a probe.

        Args:
            provider: its address.
            up: whether it answered.
        """
        record = self.of(provider)
        record.probes += 1
        record.up += up

    def task(self, provider: bytes, now: float, *, good: bool) -> None:
        """Count a task, and list whoever has done enough.

        Args:
            provider: its address.
            now: Unix seconds.
            good: whether it was done.
        """
        record = self.of(provider)
        record.tasks += 1
        record.successes += good
        if record.tasks >= self.tasks_to_list:
            self.listed_at.setdefault(provider, now)

    def score(self, provider: bytes) -> float:
        """Return a provider's score, from 0 to 1."""
        record = self.of(provider)
        uptime, success = (
            n / of if of else 0.0 for n, of in ((record.up, record.probes), (record.successes, record.tasks))
        )
        total = self.uptime_weight + self.success_weight
        return record.penalty * (self.uptime_weight * uptime + self.success_weight * success) / total

    def admits(self, providers: Sequence[bytes]) -> list[bytes]:
        """Return the providers that are good enough: none that is unlisted where any is listed."""
        listed = [one for one in providers if one in self.listed_at]
        return [one for one in listed if self.score(one) >= self.minimum] if listed else list(providers)
