"""Rules of wei: every movement at any depth is told, once and in order, and none that was undone."""

from __future__ import annotations

from slashpoint.sim.engine import ZERO_ADDRESS, Movement, Status
from slashpoint.sim.luck import Luck
from slashpoint.sim.testing.assembly import HALVE, Item, assemble, calls, creates
from slashpoint.sim.testing.gas import STRANGER, word
from slashpoint.sim.testing.stage import ALICE, BASE_FEE, BOB, COINBASE, TIP, Outcome, Stage, expect
from slashpoint.sim.testing.traffic import run_traffic

Move = tuple[Movement, bytes, bytes, int]
CALL, CREATE, SELFDESTRUCT, BURN = Movement
OWN = b""


def _moves(outcome: Outcome) -> list[Move]:
    return [(Movement(move.kind), move.sender, move.receiver, move.wei) for move in outcome.transfers]


def _balanced(stage: Stage, to: bytes | None, want: list[Move], value: int = 0, data: bytes = b"") -> Outcome:
    """Send, and expect these movements: listed, and told by the balances too."""
    who = {ALICE, BOB, COINBASE, ZERO_ADDRESS, *([to] if to else []), *(party for move in want for party in move[1:3])}
    before = {one: stage.engine.balance(one) for one in who}
    outcome = stage.send(to, data, value)
    expect("movements", _moves(outcome), want)
    before[ALICE] -= outcome.gas * (BASE_FEE + TIP)
    before[COINBASE] += outcome.gas * TIP
    for kind, sender, receiver, wei in want:
        before[sender] -= wei
        before[receiver] += wei if kind is not BURN else 0
    expect("balances", {one.hex(): stage.engine.balance(one) for one in who}, {one.hex(): before[one] for one in who})
    return outcome


def _program(stage: Stage, *program: Item, want: list[Move], value: int = 0) -> Outcome:
    """Expect these movements of a new contract with 1,000 wei; its address stands as OWN in `want`."""
    contract = stage.deploy(*program, value=1_000)
    own = [(kind, sender or contract, receiver or contract, wei) for kind, sender, receiver, wei in want]
    return _balanced(stage, contract, own, value)


def rule_plain(stage: Stage) -> None:
    """Check that a transaction's own value moves, not to oneself, and not if it is nothing."""
    _balanced(stage, BOB, [(CALL, ALICE, BOB, 5)], 5)
    _balanced(stage, STRANGER, [(CALL, ALICE, STRANGER, 6)], 6)
    _balanced(stage, COINBASE, [(CALL, ALICE, COINBASE, 7)], 7)
    _balanced(stage, ALICE, [], 8)
    _balanced(stage, BOB, [])


def rule_nested(stage: Stage) -> None:
    """Check that wei that calls pass on is told depth first."""
    last = stage.deploy(*calls(STRANGER, HALVE))
    middle = stage.deploy(*calls(last, HALVE), *calls(BOB, 1))
    outer = stage.deploy(*calls(middle, HALVE), *calls(BOB, 2))
    want = [
        (CALL, ALICE, outer, 80), (CALL, outer, middle, 40), (CALL, middle, last, 20), (CALL, last, STRANGER, 10),
        (CALL, middle, BOB, 1), (CALL, outer, BOB, 2),
    ]  # fmt: skip
    _balanced(stage, outer, want, 80)


def rule_caught(stage: Stage) -> None:
    """Check that what a failed call moved below it did not move; what its caller moves then, did."""
    for end in ((0, 0, "REVERT"), ("INVALID",), (0, 1 << 40, "MSTORE")):
        failing = stage.deploy(*calls(BOB, 5), *calls(stage.deploy(*calls(BOB, 1), value=9), 2), *end)
        contract = stage.deploy(*calls(failing, 100, gas=400_000), *calls(BOB, 7), value=1_000)
        _balanced(stage, contract, [(CALL, contract, BOB, 7)])


def rule_uncaught(stage: Stage) -> None:
    """Check that a failed transaction moved nothing but its fee."""
    for end in ((0, 0, "REVERT"), ("INVALID",)):
        failing = stage.deploy(*calls(BOB, 5), *end, value=1_000)
        _balanced(stage, failing, [], 50)


def rule_starved(stage: Stage) -> None:
    """Check that a call that cannot be paid, or dies for want of gas, moved nothing."""
    greedy = stage.deploy(*calls(BOB, 1), "JUMPDEST", 4, "JUMP")
    contract = stage.deploy(*calls(BOB, 1_001), *calls(greedy, 10, gas=30_000), value=1_000)
    _balanced(stage, contract, [])


def rule_created(stage: Stage) -> None:
    """Check that an endowment is a CREATE, by a transaction or an opcode; what the constructor pays follows."""
    paying = assemble(*calls(BOB, 3))
    made = stage.send(None, paying, 10)
    expect("movements", _moves(made), [(CREATE, ALICE, made.output, 10), (CALL, made.output, BOB, 3)])
    for salt in (None, 5):
        contract = stage.deploy(*creates(paying, 10, salt), 0, "MSTORE", 32, 0, "RETURN", value=1_000)
        child = stage.call(contract).output[12:]
        _balanced(stage, contract, [(CREATE, contract, child, 10), (CALL, child, BOB, 3)])
    failing = assemble(*calls(BOB, 3), 0, 0, "REVERT")
    _program(stage, *creates(failing, 10), *calls(BOB, 1), want=[(CALL, OWN, BOB, 1)])
    expect("movements of a failed creation", _moves(stage.send(None, failing, 10)), [])


