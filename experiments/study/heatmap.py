"""The picture of a matrix: attacks as rows, protocols and variants as columns, the gain as a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from slashpoint.experiments.report.text import visible
from slashpoint.experiments.setup.files import whole
from slashpoint.experiments.study.chart import SAFE

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

KINDS = (".svg", ".png", ".html")  # of files

STEP = 18  # pixels of a cell
COLUMN = "column"  # protocol and variant
GREY = "#d9d9d9"
WORDS = {"n/a": "", "never asked": "·", "no effect": "·", "failed": "✗"}  # in cells that have no gain to tell


def heat_map(table: pd.DataFrame, title: str = "gain of an attack, USD a run") -> Any:
    """Return a chart: red cells gain, blue ones lose, grey ones have no number; what surely pays has a dot.

    Args:
        table: with the columns attack, protocol, variant, verdict and gain, a cell each.
        title: of the chart.
    """
    cells = table[["attack", "protocol", "variant", "verdict", "gain"]].copy()
    cells["attack"] = [visible(str(one)) for one in cells["attack"]]
    cells[COLUMN] = [visible(f"{one} {two}") for one, two in zip(cells["protocol"], cells["variant"])]
    cells["told"] = ["●" if one == "pays" else WORDS.get(one, "") for one in cells["verdict"]]
    rows, columns = list(dict.fromkeys(cells["attack"])), list(dict.fromkeys(cells[COLUMN]))
    most = max(1.0, float(cells["gain"].abs().max()) if cells["gain"].notna().any() else 1.0)
    x = alt.X(COLUMN, type="nominal", sort=columns, title=None, axis=alt.Axis(labelAngle=-60, orient="top"))
    y = alt.Y("attack", type="nominal", sort=rows, title=None)
    scale = alt.Scale(type="symlog", constant=1, domain=[-most, 0, most], range=["#2166ac", "#f7f7f7", "#b2182b"])
    colour = alt.Color("gain", type="quantitative", scale=scale, title="USD", legend=alt.Legend(gradientLength=160))
    base = alt.Chart(cells).encode(x=x, y=y)
    layers = [
        base.transform_filter("!isValid(datum.gain)").mark_rect(color=GREY, stroke="white"),
        base.transform_filter("isValid(datum.gain)").mark_rect(stroke="white").encode(color=colour),
        base.transform_filter("datum.told").mark_text(fontSize=9).encode(text="told:N"),
    ]
    size = {"width": STEP * 2 * len(columns), "height": STEP * len(rows)}
    return alt.layer(*layers).properties(title=title, **size).configure_view(stroke=None)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Write the heat map of a matrix.

    Args:
        table: of `matrix`.
        path: of the file, whose suffix is one of KINDS.
    """
    with whole(path) as draft:
        heat_map(table).save(draft, **(SAFE if path.suffix == ".html" else {"scale_factor": 2}))
