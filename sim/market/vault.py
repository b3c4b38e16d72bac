"""Vault: what every market whose contract holds one token in escrow has in common, and what must hold of it.

Each check reads the latest block's events about the jobs that it stirred, so its cost follows the traffic.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slashpoint.sim.invariants import invariant
from slashpoint.sim.ledger.money import Cause
from slashpoint.sim.market import Job, Market

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slashpoint.sim.contract import Call, Contract
    from slashpoint.sim.facts import Fact
    from slashpoint.sim.world import World

REWARD, STAKE, REFUND, SLASH, BOUNTY, FEE = range(6)  # the contract's Cause
CREDITS = tuple(
    one.value for one in (Cause.REWARD, Cause.STAKE, Cause.REFUND, Cause.SLASH, Cause.BOUNTY, Cause.FEE)
)  # the same, in words


@dataclass
class Vaulted(Market):
    """A market on a contract that is a Vault: escrow, debts and a treasury, paid out when people ask."""

    credits: dict[bytes, list[tuple[str, int, str | None]]] = field(default_factory=lambda: defaultdict(list))
    taken: dict[bytes, list[list[tuple[str, int, str | None]]]] = field(default_factory=lambda: defaultdict(list))
    credited: dict[bytes, int] = field(default_factory=lambda: defaultdict(int))  # and not withdrawn
    stirred: dict[int, Job | None] = field(default_factory=dict)  # jobs by id with an event in the latest block
    moved: set[bytes] = field(default_factory=set)  # who was credited or withdrew in it
    last_event_time: int = -1  # nanoseconds: of that block
    keeper: bool | None = None  # whether an honest one is there; None until somebody asks

    @property
    def token(self) -> Contract:
        """The token that the vault holds."""
        return self.world.tokens[self.asset]

    def withdraws(self, job: Job | None = None) -> Call:
        """Take what one is owed."""
        return self.does("withdraws", job, self.contract.withdraw(gas=100_000))

    def owed(self, address: bytes) -> int:
        """Return what an account may withdraw."""
        return int(self.contract.owed(address))

    def liabilities(self) -> dict[str, dict[str, int]]:
        """Return what is held for jobs, what may be withdrawn, and the contract's own."""
        return {
            self.asset: {
                "in escrow": self.contract.escrow(),
                "owed": self.contract.owedTotal(),
                "in the treasury": self.contract.treasury(),
            }
        }

    def kept(self) -> dict[str, int]:
        """Return what is in the treasury, by asset."""
        return {self.asset: self.contract.treasury()}

    def withdrawn(self, who: bytes, amount: int, job: str | None) -> Sequence[tuple[str, int, str | None]]:
        """Return what somebody's next withdrawal consists of: all that it was credited since the one before.

        Args:
            who: an address.
            amount: smallest units.
            job: the key of the job that the call names.
        """
        parts = self.taken[who].pop(0) if self.taken[who] else []
        rest = amount - sum(part for _, part, _ in parts)
        return [*parts, ("unknown", rest, job)] if rest else parts

    def relate(self, fact: Fact) -> Job | None:
        """Return the job that an event is about, and note what was credited and withdrawn."""
        job = super().relate(fact)
        self._watch(fact, job)
        return job

    def _watch(self, fact: Fact, job: Job | None) -> None:
        if fact.time != self.last_event_time:
            self.last_event_time = fact.time
            self.stirred.clear()
            self.moved.clear()
        args = fact.args
        number = args.get(self.argument("id"), args.get("id"))  # a Vault's own events say `id`
        if number is not None:
            self.stirred[number] = job
        if fact.event in {"Credited", "Withdrawn"}:
            self.moved.add(args["who"])
            self.credited[args["who"]] += args["amount"] if fact.event == "Credited" else -args["amount"]
        if fact.event == "Withdrawn":  # in order: what the same block credits after it is the next one's
            self.taken[args["who"]].append(self.credits.pop(args["who"], []))
        if fact.event == "Credited":
            self.credits[args["who"]].append((CREDITS[args["cause"]], args["amount"], job.key if job else None))

    def _now(self, world: World) -> dict[int, Job | None]:
        """Return the jobs that the latest block stirred."""
        return self.stirred if self.last_event_time == world.chain.time else {}

    def _over(self, world: World) -> Iterator[Job]:
        """Those of them that are over."""
        return (job for job in self._now(world).values() if job is not None and job.closed is not None)

    def heard(self, job: Job) -> bool:
        """Whether an honest keeper is there whose calls about a job get into blocks: none waits, none was dropped."""
        world = self.world
        if self.keeper is None:
            accounts = world.accounts.values()
            self.keeper = any("keeper" in one.roles and not one.person.attacker for one in accounts)
        waits = (one for one in world.chain.mempool if one.call.verb == "pokes")
        dropped = (one.pending for one in world.pokes if one.dropped)
        return self.keeper and not any(one.call.job is job for one in (*waits, *dropped))

    def _events_of(self, event: str, job: Job) -> Sequence[Fact]:
        return self.world.facts.of(self.contract.event_(event), job.key)

    @invariant
    def debts_add_up(self, world: World) -> Iterator[str]:
        """What somebody may withdraw is what was credited and not withdrawn."""
        if self.last_event_time != world.chain.time:
            return
        for who in sorted(self.moved):
            if (owed := self.owed(who)) != (due := self.credited[who]):
                yield f"{world.name_of(who)} is owed {owed}, and was credited {due} more than it withdrew"
        if (total := self.contract.owedTotal()) != (due := sum(self.credited.values())):
            yield f"the debts are {total}, and what was credited and not withdrawn is {due}"
