"""`holdfast simulate` on events in no order at all: its time and its memory.

    make simulate-big            or: python -m bench.simulate_big --events 10000000 --most 1000

Each event has a random time within 30 days, so every line is out of order. It fails if all processes together use more
than `--most` MB.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from random import Random
from typing import Annotated

import typer

from bench.simulate import WINDOW_SECONDS, Spent, simulate, watching
from bench.traces import ADDED, CHARGED, VIEWED
from holdfast_cli.output import err, out

START = 1_700_000_000_000
LENGTH_MS = 30 * 24 * 60 * 60_000
BATCH = 10_000


def write(path: Path, events: int, users: int, relevant: float) -> None:
    rng = Random(1)  # noqa: S311  (a trace, no secret)
    any_, whole = rng.random, rng.randrange
    with path.open("w") as file:
        for at in range(0, events, BATCH):
            lines = []
            for _ in range(min(BATCH, events - at)):
                name = (ADDED if any_() < 2 / 3 else CHARGED) if any_() < relevant else VIEWED
                user, product, ts = whole(users), whole(20), START + whole(LENGTH_MS)
                lines.append(f'{{"user":"u-{user}","event":"{name}","product":"p-{product}","ts":{ts}}}\n')
            file.writelines(lines)


def run(folder: Path, *, events: int, users: int, relevant: float) -> tuple[Spent, int]:
    """Time and memory, and the number of decisions."""
    trace, campaign, output = folder / "big.jsonl", folder / "campaign.yaml", folder / "out.jsonl"
    write(trace, events, users, relevant)
    campaign.write_text(watching(within=WINDOW_SECONDS))
    err.print(f"[dim]{events:,} events in no order, {trace.stat().st_size >> 20:,} MB[/]")
    spent = simulate(trace, campaign, output)
    with output.open("rb") as file:
        return spent, sum(1 for _ in file)


def main(
    *,
    events: Annotated[int, typer.Option(help="How many.")] = 10_000_000,
    users: Annotated[int, typer.Option(help="Whose they are.")] = 500_000,
    relevant: Annotated[float, typer.Option(help="The share of adds and charges.")] = 0.5,
    most: Annotated[float, typer.Option(help="The MB that all processes together may take.")] = 1000,
) -> None:
    """Simulate a file in no order, and show what it took. Exit code 1 above the memory allowed."""
    with tempfile.TemporaryDirectory() as folder:
        spent, decisions = run(Path(folder), events=events, users=users, relevant=relevant)
    out.print(
        f"{events:,} events, {decisions:,} decisions: {spent.seconds:.0f} s, {spent.cpu:.0f} s CPU on "
        f"{os.cpu_count()} cores, {spent.megabytes:.0f} MB at most"
    )
    if spent.megabytes > most:
        err.print(f"[red]✗[/] {most:.0f} MB were allowed")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
