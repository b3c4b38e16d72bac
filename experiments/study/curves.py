"""Pictures of tables that slow tests print: `PICTURES=1 pytest … -m slow` writes them beside the pages, in docs/."""

from __future__ import annotations

import os
from pathlib import Path

import altair as alt
import pandas as pd

DOCS = Path(__file__).resolve().parents[2] / "docs"
COLUMNS = 3  # panels in a row


def draw(name: str, rows: list[dict[str, object]], x: alt.X, y: alt.Y, colour: str, panel: str) -> None:
    """Write docs/NAME.svg, if PICTURES is set: a panel for each kind, a line for each colour, its interval as a band.

    Args:
        name: of the file.
        rows: with the columns of x and y, colour and panel, and with low and high where there is an interval.
        x: the axis.
        y: the axis.
        colour: the column that tells lines apart.
        panel: the column that tells panels apart.
    """
    if not os.environ.get("PICTURES"):
        return
    table = pd.DataFrame(rows)
    legend = alt.Legend(orient="bottom", columns=COLUMNS, labelLimit=0, symbolOpacity=1)
    hue = alt.Color(colour, type="nominal", sort=None, title=None, legend=legend)
    base = alt.Chart().encode(x=x, color=hue)
    layers = [base.mark_line().encode(y=y)]
    if "low" in table:
        bottom = y.copy()
        bottom["shorthand"] = "low:Q"
        layers.append(base.mark_area(opacity=0.12).encode(y=bottom, y2="high:Q"))
    chart = alt.layer(*layers, data=table).properties(width=220, height=180)
    facet = alt.Facet(panel, type="nominal", sort=None, title=None)
    chart.facet(facet, columns=COLUMNS).save(DOCS / f"{name}.svg")
