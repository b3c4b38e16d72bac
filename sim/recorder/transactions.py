"""The rows of transactions, and of the fees that they paid: those of people one by one, of crowds by columns."""

from __future__ import annotations

from itertools import repeat
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.block import Block
from slashpoint.sim.engine import Status
from slashpoint.sim.ledger.money import Cause, Edge
from slashpoint.sim.ledger.text import plain, text, texts

if TYPE_CHECKING:
    import numpy.typing as npt

    from slashpoint.sim.batch import BatchSlice
    from slashpoint.sim.engine import BlockResult
    from slashpoint.sim.intention import Pending
    from slashpoint.sim.recorder.decoder import Decoder
    from slashpoint.sim.recorder.money import Money
    from slashpoint.sim.recorder.names import Column, Columns, NameCodes
    from slashpoint.sim.state import State

STATUS = [status.name.lower() for status in Status]
SUCCESS = int(Status.SUCCESS)  # an enumeration's own comparison costs more than the row


def product(gas: npt.NDArray[np.int64], price: npt.NDArray[np.int64] | int) -> npt.NDArray[Any]:
    """Return wei for gas at a price per gas, exactly: as Python's whole numbers where 64 bits might not do.

    Args:
        gas: of each transaction.
        price: wei per gas, of each or of all.
    """
    if int(gas.max(initial=0)) * int(np.max(price, initial=0)) >= 2**62:
        whole: npt.NDArray[Any] = gas.astype(object) * np.asarray(price, dtype=object)  # both, or 64 bits come back
        return whole
    return gas * price


def no_place(rows: int, status: str, reasons: list[str]) -> Columns:
    """Return what the rows of transactions say that are in no block.

    Args:
        rows: how many there are.
        status: dropped or pending.
        reasons: why, one for each.
    """
    none = [0] * rows
    return {"index": -1, "gas": 0, "burned": none, "tipped": none, "status": status, "reason": reasons}


