"""The steered campaign: the native engine searches by itself, led by what the EVM jumps to and compares."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from slashpoint.sim.engine.native import Native
from slashpoint.sim.search.finding import Finding, Kind
from slashpoint.sim.search.harvest import Gain, Harvest, Target, Usage
from slashpoint.sim.search.moves import ATTACKER
from slashpoint.sim.search.oracles import FAILED
from slashpoint.sim.search.setup import BLOCK_GAS, GAS
from slashpoint.sim.search.step import Step
from slashpoint.sim.search.values import targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slashpoint.sim.contract.entry import Function
    from slashpoint.sim.search.properties import Property
    from slashpoint.sim.search.setup import Setup

ARM = "arm(address,bytes,uint256)"


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
    """Search on the native engine, from states that were seen, and return what was seen.

    Args:
        setup: what every sequence begins from; it stays as it is.
        calls: how many are executed.
        seed: of all that is drawn.
        length: calls a sequence has at most.
        properties: what is asked whenever something changed that they depend on.
        words: numbers to try as arguments, beside those that the code holds.
        corpus: sequences that are played first, and gone on from.

    Raises:
        TypeError: the setup's engine is another one.
    """
    if not isinstance(setup.engine, Native):
        raise TypeError(f"the native engine searches in itself, not in {setup.engine.name}")
    functions = list(callable_in(setup))
    plan = {
        "now": setup.now,
        "number": setup.number,
        "gas": GAS,
        "block_gas": BLOCK_GAS,
        "calls": calls,
        "seed": seed % 2**64,
        "length": length,
        "accounts": list(setup.accounts.values()),
        "puppet": _puppet(setup),
        "functions": [each for _, each in functions],
        "contracts": [each.address_ for name, each in setup.contracts.items() if name != setup.puppet],
        "tokens": [setup.contracts[name].address_ for name in setup.tokens],
        "properties": [(each.to, each.data, each.boolean) for each in properties],
        "alarms": sorted(_alarms(setup)),
        "words": [word % 2**256 for word in words],
        "corpus": corpus,
    }
    return _harvest(setup, setup.engine.search(plan), [target for target, _ in functions], properties)


def callable_in(setup: Setup) -> Iterable[tuple[Target, tuple[bytes, str, bytes, bool, bool]]]:
    """Yield what may be called, and it as the engine takes it; views too, whose answers are worth trying."""
    for target, to, function in targets(setup):
        payable = function is None or _payable(function)
        selector = function.selector if function else b""
        yield target, (to, function.signature if function else "receive()", selector, payable, False)
    for name, contract in setup.contracts.items():
        for overloads in contract.artifact_.interface.functions.values() if name != setup.puppet else ():
            for function in overloads:
                if function.view and function.arity:
                    at = contract.address_, function.signature, function.selector, False, True
                    yield Target(name, function.signature), at


def _payable(function: Function) -> bool:
    return function.abi.get("stateMutability") == "payable" or bool(function.abi.get("payable"))


def _puppet(setup: Setup) -> tuple[bytes, int] | None:
    if not setup.puppet or ATTACKER not in setup.accounts:
        return None
    return setup.contracts[setup.puppet].address_, list(setup.accounts).index(ATTACKER)


def _alarms(setup: Setup) -> set[bytes]:
    """Return the first topics of the events that say that an assertion failed."""
    own = (each.artifact_.interface.events.get("AssertionFailed", []) for each in setup.contracts.values())
    return FAILED | {event.hash for events in own for event in events}


def _harvest(setup: Setup, told: dict[str, Any], called: list[Target], properties: Sequence[Property]) -> Harvest:
    called = [*called, Target(setup.puppet, ARM)]
    names = {each.address_: name for name, each in setup.contracts.items()}

    def suspect(what: tuple[Any, ...], steps: tuple[Step, ...]) -> Finding:
        match what:
            case "property", place:
                name = properties[place].name
                return Finding(Kind.PROPERTY, name, f"{name} does not hold any more", steps)
            case "assertion", contract, place, function:
                where = f"in {names.get(contract, '0x' + contract.hex())} at {place} of its code"
                return Finding(Kind.ASSERTION, _subject(called, function), f"an assertion fails {where}", steps)
            case _:
                _, contract, message, function = what
                who = names.get(contract, f"0x{contract.hex()}")
                why = f"{who} says AssertionFailed{_message(message)}"
                return Finding(Kind.ASSERTION, _subject(called, function), why, steps)

    accounts, assets = list(setup.accounts), ["wei", *setup.tokens]
    usage = zip(called, told["usage"], strict=True)
    views = {target for target, (*_, view) in callable_in(setup) if view}
    return Harvest(
        calls=told["calls"],
        suspects=[suspect(what, _steps(steps)) for what, steps in told["suspects"]],
        interesting=[_steps(each) for each in told["interesting"]],
        functions={
            target: Usage(made, succeeded, list(gas))
            for target, (made, succeeded, gas) in usage
            if made or target not in views
        },
        reverts=Counter({(called[function], data): count for function, data, count in told["reverts"]}),
        gains={
            (accounts[account], assets[asset]): Gain(amount, _steps(steps))
            for account, asset, amount, steps in told["gains"]
        },
        edges=told["edges"],
    )


def _steps(steps: Iterable[tuple[bytes, bytes, bytes, int, int]]) -> tuple[Step, ...]:
    return tuple(Step(*each) for each in steps)


def _subject(called: list[Target], function: int | None) -> str:
    return ".".join(called[function]) if function is not None else ""


def _message(data: bytes) -> str:
    """Return what an event of a text says, with a colon before it."""
    size = int.from_bytes(data[32:64], "big")
    text = data[64 : 64 + size].decode(errors="replace") if len(data) >= 64 + size else ""
    return f": {text}" if text else ""
