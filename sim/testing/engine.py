"""The conformance suite of engines: one script of hand-known answers for every implementation of `Engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slashpoint.sim.testing import execution, gas, movements, state, validity
from slashpoint.sim.testing.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashpoint.sim.engine import Engine

    Rule = Callable[[Stage], None]


def rules() -> Iterator[tuple[str, Rule]]:
    """Return every rule with its name: the functions `rule_…` of the modules above, each on its own stage."""
    for module in (gas, validity, execution, state, movements):
        for name, function in vars(module).items():
            if name.startswith("rule_"):
                yield f"{module.__name__.rpartition('.')[2]}.{name.removeprefix('rule_')}", function


def check_engine(make_engine: Callable[[], Engine], fork: str = "prague") -> None:
    """Check an engine against every rule.

    Transactions are signed, where an engine signs, by `key_of("alice")` and `key_of("bob")`. No expectation comes from
    another engine: all are derived from the protocol's prices and rules.

    Args:
        make_engine: makes an empty engine, afresh for each rule, on chain 1.
        fork: the fork whose rules it follows.

    Raises:
        AssertionError: says which rules broke and how, one a line.
    """
    broken = []
    for name, rule in rules():
        stage = Stage(make_engine(), fork)
        try:
            rule(stage)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is its answer to one rule
            how = str(error) if isinstance(error, AssertionError) else repr(error)
            broken.append((f"{stage.engine.name} breaks {name} ({_says(rule)}): {how}", error))
    if broken:
        raise AssertionError("\n".join(line for line, _ in broken)) from broken[0][1]


def engine_trace(make_engine: Callable[[], Engine], fork: str = "prague") -> dict[str, list[Any]]:
    """Return all that an engine answers to the rules' transactions, and the root of the state that they leave, by rule.

    Equal for engines that agree.

    Args:
        make_engine: makes a fresh engine of a fork.
        fork: prague, …
    """
    traces = {}
    for name, rule in rules():
        stage = Stage(make_engine(), fork)
        try:
            rule(stage)
        except AssertionError as error:
            stage.trace.append(str(error))
        traces[name] = [*stage.trace, stage.engine.state_root()]
    return traces


def _says(rule: Rule) -> str:
    return (rule.__doc__ or "").rstrip(".")
