"""Rules of what is remembered and what is not: calls leave no trace, snapshots come back."""

from __future__ import annotations

from typing import Any

from slashpoint.sim.engine import Status, Tx
from slashpoint.sim.testing.assembly import assemble, initcode, returns
from slashpoint.sim.testing.execution import number
from slashpoint.sim.testing.gas import STRANGER, TOKEN, WRITE, word
from slashpoint.sim.testing.stage import ALICE, BOB, COINBASE, NOBODY, WEALTH, Stage, expect

# keccak(rlp("")); and leaf(STRANGER, [1, 1, leaf(1 in 32 bytes, 2^255), keccak(0xfe)]), where
# leaf(key, value) = keccak(rlp([0x20 ++ keccak(key), rlp(value)]))
NOBODYS_ROOT = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
STRANGERS_ROOT = "abe3e668bdf29552ba652e443a4f11cb6c3c1d71dece89602866850f6bef7456"


def _state(stage: Stage, contract: bytes) -> tuple[object, ...]:
    """Return all that a rule below changes."""
    engine, who = stage.engine, (ALICE, BOB, COINBASE, STRANGER, NOBODY, contract)
    return (
        [engine.balance(one) for one in who],
        [engine.nonce(one) for one in who],
        [engine.code(one) for one in who],
        [engine.storage(contract, slot) for slot in range(3)],
    )


def rule_fund(stage: Stage) -> None:
    """Check that funding sets a balance; nobody else has anything."""
    stage.engine.fund(STRANGER, 5)
    stage.engine.fund(STRANGER, 3)
    expect("wei", stage.engine.balance(STRANGER), 3)
    nothing = stage.engine.balance(NOBODY), stage.engine.nonce(NOBODY), stage.engine.code(NOBODY)
    expect("wei, nonce and code of a stranger", nothing, (0, 0, b""))
    expect("a slot of a stranger's", stage.engine.storage(NOBODY, 7), 0)


def rule_place(stage: Stage) -> None:
    """Check that placing sets nonce, code and the whole storage of an account, and leaves its wei."""
    code = assemble(1, "SLOAD", 2, "SLOAD", "ADD", 0, "MSTORE", 32, 0, "RETURN")
    stage.engine.fund(STRANGER, 5)
    stage.engine.place(STRANGER, nonce=9, code=b"\xfe", storage={1: 2**256 - 1, 2**256 - 1: 3})
    snapshot = stage.engine.snapshot()
    stage.engine.place(STRANGER, nonce=7, code=code, storage={1: 40, 2: 2, 3: 0})

    def has() -> tuple[object, ...]:
        words = [stage.engine.storage(STRANGER, slot) for slot in (1, 2, 3, 2**256 - 1)]
        return stage.engine.balance(STRANGER), stage.engine.nonce(STRANGER), stage.engine.code(STRANGER), words

    expect("wei, nonce, code and storage", has(), (5, 7, code, [40, 2, 0, 0]))
    expect("what the code does, sent", stage.send(STRANGER).output, word(42))
    expect("what the code does, called", stage.call(STRANGER).output, word(42))
    stage.engine.restore(snapshot)
    expect("what it had before", has(), (5, 9, b"\xfe", [2**256 - 1, 0, 0, 3]))
    stage.engine.place(STRANGER)
    expect("what is left", has(), (5, 0, b"", [0] * 4))


def rule_place_refuses(stage: Stage) -> None:
    """Check that what no account can have is refused, and so is a delegation (EIP-7702)."""
    before = stage.engine.state_root()
    refused: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"nonce": 2**64}, OverflowError), ({"nonce": -1}, OverflowError),
        ({"storage": {2**256: 1}}, OverflowError), ({"storage": {1: -1}}, OverflowError),
    ]  # fmt: skip
    if stage.fork != "cancun":
        refused.append(({"code": bytes.fromhex("ef0100") + BOB}, ValueError))
    for fields, error in refused:
        try:
            stage.engine.place(STRANGER, **fields)
        except error:
            continue
        expect(f"an error for {fields}", None, error)
    expect("the state's root", stage.engine.state_root(), before)


def rule_state_root(stage: Stage) -> None:
    """Check that the root of the state is Ethereum's, whatever led to the state; empty accounts are not in it."""
    engine = stage.engine
    funded = engine.state_root()
    for who in (ALICE, BOB):
        engine.fund(who, 0)
    expect("of nobody", engine.state_root().hex(), NOBODYS_ROOT)
    engine.fund(STRANGER, 1)
    engine.place(STRANGER, nonce=1, code=b"\xfe", storage={1: 2**255})
    expect("of one", engine.state_root().hex(), STRANGERS_ROOT)
    engine.place(STRANGER)
    engine.fund(STRANGER, 0)
    for who in (BOB, ALICE):
        engine.fund(who, WEALTH)
    expect("of two, again", engine.state_root(), funded)
    stage.block()
    expect("after an empty block", engine.state_root(), funded)
    snapshot = engine.snapshot()
    stage.send(BOB, value=1)
    expect("whether a transaction changes it", engine.state_root() != funded, True)
    engine.restore(snapshot)
    expect("after a restore", engine.state_root(), funded)


def rule_no_system_contracts(stage: Stage) -> None:
    """Check that the contracts that clients put into the state for block hashes and beacon roots are not there."""
    stage.engine.run_block(stage.context(hashes=word(7)), [])
    for name in ("0000f90827f1c53a10cb7a02335b175320002935", "000f3df6d732807ef1319fb7b8bb8522d0beac02"):
        address = bytes.fromhex(name)
        account = stage.engine.code(address), stage.engine.nonce(address), stage.engine.storage(address, 0)
        expect(f"code, nonce and storage at {name}", account, (b"", 0, 0))


