"""Gains: what an account takes out at the expense of somebody who never dealt with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.search.draws import Draws
from slashpoint.sim.search.finding import Finding, Kind
from slashpoint.sim.search.sane import is_gift, sane, successful
from slashpoint.sim.search.seeker import NEGLIGIBLE, lacking, negligible

if TYPE_CHECKING:
    from collections.abc import Callable

    from slashpoint.sim.search.seeker import Seeker, Worth
    from slashpoint.sim.search.step import Step

    Steps = tuple[Step, ...]

CHANCES = 16  # other blocks in which a gain must come about as well: what luck gives is no theft
ALMOST_ALL = 0.9


class Judge:
    """Who holds a sequence beside its twin, which lacks the steps of one account."""

    def __init__(self, seeker: Seeker, effort: int) -> None:
        self.seeker, self.setup, self.effort = seeker, seeker.setup, effort
        self.start = {name: seeker.worth(name) for name in self.setup.accounts}
        self.deployer = next(iter(self.setup.accounts))

    def gained(self, name: str) -> Worth:
        """Return by how much an account is above its start now, by asset; empty if it is below in any."""
        now, start = self.seeker.worth(name), self.start[name]
        above = {asset: now[asset] - start[asset] for asset in start}
        return above if min(above.values()) >= 0 and max(above.values()) > NEGLIGIBLE else {}

    def after(self, steps: Steps, what: Callable[[], Worth]) -> Worth:
        """Return what is asked after a sequence all of whose steps succeed; nothing if one fails."""
        self.setup.mark()
        answer = what() if self.seeker.play(steps) else {}
        self.setup.back()
        return answer

    def judge(self, steps: Steps, attacker: str) -> Finding | None:
        """Return the gain of an account at another's expense, if the sequence shows one.

        Args:
            steps: the sequence.
            attacker: the account's name.
        """
        if attacker == self.deployer:
            return None
        self.seeker.values.fresh()
        own = self.setup.accounts[attacker]
        steps = sane(self.setup, self.seeker.calls, successful(self.setup, steps), own)
        gain = self.after(steps, lambda: self.gained(attacker))
        steps = self._tight(steps, attacker) if gain else steps
        twin = _without(steps, own)
        if not gain or len(twin) == len(steps) or self._luck(steps, attacker):
            return None
        alone = self.after(twin, lambda: self.seeker.worth(attacker))
        if not alone or any(alone[asset] > self.start[attacker][asset] + NEGLIGIBLE for asset in gain):
            return None
        if self._invited(twin, attacker):
            return None
        for victim in [each for each in self.setup.accounts if each not in {self.deployer, attacker}]:
            if lost := self._loses(steps, twin, victim, own, gain):
                return self._finding(steps, attacker, victim, gain, lost)
        if lost := self._robbed(steps, twin, attacker, gain):
            return self._finding(steps, attacker, self.deployer, gain, lost)
        return None

    def _finding(self, steps: Steps, attacker: str, victim: str, gain: Worth, lost: str) -> Finding:
        amounts = " and ".join(f"{amount} of {asset}" for asset, amount in gain.items() if amount)
        why = f"{attacker} ends {amounts} above its start; without its steps {victim} could take back {lost}"
        return Finding(Kind.GAIN, self.source(steps, self.setup.accounts[attacker]), why, steps)

    def _tight(self, steps: Steps, attacker: str) -> Steps:
        """Return a sequence in which an account waits no longer than its gain needs: others have no time to leave."""
        for at, step in enumerate(steps):
            low, high = 0, step.wait if step.sender == self.setup.accounts[attacker] else 0
            while low < high:
                middle = (low + high) // 2
                tried = (*steps[:at], step._replace(wait=middle), *steps[at + 1 :])
                if self.after(tried, lambda: self.gained(attacker)):
                    steps, high = tried, middle
                else:
                    low = middle + 1
        return steps

    def source(self, steps: Steps, own: bytes) -> str:
        """Return the contract that the attacker calls last, tokens aside: it is where the money came from.

        Args:
            steps: the sequence.
            own: the attacker's account, 20 bytes.
        """
        called = [self.seeker.calls.target(step).contract for step in steps if step.sender == own]
        others = [each for each in called if each not in {*self.setup.tokens, self.setup.puppet}]
        return (others or called or [""])[-1]

    def _luck(self, steps: Steps, attacker: str) -> bool:
        """Return whether the gain comes and goes with the number of the block."""
        for ahead in range(1, CHANCES + 1):
            self.setup.mark()
            self.setup.number += ahead
            gained = self.seeker.play(steps) and bool(self.gained(attacker))
            self.setup.back()
            if not gained:
                return True
        return False

    def _invited(self, twin: Steps, attacker: str) -> bool:
        """Return whether somebody names the attacker: who deals with it, or lets it in, is not robbed."""
        return any(each in step.data for each in self.seeker.addresses(attacker) for step in twin)

    def _lacks(self, steps: Steps, name: str, enough: int, effort: int, within: int = 2**40) -> int | None:
        """Return how little an account lacks after a sequence when it does its best; None if a step fails.

        Args:
            steps: the sequence.
            name: the account's.
            enough: how much it may lack.
            effort: calls that it may take.
            within: seconds before which it must have done what it does.
        """
        self.setup.mark()
        least = None
        if self.seeker.play(steps):
            draws = Draws("exit", self.seeker.seed, name)
            start = self.start[name]
            until = self.setup.now + within

            def lack() -> int:
                return lacking(self.seeker.worth(name), start) if self.setup.now < until else 2**256

            least, _ = self.seeker.seek([self.setup.accounts[name]], lack, enough, effort, draws)
        self.setup.back()
        return least

    def _loses(self, steps: Steps, twin: Steps, victim: str, own: bytes, gain: Worth) -> str:
        """Return what a person loses by the attacker's steps; nothing if none, or if it could lose that anyway."""
        start = self.start[victim]
        ended = self.after(steps, lambda: self.seeker.worth(victim))
        assets = [asset for asset in gain if gain[asset] > NEGLIGIBLE and start[asset] > ended[asset]]
        stake = lacking(ended, start)
        enough = negligible(stake)
        if not assets or stake <= enough:
            return ""
        whole = self._lacks(twin, victim, enough, self.effort)
        if whole is None or whole > enough:
            return ""
        left = self._lacks(steps, victim, enough, 3 * self.effort)
        if left is None or left <= enough or self._answers(steps, victim, own, enough):
            return ""
        if not self._taken(steps, victim, own, enough):
            return ""
        of = assets[0] if len(assets) == 1 else f"units ({' and '.join(assets)})"
        return f"all that it paid in, and with them {left} of {of} less"

    def _taken(self, steps: Steps, victim: str, own: bytes, enough: int) -> bool:
        """Return whether it is a step of the attacker that takes the victim's money, or a gift that set a trap.

        Who loses by a step of its own, such as a reward that it funds for all, or an offer that it makes, chose to; who
        gets something else for what it loses sold it. A gift of the attacker, without which there is no gain, makes
        even a plain deposit lose: that is a trap.

        Args:
            steps: the sequence, without steps of the attacker that its gain does not need.
            victim: the account's name.
            own: the attacker's account, 20 bytes.
            enough: how much the victim may lack.
        """
        for at in (at for at, step in enumerate(steps) if step.sender == own):
            after = self._lacks(steps[: at + 1], victim, enough, self.effort)
            if after is not None and after > enough:
                before = self._lacks(steps[:at], victim, enough, 3 * self.effort)
                if before is not None and before <= enough:
                    held = [self.after(steps[:until], lambda: self.seeker.worth(victim)) for until in (at, at + 1)]
                    return all(held[1][asset] <= held[0][asset] for asset in held[0])
                break
        return any(step.sender == own and is_gift(self.setup, self.seeker.calls, step) for step in steps)

    def _answers(self, steps: Steps, victim: str, own: bytes, enough: int) -> bool:
        """Return whether the victim had time to leave after it saw the attacker act, or hides what time would show."""
        sender = self.setup.accounts[victim]
        last = max((at for at, step in enumerate(steps) if step.sender == sender), default=-1)
        acted = False
        for at, step in enumerate(steps):
            if at <= last:
                continue
            if step.wait and acted:
                calls = self.seeker.calls
                functions = [calls.function(each) for each in steps if each.sender == sender]
                if any("bytes32" in each.signature for each in functions if each):
                    return True
                left = self._lacks(steps[:at], victim, enough, self.effort, step.wait)
                if left is not None and left <= enough:
                    return True
            acted = acted or step.sender == own
        return False

    def _robbed(self, steps: Steps, twin: Steps, attacker: str, gain: Worth) -> str:
        """Return what the deployer loses to somebody who never paid, never waited, and could be anybody."""
        own = self.setup.accounts[attacker]
        mine = [step for step in steps if step.sender == own]
        if any(step.wait or step.value for step in mine) or self._ever_below(steps, attacker):
            return ""
        name = next(each for each in self.setup.accounts if each not in {self.deployer, attacker})
        if all(step.to != self.seeker.moves.puppet for step in mine):
            other = self.setup.accounts[name]
            if not self.after(_by_another(steps, own, other), lambda: self.gained(name)):
                return ""
        asset, most = max(gain.items(), key=lambda each: each[1])
        ahead = self.start[self.deployer][asset] + most
        could, can = (
            self._reach(each, asset, ahead) - self.after(twin, lambda: self.seeker.worth(self.deployer))[asset]
            for each in (twin, steps)
        )
        takes_all = ALMOST_ALL * could <= most and can <= could - ALMOST_ALL * most
        return f"{could} of {asset}" if takes_all and could >= ALMOST_ALL * most else ""

    def _reach(self, steps: Steps, asset: str, most: int) -> int:
        """Return how much of an asset the deployer can come to hold after a sequence."""
        self.setup.mark()
        self.seeker.play(steps)
        sender = self.setup.accounts[self.deployer]
        goal = 2 * most
        lack, _ = self.seeker.seek(
            [sender],
            lambda: goal - self.setup.worth(sender)[asset],
            0,
            self.effort,
            Draws("reach", self.seeker.seed),
        )
        self.setup.back()
        return goal - lack

    def _ever_below(self, steps: Steps, attacker: str) -> bool:
        """Return whether the attacker ever had less than at its start."""
        self.setup.mark()
        below = False
        for step in steps:
            self.seeker.play([step])
            now = self.seeker.worth(attacker)
            below = below or any(now[asset] < self.start[attacker][asset] for asset in now)
        self.setup.back()
        return below


def _without(steps: Steps, sender: bytes) -> Steps:
    """Return the steps of all others, at the times at which they were."""
    kept, waited = [], 0
    for step in steps:
        if step.sender == sender:
            waited += step.wait
        else:
            kept.append(step._replace(wait=step.wait + waited))
            waited = 0
    return tuple(kept)


def _by_another(steps: Steps, own: bytes, other: bytes) -> Steps:
    """Return a sequence in which another account does what one did, for itself.

    Args:
        steps: the sequence.
        own: whose steps they were, 20 bytes.
        other: whose they are to be, 20 bytes.
    """
    return tuple(
        step._replace(sender=other, data=step.data.replace(own, other)) if step.sender == own else step
        for step in steps
    )
