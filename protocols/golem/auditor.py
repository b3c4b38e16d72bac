"""The auditor: rules on disputed claims, and the first of them keeps the providers' scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Role
from slashpoint.protocols.golem import messages as say
from slashpoint.protocols.golem.market import GolemMarket
from slashpoint.sim.market import Subject

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job

    Steps = Generator[Any, Any, Any]


class Auditor(Role[GolemMarket]):
    """Measures disputed results against the benchmark; tests newcomers, and counts what requestors say of providers."""

    duties: ClassVar[frozenset[str]] = frozenset({"judge"})

    def live(self, me: Me) -> Steps:
        """Rule on each dispute, beside the others; the first auditor keeps the scores as well."""
        if me.address == self.market.auditors[0]:
            me.spawn(self.listens)
            me.spawn(self.tests)
        disputes = me.hears(self.market.ClaimDisputed)
        while True:
            fact = yield disputes.next()
            if fact.job is not None:
                me.spawn(self.rules, fact.job, fact)

    def rules(self, me: Me, job: Job, dispute: Fact) -> Steps:
        """Measure what was handed in: it is worth the benchmark if half of it is right, else nothing.

        Args:
            me: the account that acts.
            job: what it is about.
            dispute: the event of the dispute.
        """
        market, agreement, due = self.market, self.market.agreements[dispute.key], float(dispute.due)
        claim = next(fact for fact in me.facts(market.UsageClaimed, job) if fact.key == dispute.key)
        model, scale = me.fetches(claim.cid), job.task.scale
        subject = Subject(dispute.key, agreement.provider, model, claim.cpu, scale)
        count = yield from self.ask(me, "judge", job, subject, by=due)
        if count is not None and me.in_time(due):
            yield me.sends(market.reports(job, agreement, agreement.benchmark if 2 * count >= scale else 0), by=due)

    # --- scores -----------------------------------------------------------------------------------------------------

    def listens(self, me: Me) -> Steps:
        """Count what requestors say, as far as the rules believe them."""
        reviews, counted = me.hears(say.REVIEW), set()
        while True:
            review = yield reviews.next()
            if not self.market.terms.bound_reviews or (self.known(me, review) and review.key not in counted):
                counted.add(review.key)
                self.counts(me, review)

    def known(self, me: Me, review: Fact) -> bool:
        """Return whether a review is by who has a channel with the provider, or a signed agreement where none is known.

        Args:
            me: the account that acts.
            review: the message.
        """
        market, agreement = self.market, self.market.agreements.get(review.key)
        if agreement is None or (agreement.requestor, agreement.provider) != (review.by, review.provider):
            return False
        source = market.ChannelOpened if market.terms.bound else say.APPROVED
        told = [fact for fact in me.facts(source, review.job) if fact.key == review.key]
        return any(market.terms.bound or fact.by == agreement.provider for fact in told)

    def counts(self, me: Me, review: Fact) -> None:
        """Count a review, and how much slower than its benchmark the provider was.

        Args:
            me: the account that acts.
            review: the message.
        """
        market = self.market
        market.reputation.task(review.provider, me.now, good=review.good)
        agreement, bills = market.agreements.get(review.key), market.bills(review.job, review.key)
        if agreement is not None and bills and bills[-1].cid is not None:
            record = market.reputation.of(review.provider)
            record.deviation = max(record.deviation, bills[-1].cpu / agreement.benchmark - 1)

    def tests(self, me: Me) -> Steps:
        """Test whoever is not listed yet, again and again: it answers, and does a small task."""
        scores = self.market.reputation
        while True:
            yield me.until(me.now + self.market.terms.audit_period)
            for provider in [one for one in scores.records if one not in scores.listed_at]:
                scores.probe(provider, up=True)
                scores.task(provider, me.now, good=True)
