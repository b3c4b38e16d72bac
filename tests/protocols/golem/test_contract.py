"""Golem's contract: deposits and who may do what to them, channels on signatures, claims and rulings, and the money."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from slashpoint.protocols.golem.messages import ACCEPTANCE, AGREEMENT, Agreement
from slashpoint.sim.engine.keys import address_of, sign, typed_digest
from slashpoint.sim.testing.contract import Deed, Scene

NAMES = {address_of(name, "keys"): name for name in ("funder", "spender", "alice", "bob", "poker", *"uvw")}
FUNDER, SPENDER, ALICE, BOB, POKER, *AUDITORS = NAMES
NOW, AMOUNT, FEE, BOND, DISPUTE = 1_000_000, 2_000, 100, 50, 20
UNTIL, VALID_TO = NOW + 1_000, NOW + 5_000
HARDENED = {
    "spenderSet": True, "feeByUse": True, "bindPayee": True, "channel": True, "dispute": True, "publicEnd": True,
    "disputeWindow": 100, "rulingWindow": 200, "toleranceBps": 500, "bond": BOND, "disputeFee": DISPUTE,
}  # fmt: skip
LITERAL = HARDENED | dict.fromkeys(("spenderSet", "feeByUse", "bindPayee", "channel", "dispute", "publicEnd"), False)
LITERAL |= {"bond": 0, "disputeFee": 0}
OPEN, CLAIMED, DISPUTED, SETTLED = range(1, 5)
CID = b"c" * 32


class Stage(Scene):
    """Golem's contract with its people, whose addresses belong to keys."""

    def __init__(self, rules: dict[str, Any]) -> None:
        super().__init__("Golem", rules, AUDITORS, people=list(NAMES))
        told = self.market.eip712Domain()
        self.domain = {name: getattr(told, name) for name in ("name", "version", "chainId", "verifyingContract")}

    def deposit(self, amount: int = AMOUNT, fee: int = FEE, nonce: int = 0, valid_to: int = VALID_TO) -> int:
        created = self.must(FUNDER, self.market.createDeposit(nonce, SPENDER, amount, fee, valid_to, "job"))
        return int(created.of("DepositCreated")[0]["id"])

    def agreement(self, deposit: int, provider: bytes = ALICE, **changes: Any) -> Agreement:
        usual = Agreement(deposit, FUNDER, provider, 2, 1, 10, 100, 150, UNTIL, b"t" * 32)  # 460 at most
        return usual._replace(**changes)

    def key(self, a: Agreement) -> bytes:
        return typed_digest(self.domain, "Agreement", AGREEMENT, a)

    def accepts(self, a: Agreement, total: int, by: bytes = FUNDER) -> bytes:
        return sign(NAMES[by], typed_digest(self.domain, "Acceptance", ACCEPTANCE, (self.key(a), total))).packed

    def opens(self, a: Agreement, by: bytes = FUNDER) -> bytes:
        self.must(a.provider, self.market.openChannel(a.struct, sign(NAMES[by], self.key(a)).packed))
        return self.key(a)

    def note(self, a: Agreement, total: int, by: bytes = FUNDER, who: bytes = POKER) -> Deed:
        return self.do(who, self.market.acceptNote(a.struct, total, self.accepts(a, total, by)))

    def claim(self, a: Agreement, cpu: int, duration: int = 100) -> None:
        self.must(a.provider, self.market.claimUsage(a.struct, cpu, duration, CID))

    def rule(self, a: Agreement, *reports: int | None) -> Deed:
        """Dispute, report, and settle."""
        self.must(FUNDER, self.market.disputeClaim(a.struct))
        for auditor, cpu in zip(AUDITORS, reports, strict=False):
            if cpu is not None:
                self.must(auditor, self.market.reportUsage(a.deposit, self.key(a), cpu))
        if len([one for one in reports if one is not None]) < len(AUDITORS):
            self.at(self.now + HARDENED["rulingWindow"])
        return self.must(POKER, self.market.settle(a.struct))

    def owns(self, who: bytes) -> int:
        return int(self.coin.balanceOf(who)) - self.payout

    def check_held(self) -> None:
        assert self.coin.balanceOf(self.market.address_) == self.market.held()


