"""The contract of federated training: who may do what when, who is paid, and where every coin ends."""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from slashpoint.protocols.federated.machine import Input, Machine, Output, Voucher
from slashpoint.sim.market import commitment
from slashpoint.sim.market.tree import Tree, leaf
from slashpoint.sim.testing.contract import Deed, Scene

SPONSOR, RIVAL, REFEREE, POKER = (bytes([i]) * 20 for i in range(2, 6))
CLIENTS = [bytes([16 + i]) * 20 for i in range(4)]
VALIDATORS = [bytes([64 + i]) * 20 for i in range(4)]
PEOPLE = [SPONSOR, RIVAL, REFEREE, POKER, *CLIENTS, *VALIDATORS]
WEALTH, REWARD, BOND, ROUNDS = 10_000, 50, 100, 2
HARDENED = {
    "enrolWindow": 300, "trainWindow": 300, "openWindow": 120, "claimWindow": 180, "disputeWindow": 120,
    "maxValidators": 4, "validatorBond": 401, "validatorFee": 10, "disputeBond": 200, "maxGainBps": 500,
    "sealedUpdates": True, "checked": True, "reserved": True, "openCallback": False, "unique": True,
    "slashFailed": True,
}  # fmt: skip
LITERAL = {  # the seed's rules as values
    **HARDENED, "disputeWindow": 0, "maxValidators": 1, "validatorBond": 0, "validatorFee": 0, "disputeBond": 0,
    "maxGainBps": 10_000, "sealedUpdates": False, "checked": False, "reserved": False, "openCallback": True,
    "unique": False, "slashFailed": False,
}  # fmt: skip
FREE = {"validatorBond": 0, "validatorFee": 0}
VARIANTS = (HARDENED, LITERAL, {**HARDENED, "sealedUpdates": False, "reserved": False, "checked": False})
ENROLLING, TRAINING, OPENING, VALIDATING, CLAIMED, DISPUTED = range(1, 7)
COMPLETED, EXPIRED, CANCELLED, WITHHELD, VOID = range(7, 12)
SALT, FIRST = b"s" * 32, b"0" * 32
LABELS = [bytes([number, 1, 2, 250]) for number in range(ROUNDS)]
SEALED = Tree([leaf(i + 1, hashlib.sha256(part).digest(), SALT) for i, part in enumerate(LABELS)])


def cid(*numbers: int) -> bytes:
    return hashlib.sha256(bytes(numbers)).digest()


