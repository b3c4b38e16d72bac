"""Show on stderr how far a command is: a bar on a terminal, elsewhere a line a minute."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import complain, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, ProgressColumn

    from slashpoint.sim.world import World

    Update = Callable[[int, int, str], None]  # done, of how many, a few words of where it is

INTERVAL = 0.1  # seconds of wall time between two looks at the world
PAUSE = 60.0  # seconds between two lines, where stderr is no terminal


@contextmanager
def progress(jobs: int, *, shown: bool = True) -> Iterator[Callable[[World], None] | None]:
    """Show how many jobs of a run have ended.

    Args:
        jobs: how many there will be.
        shown: whether anything is to be shown.

    Yields:
        What `World.run` calls after every block; None where nothing is shown.
    """
    if not shown:
        yield None
        return
    from rich.progress import TextColumn, TimeElapsedColumn

    with _shown("run", "jobs", TextColumn("jobs"), TimeElapsedColumn()) as update:
        last = 0.0

        def after_block(world: World) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= INTERVAL:
                last = now
                closed = sum(job.closed is not None for market in world.markets for job in market.jobs.values())
                update(closed, jobs, f"block {world.chain.number:,}")

        yield after_block


@contextmanager
def counting(title: str, *, what: str = "runs", shown: bool = True) -> Iterator[Callable[[int, int], None] | None]:
    """Show how much of a command is done.

    Args:
        title: what is done.
        what: what is counted.
        shown: whether anything is to be shown.

    Yields:
        What `evaluate` and its like call with how many are done, of how many; None where nothing is shown.
    """
    if not shown:
        yield None
        return
    from rich.progress import TextColumn, TimeRemainingColumn

    with _shown(visible(title), what, TextColumn(f"{what},"), TimeRemainingColumn(), TextColumn("to go")) as update:
        yield lambda done, total: update(done, total, "")


@contextmanager
def _shown(title: str, what: str, *counts: ProgressColumn) -> Iterator[Update]:
    """Yield what is called with news; it reaches a bar, or a line a minute."""
    if sys.stderr.isatty():
        with _bar(*counts) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, total, at: bar.update(task, completed=done, total=total, description=at or title)
        return
    news, begun, ended = [f"no {what.removesuffix('s')} has ended yet"], time.monotonic(), Event()

    def speak() -> None:
        while not ended.wait(PAUSE):
            complain(f"{title}: {news[0]}, {(time.monotonic() - begun) / 60:.0f} min")

    def update(done: int, total: int, at: str) -> None:
        news[0] = f"{done:,} of {total:,} {what}{', ' * bool(at)}{at}"

    speaker = Thread(target=speak, daemon=True)
    speaker.start()
    try:
        yield update
    finally:
        ended.set()
        speaker.join()


def _bar(*counts: ProgressColumn) -> Progress:
    """Return a bar with what it is about before it, and what is counted behind it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from slashpoint.experiments.report.screen import Screen

    about = TextColumn("{task.description}", markup=False)
    return Progress(about, BarColumn(), MofNCompleteColumn(), *counts, console=Screen(stderr=True), transient=True)
