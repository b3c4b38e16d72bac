"""What must hold in every Golem market, whatever people do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slashpoint.protocols.golem.messages import ACCEPTED, NOTE, Activity
from slashpoint.protocols.golem.terms import WALLET
from slashpoint.sim.market import Job, Market

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.protocols.golem.messages import Agreement
    from slashpoint.sim.facts import Fact


@dataclass
class GolemInvariants(Market):
    """A Golem market's own account of its agreements, and what must hold of them."""

    terms: Any  # the rules
    keys: dict[Agreement, bytes] = field(default_factory=dict)  # digests
    agreements: dict[bytes, Agreement] = field(default_factory=dict)  # by digest
    at_work: set[bytes] = field(default_factory=set)  # providers with an agreement under way
    activities: dict[bytes, Activity] = field(default_factory=dict)  # by the agreement's digest

    def _events_of(self, event: str, job: Job) -> Sequence[Fact]:
        return self.world.facts.of(self.contract.event_(event), job.key)

    def open_channels(self, job: Job) -> list[Agreement]:
        """Return the agreements of a job whose channels are open."""
        settled = {fact.key for fact in self._events_of("ChannelSettled", job)}
        return [self.agreements[fact.key] for fact in self._events_of("ChannelOpened", job) if fact.key not in settled]

    def accepted(self, job: Job, key: bytes) -> Fact | None:
        """Return the latest message that accepted an agreement's note.

        Args:
            job: what it is about.
            key: the agreement's digest.
        """
        found = [fact for fact in self.world.facts.of(ACCEPTED, job.key) if fact.key == key]
        return found[-1] if found else None

    def bills(self, job: Job, key: bytes) -> list[Fact]:
        """Return an agreement's debit notes.

        Args:
            job: what it is about.
            key: the agreement's digest.
        """
        return [fact for fact in self.world.facts.of(NOTE, job.key) if fact.key == key]

    def paid(self, job: Job, who: bytes) -> int:
        """Return what somebody was paid for a job, smallest units.

        Args:
            job: what it is about.
            who: an address.
        """
        if self.terms.pays_from == WALLET:
            batches = self.world.facts.of("settles", job.key)
            return sum(amount for fact in batches for payee, amount in fact.carries if payee == who)
        return sum(fact.amount for fact in self._events_of("DepositTransfer", job) if fact.payee == who)

    def reports_of(self, job: Job, agreement: Agreement) -> Sequence[Fact]:
        """Return the auditors' reports on a claim.

        Args:
            job: what it is about.
            agreement: whose claim it is.
        """
        return [fact for fact in self._events_of("UsageReported", job) if fact.key == self.keys[agreement]]
