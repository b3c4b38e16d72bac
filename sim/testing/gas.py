"""Rules of gas: the same transaction costs the same, every time, on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.engine import Status
from slashpoint.sim.testing.assembly import assemble, calls, creates, initcode
from slashpoint.sim.testing.stage import ALICE, BASE_FEE, BOB, COINBASE, MAX_FEE, TIP, WEALTH, Stage, expect

if TYPE_CHECKING:
    from slashpoint.sim.testing.assembly import Item

TRANSACTION, CREATION = 21_000, 32_000
COLD_SLOAD, WARM, COLD_ACCOUNT = 2_100, 100, 2_600  # EIP-2929
SET, RESET, CLEARED = 20_000, 2_900, 4_800  # a slot that is cold costs 2,100 more; EIP-2200, EIP-3529
STRANGER = bytes.fromhex("57a4".rjust(40, "5"))  # nobody has ever heard of it
# a token without an allowance: calldata is receiver and amount, a slot's number is its owner's address
TOKEN: tuple[Item, ...] = (
    *(32, "CALLDATALOAD", "CALLER", "SLOAD", "SUB", "CALLER", "SSTORE"),
    *(0, "CALLDATALOAD", "SLOAD", 32, "CALLDATALOAD", "ADD", 0, "CALLDATALOAD", "SSTORE"),
    *(32, "CALLDATALOAD", 0, "MSTORE", 0, "CALLDATALOAD", "CALLER", b"\xdd" * 32, 32, 0, "LOG3"),
)
WRITE: tuple[Item, ...] = (0, "CALLDATALOAD", 0, "SSTORE")  # calldata into slot 0; 7 gas beside the SSTORE


def word(number: int) -> bytes:
    """Return a number as 32 bytes of calldata."""
    return number.to_bytes(32, "big")


def calldata_gas(data: bytes) -> int:
    """Return what calldata adds to a transaction that does something (EIP-2028)."""
    return 4 * data.count(0) + 16 * (len(data) - data.count(0))


def rule_plain_transfer(stage: Stage) -> None:
    """Check that a plain transfer costs 21,000 gas, to somebody and to nobody."""
    for to in (BOB, STRANGER, STRANGER, ALICE, COINBASE):
        expect("gas", stage.send(to, value=1).gas, TRANSACTION)


def rule_fees(stage: Stage) -> None:
    """Check that the sender pays base fee and tip within its max fee; the tip goes to the coinbase, the rest burns."""
    for max_fee, tip, price in (
        (MAX_FEE, TIP, BASE_FEE + TIP),
        (BASE_FEE + 1, TIP, BASE_FEE + 1),
        (BASE_FEE, 0, BASE_FEE),
    ):
        before, tipped = stage.engine.balance(ALICE), stage.engine.balance(COINBASE)
        gas = stage.send(BOB, value=5, max_fee=max_fee, tip=tip).gas
        expect(f"paid at {price} a gas", before - stage.engine.balance(ALICE), 5 + gas * price)
        expect("tipped", stage.engine.balance(COINBASE) - tipped, gas * (price - BASE_FEE))
    expect("burned", 2 * WEALTH - stage.total(), 3 * TRANSACTION * BASE_FEE)


def rule_calldata(stage: Stage) -> None:
    """Check that calldata costs 4 a zero byte and 16 another; since Prague, at least 10 and 40 (EIP-7623)."""
    for data in (b"\0" * 99, b"\1" * 99, b"\0\0\1" * 33, b"\7"):
        floor = 0 if stage.fork == "cancun" else 10 * data.count(0) + 40 * (len(data) - data.count(0))
        expect("gas", stage.send(BOB, data).gas, TRANSACTION + max(calldata_gas(data), floor))


def rule_opcodes(stage: Stage) -> None:
    """Check that a program costs the sum of its opcodes, and what it does not use comes back."""
    contract = stage.deploy(1, 2, "ADD", 0, "MSTORE", "JUMPDEST")
    expect("gas", stage.send(contract).gas, TRANSACTION + 3 + 3 + 3 + 2 + (3 + 3) + 1)


def rule_cold_each_time(stage: Stage) -> None:
    """Check that a slot is cold at its first touch in every transaction, whatever the block did before."""
    contract = stage.deploy(0, "SLOAD", 0, "SLOAD")
    cost = TRANSACTION + 2 * 2 + COLD_SLOAD + WARM
    for _ in range(2):
        for outcome in stage.outcomes(*[stage.tx(contract)] * 3):
            expect("gas", outcome.gas, cost)


def rule_cold_accounts(stage: Stage) -> None:
    """Check that an address is cold once a transaction; the coinbase, sender and precompiles never are (EIP-3651)."""
    for address, cost in ((STRANGER, COLD_ACCOUNT), (COINBASE, WARM), (ALICE, WARM), (word(2)[12:], WARM)):
        contract = stage.deploy(address, "BALANCE", address, "BALANCE")
        for _ in range(2):
            expect("gas", stage.send(contract).gas, TRANSACTION + 2 * 3 + cost + WARM)


def rule_cold_after_undoing(stage: Stage) -> None:
    """Check that what a reverted call warmed is cold again."""
    inner = stage.deploy(STRANGER, "BALANCE", 0, 0, "REVERT")
    contract = stage.deploy(*calls(inner), STRANGER, "BALANCE")
    pushes = 5 * 2 + 3 + 2  # zeros, the address, GAS
    callee = 3 + COLD_ACCOUNT + 2 * 2
    expect("gas", stage.send(contract).gas, TRANSACTION + pushes + COLD_ACCOUNT + callee + 3 + COLD_ACCOUNT)


def rule_writing(stage: Stage) -> None:
    """Check that writing a slot costs what its value was and becomes; clearing it refunds 4,800."""
    contract = stage.deploy(*WRITE)
    for value, cost in ((0, WARM), (1, SET), (2, RESET), (2, WARM), (0, RESET - CLEARED), (3, SET)):
        base = TRANSACTION + calldata_gas(word(value)) + 7 + COLD_SLOAD
        expect(f"gas of writing {value}", stage.send(contract, word(value)).gas, base + cost)


def rule_refund_is_capped(stage: Stage) -> None:
    """Check that a refund is at most a fifth of the gas used."""
    contract = stage.deploy(*[item for slot in range(10) for item in (0, "CALLDATALOAD", slot, "SSTORE")])
    stage.send(contract, word(1))
    used = TRANSACTION + calldata_gas(word(0)) + 10 * (2 + 3 + 3 + COLD_SLOAD + RESET) - 1  # one slot is 0: PUSH0
    expect("gas", stage.send(contract, word(0)).gas, used - used // 5)


def rule_refund_within(stage: Stage) -> None:
    """Check that a slot set and cleared again in one transaction refunds all but 100 of its setting."""
    contract = stage.deploy(*[item for slot in range(40) for item in (slot, "SLOAD")], 1, 0, "SSTORE", 0, 0, "SSTORE")
    used = TRANSACTION + 2 + 39 * 3 + 40 * COLD_SLOAD + 3 + 2 + SET + 2 + 2 + WARM
    expect("gas", stage.send(contract).gas, used - (SET - WARM))


def rule_token(stage: Stage) -> None:
    """Check that two transfers of a token that change the same kind of balance cost the same, to the unit."""
    token = stage.deploy(*TOKEN)
    data = BOB.rjust(32, b"\0") + word(5)
    first = stage.send(token, data).gas
    logged, others = 375 * 4 + 8 * 32, 61  # LOG3 of a word; opcodes beside it and the storage
    expect("gas", first, TRANSACTION + calldata_gas(data) + 2 * (COLD_SLOAD + SET) + logged + others)
    again = {outcome.gas for outcome in stage.outcomes(*[stage.tx(token, data)] * 3)} | {stage.send(token, data).gas}
    expect("gas of the later ones", again, {first - 2 * (SET - RESET)})


def rule_access_list(stage: Stage) -> None:
    """Check that an access list is charged, and what it names is warm."""
    contract = stage.deploy(0, "SLOAD", 1, "SLOAD", STRANGER, "BALANCE")
    body = 2 + COLD_SLOAD + 3 + COLD_SLOAD + 3 + COLD_ACCOUNT
    expect("gas without", stage.send(contract).gas, TRANSACTION + body)
    listed = ((contract, (0, 1)), (STRANGER, ()))
    saved = 2 * (COLD_SLOAD - WARM) + COLD_ACCOUNT - WARM
    charged = 2 * 2_400 + 2 * 1_900
    expect("gas with", stage.send(contract, access_list=listed).gas, TRANSACTION + body + charged - saved)
    expect("gas without, later", stage.send(contract).gas, TRANSACTION + body)


def rule_value_calls(stage: Stage) -> None:
    """Check that a call with value costs 9,000, of which 2,300 go to the callee, and 25,000 more if that was nobody."""
    contract = stage.deploy(*calls(STRANGER, 1, gas=0), value=10)
    pushes = 4 * 2 + 3 + 3 + 2
    base = TRANSACTION + pushes + COLD_ACCOUNT + 9_000 - 2_300
    expect("gas of the first", stage.send(contract).gas, base + 25_000)
    expect("gas of the second", stage.send(contract).gas, base)


def rule_creation(stage: Stage) -> None:
    """Check that a creation costs 32,000, 2 a word of initcode (EIP-3860), its run, and 200 a byte of code."""
    init = initcode(assemble("STOP") * 40)
    run = 2 * (3 + 3 + 3) - 1 + 3 * 2 + 3 + 2  # two words into memory, RETURN
    words = -(-len(init) // 32)
    cost = CREATION + 2 * words + run + 40 * 200
    expect("gas of a creating transaction", stage.send(None, init).gas, TRANSACTION + calldata_gas(init) + cost)
    contract = stage.deploy(*creates(init))
    chunks = words
    memory = chunks * (3 + 3 + 3) - 1 + 3 * chunks + 3 + 2 + 2
    expect("gas of CREATE", stage.send(contract).gas, TRANSACTION + memory + cost)


def rule_failures(stage: Stage) -> None:
    """Check that a revert costs what ran; a halt costs all the gas that was declared."""
    reverting = stage.deploy(1, "POP", 0, 0, "REVERT")
    expect("gas of a revert", stage.send(reverting, gas=90_000).gas, TRANSACTION + 3 + 2 + 2 + 2)
    for what, program in (("INVALID", ("INVALID",)), ("running out", (0, 1 << 40, "MSTORE"))):
        halted = stage.send(stage.deploy(*program), gas=90_000)
        expect(f"status of {what}", halted.status, Status.HALTED)
        expect(f"gas of {what}", halted.gas, 90_000)


def rule_inner_gas(stage: Stage) -> None:
    """Check that a call gets at most all but a 64th of what is left, and a halt inside costs it all that it got."""
    halting = stage.deploy("INVALID")
    contract = stage.deploy(*calls(halting))
    gas = 500_000
    left = gas - TRANSACTION - (5 * 2 + 3 + 2) - COLD_ACCOUNT
    expect("gas", stage.send(contract, gas=gas).gas, gas - left // 64)