class Transactions:
    """Writes down transactions, whatever became of them, and the fees of those that ran."""

    def __init__(self, world: State, names: NameCodes, decoder: Decoder, money: Money) -> None:
        self._world, self._names, self._decoder, self._money = world, names, decoder, money
        self._table, self._transfers = world.ledger.transactions, world.ledger.transfers

    def dropped(self, block: Block) -> None:
        """Write down what can never be in a block."""
        if block.dropped:
            self._write_unmined(block, block.dropped, "dropped")
        if (result := block.result) is not None:
            for rows in [rows.refused(result) for rows in block.crowded]:
                reasons = [result.reasons[i] for i in rows.places.tolist()]
                size = len(rows.rows)
                self._table.extend(size, self._of_crowd(block, rows) | no_place(size, "dropped", reasons))

    def pending(self) -> None:
        """Write down what people sent and no block took before the run ended."""
        chain = self._world.chain
        if waiting := chain.mempool.left(chain.time, chain.last_fee):
            self._write_unmined(Block(chain.number, chain.time, chain.last_fee), waiting, "pending")

    def _write_unmined(self, block: Block, unmined: list[tuple[Pending, str]], status: str) -> None:
        pendings, reasons = map(list, zip(*unmined, strict=True))
        size = len(pendings)
        self._table.extend(size, self._of_people(block, pendings) | no_place(size, status, reasons))

    def executed(self, block: Block) -> None:
        """Write down what ran and what it cost: people's transactions, and those of crowds among them."""
        assert block.result is not None
        executed, ran = block.executed(), [rows.ran(block.result) for rows in block.crowded]
        parts = [self._people(block, executed)] if executed else []
        parts += [self._crowd(block, rows, block.result) for rows in ran if len(rows.rows)]
        transactions, *fees = zip(*parts, strict=True)
        self._table.weave(transactions, "index")
        for one in fees:
            self._transfers.weave(one, "tx")

    def _people(self, block: Block, executed: list[tuple[int, Pending]]) -> tuple[Columns, ...]:
        """Return people's transactions that ran, and their fees, each kind by itself."""
        places, pendings = map(list, zip(*executed, strict=True))
        base_fee, all_gas, status = block.base_fee, block.gas, block.status
        gas = [all_gas[i] for i in places]
        burned = [used * base_fee for used in gas]
        tipped = [used * min(one.tip, one.max_fee - base_fee) for used, one in zip(gas, pendings)]
        reasons = [None if status[i] == SUCCESS else str(self._decoder.revert(block, i)) for i in places]
        posted = [block.posted[i] for i in places] if block.posted else []
        codes, jobs = [one.account.name_code for one in pendings], job_keys(pendings)
        costs = list(map(sum, zip(burned, tipped, posted))) if posted else list(map(add, burned, tipped))
        self._money.fees([one.account.address for one in pendings], costs, sum(tipped))
        if (accounts := self._world.job_accounts) is not None:
            for one, cost, job in zip(pendings, costs, jobs):
                accounts.spent(one.account, "ETH", cost, job)
        outcome = {
            "index": places,
            "gas": gas,
            "burned": burned,
            "tipped": tipped,
            "status": [STATUS[status[i]] for i in places],
            "reason": reasons,
        }
        fees = self._fees(block, codes, places, burned, tipped, posted, jobs)
        return self._of_people(block, pendings) | outcome, *fees

    def _crowd(self, block: Block, rows: BatchSlice, result: BlockResult) -> tuple[Columns, ...]:
        """Return a crowd's transactions that ran, and their fees, each kind by itself."""
        crowd, places, members = rows.batch.crowd, rows.places, rows.batch.who[rows.rows]
        gas = result.gas[places].astype(np.int64)
        burned, tipped = product(gas, block.base_fee), product(gas, rows.tips(block.base_fee))
        status: Column = "success"
        reasons: Column = None
        if not (result.status[places] == SUCCESS).all():
            status = [STATUS[each] for each in result.status[places].tolist()]
            reasons = [
                None if one == "success" else str(self._decoder.revert(block, i))
                for one, i in zip(status, places.tolist())
            ]
        posted = [block.posted[i] for i in places.tolist()] if block.posted else []
        costs = list(map(add, burned.tolist(), tipped.tolist()))
        if posted:
            costs = list(map(add, costs, posted))
        self._money.fees([crowd.senders[one] for one in members.tolist()], costs, sum(tipped.tolist()))
        outcome = {
            "index": places, "gas": gas, "burned": burned, "tipped": tipped, "status": status, "reason": reasons,
        }  # fmt: skip
        fees = self._fees(block, crowd.name_codes[members], places, burned, tipped, posted, None)
        return self._of_crowd(block, rows) | outcome, *fees

    def _fees(
        self, block: Block, codes: Any, places: Column, burned: Column, tipped: Column, posted: list[int], jobs: Column
    ) -> tuple[Columns, ...]:
        """Return the rows of base fees, which burn, of tips that are not zero, and of what a rollup takes beside."""
        common = {"block": block.number, "time_ns": self._world.env.now, "asset": "ETH"}
        names = self._names.names(codes)
        burns = {
            **common, "tx": places, "sender": names, "receiver": Edge.BURNT.value, "amount": burned,
            "cause": Cause.GAS.value, "job": jobs,
        }  # fmt: skip
        data = {
            **common, "tx": places, "sender": names, "receiver": Edge.LAYER1.value, "amount": posted,
            "cause": Cause.DATA.value, "job": jobs,
        }  # fmt: skip
        if not all(tipped):
            kept = [row for row in zip(codes, places, tipped, repeat(None) if jobs is None else jobs) if row[2]]
            codes, places, tipped, jobs = map(list, zip(*kept, strict=True)) if kept else ([], [], [], [])
            names = self._names.names(codes)
        tips = {
            **common, "tx": places, "sender": names, "receiver": Edge.COINBASE.value, "amount": tipped,
            "cause": Cause.TIP.value, "job": jobs,
        }  # fmt: skip
        return (burns, tips, data) if posted else (burns, tips)

    def _of_people(self, block: Block, pendings: list[Pending]) -> Columns:
        """Return what people's transactions say of themselves, whatever became of them."""
        calls = [one.call for one in pendings]
        return {
            "block": block.number,
            "time_ns": block.time,
            "sent_ns": [one.sent for one in pendings],
            **self._names.accounts([one.account.name_code for one in pendings]),
            "duty": [one.why for one in pendings],
            "verb": [one.verb for one in calls],
            "job": job_keys(pendings),
            "subject": [None if one.subject is None else str(plain(one.subject)) for one in calls],
            "contract": [one.contract for one in calls],
            "function": [one.function for one in calls],
            "args": [text(one.names, one.values) for one in calls],
            "value": [one.value for one in calls],
            "gas_limit": [one.gas for one in calls],
            "latency_ns": [block.time - one.sent for one in pendings],
        }

    def _of_crowd(self, block: Block, rows: BatchSlice) -> Columns:
        """Return what a crowd's transactions say of themselves, whatever became of them."""
        batch, call, sent = rows.batch, rows.batch.calls.call, rows.batch.sent[rows.rows]
        return {
            "block": block.number,
            "time_ns": block.time,
            "sent_ns": sent,
            **self._names.accounts(batch.crowd.name_codes[batch.who[rows.rows]]),
            "duty": "",
            "verb": call.verb,
            "job": None,
            "subject": None,
            "contract": call.contract,
            "function": call.function,
            "args": texts(batch.calls.picked(rows.rows)),
            "value": call.value,
            "gas_limit": call.gas,
            "latency_ns": block.time - sent,
        }


def job_keys(pendings: list[Pending]) -> list[str | None]:
    """Return the keys of the jobs that intentions are about."""
    return [None if one.call.job is None else one.call.job.key for one in pendings]
