"""Shelf: what is published, who runs nodes, what data a publisher really gives them, and what was ordered."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from slashpoint.protocols.ocean.algorithms import FREE_SECONDS
from slashpoint.sim.contract import Artifact, Contract
from slashpoint.sim.learning import Order, Problem, correct
from slashpoint.sim.learning.poison import Poison
from slashpoint.sim.luck import digest
from slashpoint.sim.market.vault import REWARD, Vaulted

if TYPE_CHECKING:
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Actor, Job

JUNK = 13  # the contract's state
CAPPED = "output capped"  # the outcome where a result looks like that of junk data because the cap cut it


@dataclass
class Published:
    """An asset, as everybody knows it."""

    id: int
    publisher: bytes  # address
    algorithm: bool  # else data
    checksum: bytes
    price: int  # of a datatoken, smallest units
    datatoken: Contract
    orders: int = 0  # how many were ever started


@dataclass(frozen=True)
class Ordered:
    """What an order asks for."""

    asset: int
    algorithm: int  # 0: one that nobody published
    text: bytes  # CID of the algorithm's text
    provider: bytes  # address
    minutes: int  # that the consumer authorises
    free: bool
    rate: int  # a minute: the provider's, as it was then, smallest units


@dataclass(frozen=True)
class Data:
    """What a publisher gives a node for a job."""

    labels: bytes  # of the sample, one byte an item
    spoilt: Poison | None  # what is wrong with the rows
    checksum: bytes  # SHA-256 of the rows, with what is wrong with them


@dataclass
class Shelf(Vaulted):
    """What people know of each other beside the chain, and what the market's events say of assets and orders."""

    terms: Any  # the rules
    assets: dict[int, Published] = field(default_factory=dict)
    nodes: dict[bytes, int] = field(default_factory=dict)  # addresses in the order of coming → rate a minute
    signers: dict[bytes, str] = field(default_factory=dict)  # node → the name of the key that it signs fees with
    ordered: dict[str, Ordered] = field(default_factory=dict)  # by job's key
    data: dict[str, Data] = field(default_factory=dict)  # by job's key
    results: dict[str, bytes] = field(default_factory=dict)  # job's key → CID of what its consumer was handed
    cut: set[str] = field(default_factory=set)  # keys of jobs whose model the cap let leave no node whole
    final: dict[str, bytes] = field(default_factory=dict)  # job's key → what its closing event says came out
    valid: dict[tuple[bytes, int], tuple[int, float]] = field(default_factory=dict)  # consumer, asset → order, until
    payers: dict[bytes, None] = field(default_factory=dict)  # who ever put a deposit down
    reserves: Counter[int] = field(default_factory=Counter)  # asset → paid for its datatokens, and not gone on

    def relate(self, fact: Fact) -> Job | None:
        """Return the job that an event is about, and note assets, nodes and deposits."""
        args = fact.args
        match fact.event:
            case "AssetPublished":
                datatoken = Contract(Artifact.ours("Datatoken"), args["datatoken"], self.world.engine)
                self.assets[args["asset"]] = Published(
                    args["asset"], args["publisher"], args["algorithm"], args["checksum"], args["price"], datatoken
                )
            case "NodeRegistered":
                self.nodes[args["node"]] = args["rate"]
            case "Deposited":
                self.payers[args["payer"]] = None
            case "Swapped":
                self.reserves[args["asset"]] += args["base"] if args["bought"] else -args["base"]
            case "Collected":
                self.reserves[args["asset"]] -= args["amount"]
            case "OrderStarted":
                one = self.assets[args["asset"]]
                one.orders += 1
                if self.terms.price_held and not args["free"] and args["order"] == args["id"]:
                    self.reserves[one.id] -= one.price
        job = super().relate(fact)
        if job is not None and job.closed is not None and job.key in self.cut:
            job.winner = None  # nothing whole was delivered
            job.outcome = CAPPED if job.outcome == self.outcomes[JUNK] else job.outcome
        return job

    def notes(self, fact: Fact, job: Job) -> None:
        """Keep what was ordered, and what came out."""
        args = fact.args
        if fact.event == "OrderStarted":
            text = self.assets[args["algorithm"]].checksum if args["algorithm"] else args["raw"]
            rate = self.nodes.get(args["provider"], 0)
            self.ordered[job.key] = Ordered(
                args["asset"], args["algorithm"], text, args["provider"], self.authorised(job), args["free"], rate
            )
            if args["order"] == args["id"] and not args["free"]:
                until = fact.time / 10**9 + self.terms.order_seconds
                self.valid[job.poster, args["asset"]] = args["id"], until
        elif fact.event == "JobClosed":
            self.final[job.key] = args["result"]

    def may_run(self, asset: int, algorithm: int, when: Fact) -> bool:
        """Whether a publisher's list, as it was when something happened, lets an algorithm run on its data.

        Args:
            asset: the data's number.
            algorithm: the algorithm's, 0 for one that nobody published.
            when: what happened.
        """
        if not algorithm:
            return bool(self.terms.allow_raw)
        said = self.world.facts.of(self.contract.event_("TrustChanged"), None)
        lists = [one for one in said if one.asset == asset and one.number < when.number]
        if not lists:
            return bool(self.terms.trust == "any")
        one = self.assets[algorithm]
        return one.checksum in lists[-1].checksums or one.publisher in lists[-1].publishers

    def turn(self) -> bytes:
        """Return the address of the node that consumers go to next: they take turns, by name."""
        nodes = sorted(self.nodes, key=self.world.name_of)
        return nodes[len(self.ordered) % len(nodes)]

    def valid_order(self, who: bytes, asset: int, by: float) -> int | None:
        """Return the number of an order of somebody's on an asset that can still be used at a time; None for none.

        Args:
            who: an address.
            asset: the data's number.
            by: Unix seconds.
        """
        order, until = self.valid.get((who, asset), (None, 0.0))
        return order if order is not None and by < until and self.stands(order) else None

    def stands(self, order: int) -> bool:
        """Whether the price of an order is the publisher's for good, and so pays for other jobs, too."""
        if not self.terms.price_held:
            return True
        job = self.jobs.get(order)
        if job is None:
            return False
        return any(one.cause == REWARD and one.who == job.holder for one in self._events_of("Credited", job))

    # --- money --------------------------------------------------------------------------------------------------

    def kept(self) -> dict[str, int]:
        """Return what is in the treasury, and what its owners may take whenever they like: deposits and reserves."""
        deposits = sum(self.contract.fundsOf(who).available for who in self.payers)
        reserves = sum(self.contract.assetOf(one).reserve for one in self.assets)
        return {self.asset: self.contract.treasury() + deposits + reserves}

    # --- time ---------------------------------------------------------------------------------------------------

    def seconds(self, job: Job) -> float:
        """Return the seconds that a job takes on the reference device."""
        return self.world.training_cache.task.duration(Order("", job.task))

    def authorised(self, job: Job) -> int:
        """Return the minutes that a consumer authorises for a job."""
        wanted = self.minutes(self.terms.slack * self.seconds(job))
        return int(min(self.terms.max_minutes, wanted))

    def minutes(self, seconds: float) -> int:
        """Return what so many seconds are billed."""
        raise NotImplementedError

    # --- data ---------------------------------------------------------------------------------------------------

    def provides(self, job: Job, labels: bytes, spoilt: Poison | None = None) -> Data:
        """Give the nodes a job's data; what is wrong with the sample's labels is wrong with all.

        Args:
            job: what it is about.
            labels: of the sample, one byte an item.
            spoilt: what else is wrong with the rows.
        """
        self.data[job.key] = found = self.described(job, labels, spoilt)
        return found

    def described(self, job: Job, labels: bytes, spoilt: Poison | None = None) -> Data:
        """Return data as a publisher has them, without giving them to anybody: see `provides`."""
        task = self.world.training_cache.task
        wrong = job.scale - correct(labels, task.labels(job.task))
        if spoilt is None and wrong:
            spoilt = Poison(share=wrong / job.scale)
        rows = task.files(job.task)["train"]
        return Data(labels, spoilt, hashlib.sha256(rows + repr(spoilt).encode()).digest())

    def problem(self, job: Job, me: Actor) -> Problem:
        """Return a job's task; in the free tier nodes take no more rows than fit into its time."""
        order = self.ordered.get(job.key)
        if order is None or not order.free or me.address not in self.nodes:
            return job.task
        rows = job.task.train[: max(1, int(len(job.task.train) * FREE_SECONDS / max(FREE_SECONDS, self.seconds(job))))]
        return replace(job.task, key=digest("free", job.task.key).hex(), train=rows)

    def committed(self, job: Job) -> bytes | None:
        """Return the hash of the data that a job's publisher committed to; None where it did not."""
        found = self._events_of("DataServed", job)
        return found[0].args["data"] if found else None

    def spoilt(self, job: Job, me: Actor) -> Poison | None:
        """Return what is wrong with the rows that a node was given."""
        return self.data[job.key].spoilt if job.key in self.data and me.address in self.nodes else None

    def answers(self, job: Job, me: Actor) -> bytes | None:
        """For nodes, which know no better, the labels of the publisher's sample."""
        return self.data[job.key].labels if job.key in self.data and me.address in self.nodes else None
