"""The recorder: reads what a block did, for agents as facts and for the ledger as rows."""

from __future__ import annotations

from itertools import repeat
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from slashpoint.sim.chain import COINBASE, DEFERRED, Block
from slashpoint.sim.contract import Revert
from slashpoint.sim.engine import ZERO_ADDRESS, Status
from slashpoint.sim.facts import Fact
from slashpoint.sim.ledger.arrow import StringPool
from slashpoint.sim.ledger.money import Cause, Edge
from slashpoint.sim.ledger.text import plain, text, texts
from slashpoint.sim.units import ETH

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from slashpoint.sim.chain import Pending
    from slashpoint.sim.closing import Got
    from slashpoint.sim.crowd import BatchSlice
    from slashpoint.sim.engine import BlockResult, Log
    from slashpoint.sim.learning import Order
    from slashpoint.sim.world import World

Columns = tuple[Any, ...]  # of a table of the ledger, as it takes them
STATUS = [status.name.lower() for status in Status]
SUCCESS = int(Status.SUCCESS)  # an enumeration's own comparison costs more than the row


def product(gas: npt.NDArray[np.int64], price: npt.NDArray[np.int64] | int) -> npt.NDArray[Any]:
    """Wei for gas at a price per gas, exactly: Python's whole numbers where 64 bits might not do."""
    if int(gas.max(initial=0)) * int(np.max(price, initial=0)) >= 2**62:
        whole: npt.NDArray[Any] = gas.astype(object) * np.asarray(price, dtype=object)  # both, or 64 bits come back
        return whole
    return gas * price


def deed(pending: Pending, time: int) -> Fact:
    """An intention that succeeded, as a fact under its verb."""
    call = pending.call
    about = {"subject": call.subject, "carries": call.carries}
    return Fact(call.verb, time, pending.account.address, call.job, about)


def _jobs(pendings: list[Pending]) -> list[str | None]:
    return [None if one.call.job is None else one.call.job.key for one in pendings]