class Stage(Scene):
    """The market of federated jobs."""

    def __init__(self, rules: dict[str, Any]) -> None:
        super().__init__("Federated", REFEREE, rules, people=PEOPLE, payout=WEALTH)
        self.rules = rules

    def refuses(self, error: str, who: bytes, call: Any) -> None:
        outcome = self.do(who, call)
        assert (outcome.ok, outcome.revert.name) == (False, error)

    def post(self, **changes: Any) -> int:
        terms = {
            "dataType": FIRST, "modelCid": FIRST, "trainerCid": FIRST, "validationCid": FIRST,
            "labelsRoot": SEALED.root, "reward": REWARD, "bond": BOND, "maxClients": 4, "rounds": ROUNDS,
            "minGainBps": 0, "auditBps": 10_000, "context": "",
        }  # fmt: skip
        (posted,) = self.must(SPONSOR, self.market.postJob({**terms, **changes})).of("JobPosted")
        return int(posted["id"])

    def state(self, job: int) -> int:
        return int(self.market.jobOf(job).state)

    def late(self, job: int) -> Stage:
        """The end of the window."""
        return self.at(int(self.market.jobOf(job).due))

    def begun(self, clients: int = 3, validators: int = 3, **changes: Any) -> int:
        """A job in its first round."""
        job = self.post(**changes)
        for who in CLIENTS[:clients]:
            self.must(who, self.market.acceptJob(job))
        for who in VALIDATORS[:validators]:
            self.must(who, self.market.joinPanel(job))
        if self.state(job) == ENROLLING:
            self.late(job).must(POKER, self.market.advance(job))
        return job

    def update(self, who: bytes, number: int) -> bytes:
        return cid(who[0], number)

    def hand_in(self, job: int, who: bytes, payload: bytes = b"") -> Deed:
        number = int(self.market.jobOf(job).round)
        model = self.update(who, number)
        committed = commitment(model, SALT, who, salted=True) if self.rules["sealedUpdates"] else model
        return self.do(who, self.market.submitUpdate(job, committed, payload))

    def open(self, job: int, who: bytes) -> Deed:
        return self.do(who, self.market.openUpdate(job, self.update(who, int(self.market.jobOf(job).round)), SALT))

    def reveal(self, job: int, who: bytes = SPONSOR) -> Deed:
        at = int(self.market.jobOf(job).round) - 1
        return self.do(who, self.market.revealLabels(job, LABELS[at], SALT, SEALED.proof(at)))

    def complete(self, job: int, clients: int = 3) -> None:
        """All of the round's inputs are there."""
        for who in CLIENTS[:clients]:
            assert self.hand_in(job, who).ok
        if self.rules["sealedUpdates"]:
            for who in CLIENTS[:clients]:
                assert self.open(job, who).ok
            assert self.reveal(job).ok
        assert self.state(job) == VALIDATING

    def output(self, job: int, clients: int = 3, amount: int = REWARD, failed: int = 0, base: int = 9) -> Output:
        number = int(self.market.jobOf(job).round)
        paid = [i for i in range(clients) if not failed >> i & 1]
        vouchers = tuple(Voucher(number, i, CLIENTS[i], amount) for i in paid)
        return Output(bytes([base, number]), vouchers, failed)

    def claim(self, job: int, output: Output, validators: int = 3) -> Deed:
        for who in VALIDATORS[:validators]:
            outcome = self.must(who, self.market.submitClaim(job, output.packed(job)))
        return outcome

    def settled(self, job: int, output: Output | None = None) -> Output:
        """The round is settled as three validators say."""
        said = output or self.output(job)
        self.claim(job, said)
        if self.state(job) == CLAIMED:
            self.late(job).must(POKER, self.market.advance(job))
        return said

    def cash(self, job: int, output: Output, voucher: Voucher, who: bytes = POKER) -> Deed:
        told = (voucher.round, voucher.place, voucher.who, voucher.amount)
        return self.do(who, self.market.executeVoucher(job, told, output.proof(job, voucher)))

    def check_books(self) -> None:
        """What each job and its pots say that they hold is what there is."""
        market, held = self.market, 0
        for job in range(market.jobs()):
            book = market.jobOf(job)
            held += book.held + sum(market.potOf(job, number).left for number in range(1, book.round + 1))
            assert book.state < COMPLETED or not book.held
        self.check_vault(held)


@pytest.fixture
def stage():
    made = Stage(HARDENED)
    yield made
    made.check_books()


@pytest.fixture
def loose():
    made = Stage(LITERAL)
    yield made
    made.check_books()


def test_a_job_pays_its_vouchers_fees_and_bonds_and_gives_back_the_rest(stage):
    job = stage.begun()
    for _ in range(ROUNDS):
        stage.complete(job)
        output = stage.settled(job)
        for voucher in output.vouchers:
            assert stage.cash(job, output, voucher).ok
    assert stage.state(job) == COMPLETED
    assert [stage.gained(who) for who in CLIENTS[:3]] == [2 * REWARD] * 3
    assert [stage.gained(who) for who in VALIDATORS[:3]] == [20] * 3
    assert stage.gained(SPONSOR) == -6 * REWARD - 60
    before = stage.coin.balanceOf(SPONSOR)
    stage.must(SPONSOR, stage.market.withdraw())
    assert stage.coin.balanceOf(SPONSOR) > before


def test_a_voucher_is_paid_once_to_whom_it_names(stage):
    job = stage.begun()
    stage.complete(job)
    output = stage.settled(job)
    first, second, _ = output.vouchers
    assert stage.cash(job, output, first, who=RIVAL).ok
    assert stage.cash(job, output, first).revert.name == "AlreadyExecuted"
    told = (second.round, second.place, RIVAL, second.amount)
    stage.refuses("WrongVoucher", RIVAL, stage.market.executeVoucher(job, told, output.proof(job, second)))
    more = (second.round, second.place, second.who, second.amount + 1)
    stage.refuses("WrongVoucher", RIVAL, stage.market.executeVoucher(job, more, output.proof(job, second)))
    assert stage.gained(CLIENTS[0]) == REWARD - BOND
    assert stage.gained(RIVAL) == 0


