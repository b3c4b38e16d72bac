"""The contract of compute-to-data: who may do what when, who is paid, and what its literal rules let pass."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from slashpoint.sim.engine.keys import address_of, sign
from slashpoint.sim.market import commitment
from slashpoint.sim.testing.contract import Deed, Scene

AUTHOR, PUBLISHER, CONSUMER, POKER, STRANGER = (bytes([i]) * 20 for i in range(2, 7))
NODES = [bytes([32 + i]) * 20 for i in range(5)]
NODE, AUDITORS = NODES[0], NODES[1:]
ONE, RATE, PRICE, MINUTES = 10**18, 10, 1_000, 12
LOCKING, RUNNING, DISPUTING, AUDITING = 100, 1_000, 60, 200
COLLATERAL, AUDIT_BOND, DISPUTE_BOND, AUDIT_FEE, FEE = 500, 100, 80, 60, 40
LITERAL: dict[str, Any] = {
    "swapFee": 10**15, "consumeFee": 3 * 10**16, "escrowFeeBps": 100, "bindsFees": False, "storesOrders": False,
    "checksAlgorithms": False, "holdsPrice": False, "commitsData": False, "paysOkOnly": False, "freeForBuyers": False,
    "freeJobs": 3, "orderSeconds": 400, "lockWindow": LOCKING, "jobSeconds": RUNNING, "disputeWindow": 0,
    "auditWindow": AUDITING, "auditBps": 0, "auditors": 0, "collateral": 0, "auditBond": 0, "disputeBond": 0,
    "auditFee": 0,
}  # fmt: skip
HARDENED: dict[str, Any] = {
    **LITERAL, "bindsFees": True, "storesOrders": True, "checksAlgorithms": True, "holdsPrice": True,
    "commitsData": True, "paysOkOnly": True, "freeForBuyers": True, "disputeWindow": DISPUTING, "auditors": 3,
    "collateral": COLLATERAL, "auditBond": AUDIT_BOND, "disputeBond": DISPUTE_BOND, "auditFee": AUDIT_FEE,
}  # fmt: skip
DONE, FAILED, EXPIRED, LAPSED, OVERTURNED, JUNK, VOID = range(8, 15)
SALT, GOOD, BAD = b"s" * 32, b"a model", b"another"
ZERO = bytes(32)


def cid(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def seal(who: bytes, content: bytes, minutes: int, score: int = 0) -> bytes:
    words = cid(content) + minutes.to_bytes(32, "big") + score.to_bytes(32, "big")
    return commitment(hashlib.sha256(words).digest(), SALT, who, salted=True)


class Stage(Scene):
    """Compute-to-data with one asset of data, one trusted algorithm, and nodes."""

    def __init__(self, rules: dict[str, Any], *, trust: bool = True) -> None:
        super().__init__("Ocean", rules, people=[AUTHOR, PUBLISHER, CONSUMER, POKER, STRANGER, *NODES])
        self.rules = rules
        self.algorithm = self.publish(AUTHOR, algorithm=True, price=0)
        self.data = self.publish(PUBLISHER, trustAny=not trust)
        if trust:
            self.must(PUBLISHER, self.market.setTrusted(self.data, [cid(b"algorithm")], []))
        for i, who in enumerate(NODES):
            self.must(who, self.market.registerNode(address_of(f"n{i}", "keys"), [2, 1], [4, 2]))

    def publish(self, who: bytes, **changes: Any) -> int:
        """An asset."""
        algorithm = changes.get("algorithm", False)
        asset = {
            "datatoken": bytes(20), "algorithm": algorithm, "allowRaw": False, "trustAny": True, "metricBps": 6000,
            "orders": 7, "checksum": cid(b"algorithm" if algorithm else b"data"), "price": PRICE, "reserve": 9,
            "maxTokens": ONE, "maxBalance": ONE, **changes,
        }  # fmt: skip
        return int(self.must(who, self.market.publish(asset, "")).of("AssetPublished")[0]["asset"])

    def refuses(self, who: bytes, call: Any, *errors: str) -> None:
        """A transaction that reverts, with one of these errors."""
        assert self.fails(who, call).partition("(")[0] in errors

    def order(self, who: bytes = CONSUMER, signer: int = 0, **changes: Any) -> dict[str, Any]:
        """What a consumer wants, with a fee that its node signed."""
        fee = {
            "payee": NODES[signer], "token": self.coin.address_, "amount": FEE, "validUntil": self.now + 50,
            "data": b"12", "v": 0, "r": ZERO, "s": ZERO, **changes.pop("fee", {}),
        }  # fmt: skip
        wanted = {
            "asset": self.data, "algorithm": self.algorithm, "raw": ZERO, "provider": NODE, "minutes_": MINUTES,
            "fee": fee, "context": "job", **changes,
        }  # fmt: skip
        signed = sign(f"n{signer}", bytes(self.market.feeDigest(wanted, who)))
        return {**wanted, "fee": {**fee, "v": signed[0], "r": signed[1], "s": signed[2]}}

    def buy(self, who: bytes = CONSUMER) -> None:
        """A datatoken of each."""
        self.must(who, self.market.buyDT(self.data, ONE, 2 * PRICE))
        self.must(who, self.market.dispense(self.algorithm, ONE))

    def start(self, **changes: Any) -> int:
        """A job that was ordered."""
        self.buy()
        return int(self.must(CONSUMER, self.market.startOrder(self.order(**changes))).of("OrderStarted")[0]["id"])

    def pays(self, amount: int = MINUTES * RATE) -> None:
        """The consumer's deposit and authorisation."""
        self.must(CONSUMER, self.market.deposit(amount))
        self.must(CONSUMER, self.market.authorize(NODE, amount, LOCKING + RUNNING, 2))

    def running(self, auditors: int = 3) -> int:
        """A job that is locked, with some who stand by."""
        job = self.start()
        self.pays()
        if self.rules["commitsData"]:
            self.must(PUBLISHER, self.market.serve(job, cid(b"rows"), 100))
            self.must(CONSUMER, self.market.agree(job))
        self.must(NODE, self.market.createLock(job, MINUTES * RATE))
        for who in AUDITORS[: auditors if self.rules["auditors"] else 0]:
            self.must(who, self.market.enlist(job))
        return job

    def claim(self, job: int, content: bytes = GOOD, minutes: int = 7, status: int = 70) -> Deed:
        """The node claims."""
        said = seal(NODE, content, minutes) if self.rules["disputeWindow"] else cid(content)
        return self.must(NODE, self.market.claim(job, minutes, said, status))

    def audited(self, job: int, answers: list[tuple[bytes, int, int] | None], content: bytes | None = GOOD) -> str:
        """A dispute to its end: what each of the panel says, and what the node reveals; who was drawn."""
        begun = self.must(CONSUMER, self.market.dispute(job)).of("AuditBegun")[0]
        said = list(zip(begun["panel"], answers, strict=True))
        for who, one in said:
            if one is not None:
                self.must(who, self.market.answer(job, seal(who, *one)))
        if any(one is None for _, one in said):
            self.now += AUDITING
            self.must(POKER, self.market.settle(job))
        for who, one in said:
            if one is not None:
                self.must(who, self.market.reveal(job, cid(one[0]), one[1], one[2], SALT))
        if content is not None:
            self.must(NODE, self.market.revealResult(job, content, SALT))
        if content is None or any(one is None for _, one in said):
            self.now += AUDITING
        return begun["panel"]

    def credited(self, deed: Deed) -> dict[bytes, int]:
        """What a transaction credited."""
        found: dict[bytes, int] = {}
        for one in deed.of("Credited"):
            found[one["who"]] = found.get(one["who"], 0) + one["amount"]
        return found

    def solvent(self) -> None:
        """The vault holds what it owes."""
        held = self.coin.balanceOf(self.market.address_)
        assert held == self.market.escrow() + self.market.owedTotal() + self.market.treasury()


