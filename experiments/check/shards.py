"""Shards: a search is cut into parts by a rule of its own, so that the number of processes changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slashpoint.experiments.check.stage import build
from slashpoint.experiments.study.workers import Died, each
from slashpoint.sim.search import campaign

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashpoint.experiments.check.request import Request
    from slashpoint.experiments.check.stage import Stage
    from slashpoint.sim.search import Setup, Step
    from slashpoint.sim.search.campaign import Report

    Progress = Callable[[int, int], None]  # calls made, of how many

CALLS = {"native": 100_000, "pyevm": 5_000}  # that a check makes unless it is told: within about a minute
SHARD = {"native": 50_000, "pyevm": 2_500}  # calls of one part


@dataclass(frozen=True)
class Shard:
    """One part of a search."""

    request: Request
    calls: int
    seed: int
    length: int
    saved: tuple[tuple[Step, ...], ...] = ()


def shards(
    request: Request, engine: str, calls: int, seed: int, length: int, saved: Sequence[tuple[Step, ...]]
) -> list[Shard]:
    """Return the parts of a search: as many calls each as a part has, and the rest in the last.

    Args:
        request: what is deployed.
        engine: on which it runs.
        calls: of all parts.
        seed: of everything random.
        length: calls a sequence has at most.
        saved: sequences that the first part begins with.
    """
    size = SHARD[engine]
    sizes = [min(size, calls - begun) for begun in range(0, calls, size)] or [0]
    return [
        Shard(request, each, seed_of(seed, number), length, () if number else tuple(saved))
        for number, each in enumerate(sizes)
    ]


def seed_of(seed: int, number: int) -> int:
    """Return the seed of a part.

    Args:
        seed: of the whole search.
        number: of the part, from 0.
    """
    return int.from_bytes(hashlib.blake2b(f"{seed}/{number}".encode(), digest_size=7).digest(), "big")


def search(stage: Stage, parts: Sequence[Shard], workers: int = 1, progress: Progress | None = None) -> Report:
    """Search in all parts; what comes out does not depend on the number of processes.

    Args:
        stage: what the parts' request builds, for what is searched in this process.
        parts: of one request.
        workers: processes.
        progress: is told how many calls were made, of how many.
    """
    total, done = sum(part.calls for part in parts), 0
    reports: dict[Shard, Report] = {}
    if workers == 1 or len(parts) == 1:
        for part in parts:
            before = done
            reports[part] = _searched(
                stage.setup,
                part,
                progress and (lambda made, before=before: progress(before + made, total)),
            )
            done += part.calls
    else:
        for part, report in each(_made, parts, workers):
            if isinstance(report, Died):
                raise RuntimeError(  # noqa: TRY004 - its class is its message
                    f"a process of the search was {report}: fewer at a time (-j) need less memory"
                )
            reports[part] = report
            done += part.calls
            if progress:
                progress(done, total)
    first = reports[parts[0]]
    for part in parts[1:]:
        first.add(reports[part])
    return first


def replay(setup: Setup, saved: Sequence[tuple[Step, ...]], seed: int) -> Report:
    """Play saved sequences alone, and return what they show.

    Args:
        setup: on which they are played.
        saved: the sequences.
        seed: of the search, which makes no call beyond theirs.
    """
    longest = max(map(len, saved), default=0)
    return campaign.check(setup, calls=sum(map(len, saved)), seed=seed, length=max(longest, 1), saved=saved)


def _made(part: Shard) -> Report:
    """Build the stage anew and search, in a process of its own."""
    return _searched(build(part.request).setup, part, None)


def _searched(setup: Setup, part: Shard, progress: Callable[[int], None] | None) -> Report:
    return campaign.check(
        setup, calls=part.calls, seed=part.seed, length=part.length, saved=part.saved, progress=progress
    )
