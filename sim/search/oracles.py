"""Oracles: what is wrong with a sequence when it is played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.sim.contract import keccak
from slashpoint.sim.engine import Status
from slashpoint.sim.search.calls import Calls
from slashpoint.sim.search.finding import Finding, Kind
from slashpoint.sim.search.properties import properties as properties_of
from slashpoint.sim.search.setup import BALANCE_OF

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashpoint.sim.search.properties import Property
    from slashpoint.sim.search.setup import Played, Setup
    from slashpoint.sim.search.step import Step

PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)
ASSERTED = PANIC + (1).to_bytes(32, "big")
FAILED = {keccak(f"AssertionFailed({kind})".encode()) for kind in ("", "string", "uint256", "bytes", "address")}
TOTAL_SUPPLY = bytes.fromhex("18160ddd")  # totalSupply()
INVALID_OPCODE = "invalid opcode"


def confirm(setup: Setup, finding: Finding) -> Finding | None:
    """Play a finding's sequence again, and return it with what it shows, up to the step that does; None if it does not.

    Args:
        setup: what the sequence begins from; it is as it was when this returns.
        finding: a property, an assertion or a conservation. What money shows, `probe` confirms.
    """
    asked = [each for each in properties_of(setup) if finding.kind == Kind.PROPERTY and each.name == finding.subject]
    setup.mark()
    try:
        for count, step in enumerate(finding.steps, 1):
            played = setup.play(step)
            for seen in broken(setup, played, finding.steps[:count], asked):
                if seen.key == finding.key:
                    return seen
        if finding.kind == Kind.CONSERVATION:
            return next((each for each in unbalanced(setup, finding.steps) if each.key == finding.key), None)
        return None
    finally:
        setup.back()


def broken(setup: Setup, played: Played, steps: tuple[Step, ...], properties: Iterable[Property]) -> list[Finding]:
    """Return what is wrong after a step: an assertion that failed, or properties that hold no more.

    Args:
        setup: as it is after the step.
        played: what the step did.
        steps: the sequence that it ends.
        properties: what is asked, if the step changed anything.
    """
    found = []
    if why := asserted(played):
        found.append(Finding(Kind.ASSERTION, ".".join(Calls(setup).target(played.step)), why, steps))
    if played.ok:
        found += [
            Finding(Kind.PROPERTY, each.name, f"{each.name} does not hold any more", steps)
            for each in properties
            if not each.holds(setup)
        ]
    return found


def asserted(played: Played) -> str:
    """Return which assertion a step failed; nothing if it failed none."""
    if played.status == Status.REVERTED and played.output == ASSERTED:
        return "assert() fails"
    if played.status == Status.HALTED and INVALID_OPCODE in played.reason:
        return "the invalid opcode runs"
    if any(log.topics and log.topics[0] in FAILED for log in played.logs):
        return "it says AssertionFailed"
    return ""


def unbalanced(setup: Setup, steps: tuple[Step, ...]) -> list[Finding]:
    """Return the tokens of which people hold more than there is, in the state in which a setup is.

    Asked are all accounts and contracts. A unit for each may be rounding.

    Args:
        setup: as it is after the steps.
        steps: how it came to be so.
    """
    holders = {*setup.accounts.values(), *(each.address_ for each in setup.contracts.values())}
    found = []
    for name, token in setup.contracts.items():
        if {"balanceOf", "totalSupply", "transfer"} <= token.artifact_.interface.functions.keys():
            ok, answer = setup.ask(token.address_, TOTAL_SUPPLY)
            supply = int.from_bytes(answer[:32], "big")
            held = sum(_balance(setup, token.address_, each) for each in holders)
            if ok and held > supply + len(holders):
                why = f"accounts hold {held} units of {name}, and its totalSupply() is {supply}"
                found.append(Finding(Kind.CONSERVATION, name, why, steps))
    return found


def _balance(setup: Setup, token: bytes, holder: bytes) -> int:
    ok, answer = setup.ask(token, BALANCE_OF + holder.rjust(32, b"\0"))
    return int.from_bytes(answer[:32], "big") if ok else 0