def test_a_quorum_cannot_pay_strangers_nor_more_than_the_price_of_what_was_handed_in(stage):
    job = stage.begun()
    stage.complete(job)
    stage.refuses("OverBudget", VALIDATORS[0], stage.market.submitClaim(job, stage.output(job, amount=51).packed(job)))
    forged = Output(b"x", (Voucher(1, 0, RIVAL, 3 * REWARD),))
    stage.settled(job, forged)
    assert stage.cash(job, forged, forged.vouchers[0]).revert.name == "WrongVoucher"


def test_where_nothing_is_checked_receiver_and_amount_are_whatever_was_claimed(loose):
    job = loose.begun(validators=1)
    loose.complete(job)
    forged = Output(b"x", (Voucher(1, 0, RIVAL, 3 * REWARD),))
    loose.claim(job, forged, validators=1)
    assert loose.cash(job, forged, forged.vouchers[0]).ok
    assert loose.gained(RIVAL) == 3 * REWARD


def test_callbacks_are_for_the_referee_unless_they_are_open(stage, loose):
    forged = Output(b"x", (Voucher(1, 0, RIVAL, 100),))
    job = stage.begun()
    stage.complete(job)
    stage.refuses("NotReferee", RIVAL, stage.market.resolve(job, forged.packed(job)))
    stage.refuses("WrongState", REFEREE, stage.market.resolve(job, forged.packed(job)))
    job = loose.begun(validators=1)
    loose.complete(job)
    loose.must(RIVAL, loose.market.resolve(job, forged.packed(job)))
    assert loose.cash(job, forged, forged.vouchers[0]).ok


@pytest.mark.parametrize(("panel", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3)])
def test_a_quorum_is_more_than_half(stage, panel, needed):
    job = stage.begun(validators=panel)
    stage.complete(job)
    said = stage.output(job).packed(job)
    assert stage.market.quorum(job) == needed
    for i, who in enumerate(VALIDATORS[:panel]):
        assert stage.state(job) == (CLAIMED if i >= needed else VALIDATING)
        stage.must(who, stage.market.submitClaim(job, said))
        stage.refuses("AlreadyClaimed", who, stage.market.submitClaim(job, said))
    stage.refuses("NotOnPanel", RIVAL, stage.market.submitClaim(job, said))


def test_a_claim_waits_for_its_dispute_window(stage):
    job = stage.begun()
    stage.complete(job)
    stage.claim(job, stage.output(job), validators=2)
    stage.refuses("TooEarly", POKER, stage.market.advance(job))
    stage.must(VALIDATORS[2], stage.market.submitClaim(job, stage.output(job).packed(job)))  # the slow are paid too
    stage.late(job).must(POKER, stage.market.advance(job))
    assert stage.gained(VALIDATORS[2]) == 10 - 401


def test_one_who_is_right_overturns_a_quorum_and_has_half_of_its_bonds(stage):
    job = stage.begun()
    stage.complete(job)
    true, false = stage.output(job), stage.output(job, base=66, amount=REWARD - 1)
    stage.claim(job, false, validators=2)
    stage.must(VALIDATORS[2], stage.market.submitClaim(job, true.packed(job)))
    stage.refuses("SameClaim", RIVAL, stage.market.dispute(job, false.packed(job)))
    stage.must(VALIDATORS[2], stage.market.dispute(job, true.packed(job)))
    stage.must(REFEREE, stage.market.resolve(job, true.packed(job)))
    assert stage.market.jobOf(job).base == hashlib.sha256(true.model).digest()
    assert stage.gained(VALIDATORS[2]) == 2 * 200 - 401 + 10
    assert stage.market.treasury() == 2 * 201
    assert stage.market.quorum(job) == 1  # the panel goes on without those who lost their bonds
    stage.complete(job)
    stage.must(VALIDATORS[2], stage.market.submitClaim(job, stage.output(job).packed(job)))
    stage.late(job).must(POKER, stage.market.advance(job))
    assert [stage.gained(who) for who in VALIDATORS[:3]] == [-401, -401, 2 * 200 + 20]


