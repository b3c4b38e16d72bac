"""What people sign in a Golem market, and what they send to its contract."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slashpoint.protocols.golem.invariants import GolemInvariants
from slashpoint.protocols.golem.messages import ACCEPTANCE, ACCEPTED, AGREEMENT, DEBIT_NOTE
from slashpoint.protocols.golem.terms import DEPOSIT, WALLET
from slashpoint.sim.engine import Tx
from slashpoint.sim.engine.keys import address_of, sign, typed_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slashpoint.protocols.golem.messages import Agreement
    from slashpoint.sim.contract import Call
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.market import Actor, Job

OPEN, CLAIMED, DISPUTED, SETTLED = range(1, 5)  # states of a channel
ECRECOVER = (1).to_bytes(20, "big")  # the precompile


@dataclass
class GolemCalls(GolemInvariants):
    """A Golem market's signatures and verbs."""

    auditors: tuple[bytes, ...] = ()

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

    def genuine(self, job: Job, answer: Fact) -> bool:
        """Return whether an acceptance is sent and signed by the job's requestor.

        Args:
            job: what it is about.
            answer: the message.
        """
        total = answer.total
        if answer.by != job.poster or not isinstance(total, int) or not 0 <= total < 2**128:
            return False
        return self.signed(job.poster, self.acceptance(answer.key, total), answer.signature)

    def accepted(self, job: Job, key: bytes) -> Fact | None:
        """Return the message that accepted most of an agreement's notes: the latest, where its requestor is honest.

        Args:
            job: what it is about.
            key: the agreement's digest.
        """
        said = (fact for fact in self.world.facts.of(ACCEPTED, job.key) if fact.key == key)
        genuine = (fact for fact in said if self.genuine(job, fact))
        return max(genuine, key=lambda fact: (fact.total, fact.number), default=None)

    # --- verbs: deposits --------------------------------------------------------------------------------------------

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
