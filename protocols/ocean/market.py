"""Ocean: algorithms travel to data that never move, and only what comes out of them is sold.

Source: Ocean Protocol's contracts and nodes (compute-to-data, the second version's escrow), and the survey that ran a
network on MNIST there. A consumer gives one datatoken up for a job on published data, names the algorithm and the node,
and lets the node lock what it may cost; the node runs it where the data lie and claims for the minutes.

The real contracts send people their money; here it is owed until it is withdrawn, as in every market of this program.
Assets, exchange, dispenser, orders and escrow are one contract, with an NFT and datatoken clones of their own.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.protocols.ocean import algorithms
from slashpoint.protocols.ocean.invariants import BPS
from slashpoint.protocols.ocean.stalls import Stalls
from slashpoint.sim.contract import Artifact
from slashpoint.sim.engine.keys import sign
from slashpoint.sim.market import Job, commitment
from slashpoint.sim.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slashpoint.protocols.ocean.terms import OceanTerms
    from slashpoint.sim.contract import Call, Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Actor
    from slashpoint.sim.world import World

ORDERED, SERVED, AGREED, LOCKED, CLAIMED, AUDIT, REVEAL, DONE, FAILED, EXPIRED, LAPSED, OVERTURNED, JUNK, VOID = range(
    1, 15
)
OUTCOMES = {
    DONE: "done", FAILED: "failed", EXPIRED: "expired", LAPSED: "lapsed", OVERTURNED: "overturned", JUNK: "junk data",
    VOID: "void",
}  # fmt: skip
STARTED, NO_DATA, NO_ALGORITHM, FINISHED = 10, 31, 32, 70  # as operators publish them
VALID = 600  # seconds that a provider's fee is valid, as it says


@dataclass
class Ocean(Stalls):
    """The data market on MDC."""

    terms: OceanTerms

    opening_event: ClassVar[str] = "OrderStarted"
    closing_events: ClassVar[tuple[str, ...]] = ("JobClosed",)
    asset: ClassVar[str] = "MDC"
    outcomes: ClassVar[Mapping[int, str]] = OUTCOMES
    state_names: ClassVar[Sequence[str]] = (
        "none", "ordered", "served", "agreed", "locked", "claimed", "audit", "reveal", *OUTCOMES.values()
    )  # fmt: skip
    duties: ClassVar[Mapping[str, str]] = {
        "enter": "run a job, or stand by as its auditor",
        "work": "run the algorithm where the data lie",
        "claim": "what a run is billed (minutes)",
        "judge": "right answers, on the sample, of what an audited job gives (count)",
        "reveal": "truth: give the node the data; work: hand the result over; report: an auditor's answer",
        "truth": "labels of the sample, and so of the data (bytes)",
        "settle": "accept a result, or have it executed again",
    }
    expects: ClassVar[tuple[str, ...]] = (
        "AssetPublished", "NodeRegistered", "Swapped", "OrderStarted", "OrderSplit", "FeePaid", "Locked", "Claimed",
        "JobClosed",
    )  # fmt: skip

    @classmethod
    def deploy(cls, world: World, terms: OceanTerms) -> Ocean:
        """Put token and contract on a world's chain.

        Raises:
            ValueError: the world's task has no rows that could leak.
        """
        cls.needs_weights(world)
        late = terms.late(world.chain.period / SECOND, world.training_cache.task.seconds)
        world.notes.extend(f"infeasible: {why}" for why in late)
        token = cls.deploy_coin(world, terms)
        return cls(world, world.deploy(Artifact.ours("Ocean"), token.address_, terms.rules()), terms)

    @property
    def news(self) -> tuple[Event, ...]:
        """Whatever changes what is due."""
        return (
            self.Locked, self.Claimed, self.AuditBegun, self.RevealBegun, self.AnswerRevealed, self.JobClosed
        )  # fmt: skip

    @property
    def usual(self) -> frozenset[str]:
        """Return all duties but those that need a dispute, or an audit that is not drawn for each claim."""
        rare = {"judge"} if self.terms.audit_bps < BPS else set()
        return frozenset(self.duties) - rare - ({"settle"} if not self.terms.dispute_window else set())

    # --- orders ------------------------------------------------------------------------------------------

    def draft(self, me: Actor, problem: Problem) -> Job:
        """Return a job that is about to be ordered.

        Args:
            me: the account that acts.
            problem: what is to be learnt.
        """
        job = super().draft(me, problem)
        job.reward, job.stake = self.terms.to_units(self.terms.payout), self.terms.to_units(self.terms.collateral)
        job.exact = True
        return job

    def quote(self, me: Actor, order: dict[str, Any]) -> dict[str, Any]:
        """Return an order with its provider's fee, as the provider signs it for whoever asks.

        Args:
            me: the account that orders.
            order: see `order`.
        """
        now = self.world.chain.time // 10**9
        fee = {
            "payee": order["provider"], "token": self.token.address_, "amount": self.terms.asking(order["minutes_"]),
            "validUntil": now + VALID, "data": str(order["minutes_"]).encode(), "v": 0, "r": bytes(32), "s": bytes(32),
        }  # fmt: skip
        digest = self.contract.feeDigest({**order, "fee": fee}, me.address)
        v, r, s = sign(self.signers[order["provider"]], bytes(digest))
        return {**order, "fee": {**fee, "v": v, "r": r, "s": s}}

    def order(self, job: Job, asset: int, provider: bytes, minutes: int, algorithm: int, raw: bytes = b"") -> Any:
        """Return what a consumer wants to be run, without the provider's fee.

        Args:
            job: what it is about.
            asset: the data's number.
            provider: the node's address.
            minutes: at most.
            algorithm: its number, 0 for one that nobody published.
            raw: SHA-256 of such a one.
        """
        return {
            "asset": asset, "algorithm": algorithm, "raw": raw or bytes(32), "provider": provider, "minutes_": minutes,
            "fee": NO_FEE, "context": job.key,
        }  # fmt: skip

    def posts(self, job: Job, order: Any, reused: int | None = None, *, free: bool = False) -> Call:
        """Order a job: for datatokens, for an order that one has, or in the free tier.

        Args:
            job: what it is about.
            order: with its fee.
            reused: the number of the job whose datatoken is to pay for this one, too.
            free: in the free tier.
        """
        job.holder = self.assets[order["asset"]].publisher
        if free:
            call = self.contract.startFree(order, gas=400_000)
        elif reused is not None:
            call = self.contract.reuseOrder(reused, order, gas=600_000)
        else:
            call = self.contract.startOrder(order, gas=800_000)
        return self.does("posts", job, call)

    def serves(self, job: Job, data: bytes) -> Call:
        """Commit to a job's data.

        Args:
            job: what it is about.
            data: SHA-256 of them.
        """
        call = self.contract.serve(job.id, data, job.scale, gas=120_000)
        return self.does("reveals_truth", job, call, carries=data)

    def agrees(self, job: Job) -> Call:
        """Agree to the sample."""
        return self.does("registers", job, self.contract.agree(job.id, gas=80_000))

    # --- runs --------------------------------------------------------------------------------------------

    def locks(self, job: Job) -> Call:
        """Lock what a job may cost, and start it."""
        amount = self.ordered[job.key].minutes * self.terms.rate
        return self.does("registers", job, self.contract.createLock(job.id, amount, gas=300_000))

    def submits(self, me: Actor, job: Job, minutes: int, result: bytes | None, status: int = FINISHED) -> Call:
        """Hand in, and claim for, a run.

        Args:
            me: the account that acts.
            job: what it is about.
            minutes: that are billed.
            result: what came out; None for nothing.
            status: as operators publish it.
        """
        said = bytes(32)
        if result is not None:
            said = hashlib.sha256(result).digest()
            if self.terms.auditors:
                said = self.sealed(me, job, said, minutes, 0)
        call = self.contract.claim(job.id, minutes, said, status, gas=self._ending(job))
        return self.does("submits", job, call, carries=said)

    def enlists(self, job: Job) -> Call:
        """Stand by as an auditor."""
        return self.does("registers", job, self.contract.enlist(job.id, gas=220_000))

    def disputes(self, job: Job) -> Call:
        """Have a job executed again."""
        return self.does("disputes", job, self.contract.dispute(job.id, gas=400_000))

    def sealed(self, me: Actor, job: Job, cid: bytes, minutes: int, score: int) -> bytes:
        """Return the commitment to what came out of a job.

        Args:
            me: the account that acts.
            job: what it is about.
            cid: of the result.
            minutes: that it takes.
            score: right answers on the sample.
        """
        payload = hashlib.sha256(cid + minutes.to_bytes(32, "big") + score.to_bytes(32, "big")).digest()
        return commitment(payload, me.salt("answer", job.key), me.address, salted=True)

    def judges(self, me: Actor, job: Job, cid: bytes, minutes: int, score: int) -> Call:
        """Commit, as an auditor, to what came out.

        Args:
            me: the account that acts.
            job: what it is about.
            cid: of the result.
            minutes: that it takes.
            score: right answers on the sample.
        """
        seal = self.sealed(me, job, cid, minutes, score)
        return self.does("judges", job, self.contract.answer(job.id, seal, gas=150_000), carries=seal)

    def reveals(self, me: Actor, job: Job, cid: bytes, minutes: int, score: int) -> Call:
        """Reveal, as an auditor, what one committed to.

        Args:
            me: the account that acts.
            job: what it is about.
            cid: of the result.
            minutes: that it takes.
            score: right answers on the sample.
        """
        call = self.contract.reveal(job.id, cid, minutes, score, me.salt("answer", job.key), gas=220_000)
        return self.does("reveals", job, call, carries=cid)

    def reveals_result(self, me: Actor, job: Job, result: bytes) -> Call:
        """Reveal, as the provider, the result that one claimed for.

        Args:
            me: the account that acts.
            job: what it is about.
            result: all of it.
        """
        gas = 250_000 + 60 * len(result)
        call = self.contract.revealResult(job.id, result, me.salt("answer", job.key), gas=gas)
        return self.does("reveals", job, call, carries=hashlib.sha256(result).digest())

    def _ending(self, job: Job) -> int:
        return 450_000 + 120_000 * len(self.contract.poolOf(job.id))

    # --- running ------------------------------------------------------------------------------------------------

    def minutes(self, seconds: float) -> int:
        """Return what so many seconds are billed: minutes begun, at least one."""
        return max(1, math.ceil(seconds / 60 - 1e-9))

    def executes(self, job: Job, model: bytes | None) -> bytes:
        """Return what leaves the node of a job whose algorithm has trained a model.

        Args:
            job: what it is about.
            model: as bytes; None where nothing was trained.
        """
        text = self.world.store.get(self.ordered[job.key].text) or b""
        task, terms = self.world.training_cache.task, self.terms
        written = algorithms.output(text, model or b"", task, job.task)
        left = algorithms.filtered(written, terms.output_cap, models_only=terms.filters)
        if model is not None and algorithms.model_of(left) != model and task.weights(model) is not None:
            self.cut.add(job.key)
            self._says(f"infeasible: protocol.output_cap={terms.output_cap}: a model here has {len(model):,} bytes, so")
        return left

    def _says(self, why: str) -> None:
        """Note once that no whole model can leave a node, so that nobody is blamed for what came of that."""
        if not any(one.startswith(why) for one in self.world.notes):
            self.world.notes.append(f"{why} none leaves a node whole, and what comes of that is nobody's fault")

    def hands_over(self, job: Job, cid: bytes) -> None:
        """Let a job's consumer read a result.

        Args:
            job: what it is about.
            cid: of the result.
        """
        self.results[job.key] = cid

    def result(self, job: Job) -> bytes | None:
        """Return what a job's consumer was handed."""
        cid = self.results.get(job.key)
        return None if cid is None else self.world.store.get(cid)

    def delivered(self, job: Job) -> bytes | None:
        """Return the model that the consumer got: the provider's, the auditors' after an overturn, or no cut one."""
        if job.key in self.cut:
            return None
        found = self.result(job)
        if job.outcome == OUTCOMES[OVERTURNED]:
            found = self.world.store.get(self.final[job.key])
        return None if found is None else algorithms.model_of(found)

    # --- reading ------------------------------------------------------------------------------------------------

    def begins(self, fact: Fact) -> tuple[str, bytes, float]:
        """Return what an opening event says."""
        args = fact.args
        return args["context"], args["consumer"], float(args["expiry"])

    def causes(
        self, call: Call, asset: str, sender: bytes, receiver: bytes, amount: int
    ) -> Iterable[tuple[str, int, str | None]]:
        """Return why tokens moved; a withdrawal is split into what it was credited for."""
        job = call.job.key if call.job is not None else None
        if receiver == self.contract.address_:
            stake = call.function in {"createLock", "enlist", "dispute"}
            return [("stake" if stake else "deposit", amount, job)]
        if call.function == "withdraw" and sender == self.contract.address_:
            return self.withdrawn(receiver, amount, job)
        return [("unknown", amount, job)]

    def poke(self, job: Job) -> tuple[float, Call] | None:
        """Return what anybody may call next: the end of what was not done in time, or of a window."""
        state, due, answered, panel, _, _ = self.contract.jobOf(job.id)
        if state >= DONE:
            return None
        if state <= LOCKED:
            return float(due), self.does("pokes", job, self.contract.cancelExpired(job.id, gas=self._ending(job)))
        when = job.born / 10**9 if state == REVEAL and answered == panel + 1 else float(due)
        return when, self.does("pokes", job, self.contract.settle(job.id, gas=self._ending(job)))


NO_FEE = {
    "payee": bytes(20), "token": bytes(20), "amount": 0, "validUntil": 0, "data": b"", "v": 0, "r": bytes(32),
    "s": bytes(32),
}  # fmt: skip
