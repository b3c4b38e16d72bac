"""The progress of a run, on stderr."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, ProgressColumn

    from slashpoint.sim.world import World

INTERVAL = 0.1  # seconds of wall time between two looks at the world


@contextmanager
def progress(jobs: int, *, shown: bool = True) -> Iterator[Callable[[World], None] | None]:
    """A bar of the jobs that ended, for `World.run`; None when stderr is no terminal, or it should not be shown."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import TextColumn, TimeElapsedColumn

    with _bar(TextColumn("jobs"), TimeElapsedColumn()) as bar:
        task, last = bar.add_task("block 0", total=jobs), 0.0

        def told(world: World) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= INTERVAL:
                last = now
                closed = sum(job.closed is not None for market in world.markets for job in market.jobs.values())
                bar.update(task, completed=closed, description=f"block {world.chain.number}")

        yield told


@contextmanager
def counting(title: str, *, what: str = "runs", shown: bool = True) -> Iterator[Callable[[int, int], None] | None]:
    """A bar of what is done of how much, for `evaluate` and its like; None where there is nobody to see it."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import TextColumn, TimeRemainingColumn

    with _bar(TextColumn(f"{what},"), TimeRemainingColumn(), TextColumn("to go")) as bar:
        task = bar.add_task(visible(title), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _bar(*counts: ProgressColumn) -> Progress:
    """A bar with what it is about before it, and what is counted behind it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from slashpoint.experiments.report.screen import Screen

    about = TextColumn("{task.description}", markup=False)
    return Progress(about, BarColumn(), MofNCompleteColumn(), *counts, console=Screen(stderr=True), transient=True)