def test_one_who_is_wrong_loses_the_bond_of_the_dispute(stage):
    job = stage.begun()
    stage.complete(job)
    true = stage.output(job)
    stage.claim(job, true)
    stage.must(RIVAL, stage.market.dispute(job, stage.output(job, base=66).packed(job)))
    stage.must(REFEREE, stage.market.resolve(job, true.packed(job)))
    assert stage.gained(RIVAL) == -200 == -stage.market.treasury()
    assert stage.state(job) == TRAINING


@pytest.mark.parametrize("disputed", [False, True])
def test_without_a_settlement_everything_goes_back(stage, disputed):
    job = stage.begun()
    stage.complete(job)
    if disputed:
        stage.claim(job, stage.output(job))
        stage.must(RIVAL, stage.market.dispute(job, stage.output(job, base=66).packed(job)))
    else:
        stage.claim(job, stage.output(job), validators=1)
    stage.late(job).must(POKER, stage.market.advance(job))
    assert stage.state(job) == VOID
    assert [stage.gained(who) for who in PEOPLE] == [0] * len(PEOPLE)


def test_who_hands_nothing_in_or_does_not_open_loses_bond_and_place(stage):
    job = stage.begun()
    for who in CLIENTS[:2]:
        assert stage.hand_in(job, who).ok
    stage.late(job).must(POKER, stage.market.advance(job))
    assert stage.state(job) == OPENING
    assert stage.open(job, CLIENTS[0]).ok
    assert stage.reveal(job).ok
    stage.late(job).must(POKER, stage.market.advance(job))
    output = Output(b"x", (Voucher(1, 0, CLIENTS[0], REWARD),))
    stage.settled(job, output)
    assert [stage.market.clientOf(job, who).out for who in CLIENTS[:3]] == [False, True, True]
    assert stage.market.treasury() == 2 * BOND
    assert stage.hand_in(job, CLIENTS[1]).revert.name == "NotClient"


def test_who_fails_validation_loses_bond_and_place_where_the_rules_say_so(stage):
    job = stage.begun()
    stage.complete(job)
    stage.settled(job, stage.output(job, failed=0b010))
    assert [stage.market.clientOf(job, who).out for who in CLIENTS[:3]] == [False, True, False]
    assert stage.market.treasury() == BOND


def test_a_job_that_all_leave_is_over(stage):
    job = stage.begun()
    stage.late(job).must(POKER, stage.market.advance(job))
    assert stage.state(job) == COMPLETED
    assert stage.gained(SPONSOR) == 0
    assert stage.market.treasury() == 3 * BOND


@pytest.mark.parametrize(("clients", "validators"), [(0, 2), (2, 0), (0, 0)])
def test_a_job_that_nobody_joins_is_refunded(stage, clients, validators):
    job = stage.begun(clients, validators)
    assert stage.state(job) == EXPIRED
    assert [stage.gained(who) for who in PEOPLE] == [0] * len(PEOPLE)


def test_a_sponsor_that_hides_its_labels_pays_for_what_it_was_handed(stage):
    job = stage.begun()
    for who in CLIENTS[:3]:
        assert stage.hand_in(job, who).ok
    for who in CLIENTS[:2]:
        assert stage.open(job, who).ok
    stage.refuses("NotSponsor", RIVAL, stage.market.revealLabels(job, LABELS[0], SALT, SEALED.proof(0)))
    stage.refuses("WrongLabels", SPONSOR, stage.market.revealLabels(job, LABELS[1], SALT, SEALED.proof(1)))
    stage.late(job).must(POKER, stage.market.advance(job))
    assert stage.state(job) == WITHHELD
    assert [stage.gained(who) for who in CLIENTS[:3]] == [REWARD, REWARD, 0]
    assert stage.gained(SPONSOR) == -2 * REWARD


