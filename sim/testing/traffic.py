"""Random traffic: call trees that pay, create, borrow code, destroy themselves and fail, in blocks that overflow.

The same luck makes the same traffic, so engines can be compared on it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from slashpoint.sim.engine import ZERO_ADDRESS, Movement, Status, Tx
from slashpoint.sim.testing.assembly import Item, assemble, calls, creates
from slashpoint.sim.testing.gas import STRANGER, word
from slashpoint.sim.testing.stage import ALICE, BASE_FEE, BOB, COINBASE, MAX_FEE, TIP, Stage, expect
from slashpoint.sim.units import GWEI

if TYPE_CHECKING:
    from slashpoint.sim.luck import Luck

BECOME_REST = bytes.fromhex("600b380380600b5f395ff3")  # initcode: become the code that follows it
# a wallet does to itself whatever program its calldata is: it deploys the program and borrows its code
WALLET: tuple[Item, ...] = (
    *(BECOME_REST.ljust(32, b"\0"), 0, "MSTORE"),
    *("CALLDATASIZE", 0, len(BECOME_REST), "CALLDATACOPY"),
    *(0, 0, 0, 0, "CALLDATASIZE", len(BECOME_REST), "ADD", 0, 0, "CREATE", "GAS", "DELEGATECALL"),
    *("ISZERO", 0x3A, "JUMPI", "STOP", "JUMPDEST", 0, 0, "REVERT"),
)
VALUES = (0, 0, 1, 2, 3, 10, 999, 10**7)
STEPS = ("pay", "pay", "pay", "borrow", "codecall", "create", "salt", "write", "log", "die", "revert", "halt")
LAST = {"die", "revert", "halt"}


def program(luck: Luck, wallets: list[bytes], depth: int) -> bytes:
    """Return a random program, nested at most `depth` deep.

    Args:
        luck: of this program.
        wallets: addresses that it may pay.
        depth: of calls inside calls, at most.
    """
    steps: list[Item] = []
    for i in range(1 + luck("steps").integer(4)):
        kind = luck(i, "kind").choice(STEPS if depth else ("pay", "write", "log", "die", "revert"))
        steps += _step(kind, luck(i), wallets, depth)
        if kind in LAST:
            break
    return assemble(*steps)


def _step(kind: str, luck: Luck, wallets: list[bytes], depth: int) -> tuple[Item, ...]:
    value = luck("value").choice(VALUES)
    wallet = luck("wallet").choice(wallets)
    inner = program(luck("inner"), wallets, depth - 1) if depth and luck("nested").random() < 0.8 else b""
    everybody = [*wallets, *wallets, ALICE, COINBASE, STRANGER, word(4)[12:], word(9)[12:]]
    match kind:
        case "pay":
            return (*calls(luck("to").choice(everybody), value, inner), "POP")
        case "borrow":
            return (*calls(wallet, data=inner, kind="DELEGATECALL"), "POP")
        case "codecall":
            return (*calls(wallet, value, inner, kind="CALLCODE"), "POP")
        case "create" | "salt":
            salt = None if kind == "create" else luck("salt").integer(4)
            paying = (0, "MSTORE", 0, 0, 0, 0, value // 3, 0, "MLOAD", "GAS", "CALL", "POP")
            return (*creates(inner, value, salt), *paying)
        case "write":
            return (luck("word").choice((0, 1, 2)), luck("slot").integer(4), "SSTORE")
        case "log":
            return (value, 32, 0, "LOG1")
        case "die":
            heirs: list[Item] = ["ADDRESS", *everybody]
            return (luck("heir").choice(heirs), "SELFDESTRUCT")
        case "revert":
            return (0, 0, "REVERT")
        case _:
            return ("INVALID",)


def transaction(luck: Luck, stage: Stage, wallets: list[bytes]) -> Tx:
    """Return a random transaction; one in ten is not valid, or not yet.

    Args:
        luck: of this transaction.
        stage: where it is sent.
        wallets: addresses that it may call.
    """
    wallet = luck("to").choice(wallets)
    fields: dict[str, Any] = {
        "sender": luck("sender").choice((ALICE, BOB)),
        "to": None if luck("created").random() < 0.1 else wallet,
        "data": program(luck("program"), wallets, luck("depth").integer(4)),
        "value": luck("value").choice(VALUES),
        "gas": luck("gas").choice((100_000, 400_000, 3_000_000, 3_000_000)),
        "tip": luck("tip").choice((0, GWEI, TIP)),
        "access_list": luck("listed").choice(((), (), ((wallet, (0, 1)), (STRANGER, ())))),
    }
    odd: tuple[dict[str, Any], ...] = ({"gas": 20_000}, {"tip": MAX_FEE + 1}, {"nonce": 10**6})
    return stage.tx(**{**fields, **luck("odd").choice(odd)} if luck("is odd").random() < 0.1 else fields)


def run_traffic(stage: Stage, luck: Luck, blocks: int = 10, size: int = 5) -> Counter[Status]:
    """Run random blocks and expect each to balance to the wei; how its transactions ended.

    Args:
        stage: where it runs.
        luck: of all of it.
        blocks: how many.
        size: transactions of each.
    """
    wallets = [stage.deploy(*WALLET, value=10**6) for _ in range(4)]
    balances = dict.fromkeys({ALICE, BOB, COINBASE, STRANGER, ZERO_ADDRESS, *wallets}, 0)
    for who in balances:
        balances[who] = stage.engine.balance(who)
    ended: Counter[Status] = Counter()
    for number in range(blocks):
        txs = [transaction(luck(number, i), stage, wallets) for i in range(size)]
        result = stage.block(*txs, gas_limit=8_000_000)
        for transfer in result.transfers:
            balances[transfer.sender] = balances.get(transfer.sender, 0) - transfer.wei
            if transfer.kind != Movement.BURN:
                balances[transfer.receiver] = balances.get(transfer.receiver, 0) + transfer.wei
        for tx, gas, status in zip(txs, result.gas.tolist(), result.status.tolist(), strict=True):
            balances[tx.sender] -= gas * (BASE_FEE + tx.tip)
            balances[COINBASE] += gas * tx.tip
            ended[Status(status)] += 1
        got = {who.hex(): stage.engine.balance(who) for who in sorted(balances)}
        expect(f"balances after block {number}", got, {who.hex(): balances[who] for who in sorted(balances)})
        stage.trace.append([stage.engine.storage(wallet, slot) for wallet in wallets for slot in range(4)])
    return ended
