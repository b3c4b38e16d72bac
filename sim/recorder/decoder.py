"""From the engine's result of a block to facts, reverts and movements of money."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from slashpoint.sim.contract import Revert
from slashpoint.sim.engine import Status
from slashpoint.sim.facts import Fact

if TYPE_CHECKING:
    from slashpoint.sim.block import Block
    from slashpoint.sim.contract import Call, Event
    from slashpoint.sim.engine import BlockResult, Log
    from slashpoint.sim.intention import Pending
    from slashpoint.sim.state import State


class Movements(NamedTuple):
    """What moved in a block, in columns of equal length: wei first, then tokens; fees are not among it."""

    tx: list[int]  # index of the transaction
    asset: list[str]
    sender: list[bytes]  # addresses
    receiver: list[bytes]
    amount: list[int]  # smallest units


class Emitted(NamedTuple):
    """An event of a contract that the world knows."""

    tx: int  # index of the transaction
    log: int  # index among the logs of the block
    contract: str  # name
    fact: Fact


@dataclass(slots=True)
class Decoded:
    """What a block did, decoded."""

    movements: Movements = field(default_factory=lambda: Movements([], [], [], [], []))
    events: list[Emitted] = field(default_factory=list)
    facts: dict[int, list[tuple[Event, Fact]]] = field(default_factory=dict)  # the events by transaction


def verb_fact(pending: Pending, time: int) -> Fact:
    """Return the fact that an intention succeeded, under its verb.

    Args:
        pending: the intention.
        time: of the block that it was in, nanoseconds.
    """
    call = pending.call
    about = {"subject": call.subject, "carries": call.carries}
    return Fact(call.verb, time, pending.account.address, call.job, about)


class Decoder:
    """Decodes what a block did by what a world knows of contracts, tokens and markets."""

    def __init__(self, world: State) -> None:
        self._world = world

    def decode(self, block: Block) -> Decoded:
        """Return what a block did; its markets learn of their events here."""
        if block.result is None:
            return Decoded()
        self._world.births.read(block.result)
        movements, others = self.movements(block.result)
        decoded = Decoded(movements)
        calls: list[Call] = []  # of the block, once an event opens a job
        known = self._world.contracts.get
        for number, log in others:
            contract = known(log.address) or self._world.births.known(log.address)
            if contract is None:
                continue
            event, args = contract.decode_log_(log)
            sender = block.txs[log.tx].sender
            market = self._world.market_of.get(log.address)
            fact = Fact(event.name, block.time, sender, None, args, log.address)
            if market is not None:
                if event.name == market.opening_event:
                    calls = calls or block.calls()
                    fact.job = calls[log.tx].job  # what the transaction was to post
                fact.job = job = market.relate(fact)
                if job is not None:
                    job.moved = block.time
            decoded.events.append(Emitted(log.tx, number, contract.name_, fact))
            decoded.facts.setdefault(log.tx, []).append((event, fact))
        return decoded

    def movements(self, result: BlockResult) -> tuple[Movements, list[tuple[int, Log]]]:
        """Return what a block moved, and the events with their indices; of a token that is no market's, none."""
        tokens, markets = self._world.tokens, self._world.market_of
        addresses = [token.address_ for token in tokens.values()]
        moved, others = result.token_transfers(addresses)
        assets = list(map(list(tokens).__getitem__, moved.token))
        movements = Movements(moved.tx, assets, moved.sender, moved.receiver, moved.amount)
        if result.transfers:
            txs, _, senders, receivers, wei = map(list, zip(*result.transfers))
            first = Movements(txs, ["ETH"] * len(txs), senders, receivers, wei)
            movements = Movements(*(ether + token for ether, token in zip(first, movements)))  # type: ignore[operator]
        mute = {each for each in addresses if each not in markets or each not in markets[each].addresses}
        return movements, [(place, log) for place, log in others if log.address not in mute]

    def revert(self, block: Block, i: int) -> Revert:
        """Return why a transaction failed, decoded.

        Args:
            block: that it was in.
            i: its index in the block.
        """
        result = block.result
        assert result is not None
        if block.status[i] == Status.HALTED:
            return Revert(result.reasons.get(i, "halted"), {})
        to = block.txs[i].to
        contract = None if to is None else self._world.contract_at(to)
        output = bytes(result.output[i])
        if contract is None:
            return Revert("0x" + output.hex(), {})
        why = contract.decode_error_(output)
        market = self._world.market_of.get(contract.address_)
        if not why.name.startswith("0x") or market is None:
            return why
        passed_on = (each.decode_error_(output) for each in market.sources)  # what it called may know the error
        return next((each for each in passed_on if not each.name.startswith("0x")), why)
