"""A Golem market's own account of deposits, agreements, notes and payments, from events and messages."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slashpoint.protocols.golem.messages import NOTE, Activity
from slashpoint.protocols.golem.terms import WALLET
from slashpoint.sim.market import Job, Market

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slashpoint.protocols.golem.messages import Agreement
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.world import World


@dataclass
class GolemBooks(Market):
    """What a Golem market knows by itself."""

    terms: Any  # the rules
    keys: dict[Agreement, bytes] = field(default_factory=dict)  # digests
    agreements: dict[bytes, Agreement] = field(default_factory=dict)  # by digest
    at_work: set[bytes] = field(default_factory=set)  # providers with an agreement under way
    activities: dict[bytes, Activity] = field(default_factory=dict)  # by the agreement's digest
    left: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # by deposit: put in and not out, units
    returned: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by job: to its poster, units
    stirred: dict[int, Job | None] = field(default_factory=dict)  # deposits with an event in the latest block
    last_event_time: int = -1  # nanoseconds: of that block

    def relate(self, fact: Fact) -> Job | None:
        """Return the job that an event is about, and book what it says of its deposit."""
        job = super().relate(fact)
        if fact.time != self.last_event_time:
            self.last_event_time = fact.time
            self.stirred.clear()
        if (number := fact.args.get("id")) is not None:
            self.stirred[number] = job
            self.left[number] += flow(fact)
        return job

    def _now(self, world: World) -> dict[int, Job | None]:
        """Return the deposits that the latest block stirred."""
        return self.stirred if self.last_event_time == world.chain.time else {}

    def _jobs(self, world: World) -> Iterator[Job]:
        """Return the jobs that the latest block stirred."""
        return (job for job in self._now(world).values() if job is not None)

    def _events_of(self, event: str, job: Job) -> Sequence[Fact]:
        return self.world.facts.of(self.contract.event_(event), job.key)

    def _fresh(self, event: str, job: Job) -> Iterator[Fact]:
        """Return the events of a name that the latest block brought about a job."""
        return (fact for fact in self._events_of(event, job) if fact.time == self.last_event_time)

    def honest(self, who: bytes) -> bool:
        """Return whether an account is nobody's who attacks."""
        return who in self.world.accounts and not self.world.accounts[who].person.attacker

    def open_channels(self, job: Job) -> list[Agreement]:
        """Return the agreements of a job whose channels are open."""
        settled = {fact.key for fact in self._events_of("ChannelSettled", job)}
        return [self.agreements[fact.key] for fact in self._events_of("ChannelOpened", job) if fact.key not in settled]

    def hired(self, job: Job) -> dict[bytes, Agreement]:
        """Return the agreements of a job whose activities began, by digest."""
        return {key: self.agreements[key] for key in self.activities if self.agreements[key].deposit == job.id}

    def bills(self, job: Job, key: bytes) -> list[Fact]:
        """Return an agreement's debit notes: those that its provider sent.

        Args:
            job: what it is about.
            key: the agreement's digest.
        """
        agreement = self.agreements.get(key)  # none where a review names none
        provider = b"" if agreement is None else agreement.provider
        return [fact for fact in self.world.facts.of(NOTE, job.key) if (fact.key, fact.by) == (key, provider)]

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


def flow(fact: Fact) -> int:
    """Return what an event says that went into a deposit, or out of it if negative; smallest units."""
    match fact.event:
        case "DepositCreated" | "DepositExtended":
            return int(fact.amount + fact.fee)
        case "DepositTransfer" | "DepositFeeTransfer":
            return -int(fact.amount)
        case "DepositClosed" | "DepositTerminated":
            return -int(fact.returned)
    return 0


def stake_key(key: str | None, who: bytes) -> bytes:
    """Return under what somebody's stake for a job is counted.

    Args:
        key: the job's.
        who: an address.
    """
    return who + (key or "").encode()
