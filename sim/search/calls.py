"""Calls: what a step does, seen through the puppet where it acts for the attacker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.search.harvest import Target
from slashpoint.sim.search.values import targets

if TYPE_CHECKING:
    from slashpoint.sim.contract.entry import Function
    from slashpoint.sim.search.setup import Setup
    from slashpoint.sim.search.step import Step


class Calls:
    """The functions of a setup, by what calls them."""

    def __init__(self, setup: Setup) -> None:
        found = [(to, function, target) for target, to, function in targets(setup)]
        self.targets = {(to, function.selector if function else b""): target for to, function, target in found}
        self.functions: dict[tuple[bytes, bytes], Function] = {
            (to, function.selector): function for to, function, _ in found if function
        }
        puppet = setup.contracts.get(setup.puppet)
        self.puppet = puppet.address_ if puppet else b""
        offered = puppet.artifact_.interface.functions if puppet else {}
        self._act, self._arm = (offered[name][0] if offered else None for name in ("act", "arm"))

    def inner(self, step: Step) -> tuple[bytes, bytes]:
        """Return whom a step calls with which data: whom the puppet calls, if it makes the puppet act."""
        if self._act and step.to == self.puppet and step.data[:4] == self._act.selector:
            to, data = self._act.coder.unpack(step.data, 4)
            return to, data
        return step.to, step.data

    def with_inner(self, step: Step, data: bytes) -> Step:
        """Return the same step with other calldata for whom it calls in the end.

        Args:
            step: perhaps one that makes the puppet act.
            data: calldata.
        """
        to, _ = self.inner(step)
        return step._replace(data=data) if to == step.to else self.through(step._replace(to=to, data=data))

    def target(self, step: Step) -> Target:
        """Return what a step calls in the end."""
        to, data = self.inner(step)
        arms = self._arm and step.to == self.puppet and data[:4] == self._arm.selector
        if arms:
            return Target("puppet", "arm(address,bytes,uint256)")
        return self.targets.get((to, data[:4])) or self.targets.get((to, b"")) or Target(f"0x{to.hex()}", "")

    def function(self, step: Step) -> Function | None:
        """Return the function that a step calls in the end; none where it brings wei alone, or is not known."""
        to, data = self.inner(step)
        return self.functions.get((to, data[:4]))

    def through(self, step: Step) -> Step:
        """Return a step of the attacker, done by the puppet."""
        assert self._act, "the setup has a puppet"
        return step._replace(to=self.puppet, data=self._act.encode([step.to, step.data]))

    def armed(self, step: Step, times: int) -> Step:
        """Return the step that makes the puppet do another when it is called back.

        Args:
            step: what it is to do.
            times: how often at most.
        """
        assert self._arm, "the setup has a puppet"
        return step._replace(to=self.puppet, data=self._arm.encode([step.to, step.data, times]), value=0)
