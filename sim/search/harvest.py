"""What a campaign brings home: suspects, sequences worth going on from, and how often each function was called."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from slashpoint.sim.search.finding import Finding
    from slashpoint.sim.search.step import Step


class Target(NamedTuple):
    """A function of a contract in a setup."""

    contract: str  # its name in the setup
    signature: str  # such as transfer(address,uint256)


@dataclass
class Usage:
    """How a function fared."""

    calls: int = 0
    succeeded: int = 0
    gas: list[int] = field(default_factory=lambda: [0, 0, 0])  # lowest, sum and highest of those that succeeded


class Gain(NamedTuple):
    """The most that an account was seen to have above what it began with, in one asset."""

    amount: int  # in the asset's smallest unit
    steps: tuple[Step, ...]


@dataclass
class Harvest:
    """What a campaign saw. Nothing of it is reported before `oracles` confirmed it."""

    calls: int = 0  # that were executed, properties not counted
    suspects: list[Finding] = field(default_factory=list)
    interesting: list[tuple[Step, ...]] = field(default_factory=list)  # each reached something new, oldest first
    functions: dict[Target, Usage] = field(default_factory=dict)
    reverts: Counter[tuple[Target, bytes]] = field(default_factory=Counter)  # by revert data; empty data is a halt too
    gains: dict[tuple[str, str], Gain] = field(default_factory=dict)  # by account's name and asset ("wei" or a token)
    edges: int | None = None  # jumps seen, where the engine tells them

    def add(self, other: Harvest) -> None:
        """Take in what another campaign from the same setup saw; of two gains the larger stays."""
        self.calls += other.calls
        self.suspects += other.suspects
        self.interesting += other.interesting
        self.reverts.update(other.reverts)
        for target, usage in other.functions.items():
            mine = self.functions.setdefault(target, Usage())
            low, total, high = usage.gas
            if usage.succeeded:
                mine.gas = [
                    min(mine.gas[0], low) if mine.succeeded else low,
                    mine.gas[1] + total,
                    max(mine.gas[2], high),
                ]
            mine.calls += usage.calls
            mine.succeeded += usage.succeeded
        for key, gain in other.gains.items():
            if key not in self.gains or gain.amount > self.gains[key].amount:
                self.gains[key] = gain
        if other.edges is not None:
            self.edges = max(self.edges or 0, other.edges)
