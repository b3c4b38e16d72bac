"""Roles of the data market: who writes algorithms, who owns data, who wants models of them, who runs nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.agents.roles import Keeper, Poster, Role, Server
from slashpoint.protocols.ocean import algorithms
from slashpoint.protocols.ocean.market import FINISHED, Ocean
from slashpoint.protocols.ocean.nodes import Provider
from slashpoint.protocols.ocean.terms import BPS
from slashpoint.sim.learning import correct
from slashpoint.sim.market import Subject

if TYPE_CHECKING:
    from collections.abc import Generator

    from slashpoint.agents.me import Me
    from slashpoint.protocols.ocean.shelf import Data
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Job

    Steps = Generator[Any, Any, Any]

OPENING_BLOCKS = 8  # in which publishers and nodes make themselves known, before anybody orders


class Author(Role[Ocean]):
    """Publishes an algorithm that trains."""

    def live(self, me: Me) -> Steps:
        """Publish it: its text for everybody, its hash on the chain."""
        yield me.sends(self.market.publishes(me.publishes(self.text(me)), algorithm=True))

    def text(self, me: Me) -> bytes:
        """Return the algorithm."""
        return algorithms.algorithm(me.name)


class Publisher(Server[Ocean]):
    """Owns data: says which algorithms may run on them, and gives them to nodes for each order."""

    duties: ClassVar[frozenset[str]] = frozenset({"truth", "reveal"})

    def live(self, me: Me) -> Steps:
        """Publish the data with the list of what is trusted, then serve orders."""
        published = me.hears(self.market.AssetPublished)
        found = yield published.next()
        while not found.algorithm or not algorithms.reviewed(me.fetches(found.checksum) or b""):
            found = yield published.next()
        trust = self.market.terms.trust
        call = self.market.publishes(self.checksum(me), algorithm=False, trust_any=trust == "any")
        receipt = yield me.sends(call)
        asset = next((fact.asset for fact in receipt.events if fact.event == "AssetPublished"), None)
        if asset is not None and trust != "any":
            hashes, people = self.trusted(me, found)
            yield me.sends(self.market.trusts(asset, hashes, people))
        yield from super().live(me)

    def checksum(self, me: Me) -> bytes:
        """Return the checksum of all data, as it is published."""
        return me.luck("data").bytes(32)

    def trusted(self, me: Me, found: Fact) -> tuple[list[bytes], list[bytes]]:
        """Return hashes of algorithms and addresses of authors that are trusted: of the first that reads well.

        Args:
            me: the account that acts.
            found: the event of an algorithm's publication.
        """
        trust = self.market.terms.trust
        return [found.checksum] * (trust == "hashes"), [found.publisher] * (trust == "publishers")

    def serve(self, me: Me, job: Job) -> Steps:
        """Give the node a job's data, and collect what was paid for them."""
        market = self.market
        if job.holder != me.address:
            return
        labels = yield from self.ask(me, "truth", job)
        answer = yield from self.ask(me, "reveal", job, "truth")
        if answer:
            promised = self.provide(me, job, labels, given=answer != "unpinned")
            if market.terms.data_committed and not market.ordered[job.key].free:
                yield me.sends(market.serves(job, promised.checksum))
        yield me.sees(market.JobClosed)
        asset = market.ordered[job.key].asset
        if not market.terms.price_held and market.contract.assetOf(asset).reserve:
            yield me.sends(market.collects(asset))
        yield from self.collect(me, job)

    def provide(self, me: Me, job: Job, labels: bytes, *, given: bool) -> Data:
        """Give the node the data, and return what is committed to.

        Args:
            me: the account that acts.
            job: what it is about.
            labels: of the sample, one byte an item.
            given: whether the node gets them.
        """
        return self.market.provides(job, labels) if given else self.market.described(job, labels)


