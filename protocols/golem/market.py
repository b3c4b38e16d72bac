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
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from slashpoint.protocols.golem.invariants import GolemInvariants
from slashpoint.protocols.golem.messages import ACCEPTANCE, AGREEMENT, DEBIT_NOTE, Agreement
from slashpoint.protocols.golem.reputation import Reputation
from slashpoint.protocols.golem.terms import DEPOSIT, WALLET
from slashpoint.sim.contract import Artifact
from slashpoint.sim.engine import Tx
from slashpoint.sim.engine.keys import address_of, sign, typed_digest
from slashpoint.sim.ledger.money import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slashpoint.protocols.golem.terms import GolemTerms
    from slashpoint.sim.contract import Call, Event
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.learning import Problem
    from slashpoint.sim.market import Actor, Job
    from slashpoint.sim.world import World

OPEN, CLAIMED, DISPUTED, SETTLED = range(1, 5)  # states of a channel
ECRECOVER = (1).to_bytes(20, "big")  # the precompile
PRICES = ("per_cpu_second", "per_second", "fixed_price")
OUTCOMES = {"DepositClosed": "closed", "DepositTerminated": "terminated"}


@dataclass
class GolemMarket(GolemInvariants):
    """The market of tasks on MDC, which stands in for GLM."""

    terms: GolemTerms
    auditors: tuple[bytes, ...] = ()
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
        token = world.deploy(Artifact.ours("ModelCoin"), False, symbol=cls.asset)
        terms.decimals = world.decimals[cls.asset]
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

    # --- signatures -----------------------------------------------------------------------------------------------

    @cached_property
    def domain(self) -> Mapping[str, Any]:
        """Return the EIP-712 domain, as the contract tells it."""
        told = self.contract.eip712Domain()
        return {
            "name": told.name, "version": told.version, "chainId": told.chainId,
            "verifyingContract": told.verifyingContract,
        }  # fmt: skip

    def key_of(self, agreement: Agreement) -> bytes:
        """Return an agreement's digest: what is signed, and what its channel is called."""
        known = self.keys.get(agreement)
        if known is None:
            known = self.keys[agreement] = typed_digest(self.domain, "Agreement", AGREEMENT, agreement)
            self.agreements[known] = agreement
        return known

    def acceptance(self, key: bytes, total: int) -> bytes:
        """Return the digest that accepts so much in total, smallest units.

        Args:
            key: the agreement's digest.
            total: for all that was used until then.
        """
        return typed_digest(self.domain, "Acceptance", ACCEPTANCE, (key, total))

    def bill(self, key: bytes, number: int, cpu: int, duration: int, total: int) -> bytes:
        """Return the digest of a debit note, which its provider signs.

        Args:
            key: the agreement's digest.
            number: of the note, from 0.
            cpu: CPU seconds in all.
            duration: seconds in all.
            total: their price, smallest units.
        """
        return typed_digest(self.domain, "DebitNote", DEBIT_NOTE, (key, number, cpu, duration, total))

    def signs(self, me: Actor, digest: bytes) -> bytes:
        """Return somebody's signature of a digest, 65 bytes.

        Args:
            me: who signs.
            digest: 32 bytes.
        """
        return sign(me.name, digest).packed

    def signed(self, who: bytes, digest: bytes, signature: bytes) -> bool:
        """Return whether a signature is an account's, as a contract would find by ecrecover.

        Args:
            who: the account's address.
            digest: 32 bytes.
            signature: 65 bytes.
        """
        if len(signature) != 65 or who not in self.world.accounts:
            return False
        data = digest + signature[64:].rjust(32, b"\0") + signature[:64]
        found = self.world.engine.call(Tx(who, ECRECOVER, data, 0, 100_000)).output
        return bytes(found)[12:] == address_of(self.world.accounts[who].name, "keys")

    # --- verbs: deposits --------------------------------------------------------------------------------------------

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

    def nonce(self, job: Job) -> int:
        """Return the funder's own number for a job's deposit."""
        return int(job.id) & (2**64 - 1)

    def posts(self, job: Job, spender: bytes, valid_to: int) -> Call:
        """Lock the budget and the fee.

        Args:
            job: what it is about.
            spender: who may pay out of it.
            valid_to: Unix seconds: when the deposit may be ended.
        """
        held = self.terms.pays_from == DEPOSIT
        amount, fee = (job.reward, self.terms.to_units(self.terms.flat_fee)) if held else (0, 0)
        call = self.contract.createDeposit(self.nonce(job), spender, amount, fee, valid_to, job.key, gas=300_000)
        return self.does("posts", job, call)

    def extends(self, job: Job, amount: int, valid_to: int) -> Call:
        """Add to a deposit.

        Args:
            job: what it is about.
            amount: more for providers, smallest units.
            valid_to: Unix seconds.
        """
        call = self.contract.extendDeposit(self.nonce(job), amount, 0, valid_to, gas=160_000)
        return self.does("registers", job, call)

    def pays(self, job: Job, payments: Sequence[tuple[bytes, int]]) -> Call:
        """Pay providers, many at once: out of the deposit, or the caller's wallet.

        Args:
            job: what it is about.
            payments: (address, smallest units).
        """
        packed, gas = [who + amount.to_bytes(12, "big") for who, amount in payments], 80_000 + 90_000 * len(payments)
        pay = self.contract.multiTransfer if self.terms.pays_from == WALLET else self.contract.depositTransferPacked
        of = () if self.terms.pays_from == WALLET else (job.id,)
        return self.does("settles", job, pay(*of, packed, gas=gas), carries=tuple(payments))

    def closes(self, job: Job) -> Call:
        """Give the rest of a deposit back, and take the fee."""
        return self.does("settles", job, self.contract.closeDeposit(job.id, gas=180_000), carries=())

    def cancels(self, job: Job) -> Call:
        """Take one's deposit back, once its time is over."""
        return self.does("cancels", job, self.contract.terminateDeposit(job.id, gas=120_000))

    # --- verbs: channels ----------------------------------------------------------------------------------------------

    def joins(self, job: Job, agreement: Agreement, signature: bytes) -> Call:
        """Open the channel of an agreement, with the requestor's signature.

        Args:
            job: what it is about.
            agreement: what was agreed.
            signature: 65 bytes.
        """
        return self.does("registers", job, self.contract.openChannel(agreement.struct, signature, gas=320_000))

    def accepts(self, job: Job, agreement: Agreement, total: int, signature: bytes) -> Call:
        """Make payable what the requestor signed.

        Args:
            job: what it is about.
            agreement: what was agreed.
            total: for all that was used, smallest units.
            signature: the requestor's, 65 bytes.
        """
        call = self.contract.acceptNote(agreement.struct, total, signature, gas=120_000)
        return self.does("settles", job, call, subject=agreement.provider)

    def claims_usage(self, job: Job, agreement: Agreement, cpu: int, duration: int, cid: bytes) -> Call:
        """Claim what was used and not accepted.

        Args:
            job: what it is about.
            agreement: what was agreed.
            cpu: CPU seconds in all.
            duration: seconds in all.
            cid: of the result.
        """
        call = self.contract.claimUsage(agreement.struct, cpu, duration, cid, gas=140_000)
        return self.does("submits", job, call, carries=cid)

    def disputes(self, job: Job, agreement: Agreement) -> Call:
        """Deny a claim, and put up the fee.

        Args:
            job: what it is about.
            agreement: what was agreed.
        """
        return self.does("disputes", job, self.contract.disputeClaim(agreement.struct, gas=140_000))

    def reports(self, job: Job, agreement: Agreement, cpu: int) -> Call:
        """Say what a disputed result is worth, as an auditor.

        Args:
            job: what it is about.
            agreement: what was agreed.
            cpu: CPU seconds.
        """
        call = self.contract.reportUsage(job.id, self.key_of(agreement), cpu, gas=130_000)
        return self.does("judges", job, call, subject=self.key_of(agreement), carries=job.task.scale if cpu else 0)

    def settles(self, job: Job, agreement: Agreement) -> Call:
        """Pay what a channel owes, and end it.

        Args:
            job: what it is about.
            agreement: what was agreed.
        """
        gas = 260_000 + 40_000 * len(self.auditors)
        return self.does("pokes", job, self.contract.settle(agreement.struct, gas=gas), subject=agreement.provider)

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
                return [((Cause.REFUND if refund else Cause.FEE).value, amount, key)]
            case "settle":
                return self._settlement(call, receiver, amount, key)
        return [(Cause.UNKNOWN.value, amount, key)]

    def _settlement(
        self, call: Call, receiver: bytes, amount: int, key: str | None
    ) -> list[tuple[str, int, str | None]]:
        """Return the parts of a transfer of `settle`: one's own stake, else what one earned or another lost."""
        mine = stake_key(key, receiver)
        back = min(amount, self.put_up[mine])
        self.put_up[mine] -= back
        won = Cause.REWARD if call.subject == receiver else Cause.SLASH
        why = Cause.BOUNTY if receiver in self.auditors else won
        parts = ((Cause.STAKE.value, back, key), (why.value, amount - back, key))
        return [part for part in parts if part[1]]

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
        benchmark = self.terms.benchmark(self.world.training_cache.task.seconds, speed)
        task = hashlib.sha256(job.key.encode()).digest()
        prices = offer.per_cpu_second, offer.per_second, offer.fixed_price
        return Agreement(
            job.id, job.poster, offer.by, *prices, benchmark, self.terms.cap(benchmark), int(job.deadline), task
        )

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


def stake_key(key: str | None, who: bytes) -> bytes:
    """Return under what somebody's stake for a job is counted.

    Args:
        key: the job's.
        who: an address.
    """
    return who + (key or "").encode()
