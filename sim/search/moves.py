"""Moves: steps drawn at random, for anybody, or for the attacker, who also acts through the puppet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.search.calls import Calls
from slashpoint.sim.search.step import Step
from slashpoint.sim.search.values import targets

if TYPE_CHECKING:
    from slashpoint.sim.contract.entry import Function
    from slashpoint.sim.search.draws import Draws
    from slashpoint.sim.search.setup import Setup
    from slashpoint.sim.search.values import Values

ATTACKER = "mallory"


class Moves:
    """What may be done in a setup."""

    def __init__(self, setup: Setup, values: Values) -> None:
        self.setup, self.values = setup, values
        self.people = list(setup.accounts.values())
        self.targets = list(targets(setup))
        self._tokens = [each for each in self.targets if each[0].contract in setup.tokens]
        self._others = [each for each in self.targets if each[0].contract not in setup.tokens]
        self.calls = Calls(setup)
        self.attacker = setup.accounts.get(ATTACKER, b"")
        self.puppet = self.calls.puppet

    def draw(self, draws: Draws, sender: bytes | None = None, *, waits: bool = True) -> list[Step]:
        """Draw a step; of the attacker perhaps two, where the puppet is first armed with a call.

        Args:
            draws: where luck comes from.
            sender: who does it, 20 bytes; anybody if none is given.
            waits: whether time may pass before it.
        """
        sender = draws.choice(self.people) if sender is None else sender
        through = bool(self.puppet) and sender == self.attacker and draws.below(5) < 2
        step = self._step(sender, draws, through=through)
        wait = self.values.wait(draws) if waits else 0
        if not through:
            return [step._replace(wait=wait)]
        acted = self.calls.through(step)
        if not draws.one_in(3):
            return [acted._replace(wait=wait)]
        armed = step if draws.below(2) else self._step(sender, draws, through=True)
        return [self.calls.armed(armed, 1 + draws.below(3))._replace(wait=wait), acted]

    def _step(self, sender: bytes, draws: Draws, *, through: bool) -> Step:
        tokens = self._tokens and (not self._others or draws.one_in(8))
        _, to, function = draws.choice(self._tokens if tokens else self._others)
        data = self.data(function, self.puppet if through else sender, draws)
        return Step(sender, to, data, self.wei(function, draws))

    def data(self, function: Function | None, actor: bytes, draws: Draws) -> bytes:
        """Draw the calldata of a function.

        Args:
            function: of the ABI; none for wei alone.
            actor: whom the contract will see as its caller, 20 bytes.
            draws: where luck comes from.
        """
        return function.encode(self.values.args(function, actor, draws)) if function else b""

    def wei(self, function: Function | None, draws: Draws) -> int:
        """Draw what is sent along: nothing to a function that takes none.

        Args:
            function: of the ABI; none for wei alone.
            draws: where luck comes from.
        """
        return self.values.amount(draws) % 2**96 if payable(function) else 0


def payable(function: Function | None) -> bool:
    """Return whether a function takes wei; without one, wei come alone."""
    return function is None or function.abi.get("stateMutability") == "payable" or bool(function.abi.get("payable"))
