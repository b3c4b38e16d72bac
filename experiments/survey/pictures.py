"""The pictures of a survey, as SVG that needs no script and no network."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from slashpoint.experiments.study.heatmap import heat_map
from slashpoint.experiments.survey.findings import SERVED
from slashpoint.experiments.survey.plan import CHAINS, INTERVALS

if TYPE_CHECKING:
    from slashpoint.experiments.survey.findings import Findings

WIDE, HIGH, ACROSS = 190, 130, 4  # pixels of a small drawing; how many stand side by side
TICKS = alt.Axis(values=[0.001, 0.01, 0.1, 1, 10, 100])  # USD
CHAIN = {"l1": "L1", "l2": "rollup"}


def drawings(found: Findings) -> dict[str, str]:
    """Return the pictures of the page by name, as SVG."""
    charts = {"load": _load(found), "fees": _fees(found), "losses": _losses(found), "attacks": heat_map(found.attacks)}
    return {name: svg(chart) for name, chart in charts.items()}


def svg(chart: Any) -> str:
    """Return a chart as the text of an SVG."""
    kept = io.StringIO()
    chart.config.aria = False  # a label for each mark would be most of the file; the page says what the picture shows
    chart.save(kept, format="svg")
    return re.sub(r"gradient_\d+", "gradient", kept.getvalue())  # counted over all charts of a process


def _load(found: Findings) -> Any:
    rows = [
        {
            "protocol": one.protocol,
            "rules": one.variant,
            "x": x,
            "y": found.interval("load", one, x, "jobs_per_hour").mean,
        }
        for one in found.columns
        for x in INTERVALS
    ]
    axis = alt.Axis(values=list(INTERVALS))
    x = alt.X("x", type="quantitative", scale=alt.Scale(type="log"), title="seconds between two jobs", axis=axis)
    y = alt.Y("y", type="quantitative", title="jobs an hour")
    lines = alt.Chart().mark_line(point=True).encode(x=x, y=y, color=_rules())
    return _small(lines, rows)


def _losses(found: Findings) -> Any:
    rows = [
        {
            "protocol": one.protocol, "rules": one.variant, "workers": "trusted only" if kind == "trusted" else "all",
            "x": gone / one.workers, "y": found.interval(kind, one, gone, SERVED).mean,
        }
        for one in found.columns
        for kind in ("loss", "trusted")
        for gone in range(one.workers + 1)
        if one.workers
    ]  # fmt: skip
    x = alt.X("x", type="quantitative", title="share of workers gone", axis=alt.Axis(format="%"))
    y = alt.Y("y", type="quantitative", title="jobs served", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    dash = alt.StrokeDash("workers", type="nominal", title=None, legend=alt.Legend(orient="top"))
    lines = alt.Chart().mark_line(point=True, opacity=0.8).encode(x=x, y=y, color=_rules(), strokeDash=dash)
    return _small(lines, rows)


def _fees(found: Findings) -> Any:
    rows = [
        {"network": str(one), "chain": CHAIN[chain], "y": found.interval("deploy", one, chain, "gas_cost").mean}
        for one in found.columns
        for chain in CHAINS
    ]
    x = alt.X("y", type="quantitative", scale=alt.Scale(type="log"), title="USD a job (log scale)", axis=TICKS)
    y = alt.Y("network", type="nominal", sort=[str(one) for one in found.columns], title=None)
    colour = alt.Color("chain", type="nominal", title=None, legend=alt.Legend(orient="top"))
    data = pd.DataFrame(rows).query("y > 0")
    marks = alt.Chart(data).mark_point(filled=True, size=80).encode(x=x, y=y, color=colour)
    return marks.properties(width=480).configure_view(stroke=None)


def _rules() -> Any:
    return alt.Color("rules", type="nominal", title=None, legend=alt.Legend(orient="top"))


def _small(lines: Any, rows: list[dict[str, Any]]) -> Any:
    """Return one small drawing for each protocol."""
    names = list(dict.fromkeys(row["protocol"] for row in rows))
    facet = alt.Facet("protocol", type="nominal", title=None, sort=names)
    drawn = lines.properties(width=WIDE, height=HIGH)
    return drawn.facet(facet, columns=ACROSS, data=pd.DataFrame(rows)).configure_view(stroke="#ddd")
