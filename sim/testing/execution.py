"""Rules of what a transaction leaves behind: outputs, events, contracts, and what programs can see."""

from __future__ import annotations

from slashpoint.sim.engine import ERC20_TRANSFER, BlockContext, Log, Status, Tx
from slashpoint.sim.testing.assembly import assemble, calls, creates, initcode, returns
from slashpoint.sim.testing.gas import STRANGER, WRITE, word
from slashpoint.sim.testing.stage import ALICE, BASE_FEE, BOB, COINBASE, TIP, WEALTH, Stage, expect

FIRST = bytes.fromhex("24ab7852eb82e8f5a68b38ae05dad92030981348")  # keccak(rlp([ALICE, 0]))[12:]
SECOND = bytes.fromhex("d92a832881f5226d9143d3b5049542df133b110a")  # keccak(rlp([ALICE, 1]))[12:]
SALTED = bytes.fromhex(
    "76d8feb55559a2f6161095312c28acb50e1abc3c"
)  # keccak(0xff ++ SECOND ++ SALT ++ keccak(its initcode))[12:]
SALT = 42


def number(output: bytes) -> int:
    """Return the first word of an output."""
    return int.from_bytes(output[:32], "big")


def rule_output(stage: Stage) -> None:
    """Check that a transaction's output is what its program returned, or its revert data; a halt has none."""
    expect("returned", stage.send(stage.deploy(*returns(7, 8))).output, word(7) + word(8))
    expect("returned by STOP", stage.send(stage.deploy("STOP")).output, b"")
    reverted = stage.send(stage.deploy(0xBAD, 0, "MSTORE", 2, 30, "REVERT"))
    expect("status", reverted.status, Status.REVERTED)
    expect("revert data", reverted.output, b"\x0b\xad")
    halted = stage.send(stage.deploy(1, 0, "MSTORE", "INVALID"))
    expect("output of a halt", halted.output, b"")
    expect("whether a halt has a reason", bool(halted.reason), True)


def rule_undone(stage: Stage) -> None:
    """Check that what failed changed nothing but its sender's nonce and wei."""
    for last in ((0, 0, "REVERT"), ("INVALID",)):
        contract = stage.deploy(*WRITE, *calls(STRANGER, 3), 0, 0, "LOG0", *last)
        before, nonce = stage.engine.balance(ALICE), stage.engine.nonce(ALICE)
        outcome = stage.send(contract, word(5), value=9)
        expect("storage", stage.engine.storage(contract, 0), 0)
        expect("logs and transfers", (outcome.logs, outcome.transfers), ((), ()))
        expect("wei", [stage.engine.balance(who) for who in (contract, STRANGER)], [0, 0])
        expect("paid", before - stage.engine.balance(ALICE), outcome.gas * (BASE_FEE + TIP))
        expect("nonces used", stage.engine.nonce(ALICE) - nonce, 1)


def rule_logs(stage: Stage) -> None:
    """Check that events come with address, topics and data, in order, undone ones left out."""
    inner = stage.deploy(4, 3, 2, 1, 0, 0, "LOG4")
    failing = stage.deploy(0, 0, "LOG0", 0, 0, "REVERT")
    outer = stage.deploy(0xAB, 0, "MSTORE", 7, 32, 0, "LOG1", *calls(inner), *calls(failing), 9, 8, 1, 31, "LOG2")
    txs = [stage.tx(inner), stage.tx(failing), stage.tx(outer)]
    topics = tuple(map(word, (1, 2, 3, 4)))
    wanted = [
        Log(0, inner, topics, b""),
        Log(2, outer, (word(7),), word(0xAB)),
        Log(2, inner, topics, b""),
        Log(2, outer, (word(8), word(9)), b"\xab"),
    ]
    expect("logs", list(stage.block(*txs).logs), wanted)


