"""Golem: a market of computation whose offers, agreements and bills are messages; the chain sees the payments.

Source: Golem's public contracts and documents: LockPayment's deposits, packed payments, yagna's agreements and debit
notes, golem-js's reputation; named by the survey of source 000. The task is a training, equal to the bit for whoever
does it, so that a requestor can compare results. Where the network enforces nothing, hardened rules are ours: channels
on signed agreements, claims that auditors rule on, fees by use, payees that are bound.

People sign with the key of their account. Where addresses come from names nobody has such a key, and everybody
registers one once (`registerKey`): what contracts recover is then that key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from slashpoint.protocols.golem.books import stake_key
from slashpoint.protocols.golem.calls import CLAIMED, DISPUTED, GolemCalls
from slashpoint.protocols.golem.messages import Agreement
from slashpoint.protocols.golem.reputation import Reputation
from slashpoint.protocols.golem.terms import WALLET
from slashpoint.sim.contract import Artifact
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.ledger.money import Cause
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slashpoint.protocols.golem.terms import GolemTerms
    from slashpoint.sim.contract import Call, Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Actor, Job
    from slashpoint.sim.world import World

PRICES = ("per_cpu_second", "per_second", "fixed_price")
OUTCOMES = {"DepositClosed": "closed", "DepositTerminated": "terminated"}


@dataclass
class GolemMarket(GolemCalls):
    """The market of tasks on MDC, which stands in for GLM."""

    terms: GolemTerms
    reputation: Reputation = field(default=None)  # type: ignore[assignment] # `deploy` makes it
    results: dict[str, bytes] = field(default_factory=dict)  # job's key → CID of the result that its requestor took
    nonces: dict[bytes, int] = field(default_factory=dict)  # by funder: deposits made

    opening_event: ClassVar[str] = "DepositCreated"
    closing_events: ClassVar[tuple[str, ...]] = tuple(OUTCOMES)
    asset: ClassVar[str] = "MDC"
    duties: ClassVar[Mapping[str, str]] = {
        "enter": "make a requestor an offer",
        "work": "train as the demand says, from public randomness",
        "claim": "usage to bill (CPU seconds, at most the agreement's cap)",
        "settle": "accept or dispute a result's last bill",
        "judge": "right answers of a disputed result (count)",
    }
    expects: ClassVar[tuple[str, ...]] = ("DepositCreated", "DepositTransfer", "DepositFeeTransfer", "DepositClosed")

    @classmethod
    def deploy(cls, world: World, terms: GolemTerms) -> GolemMarket:
        """Put token and contract on a world's chain."""
        token, terms.job_seconds = cls.deploy_coin(world, terms), world.training_cache.task.seconds
        terms.block_seconds = world.chain.period / SECOND
        seats = range(terms.seats.get("auditor", 0))
        auditors = tuple(address_of(f"auditor/{i}", world.rules.addresses) for i in seats)
        contract = world.deploy(Artifact.ours("Golem"), token.address_, terms.rules(), auditors)
        scores = Reputation(terms.uptime_weight, terms.success_weight, terms.min_score, terms.tasks_to_list)
        return cls(world, contract, terms, auditors=auditors, reputation=scores)

    def setup(self, me: Actor) -> Sequence[Call]:
        """Let the contract take one's tokens; register a key where the address has none."""
        calls = list(super().setup(me))
        if self.world.rules.addresses == "names" and self.terms.bound:
            call = self.contract.registerKey(address_of(me.name, "keys"), gas=60_000)
            calls.append(self.does("registers", None, call))
        return calls

    def draft(self, me: Actor, problem: Problem) -> Job:
        """Return a job that is about to be posted: exact work, so that results can be compared.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
        """
        job = super().draft(me, problem)
        job.reward, job.stake = self.terms.to_units(self.terms.budget), self.terms.to_units(self.terms.provider_bond)
        job.exact = True
        nonce = self.nonces[me.address] = self.nonces.get(me.address, -1) + 1
        job.id = int.from_bytes(me.address, "big") << 64 | nonce
        return job

    # --- reading ------------------------------------------------------------------------------------------------------

    def begins(self, fact: Fact) -> tuple[str, bytes, float]:
        """Return what an opening event says; the deadline for work leaves time for every window after it."""
        args = fact.args
        return args["context"], args["funder"], float(args["validTo"]) - self.terms.after_work

    def outcome(self, fact: Fact) -> str:
        """Return what a closing event says that came of a job."""
        return OUTCOMES[fact.event]

    def liabilities(self) -> dict[str, dict[str, int]]:
        """Return what the contract says that it holds."""
        return {self.asset: {"in deposits and bonds": self.contract.held()}}

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Return why tokens moved: of a settlement, bonds first."""
        job, here = call.job, self.contract.address_
        key = job.key if job is not None else None
        if receiver == here:
            stake = call.function in {"openChannel", "disputeClaim"}
            if stake:
                self.put_up[stake_key(key, sender)] += amount
            return [((Cause.STAKE if stake else Cause.DEPOSIT).value, amount, key)]
        match call.function:
            case "depositTransfer" | "depositTransferPacked" | "multiTransfer":
                return [(Cause.REWARD.value, amount, key)]
            case "closeDeposit" | "terminateDeposit":
                refund = job is not None and receiver == job.poster
                self.returned[key or ""] += amount if refund else 0
                return [((Cause.REFUND if refund else Cause.FEE).value, amount, key)]
            case "settle":
                return self._settlement(call, receiver, amount, key)
        return [(Cause.UNKNOWN.value, amount, key)]

    def _settlement(
        self, call: Call, receiver: bytes, amount: int, key: str | None
    ) -> list[tuple[str, int, str | None]]:
        """Return the parts of a transfer of `settle`: one's own stake, else what one earned or another lost."""
        mine = stake_key(key, receiver)
        back = 0 if call.job is not None and self.earned(call.job, receiver, amount) else min(amount, self.put_up[mine])
        self.put_up[mine] -= back
        won = Cause.REWARD if call.subject == receiver else Cause.SLASH
        why = Cause.BOUNTY if receiver in self.auditors else won
        parts = ((Cause.STAKE.value, back, key), (why.value, amount - back, key))
        return [part for part in parts if part[1]]

    def earned(self, job: Job, provider: bytes, amount: int) -> bool:
        """Return whether a transfer is what the deposit paid a provider in the latest block, rather than its bond.

        Args:
            job: what it is about.
            provider: its address.
            amount: smallest units.
        """
        return any(fact.payee == provider and fact.amount == amount for fact in self._fresh("DepositTransfer", job))

    def poke(self, job: Job) -> tuple[float, Call] | None:
        """Return what anybody may call next: settle a channel whose window is over, or end the deposit."""
        if job.closed is not None or not self.terms.public_end:
            return None
        born, dues = job.born / 10**9, []
        for agreement in self.open_channels(job):
            channel = self.contract.channel(self.key_of(agreement))
            when = float(channel.due) if channel.state in {CLAIMED, DISPUTED} else float(agreement.until)
            if channel.state == DISPUTED and len(self.reports_of(job, agreement)) == len(self.auditors):
                when = born
            dues.append((when, self.settles(job, agreement)))
        if dues:
            return min(dues, key=lambda due: due[0])
        return float(self.contract.getDeposit(job.id).validTo), self.does(
            "pokes", job, self.contract.terminateDeposit(job.id, gas=120_000)
        )

    def agreement(self, job: Job, offer: Fact) -> Agreement:
        """Return what a proposal would be as an agreement.

        Args:
            job: what it is about.
            offer: a provider's proposal.
        """
        speed = self.reputation.of(offer.by).speed or 1.0
        benchmark = self.terms.benchmark(self.benchmark, speed)
        task = hashlib.sha256(job.key.encode()).digest()
        prices = offer.per_cpu_second, offer.per_second, offer.fixed_price
        return Agreement(
            job.id, job.poster, offer.by, *prices, benchmark, self.terms.cap(benchmark), int(job.deadline), task
        )

    @property
    def benchmark(self) -> float:
        """Return what a job takes on the reference device, seconds."""
        return self.world.training_cache.task.seconds

    @property
    def prices(self) -> dict[str, int]:
        """Return the usual prices, as a proposal says them; smallest units."""
        return {name: self.terms.to_units(getattr(self.terms, name)) for name in PRICES}

    @property
    def closings(self) -> tuple[Event, ...]:
        """Return the events that end a job."""
        return tuple(map(self.event, self.closing_events))

    def spender(self, job: Job) -> bytes:
        """Return who is to pay a job's providers: one of the spenders; the requestor where it pays from its wallet."""
        spenders = sorted(
            one.name for one in self.world.accounts.values() if "spender" in one.roles and "+" not in one.name
        )
        if self.terms.pays_from == WALLET or not spenders:
            return job.poster
        return address_of(self.world.luck("spender", job.key).choice(spenders), self.world.rules.addresses)

    def view(self, job: Job, agreement: Agreement) -> Job:
        """Return a job as a provider's bill has it: the most that may be claimed are the cap's seconds.

        Args:
            job: what it is about.
            agreement: what was agreed.
        """
        return replace(job, scale=agreement.cap, unit="CPU seconds")

    def delivered(self, job: Job) -> bytes | None:
        """Return the result that the requestor took, if it can be had."""
        cid = self.results.get(job.key)
        return None if cid is None else self.world.store.get(cid)
