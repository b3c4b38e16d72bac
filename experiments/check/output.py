"""What a check prints: for a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.check.teller import amount, readable, title
from slashpoint.experiments.report.screen import Grid, Screen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashpoint.experiments.check.functions import Row
    from slashpoint.experiments.check.stage import Stage
    from slashpoint.experiments.check.teller import Story
    from slashpoint.experiments.check.verdict import Told, Verdict

WIDTH = 80  # columns, at least
MOST_WARNINGS = 24


def console() -> Screen:
    """Return where it is printed."""
    made = Screen()
    made.width = max(made.width, WIDTH)
    return made


def say(verdict: Verdict, screen: Screen) -> None:
    """Print all that a check has to say."""
    deployed(verdict.stage, screen)
    _section(screen, "Saved sequences", verdict.earlier)
    for number, each in enumerate(verdict.told, 1):
        _finding(number, each, screen)
    _functions(verdict.functions, screen)
    careful = [readable(each) for each in verdict.careful]
    more = [f"… and {len(careful) - MOST_WARNINGS} more: --json has all"] * (len(careful) > MOST_WARNINGS)
    _section(screen, "To be careful about", [*careful[:MOST_WARNINGS], *more])
    _summary(verdict, screen)


def deployed(stage: Stage, screen: Screen) -> None:
    """Print what stands, and what of it was guessed."""
    _section(screen, "Deployed", stage.told)
    _section(screen, "Guessed, for nobody said it", stage.plan.guesses)


def story(told: Story, screen: Screen) -> None:
    """Print a sequence, step by step, with what each did, and what it came to."""
    table = Grid("", "time", "who", "call", wei=True)
    table.columns[0].no_wrap = True
    table.columns[1].max_width = 18  # of "mallory (through a contract)"
    for line in told.lines:
        table.add_row(
            line.time, line.who, line.call, line.wei if line.wei != "0" else "", style="" if line.played.ok else "dim"
        )
        for each in line.outcome:
            table.add_row("", "", f"→ {each}", "", style="dim")
    screen.print(table)
    changes = [f"{who} {'+' if by > 0 else ''}{amount(by)} {asset}" for who, asset, by in told.changes]
    screen.tell(f"  in the end: {', '.join(changes) or 'everybody has what they had'}")


def _section(screen: Screen, heading: str, lines: Iterable[str]) -> None:
    told = list(lines)
    if told:
        screen.tell(heading, style="bold")
        for line in told:
            screen.tell(f"  {line}")
        screen.tell()


def _finding(number: int, told: Told, screen: Screen) -> None:
    screen.tell(f"Finding {number}: {title(told.finding)}", style="bold red")
    screen.tell(f"  {readable(told.finding.why)}")
    screen.tell()
    story(told.story, screen)
    screen.tell(f"  replay: {told.replay}")
    screen.tell()


def _functions(rows: list[Row], screen: Screen) -> None:
    several = len({row.target.contract for row in rows}) > 1
    table = Grid("Functions", "function", calls=True, ok=True, **{"gas min": True, "mean": True, "max": True})
    for row in rows:
        low, _, high = row.usage.gas
        usage = row.usage
        gas = [f"{low:,}", f"{row.mean:,}", f"{high:,}"] if usage.succeeded else ["", "", ""]
        share = f"{usage.succeeded / usage.calls:.0%}" if usage.calls else ""
        name = row.name if several else row.short
        table.add_row(name, f"{usage.calls:,}", share, *gas, style="" if usage.succeeded else "yellow")
    screen.print(table)
    screen.tell()
    reasons = Grid("Why calls failed, most frequent first", "function", "reason (share of its calls)")
    for row in rows:
        if row.causes:
            reasons.add_row(row.name if several else row.short, row.why)
    if reasons.row_count:
        screen.print(reasons)
        screen.tell()


def _summary(verdict: Verdict, screen: Screen) -> None:
    harvest, count = verdict.report.harvest, len(verdict.told)
    jumps = f", {harvest.edges:,} jumps of the code seen" if harvest.edges is not None else ""
    screen.tell(f"{harvest.calls:,} calls, seed {verdict.seed}{jumps}; engine {verdict.engine}: {verdict.how}")
    if count:
        screen.tell(f"{count} finding{'s' * (count > 1)}", style="bold red")
    elif not verdict.tested:
        screen.tell("undecided: not one call succeeded", style="bold yellow")
    else:
        screen.tell("nothing was found, which proves nothing: more calls may (--calls, --seed)", style="bold green")
