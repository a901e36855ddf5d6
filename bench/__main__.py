"""`make bench`: every part in turn, one table, JSON and a picture. A part that fails is reported, and the others still
run.

python -m bench [--only PART]… [--quick]
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bench import (
    counted,
    gate,
    lateness,
    picture,
    prices,
    recommend,
    report,
    rows,
    scale,
    simulate,
    throughput,
    trust,
)
from bench.emulated import bare, deployed
from bench.report import Part
from holdfast_cli.output import err

TITLES = {
    "counted": "A trigger, counted, beside the baseline",
    "users": "The price against the number of users",
    "watches": "The price against the watches a user has open, with -c deflate=true and without",
    "windows": "The price against window and item size",
    "rows": "What a catalog row and recommendations add, counted",
    "trust": "What the epoch, doubts and several ids of a person add, counted",
    "gate": "What each setting between due and sent adds, counted",
    "lateness": "Lateness on the embedded AWS",
    "throughput": "Throughput on the embedded AWS",
    "recommend": "A build of recommendations",
    "simulate": "simulate: the fold, offline",
    "footprint": "Cold starts",
}
BARE: dict[str, tuple[Callable[..., Any], int]] = {
    "counted": (counted.counted, 8),
    "users": (counted.users, 6),
    "watches": (counted.watches, 4),
    "windows": (counted.windows, 2),
}
"""Parts that need nothing deployed, and how many seconds of the trace they count."""


def main(
    *,
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(TITLES)}; may be repeated.")] = None,
    keep: Annotated[bool, typer.Option(help="Write what was counted to bench/units.json, for docs/scale.md.")] = False,
    quick: Annotated[bool, typer.Option(help="Shorter slices, fewer events: to see that it works.")] = False,
) -> None:
    """Measure what Holdfast costs, and how fast it is, beside what else one would have built."""
    wanted = only or list(TITLES)
    if unknown := [name for name in wanted if name not in TITLES]:
        raise typer.BadParameter(f"{', '.join(unknown)}: no such part; there are {', '.join(TITLES)}")
    begun = datetime.now(UTC)
    parts = [_run(name, quick=quick) for name in TITLES if name in wanted]
    if keep:
        _keep(parts, f"{begun:%Y-%m-%d}")
    report.show(parts)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    run = {"date": f"{begun:%Y-%m-%dT%H:%M:%SZ}", "quick": quick, "prices": prices.DATE, "machine": machine}
    report.write(parts, "bench.json", **run)
    picture.write(parts)
    raise typer.Exit(int(not all(part.met for part in parts)))


def _keep(parts: list[Part], date: str) -> None:
    for part in parts:
        if "units" in part.data:
            text = json.dumps({"date": date, **part.data["units"]}, indent=1)
            scale.UNITS.write_text(text + "\n")


def _run(name: str, *, quick: bool) -> Part:
    part = Part(name, TITLES[name])
    begun = time.monotonic()
    err.print(f"[dim]{part.title} …[/]")
    try:
        _part(part, quick=quick)
    except Exception as error:  # noqa: BLE001  (the other parts run all the same)
        part.failed = f"{type(error).__name__}: {error}"
    part.seconds = time.monotonic() - begun
    return part


def _part(part: Part, *, quick: bool) -> None:
    with ExitStack() as stack:
        if part.name in BARE:
            measure, seconds = BARE[part.name]
            measure(part, stack.enter_context(bare()), seconds=min(2, seconds) if quick else seconds)
        elif part.name == "rows":
            rows.rows(part, stack.enter_context(bare()), decisions=50 if quick else rows.DECISIONS)
        elif part.name == "trust":
            trust.trust(part, stack.enter_context(bare()))
        elif part.name == "gate":
            gate.gate(part, stack.enter_context(bare()), users=20 if quick else gate.USERS)
        elif part.name == "lateness":
            lateness.lateness(part, stack.enter_context(deployed()), watches=8 if quick else lateness.WATCHES)
        elif part.name == "throughput":
            events, times = (3000, 1) if quick else (throughput.EVENTS, throughput.TIMES)
            throughput.throughput(part, stack.enter_context(deployed()), events=events, times=times)
        elif part.name == "recommend":
            recommend.recommend(part, events=100_000 if quick else recommend.EVENTS)
        elif part.name == "simulate":
            events = 50_000 if quick else 500_000
            simulate.fill(part, realistic=events, dense=events // 2)
        else:
            from bench.footprint import footprint  # noqa: PLC0415 (the CDK comes with it, which takes a second)

            footprint(part)


if __name__ == "__main__":
    typer.run(main)