def token(stage: Stage, asset: int) -> Any:
    from slashpoint.sim.contract import Artifact, Contract

    return Contract(Artifact.ours("Datatoken"), stage.market.assetOf(asset).datatoken, stage.engine)


# --- datatokens ---


def test_an_order_takes_exactly_one_datatoken_and_its_parts_add_up():
    stage = Stage(LITERAL)
    stage.start()
    data = token(stage, stage.data)
    assert data.balanceOf(CONSUMER) == 0
    assert data.balanceOf(stage.market.address_) == 3 * 10**16
    assert data.balanceOf(PUBLISHER) == ONE - 3 * 10**16
    assert data.totalSupply() == ONE
    stage.refuses(CONSUMER, stage.market.startOrder(stage.order()), "ERC20InsufficientBalance")


def test_a_datatoken_is_bought_at_its_price_with_the_communitys_tenth_of_a_per_cent():
    stage = Stage(LITERAL)
    stage.must(CONSUMER, stage.market.buyDT(stage.data, 3 * ONE, 3_003))
    assert stage.market.treasury() == 3
    assert stage.market.assetOf(stage.data).reserve == 3_000
    stage.refuses(CONSUMER, stage.market.buyDT(stage.data, ONE, PRICE), "TooExpensive")
    sold = stage.must(CONSUMER, stage.market.sellDT(stage.data, 2 * ONE, 1_998))
    assert stage.credited(sold) == {CONSUMER: 1_998}
    assert stage.market.treasury() == 5
    stage.refuses(CONSUMER, stage.market.sellDT(stage.data, 2 * ONE, 0), "ReserveTooSmall")
    assert stage.credited(stage.must(PUBLISHER, stage.market.collect(stage.data))) == {PUBLISHER: 1_000}
    stage.refuses(STRANGER, stage.market.collect(stage.data), "WrongSender")
    stage.solvent()