def rule_old_selfdestruct(stage: Stage) -> None:
    """Check that a contract of an earlier transaction gives all that it has and lives on (EIP-6780)."""
    old = stage.deploy(BOB, "SELFDESTRUCT", value=20)
    _balanced(stage, old, [(CALL, ALICE, old, 1), (SELFDESTRUCT, old, BOB, 21)], 1)
    expect("its code", stage.engine.code(old), assemble(BOB, "SELFDESTRUCT"))
    _balanced(stage, old, [])
    own = stage.deploy("ADDRESS", "SELFDESTRUCT", value=20)
    _balanced(stage, own, [])
    expect("its wei", stage.engine.balance(own), 20)
    caught = stage.deploy(*calls(stage.deploy(*calls(old), 0, 0, "REVERT"), 4), value=9)
    _balanced(stage, caught, [])


def _factory(stage: Stage, heir: Item, *then: Item) -> tuple[bytes, bytes]:
    """Return a contract that creates one with 15 wei that self-destructs at once, then does `then`; both addresses."""
    first = (*creates(assemble(heir, "SELFDESTRUCT"), 15), 0, "MSTORE")
    factory = stage.deploy(*first, *then, 32, 0, "RETURN", value=1_000)
    return factory, stage.call(factory).output[12:]


def _gone(stage: Stage, address: bytes) -> None:
    engine = stage.engine
    left = engine.balance(address), engine.nonce(address), engine.code(address)
    expect("what is left of it", left, (0, 0, b""))


def rule_new_selfdestruct(stage: Stage) -> None:
    """Check that a contract of the same transaction gives what it has and dies; left to itself, it burns."""
    factory, child = _factory(stage, BOB)
    _balanced(stage, factory, [(CREATE, factory, child, 15), (SELFDESTRUCT, child, BOB, 15)])
    _gone(stage, child)
    factory, child = _factory(stage, "ADDRESS")
    _balanced(stage, factory, [(CREATE, factory, child, 15), (BURN, child, ZERO_ADDRESS, 15)])
    _gone(stage, child)
    outcome = stage.send(None, assemble("ADDRESS", "SELFDESTRUCT"), 12)
    made = outcome.transfers[0].receiver
    expect("movements", _moves(outcome), [(CREATE, ALICE, made, 12), (BURN, made, ZERO_ADDRESS, 12)])
    _gone(stage, made)


def rule_late_burn(stage: Stage) -> None:
    """Check that wei that reaches a contract after its end burns with it, when the transaction is over."""
    paying = (0, 0, 0, 0, 6, 0, "MLOAD", "GAS", "CALL", "POP")  # 6 wei to the address in memory
    factory, child = _factory(stage, BOB, *paying)
    want = [
        (CREATE, factory, child, 15), (SELFDESTRUCT, child, BOB, 15), (CALL, factory, child, 6),
        (BURN, child, ZERO_ADDRESS, 6),
    ]  # fmt: skip
    _balanced(stage, factory, want)
    _gone(stage, child)
    stage.send(child, value=4)
    expect("wei sent to where it was", stage.engine.balance(child), 4)


def rule_gone_in_the_same_block(stage: Stage) -> None:
    """Check that what is sent to where a contract died earlier in the block stays there."""
    factory, child = _factory(stage, BOB)
    stage.block(stage.tx(factory), stage.tx(child, value=4))
    expect("wei", stage.engine.balance(child), 4)


def rule_precompiles(stage: Stage) -> None:
    """Check that a precompiled contract keeps the wei of a call that goes well, and of no other."""
    _program(stage, *calls(word(4)[12:], 17, b"abc"), want=[(CALL, OWN, word(4)[12:], 17)])
    _program(stage, *calls(word(8)[12:], 17, b"\1", gas=60_000), want=[])


def rule_borrowed_code(stage: Stage) -> None:
    """Check that DELEGATECALL and CALLCODE move nothing themselves; what the code pays comes from its borrower."""
    library = stage.deploy(*calls(BOB, 3), value=50)
    for kind in ("DELEGATECALL", "CALLCODE"):
        paid = [(CALL, ALICE, OWN, 20), (CALL, OWN, BOB, 3)]
        _program(stage, *calls(library, 11, kind=kind), want=paid, value=20)
    deadly = stage.deploy(BOB, "SELFDESTRUCT", value=50)
    _program(stage, *calls(deadly, kind="DELEGATECALL"), want=[(SELFDESTRUCT, OWN, BOB, 1_000)])


def rule_loops(stage: Stage) -> None:
    """Check that a contract that pays itself moves nothing."""
    _program(stage, 0, 0, 0, 0, 5, "ADDRESS", 0, "CALL", want=[])


def rule_batches(stage: Stage) -> None:
    """Check that each movement names its transaction's place in the batch, those that were not executed counted."""
    contract = stage.deploy(*calls(BOB, HALVE))
    late = stage.tx(BOB, value=9, nonce=10**6)
    result = stage.block(stage.tx(BOB, value=1), late, stage.tx(contract, value=4, nonce=stage.engine.nonce(ALICE) + 1))
    expect("statuses", result.status.tolist(), [Status.SUCCESS, Status.DEFERRED, Status.SUCCESS])
    rows = [(move.tx, move.sender, move.receiver, move.wei) for move in result.transfers]
    expect("movements", rows, [(0, ALICE, BOB, 1), (2, ALICE, contract, 4), (2, contract, BOB, 2)])


def rule_random_trees(stage: Stage) -> None:
    """Check that random call trees, in blocks that overflow, balance to the wei."""
    ended = run_traffic(stage, Luck("random trees"))
    expect("ways in which transactions ended", set(ended), set(Status))
