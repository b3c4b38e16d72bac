"""The picture of a sweep: a metric along a setting, with its band and where it crosses zero."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import altair as alt

from slashpoint.experiments.report.text import visible
from slashpoint.experiments.setup.files import whole
from slashpoint.experiments.study.stats import FEW_MARK, FEW_TOLD

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from slashpoint.experiments.study.sweep import Sweep

SIZE = {"width": 560, "height": 320}
OTHERS = "setting"  # the column that tells lines apart


def picture(found: Sweep, metric: str, unit: str) -> Any:
    """Return a chart: a line for each combination of the other settings, with its 95 % band and its zero crossing.

    Args:
        found: the sweep.
        metric: its name.
        unit: its unit.
    """
    along = found.along or found.axes[0]
    rows = _named(found, found.of(metric))
    crossings = _named(found, found.crossings(metric)).dropna(subset=["crossing"])
    numeric = found.along is not None
    x = alt.X("x", type="quantitative" if numeric else "nominal", title=along)
    colour = alt.Color(OTHERS, type="nominal", title=None, legend=alt.Legend(orient="top") if _several(rows) else None)
    at = rows[along] if numeric else [visible(str(value)) for value in rows[along]]
    base = alt.Chart(rows[["mean", "low", "high", OTHERS]].assign(x=at)).encode(x=x, color=colour)
    y = alt.Y("mean", type="quantitative", title=f"{metric} ({unit})" if unit not in {"", "1"} else metric)
    zero = alt.Chart().mark_rule(color="#777", strokeDash=[4, 4]).encode(y=alt.datum(0))
    if numeric:
        layers = [
            zero,
            base.mark_area(opacity=0.18).encode(y="low:Q", y2="high:Q"),
            base.mark_line(point=True).encode(y=y),
        ]
    else:
        layers = [zero, base.mark_rule().encode(y="low:Q", y2="high:Q"), base.mark_point(filled=True).encode(y=y)]
    if len(crossings):
        at_zero = crossings[["crossing", "low", "high", OTHERS]].assign(zero=0.0, told=_told(crossings))
        marks = alt.Chart(at_zero).encode(color=colour, y=alt.Y("zero", type="quantitative"))
        layers += [
            marks.mark_rule(strokeWidth=5, opacity=0.5).encode(x="low:Q", x2="high:Q"),
            marks.mark_point(filled=True, size=90, shape="diamond").encode(x="crossing:Q"),
            marks.mark_text(dy=-12, dx=6, align="left").encode(x="crossing:Q", text="told:N"),
        ]
    title = alt.Title(f"{metric} against {along}", subtitle=_subtitle(rows))
    return alt.layer(*layers).properties(title=title, **SIZE).configure_view(stroke=None)


class _Script(json.JSONEncoder):
    """JSON that is safe inside a page's script: a text of a user can neither end the script nor begin a comment."""

    def encode(self, o: Any) -> str:
        """JSON has a < in texts only."""
        return super().encode(o).replace("<", "\\u003c")


SAFE = {"inline": True, "json_kwds": {"cls": _Script}}  # how a chart is saved as a page that needs no network


def save(chart: Any, folder: Path) -> None:
    """Write `picture.html`, which needs no network, and `picture.png`."""
    with whole(folder / "picture.html") as draft:
        chart.save(draft, **SAFE)
    with whole(folder / "picture.png") as draft:
        chart.save(draft, scale_factor=2)


def _subtitle(rows: pd.DataFrame) -> list[str]:
    least, most = int(rows["n"].min()), int(rows["n"].max())
    if most < 2:
        return ["means of one seed, without intervals"]
    seeds = f"{least} to {most}" if least < most else f"{most}"
    return [f"means and 95 % intervals of {seeds} seeds", *[FEW_TOLD] * bool(rows["few_seeds"].any())]


def _named(found: Sweep, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with a name for what is not along the axis."""
    others = [axis for axis in found.axes if axis != (found.along or found.axes[0])]
    names = [", ".join(_short(axis, row[axis]) for axis in others) or "all" for row in rows.to_dict("records")]
    return rows.assign(**{OTHERS: names})


def _short(axis: str, value: Any) -> str:
    said = f"{value:g}" if isinstance(value, float) else visible(str(value))
    return said if axis == "attack" else f"{axis.rsplit('.', 1)[-1]} {said}"


def _several(rows: pd.DataFrame) -> bool:
    return len(set(rows[OTHERS])) > 1


def _told(crossings: pd.DataFrame) -> list[str]:
    bounds = zip(crossings["crossing"], crossings["low"], crossings["high"])
    labels = [f"{at:.3g} [{low:.3g}, {high:.3g}]" if low <= high else f"{at:.3g}" for at, low, high in bounds]
    return [f"{one} {FEW_MARK}" if few else one for one, few in zip(labels, crossings["few_seeds"])]
