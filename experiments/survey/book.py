"""The book of numbers: whatever number is on a page is written through it, and so has its source.

A number stands in a text as a mark, which the page replaces by the number. A text with a digit outside of marks is
refused, so that no number comes onto a page without a run, or without a document, that it is from.
"""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slashpoint.experiments.report.text import command
from slashpoint.experiments.study.stats import LEVEL, t_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from slashpoint.experiments.study.stats import Interval

MARK = re.compile("⟦([0-9]+)⟧")
DIGIT = re.compile(r"(?<![\w])\d")  # of a number; L1 and B2 are words
NONE = "–"
VARY = ("scenario.seat=", "seed=")  # by what the runs of a number may differ


class Unsourced(Exception):
    """A page has a number without a source."""


@dataclass(frozen=True)
class Entry:
    """A number, or words with numbers in them, and where they are from."""

    shown: str  # as the page has it
    source: dict[str, Any]  # of a measured one metric, unit, seeds, commands, value, low, high; of others what says so


class Book:
    """What was written so far."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def states(self, shown: str, source: str) -> str:
        """Return the mark of words that somebody else says, or of a setting.

        Args:
            shown: the words.
            source: who says so.
        """
        entry = Entry(shown, {"stated": source})
        return f"⟦{self.entries.index(entry)}⟧" if entry in self.entries else self._mark(entry)

    def counts(self, shown: str, rows: pd.DataFrame, metric: str, told: Sequence[str]) -> str:
        """Return the mark of what was counted over several trials.

        Args:
            shown: the count in words.
            rows: all their runs.
            metric: what was counted.
            told: commands that make the runs again.
        """
        seeds = sorted({int(one) for one in rows["seed"]})
        return self._mark(Entry(shown, {"metric": metric, "unit": "1", "seeds": seeds, "commands": list(told)}))

    def measures(
        self,
        found: Interval,
        rows: pd.DataFrame,
        metric: str,
        unit: str,
        form: str = ",.2f",
        *,
        plain: bool = False,
    ) -> str:
        """Return the mark of a number that runs gave; a dash where they gave none.

        Args:
            found: the number and its interval.
            rows: the runs, with the columns `seed` and `line`.
            metric: what was measured; a sweep's `--metric` where it is one.
            unit: its unit.
            form: how the number is written.
            plain: without its interval.
        """
        if math.isnan(found.mean):
            return NONE
        shown = written(found.mean, form)
        if not plain and found.n > 1 and not math.isnan(found.half_width):
            half = written(found.half_width, form)
            shown += f" ± {half}" if half.strip("0.") else ""
        interval = {"low": _finite(found.low), "high": _finite(found.high), "level": LEVEL} if found.n > 1 else {}
        source: dict[str, Any] = {"value": found.mean, **interval, "unit": unit, "metric": metric}
        source |= {"seeds": sorted({int(one) for one in rows["seed"]}), "commands": commands(rows, metric)}
        return self._mark(Entry(shown, source))

    def _mark(self, entry: Entry) -> str:
        self.entries.append(entry)
        return f"⟦{len(self.entries) - 1}⟧"

    def told(self, text: str, form: Callable[[Entry], str] = lambda entry: entry.shown) -> str:
        """Return a text with each mark replaced.

        Args:
            text: with marks.
            form: how an entry is written.

        Raises:
            Unsourced: it has a digit outside of marks.
        """
        bare = MARK.sub("", text)
        if found := DIGIT.search(bare):
            raise Unsourced(f"{bare!r}: the number at {found.start()} has no source; write it through the book")
        return MARK.sub(lambda mark: form(self.entries[int(mark[1])]), text)

    def used(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Return the entries of some texts in their order, as plain data.

        Args:
            texts: with marks.
        """
        marks = [int(one) for text in texts for one in MARK.findall(text)]
        return [{"shown": self.entries[one].shown, **self.entries[one].source} for one in marks]


def written(value: float, form: str) -> str:
    """Return a number as text, without a sign on zero.

    Args:
        value: the number.
        form: as in format strings.
    """
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = format(value, form).replace("%", " %")
    return text.lstrip("-") if not text.strip("-+0.,%") else text.replace("-", "−", 1)


def observed(rows: pd.DataFrame, metric: str) -> Interval:
    """Return the mean of a metric over seeds; of several runs of a seed their mean counts.

    Args:
        rows: runs.
        metric: a column.
    """
    if metric not in rows or rows.empty or (rows["error"] != "").any():
        return t_interval([])
    return t_interval(rows.groupby("seed")[metric].mean().dropna())


def commands(rows: pd.DataFrame, metric: str) -> list[str]:
    """Return the commands that make the runs again: one sweep where they differ by seed and seat alone.

    Args:
        rows: runs.
        metric: what the sweep is to print.
    """
    lines = dict.fromkeys(rows["line"][~rows["honest"].astype(bool)])
    words = [shlex.split(each)[2:] for each in lines]
    settings = {tuple(one for one in each if not one.startswith(VARY)): None for each in words}
    if len(settings) > 1:
        return list(lines)
    values = {key: dict.fromkeys(one for each in words for one in each if one.startswith(key)) for key in VARY}
    axes = [key + ",".join(one.removeprefix(key) for one in found) for key, found in values.items() if found]
    named = ["--metric", metric] if re.fullmatch(r"[a-z_]+(:[\w:.]+)?", metric) else []
    return [command("sweep", [*next(iter(settings)), *axes, *named])]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
