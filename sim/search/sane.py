"""Sane sequences: without gifts, without steps that fail, and with arguments that a person would mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slashpoint.sim.search.moves import payable
from slashpoint.sim.units import ETH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.sim.search.calls import Calls
    from slashpoint.sim.search.setup import Setup
    from slashpoint.sim.search.step import Step

    Steps = tuple[Step, ...]

ABSURD = 2**96  # no amount and no time that anybody means is as large
TINY = 1000
GIFTS = ("transfer", "transferFrom", "approve")  # everybody has approved the contracts of a setup


def successful(setup: Setup, steps: Steps) -> Steps:
    """Return the steps of a sequence that succeed; the times of the rest stay as they were."""
    setup.mark()
    kept, waited = [], 0
    for step in steps:
        moved = step._replace(wait=step.wait + waited)
        setup.mark()
        if setup.play(moved).ok:
            setup.stay()
            kept.append(moved)
            waited = 0
        else:
            setup.back()
            waited = moved.wait
    setup.back()
    return tuple(kept)


def is_gift(setup: Setup, calls: Calls, step: Step) -> bool:
    """Return whether a step only moves a token, or lets somebody move it.

    Args:
        setup: with its tokens.
        calls: of the setup.
        step: of a sequence.
    """
    function = calls.function(step)
    tokens = {setup.contracts[name].address_ for name in setup.tokens}
    return calls.inner(step)[0] in tokens and function is not None and function.name in GIFTS


def without_gifts(setup: Setup, calls: Calls, steps: Steps) -> Steps:
    """Return a sequence without gifts: what is done with a token itself, and wei for a function that takes none.

    Args:
        setup: what the sequence begins from.
        calls: of the setup.
        steps: the sequence.
    """
    kept, waited = [], 0
    for step in steps:
        if is_gift(setup, calls, step):
            waited += step.wait
        else:
            value = step.value if payable(calls.function(step)) else 0
            kept.append(step._replace(wait=step.wait + waited, value=value))
            waited = 0
    return tuple(kept)


def sane(setup: Setup, calls: Calls, steps: Steps, but: bytes = b"") -> Steps:
    """Return a sequence with ordinary arguments where these do as well: whoever names nobody has only himself to blame.

    An address of no person becomes a person's, an absurd number a day or an ether, a tiny one an ether, in every step
    that still succeeds so. A step that can name but an address that nobody acts for is left out.

    Args:
        setup: what the sequence begins from.
        calls: of the setup.
        steps: the sequence, all of which succeed.
        but: whose steps stay as they are, 20 bytes.
    """
    setup.mark()
    kept: list[Step] = []
    waited = 0
    for step in steps:
        moved = step._replace(wait=step.wait + waited)
        better = moved if step.sender == but else _better(setup, calls, moved)
        if better is None or not setup.play(better).ok:
            waited = moved.wait
        else:
            kept.append(better)
            waited = 0
    setup.back()
    return tuple(kept)


def _better(setup: Setup, calls: Calls, step: Step) -> Step | None:
    """Return a step with ordinary arguments; None if it cannot but name an address that nobody can act for."""
    function = calls.function(step)
    if 0 < step.value < ETH and _succeeds(setup, step._replace(value=ETH)):
        step = step._replace(value=ETH)
    if function is None or not function.arity:
        return step
    try:
        args = list(function.coder.unpack(calls.inner(step)[1], 4))
    except ValueError:
        return step
    helpless = {calls.puppet, calls.inner(step)[0]}
    known = {*setup.accounts.values(), *(each.address_ for each in setup.contracts.values())} - helpless
    for at, parameter in enumerate(function.inputs):
        for each in _ordinary(setup, parameter["type"], args[at], step.sender):
            changed = calls.with_inner(step, function.encode([*args[:at], each, *args[at + 1 :]]))
            if _succeeds(setup, changed):
                step, args[at] = changed, each
                break
        else:
            if parameter["type"] == "address" and args[at] not in known:
                return None
    return step


def _ordinary(setup: Setup, kind: str, value: Any, sender: bytes) -> Iterator[Any]:
    """Yield what a person would rather give."""
    people = list(setup.accounts.values())
    if kind == "address" and value not in people:
        yield from (each for each in people if each != sender)
    elif kind.startswith("uint") and (value >= ABSURD or value < TINY):
        ordinary = (86_400, ETH, setup.now + 86_400) if value >= ABSURD else (ETH,)
        yield from (each for each in ordinary if each < 1 << int(kind[4:]))


def _succeeds(setup: Setup, step: Step) -> bool:
    setup.mark()
    ok = setup.play(step).ok
    setup.back()
    return ok
