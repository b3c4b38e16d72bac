"""Functions: how each fared in a search, and what about that a reader should be warned of."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.check.shapes import functions, takes_wei
from slashpoint.sim.search import Target, Usage, properties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashpoint.experiments.check.teller import Teller
    from slashpoint.sim.search import Harvest, Setup
    from slashpoint.sim.search.campaign import Report

WRONG = {  # whose input was wrong, by the words of a reason
    "the caller": "owner auth authorized unauthorized role access permissions permitted only caller sender admin "
    "manager minter controller forbidden whitelisted operator",
    "the time": "deadline expired expires early late time timestamp ended started closed open window period yet locked",
    "the money": "balance allowance funds value payment paid stake deposit afford insufficient amount wei ether",
    "an id": "such exist exists nonexistent unknown found missing",
    "a number": "panic overflow underflow zero range bounds large small high low many few index",
}
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # of notOwner, NOT_OWNER, "not the owner"


@dataclass
class Row:
    """How one function fared."""

    target: Target
    usage: Usage
    overloaded: bool = False  # whether others share its name
    causes: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """Return contract and function."""
        return f"{self.target.contract}.{self.short}"

    @property
    def short(self) -> str:
        """Return the function's name; of an overloaded one its signature."""
        return self.target.signature if self.overloaded else self.target.signature.partition("(")[0]

    @property
    def mean(self) -> int:
        """Return the mean gas of the calls that succeeded."""
        return self.usage.gas[1] // self.usage.succeeded if self.usage.succeeded else 0

    @property
    def why(self) -> str:
        """Return the most frequent reasons of its failures, with their shares of all its calls."""
        most = self.causes.most_common(2)
        return ", ".join(f"{cause} ({_share(number, self.usage.calls)})" for cause, number in most)

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        low, total, high = self.usage.gas
        told = {"contract": self.target.contract, "function": self.target.signature}
        gas = {"low": low, "mean": self.mean, "high": high, "sum": total} if self.usage.succeeded else None
        reverts = dict(self.causes.most_common())
        return {**told, "calls": self.usage.calls, "succeeded": self.usage.succeeded, "gas": gas, "reverts": reverts}


def rows(harvest: Harvest, setup: Setup, teller: Teller) -> list[Row]:
    """Return how each function fared, in the order of the interfaces; views are left out."""
    there = [(name, each) for name, contract in setup.contracts.items() for each in functions(contract.artifact_)]
    without = {Target(name, each.signature) for name, each in there if each.view}
    found = {Target(name, each.signature): Usage() for name, each in there} | harvest.functions
    found = {each: usage for each, usage in found.items() if each.contract != setup.puppet and each not in without}
    names = Counter(_named(target) for target in found)
    made = {target: Row(target, usage, names[_named(target)] > 1) for target, usage in found.items()}
    for (target, data), number in harvest.reverts.items():
        if target in made:
            made[target].causes[teller.cause(data)] += number
    return list(made.values())


def _share(part: int, whole: int) -> str:
    return "under 1%" if 100 * part < whole else f"{part / whole:.0%}"


def _named(target: Target) -> tuple[str, str]:
    return target.contract, target.signature.partition("(")[0]


def warnings(table: list[Row], report: Report, setup: Setup) -> Iterator[str]:
    """Yield what could make a check look better than it is."""
    if report.harvest.calls and not any(row.usage.succeeded for row in table):
        yield "not one call succeeded, so that nothing was tested: are the arguments right, is something to be set up?"
    if not any(True for _ in properties(setup)):
        yield (
            "no property was given (a view called invariant_…, echidna_… or property_…): only assertions, gains at "
            "others' expense, stuck money and token conservation were watched"
        )
    targets = [each for name, each in setup.contracts.items() if name != setup.puppet]
    if not setup.tokens and not any(takes_wei(each.artifact_) for each in targets):
        yield "no money is at stake: no function takes wei and no token was given, so that no gain could be seen"
    for row in table:
        if not row.usage.calls:
            if report.harvest.calls:
                yield f"{row.name} was never called"
        elif not row.usage.succeeded:
            cause = next(iter(row.causes.most_common(1)), ("", 0))[0]
            said = {word.lower() for word in WORDS.findall(cause)}
            whose = next((what for what, words in WRONG.items() if said & set(words.split())), "")
            guess = f" (perhaps {whose} was wrong)" * bool(whose)
            most = cause or "for no known cause"
            yield f"{row.name} never succeeded in {row.usage.calls:,} calls: mostly {most}{guess}"
