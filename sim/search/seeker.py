"""Seekers: what somebody tries, move by move, to get the most out of the state in which a setup is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.search.moves import ATTACKER, Moves
from slashpoint.sim.search.values import Values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashpoint.sim.search.draws import Draws
    from slashpoint.sim.search.harvest import Target
    from slashpoint.sim.search.setup import Setup
    from slashpoint.sim.search.step import Step

    Worth = dict[str, int]  # by asset, in its smallest unit
    Steps = tuple[Step, ...]

NEGLIGIBLE = 1_000  # units: rounding explains as much
SHARE = 1_000_000  # a millionth of what is at stake is negligible too
YEAR = 365 * 86_400
EPISODE = 80  # calls in vain, after which a seeker begins anew
PATIENCE = 6
LATER = (0, 86_400, 30 * 86_400, YEAR, 60 * YEAR)  # seconds that pass before an episode


class Seeker:
    """Who tries: it counts its calls, and leaves the setup as it was unless told otherwise."""

    def __init__(self, setup: Setup, seed: int, words: Sequence[int] = ()) -> None:
        self.setup, self.seed = setup, seed
        self.values = Values(setup, words)
        self.moves = Moves(setup, self.values)
        self.calls = self.moves.calls
        self.payers: list[Step] = []  # steps that were seen to pay somebody
        self.worked: set[Target] = set()  # what succeeded when somebody tried to get money out
        self.doubts: dict[str, str] = {}  # by subject: what may be stuck
        self.spent = 0  # calls

    def addresses(self, name: str) -> list[bytes]:
        """Return the addresses of an account: the attacker has the puppet's too."""
        own = [self.setup.accounts[name]]
        return [*own, self.moves.puppet] if name == ATTACKER and self.moves.puppet else own

    def worth(self, name: str) -> Worth:
        """Return what an account holds now, by asset."""
        each = [self.setup.worth(address) for address in self.addresses(name)]
        return {asset: sum(held[asset] for held in each) for asset in each[0]}

    def play(self, steps: Sequence[Step]) -> bool:
        """Play steps; return whether all succeeded."""
        self.spent += len(steps)
        for step in steps:
            played = self.setup.play(step)
            self.values.learn(played)
            if not played.ok:
                return False
        return True

    def seek(
        self, senders: Sequence[bytes], lack: Callable[[], int], enough: int, effort: int, draws: Draws
    ) -> tuple[int, Steps]:
        """Return how little can lack by moves of these senders, and the moves.

        Args:
            senders: who may act, 20 bytes each.
            lack: tells how much lacks now.
            enough: how much may lack; the search ends where no more does.
            effort: calls that it may take in vain; as long as it gets on, PATIENCE times as many.
            draws: where luck comes from.
        """
        best: tuple[int, Steps] = (lack(), ())
        until, last = self.spent + effort, self.spent + PATIENCE * effort
        episode = 0
        while self.spent < until and best[0] > enough:
            self.setup.mark()
            begun = best[1] if episode % 2 and self.play(best[1]) else ()
            if episode % 2 and not begun:
                self.setup.back(keep=True)
            later = LATER[episode // 2 % len(LATER)]
            least, moves = self._episode(senders, lack, enough, draws, later, keeps=episode % 3 > 0)
            self.setup.back()
            if least < best[0]:
                best = least, (*begun, *moves)
                until = min(self.spent + effort, last)
            episode += 1
        self.values.hot = []
        return best

    def _episode(
        self, senders: Sequence[bytes], lack: Callable[[], int], enough: int, draws: Draws, later: int, *, keeps: bool
    ) -> tuple[int, Steps]:
        """Try moves one after the other, undoing those that make more lack, and, unless it `keeps` them, idle ones."""
        now, idle = lack(), 0
        taken: list[Step] = []
        used: list[int] = []  # numbers of the moves that were kept last: ids, say
        hot: dict[bytes, list[int]] = {}  # by sender: what fits, until a move changes it
        while idle < EPISODE and now > enough:
            sender = draws.choice(senders)
            if sender not in hot:
                hot[sender] = self.values.fitting(sender, self.moves.puppet if sender == self.moves.attacker else b"")
            self.values.hot = hot[sender] + used
            steps = self._again(taken, sender, draws) or self._try(sender, draws)
            if later:
                steps = [steps[0]._replace(wait=later), *steps[1:]]
            self.setup.mark()
            after = lack() if self.play(steps) else None
            idle += 1
            if after is not None and (after < now or (after == now and keeps and draws.below(2))):
                self.setup.stay()
                idle = 0 if after < now else idle
                now, later = after, 0
                taken += steps
                used = [number for step in taken[-3:] for number in self._numbers(step)]
                self.worked |= {self.calls.target(step) for step in steps}
                hot.clear()
            else:
                self.setup.back()
        return now, tuple(taken)

    def takes_arguments(self, step: Step, contract: str) -> bool:
        """Return whether a step calls a function of a contract that takes arguments.

        Args:
            step: of a sequence.
            contract: its name in the setup.
        """
        function = self.calls.function(step)
        return bool(function and function.arity and self.calls.target(step).contract == contract)

    def _numbers(self, step: Step) -> list[int]:
        """Return the numbers that a step gives."""
        function = self.calls.function(step)
        kinds = [each["type"] for each in function.inputs] if function else []
        data = self.calls.inner(step)[1]
        heads = [int.from_bytes(data[4 + 32 * at : 36 + 32 * at], "big") for at in range(len(kinds))]
        return [number for number, kind in zip(heads, kinds, strict=True) if kind.startswith("uint")]

    def _again(self, taken: Sequence[Step], sender: bytes, draws: Draws) -> list[Step]:
        """Perhaps return one of the last moves, by somebody else: as where several must agree."""
        step = taken[-1 - draws.below(min(4, len(taken)))] if taken and draws.one_in(4) else None
        return [step._replace(sender=sender, wait=0)] if step and step.to != self.moves.puppet else []

    def _try(self, sender: bytes, draws: Draws) -> list[Step]:
        if self.payers and draws.one_in(4):
            step = draws.choice(self.payers)
            if step.to != self.moves.puppet:
                return [step._replace(sender=sender)]
            if sender == self.moves.attacker:
                return [step]
        return self.moves.draw(draws, sender)


def lacking(now: Worth, start: Worth) -> int:
    """Return how much somebody has less than at the start, over all assets."""
    return sum(max(0, start[asset] - now[asset]) for asset in start)


def negligible(stake: int) -> int:
    """Return how much of a stake is negligible."""
    return max(NEGLIGIBLE, stake // SHARE)
