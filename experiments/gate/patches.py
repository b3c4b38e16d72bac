"""Patches: the stock of mutants, our contracts with one bug each. The head of a patch says what it is.

    Bug: the fee is taken twice.
    Run: scenario=small protocol.fee_bps=200
    Caught by: invariant rewards_end_as_the_rules_say
    --- a/src/modelmarket/ModelMarket.sol

The contract that it breaks is the one of the protocol in `Run`: ModelMarket, or what `protocol=x` says. `Caught by`
names, with semicolons between, invariants (`invariant x`), `profit` (the attack pays), and expectations in words.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.experiments.setup.compile import CONTRACTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def protocol_of(overrides: Sequence[str]) -> str:
    """Return the protocol that a setting plays."""
    chosen = [one.removeprefix("protocol=") for one in overrides if one.startswith("protocol=")]
    return chosen[-1] if chosen else "modelmarket"


@dataclass(frozen=True)
class Mutant:
    """One contract with a bug."""

    name: str
    build: Path  # deployed in the place of ours of the same name: `standing_in(build)`
    bug: str  # in a sentence
    overrides: tuple[str, ...]  # of a run that shows it
    caught_by: tuple[str, ...]  # what complains there

    @property
    def invariants(self) -> frozenset[str]:
        """The invariants that complain."""
        return frozenset(one.removeprefix("invariant ") for one in self.caught_by if one.startswith("invariant "))


def mutants(contracts: Path = CONTRACTS) -> list[Mutant]:
    """All there are, by name.

    Raises:
        ValueError: the head of a patch lacks a line.
    """
    found = []
    for patch in sorted((contracts / "mutants").rglob("*.patch"), key=lambda path: path.name):
        head = dict(line.split(": ", 1) for line in patch.read_text(encoding="utf-8").splitlines()[:3] if ": " in line)
        if missing := {"Bug", "Run", "Caught by"} - head.keys():
            raise ValueError(f"{patch}: its head lacks {', '.join(sorted(missing))}")
        build = contracts / "build" / "mutants" / f"{patch.stem}.json"
        caught = tuple(one.strip() for one in head["Caught by"].split(";"))
        found.append(Mutant(patch.stem, build, head["Bug"], tuple(shlex.split(head["Run"])), caught))
    return found