def test_a_part_of_a_datatoken_too_small_for_the_smallest_unit_is_not_free():
    stage = Stage(HARDENED)
    deed = stage.must(CONSUMER, stage.market.buyDT(stage.data, 1, 10))
    assert deed.of("Swapped")[0]["base"] == 1
    assert stage.market.assetOf(stage.data).reserve == 1


def test_what_a_held_price_bought_is_burnt_so_that_its_publisher_sells_nothing_from_others_reserve():
    stage = Stage(HARDENED)
    stage.start()
    stage.must(STRANGER, stage.market.buyDT(stage.data, ONE, 2 * PRICE))
    stage.refuses(PUBLISHER, stage.market.sellDT(stage.data, ONE - 3 * 10**16, 0), "ERC20InsufficientBalance")
    assert stage.market.assetOf(stage.data).reserve == PRICE
    assert token(stage, stage.data).totalSupply() == ONE
    sold = stage.must(STRANGER, stage.market.sellDT(stage.data, ONE, 0))
    assert stage.credited(sold) == {STRANGER: PRICE - 1}
    stage = Stage(LITERAL)  # the reserve is the publisher's own
    stage.start()
    sold = stage.must(PUBLISHER, stage.market.sellDT(stage.data, ONE - 3 * 10**16, 0))
    assert stage.credited(sold) == {PUBLISHER: 970}


def test_a_dispenser_gives_within_its_limits_and_only_what_is_free():
    stage = Stage(LITERAL)
    stage.refuses(CONSUMER, stage.market.dispense(stage.algorithm, 2 * ONE), "NotDispensed")
    stage.must(CONSUMER, stage.market.dispense(stage.algorithm, ONE))
    stage.refuses(CONSUMER, stage.market.dispense(stage.algorithm, ONE), "NotDispensed")
    stage.refuses(CONSUMER, stage.market.dispense(stage.data, ONE), "NoSuchAsset")
    stage.refuses(CONSUMER, stage.market.buyDT(stage.algorithm, ONE, PRICE), "NoSuchAsset")


def test_only_the_hub_makes_and_moves_datatokens_and_nobody_writes_orders_or_reserves_into_an_asset():
    stage = Stage(LITERAL)
    data = token(stage, stage.data)
    for call in (data.mint(STRANGER, ONE), data.burn(CONSUMER, 0), data.take(CONSUMER, STRANGER, 0)):
        assert not stage.do(STRANGER, call).ok
    asset = stage.market.assetOf(stage.data)
    assert (asset.orders, asset.reserve) == (0, 0)


# --- algorithms ---


@pytest.mark.parametrize(("trusts", "passes"), [
    ((True, (), ()), True), ((False, (b"algorithm",), ()), True), ((False, (), (AUTHOR,)), True),
    ((False, (), ()), False), ((False, (b"other",), (STRANGER,)), False),
])  # fmt: skip
def test_an_algorithm_runs_by_no_list_by_its_hash_or_by_its_publisher_and_an_empty_list_trusts_none(trusts, passes):
    anything, hashes, people = trusts
    stage = Stage(HARDENED, trust=False)
    if not anything:
        stage.must(PUBLISHER, stage.market.setTrusted(stage.data, [cid(one) for one in hashes], list(people)))
    stage.buy()
    if passes:
        stage.must(CONSUMER, stage.market.startOrder(stage.order()))
    else:
        stage.refuses(CONSUMER, stage.market.startOrder(stage.order()), "Untrusted")
    stage.refuses(CONSUMER, stage.market.startOrder(stage.order(algorithm=0)), "Untrusted")
    stage.refuses(STRANGER, stage.market.setTrusted(stage.data, [], []), "WrongSender")


@pytest.mark.parametrize("said", [([], []), ([cid(b"other")], [STRANGER])])
def test_the_last_list_alone_counts_for_orders_and_for_those_that_have_not_begun(said):
    for first in (([cid(b"algorithm")], []), ([], [AUTHOR])):
        stage = Stage(HARDENED, trust=False)
        stage.must(PUBLISHER, stage.market.setTrusted(stage.data, *first))
        job = stage.start()
        stage.pays()
        stage.must(PUBLISHER, stage.market.serve(job, cid(b"rows"), 100))
        stage.must(CONSUMER, stage.market.agree(job))
        stage.must(PUBLISHER, stage.market.setTrusted(stage.data, *said))
        assert not stage.market.trusts(stage.data, stage.algorithm)
        stage.refuses(NODE, stage.market.createLock(job, MINUTES * RATE), "Untrusted")
        stage.buy()
        stage.refuses(CONSUMER, stage.market.startOrder(stage.order()), "Untrusted")
        stage.must(PUBLISHER, stage.market.setTrusted(stage.data, *first))
        stage.must(NODE, stage.market.createLock(job, MINUTES * RATE))


