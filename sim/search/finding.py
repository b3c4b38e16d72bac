"""Findings: what a sequence of calls shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slashpoint.sim.search.step import Step


class Kind(StrEnum):
    """What is wrong."""

    PROPERTY = "property"  # a view of the contract says that it is broken: invariant_*, echidna_*, property_*
    ASSERTION = "assertion"  # assert() failed, an AssertionFailed event, or the invalid opcode
    GAIN = "gain"  # an account takes out what somebody else could have taken back
    STUCK = "stuck"  # money that nobody can get out, however long they wait
    CONSERVATION = "conservation"  # a token's balances do not add up to its supply


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and the sequence that shows it.

    Two findings of one kind and subject are the same bug: the shorter sequence is kept.
    """

    kind: Kind
    subject: str  # what it is about: the property's name, the function that asserts, the contract that holds the money
    why: str  # one sentence, with amounts
    steps: tuple[Step, ...]

    @property
    def key(self) -> tuple[Kind, str]:
        """Return what two findings of the same bug share."""
        return self.kind, self.subject
