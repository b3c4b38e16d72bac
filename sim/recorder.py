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
    from slashpoint.sim.engine import BlockResult, Log
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


def _jobs(pendings: list[Pending]) -> list[str | None]:
    return [None if one.call.job is None else one.call.job.key for one in pendings]


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
        others = self._transferred(block.result)
        for number, log in others:
            contract = self.world.contracts.get(log.address)
            if contract is None:
                continue
            event, args = contract.decode_log(log)
            sender = block.included[log.tx].account.address
            market = self.world.market_of.get(log.address)
            fact = Fact(event.name, block.time, sender, None, args)
            if market is not None:
                fact.job = market.relate(fact)
            self._decoded.append((log.tx, number, contract.name, fact))
            facts.setdefault(log.tx, []).append((event, fact))
        return facts

    def _transferred(self, result: BlockResult) -> list[tuple[int, Log]]:
        """Keep what tokens moved for `block`; returns the events of all other contracts with their places."""
        tokens = self.world.tokens
        addresses = [token.address for token in tokens.values()]
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
        contract = self.world.contracts.get(block.included[i].call.to)
        output = bytes(result.output[i])
        return contract.decode_error(output) if contract is not None else Revert("0x" + output.hex(), {})

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
        executed, limit = block.executed(), self.world.rules.gas_limit
        self.ledger.blocks.append(
            (block.number, block.time, block.base_fee, block.gas_used, limit, len(executed), block.backlog)
        )
        if block.dropped:
            dropped, whys = map(list, zip(*block.dropped, strict=True))
            self._transactions(block, dropped, -1, "dropped", whys, 0, [0] * len(dropped), [0] * len(dropped))
        if executed:
            self._executed(block, executed)
        for tx, number, contract, fact in self._decoded:
            job = fact.job.key if fact.job is not None else None
            self.ledger.events.append(
                (block.number, tx, number, block.time, contract, fact.event, job, text(fact.args))
            )
        if self._moved:
            self._tokens(block)
        self._moved, self._decoded = [], []

    def _executed(self, block: Block, executed: list[tuple[int, Pending]]) -> None:
        places, pendings = map(list, zip(*executed, strict=True))
        base_fee, all_gas, status = block.base_fee, block.gas, block.status
        gas = [all_gas[i] for i in places]
        burned = [used * base_fee for used in gas]
        tipped = [used * min(one.tip, one.max_fee - base_fee) for used, one in zip(gas, pendings)]
        said = [STATUS[status[i]] for i in places]
        reasons = [None if status[i] == SUCCESS else str(self.revert(block, i)) for i in places]
        self._transactions(block, pendings, places, said, reasons, gas, burned, tipped)
        booked, touched = self.world.booked["ETH"], self.world.touched["ETH"]
        for one, ash, tip in zip(pendings, burned, tipped):
            booked[one.account.address] -= ash + tip
        touched.update([one.account.address for one in pendings])
        names, jobs = [one.account.name for one in pendings], _jobs(pendings)
        if self.world.tally is not None:
            for one, ash, tip, job in zip(pendings, burned, tipped, jobs):
                self.world.tally.spent(one.account, "ETH", ash + tip, job)
        extend, about = self.ledger.transfers.extend, (block.number, self.world.env.now)
        extend(len(places), about[0], places, about[1], "ETH", names, "burnt", burned, "gas", jobs)
        if any(tipped):
            booked[COINBASE] += sum(tipped)
            touched.add(COINBASE)
            paid = [row for row in zip(places, names, tipped, jobs) if row[2]]
            places, names, tipped, jobs = map(list, zip(*paid, strict=True))
            extend(len(places), about[0], places, about[1], "ETH", names, "coinbase", tipped, "tip", jobs)

    def _transactions(
        self,
        block: Block,
        pendings: list[Pending],
        places: Any,
        status: Any,
        reasons: list[Any],
        gas: Any,
        burned: list[int],
        tipped: list[int],
    ) -> None:
        calls, accounts = [one.call for one in pendings], [one.account for one in pendings]
        self.ledger.transactions.extend(
            len(pendings), block.number, places, block.time, [one.sent for one in pendings],
            [one.name for one in accounts], [one.controller for one in accounts], [one.role for one in accounts],
            [one.why for one in pendings], [one.verb for one in calls], _jobs(pendings),
            [None if one.subject is None else str(plain(one.subject)) for one in calls],
            [one.contract for one in calls], [one.function for one in calls], [text(one.args) for one in calls],
            [one.value for one in calls], [one.gas for one in calls], gas, burned, tipped, status, reasons,
            [block.time - one.sent for one in pendings],
        )  # fmt: skip

    def _tokens(self, block: Block) -> None:
        """Write down what moved with its causes, which the markets know."""
        world, included = self.world, block.included
        rows = []
        for tx, asset, sender, receiver, amount in self._moved:
            self._book(asset, sender, receiver, amount)
            call = included[tx].call
            market = world.market_of.get(call.to)
            told = market.causes(call, asset, sender, receiver, amount) if market else [("unknown", amount, None)]
            causes = list(told)
            if world.tally is not None:
                self._tallied(asset, sender, receiver, causes)
            ends = world.name_of(sender), world.name_of(receiver)
            rows += [(tx, asset, *ends, part, cause, job) for cause, part, job in causes]
        if rows:
            tx_of, *columns = map(list, zip(*rows, strict=True))
            self.ledger.transfers.extend(len(rows), block.number, tx_of, world.env.now, *columns)

    def _tallied(self, asset: str, sender: bytes, receiver: bytes, causes: list[tuple[str, int, str | None]]) -> None:
        tally, accounts = self.world.tally, self.world.accounts
        assert tally is not None
        for who, sign in ((sender, -1), (receiver, 1)):
            if who in accounts:
                for _, part, job in causes:
                    tally.took(accounts[who], asset, sign * part, job)

    def _charge(self, account: Any, dollars: float, receiver: str, cause: str, job: str | None) -> None:
        """Write down USD of 18 decimals that somebody pays outside the chain."""
        if amount := round(dollars * ETH):
            self.transfer(-1, "USD", account.name, receiver, amount, cause, job)
            if self.world.tally is not None:
                self.world.tally.spent(account, "USD", amount, job)

    def compute(self, account: Any, dollars: float, job: str | None, payee: str = "power company") -> None:
        """Charge somebody for computing, or for other work outside the chain, in USD."""
        self._charge(account, dollars, payee, "compute", job)

    def postage(self, account: Any, dollars: float, job: str | None) -> None:
        """Charge somebody for a message outside the chain, in USD."""
        self._charge(account, dollars, "post office", "postage", job)

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
                fooled = None if got is None else self._fooled(got, job)
                ledger.jobs.append((
                    job.key, market.name, world.name_of(job.poster), job.reward, job.stake, job.scale, job.unit,
                    market.asset, job.born, job.deadline_ns, job.closed, job.outcome,
                    world.name_of(job.winner) if job.winner else None, score, value, fooled,
                ))  # fmt: skip
        for account in sorted(world.accounts.values(), key=lambda account: account.name):
            strategy, attacker = account.person.strategy, account.person.attacker
            roles = "+".join(account.roles)
            ledger.accounts.append(
                (account.name, account.controller, roles, strategy, attacker, "0x" + account.address.hex())
            )
        for address, name in sorted(world.names.items(), key=lambda item: item[1]):
            self._holdings(address, name)

    def _fooled(self, model: bytes, job: Any) -> float | None:
        """How well the worst of the backdoors that were trained for a job opens a model."""
        poisons = {order.poison for *_, key, order, _ in self._models if key == job.key}
        try:
            opened = (self.world.workshop.task.fooled(model, job.task, one) for one in poisons if one and one.mark)
            return max(opened, default=None)
        except NotImplementedError:  # a surrogate: nothing is marked there
            return None

    def _holdings(self, address: bytes, name: str) -> None:
        world, ledger = self.world, self.ledger
        ledger.holdings.append((name, "ETH", "balance", world.engine.balance(address), None))
        for symbol, token in world.tokens.items():
            if held := token.balanceOf(address):
                ledger.holdings.append((name, symbol, "balance", held, None))
        for market in world.markets:
            if address in world.accounts and (owed := market.owed(address)):
                ledger.holdings.append((name, market.asset, "owed", owed, market.name))