# --- fees and orders ---


def test_a_literal_fee_is_anybodys_for_anything_and_for_ever():
    stage = Stage(LITERAL)
    cheap = stage.order(fee={"amount": 1, "data": b"1"})
    stage.now += 10**6
    stage.buy()
    paid = stage.must(CONSUMER, stage.market.startOrder({**cheap, "minutes_": 60})).of("FeePaid")[0]
    assert paid["amount"] == 1
    stage.buy(STRANGER)
    stage.must(STRANGER, stage.market.startOrder(cheap))


@pytest.mark.parametrize("changes", [{"minutes_": 60}, {"asset": 1}, {"provider": NODES[1]}])
def test_a_bound_fee_is_for_one_order(changes):
    stage = Stage({**HARDENED, "checksAlgorithms": False})
    order = stage.order()
    stage.buy()
    stage.refuses(CONSUMER, stage.market.startOrder({**order, **changes}), "WrongSignature", "ERC20InsufficientBalance")
    stage.refuses(STRANGER, stage.market.reuseOrder(0, order), "NoSuchOrder")


def test_a_bound_fee_is_spent_by_its_order_and_not_valid_for_ever():
    stage = Stage(HARDENED)
    order = stage.order()
    stage.buy()
    stage.must(CONSUMER, stage.market.startOrder(order))
    stage.buy()
    stage.refuses(CONSUMER, stage.market.startOrder(order), "WrongSignature")
    old = stage.order()
    stage.now += 51
    stage.refuses(CONSUMER, stage.market.startOrder(old), "TooLate")
    stage.must(CONSUMER, stage.market.startOrder(stage.order()))


def test_a_fee_that_its_payee_did_not_sign_is_refused():
    for rules in (LITERAL, HARDENED):
        stage = Stage(rules)
        stage.buy()
        order = stage.order()
        forged = {**order, "fee": {**order["fee"], "amount": 0}}
        stage.refuses(CONSUMER, stage.market.startOrder(forged), "WrongSignature")
        other = stage.order(signer=1, fee={"payee": NODE})
        stage.refuses(CONSUMER, stage.market.startOrder(other), "WrongSignature")


def test_literally_an_order_that_never_was_can_be_used_again():
    stage = Stage(LITERAL)
    stage.must(STRANGER, stage.market.reuseOrder(12_345, stage.order(STRANGER)))
    assert token(stage, stage.data).totalSupply() == 0


def test_a_stored_order_is_used_again_by_its_owner_for_its_asset_in_its_time():
    stage = Stage(HARDENED)
    job = stage.running()
    stage.claim(job)
    stage.now += DISPUTING
    stage.must(POKER, stage.market.settle(job))
    stage.must(CONSUMER, stage.market.reuseOrder(job, stage.order()))
    stage.refuses(STRANGER, stage.market.reuseOrder(job, stage.order(STRANGER)), "NoSuchOrder")
    stage.refuses(CONSUMER, stage.market.reuseOrder(99, stage.order()), "NoSuchOrder")
    stage.refuses(CONSUMER, stage.market.reuseOrder(job + 1, stage.order()), "NoSuchOrder")
    stage.now += 400
    stage.refuses(CONSUMER, stage.market.reuseOrder(job, stage.order()), "TooLate")


@pytest.mark.parametrize("refunded", [False, True])
def test_an_order_whose_price_may_go_back_or_has_pays_for_no_other_job(refunded):
    stage = Stage(HARDENED)
    decoy = stage.start()
    if refunded:
        stage.now += LOCKING
        assert stage.credited(stage.must(POKER, stage.market.cancelExpired(decoy)))[CONSUMER] >= PRICE
    stage.refuses(CONSUMER, stage.market.reuseOrder(decoy, stage.order()), "OrderNotPaid")
    stage = Stage({**HARDENED, "holdsPrice": False})
    stage.must(CONSUMER, stage.market.reuseOrder(stage.start(), stage.order()))  # paid when the datatoken was bought


