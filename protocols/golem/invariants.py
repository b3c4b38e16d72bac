"""What must hold in every Golem market, whatever people do; what only messages say must hold of honest people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slashpoint.protocols.golem.books import GolemBooks, stake_key
from slashpoint.protocols.golem.messages import ACCEPTED, TERMINATED, whole_seconds
from slashpoint.sim.invariants import invariant
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.protocols.golem.messages import Activity, Agreement
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job
    from slashpoint.sim.world import World

BPS = 10_000
TICK = 10**6  # nanoseconds by which clocks may differ


@dataclass
class GolemInvariants(GolemBooks):
    """A Golem market's invariants."""

    # --- deposits ---------------------------------------------------------------------------------------------------

    @invariant
    def deposits_add_up(self, world: World) -> Iterator[str]:
        """Of each deposit, created + extended == paid + fee + returned + what is left, which at the end is nothing."""
        for number, job in self._now(world).items():
            deposit = self.contract.getDeposit(number)
            there = deposit.amount + deposit.fee
            if there != self.left[number]:
                yield f"deposit {number} holds {there}, and {self.left[number]} were put in and not out"
            if job is not None and job.closed is not None and there:
                yield f"deposit {number} is over and holds {there}"

    @invariant
    def what_is_held_is_in_deposits_and_bonds(self, world: World) -> Iterator[str]:
        """The contract's own sum is that of all deposits, of open channels' bonds and of disputes' fees."""
        if not self._now(world):
            return
        bond, fee = (self.terms.to_units(one) for one in (self.terms.provider_bond, self.terms.dispute_fee))
        names = ("ChannelOpened", "ClaimDisputed", "ChannelSettled")
        opened, disputed, settled = ({one.key for one in world.facts.of(self.event(name), None)} for name in names)
        due = sum(self.left.values()) + bond * len(opened - settled) + fee * len(disputed - settled)
        if (held := self.contract.held()) != due:
            yield f"the contract says that it holds {held}, and was left {due}"

    @invariant
    def fees_are_as_the_rules_say(self, world: World) -> Iterator[str]:
        """A spender's fee is the flat fee, or its part of what it paid out."""
        for job in self._jobs(world):
            for fact in self._fresh("DepositFeeTransfer", job):
                funding = [*self._events_of("DepositCreated", job), *self._events_of("DepositExtended", job)]
                put, fee = sum(one.amount for one in funding), sum(one.fee for one in funding)
                spent = sum(one.amount for one in self._events_of("DepositTransfer", job))
                due = fee if not self.terms.fee_by_use else fee * spent // put if put else 0
                if fact.amount != due:
                    yield f"deposit {fact.id}: the spender's fee is {fact.amount}, not {due}"

    @invariant
    def payees_have_agreements(self, world: World) -> Iterator[str]:
        """Bound deposits pay only providers with a channel; others, if the spender is honest, only the hired."""
        for job in self._jobs(world):
            bound = {self.agreements[fact.key].provider for fact in self._events_of("ChannelOpened", job)}
            hired = bound if self.terms.bound else {one.provider for one in self.hired(job).values()}
            for fact in self._fresh("DepositTransfer", job):
                if fact.payee not in hired and (self.terms.bind_payee or self.honest(fact.by)):
                    yield f"deposit {fact.id} paid {world.name_of(fact.payee)}, who has no agreement"

    @invariant
    def deposits_end_when_they_may(self, world: World) -> Iterator[str]:
        """Spenders close deposits, funders end them when their time is over, after their channels."""
        for job in self._jobs(world):
            begun = self._events_of("DepositCreated", job)[0]
            extended = self._events_of("DepositExtended", job)
            valid_to = max([begun.validTo, *(one.validTo for one in extended)])
            for fact in self._fresh("DepositTerminated", job):
                if fact.time < valid_to * SECOND or (fact.time == valid_to * SECOND and not self.terms.public_end):
                    yield f"deposit {fact.id} was ended before its time"
                if not self.terms.public_end and fact.by != begun.funder:
                    yield f"deposit {fact.id} was ended by {world.name_of(fact.by)}"
            if any(fact.by != begun.spender for fact in self._fresh("DepositClosed", job)):
                yield f"deposit {job.id} was closed by somebody else than its spender"
            if self.terms.channel and job.closed is not None and self.open_channels(job):
                yield f"deposit {job.id} is over, and has open channels"

    @invariant
    def rests_go_back_to_who_paid(self, world: World) -> Iterator[str]:
        """What is left of a deposit at its end goes to its funder, and no more; the spender's fee to the spender."""
        for job in self._jobs(world):
            for fact in (*self._fresh("DepositClosed", job), *self._fresh("DepositTerminated", job)):
                fees = sum(one.amount for one in self._fresh("DepositFeeTransfer", job))
                own = fees if self._events_of("DepositCreated", job)[0].spender == job.poster else 0
                if self.returned[job.key] != fact.returned + own:
                    yield f"deposit {fact.id}: its funder was given {self.returned[job.key]}, not {fact.returned + own}"

    # --- channels ---------------------------------------------------------------------------------------------------

    @invariant
    def channels_are_opened_by_their_providers_in_time(self, world: World) -> Iterator[str]:
        """A provider opens its own channel, before the agreement ends, and the agreement ends before the deposit."""
        for job in self._jobs(world):
            for fact in self._fresh("ChannelOpened", job):
                name, until = fact.key.hex()[:8], self.agreements[fact.key].until
                if fact.by != fact.provider:
                    yield f"channel {name}: {world.name_of(fact.by)} opened it for {world.name_of(fact.provider)}"
                if fact.time >= until * SECOND:
                    yield f"channel {name}: was opened after the agreement's end"

    @invariant
    def deposits_reserve_what_open_channels_may_cost(self, world: World) -> Iterator[str]:
        """What a deposit keeps for channels is the sum of what each open one may still cost, and is there."""
        for number, job in self._now(world).items():
            deposit = self.contract.getDeposit(number)
            opened = [] if job is None else self.open_channels(job)
            kept = sum(self.contract.channel(self.keys[one]).reserve for one in opened)
            if deposit.reserved != kept or deposit.reserved > deposit.amount:
                yield f"deposit {number}: {deposit.reserved} of {deposit.amount} are reserved, and channels have {kept}"

    @invariant
    def claims_keep_to_their_agreements(self, world: World) -> Iterator[str]:
        """Providers claim for themselves, up to the cap, before the agreement ends; auditors report once."""
        for job in self._jobs(world):
            for fact in self._fresh("UsageClaimed", job):
                name, agreement = fact.key.hex()[:8], self.agreements[fact.key]
                if fact.by != agreement.provider:
                    yield f"channel {name}: {world.name_of(fact.by)} claimed for another"
                if max(fact.cpu, fact.duration) > agreement.cap:
                    yield f"channel {name}: {fact.cpu} and {fact.duration} s were claimed, of {agreement.cap}"
                if fact.time >= agreement.until * SECOND:
                    yield f"channel {name}: usage was claimed after the agreement's end"
            told = Counter((fact.key, fact.auditor) for fact in self._events_of("UsageReported", job))
            for (key, auditor), times in told.items():
                if times > 1:
                    yield f"channel {key.hex()[:8]}: {world.name_of(auditor)} reported {times} times"

    @invariant
    def accepted_totals_only_grow(self, world: World) -> Iterator[str]:
        """What is accepted never falls, is at most the cap's price, and covers what is paid."""
        for job in self._jobs(world):
            for opened in self._events_of("ChannelOpened", job):
                key, agreement = opened.key, self.agreements[opened.key]
                totals = [one.total for one in self._events_of("NoteAccepted", job) if one.key == key]
                channel = self.contract.channel(key)
                if totals != sorted(set(totals)):
                    yield f"channel {key.hex()[:8]}: accepted {totals}, which do not only grow"
                if channel.accepted < max(totals, default=0) or channel.accepted > agreement.most:
                    yield f"channel {key.hex()[:8]}: accepted {channel.accepted}, of at most {agreement.most}"
                if channel.paid > channel.accepted:
                    yield f"channel {key.hex()[:8]}: paid {channel.paid}, accepted {channel.accepted}"
                if channel.paid != self.paid(job, agreement.provider):
                    yield f"channel {key.hex()[:8]}: says that it paid {channel.paid}"

    @invariant
    def notes_on_chain_are_signed(self, world: World) -> Iterator[str]:
        """Channels and notes that the contract took have the requestor's signature of just that."""
        for job in self._jobs(world):
            signed = {(fact.key, fact.total) for fact in world.facts.of(ACCEPTED, job.key) if fact.by == job.poster}
            for fact in self._fresh("NoteAccepted", job):
                if (fact.key, fact.total) not in signed and self.honest(job.poster):
                    yield f"channel {fact.key.hex()[:8]}: {fact.total} were accepted, and nobody signed that"

    @invariant
    def claims_are_paid_as_ruled(self, world: World) -> Iterator[str]:
        """A claim that nobody disputes is paid; a disputed one by the auditors' lower median, within the tolerance."""
        for job in self._jobs(world):
            for fact in self._fresh("ChannelSettled", job):
                agreement = self.agreements[fact.key]
                due = self._due(job, agreement, fact.key)
                if self.terms.channel and fact.paid != due:
                    name = world.name_of(agreement.provider)
                    yield f"channel {fact.key.hex()[:8]}: {name} was paid {fact.paid}, not {due}"

    def _due(self, job: Job, agreement: Agreement, key: bytes) -> int:
        """Return what a channel owes in all when it is settled, smallest units.

        Args:
            job: what it is about.
            agreement: whose channel it is.
            key: its digest.
        """
        accepted = max((one.total for one in self._events_of("NoteAccepted", job) if one.key == key), default=0)
        claims = [one for one in self._events_of("UsageClaimed", job) if one.key == key]
        if not claims:
            return accepted
        claim, price = claims[0], agreement.price(claims[0].cpu, claims[0].duration)
        reports = sorted(one.cpu for one in self.reports_of(job, agreement))
        if not reports:
            return price
        found = reports[(len(reports) - 1) // 2]
        if found and claim.cpu * BPS <= found * (BPS + self.terms.tolerance_bps):
            return price
        worth = agreement.price(min(claim.cpu, found), min(claim.duration, found)) if found else 0
        return max(accepted, worth)

    @invariant
    def bonds_are_lost_for_claims_that_are_too_high(self, world: World) -> Iterator[str]:
        """A provider has its bond back when its channel is settled, unless auditors found its claim too high."""
        for job in self._jobs(world):
            ruled = {fact.key: fact.overclaimed for fact in self._events_of("DisputeRuled", job)}
            for fact in self._fresh("ChannelSettled", job):
                kept = self.put_up[stake_key(job.key, fact.provider)]
                due = self.terms.to_units(self.terms.provider_bond) if ruled.get(fact.key) else 0
                if kept != due:
                    name = world.name_of(fact.provider)
                    yield f"channel {fact.key.hex()[:8]}: {kept} of {name}'s bond are lost, not {due}"

    @invariant
    def windows_are_kept(self, world: World) -> Iterator[str]:
        """Claims are disputed and ruled on within their windows, and settled after them."""
        for job in self._jobs(world):
            claimed = {fact.key: fact for fact in self._events_of("UsageClaimed", job)}
            disputed = {fact.key: fact for fact in self._events_of("ClaimDisputed", job)}
            for fact in self._fresh("ClaimDisputed", job):
                if fact.time >= claimed[fact.key].due * SECOND:
                    yield f"channel {fact.key.hex()[:8]}: was disputed too late"
                if fact.by != job.poster:
                    yield f"channel {fact.key.hex()[:8]}: {world.name_of(fact.by)} disputed another's bill"
            for fact in self._fresh("UsageReported", job):
                if fact.time >= disputed[fact.key].due * SECOND:
                    yield f"channel {fact.key.hex()[:8]}: {world.name_of(fact.by)} reported too late"
            for fact in self._fresh("ChannelSettled", job):
                yield from self._early(job, fact, disputed.get(fact.key) or claimed.get(fact.key))

    def _early(self, job: Job, settled: Fact, window: Fact | None) -> Iterator[str]:
        """Say if a channel was settled too early.

        Args:
            job: what it is about.
            settled: the event.
            window: the event that opened its last window, if one did.
        """
        agreement = self.agreements[settled.key]
        due = agreement.until if window is None else window.due
        free = settled.by == agreement.provider if window is None else False
        if window is not None and window.event == "ClaimDisputed":
            free = len(self.reports_of(job, agreement)) == self.terms.seats.get("auditor", 0)
        if settled.time < due * SECOND and not free:
            yield f"channel {settled.key.hex()[:8]}: was settled {due - settled.time / SECOND:.0f} s too early"

    # --- messages ---------------------------------------------------------------------------------------------------

    @invariant
    def honest_requestors_accept_what_adds_up(self, world: World) -> Iterator[str]:
        """Accepted notes are priced exactly, grow, come no faster than agreed, and not after the agreement's end."""
        for job in self._jobs(world):
            if not (job.closed == self.last_event_time and self.honest(job.poster)):
                continue
            for key, agreement in self.hired(job).items():
                yield from self._notes(job, key, agreement)

    def _notes(self, job: Job, key: bytes, agreement: Agreement) -> Iterator[str]:
        """Say what is wrong with the notes that were accepted of an agreement.

        Args:
            job: what it is about.
            key: the agreement's digest.
            agreement: what was agreed.
        """
        said = (fact for fact in self.world.facts.of(ACCEPTED, job.key) if fact.by == job.poster)
        answers = {fact.serial: fact for fact in said if fact.key == key}
        parties = {agreement.provider, job.poster}
        ended = (fact for fact in self.world.facts.of(TERMINATED, job.key) if fact.by in parties)
        ends = [fact.time for fact in ended if fact.key == key]
        before, early, total = self.activities[key].started * SECOND, 0, 0
        for note in (one for one in self.bills(job, key) if one.serial in answers):
            if note.total != agreement.price(note.cpu, note.duration) or answers[note.serial].total != note.total:
                yield f"{key.hex()[:8]}: note {note.serial} of {note.total} is not its usage's price"
            if note.total < total:
                yield f"{key.hex()[:8]}: note {note.serial} of {note.total} is less than the one before"
            if ends and note.time > min(ends):
                yield f"{key.hex()[:8]}: note {note.serial} was accepted after the agreement's end"
            early += note.cid is None and note.time + TICK < before + self.terms.interval * SECOND
            before, total = note.time, note.total
        if early > self.terms.max_early_notes:
            yield f"{key.hex()[:8]}: {early} accepted notes came too early"

    @invariant
    def providers_lose_no_more_than_they_risk(self, world: World) -> Iterator[str]:
        """An honest provider loses of an activity at most an interval's and a timeout's work, and what is not due."""
        for job in self._jobs(world):
            if job.closed != self.last_event_time:
                continue
            for key, activity in self.activities.items():
                if activity.agreement.deposit == job.id and self.honest(activity.agreement.provider):
                    lost, most = self.loss(job, activity), self.exposure(activity)
                    if lost > most:
                        name = world.name_of(activity.agreement.provider)
                        yield f"{key.hex()[:8]}: {name} lost {lost}, and risked {most}"

    def loss(self, job: Job, activity: Activity) -> int:
        """Return the price of what an activity used, less what was paid for it; smallest units.

        Args:
            job: what it is about.
            activity: which one.
        """
        agreement, now = activity.agreement, self.world.chain.time / SECOND
        duration = (activity.stopped or now) - activity.started
        cpu, seconds = (min(whole_seconds(one), agreement.cap) for one in (activity.used, duration))
        return agreement.price(cpu, seconds) - self.paid(job, agreement.provider)

    def exposure(self, activity: Activity) -> int:
        """Return the most that a provider may lose of an activity, smallest units."""
        accounts: Any = self.world.accounts  # of people, who have latencies: a crowd agrees to nothing
        pair = (activity.agreement.provider, activity.agreement.requestor)
        latency = 2 * sum(accounts[who].latency for who in pair) / SECOND
        return int(self.terms.exposure(latency, activity.agreement.cap))