@functools.cache
def prepared(variant: int) -> tuple[Stage, int]:
    stage = Stage((HARDENED, LITERAL)[variant])
    return stage, stage.engine.snapshot()


def fresh(variant: int = 0) -> Stage:
    stage, snapshot = prepared(variant)
    stage.engine.restore(snapshot)
    stage.now = NOW
    return stage.at(NOW)


def packed(*payments: tuple[bytes, int]) -> list[bytes]:
    return [who + amount.to_bytes(12, "big") for who, amount in payments]


# --- deposits ---------------------------------------------------------------------------------------------------------


def test_an_extension_before_the_creation_is_stranded_in_the_literal_rules_and_refused_in_the_hardened():
    stage = fresh(1)
    stage.must(FUNDER, stage.market.extendDeposit(0, 50, 0, VALID_TO))
    job = stage.deposit()
    assert stage.market.getDeposit(job).amount == AMOUNT
    assert stage.coin.balanceOf(stage.market.address_) == AMOUNT + FEE + 50
    assert stage.market.held() == AMOUNT + FEE  # 50 are nobody's
    assert fresh().fails(FUNDER, stage.market.extendDeposit(0, 50, 0, VALID_TO)) == "NoDeposit"


def test_an_extension_adds_and_cannot_shorten():
    stage = fresh()
    job = stage.deposit()
    stage.must(FUNDER, stage.market.extendDeposit(0, 50, 5, VALID_TO + 1))
    assert (stage.market.getDeposit(job).amount, stage.market.getDeposit(job).fee) == (AMOUNT + 50, FEE + 5)
    assert stage.fails(FUNDER, stage.market.extendDeposit(0, 1, 0, VALID_TO)) == "Expired"
    assert stage.fails(FUNDER, stage.market.createDeposit(0, SPENDER, 1, 1, VALID_TO, "again")) == "DepositExists"


def test_closing_without_work_takes_the_whole_fee_in_the_literal_rules_and_none_in_the_hardened():
    for variant, fee in ((1, FEE), (0, 0)):
        stage = fresh(variant)
        job = stage.deposit()
        stage.must(SPENDER, stage.market.closeDeposit(job))
        assert (stage.owns(SPENDER), stage.owns(FUNDER)) == (fee, -fee)
        assert stage.market.held() == 0
        assert stage.fails(SPENDER, stage.market.closeDeposit(job)) == "NoDeposit"


def test_a_closed_deposit_can_be_extended_in_the_literal_rules_alone():
    for variant, found in ((1, ""), (0, "NoDeposit")):
        stage = fresh(variant)
        job = stage.deposit()
        stage.must(SPENDER, stage.market.closeDeposit(job))
        assert stage.do(FUNDER, stage.market.extendDeposit(0, 50, 0, VALID_TO)).revert.name == found


def test_the_fee_is_in_proportion_to_what_was_paid():
    stage = fresh()
    a = stage.agreement(stage.deposit())
    stage.opens(a)
    stage.note(a, 200)
    stage.must(SPENDER, stage.market.depositTransfer(a.deposit, ALICE, 200))
    stage.must(ALICE, stage.market.settle(a.struct))
    stage.must(SPENDER, stage.market.closeDeposit(a.deposit))
    assert stage.owns(SPENDER) == FEE * 200 // AMOUNT
    assert stage.owns(ALICE) == 200


def test_a_spender_pays_whom_it_likes_in_the_literal_rules_and_providers_in_the_hardened():
    stage = fresh(1)
    job = stage.deposit()
    stage.must(SPENDER, stage.market.depositTransferPacked(job, packed((POKER, AMOUNT - 1), (BOB, 1))))
    assert (stage.owns(POKER), stage.owns(BOB)) == (AMOUNT - 1, 1)
    assert stage.fails(SPENDER, stage.market.depositTransfer(job, POKER, 1)) == "NotEnough"
    stage = fresh()
    job = stage.deposit()
    assert stage.fails(SPENDER, stage.market.depositTransfer(job, POKER, 1)) == "WrongState"
    assert stage.fails(POKER, stage.market.depositTransfer(job, POKER, 1)) == "NotSpender"


