"""Shrinking: the shortest and plainest sequence that still shows a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slashpoint.sim.search.calls import Calls
from slashpoint.sim.units import ETH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashpoint.sim.search.finding import Finding
    from slashpoint.sim.search.setup import Setup
    from slashpoint.sim.search.step import Step

    Confirm = Callable[[Finding], Finding | None]
    Steps = tuple[Step, ...]

REPLAYS = 2000  # at most
PLAIN_AMOUNTS = (0, 1, 2, 10, 100, ETH, 10 * ETH)


def shrink(setup: Setup, finding: Finding, confirm: Confirm, replays: int = REPLAYS) -> Finding:
    """Return a finding with the shortest sequence that `confirm` still takes, and its values as plain as can be.

    Args:
        setup: what the sequence begins from.
        finding: what is shrunk; it is confirmed.
        confirm: returns the finding that a sequence shows; None if it shows another or none.
        replays: how often sequences are tried at most.
    """
    shrinker = _Shrinker(setup, finding, confirm, replays)
    before = None
    while shrinker.left > 0 and (now := shrinker.size()) != before:
        before = now
        shrinker.drop()
        shrinker.simplify()
    return shrinker.finding


class _Shrinker:
    def __init__(self, setup: Setup, finding: Finding, confirm: Confirm, replays: int) -> None:
        self.calls, self.people = Calls(setup), list(setup.accounts.values())
        self.finding, self.confirm, self.left = finding, confirm, replays
        self._tried: set[Steps] = set()

    def size(self) -> tuple[int, int, int, int]:
        """Return how long and how complicated the sequence is."""
        steps = self.finding.steps
        bits = sum(step.wait.bit_length() + step.value.bit_length() for step in steps)
        return (
            len(steps),
            bits,
            len({step.sender for step in steps}),
            sum(len(step.data.strip(b"\0")) for step in steps),
        )

    def take(self, steps: Steps) -> bool:
        """Go on from a sequence, if it still shows the finding."""
        if self.left <= 0 or not steps or steps in self._tried:
            return False
        self._tried.add(steps)
        self.left -= 1
        seen = self.confirm(type(self.finding)(self.finding.kind, self.finding.subject, self.finding.why, steps))
        if seen is None:
            return False
        self.finding = seen
        return True

    def drop(self) -> bool:
        """Drop parts of the sequence: halves, quarters … single steps; returns whether any could go."""
        dropped, size = False, max(1, len(self.finding.steps) // 2)
        while size:
            at = 0
            while at < len(self.finding.steps):
                if self.take(without(self.finding.steps, at, size, later=True)) or self.take(
                    without(self.finding.steps, at, size, later=False)
                ):
                    dropped = True
                else:
                    at += size
            size //= 2
        return dropped

    def simplify(self) -> bool:
        """Make the steps plainer one by one; returns whether any became so."""
        simpler = False
        for at in range(len(self.finding.steps)):
            tried = 0
            while at < len(self.finding.steps) and tried < 16:
                steps = self.finding.steps
                plainer = self._plainer(steps[at], steps)
                if not any(self.take((*steps[:at], each, *steps[at + 1 :])) for each in plainer):
                    break
                simpler, tried = True, tried + 1
        return simpler

    def _plainer(self, step: Step, steps: Steps) -> Iterator[Step]:
        """Yield the same step without its wait, with less wei, by somebody who acts anyway, with plainer arguments."""
        yield from (step._replace(wait=each) for each in _less(step.wait, (0, 1, 60, 3600, 86_400)))
        yield from (step._replace(value=each) for each in _less(step.value, PLAIN_AMOUNTS))
        if step.to != self.calls.puppet:
            acting = {each.sender for each in steps}
            for each in self.people[: self.people.index(step.sender)] if step.sender in self.people else ():
                if each in acting:
                    yield step._replace(sender=each)
        else:
            to, data = self.calls.inner(step)
            if to != step.to:
                yield step._replace(to=to, data=data)
        yield from self._arguments(step)

    def _arguments(self, step: Step) -> Iterator[Step]:
        function = self.calls.function(step)
        if not function or not function.arity:
            return
        _, data = self.calls.inner(step)
        try:
            args = list(function.coder.unpack(data, 4))
        except ValueError:
            return
        for at, value in enumerate(args):
            for each in self._simple(value):
                yield self.calls.with_inner(step, function.encode([*args[:at], each, *args[at + 1 :]]))

    def _simple(self, value: Any) -> Iterator[Any]:
        """Yield plainer values of the same type."""
        if isinstance(value, bool):
            yield from (False,) if value else ()
        elif isinstance(value, int):
            yield from _less(value, PLAIN_AMOUNTS)
        elif isinstance(value, bytes) and value in self.people:
            yield from self.people[: self.people.index(value)]
        elif isinstance(value, str):
            yield from ("",) if value else ()


def _less(value: int, plain: tuple[int, ...]) -> Iterator[int]:
    """Yield numbers that are plainer than one: round ones below it, then what halving and a step lead to."""
    yield from (each for each in plain if each < value)
    if value > 0 and value not in plain:
        digits = len(str(value)) - 1
        rounder = value // 10**digits * 10**digits
        if rounder < value:
            yield rounder
        yield value // 2


def without(steps: Steps, at: int, size: int, *, later: bool) -> Steps:
    """Return a sequence without a part, whose waits go with it unless what comes `later` is to wait as long as before.

    Args:
        steps: the sequence.
        at: where the part begins.
        size: how many steps it has.
        later: whether the next step waits for those that are gone.
    """
    rest = steps[at + size :]
    if later and rest and (waited := sum(step.wait for step in steps[at : at + size])):
        rest = (rest[0]._replace(wait=rest[0].wait + waited), *rest[1:])
    return steps[:at] + rest
