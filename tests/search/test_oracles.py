"""What is wrong with a sequence when it is played again, and the shortest one that still shows it."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from slashpoint.experiments.setup.compile import stale
from slashpoint.sim.contract import keccak
from slashpoint.sim.engine import Log, Status
from slashpoint.sim.search import Finding, Harvest, Kind, Played, Step
from slashpoint.sim.search.campaign import Report, check, distinct
from slashpoint.sim.search.draws import Draws
from slashpoint.sim.search.oracles import asserted
from slashpoint.sim.search.oracles import confirm as confirmed
from slashpoint.sim.search.shrink import shrink
from slashpoint.sim.search.values import Values, constants
from slashpoint.sim.units import ETH

STEP = Step(bytes(20), bytes(20))
PANIC = bytes.fromhex("4e487b71")


def confirm(setup, finding) -> Any:
    """As it is, for a reader of types who does not know that something was found."""
    return confirmed(setup, finding)


def played(status=Status.REVERTED, output=b"", reason="", logs=()):
    return Played(STEP, status, 0, output, reason, logs, ())


def test_the_builds_of_the_contracts_here_are_of_todays_sources():
    assert list(stale(Path(__file__).parent / "contracts")) == []


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (played(output=PANIC + (1).to_bytes(32, "big")), "assert() fails"),
        (played(output=PANIC + (0x11).to_bytes(32, "big")), ""),  # arithmetic that overflows is a check, not a bug
        (played(Status.HALTED, reason="invalid opcode"), "the invalid opcode runs"),
        (played(Status.HALTED, reason="out of gas"), ""),
        (
            played(Status.SUCCESS, logs=(Log(0, bytes(20), (keccak(b"AssertionFailed(string)"),), b""),)),
            "it says AssertionFailed",
        ),
        (played(Status.SUCCESS, logs=(Log(0, bytes(20), (keccak(b"Transfer()"),), b""),)), ""),
    ],
)
def test_an_assertion_is_a_panic_the_invalid_opcode_or_an_event(step, why):
    assert asserted(step) == why


@pytest.fixture
def counter(stage):
    setup = stage("Counter")
    return setup, setup.contracts["Counter"]


def test_a_property_is_confirmed_at_the_first_step_that_breaks_it(counter, by):
    setup, contract = counter
    add, double = by("alice", contract.add(250)), by("bob", contract.double())
    found = Finding(Kind.PROPERTY, "Counter.invariant_small", "", (add, double, double, double, double))
    assert confirm(setup, found).steps == (add, double, double)
    assert confirm(setup, Finding(found.kind, found.subject, "", (add, double))) is None
    assert contract.count() == 0  # nothing has happened


def test_an_assertion_that_fails_is_confirmed_and_no_other_kind(counter, by):
    setup, contract = counter
    steps = by("alice", contract.add(40)), by("alice", contract.add(2))
    found = Finding(Kind.ASSERTION, "Counter.add(uint8)", "", steps)
    assert confirm(setup, found).why == "assert() fails"
    assert confirm(setup, Finding(Kind.ASSERTION, "Counter.double()", "", steps)) is None
    assert confirm(setup, Finding(Kind.CONSERVATION, "Counter", "", steps)) is None


def test_balances_that_add_up_to_more_than_the_supply_are_confirmed(counter, by):
    setup, contract = counter
    more = Finding(Kind.CONSERVATION, "Counter", "", (by("alice", contract.mint(4 * ETH)),))
    assert confirm(setup, more).why == f"accounts hold {4 * ETH} units of Counter, and its totalSupply() is {2 * ETH}"
    right = Finding(Kind.CONSERVATION, "Counter", "", (by("alice", contract.mint(ETH)),))
    assert confirm(setup, right) is None


def test_a_sequence_is_shrunk_to_what_is_needed_in_plain_values(counter, by):
    setup, contract = counter
    noise = by("carol", contract.mint(7), wait=1234)
    steps = (noise, by("bob", contract.add(40), wait=99), noise, noise, by("carol", contract.add(2), wait=5), noise)
    long = confirm(setup, Finding(Kind.ASSERTION, "Counter.add(uint8)", "", steps))
    short = shrink(setup, long, lambda finding: confirm(setup, finding))
    assert short == shrink(setup, long, lambda finding: confirm(setup, finding))
    assert len(short.steps) == 2
    assert {each.wait for each in short.steps} == {0}
    assert {each.sender for each in short.steps} == {setup.accounts["bob"]}


def test_shrinking_tries_no_more_often_than_it_may(counter, by):
    setup, contract = counter
    long = Finding(Kind.ASSERTION, "Counter.add(uint8)", "", (by("bob", contract.add(1)),) * 42)
    tried = []

    def counted(finding):
        tried.append(finding)
        return confirm(setup, finding)

    shrink(setup, long, counted, 10)
    assert len(tried) == 10


def test_the_same_seed_gives_the_same_report_and_leaves_the_setup_alone(stage):
    setup = stage("EndlessAuction")
    before = setup.engine.state_root(), setup.now, setup.number
    first = check(setup, calls=100, seed=5)
    assert (setup.engine.state_root(), setup.now, setup.number) == before
    assert first == check(stage("EndlessAuction"), calls=100, seed=5)


def test_what_was_saved_is_seen_again_at_once(counter, by):
    setup, contract = counter
    steps = by("alice", contract.add(40)), by("alice", contract.add(2))
    assert [each.steps for each in check(setup, calls=2, seed=1, saved=[steps]).findings if each.kind == Kind.ASSERTION]


def test_of_two_findings_of_a_bug_the_shorter_is_kept():
    long, short = (Finding(Kind.STUCK, "A: wei", "", (STEP,) * count) for count in (3, 2))
    other = Finding(Kind.STUCK, "B: wei", "", (STEP,))
    assert distinct([long, other, short, long]) == [short, other]
    report = Report([long], Harvest(), ["a"])
    report.add(Report([short, other], Harvest(), ["a", "b"]))
    assert (report.findings, report.notes) == ([short, other], ["a", "b"])


@pytest.mark.parametrize(
    ("name", "more", "key"),
    [
        ("EndlessAuction", {}, (Kind.STUCK, "EndlessAuction: wei")),
        ("OpenWallet", {"value": 5 * ETH}, (Kind.GAIN, "OpenWallet")),
        ("RefundTwice", {}, (Kind.GAIN, "RefundTwice")),
        ("RoundingBank", {}, (Kind.GAIN, "RoundingBank")),
    ],
)
def test_a_flaw_is_found_unaided(stage, name, more, key):
    assert key in {each.key for each in check(stage(name, **more), calls=2000, seed=1).findings}


@pytest.mark.parametrize("name", ["Auction", "Escrow", "Vesting", "Lottery", "HiddenBids"])
def test_a_sound_contract_is_accused_of_nothing(stage, name):
    assert check(stage(name), calls=1000, seed=1).findings == []


def test_constants_are_what_code_pushes_and_no_data_of_a_push():
    assert constants(bytes.fromhex("6005" + "61" + "6007" + "00")) == [5, 0x6007]


def test_a_commitment_hides_arguments_that_are_drawn_again_for_it(stage):
    values, draws = Values(stage("HiddenBids")), Draws("test")
    alice = values.people[1]
    digests = {values.commit(alice, draws) for _ in range(200)}
    opened = [each for each in values.secrets if each.function.name == "reveal"]
    encodings = [each.function.coder.pack(each.args) for each in opened]
    assert any(keccak(each) in digests for each in encodings) or any(
        hashlib.sha256(each).digest() in digests for each in encodings
    )
    function = opened[-1].function
    assert any(values.args(function, alice, draws) == opened[-1].args for _ in range(200))
