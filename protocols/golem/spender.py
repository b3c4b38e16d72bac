"""The spender: pays out of a deposit what its funder orders, in batches, and closes it for a fee."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slashpoint.agents.roles import Server
from slashpoint.protocols.golem import messages as say
from slashpoint.protocols.golem.calls import OPEN
from slashpoint.protocols.golem.market import GolemMarket

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job

    Steps = Generator[Any, Any, Any]


class Spender(Server[GolemMarket]):
    """Pays what is ordered, many providers at once, and closes the deposit when all is done."""

    def serve(self, me: Me, job: Job) -> Steps:
        """Serve one deposit, if it is one's own to spend."""
        if self.market.spender(job) == me.address:
            yield from self.pay(me, job)

    def pay(self, me: Me, job: Job) -> Steps:
        """Gather orders, pay them every batch period, and close the deposit when its funder is done.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        orders, waiting, flush = me.hears(say.ORDER, job=job), {}, None
        while True:
            done, closed = me.sees(say.DONE, to=me.address, teller=job.poster), me.sees(*self.market.closings)
            what, order = yield me.first(order=orders.next(), closed=closed, done=done, by=flush)
            if what == "closed":
                return
            if what == "order":
                if order.by == job.poster and order.to == me.address:
                    waiting[order.key] = order
                    flush = flush or me.now + self.market.terms.batch_period
                continue
            yield from self.batch(me, job, list(waiting.values()))
            waiting, flush = {}, None
            if what == "done":
                yield from self.close(me, job)
                return

    def batch(self, me: Me, job: Job, orders: list[Fact]) -> Steps:
        """Pay what is ordered and not paid yet, all at once; what the contract must know of it first, one by one.

        Args:
            me: the account that acts.
            job: what it is about.
            orders: the latest of each agreement.
        """
        market, payments = self.market, []
        for order in orders:
            agreement, bound = market.agreements[order.key], market.terms.bound
            if not market.signed(job.poster, market.acceptance(order.key, order.total), order.signature):
                continue
            if bound:
                channel = market.contract.channel(order.key)
                if channel.state == OPEN and channel.accepted < order.total:
                    yield me.sends(market.accepts(job, agreement, order.total, order.signature))
                if market.contract.channel(order.key).state != OPEN:
                    continue
            due = order.total - market.paid(job, order.payee)
            if due > 0:
                payments.append((order.payee, due))
        if payments:
            yield me.sends(market.pays(job, payments))

    def close(self, me: Me, job: Job) -> Steps:
        """Close the deposit once no channel is open.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        market, settled = self.market, me.hears(self.market.ChannelSettled, job=job)
        while market.terms.channel and market.open_channels(job):
            what, _ = yield me.first(settled=settled.next(), closed=me.sees(*market.closings))
            if what == "closed":
                return
        yield me.sends(market.closes(job))
