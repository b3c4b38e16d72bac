"""Escrow: ether for a model, paid to the first worker when the client accepts what it handed in."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from slashpoint.agents.roles import Poster, Server
from slashpoint.sim.contract import Artifact
from slashpoint.sim.market import Market, Subject, Terms

BUILD = Path(__file__).parent.parent / "contracts" / "build"


@dataclass(kw_only=True)
class EscrowTerms(Terms):
    reward: float  # ETH
    window: float  # seconds for work
    careful: bool  # whether the contract asks who calls, and whether a job is over


@dataclass
class Escrow(Market):
    opening_event = "Opened"
    closing_events = ("Paid", "Refunded")
    arguments: ClassVar = {"id": "jobId", "deadline": "due", "winner": "worker"}

    @classmethod
    def deploy(cls, world, terms):
        return cls(world, world.deploy(Artifact.load(BUILD / "Escrow.json"), terms.careful), terms)

    def posts(self, job, due):
        return self.does("posts", job, self.contract.open(round(due), value=job.reward))

    def submits(self, job, cid):
        return self.does("submits", job, self.contract.handIn(job.id, cid), carries=cid)

    def claims(self, job, right):
        return self.does("claims", job, self.contract.claim(job.id, right), carries=right)

    def settles(self, job):
        return self.does("settles", job, self.contract.accept(job.id))

    def cancels(self, job):
        return self.does("cancels", job, self.contract.cancel(job.id))


class Client(Poster):
    duties = frozenset({"settle"})

    def commission(self, me, number):
        problem, _ = me.tasks(number)
        job = self.market.draft(me, problem)
        if (yield me.sends(self.market.posts(job, me.now + self.market.terms.window))).ok:
            yield me.spawn(self.serve, job)

    def serve(self, me, job):
        handed = yield me.sees(self.market.HandedIn, by=job.deadline)
        answer = "dispute"
        if handed:
            yield me.sees(self.market.Claimed, by=job.deadline)
            subject = Subject(handed.worker, handed.worker, me.fetches(handed.cid), None, job.scale)
            answer = yield from self.ask(me, "settle", job, subject)
        yield me.sends(self.market.settles(job) if answer == "accept" else self.market.cancels(job))


class Worker(Server):
    duties = frozenset({"enter", "work", "claim"})

    def serve(self, me, job):
        if not (yield from self.ask(me, "enter", job)):
            return
        work = yield from self.ask(me, "work", job, by=job.deadline)
        if work and work.model and (yield me.sends(self.market.submits(job, me.publishes(work.model)))).ok:
            right = yield me.measures(Subject("own", me.address, work.model, None, job.scale), job)
            yield me.sends(self.market.claims(job, (yield from self.ask(me, "claim", job, right)) or 0))


MARKET, TERMS, ROLES = Escrow, EscrowTerms, (Client, Worker)
