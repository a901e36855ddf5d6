"""The bench's picture: the price against window and item size, and how late messages are. An SVG, written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from bench.lateness import BINS
from bench.report import OUT, Part
from holdfast_cli.output import err

COLOURS = ("#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777", "#475569")
WIDTH, HEIGHT, GAP = 460, 220, 60


def write(parts: Iterable[Part]) -> Path | None:
    """Draw the results of the parts that ran. Returns None if they have nothing to draw."""
    charts = []
    for part in parts:
        if grid := part.data.get("grid"):
            windows = sorted({cell["window_minutes"] for cell in grid})
            series = {
                f"{size:,} bytes": [
                    c["dollars"] for w in windows for c in grid if (c["window_minutes"], c["bytes"]) == (w, size)
                ]
                for size in sorted({cell["bytes"] for cell in grid})
            }
            charts.append(
                ("Dollars per million triggers, by window and bytes kept", [f"{w:,} min" for w in windows], series)
            )
        if histograms := part.data.get("histograms"):
            labels = [f"≤ {end:g} s" for end in BINS] + [f"> {BINS[-1]:g} s"]
            charts.append(("Messages, by how late they are", labels, histograms))
    if not charts:
        return None
    OUT.mkdir(exist_ok=True)
    path = OUT / "bench.svg"
    path.write_text(svg(charts))
    err.print(f"[dim]wrote {path}[/]")
    return path


def svg(charts: Sequence[tuple[str, Sequence[str], dict[str, list[float]]]]) -> str:
    """Charts of grouped bars, one below the other: a title, a label for each group, and the values of each series."""
    height = len(charts) * (HEIGHT + 2 * GAP)
    body = "".join(_chart(*chart, top=n * (HEIGHT + 2 * GAP) + GAP) for n, chart in enumerate(charts))
    size = f'width="{WIDTH + 4 * GAP}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">{body}</svg>\n'


def _chart(title: str, labels: Sequence[str], series: dict[str, list[float]], *, top: int) -> str:
    highest = max((value for values in series.values() for value in values), default=0) or 1
    group = WIDTH / len(labels)
    bar = group * 0.8 / max(len(series), 1)
    drawn = [f'<text x="{GAP}" y="{top - 14}" font-size="14">{escape(title)}</text>']
    for half in (0, 0.5, 1):
        y = top + HEIGHT * (1 - half)
        drawn.append(f'<line x1="{GAP}" x2="{GAP + WIDTH}" y1="{y}" y2="{y}" stroke="#cbd5e1"/>')
        drawn.append(f'<text x="{GAP - 6}" y="{y + 4}" text-anchor="end">{highest * half:.3g}</text>')
    for n, label in enumerate(labels):
        x = GAP + (n + 0.5) * group
        drawn.append(
            f'<text x="{x:.1f}" y="{top + HEIGHT + 16}" text-anchor="middle" font-size="9">{escape(label)}</text>'
        )
    for n, (name, values) in enumerate(series.items()):
        colour = COLOURS[n % len(COLOURS)]
        for at, value in enumerate(values):
            x, tall = GAP + at * group + group * 0.1 + n * bar, HEIGHT * value / highest
            size = f'width="{bar:.1f}" height="{tall:.1f}"'
            drawn.append(f'<rect x="{x:.1f}" y="{top + HEIGHT - tall:.1f}" {size} fill="{colour}"/>')
        y = top + 12 + 16 * n
        drawn.append(f'<rect x="{GAP + WIDTH + 12}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        drawn.append(f'<text x="{GAP + WIDTH + 28}" y="{y}">{escape(name)}</text>')
    return "".join(drawn)
