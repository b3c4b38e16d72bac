"""Rules of what gets into a block: room, nonces, fees, funds. What does not get in leaves no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slashpoint.sim.engine import Status, Tx
from slashpoint.sim.testing.assembly import assemble, creates, initcode
from slashpoint.sim.testing.gas import TRANSACTION, calldata_gas
from slashpoint.sim.testing.stage import ALICE, BASE_FEE, BOB, MAX_FEE, WEALTH, Stage, expect

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_INITCODE = 49_152  # bytes, EIP-3860


def _refused(stage: Stage, what: str, status: Status, to: bytes | None = BOB, **fields: Any) -> None:
    """Expect a transaction to be refused with `status`, without a trace and with a reason."""
    sender = fields.get("sender", ALICE)
    before = stage.total(sender), stage.engine.nonce(sender)
    outcome = stage.send(to, **fields)
    expect(f"status of {what}", outcome.status, status)
    expect(f"gas, output, logs and transfers of {what}", outcome[1:5], (0, b"", (), ()))
    expect(f"wei and nonce after {what}", (stage.total(sender), stage.engine.nonce(sender)), before)
    expect(f"whether a reason is given for {what}", bool(outcome.reason), True)


def _accepted(stage: Stage, what: str, to: bytes | None = BOB, **fields: Any) -> None:
    expect(f"status of {what}", stage.send(to, **fields).status, Status.SUCCESS)


def rule_nonces(stage: Stage) -> None:
    """Check that a nonce ahead is put off, a used one is refused, and those behind go on."""
    stage.send(BOB)
    nonces = (2, 0, 1, 1, 3, 2)
    wanted = (Status.DEFERRED, Status.INVALID, Status.SUCCESS, Status.INVALID, Status.DEFERRED, Status.SUCCESS)
    outcomes = stage.outcomes(*[stage.tx(BOB, value=1, nonce=nonce) for nonce in nonces])
    expect("statuses", tuple(outcome.status for outcome in outcomes), wanted)
    expect("the nonce", stage.engine.nonce(ALICE), 3)
    expect(
        "gas", [outcome.gas for outcome in outcomes], [TRANSACTION * (status is Status.SUCCESS) for status in wanted]
    )
    expect("received", stage.engine.balance(BOB), WEALTH + 2)
    _refused(stage, "a used nonce", Status.INVALID, nonce=0)
    _refused(stage, "a nonce ahead", Status.DEFERRED, nonce=9)


def rule_highest_nonce(stage: Stage) -> None:
    """Check that nonces end below 2^64 - 1: neither a transaction nor a creation raises that one (EIP-2681)."""
    last = 2**64 - 1
    stage.engine.place(ALICE, nonce=last - 1)
    _accepted(stage, "the last nonce but one")
    expect("the nonce", stage.engine.nonce(ALICE), last)
    for to, data in ((BOB, b""), (None, initcode(assemble("STOP")))):
        _refused(stage, "the last nonce", Status.INVALID, to=to, data=data)
        called = stage.engine.call(Tx(ALICE, to, data, gas=100_000))
        expect("status and gas of a call of hers", (called.status, called.gas), (Status.INVALID, 0))
    _refused(stage, "the last nonce, far ahead", Status.INVALID, sender=BOB, nonce=last)
    factory = stage.deploy(*creates(b"", salt=1), *creates(b""), "ADD", 0, "MSTORE", 32, 0, "RETURN", sender=BOB)
    stage.engine.place(factory, nonce=last, code=stage.engine.code(factory))
    outcome = stage.send(factory, gas=200_000, sender=BOB)
    expect("what it created", (outcome.status, outcome.output), (Status.SUCCESS, bytes(32)))
    expect("whether the gas came back", outcome.gas < 100_000, True)
    expect("its nonce", stage.engine.nonce(factory), last)


def rule_malformed(stage: Stage) -> None:
    """Check that what no transaction and no block can hold is an error, and nothing of the block is executed."""
    stage.send(BOB)
    good, context, engine = stage.tx(BOB, value=1, nonce=stage.engine.nonce(ALICE)), stage.context(), stage.engine
    before = engine.state_root()
    sizes = {"gas": 64, "nonce": 64, "max_fee": 128, "tip": 128, "value": 256}
    malformed: list[dict[str, Any]] = [{name: no} for name, bits in sizes.items() for no in (-1, 2**bits)]
    malformed += [{"access_list": ((BOB, (2**256,)),)}, {"sender": b"short"}, {"to": b"short"}]
    for fields in malformed:
        error = ValueError if b"short" in fields.values() else OverflowError
        bad = good._replace(**fields)
        _raises(f"for {fields}", error, engine.run_block, context, [good, bad])
        _raises(f"for a call with {fields}", error, engine.call, bad)
    malformed = [{"base_fee": 2**64}, {"gas_limit": -1}, {"number": 2**256}, {"timestamp": -1}]
    for fields in malformed:
        _raises(f"for a block with {fields}", OverflowError, engine.run_block, context._replace(**fields), [good])
    for wei in (-1, 2**256):
        _raises(f"for {wei} wei", OverflowError, engine.fund, BOB, wei)
    expect("the state's root", engine.state_root(), before)
    expect("the good one alone", engine.run_block(context, [good]).status.tolist(), [Status.SUCCESS])


def _raises(what: str, error: type[Exception], act: Callable[..., object], *args: object) -> None:
    try:
        act(*args)
    except error:
        return
    expect(f"an error {what}", None, error)


def rule_room(stage: Stage) -> None:
    """Check that the gas that a transaction declares must fit what the block has left after the gas that was used."""
    stage.send(BOB)
    declared = ((ALICE, 60_000), (ALICE, 79_001), (BOB, 79_000), (BOB, 58_001), (BOB, 58_000), (ALICE, 37_001))
    wanted = (Status.SUCCESS, Status.DEFERRED, Status.SUCCESS, Status.DEFERRED, Status.SUCCESS, Status.DEFERRED)
    nonces = (1, 2, 0, 1, 1, 2)
    txs = [stage.tx(BOB, sender=who, gas=gas, nonce=nonce) for (who, gas), nonce in zip(declared, nonces, strict=True)]
    outcomes = stage.outcomes(*txs, gas_limit=100_000)
    expect("statuses", tuple(outcome.status for outcome in outcomes), wanted)
    expect("whether each that waits has a reason", {bool(outcome.reason) for outcome in outcomes[1::2]}, {True})
    _refused(stage, "gas that no block has", Status.DEFERRED, gas=30_000_001)


def rule_halts_fill_blocks(stage: Stage) -> None:
    """Check that a halted transaction has used all the gas that it declared, and leaves the others that much less."""
    halting = stage.deploy("INVALID")
    txs = [stage.tx(halting, gas=70_000), stage.tx(BOB, gas=30_001), stage.tx(BOB, gas=30_000)]
    nonces = [stage.engine.nonce(ALICE) + i for i in (0, 1, 1)]
    outcomes = stage.outcomes(*[tx._replace(nonce=n) for tx, n in zip(txs, nonces, strict=True)], gas_limit=100_000)
    statuses = [outcome.status for outcome in outcomes]
    expect("statuses", statuses, [Status.HALTED, Status.DEFERRED, Status.SUCCESS])


def rule_fees_offered(stage: Stage) -> None:
    """Check that a max fee reaches the base fee and the tip; it is not promised more."""
    _refused(stage, "a max fee under the base fee", Status.INVALID, max_fee=BASE_FEE - 1, tip=0)
    _refused(stage, "a tip over the max fee", Status.INVALID, max_fee=MAX_FEE, tip=MAX_FEE + 1)
    _accepted(stage, "a max fee at the base fee", max_fee=BASE_FEE, tip=0)
    _accepted(stage, "a tip at the max fee", max_fee=MAX_FEE, tip=MAX_FEE)


def rule_intrinsic_gas(stage: Stage) -> None:
    """Check that a transaction declares at least what it costs before it runs, and at least its floor (EIP-7623)."""
    data = b"\0\1\2" * 30
    floor = 0 if stage.fork == "cancun" else 10 * data.count(0) + 40 * (len(data) - data.count(0))
    needed = TRANSACTION + max(calldata_gas(data), floor)
    _refused(stage, "a transfer under 21,000 gas", Status.INVALID, gas=TRANSACTION - 1)
    _refused(stage, "calldata beyond the gas", Status.INVALID, data=data, gas=needed - 1)
    _accepted(stage, "calldata within the gas", data=data, gas=needed)
    listed = ((BOB, (1, 2)),)
    _refused(stage, "an access list beyond the gas", Status.INVALID, access_list=listed, gas=TRANSACTION + 6_199)
    _accepted(stage, "an access list within the gas", access_list=listed, gas=TRANSACTION + 6_200)
    init = initcode(assemble("STOP"))
    least = TRANSACTION + 32_000 + calldata_gas(init) + 2 * -(-len(init) // 32)
    _refused(stage, "a creation beyond the gas", Status.INVALID, to=None, data=init, gas=least - 1)
    expect("status of one that can begin and not end", stage.send(None, init, gas=least).status, Status.HALTED)


def rule_initcode_size(stage: Stage) -> None:
    """Check that initcode has at most 49,152 bytes (EIP-3860); calldata may be longer."""
    _refused(stage, "longer initcode", Status.INVALID, to=None, data=b"\0" * (MAX_INITCODE + 1), gas=5_000_000)
    _accepted(stage, "the longest initcode", to=None, data=b"\0" * MAX_INITCODE, gas=5_000_000)
    _accepted(stage, "longer calldata", data=b"\0" * (MAX_INITCODE + 1), gas=5_000_000)


def rule_funds(stage: Stage) -> None:
    """Check that a sender has, to the wei, the value and the most that its gas may cost, though it pays less."""
    rich = stage.engine.balance(BOB)
    most = 30_000 * MAX_FEE
    _refused(stage, "a wei too little", Status.INVALID, to=ALICE, sender=BOB, gas=30_000, value=rich - most + 1)
    _refused(stage, "more than 256 bits", Status.INVALID, to=ALICE, sender=BOB, value=2**256 - 1)
    _accepted(stage, "just enough", to=ALICE, sender=BOB, gas=30_000, value=rich - most)
    refund = 30_000 * MAX_FEE - TRANSACTION * (BASE_FEE + 2 * 10**9)
    expect("what came back", stage.engine.balance(BOB), refund)


def rule_contracts_sign_nothing(stage: Stage) -> None:
    """Check that a transaction does not come from a contract (EIP-3607), nor from somebody who has nothing."""
    contract = stage.deploy("STOP", value=10**18)
    _refused(stage, "a contract's transaction", Status.INVALID, sender=contract, gas=TRANSACTION, nonce=1)
    expect("its wei", stage.engine.balance(contract), 10**18)


def rule_empty_block(stage: Stage) -> None:
    """Check that a block without transactions changes nothing."""
    result = stage.block()
    expect("its columns", (len(result.status), len(result.gas), len(result.output)), (0, 0, 0))
    expect("logs, transfers, reasons", (list(result.logs), list(result.transfers), result.reasons), ([], [], {}))
    expect("wei", stage.total(), 2 * WEALTH)