def test_an_escrow_is_out_of_reach_until_the_job_is_over_where_it_is_reserved(stage, loose):
    job = stage.begun()
    stage.refuses("Reserved", SPONSOR, stage.market.cancelJob(job))
    stage.refuses("Reserved", SPONSOR, stage.market.takeBack(job, 1))
    job = loose.begun(validators=1)
    loose.refuses("NotSponsor", RIVAL, loose.market.cancelJob(job))
    loose.refuses("OverBudget", SPONSOR, loose.market.takeBack(job, 8 * REWARD + 1))
    loose.must(SPONSOR, loose.market.takeBack(job, 8 * REWARD))
    loose.complete(job)
    output = loose.output(job)
    loose.claim(job, output, validators=1)
    assert not loose.market.potOf(job, 1).left
    assert loose.state(job) == COMPLETED  # nothing is left for another round
    assert [loose.gained(who) for who in CLIENTS[:3]] == [0] * 3


def test_cancelling_is_free_for_all_while_people_join(stage):
    job = stage.post()
    stage.must(CLIENTS[0], stage.market.acceptJob(job))
    stage.must(VALIDATORS[0], stage.market.joinPanel(job))
    stage.must(SPONSOR, stage.market.cancelJob(job))
    assert stage.state(job) == CANCELLED
    assert [stage.gained(who) for who in PEOPLE] == [0] * len(PEOPLE)
    stage.refuses("WrongState", SPONSOR, stage.market.cancelJob(job))
    stage.refuses("WrongState", POKER, stage.market.advance(job))


def test_an_update_that_the_job_has_seen_is_refused(stage):
    job = stage.begun()
    stage.complete(job)
    stage.settled(job)
    old = stage.update(CLIENTS[0], 1)
    for who, model in ((CLIENTS[0], old), (CLIENTS[1], cid(99)), (CLIENTS[2], cid(99))):
        stage.must(who, stage.market.submitUpdate(job, commitment(model, SALT, who, salted=True), b""))
    stage.refuses("NotUnique", CLIENTS[0], stage.market.openUpdate(job, old, SALT))
    stage.refuses("WrongSeal", CLIENTS[1], stage.market.openUpdate(job, cid(98), SALT))
    stage.must(CLIENTS[1], stage.market.openUpdate(job, cid(99), SALT))
    stage.refuses("NotUnique", CLIENTS[2], stage.market.openUpdate(job, cid(99), SALT))


def test_a_base_that_comes_back_unchanged_is_refused(stage):
    job = stage.begun()
    stage.must(CLIENTS[0], stage.market.submitUpdate(job, commitment(FIRST, SALT, CLIENTS[0], salted=True), b""))
    stage.late(job).must(POKER, stage.market.advance(job))
    stage.refuses("NotUnique", CLIENTS[0], stage.market.openUpdate(job, FIRST, SALT))


def test_windows_close(stage):
    job = stage.post()
    stage.must(CLIENTS[0], stage.market.acceptJob(job))
    stage.must(VALIDATORS[0], stage.market.joinPanel(job))
    stage.late(job).refuses("TooLate", CLIENTS[1], stage.market.acceptJob(job))
    stage.refuses("TooLate", VALIDATORS[1], stage.market.joinPanel(job))
    stage.must(POKER, stage.market.advance(job))
    assert stage.late(job).hand_in(job, CLIENTS[0]).revert.name == "TooLate"


def test_terms_and_rules_out_of_range_are_refused(stage):
    for change in ({"maxClients": 0}, {"maxClients": 257}, {"rounds": 0}, {"minGainBps": 501}, {"auditBps": 10_001}):
        with pytest.raises(AssertionError, match="OutOfRange"):
            stage.post(**change)
    for broken in ("enrolWindow", "trainWindow", "openWindow", "claimWindow", "maxValidators"):
        with pytest.raises(AssertionError, match=f"RuleOutOfRange.*{broken}"):
            stage.deploy("Federated", stage.coin.address_, REFEREE, {**HARDENED, broken: 0})


# --- what theory says ---------------------------------------------------------------------------------------------


class JobAccounts:
    """A task whose models are numbers: the first byte says how many answers are right."""

    def weights(self, model: bytes) -> Any:
        return np.array([model[0]], np.float32)

    def assemble(self, weights: Any) -> bytes:
        return bytes([round(float(weights[0]))])