def test_a_batch_is_paid_all_or_not_at_all():
    stage = fresh()
    job = stage.deposit()
    a, b = stage.agreement(job), stage.agreement(job, BOB)
    for one in (a, b):
        stage.opens(one)
        stage.note(one, 100)
    batch = packed((ALICE, 100), (BOB, 101))
    assert stage.fails(SPENDER, stage.market.depositTransferPacked(job, batch)) == "NotAccepted"
    assert stage.owns(ALICE) == -BOND
    stage.must(SPENDER, stage.market.depositTransferPacked(job, packed((ALICE, 100), (BOB, 100))))
    assert (stage.owns(ALICE), stage.owns(BOB)) == (100 - BOND, 100 - BOND)
    assert stage.fails(SPENDER, stage.market.depositTransferPacked(job, packed((ALICE, 1)) * 65)) == "TooMany"


def test_a_wallet_pays_many_at_once():
    stage = fresh(1)
    stage.must(FUNDER, stage.market.multiTransfer(packed((ALICE, 5), (BOB, 7))))
    assert (stage.owns(ALICE), stage.owns(BOB), stage.owns(FUNDER)) == (5, 7, -12)


def test_the_literal_end_comes_after_its_time_by_the_funder_and_the_hardened_at_it_by_anybody():
    literal, hardened = fresh(1), None
    job = literal.deposit()
    literal.at(VALID_TO)
    assert literal.fails(FUNDER, literal.market.terminateDeposit(job)) == "StillValid"
    literal.at(VALID_TO + 1)
    assert literal.fails(POKER, literal.market.terminateDeposit(job)) == "NotFunder"
    literal.must(FUNDER, literal.market.terminateDeposit(job))
    assert literal.owns(FUNDER) == 0
    hardened = fresh()
    job = hardened.deposit()
    assert hardened.at(VALID_TO - 1).fails(POKER, hardened.market.terminateDeposit(job)) == "StillValid"
    hardened.at(VALID_TO).must(POKER, hardened.market.terminateDeposit(job))
    assert hardened.owns(FUNDER) == 0


# --- channels and notes -----------------------------------------------------------------------------------------------


def test_what_people_sign_is_what_the_contract_recovers():
    stage = fresh()
    a = stage.agreement(stage.deposit())
    assert stage.market.digestOf(a.struct) == stage.key(a)
    total = typed_digest(stage.domain, "Acceptance", ACCEPTANCE, (stage.key(a), 77))
    assert stage.market.acceptanceOf(stage.key(a), 77) == total


@pytest.mark.parametrize(("cpu", "duration"), [(0, 0), (1, 0), (149, 150), (2**32 - 1, 2**32 - 1)])
def test_both_sides_and_the_contract_compute_one_price(cpu, duration):
    stage = fresh()
    for a in (stage.agreement(1), stage.agreement(1, per_cpu_second=2**64 - 1, fixed_price=2**96 - 1)):
        assert stage.market.price(a.struct, cpu, duration) == a.price(cpu, duration)


def test_a_channel_takes_the_requestors_signature_of_just_this_agreement():
    stage = fresh()
    a = stage.agreement(stage.deposit())
    signature = sign("funder", stage.key(a)).packed
    dearer = a._replace(per_cpu_second=3)
    assert stage.fails(ALICE, stage.market.openChannel(dearer.struct, signature)) == "WrongKey"
    assert stage.fails(ALICE, stage.market.openChannel(a.struct, sign("bob", stage.key(a)).packed)) == "WrongKey"
    assert stage.fails(BOB, stage.market.openChannel(a.struct, signature)) == "NotParty"
    stage.opens(a)
    assert stage.fails(ALICE, stage.market.openChannel(a.struct, signature)) == "WrongState"


def test_a_registered_key_signs_for_an_address_that_has_none():
    stage = fresh()
    nameless = b"\x77" * 20
    stage.must(nameless, stage.market.registerKey(address_of("bob", "keys")))
    assert stage.market.keyOf(nameless) == BOB
    assert stage.market.keyOf(ALICE) == ALICE


