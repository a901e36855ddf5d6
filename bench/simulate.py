"""`holdfast simulate`: time, CPU time and memory, reading and writing included; beside Flink on the same files.

    FLINK_VENV=… FLINK_JOB=… python -m bench.simulate

FLINK_VENV is a virtual environment with apache-flink. FLINK_JOB is a script that takes TRACE WINDOW_MS restart OUT
PARALLELISM kpf|cep and writes a line for each abandoned product. Without them, Holdfast runs alone. Both run in turns,
several times. The CEP job runs once, as only its decisions and its CPU time are measured.
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
from statistics import median
from typing import Annotated, TypeAlias

import typer

from bench import report
from bench.report import Part
from bench.traces import ADDED, CHARGED, START, TIDY, Trace, flat_lines
from holdfast.core.plans.plan import MAX_AGE_MS
from holdfast_cli.output import err

WINDOW_SECONDS = 3600
GOALS = {"realistic": (0.5, 0.5), "dense": (1.0, 1.0)}
"""The shares of the time, and of the CPU time, that Flink's KeyedProcessFunction takes."""
MEMORY = 0.2
"""The share of its memory."""
BOUNDS = {"realistic": (0.65, 0.65), "dense": (2.5, 2.5)}
"""How near one comes: a decision is one fold, in Python."""
BACK_MS = START - 1_700_000_000_000
"""How much earlier these traces are than others of the bench: what is in the future is rejected."""
GROWTH = 1.1
"""The memory that ten times the length may add: nothing, but for noise."""
MOST_GROWTH = 1.25
"""Sorting, merging and printing hold a bounded number of records, but a short trace does not reach the bounds. `make
simulate-big` shows where they are.
"""
CAMPAIGN = """\
id: abandoned
when: {{did: {added}, did_not: {charged}, within: {within} seconds, max_age: {max_age} seconds, grace: 0 seconds}}
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
import json, os, subprocess, sys, threading, time
def tree(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [pid, *(each for child in file.read().split() for each in tree(child))]
    except OSError:
        return []
def size(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        return 0
def wait():
    global ended, status, usage
    _, status, usage = os.wait4(process.pid, 0)
    ended = time.monotonic()
began, most = time.monotonic(), 0
process = subprocess.Popen(sys.argv[2:])
waiter = threading.Thread(target=wait)
waiter.start()
while waiter.is_alive():
    most = max(most, sum(map(size, tree(process.pid))))
    waiter.join(0.2)
with open(sys.argv[1], "w") as file:
    spent = usage.ru_utime + usage.ru_stime, ended - began, max(most, usage.ru_maxrss / 1024)
    json.dump(spent, file)
sys.exit(1 if status else 0)
"""
"""Linux counts among a program's peak what started it: so that is a small interpreter, and not the bench. Memory that
several processes share is counted once.
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """The expense of a program and its children: CPU seconds, seconds, and the peak of all of them together."""

    cpu: float
    seconds: float
    megabytes: float


def spent(command: list[str], output: Path) -> Spent:
    """Raises CalledProcessError."""
    with tempfile.NamedTemporaryFile("r") as told, output.open("wb") as file:
        measure = [sys.executable, "-I", "-S", "-c", _MEASURE, told.name]
        subprocess.run([*measure, *command], stdout=file, check=True)  # noqa: S603  (the bench's own commands)
        return Spent(*json.load(told))


def simulate(trace: Path, campaign: Path, output: Path, *more: str) -> Spent:
    command = [sys.executable, "-c", "from holdfast_cli.main import main; main()", "simulate", "--json", *more]
    return spent([*command, "--campaign", str(campaign), "--events", str(trace)], output)


def decided(output: Path) -> Counter[Row]:
    with output.open() as file:
        rows = map(json.loads, file)
        return Counter((row["user"], row["constant"], row["trigger_at"], row["decided_at"]) for row in rows)


def decided_by_flink(output: Path) -> Counter[Row]:
    """Lines of user, product, …, last add, …, deadline; the fields between differ from job to job."""
    with output.open() as file:
        parts = (line.rstrip("\n").split(",") for line in file)
        return Counter((user, product, int(end) - WINDOW_SECONDS * 1000, int(end)) for user, product, *_, end in parts)


def watching(*, within: int, max_age: int = MAX_AGE_MS // 1000) -> str:
    """The campaign's file. Both arguments are seconds."""
    return CAMPAIGN.format(added=ADDED, charged=CHARGED, within=within, max_age=max_age)


def write(trace: Trace, events: int, path: Path) -> None:
    dump = json.JSONEncoder(separators=(",", ":")).encode
    earlier = (event._replace(at=event.at - BACK_MS) for event in trace.events())
    lines: Iterator[str] = (dump(line) for event in earlier for line in flat_lines(event))
    with path.open("w") as file:
        file.writelines(line + "\n" for line in islice(lines, events))


