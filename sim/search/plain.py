"""The plain campaign: sequences at random, on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.search.draws import Draws
from slashpoint.sim.search.harvest import Gain, Harvest, Usage
from slashpoint.sim.search.money import Money
from slashpoint.sim.search.moves import Moves
from slashpoint.sim.search.oracles import broken, unbalanced
from slashpoint.sim.search.values import Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slashpoint.sim.search.properties import Property
    from slashpoint.sim.search.setup import Played, Setup
    from slashpoint.sim.search.step import Step

MOST_INTERESTING = 256  # sequences that are kept


def search(
    setup: Setup,
    *,
    calls: int,
    seed: int,
    length: int = 100,
    properties: Sequence[Property] = (),
    words: Iterable[int] = (),
    corpus: Sequence[tuple[Step, ...]] = (),
) -> Harvest:
    """Play sequences at random, those of the corpus first, and return what was seen.

    Args:
        setup: what every sequence begins from; it is as it was when this returns.
        calls: how many are executed.
        seed: of all that is drawn.
        length: calls a sequence has at most.
        properties: what is asked after each call that succeeded.
        words: numbers to try as arguments, beside those that the code holds.
        corpus: sequences that are played first, and gone on from.
    """
    campaign = _Campaign(setup, seed, length, properties, words)
    for sequence in corpus:
        campaign.play(sequence, calls)
    while campaign.harvest.calls < calls:
        campaign.play(campaign.sequence(), calls)
    return campaign.harvest


class _Campaign:
    def __init__(
        self, setup: Setup, seed: int, length: int, properties: Sequence[Property], words: Iterable[int]
    ) -> None:
        self.setup, self.length, self.properties = setup, length, properties
        self.draws = Draws("plain", seed)
        self.values = Values(setup, words)
        self.values.look()
        self.moves = Moves(setup, self.values)
        self.harvest = Harvest(functions={target: Usage() for target, _, _ in self.moves.targets})
        self._known: set[object] = set()

    def sequence(self) -> Iterator[Step]:
        """Yield the steps of a new sequence: often it goes on from a part of one that was interesting."""
        draws = self.draws
        left = 1 + draws.below(draws.choice((4, 16, self.length)))
        if self.harvest.interesting and draws.below(2):
            old = draws.choice(self.harvest.interesting)
            for step in old[: 1 + draws.below(len(old))]:
                if not draws.one_in(8):
                    yield self._changed(step) if draws.one_in(8) else step
        for _ in range(left):
            yield from self.moves.draw(draws)

    def _changed(self, step: Step) -> Step:
        """Return a step with another sender, other wei or another wait."""
        draws = self.draws
        kind = draws.below(3)
        if kind == 0 and step.to != self.moves.puppet:
            return step._replace(sender=draws.choice(self.moves.people))
        if kind == 1 and step.value:
            return step._replace(value=self.values.amount(draws) % 2**96)
        return step._replace(wait=self.values.wait(draws))

    def play(self, sequence: Iterable[Step], calls: int) -> None:
        """Play a sequence up to its end, the campaign's, or the first thing that is wrong."""
        setup, harvest = self.setup, self.harvest
        setup.mark()
        money, new = Money(setup), 0
        steps: list[Step] = []
        for step in sequence:
            if harvest.calls >= calls or len(steps) >= self.length:
                break
            played = setup.play(step)
            steps.append(step)
            harvest.calls += 1
            self.values.learn(played)
            money.count(played)
            if self._tell(played, steps):
                new = len(steps)
            if suspects := broken(setup, played, tuple(steps), self.properties):
                harvest.suspects += [each for each in suspects if self._first(each.key)]
                break
        else:
            harvest.suspects += [each for each in unbalanced(setup, tuple(steps)) if self._first(each.key)]
        self._weigh(money, tuple(steps))
        if new and len(harvest.interesting) < MOST_INTERESTING:
            harvest.interesting.append(tuple(steps[:new]))
        setup.back()

    def _first(self, seen: object) -> bool:
        """Return whether this was never seen before."""
        if seen in self._known:
            return False
        self._known.add(seen)
        return True

    def _tell(self, played: Played, steps: list[Step]) -> bool:
        """Count a step, and return whether it did something new: an event, a success after another function's."""
        target = self.moves.calls.target(played.step)
        usage = self.harvest.functions.setdefault(target, Usage())
        usage.calls += 1
        if not played.ok:
            self.harvest.reverts[target, played.output] += 1
            return False
        low, total, high = usage.gas
        usage.gas = [min(low, played.gas) if usage.succeeded else played.gas, total + played.gas, max(high, played.gas)]
        usage.succeeded += 1
        before = self.moves.calls.target(steps[-2]) if len(steps) > 1 else None
        said = tuple((log.address, log.topics[:1]) for log in played.logs[:4])
        people = self.moves.people
        paid = tuple((moved.sender in people, moved.receiver in people) for moved in played.transfers[:4])
        return self._first((target, said, paid)) | self._first((before, target))

    def _weigh(self, money: Money, steps: tuple[Step, ...]) -> None:
        for key, amount in money.net.items():
            if amount > (self.harvest.gains[key].amount if key in self.harvest.gains else 0):
                self.harvest.gains[key] = Gain(amount, steps)