def gains_until_caught(p: float, bond: int, jobs: int) -> tuple[list[int], list[int]]:
    """What a client gains whose updates are worth nothing, and how often it is paid until an audit finds it out."""
    stage = Stage({**HARDENED, "disputeWindow": 0, "sealedUpdates": False, "maxValidators": 1, **FREE})
    machine = Machine(JobAccounts(), lambda model: model[0], need=1, audit_bps=round(p * 10_000), reward=1)
    cheat, gains, wins = CLIENTS[0], [], []
    for number in range(jobs):
        before, paid = stage.gained(cheat), 0
        job = stage.begun(2, 1, bond=bond, maxClients=2, rounds=100, reward=1)
        while not stage.market.clientOf(job, cheat).out:
            at = int(stage.market.jobOf(job).round)
            for who in CLIENTS[:2]:
                stage.beacon = cid(1, number, at)
                stage.must(who, stage.market.submitUpdate(job, cid(number, at, who[0]), b""))
            inputs = [Input(i, who, cid(number, at, who[0]), b"") for i, who in enumerate(CLIENTS[:2])]
            machine = replace(machine, beacon=stage.market.jobOf(job).beacon)
            counts = {i: 10 + i for i, one in enumerate(inputs) if machine.audited(one)}
            output = machine.run(at, b"\x0a", inputs, {0: b"\x0a", 1: b"\x0b"}, {**counts, -1: 10})
            stage.must(VALIDATORS[0], stage.market.submitClaim(job, output.packed(job)))
            for voucher in (one for one in output.vouchers if one.who == cheat):
                assert stage.cash(job, output, voucher).ok
                paid += 1
        gains.append(stage.gained(cheat) - before)
        wins.append(paid)
        stage.late(job).must(POKER, stage.market.advance(job))  # the other stays away too, and the job is over
        assert stage.state(job) == COMPLETED
        stage.must(SPONSOR, stage.market.withdraw())
    return gains, wins


def test_cheating_stops_paying_at_the_bond_that_theory_says():
    """Caught with probability p a round, a cheat is paid (1 − p)/p times before: it is deterred iff S > G(1 − p)/p."""
    p, jobs = 0.25, 24
    expected, spread = (1 - p) / p, math.sqrt(1 - p) / p
    at, wins = gains_until_caught(p, 3, jobs)
    assert at == [won - 3 for won in wins]
    assert abs(sum(wins) / jobs - expected) < 2 * spread / math.sqrt(jobs)
    below, above = (sum(gains_until_caught(p, bond, 10)[0]) for bond in (1, 6))
    assert below > 0 > above


def test_those_who_return_the_base_slow_everybody_down_by_their_weight():
    """Of w who return what they were given, and the others who contract an error by ρ, one step leaves w + (1 − w)ρ."""

    class Vectors:
        def weights(self, model: bytes) -> Any:
            return np.frombuffer(model, np.float32)

        def assemble(self, weights: Any) -> bytes:
            return np.asarray(weights, np.float32).tobytes()

    start, rho = np.array([1.0, -2.0, 0.5], np.float32), np.float32(0.75)
    base, better = start.tobytes(), (rho * start).tobytes()
    inputs = [Input(i, bytes([i]) * 20, cid(i), b"") for i in range(4)]
    for idle in range(5):
        models = {i: base if i < idle else better for i in range(4)}
        output = Machine(Vectors(), lambda _: 0, gate=False, reward=1).run(1, base, inputs, models, {-1: 0})
        left = idle / 4 + (1 - idle / 4) * 0.75
        assert np.array_equal(np.frombuffer(output.model, np.float32), np.float32(left) * start)
        assert [one.amount for one in output.vouchers] == [1] * 4  # and they are paid like the others


# --- whatever people do -------------------------------------------------------------------------------------------


@functools.cache
def prepared(variant: int) -> tuple[Stage, int]:
    """A stage for one of the variants, and a snapshot of it."""
    stage = Stage(VARIANTS[variant])
    return stage, stage.engine.snapshot()


clients, validators = st.sampled_from(CLIENTS), st.sampled_from(VALIDATORS)
anybody = st.sampled_from(PEOPLE)


