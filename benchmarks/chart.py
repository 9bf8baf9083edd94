"""Draw the chart: three panels of bars, as a self-contained SVG. A whisker is the range over the rounds."""

from __future__ import annotations

from html import escape
from typing import Final, NamedTuple

from benchmarks.figures import NAMES
from benchmarks.report import number
from benchmarks.samples import Samples, Spread

WIDTH: Final = 860
LABEL: Final = 270
BAR_WIDTH: Final = WIDTH - LABEL - 110
ROW: Final = 26
BAR: Final = 16
PANEL_HEAD: Final = 48
OURS: Final = "gateway"


class Panel(NamedTuple):
    """One measure of all subjects."""

    title: str
    measure: str
    scale: float


PANELS: Final = (
    Panel("Server CPU per delivery, µs: less is better", "steady_cpu_us", 1.0),
    Panel("Burst of 300 entries in 0.3 s, million deliveries per second: more is better", "burst_per_s", 1e-6),
    Panel("Server memory per connection, KB: less is better", "memory_bytes", 1e-3),
)
STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1a1a1a}.title{font-weight:600}.bar{fill:#9aa5b1}.ours{fill:#0b63ce}"
    ".range{stroke:#1a1a1a}.ground{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#e8e8e8}.range{stroke:#e8e8e8}.ground{fill:#16181c}"
    ".bar{fill:#5b6672}.ours{fill:#5aa2ff}}"
)


def draw(samples: Samples, caption: str) -> str:
    """Return the SVG. A panel leaves out subjects without a figure."""
    parts: list[str] = []
    top = 34
    for panel in PANELS:
        bars = {name: found for name in NAMES if (found := _found(samples, name, panel)) and "," not in name}
        if bars:
            parts += _panel(panel, bars, top)
            top += PANEL_HEAD + ROW * len(bars)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img" aria-labelledby="caption">\n'
        f'<title id="caption">{escape(caption)}</title>\n<style>{STYLE}</style>\n'
        f'<rect class="ground" width="{WIDTH}" height="{top}"/>\n<text x="16" y="24">{escape(caption)}</text>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


def _found(samples: Samples, name: str, panel: Panel) -> Spread | None:
    found = samples.spread(name, panel.measure)
    return found and Spread(found.median * panel.scale, found.least * panel.scale, found.most * panel.scale)


def _panel(panel: Panel, bars: dict[str, Spread], top: int) -> list[str]:
    longest = max(*(bar.most for bar in bars.values()), 1e-12)
    parts = [f'<text class="title" x="16" y="{top + 28}">{escape(panel.title)}</text>']
    for place, (name, bar) in enumerate(bars.items()):
        y = top + PANEL_HEAD - 8 + ROW * place
        least, middle, most = (LABEL + BAR_WIDTH * value / longest for value in (bar.least, bar.median, bar.most))
        label = escape(NAMES[name].replace("`", ""))
        width = f"{middle - LABEL:.1f}"
        css = "bar ours" if name == OURS else "bar"
        parts += [
            f'<text x="{LABEL - 10}" y="{y + 13}" text-anchor="end">{label}</text>',
            f'<rect class="{css}" x="{LABEL}" y="{y}" width="{width}" height="{BAR}"/>',
            f'<line class="range" x1="{least:.1f}" x2="{most:.1f}" y1="{y + BAR / 2:g}" y2="{y + BAR / 2:g}"/>',
            f'<text x="{most + 8:.1f}" y="{y + 13}">{number(bar.median)}</text>',
        ]
    return parts
