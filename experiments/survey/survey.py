"""A survey: plan, run, find, write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from slashpoint.experiments.setup.files import make_folder, write
from slashpoint.experiments.study.executor import evaluate
from slashpoint.experiments.study.matrix import CENT
from slashpoint.experiments.survey.book import Book
from slashpoint.experiments.survey.details import details
from slashpoint.experiments.survey.facts import surveyed
from slashpoint.experiments.survey.findings import Findings
from slashpoint.experiments.survey.pages import front
from slashpoint.experiments.survey.pictures import drawings
from slashpoint.experiments.survey.plan import again, chosen, networks, shared_attacks, trials

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slashpoint.experiments.survey.blocks import Page
    from slashpoint.experiments.survey.plan import Trial

FRONT, DETAILS = "README", "details"  # names of pages, without suffix
NUMBERS = "numbers.json"


@dataclass(frozen=True)
class Survey:
    """The pages and pictures of a survey."""

    found: Findings
    pages: dict[str, Page]  # by name
    drawings: dict[str, str]  # SVG by name

    def numbers(self) -> dict[str, Any]:
        """Return each page's numbers in the order of the page, each with where it is from."""
        return {name: page.book.used(list(page.texts())) for name, page in self.pages.items()}

    def write(self, folder: Path) -> list[Path]:
        """Write pages, pictures and numbers into a folder; returns the files."""
        make_folder(folder)
        files = {f"{name}.svg": drawn for name, drawn in self.drawings.items()}
        for name, page in self.pages.items():
            files[f"{name}.md"] = page.markdown()
            files[f"{'index' if name == FRONT else name}.html"] = page.html(self.drawings)
        files[NUMBERS] = json.dumps(self.numbers(), indent=1, ensure_ascii=False) + "\n"
        for name, text in files.items():
            write(folder / name, text)
        return [folder / name for name in files]


def survey(
    protocols: Sequence[str] = (),
    overrides: Sequence[str] = (),
    *,
    seeds: int,
    line: str,
    attacks: Sequence[str] = (),
    workers: int = 1,
    cache: Path | None = None,
    project: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Measure every network in the same way.

    Args:
        protocols: their names; by default all that there are.
        overrides: of all runs, in Hydra's grammar.
        seeds: of each number.
        line: the command that makes the survey again, for the page.
        attacks: names; by default all that name no protocol.
        workers: processes.
        cache: where rows are kept.
        project: a project's folder.
        progress: told how many runs of a round are done, of how many.

    Raises:
        Misconfigured: a protocol or an override is not known, or not for a survey.
    """
    columns = networks(chosen("protocol", protocols, surveyed(project)), overrides, project)
    plan = trials(columns, seeds, chosen("attack", attacks, shared_attacks(project)))

    def run(some: Sequence[Trial]) -> pd.DataFrame:
        points = [point for trial in some for point in trial.points(project)]
        return evaluate(points, workers=workers, cache=cache, progress=progress)

    rows = run(plan)
    first = Findings(columns, rows, Book()).attacks
    gained = {
        (row["protocol"], row["variant"], row["attack"]) for row in first.to_dict("records") if row["gain"] > CENT
    }
    picked = [
        again(one, seeds)
        for one in plan
        if one.kind == "attack" and (one.network.protocol, one.network.variant, one.x) in gained
    ]
    if picked:
        rows = pd.concat([rows, run(picked)], ignore_index=True)
    found = Findings(columns, rows, Book())
    return Survey(found, {FRONT: front(found, line, seeds), DETAILS: details(found)}, drawings(found))
