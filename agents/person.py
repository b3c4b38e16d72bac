"""Persons and their accounts: a brain, a device, a conduct, and addresses to act under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import mesa

from slashpoint.agents.knowledge import Knowledge
from slashpoint.sim.engine.keys import address_of
from slashpoint.sim.script import Device
from slashpoint.sim.units import nanoseconds, to_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.agents.conduct import Conduct
    from slashpoint.agents.roles import Role
    from slashpoint.sim.market import Market
    from slashpoint.sim.script import Script
    from slashpoint.sim.world import World


@dataclass(frozen=True)
class Traits:
    """What a person's circumstances are; drawn from the population's distributions, keyed by name."""

    latency: float = 0.5  # seconds to hear of a block or to be heard
    speed: float = 1.0  # of the training device, relative to the reference device
    compute_usd_hour: float = 0.0  # what an hour of the device costs, USD: electricity
    data_share: float = 1.0  # of a public training set that the device can hold
    eth: float = 10.0  # first endowment, ETH
    tokens: float = 1000.0  # first endowment, whole tokens
    outside_usd: float = 0.0  # what the person could earn in a job's stead, where entry is free


@dataclass(eq=False)
class Account:
    """One address of a person."""

    name: str
    address: bytes
    person: Person
    rank: int  # its place among those who act at the same instant: a hash
    latency: int  # nanoseconds
    roles: list[str]
    next_nonce: int = 0
    executed: int = 0  # transactions that ran
    name_code: int = -1  # of its name among the ledger's texts

    def __post_init__(self) -> None:
        self.controller = self.person.name  # whose profit its profit is
        self.role = "+".join(self.roles)


class Person(mesa.Agent):
    """Somebody with a brain, one device, a conduct and one or more accounts.

    A Sybil is one person with several accounts; a cartel is several persons with one `coalition`.
    """

    def __init__(
        self,
        world: World,
        name: str,
        roles: Sequence[Role],
        traits: Traits,
        *,
        strategy: str = "honest",
        coalition: Knowledge | None = None,
    ) -> None:
        super().__init__(world)
        self.world = world
        self.name, self.roles, self.traits, self.strategy = name, list(roles), traits, strategy
        self.attacker = strategy != "honest"
        self.luck = world.luck("person", name)
        self.knowledge = Knowledge()
        self.coalition = coalition or self.knowledge
        self.device = Device(world.env)
        self.used: dict[str, int] = {}  # nanoseconds of the device, by job's key: what is over
        self.busy: tuple[str, int] | None = None  # the job that the device works for, and since when
        self.accounts: list[Account] = []
        self.lives: list[Script] = []  # one for each role of each account
        self.removed = False
        for i in range(max(role.conduct.identities(type(role)) for role in self.roles)):
            self._account(i)

    @property
    def conduct(self) -> Conduct:
        """How the person answers duties."""
        return self.roles[0].conduct

    def _account(self, i: int) -> Account:
        world = self.world
        name = self.name if i == 0 else f"{self.name}+{i}"
        address = address_of(name, world.rules.addresses)
        rank = 2 + world.luck("rank", name).integer(2**62)
        roles = [role.name for role in self.roles if i < role.conduct.identities(type(role))]
        account = Account(name, address, self, rank, nanoseconds(self.traits.latency), roles)
        self.accounts.append(account)
        self.knowledge.addresses.add(address)
        self.coalition.addresses.add(address)
        world.register(account)
        return account

    def endow(self, market: Market) -> None:
        """Share the person's first money among the accounts: an identity costs its controller what it holds."""
        shares = len(self.accounts)
        wei, tokens = (
            to_units(self.traits.eth) // shares,
            self.world.to_units(market.asset, self.traits.tokens) // shares,
        )
        for account in self.accounts:
            self.world.endow(account, wei, {market.asset: tokens} if market.asset != "ETH" else {})

    def begin(self) -> None:
        """Start the scripts of each account's roles."""
        from slashpoint.agents.me import Me

        for i, account in enumerate(self.accounts):
            for role in self.roles:
                if i < role.conduct.identities(type(role)):
                    self.lives.append(Me(self.world, account).plays(role))

    def works(self, job: str | None) -> None:
        """Note what the device works for from now on; None for nothing."""
        now = self.world.env.now
        if self.busy is not None:
            before, since = self.busy
            self.used[before] = self.used.get(before, 0) + now - since
        self.busy = None if job is None else (job, now)

    def remove(self) -> None:
        """Leave the world: nothing new is sent, and what was used until now is charged.

        What was sent before stays in the mempool, and what it owns or is owed stays its own.
        """
        self.removed = True
        for script in self.lives:
            script.cancel()
        super().remove()