def measure(part: Part, kind: str, events: int, folder: Path, *, times: int = 3) -> None:
    campaign, short, long, ours = (folder / name for name in ("campaign.yaml", "short.jsonl", "long.jsonl", "ours"))
    write(KINDS[kind], events, long)
    with long.open() as file:
        short.write_text("".join(islice(file, events // 10)))
    campaign.write_text(watching(within=REMEMBERED_SECONDS * 2 // 3, max_age=REMEMBERED_SECONDS // 3))
    peaks = [simulate(trace, campaign, ours, "--jobs", "1").megabytes for trace in (short, long)]
    campaign.write_text(watching(within=WINDOW_SECONDS))
    venv, job = os.environ.get("FLINK_VENV"), os.environ.get("FLINK_JOB")
    here, there = list[Spent](), list[Spent]()
    for _ in range(times):
        here.append(simulate(long, campaign, ours))
        if venv and job:
            there.append(_flink(job, "kpf", long, folder))
    note = f"{events:,} events, start included" + ("" if there else "; alone, as FLINK_VENV and FLINK_JOB are not set")
    part.spread(f"{kind}: simulate", [each.seconds for each in here], "s", note=note)
    part.spread(f"{kind}: simulate", [each.cpu / events * 1e6 for each in here], "µs CPU an event")
    part.spread(f"{kind}: simulate", [each.megabytes for each in here], "MB")
    part.row(
        f"{kind}: peak memory at ten times the length", peaks[1] / peaks[0], "times", goal=GROWTH, bound=MOST_GROWTH,
        note=f"{peaks[0]:.0f} and {peaks[1]:.0f} MB, where a user is remembered for {REMEMBERED_SECONDS} s",
    )  # fmt: skip
    if there and job:
        _beside(part, kind, here, there)
        rows = decided(ours)
        there.append(_flink(job, "cep", long, folder))
        cpu = median(each.cpu for each in here)
        part.row(f"{kind}: CPU beside Flink cep", cpu / there[-1].cpu, "times", note="one run there")
        for engine in ("kpf", "cep"):
            other = decided_by_flink(folder / engine)
            differing = ((rows - other) + (other - rows)).total()
            part.row(f"{kind}: decisions other than Flink {engine}", differing, f"of {rows.total():,}", goal=0)


def _beside(part: Part, kind: str, here: list[Spent], there: list[Spent]) -> None:
    """Each of our runs beside the Flink run that followed it."""
    (wall, cpu), (most_wall, most_cpu) = GOALS[kind], BOUNDS[kind]
    pairs = [*zip(here, there, strict=True)]
    part.spread(
        f"{kind}: time beside Flink kpf", [ours.seconds / theirs.seconds for ours, theirs in pairs], "times",
        goal=wall, bound=most_wall, note=f"{median(each.seconds for each in there):.1f} s there",
    )  # fmt: skip
    part.spread(
        f"{kind}: CPU beside Flink kpf", [ours.cpu / theirs.cpu for ours, theirs in pairs], "times",
        goal=cpu, bound=most_cpu, note=f"{median(each.cpu for each in there):.1f} s there",
    )  # fmt: skip
    part.spread(
        f"{kind}: memory beside Flink kpf", [ours.megabytes / theirs.megabytes for ours, theirs in pairs], "times",
        goal=MEMORY, note=f"{median(each.megabytes for each in there):.0f} MB there",
    )  # fmt: skip


def _flink(job: str, engine: str, trace: Path, folder: Path) -> Spent:
    command = [job, str(trace), str(WINDOW_SECONDS * 1000), "restart", str(folder / engine), "2", engine]
    return spent(command, folder / "told")


def fill(part: Part, *, realistic: int, dense: int, times: int = 1) -> None:
    """Both traces, each with so many events, and so many runs of each."""
    for kind, events in (("realistic", realistic), ("dense", dense)):
        err.print(f"[dim]simulate: {kind}, {events:,} events[/]")
        with tempfile.TemporaryDirectory() as folder:
            measure(part, kind, events, Path(folder), times=times)


def run(*, realistic: int = 2_000_000, dense: int = 1_000_000, times: int = 3) -> Part:
    """As `fill`."""
    part = Part("simulate", "simulate: the fold, offline")
    began = time.monotonic()
    fill(part, realistic=realistic, dense=dense, times=times)
    part.seconds = time.monotonic() - began
    return part


def main(
    *,
    realistic: Annotated[int, typer.Option(help="Events of the realistic trace.")] = 2_000_000,
    dense: Annotated[int, typer.Option(help="Events of the dense trace.")] = 1_000_000,
    times: Annotated[int, typer.Option(min=1, help="Runs of each, of which the median counts.")] = 3,
) -> None:
    """Measure, show and write what `simulate` costs."""
    part = run(realistic=realistic, dense=dense, times=times)
    report.show([part])
    report.write([part], "simulate.json")


if __name__ == "__main__":
    typer.run(main)
