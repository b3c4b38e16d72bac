"""Who takes part: publishers of datasets, nodes that compute on them, and consumers who pay for it."""

from math import ceil

from slashpoint.agents.roles import Poster, Role, Server

from .market import signed, signed_fee


class Publisher(Role):
    """Publishes a dataset that some node serves, and collects what its data tokens are sold for."""

    def live(self, me):
        market = self.market
        told = (yield me.sends(market.publishes(me.name, me.address))).events
        token = next(one.newTokenAddress for one in told if one.event == "TokenCreated")
        number = market.exchange.generateExchangeId(market.coin.address_, token)
        yield from self.lists(me, token)
        sold = me.hears(market.Swapped)
        while True:
            if (yield sold.next()).exchangeId == number and (sum_ := market.exchange.getExchange(number).btBalance):
                yield me.sends(market.does("withdraws", None, market.exchange.collectBT(number, sum_)))

    def lists(self, me, token):
        """Have some node serve the dataset, from now on."""
        self.market.hosts[token] = me.luck("node").choice(sorted(self.market.nodes))
        yield me.until(me.now)


class Provider(Server):
    """Runs a node: signs fees for whoever asks, locks pay, computes, and claims by the minute."""

    duties = frozenset({"enter", "work", "claim"})

    def live(self, me):
        market = self.market
        amount = market.terms.to_units(market.terms.provider_fee)
        market.nodes[me.address] = lambda until: signed_fee(me, market.coin.address_, amount, until)
        yield from super().live(me)

    def serve(self, me, job):
        market = self.market
        if market.hosts[market.tokens[job.key]] != me.address or not (yield from self.ask(me, "enter", job)):
            return
        if market.terms.checks and not market.paid_fee(job, me.address):
            return
        if not (yield me.sends(market.locks_pay(job))).ok:
            return
        begun = me.now
        work = yield from self.ask(me, "work", job, by=job.deadline)
        if work and work.model:
            minutes = yield from self.ask(me, "claim", job, ceil((me.now - begun) / 60))
            if minutes:
                yield from self.collects(me, job, minutes, me.publishes(work.model))

    def collects(self, me, job, minutes, cid):
        """Claim some minutes of the lock, and have the consumer sign that it got the result."""
        market = self.market
        if (yield me.sends(market.claims(job, minutes, cid))).ok:
            yield me.sends(market.executed(me, job, cid, market.wallets[job.poster](cid)))


class Consumer(Poster):
    """Buys a data token, puts pay into escrow, authorises the node, and orders."""

    def commission(self, me, number):
        market = self.market
        market.wallets[me.address] = lambda cid: signed(me, cid).packed
        while not market.hosts:
            yield me.until(me.now + me.block_time)
        job = market.draft(me, me.tasks(number)[0])
        token = me.luck("dataset", job.key).choice(sorted(market.hosts))
        yield me.sends(market.buys(token))
        yield from self.serve(me, job, token, market.hosts[token])

    def serve(self, me, job, token, node):
        """Order, wait until the lock is gone, and take what is left out of the escrow."""
        market, terms = self.market, self.market.terms
        fee, pay = self.fee(me, node), market.pay(terms.minutes)
        yield me.sends(market.does("approves", None, market.coin.approve(token, fee[2])))
        yield me.sends(market.does("registers", None, market.escrow.deposit(market.coin.address_, pay)))
        yield me.sends(self.authority(me, node, 1))
        told = None
        if (yield me.sends(market.orders(job, token, fee))).ok:
            told = yield me.sees(market.Claimed, market.Canceled, job=job, by=me.now + 2 * terms.window)
        if terms.careful:
            yield me.sends(self.authority(me, node, 0))
            rest = pay - (told.amount if told and told.event == "Claimed" else 0)
            if left := min(rest, market.owed(me.address)):
                yield me.sends(market.does("withdraws", job, market.escrow.withdraw((market.coin.address_,), (left,))))

    def authority(self, me, node, more):
        """Let a node lock what one's open orders and some more take; anything, where consumers are careless."""
        market, terms = self.market, self.market.terms
        count = more + sum(one.poster == me.address and one.closed is None for one in market.jobs.values())
        limits = (count * market.pay(terms.minutes), terms.window, count) if terms.careful else (10**30, 10**9, 100)
        return market.authorises(node, *limits)

    def fee(self, me, node):
        """Ask a node for its fee, signed and valid for ten minutes."""
        return self.market.nodes[node](round(me.now + 600))
