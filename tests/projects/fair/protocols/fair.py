"""Fair: a factory whose jobs are contracts, clones of one stall; pay goes into a till that each worker gets anew."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from slashpoint.agents.roles import Poster, Server
from slashpoint.sim.contract import Artifact, Birth
from slashpoint.sim.market import Market, Terms

BUILD = Path(__file__).parent.parent / "contracts" / "build"


@dataclass(kw_only=True)
class FairTerms(Terms):
    reward: float  # ETH
    share: int  # per mille of the reward, for the fair
    prize: float  # ETH that the fair is deployed with
    window: float  # seconds for work


@dataclass
class Fair(Market):
    opening_event = "StallOpened"
    closing_events = ("Paid", "Closed")
    arguments: ClassVar = {"id": "stall", "deadline": "due", "winner": "worker"}

    @classmethod
    def deploy(cls, world, terms):
        odds, stall, voucher, till, fair = (
            Artifact.load(BUILD / f"{name}.json") for name in ("Odds", "Stall", "Voucher", "Till", "Fair")
        )
        odds, stall, voucher = world.deploy(odds), world.deploy(stall), world.deploy(voucher)
        prize = world.to_units("ETH", terms.prize)
        fair = fair.link({"Odds": odds.address_})
        fair = world.deploy(fair, stall.address_, voucher.address_, terms.share, value=prize)
        births = {
            "VoucherBorn": Birth("voucher", voucher, symbol="VOUCHER"),  # a token: its transfers are money
            "Paid": Birth("till", till),  # not a clone: its code does not tell what it is
        }  # stalls need no line: they are clones of a contract that is known
        return cls(world, fair, terms, others=(stall,), births=births)

    def posts(self, job, due):
        return self.does("posts", job, self.contract.open(round(due), value=job.reward))

    def submits(self, job, cid):
        return self.does("submits", job, self.at(job.id).handIn(cid), carries=cid)

    def settles(self, job):
        return self.does("settles", job, self.at(job.id).pay())

    def cancels(self, job):
        return self.does("cancels", job, self.at(job.id).close())

    def causes(self, call, asset, sender, receiver, amount):
        if asset != self.asset:
            return [("airdrop", amount, None)]
        return super().causes(call, asset, sender, receiver, amount)

    def kept(self):
        fees = len(self.jobs) * self.terms.price * self.terms.share // 1000
        return {"ETH": self.contract.prize() + fees + sum(self.in_tills().values())}

    def in_tills(self):
        """Return what lies in each worker's till, which is not the market's any more."""
        said = self.world.facts.of(self.Paid, None)
        return {fact.till: self.world.engine.balance(fact.till) for fact in said}

    def liabilities(self):
        """Return what each stall owes whoever it will go to, and what the fair keeps."""
        open_jobs = {key: job for key, job in self.jobs.items() if job.closed is None}
        net = self.terms.price * (1000 - self.terms.share) // 1000
        return {"ETH": {f"at {stall.hex()[:8]}": net for stall in open_jobs} | {"kept": self.kept()["ETH"]}}


class Client(Poster):
    def commission(self, me, number):
        problem, _ = me.tasks(number)
        job = self.market.draft(me, problem)
        yield me.sends(self.market.contract.issue(f"voucher of {me.name}"))
        if not (yield me.sends(self.market.posts(job, me.now + self.market.terms.window))).ok:
            return
        handed = yield me.sees(self.market.HandedIn, by=job.deadline, job=job)
        yield me.sends(self.market.settles(job) if handed else self.market.cancels(job))


class Worker(Server):
    duties = frozenset({"work"})

    def serve(self, me, job):
        work = yield from self.ask(me, "work", job, by=job.deadline)
        if work and work.model:
            yield me.sends(self.market.submits(job, me.publishes(work.model)))
            paid = yield me.sees(self.market.Paid, job=job, by=job.deadline + 600, worker=me.address)
            if paid:
                yield me.sends(self.market.does("withdraws", job, self.market.at(paid.till).empty()))


MARKET, TERMS, ROLES = Fair, FairTerms, (Client, Worker)