def rule_token_transfers(stage: Stage) -> None:
    """Check that a token's transfers come apart from other events; nothing, and to oneself, is left out."""
    topic, four = ERC20_TRANSFER, (0, "CALLDATALOAD", 0, "MSTORE")
    say = (*four, 8, 9, topic, 32, 0, "LOG3")
    token = stage.deploy(*say, 8, 8, topic, 32, 0, "LOG3", 8, 9, topic, 31, 0, "LOG3", 8, topic, 32, 0, "LOG2")
    stranger = stage.deploy(*say)
    result = stage.block(stage.tx(stranger, word(5)), stage.tx(token, word(2**70)), stage.tx(token, word(0)))
    moved, others = result.token_transfers([BOB, token])
    sides = [number.to_bytes(20, "big") for number in (9, 8)]
    expect("transfers", [list(row) for row in zip(*moved, strict=True)], [[1, 1, *sides, 2**70]])
    expect("places of other events", [place for place, _ in others], [0, 3, 4, 7, 8])
    expect("other events", [log for _, log in others], [result.logs[i] for i in (0, 3, 4, 7, 8)])


def rule_block_context(stage: Stage) -> None:
    """Check that a program sees the block that it was given, the price that is paid, and chain 1."""
    seen = ("NUMBER", "TIMESTAMP", "BASEFEE", "GASLIMIT", "COINBASE", "PREVRANDAO", "CHAINID", "GASPRICE")
    contract = stage.deploy(*returns(*seen))
    fields = {"number": 17, "timestamp": 1_800_000_000, "gas_limit": 5_000_001, "prevrandao": b"\xaa" * 32}
    output = stage.outcomes(stage.tx(contract), **fields)[0].output
    beacon = int.from_bytes(b"\xaa" * 32, "big")
    wanted = [17, 1_800_000_000, BASE_FEE, 5_000_001, number(COINBASE.rjust(32, b"\0")), beacon, 1, BASE_FEE + TIP]
    for what, got, want in zip(seen, (number(output[i:]) for i in range(0, len(output), 32)), wanted, strict=True):
        expect(what, got, want)


def rule_block_hashes(stage: Stage) -> None:
    """Check that a program sees the hashes of the last 256 blocks; of other blocks, and of this one, 0."""
    contract = stage.deploy(0, "CALLDATALOAD", "BLOCKHASH", 0, "MSTORE", 32, 0, "RETURN")
    far = 2**255  # the hash of block n is far + n
    hashes = b"".join(word(far + block) for block in range(40, 300))  # 260 of them
    known = {43: 0, 44: far + 44, 45: far + 45, 298: far + 298, 299: far + 299, 300: 0, 301: 0}
    known |= dict.fromkeys((2**64 - 1, 2**64 + 299, 2**256 - 1), 0)
    outcomes = stage.outcomes(*[stage.tx(contract, word(asked)) for asked in known], number=300, hashes=hashes)
    expect("hashes of blocks", [number(outcome.output) for outcome in outcomes], list(known.values()))
    expect("in a call", [number(stage.call(contract, word(asked)).output) for asked in known], list(known.values()))
    other = stage.context(number=300, hashes=word(7) + word(8))
    asked = [number(stage.call(contract, word(block), context=other).output) for block in (297, 298, 299, 300)]
    expect("of a shorter past", asked, [0, 7, 8, 0])
    expect("of the first past again", number(stage.call(contract, word(299)).output), far + 299)
    expect("of no past", number(stage.send(contract, word(300)).output), 0)


def rule_frames(stage: Stage) -> None:
    """Check that a program sees who called it, who signed, what came along, and what it has."""
    seen = ("ADDRESS", "CALLER", "ORIGIN", "CALLVALUE", "CALLDATASIZE", "SELFBALANCE")
    inner = stage.deploy(*returns(*seen))
    size = len(seen) * 32
    outer = stage.deploy(*calls(inner, 3, b"12345"), "POP", size, 0, 0, "RETURNDATACOPY", size, 0, "RETURN")
    output = stage.send(outer, value=10).output
    wanted = [number(who.rjust(32, b"\0")) for who in (inner, outer, ALICE)] + [3, 5, 3]
    expect("what it saw", [number(output[i:]) for i in range(0, size, 32)], wanted)


