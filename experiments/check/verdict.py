"""The verdict of a check: what was deployed, what was found, how functions fared, and what to be careful about."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.check.functions import rows, warnings
from slashpoint.experiments.check.saved import keep
from slashpoint.experiments.check.teller import Teller
from slashpoint.experiments.report.text import command
from slashpoint.sim.errors import OutOfRoom
from slashpoint.sim.search.campaign import gains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashpoint.experiments.check.functions import Row
    from slashpoint.experiments.check.request import Request
    from slashpoint.experiments.check.saved import Saved
    from slashpoint.experiments.check.stage import Stage
    from slashpoint.experiments.check.teller import Story
    from slashpoint.sim.search import Finding
    from slashpoint.sim.search.campaign import Report

STEERED = "steered by coverage and by what is compared"
BLIND = "plain random calls, which see neither coverage nor comparisons, as the engine native does"


@dataclass(frozen=True)
class Told:
    """A finding with its story and where it is kept."""

    finding: Finding
    story: Story
    path: str  # of its file, from the current folder on; empty where it could not be saved
    replay: str  # the line that replays it, or why there is none

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "kind": self.finding.kind,
            "subject": self.finding.subject,
            "why": self.finding.why,
            "steps": [each.document() for each in self.story.lines],
            "changes": [{"who": who, "asset": asset, "by": str(by)} for who, asset, by in self.story.changes],
            "file": self.path,
            "replay": self.replay,
        }


@dataclass
class Verdict:
    """What a check has to say."""

    stage: Stage
    report: Report
    seed: int
    told: list[Told] = field(default_factory=list)
    functions: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)  # what became of saved sequences, a sentence each

    @property
    def engine(self) -> str:
        """Return the engine's name."""
        return self.stage.setup.engine.name

    @property
    def careful(self) -> list[str]:
        """Return what a reader should know beside the findings, what concerns all of them first."""
        return [*self.stage.plan.notes, *self.report.notes, *gains(self.report), *self.warnings]

    @property
    def how(self) -> str:
        """Return how it searched."""
        return BLIND if self.report.harvest.edges is None else STEERED

    @property
    def tested(self) -> bool:
        """Return whether any call succeeded."""
        return any(row.usage.succeeded for row in self.functions)

    def document(self, **others: Any) -> dict[str, Any]:
        """Return it as JSON holds it."""
        setup, plan, harvest = self.stage.setup, self.stage.plan, self.report.harvest
        return {
            **others,
            "contracts": {name: f"0x{each.address_.hex()}" for name, each in setup.contracts.items()},
            "accounts": {name: f"0x{each.hex()}" for name, each in setup.accounts.items()},
            "tokens": list(setup.tokens),
            "deployed": self.stage.told,
            "guesses": list(plan.guesses),
            "engine": self.engine,
            "search": self.how,
            "seed": self.seed,
            "calls": harvest.calls,
            "edges": harvest.edges,
            "findings": [each.document() for each in self.told],
            "functions": [each.document() for each in self.functions],
            "saved": self.earlier,
            "warnings": self.careful,
        }


def judge(stage: Stage, report: Report, request: Request, seed: int, saved: Sequence[Saved]) -> Verdict:
    """Return what a search came to, and keep what it found.

    Args:
        stage: on which it searched.
        report: what the search reports.
        request: what was deployed.
        seed: of the search.
        saved: sequences that it began with.
    """
    teller = Teller(stage.setup)
    verdict = Verdict(stage, report, seed, functions=rows(report.harvest, stage.setup, teller))
    for finding in report.findings:
        story = teller.story(finding.steps)
        try:
            path = shown(keep(finding, stage, request, story.lines, seed))
            verdict.told.append(Told(finding, story, path, command("check", ["--replay", path])))
        except OutOfRoom as error:  # what was found is told all the same
            verdict.told.append(Told(finding, story, "", f"it could not be saved: {error}"))
    verdict.warnings += warnings(verdict.functions, report, stage.setup)
    keys = {finding.key for finding in report.findings}
    for each in saved:
        if lacks := each.lacks(stage):
            verdict.earlier.append(f"{shown(each.path)} was not replayed: it needs {', '.join(lacks)}")
        elif each.finding.key in keys:
            changed = f", though {', '.join(names)} changed" if (names := each.changed(stage)) else ""
            verdict.earlier.append(f"{shown(each.path)} still shows it{changed}")
        else:
            verdict.earlier.append(f"{shown(each.path)} shows nothing any more: mended")
    return verdict


def shown(path: Path) -> str:
    """Return a path from the current folder on, where it is below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    except ValueError:
        return str(path)