class AnybodyAnything(RuleBasedStateMachine):
    """Money is conserved, what is over stays over, and every job ends, whoever does what, in whatever order."""

    @initialize(variant=st.integers(0, len(VARIANTS) - 1), reward=st.sampled_from([0, 7, 50]))
    def deploy(self, variant, reward):
        self.stage, snapshot = prepared(variant)
        self.stage.engine.restore(snapshot)
        self.stage.now = 1_000_000
        self.stage.coin.forget_()
        self.stage.market.forget_()
        self.market, self.outputs = self.stage.market, []
        self.job = self.stage.post(reward=reward)
        for who in CLIENTS[:2]:
            self.stage.do(who, self.market.acceptJob(self.job))
        self.stage.do(VALIDATORS[0], self.market.joinPanel(self.job))

    @rule(who=clients)
    def joins(self, who):
        self.stage.do(who, self.market.acceptJob(self.job))

    @rule(who=validators)
    def sits_down(self, who):
        self.stage.do(who, self.market.joinPanel(self.job))

    @rule()
    def time_passes(self):
        self.stage.late(self.job)
        self.stage.do(POKER, self.market.advance(self.job))

    @rule(some=st.sets(clients, min_size=1))
    def hand_in(self, some):
        for who in sorted(some):
            self.stage.hand_in(self.job, who, bytes(64))

    @rule(some=st.sets(clients, min_size=1), honest=st.booleans())
    def open(self, some, honest):
        for who in sorted(some):
            self.stage.open(self.job, who)
        if honest and self.market.jobOf(self.job).round:
            self.stage.reveal(self.job)

    @rule(some=st.sets(validators, min_size=1), kind=st.integers(0, 2), cheat=anybody)
    def claim(self, some, kind, cheat):
        output = self.a_claim(kind, cheat)
        for who in sorted(some):
            self.stage.do(who, self.market.submitClaim(self.job, output.packed(self.job)))

    def a_claim(self, kind, cheat):
        number = int(self.market.jobOf(self.job).round)
        forged = Output(b"f", (Voucher(number, 0, cheat, 33), Voucher(number, 1, CLIENTS[1], 5)), 0b1)
        made = [self.stage.output(self.job, 2), self.stage.output(self.job, 4, 7, 0b1001), forged][kind]
        self.outputs.append(made)
        return made

    @rule(who=anybody, kind=st.integers(0, 2), cheat=anybody)
    def dispute(self, who, kind, cheat):
        self.stage.do(who, self.market.dispute(self.job, self.a_claim(kind, cheat).packed(self.job)))

    @rule(who=st.sampled_from([REFEREE, REFEREE, RIVAL]), kind=st.integers(0, 2), cheat=anybody)
    def resolve(self, who, kind, cheat):
        self.stage.do(who, self.market.resolve(self.job, self.a_claim(kind, cheat).packed(self.job)))

    @rule()
    def cash(self):
        for output in self.outputs:
            for voucher in output.vouchers:
                self.stage.cash(self.job, output, voucher)

    @rule(who=anybody)
    def withdraw(self, who):
        self.stage.do(who, self.market.withdraw())

    @rule(who=st.sampled_from([SPONSOR, RIVAL]))
    def cancel(self, who):
        self.stage.do(who, self.market.cancelJob(self.job))

    @rule(amount=st.sampled_from([1, 100, 400]))
    def take_back(self, amount):
        self.stage.do(SPONSOR, self.market.takeBack(self.job, amount))

    @invariant()
    def books_are_straight(self):
        self.stage.check_books()

    def teardown(self):
        if not hasattr(self, "job"):
            return
        for _ in range(1 + 4 * ROUNDS):
            if self.stage.state(self.job) >= COMPLETED:
                break
            self.stage.late(self.job).must(POKER, self.market.advance(self.job))
        assert self.stage.state(self.job) >= COMPLETED
        left = sum(self.market.potOf(self.job, number).left for number in range(1, ROUNDS + 1))
        assert sum(map(self.stage.gained, PEOPLE)) + self.market.treasury() + left == 0
        assert self.market.escrow() == left


AnybodyAnything.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestAnybodyAnything = AnybodyAnything.TestCase