def test_a_job_of_the_free_tier_has_no_lock():
    stage = Stage(LITERAL)
    job = int(stage.must(CONSUMER, stage.market.startFree(stage.order(minutes_=1))).of("OrderStarted")[0]["id"])
    stage.pays()
    stage.refuses(NODE, stage.market.createLock(job, MINUTES * RATE), "WrongState")
    stage.must(CONSUMER, stage.market.takeBack(MINUTES * RATE))
    stage.must(NODE, stage.market.claim(job, 1, cid(GOOD), 70))


def test_a_job_of_the_free_tier_waits_for_no_publisher_and_lasts_a_minute_at_most():
    stage = Stage(HARDENED)
    stage.start()
    stage.refuses(CONSUMER, stage.market.startFree(stage.order(minutes_=2)), "TooLongForFree")
    job = int(stage.must(CONSUMER, stage.market.startFree(stage.order(minutes_=1))).of("OrderStarted")[0]["id"])
    stage.refuses(PUBLISHER, stage.market.serve(job, cid(b"rows"), 100), "WrongState")
    stage.refuses(CONSUMER, stage.market.agree(job), "WrongState")
    stage.refuses(AUDITORS[0], stage.market.enlist(job), "WrongState")
    deed = stage.must(NODE, stage.market.claim(job, 1, cid(GOOD), 70))
    assert (deed.of("JobClosed")[0]["state"], stage.credited(deed)) == (DONE, {})


def test_the_free_tier_has_three_jobs_and_in_the_hardened_rules_it_is_for_buyers():
    stage = Stage(LITERAL)
    job = -1
    for _ in range(3):
        free = stage.market.startFree(stage.order(STRANGER, minutes_=1))
        job = int(stage.must(STRANGER, free).of("OrderStarted")[0]["id"])
    stage.refuses(STRANGER, stage.market.startFree(stage.order(STRANGER, minutes_=1)), "FreeTierUsed")
    assert stage.credited(stage.must(NODE, stage.market.claim(job, 60, cid(GOOD), 70))) == {}
    stage = Stage(HARDENED)
    stage.refuses(CONSUMER, stage.market.startFree(stage.order(minutes_=1)), "FreeTierUsed")
    stage.start()
    stage.must(CONSUMER, stage.market.startFree(stage.order(minutes_=1)))


# --- escrow ---


def test_a_lock_is_within_what_its_payer_allows():
    stage = Stage(LITERAL)
    job = stage.start()
    stage.refuses(NODE, stage.market.createLock(job, 1), "NotAuthorized")
    stage.must(CONSUMER, stage.market.authorize(NODE, 100, LOCKING + RUNNING, 1))
    stage.refuses(NODE, stage.market.createLock(job, 101), "NotAuthorized")
    stage.refuses(NODE, stage.market.createLock(job, 100), "DepositTooSmall")
    stage.must(CONSUMER, stage.market.deposit(100))
    stage.refuses(NODES[1], stage.market.createLock(job, 100), "WrongSender")
    stage.must(CONSUMER, stage.market.authorize(NODE, 100, RUNNING - 50, 1))
    stage.refuses(NODE, stage.market.createLock(job, 100), "NotAuthorized")
    stage.must(CONSUMER, stage.market.authorize(NODE, 100, LOCKING + RUNNING, 1))
    stage.must(NODE, stage.market.createLock(job, 60))
    stage.refuses(CONSUMER, stage.market.takeBack(41), "DepositTooSmall")
    again = stage.start()
    stage.refuses(NODE, stage.market.createLock(again, 10), "NotAuthorized")
    stage.must(CONSUMER, stage.market.authorize(NODE, 0, 0, 0))  # revoked: what is locked stays so
    assert stage.market.fundsOf(CONSUMER).locked == 60


def test_a_claim_is_at_most_the_lock_and_the_rest_is_the_payers_again():
    stage = Stage(LITERAL)
    job = stage.running()
    stage.refuses(NODE, stage.market.claim(job, MINUTES + 1, cid(GOOD), 70), "ClaimTooHigh")
    stage.refuses(STRANGER, stage.market.claim(job, 1, cid(GOOD), 70), "WrongSender")
    stage.refuses(NODE, stage.market.claim(job, 1, cid(GOOD), 40), "NoSuchStatus")
    deed = stage.claim(job, minutes=7)
    assert stage.credited(deed) == {NODE: 70}  # 1 % of 70 is nothing
    assert stage.market.fundsOf(CONSUMER).available == 50
    assert deed.of("JobClosed")[0]["state"] == DONE
    stage.refuses(NODE, stage.market.claim(job, 1, cid(GOOD), 70), "WrongState")
    stage.solvent()