class Recorder:
    """Writes a world's ledger; keeps what the invariants compare with (`world.booked`, `world.touched`)."""

    def __init__(self, world: World) -> None:
        self.world, self.ledger = world, world.ledger
        self._moved: list[tuple[int, str, bytes, bytes, int]] = []  # tx, asset, sender, receiver, amount of this block
        self._decoded: list[tuple[int, int, str, Fact]] = []  # tx, log, contract, fact of this block
        self._places: dict[bytes, int] = {}  # of those whose names are known, in `names`
        self.names, self._controllers, self._roles = StringPool(), StringPool(), StringPool()
        self.models: list[Got] = []

    def place(self, address: bytes) -> int:
        """Of a name in `names`."""
        place = self._places.get(address)
        if place is None:
            place = self.enrol(self.world.name_of(address), "", "")
            if address in self.world.names:
                self._places[address] = place
        return place

    def enrol(self, name: str, controller: str, role: str, address: bytes = b"") -> int:
        """Take an account's name, its controller's and its role into the columns' texts; returns their place."""
        self._controllers.add(controller)
        self._roles.add(role)
        place = self.names.add(name)
        if address:
            self._places[address] = place
        return place

    # --- reading ------------------------------------------------------------------------------------------------

    def decode(self, block: Block) -> dict[int, list[tuple[Any, Fact]]]:
        """The facts of a block by transaction; movements of money are kept for `block`."""
        facts: dict[int, list[tuple[Any, Fact]]] = {}
        if block.result is None:
            return facts
        self._moved = [(tx, "ETH", sender, receiver, wei) for tx, _, sender, receiver, wei in block.result.transfers]
        self._decoded = []
        others = self._transferred(block.result)
        for number, log in others:
            contract = self.world.contracts.get(log.address)
            if contract is None:
                continue
            event, args = contract.decode_log_(log)
            sender = block.txs[log.tx].sender
            market = self.world.market_of.get(log.address)
            fact = Fact(event.name, block.time, sender, None, args)
            if market is not None:
                if event.name == market.opening_event:
                    fact.job = block.calls()[log.tx].job  # what the transaction was to post
                fact.job = job = market.relate(fact)
                if job is not None:
                    job.moved = block.time
            self._decoded.append((log.tx, number, contract.name_, fact))
            facts.setdefault(log.tx, []).append((event, fact))
        return facts

    def _transferred(self, result: BlockResult) -> list[tuple[int, Log]]:
        """Keep what tokens moved for `block`; returns the events of all other contracts with their places."""
        tokens = self.world.tokens
        addresses = [token.address_ for token in tokens.values()]
        moved, others = result.token_transfers(addresses)
        assets = map(list(tokens).__getitem__, moved.token)
        self._moved += zip(moved.tx, assets, moved.sender, moved.receiver, moved.amount)
        return [(place, log) for place, log in others if log.address not in addresses]

    def revert(self, block: Block, i: int) -> Revert:
        """Why a transaction failed, decoded."""
        result = block.result
        assert result is not None
        if block.status[i] == Status.HALTED:
            return Revert(result.reasons.get(i, "halted"), {})
        to = block.txs[i].to
        contract = None if to is None else self.world.contracts.get(to)
        output = bytes(result.output[i])
        return contract.decode_error_(output) if contract is not None else Revert("0x" + output.hex(), {})

    # --- writing ------------------------------------------------------------------------------------------------

    def genesis(self, result: BlockResult) -> None:
        """Write down what the deployer's transaction moved."""
        self._transferred(result)
        for _, asset, sender, receiver, amount in self._moved:
            self._book(asset, sender, receiver, amount)
            self.transfer(-1, asset, self.world.name_of(sender), self.world.name_of(receiver), amount, "funding", None)
        self._moved = []

    def transfer(
        self, tx: int, asset: str, sender: str, receiver: str, amount: int, cause: str, job: str | None
    ) -> None:
        """Write down a movement of money at the chain's present block."""
        chain = self.world.chain
        self.ledger.transfers.append(
            (chain.number, tx, self.world.env.now, asset, sender, receiver, amount, cause, job)
        )

    def _book(self, asset: str, sender: bytes, receiver: bytes, amount: int) -> None:
        booked, touched = self.world.booked[asset], self.world.touched[asset]
        if sender != ZERO_ADDRESS:
            booked[sender] -= amount
            touched.add(sender)
        if receiver != ZERO_ADDRESS:
            booked[receiver] += amount
            touched.add(receiver)

    def block(self, block: Block) -> None:
        """Write down a block: its transactions, events, and every movement of money with its cause."""
        limit, executed = self.world.rules.gas_limit, sum([status < DEFERRED for status in block.status])
        self.ledger.blocks.append(
            (block.number, block.time, block.base_fee, block.gas_used, limit, executed, block.backlog)
        )
        self._dropped(block)
        if executed:
            self._executed(block)
        for tx, number, contract, fact in self._decoded:
            job = fact.job.key if fact.job is not None else None
            self.ledger.events.append(
                (block.number, tx, number, block.time, contract, fact.event, job, text(fact.args, fact.args.values()))
            )
        if self._moved:
            self._tokens(block)
        self._moved, self._decoded = [], []

    def _dropped(self, block: Block) -> None:
        transactions, result = self.ledger.transactions, block.result
        if block.dropped:
            pendings, whys = map(list, zip(*block.dropped, strict=True))
            who, none = [one.account.name_code for one in pendings], [0] * len(pendings)
            columns = self._transactions(block, pendings, who, -1, "dropped", whys, 0, none, none)
            transactions.extend(len(pendings), *columns)
        if result is not None:
            for rows in [rows.refused(result) for rows in block.crowded]:
                whys, none = [result.reasons[i] for i in rows.places.tolist()], [0] * len(rows.rows)
                columns = self._crowded(block, rows, -1, "dropped", whys, 0, none, none)
                transactions.extend(len(rows.rows), *columns)

    def left(self) -> None:
        """Write down what people sent and no block took before the run ended."""
        chain = self.world.chain
        if waiting := chain.mempool.left(chain.time, chain.last_fee):
            pendings, whys = map(list, zip(*waiting, strict=True))
            who, none = [one.account.name_code for one in pendings], [0] * len(pendings)
            block = Block(chain.number, chain.time, chain.last_fee)
            columns = self._transactions(block, pendings, who, -1, "pending", whys, 0, none, none)
            self.ledger.transactions.extend(len(pendings), *columns)

    def _executed(self, block: Block) -> None:
        """Write down what ran and what it cost: people's transactions, and those of crowds among them."""
        assert block.result is not None
        executed, ran = block.executed(), [rows.ran(block.result) for rows in block.crowded]
        parts = [self._people(block, executed)] if executed else []
        parts += [self._crowd(block, rows, block.result) for rows in ran if len(rows.rows)]
        transactions, burnt, tips = zip(*parts, strict=True)
        self.ledger.transactions.weave(transactions)
        self.ledger.transfers.weave(burnt)
        self.ledger.transfers.weave(tips)

    def _people(self, block: Block, executed: list[tuple[int, Pending]]) -> tuple[Columns, Columns, Columns]:
        """Transactions of people, the fees of theirs that burn, and those that are tips."""
        places, pendings = map(list, zip(*executed, strict=True))
        base_fee, all_gas, status = block.base_fee, block.gas, block.status
        gas = [all_gas[i] for i in places]
        burned = [used * base_fee for used in gas]
        tipped = [used * min(one.tip, one.max_fee - base_fee) for used, one in zip(gas, pendings)]
        said = [STATUS[status[i]] for i in places]
        reasons = [None if status[i] == SUCCESS else str(self.revert(block, i)) for i in places]
        who, jobs = [one.account.name_code for one in pendings], _jobs(pendings)
        self._spent([one.account.address for one in pendings], map(add, burned, tipped), sum(tipped))
        if self.world.tally is not None:
            for one, ash, tip, job in zip(pendings, burned, tipped, jobs):
                self.world.tally.spent(one.account, "ETH", ash + tip, job)
        return (
            self._transactions(block, pendings, who, places, said, reasons, gas, burned, tipped),
            *self._fees(block, who, places, burned, tipped, jobs),
        )

    def _crowd(self, block: Block, rows: BatchSlice, result: BlockResult) -> tuple[Columns, Columns, Columns]:
        """The same of a crowd."""
        crowd, places, members = rows.batch.crowd, rows.places, rows.batch.who[rows.rows]
        gas = result.gas[places].astype(np.int64)
        burned, tipped = product(gas, block.base_fee), product(gas, rows.tips(block.base_fee))
        said: Any = "success"
        reasons: Any = None
        if not (result.status[places] == SUCCESS).all():
            said = [STATUS[each] for each in result.status[places].tolist()]
            reasons = [
                None if one == "success" else str(self.revert(block, i)) for one, i in zip(said, places.tolist())
            ]
        costs = list(map(add, burned.tolist(), tipped.tolist()))
        self._spent([crowd.senders[one] for one in members.tolist()], costs, sum(tipped.tolist()))
        return (
            self._crowded(block, rows, places, said, reasons, gas, burned, tipped),
            *self._fees(block, crowd.places[members], places, burned, tipped, None),
        )

    def _spent(self, addresses: list[bytes], wei: Iterable[int], tipped: int) -> None:
        booked, touched = self.world.booked["ETH"], self.world.touched["ETH"]
        for address, amount in zip(addresses, wei):
            booked[address] -= amount
        touched.update(addresses)
        if tipped:
            booked[COINBASE] += tipped
            touched.add(COINBASE)

    def _fees(
        self, block: Block, who: Any, places: Any, burned: Any, tipped: Any, jobs: Any
    ) -> tuple[Columns, Columns]:
        names, now = self.names.column(who), self.world.env.now
        burnt = (block.number, places, now, "ETH", names, Edge.BURNT.value, burned, Cause.GAS.value, jobs)
        if not all(tipped):
            kept = [row for row in zip(who, places, tipped, repeat(None) if jobs is None else jobs) if row[2]]
            who, places, tipped, jobs = map(list, zip(*kept, strict=True)) if kept else ([], [], [], [])
            names = self.names.column(who)
        return burnt, (block.number, places, now, "ETH", names, Edge.COINBASE.value, tipped, Cause.TIP.value, jobs)

    def _transactions(
        self, block: Block, pendings: list[Pending], who: list[int], places: Any, status: Any, reasons: list[Any],
        gas: Any, burned: Any, tipped: Any,
    ) -> Columns:  # fmt: skip
        calls = [one.call for one in pendings]
        return (
            block.number, places, block.time, [one.sent for one in pendings], *self._named(who),
            [one.why for one in pendings], [one.verb for one in calls], _jobs(pendings),
            [None if one.subject is None else str(plain(one.subject)) for one in calls],
            [one.contract for one in calls], [one.function for one in calls],
            [text(one.names, one.values) for one in calls], [one.value for one in calls],
            [one.gas for one in calls], gas, burned, tipped, status, reasons,
            [block.time - one.sent for one in pendings],
        )  # fmt: skip

    def _crowded(
        self, block: Block, rows: BatchSlice, places: Any, status: Any, reasons: Any, gas: Any, burned: Any, tipped: Any
    ) -> Columns:
        batch, call = rows.batch, rows.batch.calls.call
        who, sent = batch.crowd.places[batch.who[rows.rows]], batch.sent[rows.rows]
        return (
            block.number, places, block.time, sent, *self._named(who), "", call.verb, None, None, call.contract,
            call.function, texts(batch.calls.picked(rows.rows)), call.value, call.gas, gas, burned, tipped, status,
            reasons, block.time - sent,
        )  # fmt: skip

    def _named(self, who: Any) -> tuple[Any, Any, Any]:
        return self.names.column(who), self._controllers.column(who), self._roles.column(who)

    def _tokens(self, block: Block) -> None:
        """Write down what moved with its causes, which the markets know."""
        world, calls, place = self.world, block.calls(), self.place
        tokens = {token.address_ for token in world.tokens.values()}
        pays = [call.function == "transfer" and call.to in tokens for call in calls]  # each other: no market's business
        if all(pays):
            self._paid(block.number)
            return
        rows = []
        for tx, asset, sender, receiver, amount in self._moved:
            self._book(asset, sender, receiver, amount)
            if pays[tx]:
                rows.append((tx, asset, place(sender), place(receiver), amount, "payment", None))
                continue
            call = calls[tx]
            market = world.market_of.get(call.to)
            told = market.causes(call, asset, sender, receiver, amount) if market else [("unknown", amount, None)]
            causes = list(told)
            if world.tally is not None:
                self._tallied(asset, sender, receiver, causes)
            ends = place(sender), place(receiver)
            rows += [(tx, asset, *ends, part, cause, job) for cause, part, job in causes]
        if rows:
            tx_of, assets, senders, receivers, *rest = map(list, zip(*rows, strict=True))
            names = self.names.column(senders), self.names.column(receivers)
            self.ledger.transfers.extend(len(rows), block.number, tx_of, world.env.now, assets, *names, *rest)

    def _paid(self, number: int) -> None:
        """The same where all that moved are payments."""
        txs, assets, senders, receivers, amounts = map(list, zip(*self._moved, strict=True))
        for asset in set(assets):
            wei, touched = self.world.booked[asset], self.world.touched[asset]
            for one, sender, receiver, amount in zip(assets, senders, receivers, amounts):
                if one == asset:
                    wei[sender] -= amount
                    wei[receiver] += amount
            touched.update(senders, receivers)
            wei.pop(ZERO_ADDRESS, None)  # nobody books what was made or burnt
            touched.discard(ZERO_ADDRESS)
        names = [self.names.column(list(map(self.place, ends))) for ends in (senders, receivers)]
        self.ledger.transfers.extend(
            len(txs), number, txs, self.world.env.now, assets, *names, amounts, "payment", None
        )

    def _tallied(self, asset: str, sender: bytes, receiver: bytes, causes: list[tuple[str, int, str | None]]) -> None:
        tally, accounts = self.world.tally, self.world.accounts
        assert tally is not None
        for who, sign in ((sender, -1), (receiver, 1)):
            if who in accounts:
                for _, part, job in causes:
                    tally.took(accounts[who], asset, sign * part, job)

    def _charge(self, account: Any, dollars: float, receiver: Edge, cause: Cause, job: str | None) -> None:
        """Write down USD of 18 decimals that somebody pays outside the chain."""
        if amount := round(dollars * ETH):
            self.transfer(-1, "USD", account.name, receiver.value, amount, cause.value, job)
            if self.world.tally is not None:
                self.world.tally.spent(account, "USD", amount, job)

    def compute(self, account: Any, dollars: float, job: str | None, payee: Edge = Edge.POWER) -> None:
        """Charge somebody for computing, or for other work outside the chain, in USD."""
        self._charge(account, dollars, payee, Cause.COMPUTE, job)

    def postage(self, account: Any, dollars: float, job: str | None) -> None:
        """Charge somebody for a message outside the chain, in USD."""
        self._charge(account, dollars, Edge.POST, Cause.POSTAGE, job)

    def trained(self, account: Any, order: Order, job: str, seconds: float) -> None:
        """Remember that somebody got a model, for the measurement at the end."""
        self.models.append((self.world.env.now, account.name, account.controller, job, order, seconds))
