"""Probing: from what a campaign brought home to money that is stuck, and money that somebody takes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from slashpoint.sim.search.draws import Draws
from slashpoint.sim.search.finding import Finding, Kind
from slashpoint.sim.search.gain import Judge
from slashpoint.sim.search.money import Money
from slashpoint.sim.search.moves import ATTACKER
from slashpoint.sim.search.sane import sane, successful, without_gifts
from slashpoint.sim.search.seeker import NEGLIGIBLE, Seeker
from slashpoint.sim.search.shrink import without
from slashpoint.sim.search.step import Step
from slashpoint.sim.search.stuck import stuck
from slashpoint.sim.units import ETH

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from slashpoint.sim.search.harvest import Harvest
    from slashpoint.sim.search.setup import Setup

    Steps = tuple[Step, ...]
    Key = tuple[Kind, str]

LEAVING = 400  # calls with which somebody tries to get money out
TRIES = 3  # that must leave the same behind
SEQUENCES = 24  # of a harvest, that are looked at
LONGEST = 24  # steps of an economy under attack
JUDGED = 3  # sequences of the same calls, that are held beside their twins
ATTACK = 24  # calls that follow the economy's, at most


def probe(
    setup: Setup, harvest: Harvest, seed: int, effort: int, told: Collection[Key] = ()
) -> tuple[list[Finding], list[str]]:
    """Return what money shows, what is stuck and what somebody takes, each confirmed; and notes of what is doubtful.

    Args:
        setup: what the sequences begin from; it is as it was when this returns.
        harvest: what a campaign brought home.
        seed: of all that is drawn.
        effort: calls that probing may take, about.
        told: findings that are known, by key: no more is looked for at them.
    """
    prober = _Prober(setup, seed, effort, set(told))
    found = [*prober.stuck(harvest), *prober.gains(harvest)]
    subjects = {each.subject for each in found}
    doubts = [f"perhaps stuck: {why}" for subject, why in prober.seeker.doubts.items() if subject not in subjects]
    return found, [*prober.notes, *doubts]


def money_confirmer(setup: Setup, seed: int, leaving: int = LEAVING) -> Callable[[Finding], Finding | None]:
    """Return what confirms a finding of money: None says that a sequence does not show it.

    Args:
        setup: what the sequences begin from.
        seed: of what is drawn when somebody tries to get money out.
        leaving: calls with which somebody tries; with few of them it is quick, and not sure.
    """
    seeker = Seeker(setup, seed)
    judge = Judge(seeker, leaving)

    def confirm(finding: Finding) -> Finding | None:
        if finding.kind == Kind.STUCK:
            return stuck(seeker, finding.steps, 4 * leaving, finding.subject, TRIES)
        found = judge.judge(finding.steps, finding.why.partition(" ")[0])
        return found if found and found.key == finding.key else None

    return confirm


class _Prober:
    def __init__(self, setup: Setup, seed: int, effort: int, told: set[Key]) -> None:
        self.setup, self.effort, self.told = setup, effort, told
        self.seeker = Seeker(setup, seed)
        self.judge = Judge(self.seeker, LEAVING)
        self.draws = Draws("probe", seed)
        self.notes: list[str] = []
        self.people = [name for name in setup.accounts if name != self.judge.deployer]

    def stuck(self, harvest: Harvest) -> Iterator[Finding]:
        """Yield money that stays where it is, one finding a contract and asset."""
        until = self.seeker.spent + self.effort // 3
        for steps in self._economies(harvest):
            if self.seeker.spent >= until:
                break
            found = stuck(self.seeker, steps, LEAVING)
            if not found or found.key in self.told:
                continue
            if sure := stuck(self.seeker, found.steps, 8 * LEAVING, found.subject, TRIES):
                self.told.add(sure.key)
                if unknown := self._never_called(harvest, sure):
                    self.notes.append(f"perhaps stuck, as {unknown} never succeeded here: {sure.why}")
                else:
                    yield sure

    def _never_called(self, harvest: Harvest, found: Finding) -> str:
        """Return a function, with arguments to guess, by which the money may leave, and that never succeeded; or none.

        Args:
            harvest: what a campaign brought home.
            found: money that is stuck, by all that was tried.
        """
        contract = found.subject.partition(":")[0]
        known = self.seeker.worked | {target for target, usage in harvest.functions.items() if usage.succeeded}
        guessed = [
            ".".join(target)
            for target, _, function in self.seeker.moves.targets
            if target not in known and target.contract == contract and function and function.arity
        ]
        return guessed[0] if guessed else ""

    def _economies(self, harvest: Harvest) -> list[Steps]:
        """Return sequences that bring money in, each of other functions, the shortest first.

        What the deployer or the attacker does in a sequence is also tried without, and done by another.
        """
        outsiders = {self.setup.accounts[self.judge.deployer], self.seeker.moves.attacker}
        other = self.setup.accounts[self.people[0]]
        economies: dict[object, Steps] = {}
        for steps in sorted(harvest.interesting, key=len):
            if len(economies) >= SEQUENCES:
                break
            tried = successful(self.setup, steps[:LONGEST])
            self._paid(tried)
            tried = without_gifts(self.setup, self.seeker.calls, tried)
            alone = tuple(step for step in tried if step.sender not in outsiders)
            instead = tuple(
                step._replace(sender=other)
                if step.sender in outsiders and step.to != self.seeker.moves.puppet
                else step
                for step in tried
            )
            for each in (alone, instead, tried):
                brief = self._bringing(sane(self.setup, self.seeker.calls, successful(self.setup, each)))
                if brief:
                    inside = any(step.sender in outsiders for step in brief)
                    economies.setdefault((inside, frozenset(map(self.seeker.calls.target, brief))), brief)
        return sorted(economies.values(), key=len)

    def _bringing(self, steps: Steps) -> Steps:
        """Return a sequence up to the last step by which a person pays."""
        self.setup.mark()
        money, last = Money(self.setup), 0
        for count, played in enumerate(self.setup.play_all(steps), 1):
            if any(amount < 0 and whom in money.names for whom, _, amount in money.movements(played)):
                last = count
        self.setup.back()
        self.seeker.spent += len(steps)
        return steps[:last]

    def _paid(self, steps: Steps) -> None:
        """Remember the steps that pay somebody."""
        self.setup.mark()
        money = Money(self.setup)
        for played in self.setup.play_all(steps):
            if any(amount > 0 and whom in money.names for whom, _, amount in money.movements(played)):
                step = played.step._replace(wait=0)
                if step not in self.seeker.payers:
                    self.seeker.payers.append(step)
        self.setup.back()
        self.seeker.spent += len(steps)

    def gains(self, harvest: Harvest) -> Iterator[Finding]:
        """Yield what somebody takes, one finding a contract."""
        judged: Counter[object] = Counter()
        for steps, attacker in self._suspicious(harvest):
            steps = self._pared(successful(self.setup, steps), attacker)
            own = self.setup.accounts[attacker]
            contract = self.judge.source(steps, own)
            key = attacker, frozenset((step.sender, self.seeker.calls.target(step)) for step in steps)
            judged[key] += 1
            if (Kind.GAIN, contract) in self.told or judged[key] > JUDGED:
                continue
            if found := self.judge.judge(steps, attacker):
                self.told.add(found.key)
                yield found

    def _pared(self, steps: Steps, attacker: str) -> Steps:
        """Return a sequence without those steps of an account that its gain does not need."""
        own, at = self.setup.accounts[attacker], len(steps)
        while at:
            at -= 1
            rest = without(steps, at, 1, later=True)
            if steps[at].sender == own and self.judge.after(rest, lambda: self.judge.gained(attacker)):
                steps = rest
        return steps

    def _suspicious(self, harvest: Harvest) -> Iterator[tuple[Steps, str]]:
        """Yield sequences after which an account has more than before: those of the harvest, then attacks."""
        until = self.seeker.spent + self.effort * 2 // 3
        for (account, _), gain in harvest.gains.items():
            if account in self.people and self.seeker.spent < until:
                yield gain.steps, account
        if ATTACKER not in self.setup.accounts:
            return
        economies: list[Steps] = [(), *self._quiet(harvest)]
        turn, least = 0, self.seeker.spent + self.effort // 3  # what the gains of the harvest took is not taken from it
        while self.seeker.spent < max(until, least):
            attack = self._attack(economies[turn % len(economies)])
            self.seeker.spent += 1  # so that it ends where nothing can be done
            turn += 1
            if attack:
                yield attack, ATTACKER

    def _quiet(self, harvest: Harvest) -> list[Steps]:
        """Return economies in which the attacker does nothing, those of one step first."""
        own = self.seeker.moves.attacker
        found: dict[object, Steps] = {}
        for steps in self._economies(harvest):
            others = tuple(step for step in steps if step.sender != own)
            single = [(step,) for step in others]
            for each in (*single, others):
                brief = self._bringing(successful(self.setup, each))
                if brief:
                    found.setdefault(tuple(map(self.seeker.calls.target, brief)), brief)
        return sorted(found.values(), key=len)[:SEQUENCES]

    def _attack(self, economy: Steps) -> Steps:
        """Try an attack around an economy's steps; return all steps if the attacker ends above its start, else none."""
        own, draws, setup = self.seeker.moves.attacker, self.draws, self.setup
        self.seeker.values.fresh()
        setup.mark()
        before = self._moves(self._beginning(economy))
        during = self._moves(list(economy))
        taken = [*before, *during]
        gained: Steps = ()
        if len(during) == len(economy):
            for turn in range(draws.below(ATTACK)):
                if turn % 4 == 0:
                    self.seeker.values.hot = self.seeker.values.fitting(own, self.seeker.moves.puppet)
                taken += self._moves(self._next(economy))
                if self.judge.gained(ATTACKER):
                    gained = tuple(taken)
                    break
        setup.back()
        self.seeker.values.hot = []
        return gained

    def _moves(self, steps: Sequence[Step]) -> list[Step]:
        """Play steps; return those that succeeded."""
        taken = []
        for step in steps:
            self.setup.mark()
            if self.seeker.play([step]):
                self.setup.stay()
                taken.append(step)
            else:
                self.setup.back()
        return taken

    def _beginning(self, economy: Steps) -> list[Step]:
        """Draw what the attacker does before the others: a few moves, or the least that others do, and then a gift."""
        if economy and self.setup.tokens and self.draws.one_in(4):
            return [*self._like(economy[0], (1, 2, NEGLIGIBLE)), self._gift()]
        return [move for _ in range(self.draws.below(4)) for move in self._opening(economy)]

    def _opening(self, economy: Steps) -> list[Step]:
        """Draw what the attacker does first: as others will, with an amount of its own; a gift; anything."""
        kind = self.draws.below(4)
        if kind == 0 and self.setup.tokens:
            return [self._gift()]
        if kind < 3 and economy:
            return self._like(self.draws.choice(economy))
        return self._any()

    def _next(self, economy: Steps) -> list[Step]:
        kind = self.draws.below(8)
        if kind < 2 and economy:
            return self._like(self.draws.choice(economy))
        if kind < 4 and self.seeker.payers:
            step = self.draws.choice(self.seeker.payers)
            if step.to != self.seeker.moves.puppet:
                return self._perhaps_through(step._replace(sender=self.seeker.moves.attacker))
        return self._any()

    def _any(self) -> list[Step]:
        return self.seeker.moves.draw(self.draws, self.seeker.moves.attacker)

    def _like(self, step: Step, amounts: Sequence[int] = ()) -> list[Step]:
        """Return what another does, done by the attacker, with an amount of its own.

        Args:
            step: of another.
            amounts: one of which it is; from the least to more than the attacker has, if none are given.
        """
        calls, function = self.seeker.calls, self.seeker.calls.function(step)
        step = step._replace(sender=self.seeker.moves.attacker, wait=0)
        usual = (1, 2, NEGLIGIBLE, ETH // 1000, ETH, 10 * ETH, 2 * self._richest())
        amount = self.draws.choice(amounts or usual)
        if step.value:
            step = step._replace(value=amount)
        elif function and self.draws.below(4):
            args = list(function.coder.unpack(step.data, 4))
            for at, each in enumerate(function.inputs):
                if each["type"] == "uint256":
                    args[at] = amount
            step = calls.with_inner(step, function.encode(args))
        return self._perhaps_through(step)

    def _perhaps_through(self, step: Step) -> list[Step]:
        """Return a step of the attacker as it is, or done by the puppet, which is perhaps armed with it."""
        if not self.seeker.moves.puppet or self.draws.below(2):
            return [step]
        acted = self.seeker.calls.through(step)
        return [self.seeker.calls.armed(step, 1 + self.draws.below(3)), acted] if self.draws.below(2) else [acted]

    def _richest(self) -> int:
        """Return the most that the attacker has of anything."""
        return max(self.seeker.worth(ATTACKER).values())

    def _gift(self) -> Step:
        """Return a transfer of tokens to a contract."""
        setup, draws = self.setup, self.draws
        token = setup.contracts[draws.choice(setup.tokens)]
        others = [each.address_ for each in setup.contracts.values() if each is not token]
        amount = draws.choice((1, ETH, 10 * ETH, 100 * ETH))
        call = token.function_("transfer(address,uint256)")(draws.choice(others), amount)
        return Step(self.seeker.moves.attacker, call.to, call.data)
