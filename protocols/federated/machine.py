"""The machine: the deterministic program that validators of federated rounds run, and what it puts out.

It reads a round's inputs, decides which updates are accepted, merges them into the next base and says who is paid what.
Whoever runs it on the same counts gets the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from slashpoint.sim.learning import contribution
from slashpoint.sim.learning.defences import aggregate
from slashpoint.sim.luck import Luck
from slashpoint.sim.market.tree import Tree, leaf
from slashpoint.sim.store import cid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from slashpoint.sim.learning import Task
    from slashpoint.sim.learning.contribution import Game

    Vector = npt.NDArray[np.float64]

BPS = 10_000
REWARD_RULES = ("flat", "gain", "leave_one_out", "shapley", "banzhaf")
EXACT_PLAYERS = 8  # accepted updates up to which all coalitions are tried
MILLION = 10**6


@dataclass(frozen=True)
class Input:
    """An update as it stands on chain."""

    place: int
    client: bytes
    cid: bytes
    payload: bytes  # whom to pay and how much, where the machine believes it


@dataclass(frozen=True)
class Voucher:
    """What an update is paid."""

    round: int
    place: int
    who: bytes
    amount: int

    def leaf(self, job: int) -> bytes:
        """Its place in the tree."""
        return leaf(job, self.round, self.place, self.who, self.amount)


@dataclass(frozen=True)
class Output:
    """What the machine says of a round: the contract's `Output`, and what is behind its two hashes."""

    model: bytes  # the next base
    vouchers: tuple[Voucher, ...]
    failed: int = 0  # the places, as bits, of those whose update failed
    _trees: dict[int, Tree] = field(default_factory=dict, repr=False, compare=False)  # over the vouchers, by job

    def packed(self, job: int) -> tuple[bytes, bytes, int, int]:
        """As the contract takes it."""
        return cid(self.model), self._tree(job).root, sum(one.amount for one in self.vouchers), self.failed

    def proof(self, job: int, voucher: Voucher) -> list[bytes]:
        """Return what shows that a voucher is one of these.

        Args:
            job: what it is about.
            voucher: one of the output's.
        """
        return self._tree(job).proof(self.vouchers.index(voucher))

    def _tree(self, job: int) -> Tree:
        if job not in self._trees:
            self._trees[job] = Tree([one.leaf(job) for one in self.vouchers])
        return self._trees[job]


@dataclass(frozen=True)
class Machine:
    """The program, with its parameters."""

    task: Task
    score: Callable[[bytes], int]  # a model's right answers on the round's validation set
    aggregator: str = "mean"
    corrupt: int = 0  # updates that the aggregator is to bear
    gate: bool = True  # updates must not fall short of the base by the threshold
    need: int = 0  # right answers that an update must have more than the base
    audit_bps: int = BPS  # how likely an update is to be validated
    reward_rule: str = "flat"  # what accepted updates share, each bringing one listed price to the pool
    reward: int = 0  # the listed price of an update
    beacon: bytes = b""  # randomness from when all had handed in
    believes: bool = False  # receivers and amounts are what the inputs ask for

    def audited(self, one: Input) -> bool:
        """Whether an update is validated: the beacon decides."""
        drawn = hashlib.sha256(self.beacon + one.client).digest()
        measures = self.gate or self.reward_rule == "gain"
        return measures and int.from_bytes(drawn[:8], "big") % BPS < self.audit_bps

    def run(
        self,
        number: int,
        base: bytes,
        inputs: Sequence[Input],
        models: Mapping[int, bytes | None],
        counts: Mapping[int, int],
    ) -> Output:
        """Return what a round comes to.

        Args:
            number: of the round.
            base: the model that it started from.
            inputs: in the order of the chain.
            models: by place, what each CID stands for; None where nobody has it.
            counts: by place, the right answers of those that are audited; the base's at -1.
        """
        start = self._vector(base)
        vectors = {place: vector for place, model in models.items() if (vector := self._vector(model)) is not None}
        sound = {one.place for one in inputs if one.place in vectors and self._passes(one.place, counts)}
        failed = sum(1 << one.place for one in inputs if one.place not in sound)
        chosen = [one for one in inputs if one.place in sound]
        moves = {one.place: vectors[one.place] - (0 if start is None else start) for one in chosen}
        model = self._merged(base, start, list(moves.values()))
        if self.gate and self.score(model) < counts[-1]:
            model = base  # each was an improvement, and all together are none
        return Output(model, tuple(self._paid(number, base, start, chosen, moves, counts)), failed)

    def _vector(self, model: bytes | None) -> Vector | None:
        found = None if model is None else self.task.weights(model)
        return None if found is None or not np.isfinite(found).all() else found.astype(np.float64)

    def _passes(self, place: int, counts: Mapping[int, int]) -> bool:
        return not self.gate or place not in counts or counts[place] - counts[-1] >= self.need

    def _merged(self, base: bytes, start: Vector | None, moves: Sequence[Vector]) -> bytes:
        if not moves:
            return base
        merged = aggregate(self.aggregator, np.stack(moves), self.corrupt)
        return self.task.assemble(merged if start is None else start + merged)

    def _paid(
        self,
        number: int,
        base: bytes,
        start: Vector | None,
        chosen: Sequence[Input],
        moves: Mapping[int, Vector],
        counts: Mapping[int, int],
    ) -> list[Voucher]:
        if self.believes:
            return [Voucher(number, one.place, *self._asked(one)) for one in chosen]
        shares = self._shares(base, start, chosen, moves, counts)
        total, pool = sum(shares), self.reward * len(chosen)
        amounts = [pool * share // total if total else 0 for share in shares]
        paid = [Voucher(number, one.place, one.client, amount) for one, amount in zip(chosen, amounts, strict=True)]
        return [one for one in paid if one.amount]

    def _asked(self, one: Input) -> tuple[bytes, int]:
        """Whom an input says to pay, and how much: 32 bytes each."""
        if len(one.payload) != 64:
            return one.client, self.reward
        return one.payload[12:32], int.from_bytes(one.payload[48:], "big")

    def _shares(
        self,
        base: bytes,
        start: Vector | None,
        chosen: Sequence[Input],
        moves: Mapping[int, Vector],
        counts: Mapping[int, int],
    ) -> list[int]:
        """Return what each accepted update is worth next to the others; one that did harm is worth nothing."""
        if self.reward_rule == "flat":
            return [1] * len(chosen)
        if self.reward_rule == "gain":
            return [max(0, counts.get(one.place, counts[-1]) - counts[-1]) for one in chosen]
        vectors = [moves[one.place] for one in chosen]

        @cache
        def worth(coalition: frozenset[int]) -> float:
            """Right answers of what some of them would have come to."""
            return float(self.score(self._merged(base, start, [vectors[i] for i in sorted(coalition)])))

        return [max(0, round(MILLION * value)) for value in self._values(worth, len(chosen)).tolist()]

    def _values(self, worth: Game, players: int) -> npt.NDArray[np.float64]:
        """By the rule, exactly for few and from random orders or coalitions for many."""
        if self.reward_rule == "leave_one_out":
            return contribution.leave_one_out(worth, players)
        if players <= EXACT_PLAYERS:
            return (contribution.shapley if self.reward_rule == "shapley" else contribution.banzhaf)(worth, players)
        generator = Luck("machine", self.beacon).generator()
        if self.reward_rule == "shapley":
            return contribution.tmc_shapley(worth, players, generator, permutations=20)
        return contribution.sampled_banzhaf(worth, players, generator, coalitions=20 * players)