def rule_creation(stage: Stage) -> None:
    """Check that a created contract's address follows from its creator's and a nonce, or from a salt."""
    runtime = assemble(*returns(1))
    created = stage.send(None, initcode(runtime), value=6)
    expect("the address", created.output, FIRST)
    expect("its code", stage.engine.code(FIRST), runtime)
    expect("its nonce (EIP-161)", stage.engine.nonce(FIRST), 1)
    expect("its wei", stage.engine.balance(FIRST), 6)
    init = initcode(assemble("STOP"))
    factory = stage.deploy(*creates(init, salt=SALT), 0, "MSTORE", 32, 0, "RETURN")
    expect("the factory", factory, SECOND)
    expect("the address from a salt", stage.send(factory).output[12:], SALTED)
    expect("the code", stage.engine.code(SALTED), assemble("STOP"))
    expect("the same salt again", number(stage.send(factory).output), 0)
    expect("creations and 1", stage.engine.nonce(factory), 3)


def rule_creation_fails(stage: Stage) -> None:
    """Check that a constructor may revert with data, and some code is refused; nothing is left of either."""
    reverted = stage.send(None, assemble(0xBAD, 0, "MSTORE", 2, 30, "REVERT"), value=5)
    expect("status and data", (reverted.status, reverted.output), (Status.REVERTED, b"\x0b\xad"))
    for what, init in (
        ("code that begins with 0xEF (EIP-3541)", assemble(0xEF, 0, "MSTORE", 1, 31, "RETURN")),
        ("code over 24,576 bytes (EIP-170)", assemble(24_577, 0, "RETURN")),
        ("code that it cannot pay", assemble(5_000, 0, "RETURN")),
    ):
        gas = 900_000 if what.endswith("pay") else 6_000_000
        halted = stage.send(None, init, gas=gas)
        expect(f"status of {what}", (halted.status, halted.gas, halted.output), (Status.HALTED, gas, b""))
        expect(f"transfers of {what}", halted.transfers, ())
    expect("the longest code", stage.send(None, assemble(24_576, 0, "RETURN"), gas=6_000_000).status, Status.SUCCESS)
    expect("wei that was not burned", stage.total(), 2 * WEALTH - _burned(stage))


def rule_creation_on_storage(stage: Stage) -> None:
    """Check that nothing is created where there is storage, though there be neither code nor nonce (EIP-7610)."""
    stage.engine.place(FIRST, storage={1: 2})
    init = initcode(assemble("STOP"))
    halted = stage.send(None, init, value=3, gas=100_000)
    expect("status, gas and transfers", (halted.status, halted.gas, halted.transfers), (Status.HALTED, 100_000, ()))
    results = (*creates(init, value=1, salt=SALT), 256, "MSTORE", *creates(init, value=1), 288, "MSTORE")
    factory = stage.deploy(*results, 64, 256, "RETURN")
    snapshot = stage.engine.snapshot()
    made = stage.send(factory, value=2).output
    stage.engine.restore(snapshot)
    salted, plain = made[12:32], made[44:]
    for address in (salted, plain):
        stage.engine.place(address, storage={0: 5, 2**255: 6})
    failed = stage.send(factory, value=2, gas=10_000_000)
    expect("what it created, and transfers", (failed.output, len(failed.transfers)), (bytes(64), 1))
    expect("whether the gas is gone, but for a 64th each time", 9_990_000 < failed.gas < 10_000_000, True)
    expect("creations and 1", stage.engine.nonce(factory), 3)
    for address, slot, value in ((FIRST, 1, 2), (salted, 0, 5), (plain, 2**255, 6)):
        kept = stage.engine.storage(address, slot), stage.engine.code(address), stage.engine.nonce(address)
        expect("storage, code and nonce", kept, (value, b"", 0))
    stage.engine.restore(snapshot)
    expect("what it created before there was storage", stage.send(factory, value=2).output, made)


