"""A stage: an engine with two people on it, a block counter, and a memory of everything that it answered."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from slashpoint.sim.engine import BlockContext, BlockResult, CallResult, Engine, Log, Signer, Status, Transfer, Tx
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.testing.assembly import Item, assemble, initcode
from slashpoint.sim.units import ETH, GWEI

if TYPE_CHECKING:
    from collections.abc import Sequence

ALICE, BOB, COINBASE = address_of("alice", "keys"), address_of("bob", "keys"), address_of("coinbase")
NOBODY = address_of("nobody")  # has neither wei nor a key
WEALTH = 1_000_000 * ETH
BASE_FEE, TIP, MAX_FEE = 7 * GWEI, 2 * GWEI, 100 * GWEI
NEXT_NONCE = -1  # the stage fills it in


class Outcome(NamedTuple):
    """What became of one transaction."""

    status: Status
    gas: int
    output: bytes
    logs: tuple[Log, ...]
    transfers: tuple[Transfer, ...]
    reason: str


class Stage:
    """An engine under test, with `fork`'s rules."""

    def __init__(self, engine: Engine, fork: str) -> None:
        self.engine = engine
        self.fork = fork
        self.number = 0
        self.trace: list[Any] = []
        if isinstance(engine, Signer):
            engine.learn("alice", "bob")
        engine.fund(ALICE, WEALTH)
        engine.fund(BOB, WEALTH)

    def tx(self, to: bytes | None, data: bytes = b"", value: int = 0, gas: int = 1_000_000, **fields: Any) -> Tx:
        """Return a transaction of Alice's, unless `fields` say otherwise.

        Args:
            to: the contract; None to create one.
            data: calldata.
            value: wei.
            gas: that it declares.
            fields: others of `Tx`.
        """
        return Tx(**{
            "sender": ALICE, "to": to, "data": data, "value": value, "gas": gas,
            "max_fee": MAX_FEE, "tip": TIP, "nonce": NEXT_NONCE, **fields,
        })  # fmt: skip

    def context(self, **fields: Any) -> BlockContext:
        """Return the context of the next block."""
        self.number = fields.get("number", self.number + 1)
        block = BlockContext(self.number, 1_700_000_000 + 12 * self.number, BASE_FEE, 30_000_000, COINBASE)
        return block._replace(**fields)

    def block(self, *txs: Tx, **context: Any) -> BlockResult:
        """Run transactions as the next block."""
        numbered = []
        queued = Counter[bytes]()
        for tx in txs:
            if tx.nonce == NEXT_NONCE:
                tx = tx._replace(nonce=self.engine.nonce(tx.sender) + queued[tx.sender])
                queued[tx.sender] += 1
            numbered.append(tx)
        result = self.engine.run_block(self.context(**context), numbered)
        self.trace.append(_plain(result))
        return result

    def outcomes(self, *txs: Tx, **context: Any) -> list[Outcome]:
        """Run a block and take it apart."""
        result = self.block(*txs, **context)
        return [
            Outcome(
                Status(int(result.status[i])),
                int(result.gas[i]),
                result.output[i],
                tuple(log for log in result.logs if log.tx == i),
                tuple(transfer for transfer in result.transfers if transfer.tx == i),
                result.reasons.get(i, ""),
            )
            for i in range(len(txs))
        ]

    def send(self, to: bytes | None, data: bytes = b"", value: int = 0, gas: int = 1_000_000, **fields: Any) -> Outcome:
        """Run a block of one transaction.

        Args:
            to: the contract; None to create one.
            data: calldata.
            value: wei.
            gas: that it declares.
            fields: others of `Tx`.
        """
        return self.outcomes(self.tx(to, data, value, gas, **fields))[0]

    def call(
        self, to: bytes | None, data: bytes = b"", value: int = 0, context: BlockContext | None = None
    ) -> CallResult:
        """Ask without a trace, as somebody who has nothing.

        Args:
            to: the contract; None to create one.
            data: calldata.
            value: wei.
            context: the block that it pretends to be in.
        """
        result = self.engine.call(Tx(NOBODY, to, data, value, 1_000_000), context)
        self.trace.append((int(result.status), result.gas, result.output, [tuple(log) for log in result.logs]))
        return result

    def deploy(self, *program: Item, value: int = 0, sender: bytes = ALICE) -> bytes:
        """Deploy a contract that runs `program` whenever it is called, and return its address.

        Args:
            program: what it runs.
            value: wei that it gets.
            sender: who deploys it.
        """
        made = self.send(None, initcode(assemble(*program)), value, 5_000_000, sender=sender)
        expect("a contract is deployed", made.status, Status.SUCCESS)
        return made.output

    def total(self, *others: bytes) -> int:
        """Return the wei that Alice, Bob, the coinbase and `others` have together."""
        return sum(map(self.engine.balance, {ALICE, BOB, COINBASE, *others}))


def expect(what: str, got: object, want: object) -> None:
    """Complain unless an engine answered what it must.

    Args:
        what: is compared, for the message.
        got: by the engine.
        want: by the rule.

    Raises:
        AssertionError: it did not.
    """
    if got != want:
        raise AssertionError(f"{what}: expected {_shown(want)}, got {_shown(got)}")


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(_shown, value)) + ")"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool | Status) else repr(value)


def _plain(result: BlockResult) -> tuple[list[Any], ...]:
    """Return a result in a form that compares equal when it is."""
    rows: Sequence[Sequence[Any]] = (result.logs, result.transfers)
    return (
        result.status.tolist(),
        result.gas.tolist(),
        list(result.output),
        *([tuple(row) for row in table] for table in rows),
        sorted(result.reasons),
    )