@pytest.mark.parametrize("locked", [False, True])
def test_a_bill_is_at_the_rate_of_the_order_whatever_its_provider_asks_later(locked):
    stage = Stage(HARDENED)
    signer = address_of("n0", "keys")
    job = stage.running() if locked else stage.start()
    stage.must(NODE, stage.market.registerNode(signer, [2 * RATE], [1]))
    if not locked:
        stage.pays()
        stage.must(PUBLISHER, stage.market.serve(job, cid(b"rows"), 100))
        stage.must(CONSUMER, stage.market.agree(job))
        stage.must(NODE, stage.market.createLock(job, MINUTES * RATE))
    stage.claim(job)
    stage.must(NODE, stage.market.registerNode(signer, [2**128 - 1], [1]))
    stage.now += DISPUTING
    paid = stage.credited(stage.must(POKER, stage.market.settle(job)))
    assert paid[NODE] == 7 * RATE + COLLATERAL
    assert stage.market.fundsOf(CONSUMER).available == (MINUTES - 7) * RATE


def test_a_node_asks_no_rate_that_could_overflow_a_bill():
    stage = Stage(HARDENED)
    stage.refuses(NODE, stage.market.registerNode(NODE, [2**128], [1]), "RateTooHigh")
    stage.refuses(NODE, stage.market.registerNode(NODE, [2**127, 2**127], [1, 1]), "RateTooHigh")


def test_a_literal_claim_is_paid_for_nothing_and_for_what_failed():
    stage = Stage(LITERAL)
    assert stage.credited(stage.must(NODE, stage.market.claim(stage.running(), MINUTES, ZERO, 70)))[NODE] == 119
    stage = Stage(LITERAL)
    deed = stage.must(NODE, stage.market.claim(stage.running(), MINUTES, ZERO, 32))
    assert (deed.of("JobClosed")[0]["state"], stage.credited(deed)[NODE]) == (FAILED, 119)
    stage = Stage(HARDENED)
    deed = stage.must(NODE, stage.market.claim(stage.running(), MINUTES, ZERO, 32))
    assert stage.credited(deed)[NODE] == COLLATERAL
    assert stage.credited(deed)[CONSUMER] == PRICE
    stage = Stage(HARDENED)
    stage.refuses(NODE, stage.market.claim(stage.running(), MINUTES, ZERO, 70), "NoResult")