def _burned(stage: Stage) -> int:
    return sum(sum(block[1]) for block in stage.trace) * BASE_FEE


def rule_static(stage: Stage) -> None:
    """Check that a static call may look and not touch, at any depth."""
    for touch in (
        (1, 0, "SSTORE"),
        (1, 0, "TSTORE"),
        (0, 0, "LOG0"),
        calls(STRANGER, 1),
        creates(b""),
        (STRANGER, "SELFDESTRUCT"),
    ):
        touching = stage.deploy(*touch, value=5)
        middle = stage.deploy(*calls(touching), 0, "MSTORE", 32, 0, "RETURN")
        asking = stage.deploy(
            *calls(middle, gas=500_000, kind="STATICCALL"), 32, 0, 0, "RETURNDATACOPY", 32, 0, "RETURN"
        )
        expect(f"whether {touch[-1]!r} goes well below", number(stage.send(asking).output), 0)
    looking = stage.deploy(*calls(stage.deploy(0, "SLOAD"), kind="STATICCALL"), 0, "MSTORE", 32, 0, "RETURN")
    expect("whether SLOAD goes well below", number(stage.send(looking).output), 1)


def rule_transient(stage: Stage) -> None:
    """Check that transient storage lasts a transaction, and is undone with its frame (EIP-1153)."""
    counting = stage.deploy(1, 0, "TLOAD", "ADD", "DUP1", 0, "TSTORE", 0, "MSTORE", 32, 0, "RETURN")
    failing = stage.deploy(*calls(counting), 0, 0, "REVERT")
    again = (*calls(counting), "POP", 32, 0, 0, "RETURNDATACOPY")
    outer = stage.deploy(*calls(counting), *calls(failing), *again, 32, 0, "RETURN")
    for outcome in stage.outcomes(stage.tx(outer), stage.tx(outer)):
        expect("counted", number(outcome.output), 2)


def rule_precompiles(stage: Stage) -> None:
    """Check that the precompiled contracts are there."""
    sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of nothing
    hashing = stage.deploy(*calls(word(2)[12:], kind="STATICCALL"), "POP", 32, 0, 0, "RETURNDATACOPY", 32, 0, "RETURN")
    expect("SHA-256", stage.send(hashing).output.hex(), sha256)
    copying = stage.deploy(*calls(word(4)[12:], data=b"abc"), "POP", "RETURNDATASIZE", 0, "MSTORE", 32, 0, "RETURN")
    expect("bytes copied", number(stage.send(copying).output), 3)


def rule_call_context(stage: Stage) -> None:
    """Check that a call pretends to be in the block that it is given, else in the one that ran last."""
    contract, paying = stage.deploy(*returns("NUMBER", "TIMESTAMP")), stage.deploy(*returns("GASPRICE"))
    last = stage.context(number=50, timestamp=1_900_000_000)
    stage.engine.run_block(last, [])
    expect("the block", number(stage.call(contract).output), 50)
    other = BlockContext(9, 10, 11, 12_000_000)
    expect("another block", stage.call(contract, context=other).output, word(9) + word(10))
    expect("the block, again", number(stage.call(contract).output), 50)
    expect("what a call pays for gas", number(stage.call(paying).output), 0)


def rule_depth(stage: Stage) -> None:
    """Check that calls nest 1,024 deep below the outermost, and no deeper."""
    below = (*(0, 0, 0, 0, 0, "ADDRESS", "GAS", "CALL", "POP"), "RETURNDATASIZE", 0, 0, "RETURNDATACOPY")
    counting = stage.deploy(*below, 0, "MLOAD", 1, "ADD", 0, "MSTORE", 32, 0, "RETURN")
    asked = stage.engine.call(Tx(ALICE, counting, gas=10**12))
    expect("frames", number(asked.output), 1_025)
