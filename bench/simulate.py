"""`holdfast simulate`: CPU time per event, reading and writing included; beside Flink on the same file in the same run.

    FLINK_VENV=… FLINK_JOB=… python -m bench.simulate

FLINK_VENV is a virtual environment with apache-flink, FLINK_JOB a script that takes TRACE WINDOW_MS restart OUT
PARALLELISM kpf|cep and writes a line for each abandoned product. Without them, there is nothing beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from bench import report
from bench.report import Part
from bench.traces import ADDED, CHARGED, TIDY, Trace, flat_lines
from holdfast.core.plans.plan import MAX_AGE_MS
from holdfast_cli.output import err

WINDOW_SECONDS = 3600
GOAL = 0.5
"""Of the CPU time that Flink's KeyedProcessFunction takes."""
GROWTH = 1.1
"""The memory that ten times the length may add: nothing, but for noise."""
CAMPAIGN = """\
id: abandoned
when: {{did: {added}, did_not: {charged}, within: {within} seconds, max_age: {max_age} seconds}}
constant: {{name: product, in: {{{added}: product, {charged}: product}}}}
send: {{values: {{title: "{{{{ ConstantEventProperty }}}}"}}}}
"""
REMEMBERED_SECONDS = 30
"""For how long a user matters where memory is compared. With a window of an hour it is three hours, longer than a tenth
of a trace: before that, nothing can be forgotten, and memory grows whatever becomes of it later.
"""
KINDS = {
    "realistic": Trace(**TIDY, rate=400, users=50_000),
    "dense": Trace(**TIDY, rate=32, users=50_000, views=False),
}
Row: TypeAlias = tuple[str, str, int, int]
"""User, product, time of the last add, time of the decision."""


_MEASURE = """\
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
with open(sys.argv[1], "w") as file:
    json.dump([usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024], file)
sys.exit(1 if status else 0)
"""
"""Linux counts among a program's peak what started it: so that is a small interpreter, and not the bench."""


@dataclass(frozen=True, slots=True)
class Spent:
    """The expense of a program and its children: CPU seconds, and the peak of the largest of them."""

    cpu: float
    megabytes: float


def spent(command: list[str], output: Path) -> Spent:
    """Raises CalledProcessError."""
    with tempfile.NamedTemporaryFile("r") as told, output.open("wb") as file:
        measure = [sys.executable, "-I", "-S", "-c", _MEASURE, told.name]
        subprocess.run([*measure, *command], stdout=file, check=True)  # noqa: S603  (the bench's own commands)
        cpu, megabytes = json.load(told)
    return Spent(cpu, megabytes)


def simulate(trace: Path, campaign: Path, output: Path) -> Spent:
    command = [sys.executable, "-c", "from holdfast_cli.main import main; main()", "simulate", "--json"]
    return spent([*command, "--campaign", str(campaign), "--events", str(trace)], output)


def decided(output: Path) -> Counter[Row]:
    with output.open() as file:
        rows = map(json.loads, file)
        return Counter((row["user"], row["constant"], row["trigger_at"], row["decided_at"]) for row in rows)


def decided_by_flink(output: Path) -> Counter[Row]:
    """Lines of user, product, …, last add, …, deadline: what is between differs from job to job."""
    with output.open() as file:
        parts = (line.rstrip("\n").split(",") for line in file)
        return Counter((user, product, int(end) - WINDOW_SECONDS * 1000, int(end)) for user, product, *_, end in parts)


def watching(*, within: int, max_age: int = MAX_AGE_MS // 1000) -> str:
    """The campaign's file. Both are seconds."""
    return CAMPAIGN.format(added=ADDED, charged=CHARGED, within=within, max_age=max_age)


def write(trace: Trace, events: int, path: Path) -> None:
    dump = json.JSONEncoder(separators=(",", ":")).encode
    lines: Iterator[str] = (dump(line) for event in trace.events() for line in flat_lines(event))
    with path.open("w") as file:
        file.writelines(line + "\n" for line in islice(lines, events))


def measure(part: Part, kind: str, events: int, folder: Path) -> None:
    campaign, short, long, ours = (folder / name for name in ("campaign.yaml", "short.jsonl", "long.jsonl", "ours"))
    write(KINDS[kind], events, long)
    with long.open() as file:
        short.write_text("".join(islice(file, events // 10)))
    campaign.write_text(watching(within=REMEMBERED_SECONDS * 2 // 3, max_age=REMEMBERED_SECONDS // 3))
    peaks = [simulate(trace, campaign, ours).megabytes for trace in (short, long)]
    campaign.write_text(watching(within=WINDOW_SECONDS))
    here = simulate(long, campaign, ours)
    cost = here.cpu / events * 1e6
    venv, job = os.environ.get("FLINK_VENV"), os.environ.get("FLINK_JOB")
    alone = "" if venv and job else "; alone, as FLINK_VENV and FLINK_JOB are not both set"
    part.row(f"{kind}: simulate", cost, "µs CPU an event", note=f"{events:,} events, start included{alone}")
    part.row(
        f"{kind}: peak memory at ten times the length", peaks[1] / peaks[0], "times", goal=GROWTH,
        note=f"{peaks[0]:.0f} and {peaks[1]:.0f} MB, where a user is remembered for {REMEMBERED_SECONDS} s; "
        f"{here.megabytes:.0f} MB in the run above",
    )  # fmt: skip
    if not venv or not job:
        return
    rows = decided(ours)
    for engine in ("kpf", "cep"):
        theirs = folder / engine
        flink = spent(
            [job, str(long), str(WINDOW_SECONDS * 1000), "restart", str(theirs), "2", engine], folder / "told"
        )
        goal = GOAL if engine == "kpf" else None
        note = f"{flink.cpu / events * 1e6:.1f} µs an event there"
        part.row(f"{kind}: CPU beside Flink {engine}", here.cpu / flink.cpu, "times", goal=goal, note=note)
        other = decided_by_flink(theirs)
        differing = ((rows - other) + (other - rows)).total()
        part.row(f"{kind}: decisions other than Flink {engine}", differing, f"of {rows.total():,}", goal=0)


def fill(part: Part, *, realistic: int, dense: int) -> None:
    """Both traces, each with so many events."""
    for kind, events in (("realistic", realistic), ("dense", dense)):
        err.print(f"[dim]simulate: {kind}, {events:,} events[/]")
        with tempfile.TemporaryDirectory() as folder:
            measure(part, kind, events, Path(folder))


def run(*, realistic: int = 2_000_000, dense: int = 1_000_000) -> Part:
    """Both traces, each with so many events."""
    part = Part("simulate", "simulate: the fold, offline")
    began = time.monotonic()
    fill(part, realistic=realistic, dense=dense)
    part.seconds = time.monotonic() - began
    return part


def main(
    *,
    realistic: Annotated[int, typer.Option(help="Events of the realistic trace.")] = 2_000_000,
    dense: Annotated[int, typer.Option(help="Events of the dense trace.")] = 1_000_000,
) -> None:
    """Measure, show and write what `simulate` costs."""
    part = run(realistic=realistic, dense=dense)
    report.show([part])
    report.write([part], "simulate.json")


if __name__ == "__main__":
    typer.run(main)
