"""The recorder: reads what a block did, for agents as facts and for the ledger as rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slashpoint.sim.chain import COINBASE
from slashpoint.sim.contract import Revert
from slashpoint.sim.engine import ZERO_ADDRESS, Status
from slashpoint.sim.facts import Fact
from slashpoint.sim.store import cid
from slashpoint.sim.units import ETH

if TYPE_CHECKING:
    from slashpoint.sim.chain import Block, Pending
    from slashpoint.sim.engine import BlockResult
    from slashpoint.sim.learning import Order
    from slashpoint.sim.world import World

STATUS = [status.name.lower() for status in Status]
SUCCESS = int(Status.SUCCESS)  # an enumeration's own comparison costs more than the row
SAFE = 2**53  # integers beyond it are text in JSON, for readers that take numbers for doubles


def plain(value: Any) -> Any:
    """A value as JSON has it: bytes in hex, large integers as text."""
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        return value if -SAFE < value < SAFE else str(value)
    if isinstance(value, bytes | bytearray):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def text(args: dict[str, Any]) -> str:
    """Arguments as JSON; the usual kinds without the detour through `plain`, which is slower by half."""
    parts = []
    for name, value in args.items():
        kind = type(value)
        if kind is int and -SAFE < value < SAFE:
            parts.append(f'"{name}": {value}')
        elif kind is int:
            parts.append(f'"{name}": "{value}"')
        elif kind is bytes:
            parts.append(f'"{name}": "0x{value.hex()}"')
        else:
            parts.append(f'"{name}": {json.dumps(plain(value))}')
    return "{" + ", ".join(parts) + "}"


def deed(pending: Pending, time: int) -> Fact:
    """An intention that succeeded, as a fact under its verb."""
    call = pending.call
    about = {"subject": call.subject, "carries": call.carries}
    return Fact(call.verb, time, pending.account.address, call.job, about)


def _row(
    block: Block,
    i: int,
    pending: Pending,
    status: str,
    reason: str | None,
    gas: int = 0,
    burned: int = 0,
    tipped: int = 0,
) -> tuple[Any, ...]:
    """A row of the table of transactions."""
    call, account, sent = pending.call, pending.account, pending.sent
    return (
        block.number, i, block.time, sent, account.name, account.controller, account.role,
        pending.why, call.verb, call.job.key if call.job is not None else None,
        None if call.subject is None else str(plain(call.subject)), call.contract, call.function,
        text(call.args), call.value, call.gas, gas, burned, tipped, status, reason, block.time - sent,
    )  # fmt: skip


class Recorder:
    """Writes a world's ledger; keeps what the invariants compare with (`world.booked`, `world.touched`)."""

    def __init__(self, world: World) -> None:
        self.world, self.ledger = world, world.ledger
        self._moved: list[tuple[int, str, bytes, bytes, int]] = []  # tx, asset, sender, receiver, amount of this block
        self._decoded: list[tuple[int, int, str, Fact]] = []  # tx, log, contract, fact of this block
        self._models: list[tuple[int, str, str, str, Order, float]] = []

    # --- reading ------------------------------------------------------------------------------------------------

    def decode(self, block: Block) -> dict[int, list[tuple[Any, Fact]]]:
        """The facts of a block by transaction; movements of money are kept for `block`."""
        facts: dict[int, list[tuple[Any, Fact]]] = {}
        if block.result is None:
            return facts
        self._moved = [(tx, "ETH", sender, receiver, wei) for tx, _, sender, receiver, wei in block.result.transfers]
        self._decoded = []
        assets = {token.address: symbol for symbol, token in self.world.tokens.items()}
        for number, log in enumerate(block.result.logs):
            contract = self.world.contracts.get(log.address)
            if contract is None:
                continue
            event, args = contract.decode_log(log)
            if log.address in assets:
                self._token(assets[log.address], log.tx, event.name, args)
                continue
            sender = block.included[log.tx].account.address
            market = self.world.market_of.get(log.address)
            fact = Fact(event.name, block.time, sender, None, args)
            if market is not None:
                fact.job = market.relate(fact)
            self._decoded.append((log.tx, number, contract.name, fact))
            facts.setdefault(log.tx, []).append((event, fact))
        return facts

    def _token(self, asset: str, tx: int, event: str, args: dict[str, Any]) -> None:
        if event == "Transfer":
            sender, receiver, amount = args.values()
            if amount and sender != receiver:
                self._moved.append((tx, asset, sender, receiver, amount))

    def revert(self, block: Block, i: int) -> Revert:
        """Why a transaction failed, decoded."""
        result = block.result
        assert result is not None
        if block.status[i] == Status.HALTED:
            return Revert(result.reasons.get(i, "halted"), {})
        contract = self.world.contracts.get(block.included[i].call.to)
        output = bytes(result.output[i])
        return contract.decode_error(output) if contract is not None else Revert("0x" + output.hex(), {})

    # --- writing ------------------------------------------------------------------------------------------------

    def genesis(self, result: BlockResult) -> None:
        """Write down what the deployer's transaction moved."""
        for log in result.logs:
            for asset, token in self.world.tokens.items():
                if token.address == log.address:
                    event, args = token.decode_log(log)
                    self._token(asset, -1, event.name, args)
        for tx, asset, sender, receiver, amount in self._moved:
            self._book(asset, sender, receiver, amount)
            self.transfer(tx, asset, self.world.name_of(sender), self.world.name_of(receiver), amount, "funding", None)
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
        world, ledger = self.world, self.ledger
        executed = block.executed()
        ledger.blocks.append(
            (
                block.number,
                block.time,
                block.base_fee,
                block.gas_used,
                world.rules.gas_limit,
                len(executed),
                block.backlog,
            )
        )
        rows, fees = ledger.transactions.rows, ledger.transfers.rows
        rows += [_row(block, -1, pending, "dropped", why) for pending, why in block.dropped]
        booked, base_fee = world.booked["ETH"], block.base_fee
        number, time, now, all_tipped = block.number, block.time, world.env.now, 0
        for i, pending in executed:
            gas, status, account, job = block.gas[i], block.status[i], pending.account, pending.call.job
            burned, tipped = gas * base_fee, gas * min(pending.tip, pending.max_fee - base_fee)
            reason = None if status == SUCCESS else str(self.revert(block, i))
            rows.append(_row(block, i, pending, STATUS[status], reason, gas, burned, tipped))
            name, key = account.name, job if job is None else job.key
            booked[account.address] -= burned + tipped
            fees.append((number, i, now, "ETH", name, "burnt", burned, "gas", key))
            if tipped:
                all_tipped += tipped
                fees.append((number, i, now, "ETH", name, "coinbase", tipped, "tip", key))
        world.touched["ETH"].update([pending.account.address for _, pending in executed])
        if all_tipped:
            booked[COINBASE] += all_tipped
            world.touched["ETH"].add(COINBASE)
        ledger.events.rows += [
            (
                number,
                tx,
                log,
                time,
                contract,
                fact.event,
                fact.job.key if fact.job is not None else None,
                text(fact.args),
            )
            for tx, log, contract, fact in self._decoded
        ]
        for tx, asset, sender, receiver, amount in self._moved:
            self._book(asset, sender, receiver, amount)
            call = block.included[tx].call
            market = world.market_of.get(call.to)
            causes = market.causes(call, asset, sender, receiver, amount) if market else [("unknown", amount, None)]
            ends = world.name_of(sender), world.name_of(receiver)
            fees += [(number, tx, now, asset, *ends, part, cause, job) for cause, part, job in causes]
        self._moved, self._decoded = [], []

    def compute(self, account: Any, dollars: float, job: str | None) -> None:
        """Charge somebody for computing, in USD of 18 decimals."""
        amount = round(dollars * ETH)
        if amount:
            self.transfer(-1, "USD", account.name, "power company", amount, "compute", job)

    def trained(self, account: Any, order: Order, job: str, seconds: float) -> None:
        """Remember that somebody got a model, for the measurement at the end."""
        self._models.append((self.world.env.now, account.name, account.controller, job, order, seconds))

    def close(self) -> None:
        """Write down what is measured once a run is over: models, jobs, accounts, and who holds what."""
        world, ledger, workshop = self.world, self.ledger, self.world.workshop
        task = workshop.task
        for time, account, controller, job, order, seconds in self._models:
            model = workshop.model(order)
            right = workshop.score(model, order.problem)
            ledger.models.append((
                time, account, controller, job, cid(model).hex(), order.effort, seconds, right,
                order.problem.scale, task.kind, len(model),
            ))  # fmt: skip
        for market in world.markets:
            for job in market.jobs.values():
                got = market.delivered(job)
                score = None if got is None else workshop.score(got, job.task)
                value = job.terms.value(score / job.scale) if score is not None else None
                ledger.jobs.append((
                    job.key, market.name, world.name_of(job.poster), job.reward, job.stake, job.scale, job.unit,
                    market.asset, job.born, job.deadline_ns, job.closed, job.outcome,
                    world.name_of(job.winner) if job.winner else None, score, value,
                ))  # fmt: skip
        for account in sorted(world.accounts.values(), key=lambda account: account.name):
            strategy, attacker = account.person.strategy, account.person.attacker
            roles = "+".join(account.roles)
            ledger.accounts.append(
                (account.name, account.controller, roles, strategy, attacker, "0x" + account.address.hex())
            )
        for address, name in sorted(world.names.items(), key=lambda item: item[1]):
            self._holdings(address, name)

    def _holdings(self, address: bytes, name: str) -> None:
        world, ledger = self.world, self.ledger
        ledger.holdings.append((name, "ETH", "balance", world.engine.balance(address), None))
        for symbol, token in world.tokens.items():
            if held := token.balanceOf(address):
                ledger.holdings.append((name, symbol, "balance", held, None))
        for market in world.markets:
            if address in world.accounts and (owed := market.owed(address)):
                ledger.holdings.append((name, market.asset, "owed", owed, market.name))
