"""The requestor: asks for offers, hires, accepts notes, compares results, has them paid or disputes them."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Poster
from slashpoint.protocols.golem import messages as say
from slashpoint.protocols.golem.market import PRICES, GolemMarket
from slashpoint.protocols.golem.spender import Spender
from slashpoint.protocols.golem.terms import WALLET
from slashpoint.sim.market import Subject
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from slashpoint.agents.me import Me
    from slashpoint.protocols.golem.messages import Agreement
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job

    Steps = Generator[Any, Any, Any]

TICK = 1e-3  # seconds by which clocks may differ
ROUNDING = 2  # seconds by which counters that are rounded up may exceed the time that passed


class Requestor(Poster[GolemMarket]):
    """Has models trained by strangers: locks a deposit, hires by reputation, accepts true notes, checks results."""

    duties: ClassVar[frozenset[str]] = frozenset({"settle"})

    def commission(self, me: Me, number: int) -> Steps:
        """One job from its deposit to its end.

        Args:
            me: the account that acts.
            number: of the person's jobs, from 0.
        """
        problem, _ = me.tasks(number)
        job = self.market.draft(me, problem)
        if (yield from self.funds(me, job)):
            yield me.spawn(self.serve, job)

    def funds(self, me: Me, job: Job) -> Steps:
        """Lock the deposit, and return whether that succeeded.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        market = self.market
        valid_to = math.ceil(me.now + self.market.terms.work_window + market.terms.after_work)
        return (yield me.sends(market.posts(job, market.spender(job), valid_to))).ok

    def serve(self, me: Me, job: Job) -> Steps:
        """Hire, oversee, take what comes of it, and see to the deposit's end; hire others where nothing came of it.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        if self.market.terms.pays_from == WALLET:
            me.spawn(Spender(self.conduct, self.market).pay, job)
        tried: set[bytes] = set()
        while not (yield from self.attempts(me, job, tried)) and self.hopes(me, job, tried):
            pass
        me.tells(say.DONE, job, to=self.market.spender(job))
        yield from self.ends(me, job)

    def attempts(self, me: Me, job: Job, tried: set[bytes]) -> Steps:
        """Hire and oversee once, and return whether a result was accepted.

        Args:
            me: the account that acts.
            job: what it is about.
            tried: providers that failed before; those that are hired now are added.
        """
        hired = yield from self.hires(me, job, tried)
        for agreement in hired:
            tried.add(agreement.provider)
            me.spawn(self.contests, job, agreement)
        watches = [me.spawn(self.oversees, job, agreement) for agreement in hired]
        for watch in watches:
            yield watch
        for agreement, watch in zip(hired, watches, strict=True):
            if watch.value is None:
                self.reviews(me, job, agreement, good=False)
        invoices = [watch.value for watch in watches if watch.value is not None]
        return (yield from self.decides(me, job, invoices))

    def hopes(self, me: Me, job: Job, tried: set[bytes]) -> bool:
        """Return whether there is time for another attempt, and somebody who was not tried.

        Args:
            me: the account that acts.
            job: what it is about.
            tried: providers that failed before.
        """
        needed = self.market.benchmark + 2 * self.patience(me)
        untried = self.market.terms.seats["provider"] - len(tried)
        return bool(tried) and untried > 0 and me.now + needed < job.deadline and job.closed is None

    # --- hiring -----------------------------------------------------------------------------------------------------

    def hires(self, me: Me, job: Job, tried: set[bytes]) -> Steps:
        """Ask for proposals, and agree with as many providers as the job takes, the best first.

        Args:
            me: the account that acts.
            job: what it is about.
            tried: providers that failed before: they are not hired again.
        """
        market, terms = self.market, self.market.terms
        offers = yield from self.gathers(me, job)
        ranked = [one for one in self.ranks(me, job, offers) if one not in tried]
        hired: list[Agreement] = []
        while ranked and len(hired) < terms.redundancy and me.now < job.deadline:
            chosen = me.luck("hire", job.key, len(ranked)).choice(ranked[: terms.top_pool])
            ranked.remove(chosen)
            agreement = market.agreement(job, offers[chosen])
            key = market.key_of(agreement)
            me.tells(say.OFFERED, job, to=chosen, agreement=agreement, signature=market.signs(me, key))
            answer = yield me.sees(say.APPROVED, key=key, teller=chosen, by=me.now + self.patience(me))
            if answer is not None and market.signed(chosen, key, answer.signature) and self.bound(me, job, key):
                hired.append(agreement)
        for other in ranked:
            me.tells(say.REJECTED, job, to=other)
        return hired

    def gathers(self, me: Me, job: Job) -> Steps:
        """Ask for proposals; return those within the budget, by provider.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        until = me.now + self.market.terms.negotiation_window
        me.tells(say.DEMAND, job, until=until)
        inbox, offers = me.hears(say.PROPOSAL, job=job), {}
        while (offer := (yield inbox.next(until))) is not None:
            if offer.to == me.address and all(offer.args[name] <= self.market.prices[name] for name in PRICES):
                offers[offer.by] = offer
        return offers

    def ranks(self, me: Me, job: Job, offers: dict[bytes, Fact]) -> list[bytes]:
        """Return whom one would hire, the best first: by score, then by what the job would cost, then by luck.

        Args:
            me: the account that acts.
            job: what it is about.
            offers: proposals by provider.
        """
        scores = self.market.reputation

        def rank(one: bytes) -> tuple[float, int, int]:
            agreement = self.market.agreement(job, offers[one])
            usual = agreement.price(agreement.benchmark, agreement.benchmark)
            return -scores.score(one), usual, me.luck("order", job.key, one.hex()).integer()

        return sorted(scores.admits(sorted(offers)), key=rank)

    def patience(self, me: Me) -> float:
        """Return how long one waits for an answer to an agreement, seconds: a channel takes a few blocks."""
        return self.market.terms.negotiation_window + (4 * me.block_time if self.market.terms.bound else 0)

    def bound(self, me: Me, job: Job, key: bytes) -> bool:
        """Return whether an agreement is known to the contract, where it has to be.

        Args:
            me: the account that acts.
            job: what it is about.
            key: the agreement's digest.
        """
        opened = me.facts(self.market.ChannelOpened, job)
        return not self.market.terms.bound or any(fact.key == key for fact in opened)

    # --- bills ------------------------------------------------------------------------------------------------------

    def oversees(self, me: Me, job: Job, agreement: Agreement) -> Steps:
        """Accept one provider's notes as they come, and return its invoice; None where there is none.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: the provider's.
        """
        market = self.market
        key, number, early = market.keys[agreement], 0, 0
        provider = agreement.provider
        approval = next(fact for fact in me.facts(say.APPROVED, job) if (fact.key, fact.by) == (key, provider))
        began = last = approval.time / SECOND
        while True:
            note = me.sees(say.NOTE, key=key, serial=number, teller=provider)
            gone = me.sees(say.TERMINATED, key=key, teller=provider)
            silence = last + 2 * market.terms.interval + market.terms.accept_timeout
            what, note = yield me.first(note=note, gone=gone, by=silence)
            if what == "late":
                me.tells(say.TERMINATED, job, key=key, reason="NoDebitNote")
            if what != "note":
                yield from self.orders(me, job, agreement)
                return None
            sent = note.time / SECOND
            early += note.cid is None and sent + TICK < last + market.terms.interval
            last, number = sent, number + 1
            if not self.proper(job, agreement, note, began) or early > market.terms.max_early_notes:
                why = "NoteNotAccepted" if early <= market.terms.max_early_notes else "TooManyDebitNotes"
                me.tells(say.TERMINATED, job, key=key, reason=why)
                yield from self.orders(me, job, agreement)
                return None
            if note.cid is not None:
                return note
            yield from self.accepts(me, job, agreement, note)

    def proper(self, job: Job, agreement: Agreement, note: Fact, began: float) -> bool:
        """Return whether a note is its provider's, adds up, and says no more than can be.

        Args:
            job: what it is about.
            agreement: the provider's.
            note: a debit note, or an invoice.
            began: when the activity began, Unix seconds.
        """
        market, terms, before = self.market, self.market.terms, self.market.accepted(job, note.key)
        digest = market.bill(note.key, note.serial, note.cpu, note.duration, note.total)
        passed = note.time / SECOND - began + ROUNDING
        usual = agreement.benchmark * (1 + terms.tolerance_bps / 10_000)
        return (
            market.signed(agreement.provider, digest, note.signature)
            and note.total == agreement.price(note.cpu, note.duration)
            and max(note.cpu, note.duration) <= agreement.cap
            and note.total >= (before.total if before else 0)
            and not (terms.check_usage and (max(note.cpu, note.duration) > passed or note.cpu > usual))
        )

    def accepts(self, me: Me, job: Job, agreement: Agreement, note: Fact) -> Steps:
        """Sign a note's total, and have it paid where it is time for that.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: the provider's.
            note: a debit note, or an invoice.
        """
        digest = self.market.acceptance(note.key, note.total)
        signature = self.market.signs(me, digest)
        me.tells(
            say.ACCEPTED, job, to=agreement.provider, key=note.key, serial=note.serial, total=note.total,
            signature=signature,
        )  # fmt: skip
        orders = [fact for fact in me.facts(say.ORDER, job) if fact.key == note.key]
        since = orders[-1].time / SECOND if orders else self.market.activities[note.key].started
        if note.cid is not None or me.now >= since + self.market.terms.payable_interval:
            yield from self.orders(me, job, agreement)

    def orders(self, me: Me, job: Job, agreement: Agreement) -> Steps:
        """Have the spender pay what was accepted.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: whose provider is paid.
        """
        key = self.market.keys[agreement]
        if (note := self.market.accepted(job, key)) is not None:
            me.tells(
                say.ORDER, job, to=self.market.spender(job), key=key, payee=agreement.provider, total=note.total,
                signature=note.signature,
            )  # fmt: skip
        yield me.until(me.now)

    # --- results ----------------------------------------------------------------------------------------------------

    def decides(self, me: Me, job: Job, invoices: list[Fact]) -> Steps:
        """Accept or dispute each result, and return whether any was accepted.

        Of several, those that most others contradict are disputed unseen.

        Args:
            me: the account that acts.
            job: what it is about.
            invoices: whose results came.
        """
        market = self.market
        usual, any_good = majority([invoice.cid for invoice in invoices]), False
        for invoice in invoices:
            agreement = market.agreements[invoice.key]
            subject = Subject(invoice.key, agreement.provider, me.fetches(invoice.cid), invoice.cpu, job.task.scale)
            outvoted = usual not in {None, invoice.cid}
            verdict = "dispute" if outvoted else (yield from self.ask(me, "settle", job, subject))
            market.results.setdefault(job.key, invoice.cid)
            if verdict == "accept":
                market.results[job.key] = invoice.cid
                yield from self.accepts(me, job, agreement, invoice)
            else:
                me.tells(say.TERMINATED, job, key=invoice.key, reason="ResultDisputed")
            any_good |= verdict == "accept"
            self.reviews(me, job, agreement, good=verdict == "accept")
        return any_good

    def reviews(self, me: Me, job: Job, agreement: Agreement, *, good: bool) -> None:
        """Tell whoever keeps the scores how it went.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: the provider's.
            good: whether the result was accepted.
        """
        me.tells(say.REVIEW, job, provider=agreement.provider, good=good, key=self.market.keys[agreement])

    def contests(self, me: Me, job: Job, agreement: Agreement) -> Steps:
        """Dispute a claim of more than one accepted.

        Args:
            me: the account that acts.
            job: what it is about.
            agreement: the provider's.
        """
        market, key = self.market, self.market.keys[agreement]
        what, claim = yield me.first(claim=me.sees(market.UsageClaimed, key=key), closed=me.sees(*market.closings))
        if what == "claim":
            note = market.accepted(job, key)
            if agreement.price(claim.cpu, claim.duration) > (note.total if note else 0) and me.in_time(claim.due):
                yield me.sends(market.disputes(job, agreement), by=float(claim.due))

    def ends(self, me: Me, job: Job) -> Steps:
        """Wait for the spender to close the deposit; take it back when its time is over.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        market = self.market
        until = job.deadline + market.terms.after_work
        while not (yield me.sees(*market.closings, by=until)):
            if not market.terms.public_end:
                yield me.until(until + 1)
                yield me.sends(market.cancels(job))
            until = me.now + 2 * me.block_time


def majority(results: Sequence[bytes]) -> bytes | None:
    """Return the result that more than half of several providers handed in; None where there is none, or one provider.

    Args:
        results: their CIDs.
    """
    return next((one for one, n in Counter(results).items() if 2 * n > len(results) > 1), None)
