"""The recorder: reads what a block did, for agents as facts and for the ledger as rows.

It has three parts: the decoder turns results of the engine into facts, `Money` explains and books what moved, and
`Transactions` writes the rows of transactions and fees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.block import DEFERRED
from slashpoint.sim.closing import Trained
from slashpoint.sim.ledger import BlockRow, EventRow
from slashpoint.sim.ledger.money import Cause, Edge
from slashpoint.sim.ledger.text import text
from slashpoint.sim.recorder.decoder import Decoded, Decoder
from slashpoint.sim.recorder.money import Money
from slashpoint.sim.recorder.names import NameCodes
from slashpoint.sim.recorder.transactions import Transactions

if TYPE_CHECKING:
    from slashpoint.sim.block import Block
    from slashpoint.sim.intention import Sender
    from slashpoint.sim.learning import Order
    from slashpoint.sim.state import State

NOTHING = Decoded()


class Recorder:
    """Writes a world's ledger; gives its three parts to those who need one alone."""

    def __init__(self, world: State) -> None:
        self._world, self._ledger = world, world.ledger
        self.names = NameCodes(world.name_of, world.names.__contains__)
        self.decoder = Decoder(world)
        self.money = Money(world, self.names)
        self.transactions = Transactions(world, self.names, self.decoder, self.money)
        self.models: list[Trained] = []  # all that anybody trained

    def block(self, block: Block, decoded: Decoded = NOTHING) -> None:
        """Write down a block: its transactions, events, and every movement of money with its cause.

        Args:
            block: the block.
            decoded: what the decoder read in it; nothing for an empty one.
        """
        executed = sum([status < DEFERRED for status in block.status])
        self._ledger.blocks.append(
            BlockRow(
                block=block.number,
                time_ns=block.time,
                base_fee=block.base_fee,
                gas_used=block.gas_used,
                gas_limit=self._world.rules.gas_limit,
                txs=executed,
                backlog=block.backlog,
            )
        )
        self.transactions.dropped(block)
        if executed:
            self.transactions.executed(block)
        for tx, log, contract, fact in decoded.events:
            self._ledger.events.append(
                EventRow(
                    block=block.number,
                    tx=tx,
                    log=log,
                    time_ns=block.time,
                    contract=contract,
                    event=fact.event,
                    job=fact.job.key if fact.job is not None else None,
                    args=text(fact.args, fact.args.values()),
                )
            )
        if decoded.movements.tx:
            self.money.moved(block, decoded.movements)

    def compute(self, account: Sender, dollars: float, job: str | None, payee: Edge = Edge.ELECTRICITY) -> None:
        """Charge somebody for computing, or for other work outside the chain.

        Args:
            account: who pays.
            dollars: USD.
            job: key of the job that it is for.
            payee: who is paid.
        """
        self.money.charge(account, dollars, payee, Cause.COMPUTE, job)

    def postage(self, account: Sender, dollars: float, job: str | None) -> None:
        """Charge somebody for a message outside the chain.

        Args:
            account: who pays.
            dollars: USD.
            job: key of the job that it is for.
        """
        self.money.charge(account, dollars, Edge.POST, Cause.POSTAGE, job)

    def trained(self, account: Sender, order: Order, job: str, seconds: float) -> None:
        """Remember that somebody trained a model, for the measurement at the end.

        Args:
            account: whose it is.
            order: what was trained, and on what.
            job: key of the job.
            seconds: simulated, on its device.
        """
        self.models.append(Trained(self._world.env.now, account.name, account.controller, job, order, seconds))
