"""The provider: offers computation, meters what it uses, bills it note by note, and stops when it is not paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Server
from slashpoint.protocols.golem import messages as say
from slashpoint.protocols.golem.calls import OPEN, SETTLED
from slashpoint.protocols.golem.market import GolemMarket
from slashpoint.protocols.golem.messages import Activity, whole_seconds
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.protocols.golem.messages import Agreement
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job, Work

    Steps = Generator[Any, Any, Any]


class Provider(Server[GolemMarket]):
    """Trains what a requestor asks for, bills its usage as it goes, and stops when a note is not accepted or paid."""

    duties: ClassVar[frozenset[str]] = frozenset({"enter", "work", "claim"})

    def live(self, me: Me) -> Steps:
        """Let the auditor measure one's speed, then serve whoever asks."""
        scores, terms = self.market.reputation, self.market.terms
        scores.of(me.address).speed = self.shows(me)
        number, newcomer = int(me.name.partition("/")[2].partition("+")[0]), "+" in me.name
        if not newcomer and number < terms.seats["provider"] - terms.newcomers:
            scores.vouch(me.address, me.now)
        yield from super().live(me)

    def shows(self, me: Me) -> float:
        """Return the speed that the auditor measures, times the reference device."""
        return me.account.person.traits.speed

    def serve(self, me: Me, job: Job) -> Steps:
        """One job, from its first demand to its end: a requestor whose provider failed asks again.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        demands = me.hears(say.DEMAND, job=job)
        while True:
            what, demand = yield me.first(demand=demands.next(), closed=me.sees(*self.market.closings))
            if what == "closed":
                return
            if demand.by != job.poster:
                continue
            if me.address not in self.market.at_work and me.now < demand.until:
                yield from self.bids(me, job, demand)

    def bids(self, me: Me, job: Job, demand: Fact) -> Steps:
        """Make an offer, and do what is agreed, if anything is.

        Args:
            me: the account that acts.
            job: what it is about.
            demand: what was asked.
        """
        market, terms = self.market, self.market.terms
        if not (yield from self.ask(me, "enter", job)) or me.now > demand.until:
            return
        me.tells(say.PROPOSAL, job, to=job.poster, **market.prices)
        by = demand.until + (terms.seats["provider"] + 1) * (terms.negotiation_window + 4 * me.block_time)
        answers = me.hears(say.OFFERED, say.REJECTED, job=job)
        offer = yield answers.next(by)
        while offer is not None and ((offer.to, offer.by) != (me.address, job.poster) or offer.time < demand.time):
            offer = yield answers.next(by)
        if offer is None or offer.event != say.OFFERED.name or me.address in market.at_work:
            return
        if self.sound(me, job, offer):
            market.at_work.add(me.address)
            try:
                yield from self.agrees(me, job, offer)
            finally:
                market.at_work.discard(me.address)

    def sound(self, me: Me, job: Job, offer: Fact) -> bool:
        """Return whether an agreement is signed and says what one proposed, and its deposit holds and lasts.

        Args:
            me: the account that acts.
            job: what it is about.
            offer: the agreement, as the requestor signed it.
        """
        market, a = self.market, offer.agreement
        deposit = market.contract.getDeposit(job.id)
        covered = deposit.amount - deposit.reserved >= a.most or market.terms.pays_from != "deposit"
        prices = a.per_cpu_second, a.per_second, a.fixed_price
        return (
            covered
            and prices == tuple(market.prices.values())
            and a.provider == me.address
            and me.now + a.benchmark < a.until <= deposit.validTo - market.terms.after_work
            and market.signed(job.poster, market.key_of(a), offer.signature)
        )

    def agrees(self, me: Me, job: Job, offer: Fact) -> Steps:
        """Approve the agreement, and do what it says.

        Args:
            me: the account that acts.
            job: what it is about.
            offer: the agreement, as the requestor signed it.
        """
        market, agreement = self.market, offer.agreement
        key = market.key_of(agreement)
        if market.terms.bound and not (yield me.sends(market.joins(job, agreement, offer.signature))).ok:
            return
        market.activities[key] = Activity(agreement, me.now)
        me.tells(say.APPROVED, job, to=job.poster, key=key, signature=market.signs(me, key))
        invoice = yield from self.acts(me, job, agreement)
        yield from self.recovers(me, job, agreement, invoice)

    # --- the activity -----------------------------------------------------------------------------------------------

    def acts(self, me: Me, job: Job, agreement: Agreement) -> Steps:
        """Work and bill at once, until the work is done or a note is not honoured; return the invoice, if any.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: by which one works.
        """
        key, activity = self.market.keys[agreement], self.market.activities[self.market.keys[agreement]]
        labour = me.beside(self.ask(me, "work", job, by=agreement.until - 2 * me.block_time), "work")
        what, value = yield me.first(work=labour, stopped=me.spawn(self.meters, job, agreement))
        activity.stopped, activity.used = me.now, me.metered(job)
        if what == "stopped":  # in the middle of the work
            me.answered(self.name, "work", job, None, type(self.conduct).work.__qualname__, str(value))
        cid = self.hands_in(me, value) if what == "work" else None
        note = None if cid is None else (yield from self.bills(me, job, agreement, cid))
        if note is None:
            me.tells(say.TERMINATED, job, key=key, reason=value if what == "stopped" else "NoResult")
        return note

    @staticmethod
    def hands_in(me: Me, work: Work | None) -> bytes | None:
        """Publish a result and return its CID; None where there is none.

        Args:
            me: the account that acts.
            work: what was made.
        """
        if work is None or work.model is None:
            copied = None if work is None else work.copied
            return copied if isinstance(copied, bytes) and len(copied) == 32 else None
        return me.publishes(work.model)

    def meters(self, me: Me, job: Job, agreement: Agreement) -> Steps:
        """Send a note every interval; return why one stops once a note is not accepted, or an accepted one not paid.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: by which one works.
        """
        market, terms = self.market, self.market.terms
        key = market.keys[agreement]
        due = market.activities[key].started
        while True:
            due += self.pause(me)
            gone = me.sees(say.TERMINATED, key=key, teller=job.poster)
            what, fact = yield me.first(gone=gone, by=due)
            if what == "gone":
                return fact.reason
            note = yield from self.bills(me, job, agreement, None)
            if note is None:
                continue
            what, fact = yield from self.answered(me, job, note, me.now + terms.accept_timeout)
            if what != "answer":
                return "DebitNoteNotAccepted" if what != "gone" else fact.reason
            if self.overdue(me, job, agreement):
                return "DebitNoteNotPaid"

    def pause(self, me: Me) -> float:
        """Return the seconds to the next note."""
        return self.market.terms.interval

    def measures(self, me: Me, job: Job, key: bytes) -> int:
        """Return the CPU seconds that the work took until now.

        Args:
            me: the account that acts.
            job: what it is about.
            key: the agreement's digest.
        """
        return whole_seconds(me.metered(job))

    def bills(self, me: Me, job: Job, agreement: Agreement, cid: bytes | None) -> Steps:
        """Tell the requestor what was used in all; return the note, None where one claims nothing.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: by which one works.
            cid: of the result: that is the invoice; None before.
        """
        market, key = self.market, self.market.keys[agreement]
        measured = min(agreement.cap, self.measures(me, job, key))
        claimed = yield from self.ask(me, "claim", market.view(job, agreement), measured)
        if claimed is None:
            return None
        before = market.bills(job, key)
        cpu = max(min(int(claimed), agreement.cap), before[-1].cpu if before else 0)
        duration = min(agreement.cap, whole_seconds(me.now - market.activities[key].started))
        number, total = len(before), agreement.price(cpu, duration)
        signature = market.signs(me, market.bill(key, number, cpu, duration, total))
        return me.tells(
            say.NOTE, job, to=agreement.requestor, key=key, serial=number, cpu=cpu, duration=duration, total=total,
            signature=signature, cid=cid,
        )  # fmt: skip

    def answered(self, me: Me, job: Job, note: Fact, by: float) -> Steps:
        """Wait until the requestor accepts a note or ends the agreement; return which, and the message.

        What somebody else says, or signs wrongly, or of less than the note, is no answer.

        Args:
            me: the account that acts.
            job: what it is about.
            note: what was billed.
            by: Unix seconds.
        """
        inbox = me.hears(say.ACCEPTED, job=job)
        inbox.cursor = note.number
        while True:
            gone = me.sees(say.TERMINATED, key=note.key, teller=job.poster)
            what, fact = yield me.first(answer=inbox.next(), gone=gone, by=by)
            if what != "answer":
                return what, fact
            same = (fact.key, fact.serial, fact.total) == (note.key, note.serial, note.total)
            if same and self.market.genuine(job, fact):
                return what, fact

    def overdue(self, me: Me, job: Job, agreement: Agreement) -> bool:
        """Return whether an accepted note that was to be paid by now is not.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: by which one works.
        """
        terms, paid = self.market.terms, self.market.paid(job, me.address)
        payable = self.market.activities[self.market.keys[agreement]].started + terms.payable_interval
        for note in me.facts(say.ACCEPTED, job):
            mine = note.key == self.market.keys[agreement] and note.time / SECOND >= payable
            if mine and self.market.genuine(job, note):
                return bool(paid < note.total and me.now > note.time / SECOND + terms.payment_timeout)
        return False

    # --- the money --------------------------------------------------------------------------------------------------

    def recovers(self, me: Me, job: Job, agreement: Agreement, invoice: Fact | None) -> Steps:
        """Wait for acceptance and payment; then do by oneself what the contract allows.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: by which one worked.
            invoice: the last note, if there was a result.
        """
        market, key = self.market, self.market.keys[agreement]
        if invoice is not None:
            wait = me.now + market.terms.accept_timeout
            by = wait if market.terms.redundancy == 1 else max(wait, agreement.until - 4 * me.block_time)
            what, _ = yield from self.answered(me, job, invoice, by)
            if what != "answer" and market.terms.dispute:
                yield from self.claims(me, job, agreement, invoice)
                return
        yield from self.awaits(me, job, key)
        if market.terms.bound:
            yield from self.settles(me, job, agreement)

    def awaits(self, me: Me, job: Job, key: bytes) -> Steps:
        """Wait until what was accepted is paid, the payment is overdue, or the job is over.

        Args:
            me: the account that acts.
            job: what it is about.
            key: the agreement's digest.
        """
        market, news = self.market, me.hears(self.market.DepositTransfer, "settles", job=job)
        note = market.accepted(job, key)
        by = me.now if note is None else note.time / SECOND + market.terms.payment_timeout
        while note is not None and market.paid(job, me.address) < note.total:
            what, _ = yield me.first(news=news.next(), closed=me.sees(*market.closings), by=by)
            if what != "news":
                return

    def claims(self, me: Me, job: Job, agreement: Agreement, invoice: Fact) -> Steps:
        """Claim on chain what the requestor does not accept, and have it settled when the windows are over.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: by which one worked.
            invoice: the last note.
        """
        market, terms, key = self.market, self.market.terms, invoice.key
        note = market.accepted(job, key)
        if note is not None and market.contract.channel(key).accepted < note.total:
            yield me.sends(market.accepts(job, agreement, note.total, note.signature))
        claim = market.claims_usage(job, agreement, invoice.cpu, invoice.duration, invoice.cid)
        if not (yield me.sends(claim, by=float(agreement.until))).ok:
            yield from self.settles(me, job, agreement)
            return
        by = me.now + terms.dispute_window + terms.ruling_window + 6 * me.block_time
        if not (yield me.sees(market.ChannelSettled, key=key, by=by)):
            yield me.sends(market.settles(job, agreement))

    def settles(self, me: Me, job: Job, agreement: Agreement) -> Steps:
        """Take what was accepted and not paid, and the bond.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: by which one worked.
        """
        market, key = self.market, self.market.keys[agreement]
        note, channel = market.accepted(job, key), market.contract.channel(key)
        if channel.state == OPEN and note is not None and channel.accepted < note.total:
            yield me.sends(market.accepts(job, agreement, note.total, note.signature))
        if market.contract.channel(key).state < SETTLED:
            yield me.sends(market.settles(job, agreement))