class Consumer(Poster[Ocean]):
    """Orders jobs on others' data, and disputes what is worthless."""

    duties: ClassVar[frozenset[str]] = frozenset({"settle"})

    def commission(self, me: Me, number: int) -> Steps:
        """One job, from the choice of data to its end.

        Args:
            me: the account that acts.
            number: of the person's jobs, from 0.
        """
        if number == 0:
            yield me.until(me.now + OPENING_BLOCKS * me.block_time)
        while not (self.market.nodes and any(not one.algorithm for one in self.market.assets.values())):
            yield me.until(me.now + me.block_time)  # nobody runs jobs yet, or there are no data
        problem, _ = me.tasks(number)
        job = self.market.draft(me, problem)
        if (yield from self.orders(me, job)):
            yield me.spawn(self.follow, job)

    def choose(self, me: Me, job: Job) -> tuple[int, bytes]:
        """Return the number of the data, the most ordered where orders rank them, and the node's address: by turns.

        Args:
            me: the account that acts.
            job: what it is about.
        """
        market = self.market
        offered = [one for one in market.assets.values() if not one.algorithm]
        if market.terms.rank == "orders":
            most = max(one.orders for one in offered)
            offered = [one for one in offered if one.orders == most]
        offered.sort(key=lambda one: market.world.name_of(one.publisher))
        return offered[len(market.ordered) % len(offered)].id, market.turn()

    def algorithm(self, me: Me, job: Job, asset: int) -> tuple[int, bytes]:
        """Return the number of the algorithm to run, and the hash of one that nobody published.

        Args:
            me: the account that acts.
            job: what it is about.
            asset: the data's number.
        """
        known = [one.id for one in self.market.assets.values() if one.algorithm]
        trusted = [one for one in known if self.market.contract.trusts(asset, one)]
        return (trusted or known)[0], b""

    def orders(self, me: Me, job: Job) -> Steps:
        """Buy what it takes, put the money down, and order; whether it worked."""
        market = self.market
        asset, node = self.choose(me, job)
        algorithm, raw = self.algorithm(me, job, asset)
        minutes = market.authorised(job)
        order = market.order(job, asset, node, minutes, algorithm, raw)
        reused = market.valid_order(me.address, asset, me.now + 2 * me.block_time)
        if reused is None:
            for one in (asset, algorithm) if algorithm else (asset,):
                me.sends(market.buys(one))
        self.pays(me, minutes, node)
        return (yield me.sends(market.posts(job, self.fee(me, order), reused))).ok

    def fee(self, me: Me, order: dict[str, Any]) -> dict[str, Any]:
        """Return an order with its provider's fee.

        Args:
            me: the account that acts.
            order: without it.
        """
        return self.market.quote(me, order)

    def pays(self, me: Me, minutes: int, node: bytes) -> None:
        """Put down what a job may cost, and let the node lock just that, beside its other jobs for oneself.

        Args:
            me: the account that acts.
            minutes: at most.
            node: its address.
        """
        market, amount = self.market, minutes * self.market.terms.rate
        mine = [one for one in market.posted.get(me.address, ()) if one.closed is None]
        others = [one for one in map(market.ordered.get, (job.key for job in mine)) if one and one.provider == node]
        me.sends(market.deposits(amount))
        me.sends(market.authorizes(node, amount + sum(one.minutes * one.rate for one in others), 1 + len(others)))

    def follow(self, me: Me, job: Job) -> Steps:
        """Agree to the sample, look at what comes out, and take the rest of the deposit back."""
        market = self.market
        if market.terms.data_committed:
            what, _ = yield me.first(served=me.sees(market.DataServed), closed=me.sees(market.JobClosed))
            if what == "served" and self.agrees(me, job):
                yield me.sends(market.agrees(job), by=job.deadline)
        what, claimed = yield me.first(claimed=me.sees(market.Claimed), closed=me.sees(market.JobClosed))
        if what == "claimed" and claimed.status == FINISHED and market.terms.dispute_window:
            yield from self.examine(me, job, claimed)
        yield me.sees(market.JobClosed)
        unlocked = yield me.sees(market.Unlocked, by=me.now)
        deposit = market.ordered[job.key].minutes * market.terms.rate
        rest = deposit - (unlocked.paid if unlocked is not None else 0)
        if rest := min(rest, market.contract.fundsOf(me.address).available):
            yield me.sends(market.takes_back(rest))
        yield from self.collect(me, job)

    def agrees(self, me: Me, job: Job) -> bool:
        """Whether enough labels of the sample are right, as far as one knows."""
        data = self.market.data.get(job.key)
        right = 0 if data is None else correct(data.labels, me.labels(job))
        return right * 10_000 >= self.market.terms.sample_bps * job.scale

    def examine(self, me: Me, job: Job, claimed: Fact) -> Steps:
        """Measure the result, and dispute it where that is due.

        Args:
            me: the account that acts.
            job: what it is about.
            claimed: the event of the claim.
        """
        result = self.market.result(job)
        model = None if result is None else algorithms.model_of(result)
        promised = self.market.terms.metric_bps * job.scale // 10_000
        subject = Subject(claimed.provider, claimed.provider, model, None, 2 * promised)  # half of it is enough
        wants = (yield from self.ask(me, "settle", job, subject)) == "dispute"
        if wants and self.market.terms.audit_bps < BPS:  # else an audit has begun already
            yield me.sends(self.market.disputes(job), by=float(claimed.due))


ROLES = (Author, Publisher, Consumer, Provider, Keeper)