def test_no_key_that_is_registered_later_voids_a_signature():
    stage = fresh()
    a = stage.agreement(stage.deposit())
    stage.opens(a)
    stage.must(FUNDER, stage.market.registerKey(BOB))  # it has a key of its own: that stays valid
    assert stage.note(a, 100).ok
    assert stage.note(a, 200, by=BOB).ok
    assert stage.fails(FUNDER, stage.market.registerKey(POKER)) == "KeyFixed"
    assert stage.note(a, 300, by=BOB).ok
    assert stage.note(a, 400, by=POKER).revert.name == "WrongKey"


def test_a_channel_without_bound_payees_which_would_pay_twice_is_not_deployed():
    with pytest.raises(Exception, match="BadTerms"):
        Stage(HARDENED | {"bindPayee": False, "dispute": False})


def test_channels_reserve_their_caps_and_no_more_than_there_is():
    stage = fresh()
    job = stage.deposit(amount=900)
    a, b = stage.agreement(job), stage.agreement(job, BOB)
    stage.opens(a)
    assert stage.market.getDeposit(job).reserved == a.most == 460
    assert stage.fails(BOB, stage.market.openChannel(b.struct, sign("funder", stage.key(b)).packed)) == "NotEnough"
    assert stage.fails(SPENDER, stage.market.closeDeposit(job)) == "OpenChannels"
    stage.must(ALICE, stage.market.settle(a.struct))
    assert stage.market.getDeposit(job).reserved == 0
    stage.opens(b)


def test_accepted_totals_grow_up_to_the_cap_and_are_signed_by_the_requestor():
    stage = fresh()
    a = stage.agreement(stage.deposit())
    stage.opens(a)
    assert stage.note(a, 100).ok
    assert stage.note(a, 100).revert.name == "NotMore"
    assert stage.note(a, 99).revert.name == "NotMore"
    assert stage.note(a, a.most + 1).revert.name == "AboveCap"
    assert stage.note(a, 200, by=ALICE).revert.name == "WrongKey"
    assert stage.note(a, a.most).ok


def test_a_provider_takes_what_was_accepted_whatever_spender_and_requestor_do():
    stage = fresh()
    a = stage.agreement(stage.deposit())
    stage.opens(a)
    stage.note(a, 300, who=ALICE)
    assert stage.fails(BOB, stage.market.settle(a.struct)) == "TooEarly"
    stage.must(ALICE, stage.market.settle(a.struct))
    assert stage.owns(ALICE) == 300
    assert stage.note(a, 301).revert.name == "WrongState"  # what is settled accrues nothing
    assert stage.fails(ALICE, stage.market.settle(a.struct)) == "WrongState"


def test_anybody_settles_a_channel_whose_agreement_is_over():
    stage = fresh()
    a = stage.agreement(stage.deposit())
    stage.opens(a)
    stage.note(a, 30)
    stage.at(UNTIL).must(POKER, stage.market.settle(a.struct))
    assert stage.owns(ALICE) == 30


# --- claims and rulings -----------------------------------------------------------------------------------------------


def claimed(cpu: int = 100, accepted: int = 0) -> tuple[Stage, Agreement]:
    stage = fresh()
    a = stage.agreement(stage.deposit())
    stage.opens(a)
    if accepted:
        stage.note(a, accepted)
    stage.claim(a, cpu)
    return stage, a


def test_a_claim_that_nobody_disputes_is_paid():
    stage, a = claimed()
    assert stage.fails(ALICE, stage.market.settle(a.struct)) == "TooEarly"
    stage.at(stage.now + 100)
    assert stage.fails(FUNDER, stage.market.disputeClaim(a.struct)) == "TooLate"
    stage.must(POKER, stage.market.settle(a.struct))
    assert stage.owns(ALICE) == a.price(100, 100)