def rule_many(stage: Stage) -> None:
    """Check that many accounts answer as each does, in the order asked, strangers and repetitions too."""
    stage.send(BOB, value=2**70)
    who, engine = [NOBODY, BOB, ALICE, STRANGER, BOB], stage.engine
    expect("wei of many", engine.balances(who), [engine.balance(one) for one in who])
    expect("nonces of many", engine.nonces(who), [0, 0, 1, 0, 0])
    expect("of nobody", (engine.balances([]), engine.nonces([])), ([], []))


def rule_no_trace(stage: Stage) -> None:
    """Check that a call answers as a transaction would, needs neither nonce nor wei, and changes nothing."""
    contract = stage.deploy(*WRITE, 0, 0, "LOG0", *returns("CALLER"))
    stage.send(contract, word(1))
    before = _state(stage, contract)
    for _ in range(2):
        called = stage.call(contract, word(2))
        expect("status and events", (called.status, len(called.logs)), (Status.SUCCESS, 1))
        expect("who called", called.output[12:], NOBODY)
    expect("the state", _state(stage, contract), before)
    asked = stage.engine.call(Tx(ALICE, contract, word(2), gas=1_000_000, nonce=99))
    expect("its gas, against the transaction's", asked.gas, stage.send(contract, word(2)).gas)
    expect("the gas of the same again", stage.call(contract, word(3)).gas, stage.send(contract, word(3)).gas)


def rule_calls_fail(stage: Stage) -> None:
    """Check that a call may revert, halt, or send what its sender has not."""
    reverted = stage.call(stage.deploy(0xBAD, 0, "MSTORE", 2, 30, "REVERT"))
    expect("revert data", (reverted.status, reverted.output), (Status.REVERTED, b"\x0b\xad"))
    halted = stage.call(stage.deploy("INVALID"))
    expect("a halt", (halted.status, halted.gas, halted.output), (Status.HALTED, 1_000_000, b""))
    expect("wei out of nothing", stage.call(BOB, value=1).status, Status.INVALID)
    expect("wei that it has", stage.engine.call(Tx(ALICE, STRANGER, value=1)).status, Status.SUCCESS)
    expect("wei that a call sent", stage.engine.balance(STRANGER), 0)
    expect("calldata beyond the gas", stage.engine.call(Tx(ALICE, BOB, b"\1")).status, Status.INVALID)


def rule_calls_may_come_from_contracts(stage: Stage) -> None:
    """Check that a call may come from a contract."""
    contract = stage.deploy(*returns("CALLER"))
    asked = stage.engine.call(Tx(contract, contract, gas=100_000))
    expect("the caller", asked.output[12:], contract)


def rule_calls_may_create(stage: Stage) -> None:
    """Check that a call may create, and its output is the address where the contract would have been."""
    init = initcode(b"\0")
    asked = stage.engine.call(Tx(ALICE, None, init, gas=1_000_000))
    expect("code there", stage.engine.code(asked.output), b"")
    expect("the address, against the transaction's", asked.output, stage.send(None, init).output)


def rule_snapshots(stage: Stage) -> None:
    """Check that a snapshot restores balances, nonces, code, storage and the last block, as often as one likes."""
    contract, clock = stage.deploy(*WRITE), stage.deploy(*returns("NUMBER"))
    stage.send(contract, word(1))
    states, snapshots = [], []
    for value in (2, 0, 3):
        states.append((_state(stage, contract), number(stage.call(clock).output)))
        snapshots.append(stage.engine.snapshot())
        stage.send(contract, word(value))
        stage.send(STRANGER, value=value)
        stage.deploy("STOP")
    for at in (2, 1, 1, 0, 0):
        stage.engine.restore(snapshots[at])
        got = _state(stage, contract), number(stage.call(clock).output)
        expect(f"the state at snapshot {at}", got, states[at])
        stage.send(contract, word(9))
        stage.deploy("STOP")


def rule_old_snapshots(stage: Stage) -> None:
    """Check that restoring forgets what was taken later, and what was never taken cannot be restored."""
    first, second = stage.engine.snapshot(), stage.engine.snapshot()
    stage.engine.restore(first)
    for unknown in (second, 10**6):
        try:
            stage.engine.restore(unknown)
        except KeyError:
            continue
        expect("an error", None, KeyError)
    stage.send(BOB, value=1)
    third = stage.engine.snapshot()
    stage.send(BOB, value=1)
    stage.engine.restore(third)
    expect("wei", stage.engine.balance(BOB), WEALTH + 1)


def rule_gas_after_restoring(stage: Stage) -> None:
    """Check that what is run again after a restore costs the same again."""
    token = stage.deploy(*TOKEN)
    data = BOB.rjust(32, b"\0") + word(5)
    snapshot = stage.engine.snapshot()
    first = [stage.send(token, data).gas for _ in range(2)]
    stage.engine.restore(snapshot)
    expect("gas", [stage.send(token, data).gas for _ in range(2)], first)


def rule_many_snapshots(stage: Stage) -> None:
    """Check that many snapshots may be alive at once."""
    snapshots = []
    for _ in range(30):
        snapshots.append(stage.engine.snapshot())
        stage.send(BOB, value=1)
    for at in (29, 15, 14, 7, 0):
        stage.engine.restore(snapshots[at])
        expect(f"wei at snapshot {at}", stage.engine.balance(BOB), WEALTH + at)
