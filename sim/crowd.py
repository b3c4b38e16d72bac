"""A crowd: many accounts whose decisions are columns, in the same mempool and the same blocks as everybody's.

A member is an account with a name, an address, ether, a latency, nonces and fees of its own; it sends one transaction,
and the next when it has heard what became of that. Only the deciding is done for all who may at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from slashpoint.sim.batch import Batch
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.units import nanoseconds, to_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.sim.batch import Numbers, Places
    from slashpoint.sim.contract.rows import CallRows
    from slashpoint.sim.world import World

BYSTANDER = "bystander"  # strategy of who wants nothing of the market: what its payments are worth nobody knows


@dataclass(slots=True, eq=False)
class Member:
    """One account of a crowd, and the person behind it."""

    name: str
    address: bytes
    crowd: Crowd
    name_code: int = -1  # of its name among the ledger's texts
    executed: int = 0  # transactions that ran

    attacker = False

    @property
    def strategy(self) -> str:
        """Return the strategy that all of the crowd follow."""
        return self.crowd.strategy

    @property
    def person(self) -> Member:
        """Return the person behind it: itself."""
        return self

    @property
    def controller(self) -> str:
        """Return the name of the person whose profit its profit is."""
        return self.name

    @property
    def role(self) -> str:
        """Return the role that all of the crowd play."""
        return self.crowd.role

    @property
    def roles(self) -> list[str]:
        """Return that role as a list."""
        return [self.crowd.role]


class Crowd:
    """Accounts that act alike, by columns: row i of each is member i's. A subclass says what they do.

    Args:
        world: where they live.
        role: what they are called: member 7 of role payer is `payer/7`.
        latencies: of each member, seconds.
        eth: first endowment of each, ETH.
        tokens: first endowment of each, whole tokens by symbol.
    """

    strategy: ClassVar[str] = "honest"  # or BYSTANDER

    def __init__(
        self, world: World, role: str, latencies: Sequence[float], eth: float, tokens: dict[str, float]
    ) -> None:
        self.world, self.role = world, role
        names = [f"{role}/{i}" for i in range(len(latencies))]
        self.members = [Member(name, address_of(name, world.rules.addresses), self) for name in names]
        self.latency = np.array([nanoseconds(seconds) for seconds in latencies], np.int64)
        self.rank = np.array([2 + world.luck("rank", name).integer(2**62) for name in names], np.uint64)
        self.senders = [member.address for member in self.members]
        self.addresses = np.frombuffer(b"".join(self.senders), np.uint8).reshape(-1, 20)  # the same as an array
        self.heard = np.full(len(names), world.env.now, np.int64)  # nanoseconds: when each may act next
        self.nonce = np.zeros(len(names), np.int64)
        self.free = np.ones(len(names), np.bool_)  # who has nothing pending
        self.ok, self.gas = np.zeros(len(names), np.bool_), np.zeros(len(names), np.int64)  # of each one's last
        self.batches: list[Batch] = []
        for member in self.members:
            world.register(member)
            owned = {asset: world.to_units(asset, each) for asset, each in tokens.items()}
            world.endow(member, to_units(eth), owned)
        self.name_codes = np.array([member.name_code for member in self.members], np.int32)
        world.chain.crowds.append(self)

    def act(self, free: Places) -> None:
        """Decide: `sends` for some of those who have nothing pending, as each hears of the latest block."""
        raise NotImplementedError

    def sends(self, calls: CallRows, who: Places, tip: Numbers | int, max_fee: Numbers | int | None = None) -> None:
        """Send one transaction for each of `who`, in wei per gas as `Me.sends` has it.

        Args:
            calls: one for each of `who`.
            who: places of members, none of whom has anything pending.
            tip: wei per gas, of each or of all.
            max_fee: the same, at most with the base fee; twice the base fee and the tip unless given.

        Raises:
            ValueError: somebody has one pending, or it declares more gas than any block has.
        """
        chain, call = self.world.chain, calls.call
        if len(calls) != len(who) or not self.free[who].all() or len(np.unique(who)) != len(who):
            raise ValueError(f"each {self.role} sends one transaction, and the next when it has heard of that")
        if call.gas > chain.rules.gas_limit:
            raise ValueError(f"never fits a block: declares {call.gas:,} gas of {chain.rules.gas_limit:,}")
        tips = np.broadcast_to(np.asarray(tip, np.int64), len(who))
        most = (
            tips + 2 * chain.base_fee if max_fee is None else np.broadcast_to(np.asarray(max_fee, np.int64), len(who))
        )
        sent = self.heard[who]
        self.free[who] = False
        waiting = np.ones(len(who), np.bool_)
        self.batches.append(
            Batch(self, calls, who, tips, most, self.nonce[who], sent, sent + self.latency[who], waiting)
        )
        self.nonce[who] += 1

    @property
    def backlog(self) -> int:
        """Return how many transactions wait for a block."""
        return int((~self.free).sum())

    def decide(self) -> None:
        """Let those decide who may."""
        free = np.flatnonzero(self.free)
        if len(free):
            self.act(free)

    def hears(self, time: int) -> None:
        """Let everybody hear, after its latency, that a block is out (nanoseconds)."""
        self.heard = time + self.latency
        self.batches = [batch for batch in self.batches if batch.waiting.any()]