@pytest.mark.parametrize(
    ("reports", "found", "overclaimed"),
    [
        ((100, 100, 100), 100, False),
        ((0, 100, 100), 100, False),  # one liar of three decides nothing
        ((96, 96, 96), 96, False),  # within the tolerance: 100 <= 96 * 1.05
        ((95, 95, 95), 95, True),
        ((0, 0, 100), 0, True),
        ((0, 0, 0), 0, True),
        ((0, None, None), 0, True),
        ((0, 100, None), 0, True),  # of two the lower
    ],
)
def test_a_dispute_is_decided_by_the_lower_median(reports, found, overclaimed):
    stage, a = claimed(cpu=100, accepted=40)
    told = stage.rule(a, *reports).of("DisputeRuled")[0]
    assert (told["cpu"], told["overclaimed"]) == (found, overclaimed)
    worth = a.price(100, 100) if not overclaimed else max(40, a.price(found, min(found, 100)) if found else 0)
    assert stage.owns(ALICE) == worth - BOND * overclaimed
    said = {who: one for who, one in zip(AUDITORS, reports, strict=True) if one is not None}
    right = [who for who, one in said.items() if abs(one - found) * 20 <= found]
    assert sum(map(stage.owns, AUDITORS)) == sum(map(stage.owns, right)) == DISPUTE
    stage.must(SPENDER, stage.market.closeDeposit(a.deposit))
    fee = FEE * worth // AMOUNT
    assert stage.owns(FUNDER) == -worth - fee - DISPUTE + BOND * overclaimed
    assert stage.market.held() == 0
    assert stage.coin.balanceOf(stage.market.address_) == 0


def test_without_a_report_the_claim_stands_and_everybody_has_its_stake_back():
    stage, a = claimed()
    stage.rule(a, None, None, None)
    assert stage.owns(ALICE) == a.price(100, 100)
    assert sum(map(stage.owns, AUDITORS)) == 0
    stage.must(SPENDER, stage.market.closeDeposit(a.deposit))
    assert stage.owns(FUNDER) == -a.price(100, 100) - FEE * a.price(100, 100) // AMOUNT


def test_a_claim_for_nothing_is_lost_where_auditors_find_nothing():
    stage, a = claimed(cpu=0)
    stage.rule(a, 0, 0, 0)
    assert stage.owns(ALICE) == -BOND


def test_claims_are_within_the_cap_in_time_and_above_what_was_accepted():
    stage = fresh()
    a = stage.agreement(stage.deposit())
    stage.opens(a)
    assert stage.fails(ALICE, stage.market.claimUsage(a.struct, 151, 0, CID)) == "AboveCap"
    assert stage.fails(BOB, stage.market.claimUsage(a.struct, 1, 0, CID)) == "NotParty"
    stage.note(a, 400)
    assert stage.fails(ALICE, stage.market.claimUsage(a.struct, 100, 100, CID)) == "NotMore"
    assert stage.at(UNTIL).fails(ALICE, stage.market.claimUsage(a.struct, 150, 150, CID)) == "TooLate"


def test_only_auditors_report_once_and_in_time_and_only_the_requestor_disputes():
    stage, a = claimed()
    key = stage.key(a)
    assert stage.fails(BOB, stage.market.disputeClaim(a.struct)) == "NotParty"
    stage.must(FUNDER, stage.market.disputeClaim(a.struct))
    assert stage.fails(BOB, stage.market.reportUsage(a.deposit, key, 1)) == "NotAuditor"
    stage.must(AUDITORS[0], stage.market.reportUsage(a.deposit, key, 1))
    assert stage.fails(AUDITORS[0], stage.market.reportUsage(a.deposit, key, 2)) == "AlreadyReported"
    assert stage.fails(POKER, stage.market.settle(a.struct)) == "TooEarly"
    stage.at(stage.now + 200)
    assert stage.fails(AUDITORS[1], stage.market.reportUsage(a.deposit, key, 1)) == "TooLate"


def test_rules_that_contradict_each_other_are_refused():
    for changes in ({"channel": False}, {"disputeFee": BOND + 1}):
        with pytest.raises(AssertionError, match="BadTerms"):
            Stage({**HARDENED, **changes})
    stage = fresh(1)
    a = stage.agreement(stage.deposit())
    assert stage.fails(ALICE, stage.market.openChannel(a.struct, b"")) == "Off"
    assert stage.fails(ALICE, stage.market.claimUsage(a.struct, 1, 1, CID)) == "Off"


# --- money, whatever people do ----------------------------------------------------------------------------------------


