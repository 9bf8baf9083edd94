"""Draw curves over time as a self-contained SVG: panels below each other, each with its legend."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

WIDTH: Final = 860
LEFT: Final = 90
PLOT_WIDTH: Final = WIDTH - LEFT - 30
PLOT_HEIGHT: Final = 150
PANEL_HEIGHT: Final = PLOT_HEIGHT + 80
LEGEND_ROW: Final = 18
STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1a1a1a}.title{font-weight:600}.ground{fill:#fff}"
    "polyline{fill:none;stroke-width:2}.axis{stroke:#767676}"
    ".c0{stroke:#0b63ce}.c1{stroke:#b3261e}.c2{stroke:#5f6b76;stroke-dasharray:5 3}"
    "@media(prefers-color-scheme:dark){text{fill:#e8e8e8}.ground{fill:#16181c}"
    ".c0{stroke:#5aa2ff}.c1{stroke:#ff8a80}.c2{stroke:#aab4bf}}"
)


class Curve(NamedTuple):
    """Values at equal intervals of time, from 0 s on."""

    name: str
    values: Sequence[int]


class Plot(NamedTuple):
    """Curves with the same axes. Each item of `marks` is an event: its name, and its time in seconds."""

    title: str
    curves: Sequence[Curve]
    seconds: int
    marks: Sequence[tuple[str, float]] = ()


def draw_plots(caption: str, plots: Sequence[Plot]) -> str:
    """Return the chart."""
    parts: list[str] = []
    top = 10
    for plot in plots:
        parts += _plot(plot, top)
        top += PANEL_HEIGHT + LEGEND_ROW * len(plot.curves)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img" aria-labelledby="caption">\n'
        f'<title id="caption">{escape(caption)}</title>\n<style>{STYLE}</style>\n'
        f'<rect class="ground" width="{WIDTH}" height="{top}"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _plot(plot: Plot, top: int) -> list[str]:
    most = max(1, *(max(curve.values) for curve in plot.curves))
    bottom = top + 40 + PLOT_HEIGHT
    parts = [
        f'<text class="title" x="16" y="{top + 24}">{escape(plot.title)}</text>',
        f'<line class="axis" x1="{LEFT}" x2="{LEFT + PLOT_WIDTH}" y1="{bottom}" y2="{bottom}"/>',
        f'<text x="{LEFT - 8}" y="{bottom - PLOT_HEIGHT + 5}" text-anchor="end">{most:,}</text>',
        f'<text x="{LEFT - 8}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{LEFT}" y="{bottom + 18}">0 s</text>',
        f'<text x="{LEFT + PLOT_WIDTH}" y="{bottom + 18}" text-anchor="end">{plot.seconds} s</text>',
    ]
    for name, second in plot.marks:
        x, y = LEFT + PLOT_WIDTH * second / plot.seconds, bottom - PLOT_HEIGHT
        parts += [
            f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{bottom}" stroke-dasharray="2 4"/>',
            f'<text x="{x + 4:.1f}" y="{y + 10}">{escape(name)}</text>',
        ]
    for number, curve in enumerate(plot.curves):
        last = len(curve.values) - 1
        points = " ".join(
            f"{LEFT + PLOT_WIDTH * at / last:.1f},{bottom - PLOT_HEIGHT * value / most:.1f}"
            for at, value in enumerate(curve.values)
        )
        y = bottom + 36 + LEGEND_ROW * number
        parts += [
            f'<polyline class="c{number}" points="{points}"/>',
            f'<polyline class="c{number}" points="{LEFT},{y - 4} {LEFT + 28},{y - 4}"/>',
            f'<text x="{LEFT + 36}" y="{y}">{escape(curve.name)}</text>',
        ]
    return parts
