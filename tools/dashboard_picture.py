"""Draws docs/dashboard.png from the dashboard's definition as it is deployed, with made-up data; the picture says so.

`make dashboard-picture` runs it, with the Chromium that the browser tests use.
"""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from infra.preflight import synthesised

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "dashboard.png"
SETTINGS = {"stage": "prod", "recommendations": "true"}

_UNIT_X, _UNIT_Y = 60, 44
_POINTS = 144  # twelve hours by five minutes
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd")
# The middle of the day for each metric whose normal state is not zero.
_USUAL = {
    "RecordsFolded": 42_000,
    "RecordsRejected": 60,
    "DecidedSend": 1_900,
    "DecidedWithhold": 130,
    "DecidedRetract": 9,
    "Delivered": 1_880,
    "Withheld": 150,
    "Retracted": 9,
    "ApproximateAgeOfOldestMessage": 700,
    "IteratorAge": 900,
    "Nominated": 3_100,
    "RacesLost": 14,
    "ConsumedWriteCapacityUnits": 31_000,
    "ConsumedReadCapacityUnits": 24_000,
    "Duration": 260_000,
    "expression": 0.2,
}
_ERRORS = (("deliver", "abandoned-cart", "not rendered", 3), ("join", "", "observations not noted", 1))


def definition() -> dict[str, Any]:
    """The dashboard's body; what only a deployment knows is a dot."""
    with tempfile.TemporaryDirectory(prefix="dashboard-") as scratch:
        template = json.loads(synthesised(SETTINGS, Path(scratch)).read_text(encoding="utf-8"))
    (dashboard,) = (each for each in template["Resources"].values() if each["Type"] == "AWS::CloudWatch::Dashboard")
    parts = dashboard["Properties"]["DashboardBody"]["Fn::Join"][1]
    body: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else "·" for part in parts))
    alarms = [
        each["Properties"]["AlarmName"].removeprefix("Holdfast-prod-")
        for each in template["Resources"].values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    return {**body, "alarms": alarms}


def shown(metrics: Sequence[list[Any]]) -> Iterator[tuple[str, str]]:
    """Label and name of each metric that is drawn."""
    for metric in metrics:
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        if options.get("visible", True):
            name = "expression" if "expression" in options else str(metric[1])
            yield options.get("label", name), name


def series(label: str, name: str) -> list[float]:
    """The same for the same label, always."""
    chance = random.Random(f"{label} {name}")  # noqa: S311  (made-up data)
    usual = _USUAL.get(name, 0)
    day = [0.55 + 0.45 * math.sin(math.pi * point / _POINTS) for point in range(_POINTS)]
    return [usual * height * chance.uniform(0.9, 1.1) for height in day]


def _scale(at: float) -> str:
    return f"{at:,.0f}" if at >= 10 or not at else f"{at:.2g}"  # noqa: PLR2004


def graph(widget: Mapping[str, Any], width: int, height: int) -> str:
    lines = [(label, series(label, name)) for label, name in shown(widget["metrics"])]
    most = max((value for _, values in lines for value in values), default=0) or 1
    left, top, right, bottom = 58, 36, width - 12, height - 44
    drawn = [
        f'<line class="axis" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>' for y in (top, (top + bottom) / 2, bottom)
    ]
    for at, y in ((most, top), (most / 2, (top + bottom) / 2), (0, bottom)):
        drawn.append(f'<text class="scale" x="{left - 6}" y="{y + 4}">{_scale(at)}</text>')
    for number, (label, values) in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(
            f"{left + (right - left) * at / (_POINTS - 1):.1f},{bottom - (bottom - top) * value / most:.1f}"
            for at, value in enumerate(values)
        )
        drawn.append(f'<polyline points="{points}" stroke="{colour}"/>')
        x, y = left + 110 * (number % 4), height - 22 + 14 * (number // 4)
        drawn.append(f'<rect x="{x}" y="{y - 8}" width="9" height="9" fill="{colour}"/>')
        drawn.append(f'<text class="label" x="{x + 13}" y="{y}">{escape(label[:24])}</text>')
    return f'<svg width="{width}" height="{height}">{"".join(drawn)}</svg>'


def contents(body: Mapping[str, Any], widget: Mapping[str, Any], width: int, height: int) -> str:
    properties = widget["properties"]
    if widget["type"] == "alarm":
        return "".join(f'<span class="alarm">{escape(name)}</span>' for name in body["alarms"])
    if widget["type"] == "log":
        rows = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in _ERRORS)
        return f"<table><tr><th>service<th>campaign<th>message<th>errors</tr>{rows}</table>"
    return graph(properties, width, height)


def page(body: Mapping[str, Any]) -> str:
    boxes = []
    for widget in body["widgets"]:
        width, height = widget["width"] * _UNIT_X, widget["height"] * _UNIT_Y
        at = f"left:{widget['x'] * _UNIT_X}px;top:{widget['y'] * _UNIT_Y + 40}px"
        place = f"{at};width:{width - 8}px;height:{height - 8}px"
        inner = contents(body, widget, width - 8, height - 8)
        title = escape(widget["properties"].get("title", ""))
        boxes.append(f'<div class="box" style="{place}"><b>{title}</b>{inner}</div>')
    deep = max(widget["y"] + widget["height"] for widget in body["widgets"]) * _UNIT_Y + 48
    style = (
        "body{margin:0;font:13px sans-serif;background:#f2f3f3;color:#16191f}"
        ".box{position:absolute;background:#fff;border:1px solid #d5dbdb;overflow:hidden}"
        ".box b{position:absolute;left:10px;top:8px}.axis{stroke:#e3e6e6}polyline{fill:none;stroke-width:1.6}"
        ".scale{font-size:10px;text-anchor:end;fill:#687078}.label{font-size:11px}"
        ".alarm{display:inline-block;margin:6px 4px 0 8px;padding:3px 8px;background:#e9f5e9;"
        "border-left:4px solid #2e7d32;font-size:12px}.box:first-of-type{padding-top:28px;box-sizing:border-box}"
        "table{margin:36px 10px;border-collapse:collapse}"
        "td,th{padding:4px 12px 4px 0;text-align:left;font-size:12px}"
        "h1{font-size:15px;margin:10px 12px}"
    )
    note = "Drawn from the dashboard's definition, with sample data: not a screenshot of CloudWatch."
    return (
        f"<!doctype html><meta charset=utf-8><style>{style}</style>"
        f'<body style="width:{24 * _UNIT_X}px;height:{deep}px"><h1>Holdfast-prod · {note}</h1>{"".join(boxes)}'
    )


def draw(html: str, picture: Path) -> None:
    with sync_playwright() as playwright:
        program = os.environ.get("HOLDFAST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        with playwright.chromium.launch(executable_path=program, args=sandbox) as chromium:
            tab = chromium.new_page(viewport={"width": 24 * _UNIT_X, "height": 900})
            tab.set_content(html)
            tab.screenshot(path=picture, full_page=True)


if __name__ == "__main__":
    draw(page(definition()), PICTURE)