def test_a_late_claim_cancels_itself_and_anybody_ends_what_expired():
    for late in (True, False):
        stage = Stage(HARDENED)
        job = stage.running()
        stage.refuses(POKER, stage.market.cancelExpired(job), "TooEarly")
        stage.now += LOCKING + RUNNING
        result = seal(NODE, GOOD, 1)
        call = stage.market.claim(job, 1, result, 70) if late else stage.market.cancelExpired(job)
        deed = stage.must(NODE if late else POKER, call)
        assert deed.of("JobClosed")[0]["state"] == EXPIRED
        assert stage.credited(deed) == {CONSUMER: PRICE, **dict.fromkeys(AUDITORS[:3], AUDIT_FEE // 3 + AUDIT_BOND)}
        assert stage.market.treasury() == 1 + COLLATERAL
        assert stage.market.fundsOf(CONSUMER).available == MINUTES * RATE
        stage.solvent()


def test_what_nobody_locks_lapses_and_a_held_price_goes_back():
    stage = Stage(HARDENED)
    job = stage.start()
    stage.now += LOCKING
    stage.refuses(PUBLISHER, stage.market.serve(job, cid(b"rows"), 100), "TooLate")
    assert stage.credited(stage.must(POKER, stage.market.cancelExpired(job))) == {CONSUMER: PRICE + AUDIT_FEE}
    stage = Stage(LITERAL)
    job = stage.start()
    stage.now += LOCKING
    assert stage.credited(stage.must(POKER, stage.market.cancelExpired(job))) == {}


def test_data_are_served_by_their_publisher_and_agreed_to_by_the_consumer_before_a_lock():
    stage = Stage(HARDENED)
    job = stage.start()
    stage.pays()
    stage.refuses(NODE, stage.market.createLock(job, 10), "WrongState")
    stage.refuses(STRANGER, stage.market.serve(job, cid(b"rows"), 100), "WrongSender")
    stage.must(PUBLISHER, stage.market.serve(job, cid(b"rows"), 100))
    stage.refuses(NODE, stage.market.createLock(job, 10), "WrongState")
    stage.refuses(STRANGER, stage.market.agree(job), "WrongSender")
    stage.must(CONSUMER, stage.market.agree(job))
    stage.must(NODE, stage.market.createLock(job, 10))


# --- audits ---

RIGHT, OTHER, LOW = (GOOD, 7, 90), (BAD, 7, 90), (GOOD, 7, 59)
LONGER = (GOOD, 6, 90)
NET = 70  # 7 minutes at 10, less 1 % of it, rounded down
THIRD = AUDIT_FEE // 3
EARNED = PRICE - PRICE * 3 // 100  # of a price that was held: the community has 3 % of it


@pytest.mark.parametrize(("answers", "revealed", "state", "node", "consumer", "publisher"), [
    ([RIGHT] * 3, GOOD, DONE, NET + COLLATERAL, 2, EARNED),
    ([RIGHT, RIGHT, OTHER], GOOD, DONE, NET + COLLATERAL, 0, EARNED),
    ([RIGHT, OTHER, None], GOOD, DONE, NET + COLLATERAL, 0, EARNED),
    ([OTHER, OTHER, RIGHT], GOOD, OVERTURNED, 0, COLLATERAL // 2 + DISPUTE_BOND, EARNED),
    ([LONGER] * 3, GOOD, OVERTURNED, 0, COLLATERAL // 2 + DISPUTE_BOND + 1, EARNED),
    ([RIGHT] * 3, None, OVERTURNED, 0, COLLATERAL // 2 + DISPUTE_BOND + 2, EARNED),
    ([LOW, LOW, RIGHT], GOOD, JUNK, NET + COLLATERAL, PRICE + DISPUTE_BOND, 0),
    ([None] * 3, GOOD, DONE, NET + COLLATERAL, DISPUTE_BOND + AUDIT_FEE, EARNED),
    ([None] * 3, None, VOID, 0, PRICE + DISPUTE_BOND + AUDIT_FEE, 0),
])  # fmt: skip
def test_what_most_auditors_say_is_right_and_everybody_is_paid_by_it(
    answers, revealed, state, node, consumer, publisher
):
    stage = Stage(HARDENED)
    job = stage.running()
    stage.claim(job)
    stage.audited(job, answers, revealed)
    deed = stage.must(POKER, stage.market.settle(job))
    paid = stage.credited(deed)
    assert deed.of("JobClosed")[0]["state"] == state
    assert paid.get(NODE, 0) == node
    assert paid.get(PUBLISHER, 0) == publisher
    assert abs(paid.get(CONSUMER, 0) - consumer) <= 4  # what does not divide
    wrong = sum(one["amount"] for one in deed.of("Fined") if one["who"] != NODE)
    assert wrong % AUDIT_BOND == 0
    assert stage.market.jobOf(job).held == stage.market.jobOf(job).locked == 0
    assert stage.market.escrow() == stage.market.fundsOf(CONSUMER).available
    stage.solvent()


def test_nothing_is_paid_before_the_window_is_over_and_then_without_a_dispute():
    stage = Stage(HARDENED)
    job = stage.running()
    assert stage.credited(stage.claim(job)) == {}
    stage.refuses(POKER, stage.market.settle(job), "TooEarly")
    stage.refuses(STRANGER, stage.market.dispute(job), "WrongSender")
    stage.now += DISPUTING
    stage.refuses(CONSUMER, stage.market.dispute(job), "TooLate")
    paid = stage.credited(stage.must(POKER, stage.market.settle(job)))
    assert paid == {NODE: NET + COLLATERAL, PUBLISHER: EARNED, **dict.fromkeys(AUDITORS[:3], AUDIT_BOND + THIRD)}


def test_who_stands_by_is_a_node_once_and_not_a_party():
    stage = Stage(HARDENED)
    job = stage.running(auditors=1)
    for who, error in ((NODE, "NotYourself"), (STRANGER, "NotAuditor"), (AUDITORS[0], "AlreadyEnlisted")):
        stage.refuses(who, stage.market.enlist(job), error)
    stage.claim(job)
    stage.refuses(AUDITORS[1], stage.market.enlist(job), "WrongState")
    stage.must(CONSUMER, stage.market.dispute(job))
    stage.refuses(AUDITORS[1], stage.market.answer(job, ZERO), "NotAuditor")


def test_an_answer_opens_for_its_owner_alone_and_as_it_was():
    stage = Stage(HARDENED)
    job = stage.running()
    stage.claim(job)
    first, second, third = stage.must(CONSUMER, stage.market.dispute(job)).of("AuditBegun")[0]["panel"]
    copied = seal(first, *RIGHT)
    for who in (first, second, third):
        stage.must(who, stage.market.answer(job, copied))
    stage.must(first, stage.market.reveal(job, cid(GOOD), 7, 90, SALT))
    stage.refuses(second, stage.market.reveal(job, cid(GOOD), 7, 90, SALT), "WrongSeal")
    stage.refuses(NODE, stage.market.revealResult(job, BAD, SALT), "WrongSeal")
    stage.refuses(STRANGER, stage.market.revealResult(job, GOOD, SALT), "WrongSender")


def test_a_claim_is_drawn_for_an_audit_as_often_as_the_rules_say():
    drawn = 0
    for i in range(40):
        stage = Stage({**HARDENED, "auditBps": 5000})
        stage.beacon = hashlib.sha256(bytes([i])).digest()
        drawn += bool(stage.claim(stage.running()).of("AuditBegun"))
    assert 10 <= drawn <= 30  # of 40; with probability 0.999


# --- money, whatever happens ---


class Money(RuleBasedStateMachine):
    """Anybody does anything; the contract holds what it owes, and each job what is its own."""

    rules_of: dict[str, Any] = HARDENED

    @initialize()
    def begin(self):
        self.stage = Stage(self.rules_of)
        self.jobs = 0

    def tries(self, who, call):
        self.stage.do(who, call)

    @rule(tokens=st.integers(0, 3))
    def trade(self, tokens):
        market = self.stage.market
        self.tries(CONSUMER, market.buyDT(self.stage.data, tokens * ONE // 2, 10**6))
        self.tries(CONSUMER, market.dispense(self.stage.algorithm, ONE))
        if tokens == 3:
            self.tries(CONSUMER, market.sellDT(self.stage.data, ONE, 0))
            self.tries(PUBLISHER, market.collect(self.stage.data))

    @rule(amount=st.integers(0, 400), locks=st.integers(0, 3))
    def fund(self, amount, locks):
        self.tries(CONSUMER, self.stage.market.deposit(amount))
        self.tries(CONSUMER, self.stage.market.authorize(NODE, amount, LOCKING + RUNNING, locks))
        if amount % 5 == 0:
            self.tries(CONSUMER, self.stage.market.takeBack(amount // 5))

    @rule(again=st.booleans(), signer=st.integers(0, 1))
    def order(self, again, signer):
        order = self.stage.order(signer=signer)
        call = self.stage.market.reuseOrder(0, order) if again else self.stage.market.startOrder(order)
        self.jobs += self.stage.do(CONSUMER, call).ok

    @rule(job=st.integers(0, 3), amount=st.integers(0, 150), agreed=st.booleans())
    def lock(self, job, amount, agreed):
        market = self.stage.market
        self.tries(PUBLISHER, market.serve(job, cid(b"rows"), 100))
        if agreed:
            self.tries(CONSUMER, market.agree(job))
        self.tries(NODE, market.createLock(job, amount))

    @rule(job=st.integers(0, 3), who=st.sampled_from(NODES))
    def enlist(self, job, who):
        self.tries(who, self.stage.market.enlist(job))

    @rule(job=st.integers(0, 3), minutes=st.integers(0, 14), status=st.sampled_from([70, 70, 31]))
    def claim(self, job, minutes, status):
        self.tries(NODE, self.stage.market.claim(job, minutes, seal(NODE, GOOD, minutes), status))

    @rule(job=st.integers(0, 3), said=st.lists(st.sampled_from([RIGHT, OTHER, LOW]), min_size=5, max_size=5))
    def audit(self, job, said):
        market = self.stage.market
        self.tries(CONSUMER, market.dispute(job))
        for who, one in zip(NODES, said, strict=True):
            self.tries(who, market.answer(job, seal(who, *one)))
        for who, one in zip(NODES, said, strict=True):
            self.tries(who, market.reveal(job, cid(one[0]), one[1], one[2], SALT))
        self.tries(NODE, market.revealResult(job, GOOD, SALT))

    @rule(seconds=st.sampled_from([1, DISPUTING, AUDITING, LOCKING + RUNNING]), job=st.integers(0, 3))
    def wait(self, seconds, job):
        self.stage.now += seconds
        self.tries(POKER, self.stage.market.settle(job))
        self.tries(POKER, self.stage.market.cancelExpired(job))

    @rule(who=st.sampled_from([CONSUMER, PUBLISHER, *NODES]))
    def withdraw(self, who):
        self.tries(who, self.stage.market.withdraw())

    @invariant()
    def adds_up(self):
        if not hasattr(self, "stage"):
            return
        self.stage.solvent()
        market = self.stage.market
        jobs = [market.jobOf(one) for one in range(market.jobs())]
        funds, held = market.fundsOf(CONSUMER), sum(one.held for one in jobs)
        assert funds.locked == sum(one.locked for one in jobs)
        reserve = market.assetOf(self.stage.data).reserve
        assert market.escrow() == funds.available + funds.locked + reserve + held
        assert all(not one.held and not one.locked for one in jobs if one.state >= DONE)


@pytest.mark.parametrize("rules", [HARDENED, LITERAL], ids=["hardened", "literal"])
def test_whatever_people_do_the_contract_holds_what_it_owes(rules):
    machine = type("Machine", (Money,), {"rules_of": rules})
    found = machine.TestCase
    found.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
    functools.partial(found("runTest").runTest)()
