"""Drawings: the few charts of a report, as SVG text that needs no script and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashpoint.experiments.report.text import in_html

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Points = Sequence[tuple[float, float]]

COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0")
WIDTH, LEFT, RIGHT, LINE = 760, 150, 32, 22  # pixels
STEPS = 400  # points of a line at most


def steps(series: Mapping[str, Points], unit: str, height: int = 260) -> str:
    """Return lines that change in steps.

    Args:
        series: (minutes, value) points in order of time, by name.
        unit: of the values.
        height: of the drawing, pixels.
    """
    points = [point for line in series.values() for point in line]
    if not points:
        return _none()
    end = max(x for x, _ in points) or 1.0
    low, high = min(0.0, *(y for _, y in points)), max(0.0, *(y for _, y in points))
    high = high if high > low else low + 1.0
    wide = WIDTH - LEFT - RIGHT

    def place(x: float, y: float) -> str:
        return f"{LEFT + wide * x / end:.1f} {10 + (height - 40) * (high - y) / (high - low):.1f}"

    parts = []
    for value in dict.fromkeys((high, 0.0, low)):
        y = place(0, value).split()[1]
        parts.append(f'<path class="rule" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y}" class="end">{value:,.4g} {in_html(unit)}</text>')
    for i, (name, line) in enumerate(series.items()):
        thin = line[:: len(line) // STEPS + 1]
        path = f"M{place(0, 0)}" + "".join(
            f"H{at.split()[0]}V{at.split()[1]}" for at in (place(x, y) for x, y in [*thin, line[-1]])
        )
        drawn = f'<path class="line" stroke="{_colour(i)}" d="{path}H{WIDTH - RIGHT}">'
        parts.append(f"{drawn}{_title(name)}</path>")
    parts.append(_axis(end, height - 14))
    return _legend(list(series)) + _svg(parts, height)


def bars(values: Mapping[str, float], unit: str) -> str:
    """Return a bar for each name.

    Args:
        values: by name.
        unit: of the values.
    """
    most = max((abs(value) for value in values.values()), default=0.0) or 1.0
    parts = []
    for i, (name, value) in enumerate(values.items()):
        y, wide = 8 + i * LINE, (WIDTH - LEFT - 130) * abs(value) / most
        parts.append(f'<text x="{LEFT - 6}" y="{y + 8}" class="end">{in_html(name)}</text>')
        colour = COLOURS[0 if value >= 0 else 2]
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{wide:.1f}" height="{LINE - 6}" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + wide + 6:.1f}" y="{y + 8}">{value:,.0f} {in_html(unit)}</text>')
    return _svg(parts, 12 + LINE * len(values)) if values else _none()


def lanes(moments: Sequence[tuple[str, float, str, bool]]) -> str:
    """Return what happened when, in a lane for each who: (who, minutes, what, whether it succeeded)."""
    if not moments:
        return _none()
    end = max(minutes for _, minutes, _, _ in moments) or 1.0
    rows = {who: i for i, who in enumerate(dict.fromkeys(who for who, *_ in moments))}
    kinds = {what: i for i, what in enumerate(dict.fromkeys(what for _, _, what, _ in moments))}
    height = 34 + LINE * len(rows)
    parts = []
    for who, i in rows.items():
        y = 16 + i * LINE
        parts.append(f'<path class="rule" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y}" class="end">{in_html(who)}</text>')
    for who, minutes, what, ok in moments:
        x, y = LEFT + (WIDTH - LEFT - RIGHT) * minutes / end, 16 + rows[who] * LINE
        colour, pale = _colour(kinds[what]), "" if ok else ' fill-opacity="0.1"'
        title = _title(f"{who} {what} after {minutes:.1f} minutes{'' if ok else ', without success'}")
        parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="5.5" fill="{colour}" stroke="{colour}"{pale}>{title}</circle>')
    parts.append(_axis(end, height - 8))
    return _legend(list(kinds)) + _svg(parts, height)


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]


def _title(text: str) -> str:
    return f"<title>{in_html(text)}</title>"


def _axis(end: float, y: int) -> str:
    marks = (
        f'<text x="{LEFT + (WIDTH - LEFT - RIGHT) * share:.0f}" y="{y}" class="middle">{end * share:.4g} min</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    return "".join(marks)


def _legend(names: Sequence[str]) -> str:
    items = (f'<span><i style="background:{_colour(i)}"></i>{in_html(name)}</span>' for i, name in enumerate(names))
    return f'<p class="legend">{"".join(items)}</p>'


def _svg(parts: Sequence[str], height: int) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">{"".join(parts)}</svg>'


def _none() -> str:
    return "<p>Nothing happened.</p>"
