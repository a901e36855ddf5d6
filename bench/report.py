"""The report of a part of the bench: rows, some of them goals. As a table for people, as JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeAlias

from rich import box
from rich.table import Table

from holdfast_cli.output import err, out

OUT = Path(__file__).parent / "out"
"""Where results are written; not in the repository."""

Sense: TypeAlias = Literal["at most", "at least"]


Verdict: TypeAlias = Literal["met", "bounded", "not met"]


@dataclass(frozen=True, slots=True)
class Row:
    """A figure. With a `goal` it is met or not.

    `spread` is the least and the greatest of several measurements, of which `value` is the median: the goal is met
    where all of them meet it. A goal that cannot be met has a `bound`, how near one comes: `docs/costs.md` says why.
    """

    what: str
    value: float
    unit: str = ""
    goal: float | None = None
    sense: Sense = "at most"
    note: str = ""
    spread: tuple[float, float] | None = None
    bound: float | None = None

    @property
    def verdict(self) -> Verdict | None:
        """None where there is no goal."""
        if self.goal is None:
            return None
        if self._within(self.goal):
            return "met"
        return "bounded" if self.bound is not None and self._within(self.bound) else "not met"

    def _within(self, limit: float) -> bool:
        least, greatest = self.spread or (self.value, self.value)
        return greatest <= limit if self.sense == "at most" else least >= limit

    @property
    def ratio(self) -> float | None:
        """The ratio to the goal: up to 1 meets an `at most`, from 1 an `at least`."""
        return self.value / self.goal if self.goal else None

    def to_json(self) -> dict[str, Any]:
        given: dict[str, Any] = {"what": self.what, "value": self.value, "unit": self.unit}
        if self.spread is not None:
            given |= {"spread": self.spread}
        if self.goal is not None:
            given |= {"goal": self.goal, "sense": self.sense, "verdict": self.verdict, "ratio": self.ratio}
        if self.bound is not None:
            given |= {"bound": self.bound}
        return given | ({"note": self.note} if self.note else {})


def spread(what: str, values: Sequence[float], unit: str = "", **more: Any) -> Row:
    """The median of measurements, with the least and the greatest. At least one value."""
    return Row(what, median(values), unit, spread=(min(values), max(values)), **more)


@dataclass(slots=True)
class Part:
    """The findings of one part. `data` holds everything that tables have no room for: histograms, counts by operation.

    A part that failed has the reason, and the rows it produced.
    """

    name: str
    title: str
    rows: list[Row] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    failed: str = ""
    seconds: float = 0.0

    def row(self, what: str, value: float, unit: str = "", **more: Any) -> None:
        self.rows.append(Row(what, value, unit, **more))

    def spread(self, what: str, values: Sequence[float], unit: str = "", **more: Any) -> None:
        """A row of the median of measurements, with the least and the greatest."""
        self.rows.append(spread(what, values, unit, **more))

    @property
    def met(self) -> bool:
        """Whether every goal is met, or as nearly as possible."""
        return not self.failed and all(row.verdict != "not met" for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        rows = [row.to_json() for row in self.rows]
        failed = {"failed": self.failed} if self.failed else {}
        return {"part": self.name, "title": self.title, "seconds": self.seconds, **failed, "rows": rows, **self.data}


def show(parts: Iterable[Part]) -> None:
    """One table: a section for each part, goals marked met or not with their ratio."""
    table = Table(box=box.SIMPLE_HEAD, title_justify="left")
    for column, justify in (("", "left"), ("measured", "right"), ("", "left"), ("goal", "right"), ("", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # a literal, as rich wants it
    for part in parts:
        table.add_row(f"[bold]{part.title}[/]", "", "", "", f"[dim]{part.seconds:.0f} s[/]" if part.seconds else "")
        for row in part.rows:
            note = f"[dim]{row.note}[/]" if row.note else ""
            table.add_row(f"  {row.what}", _measured(row), row.unit, _goal(row), _verdict(row) + note)
        if part.failed:
            table.add_row("  [red]failed[/]", "", "", "", f"[red]{part.failed}[/]")
        table.add_section()
    out.print(table, soft_wrap=False)


def write(parts: Iterable[Part], name: str, **more: Any) -> Path:
    """Write the parts as JSON, with other facts about the run. Returns the path."""
    return write_json({**more, "parts": [part.to_json() for part in parts]}, name)


def write_json(data: Mapping[str, Any], name: str) -> Path:
    OUT.mkdir(exist_ok=True)
    path = OUT / name
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    err.print(f"[dim]wrote {path}[/]")
    return path


def number(value: float) -> str:
    """The number with three digits, or with all digits before the point."""
    if value == 0 or abs(value) >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.2g}"  # noqa: PLR2004


def _measured(row: Row) -> str:
    if row.spread is None:
        return number(row.value)
    return f"{number(row.value)} ({number(row.spread[0])} to {number(row.spread[1])})"


def _goal(row: Row) -> str:
    return "" if row.goal is None else f"{'≤' if row.sense == 'at most' else '≥'} {number(row.goal)}"


VERDICTS: Mapping[Verdict, str] = {
    "met": "[green]✓[/]",
    "bounded": "[yellow]not met, bounded[/]",
    "not met": "[bold red]✗ not met[/]",
}


def _verdict(row: Row) -> str:
    if row.verdict is None:
        return ""
    ratio = f" [dim]{row.ratio:.2f} of the goal[/] " if row.ratio is not None else " "
    return VERDICTS[row.verdict] + ratio