class Money(RuleBasedStateMachine):
    """Deposits and channels in any order: what the contract holds is what it says, and nobody is paid from nothing."""

    @initialize(variant=st.sampled_from([0, 1]))
    def begin(self, variant: int) -> None:
        self.variant, self.stage = variant, fresh(variant)
        self.deposits: list[int] = []
        self.channels: list[Agreement] = []

    @rule(amount=st.integers(0, 900), fee=st.integers(0, 90))
    def create(self, amount: int, fee: int) -> None:
        if len(self.deposits) < 3:
            valid_to = self.stage.now + 5_000
            self.deposits.append(self.stage.deposit(amount, fee, len(self.deposits), valid_to))

    @precondition(lambda self: self.deposits)
    @rule(data=st.data(), amount=st.integers(0, 90), fee=st.integers(0, 9))
    def extend(self, data: Any, amount: int, fee: int) -> None:
        nonce = data.draw(st.integers(0, len(self.deposits) - 1))
        self.stage.do(FUNDER, self.stage.market.extendDeposit(nonce, amount, fee, self.stage.now + 6_000))

    @precondition(lambda self: self.deposits)
    @rule(data=st.data(), who=st.sampled_from([ALICE, BOB]))
    def open(self, data: Any, who: bytes) -> None:
        a = self.stage.agreement(data.draw(st.sampled_from(self.deposits)), who, until=self.stage.now + 500)
        if self.stage.do(who, self.stage.market.openChannel(a.struct, sign("funder", self.stage.key(a)).packed)).ok:
            self.channels.append(a)

    @precondition(lambda self: self.channels)
    @rule(data=st.data(), total=st.integers(1, 500), cpu=st.integers(0, 160), act=st.sampled_from(range(5)))
    def use(self, data: Any, total: int, cpu: int, act: int) -> None:
        a = data.draw(st.sampled_from(self.channels))
        market = self.stage.market
        if act == 0:
            self.stage.note(a, total)
        elif act == 1:
            self.stage.do(a.provider, market.claimUsage(a.struct, cpu, cpu, CID))
        elif act == 2:
            self.stage.do(FUNDER, market.disputeClaim(a.struct))
        elif act == 3:
            self.stage.do(data.draw(st.sampled_from(AUDITORS)), market.reportUsage(a.deposit, self.stage.key(a), cpu))
        else:
            self.stage.do(data.draw(st.sampled_from([a.provider, POKER])), market.settle(a.struct))

    @precondition(lambda self: self.deposits)
    @rule(data=st.data(), amount=st.integers(0, 500), who=st.sampled_from([ALICE, BOB, POKER]), close=st.booleans())
    def spend(self, data: Any, amount: int, who: bytes, close: bool) -> None:
        job = data.draw(st.sampled_from(self.deposits))
        market = self.stage.market
        call = market.closeDeposit(job) if close else market.depositTransferPacked(job, packed((who, amount)))
        self.stage.do(SPENDER, call)

    @precondition(lambda self: self.deposits)
    @rule(data=st.data(), seconds=st.integers(1, 3_000))
    def wait(self, data: Any, seconds: int) -> None:
        self.stage.at(self.stage.now + seconds)
        self.stage.do(FUNDER, self.stage.market.terminateDeposit(data.draw(st.sampled_from(self.deposits))))

    @invariant()
    def what_is_held_is_what_is_said(self) -> None:
        if not hasattr(self, "stage"):
            return
        self.stage.check_held()
        books = [self.stage.market.getDeposit(job) for job in self.deposits]
        channels = [self.stage.market.channel(self.stage.key(a)) for a in self.channels]
        stakes = sum(c.bond for c in channels if c.state != SETTLED)
        stakes += DISPUTE * sum(c.state == DISPUTED for c in channels)
        assert self.stage.market.held() == sum(b.amount + b.fee for b in books) + stakes
        for job, book in zip(self.deposits, books, strict=True):
            mine = [c for a, c in zip(self.channels, channels, strict=True) if a.deposit == job]
            assert book.reserved == sum(c.reserve for c in mine) <= book.amount
            assert book.open == sum(c.state != SETTLED for c in mine)
            if not self.variant:
                assert book.spent == sum(c.paid for c in mine)
        for a, c in zip(self.channels, channels, strict=True):
            assert c.paid <= c.accepted <= a.most


Money.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
TestMoney = Money.TestCase
