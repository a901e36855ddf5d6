"""The page that `holdfast simulate --html` writes: one file, with nothing from elsewhere, light and dark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, TypeVar

from holdfast.core.times import format_duration

WIDTH, HEIGHT = 920, 180
"""The size of a chart, in its own units: it is as wide as the page."""
MOST_DAYS = 120
"""With more, a bar stands for several days."""
STEPS = tuple(
    minutes * 60_000 for minutes in (1, 5, 15, 30, 60, 2 * 60, 6 * 60, 12 * 60, 24 * 60, 3 * 24 * 60, 7 * 24 * 60)
)
"""The times from a trigger to its exit that stand together: up to so long (milliseconds)."""
KINDS = ("send", "withhold", "retract", "convert", "unconvert")
WORDS = {"send": "sent", "withhold": "skipped", "retract": "taken back", "convert": "converted", "unconvert": "undone"}
HISTORY = "event that came so late that it was history, and opened nothing"
DAY = 24 * 60 * 60_000


class Numbers:
    """All that the page shows, counted on the way."""

    def __init__(self) -> None:
        self.by_day: Counter[tuple[int, str]] = Counter()
        """Decisions, by day (since the epoch, UTC) and kind."""
        self.by_campaign: Counter[tuple[str, str]] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        """Why messages were skipped, by campaign."""
        self.exits: Counter[tuple[str, int]] = Counter()
        """Exits that ended something, by campaign and by the first of the `STEPS` that they are within."""

    def add(self, other: Numbers) -> None:
        self.by_day.update(other.by_day)
        self.by_campaign.update(other.by_campaign)
        self.reasons.update(other.reasons)
        self.exits.update(other.exits)

    def decided(self, campaign: str, kind: str, reason: str, at: int) -> None:
        self.by_day[at // DAY, kind] += 1
        self.by_campaign[campaign, kind] += 1
        if kind == "withhold":
            self.reasons[campaign, reason] += 1

    def ended(self, campaign: str, after: int) -> None:
        """An exit came so long after its trigger (milliseconds)."""
        step = next((number for number, most in enumerate(STEPS) if after <= most), len(STEPS))
        self.exits[campaign, step] += 1


_Key = TypeVar("_Key", str, tuple[str, str])


def ranked(counter: Counter[_Key]) -> list[tuple[_Key, int]]:
    """The most frequent first; in the order of their names where they are as frequent."""
    return sorted(counter.items(), key=lambda each: (-each[1], each[0]))


def page(
    numbers: Numbers,
    *,
    title: str,
    records: int,
    rejected: Counter[str],
    ignored: Counter[str],
    never: Sequence[tuple[str, str]],
    shut: Sequence[Sequence[str]] = (),
    history: int = 0,
) -> str:
    """`shut` are filters that nothing passed: campaign, event, filter and hints. `history` counts late events."""
    totals = Counter({kind: sum(n for (_, each), n in numbers.by_campaign.items() if each == kind) for kind in KINDS})
    tiles = [("records", records), *((WORDS[kind], totals[kind]) for kind in KINDS if totals[kind] or kind == "send")]
    tiles += [("rejected", rejected.total())] if rejected else []
    parts = [
        f"<h1>{escape(title)}</h1>",
        '<ul class="tiles">' + "".join(f"<li><b>{number:,}</b> {word}</li>" for word, number in tiles) + "</ul>",
        _by_day(numbers),
        _campaigns(numbers),
        _table(
            "Why messages were skipped",
            ("campaign", "reason", "messages"),
            [(campaign, reason, number) for (campaign, reason), number in ranked(numbers.reasons)[:50]],
        ),
        _exits(numbers),
        _table("Rejected records", ("reason", "records"), ranked(rejected)[:50]),
        _table("Ignored records", ("what", "records"), [*([(HISTORY, history)] if history else []), *ranked(ignored)]),
        _table("Events that never occurred", ("event", "a name like it that did"), never),
        _table("Filters that no event passed", ("campaign", "event", "filter", "hints"), shut),
    ]
    return _PAGE.format(title=escape(title), body="\n".join(part for part in parts if part))


def _campaigns(numbers: Numbers) -> str:
    names = sorted({campaign for campaign, _ in numbers.by_campaign})
    kinds = [kind for kind in KINDS if any(numbers.by_campaign[name, kind] for name in names)]
    rows = [(name, *(numbers.by_campaign[name, kind] for kind in kinds)) for name in names]
    return _table("By campaign", ("campaign", *(WORDS[kind] for kind in kinds)), rows)


def _table(title: str, columns: Iterable[Any], rows: Iterable[Sequence[object]]) -> str:
    listed = [*rows]
    if not listed:
        return ""
    head = "".join(
        f'<th class="number">{escape(str(column))}</th>'
        if isinstance(value, int)
        else f"<th>{escape(str(column))}</th>"
        for column, value in zip(columns, listed[0], strict=True)
    )
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in listed)
    return f"<h2>{title}</h2>\n<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    return f'<td class="number">{value:,}</td>' if isinstance(value, int) else f"<td>{escape(str(value))}</td>"


def _by_day(numbers: Numbers) -> str:
    days = sorted({day for day, _ in numbers.by_day})
    if not days:
        return "<p>Nothing was decided.</p>"
    width = -(-(days[-1] - days[0] + 1) // MOST_DAYS)
    bars = [
        (
            _date(first),
            [sum(numbers.by_day[day, kind] for day in range(first, first + width)) for kind in KINDS[:3]],
        )
        for first in range(days[0], days[-1] + 1, width)
    ]
    what = "Decisions by day" if width == 1 else f"Decisions, {width} days in a bar"
    return f"<h2>{what} (UTC)</h2>\n{_legend()}\n{_chart(bars)}"


def _exits(numbers: Numbers) -> str:
    """How soon those acted who did act: a window that ends later tells few of them."""
    if not numbers.exits:
        return ""
    labels = [f"≤ {format_duration(step)}" for step in STEPS] + [f"> {format_duration(STEPS[-1])}"]
    names = sorted({campaign for campaign, _ in numbers.exits})
    shown = []
    for name in names:
        last = max(step for campaign, step in numbers.exits if campaign == name)
        bars = [(label, [numbers.exits[name, step]]) for step, label in enumerate(labels[: last + 1])]
        shown.append(f"<h3>{escape(name)}</h3>\n{_chart(bars)}")
    return "<h2>From the trigger to the exit</h2>\n" + "\n".join(shown)


def _date(day: int) -> str:
    return f"{datetime.fromtimestamp(day * DAY / 1000, UTC):%Y-%m-%d}"


def _legend() -> str:
    marks = "".join(f'<li><i class="k{number}"></i>{WORDS[kind]}</li>' for number, kind in enumerate(KINDS[:3]))
    return f'<ul class="legend">{marks}</ul>'


def _chart(bars: Sequence[tuple[str, Sequence[int]]]) -> str:
    """Bars, each of them stacked; what they say stands in their titles, and in text at both ends."""
    most = max(1, *(sum(values) for _, values in bars))
    step = WIDTH / len(bars)
    drawn = []
    for at, (label, values) in enumerate(bars):
        top = float(HEIGHT)
        for number, value in enumerate(values):
            height = value / most * (HEIGHT - 20)
            top -= height
            if value:
                drawn.append(
                    f'<rect class="k{number}" x="{at * step + step * 0.1:.1f}" y="{top:.1f}" '
                    f'width="{min(step * 0.8, 60):.1f}" height="{height:.1f}">'
                    f"<title>{escape(label)}: {value:,}</title></rect>"
                )
        if sum(values) and len(bars) <= len(STEPS) + 1:
            drawn.append(f'<text x="{at * step + step * 0.1:.1f}" y="{top - 4:.1f}">{sum(values):,}</text>')
    ends = bars if len(bars) <= len(STEPS) + 1 else [bars[0], bars[-1]]
    labels = "".join(f"<span>{escape(label)}</span>" for label, _ in ends)
    kind = "each" if ends is bars else "ends"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>at most {most:,}</title>{"".join(drawn)}</svg>\n'
        f'<p class="axis {kind}" style="--bars:{len(ends)}">{labels}</p>'
    )


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --k0: light-dark(#1b6e4b, #5cc596); --k1: light-dark(#b7791f, #e2b04a);
  --k2: light-dark(#a3324f, #ef8aa3); --line: light-dark(#d8d8d4, #444); --soft: light-dark(#5f5f5a, #aaa) }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }}
h1 {{ font-size: 1.4rem }} h2 {{ font-size: 1.1rem; margin-top: 2.2rem }} h3 {{ font-size: 1rem }}
ul {{ list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .5rem 2rem }}
.tiles b {{ display: block; font-size: 1.6rem; font-variant-numeric: tabular-nums }} .tiles li {{ color: var(--soft) }}
.tiles b {{ color: CanvasText }}
.legend i {{ display: inline-block; width: .8em; height: .8em; margin-right: .4em }}
svg {{ width: 100%; border-bottom: 1px solid var(--line) }} svg text {{ font-size: 11px; fill: var(--soft) }}
.k0 {{ fill: var(--k0); background: var(--k0) }} .k1 {{ fill: var(--k1); background: var(--k1) }}
.k2 {{ fill: var(--k2); background: var(--k2) }}
.axis {{ color: var(--soft); font-size: .8rem; margin: .2rem 0 }}
.ends {{ display: flex; justify-content: space-between }}
.each {{ display: grid; grid-template-columns: repeat(var(--bars), 1fr) }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }}
td.number, th.number {{ text-align: right; font-variant-numeric: tabular-nums }}
</style>
{body}
</html>
"""
