"""A simulation of a file of records: they are read, arranged by user, folded, and merged, by one process or by many.

The output is the same for any number of processes.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.progress import Progress, TaskID

from holdfast.core.authoring.hints import letters
from holdfast.core.events import event_key
from holdfast.core.explain.replay import FIRST
from holdfast.core.intake.fields import RULES, Rules
from holdfast.core.plans.plans import Plans
from holdfast_cli.folding import Counts, Fold, Setup, merged
from holdfast_cli.lines import plain, read_lines
from holdfast_cli.output import Failure, progress
from holdfast_cli.reading import Found, Reader, chunks, numbered
from holdfast_cli.runs import LARGEST_RUN, Run, Runs, divided_again, moved
from holdfast_cli.team import Step, Team, cores, team

SMALL = 1024 * 1024
"""Bytes of a file for which this process alone is as fast."""
PARTS = 64
"""In which users are laid out, and which are folded one by one: of so few users, most is in the processor's cache. Each
part has files of its own, which cost time, too.
"""
CHUNKS = 4
"""Pieces of a file for each process: a process that is done early takes another one."""


class Reading(NamedTuple):
    """How records are read."""

    rules: Rules = RULES
    latest: int = 1 << 52
    as_arrived: bool = False


AS_IT_HAPPENED = Reading()


class _Chunk(NamedTuple):
    """A piece of a file, from byte `start` to byte `end`; `last` is the time before it."""

    path: Path
    start: int
    end: int
    name: Path
    last: int = 0


class _Again(NamedTuple):
    """Runs of one part to write anew."""

    runs: list[Run]
    parts: dict[str, int]
    name: Path


class _Part(NamedTuple):
    """The runs of one part, and the file for its decisions."""

    runs: list[Run]
    decisions: Path


class Work(NamedTuple):
    setup: Setup
    reading: Reading
    jobs: int
    parts: int


class Worker:
    """Runs tasks one after the other, in any process."""

    def __init__(self, work: Work, step: Step) -> None:
        self._work = work
        self._step = step
        self._plans = work.setup.compiled()

    def reader(self, name: Path, last: int = 0, *, before: bool = False) -> Reader:
        work = self._work
        return Reader(self._plans, self._runs(name), work.parts, **work.reading._asdict(), before=before, last=last)

    def _runs(self, name: Path) -> Runs:
        return Runs(name, self._work.parts, LARGEST_RUN // self._work.jobs)

    def read(self, chunk: _Chunk) -> Found:
        return self.reader(chunk.name, chunk.last).read(chunks(chunk.path, chunk.start, chunk.end), self._step)

    def divide(self, again: _Again) -> list[Run]:
        made: list[Run] = []
        for number, run in enumerate(again.runs):
            runs = self._runs(again.name.with_name(f"{again.name.name}-{number}"))
            divided_again(run, again.parts, runs)
            made += [each._replace(stage=run.stage, base=run.base) for each in runs.close()]
            Path(run.path).unlink()
        return made

    def fold(self, part: _Part) -> Counts:
        fold = Fold(self._work.setup, self._plans)
        fold.write(part.runs, part.decisions, self._step)
        for run in part.runs:
            Path(run.path).unlink()
        return fold.counts


class Simulated:
    """One simulation: lines in, rows out, and the findings to report at the end."""

    def __init__(self, setup: Setup, reading: Reading = AS_IT_HAPPENED, jobs: int = 1, parts: int = 1) -> None:
        self._work = Work(setup, reading, jobs, max(jobs, parts))
        self._plans = setup.compiled()
        self.found = Found()
        self.counts = Counts()

    @property
    def records(self) -> int:
        return self.found.records + self.counts.records

    @property
    def rejected(self) -> Counter[str]:
        return self.found.rejected + self.counts.rejected

    def rows(self, known: Iterable[bytes], events: Path | Iterable[bytes]) -> Iterator[list[bytes]]:
        """Lines of JSON in order of time, in blocks. `known` are the profiles from before."""
        try:
            with (
                tempfile.TemporaryDirectory(prefix="holdfast-") as folder,
                team(Worker, self._work, self._work.jobs) as workers,
            ):
                yield from self._folded(workers, Path(folder), self._read(workers, Path(folder), known, events))
        except OSError as error:
            what, where = error.strerror or error, error.filename or "temporary files"
            raise Failure(
                f"{where}: {what}. Temporary files are in {tempfile.gettempdir()}: TMPDIR says where."
            ) from error

    def _read(self, workers: Team, folder: Path, known: Iterable[bytes], events: Path | Iterable[bytes]) -> list[Run]:
        here = Worker(self._work, lambda _: None)
        self.found = here.reader(folder / "known", before=True).read(numbered(known), lambda _: None)
        base = self.found.last
        if isinstance(events, Path) and plain(events):
            founds = self._chunks(workers, events, folder)
        else:
            lines = events if not isinstance(events, Path) else read_lines(events)
            with progress("reading", None) as bar:
                step = _counting(bar)
                founds = [here.reader(folder / "all").read(numbered(lines), step)]
        for number, found in enumerate(founds, 1):
            stage = number if self._work.reading.as_arrived else 1
            self.found.add(found.staged(stage, base))
            if self._work.reading.as_arrived:
                base = max(base, found.last)
        elsewhere = moved(self.found.ties, self._work.parts)
        return self._divided(workers, folder, elsewhere) if elsewhere else self.found.runs

    def _chunks(self, workers: Team, path: Path, folder: Path) -> list[Found]:
        size = path.stat().st_size
        number = workers.jobs * CHUNKS if self._work.parts > 1 else 1
        bounds = [size * each // number for each in range(number + 1)]
        tasks = [_Chunk(path, bounds[n], bounds[n + 1], folder / str(n)) for n in range(number)]
        with _doing("reading", size) as step:
            founds = workers.each("read", tasks, step)
        if self._work.reading.as_arrived:
            return founds
        last = FIRST
        for n, found in enumerate(founds):
            if found.adrift and last > FIRST:
                again = tasks[n]._replace(name=folder / f"{n}-again", last=last)
                (founds[n],) = workers.each("read", [again], lambda _: None)
            last = founds[n].last
        return founds

    def _divided(self, workers: Team, folder: Path, elsewhere: dict[str, int]) -> list[Run]:
        of: dict[int, list[Run]] = {}
        for run in self.found.runs:
            of.setdefault(run.part, []).append(run)
        tasks = [_Again(runs, elsewhere, folder / f"again-{part}") for part, runs in of.items()]
        return [run for runs in workers.each("divide", tasks, lambda _: None) for run in runs]

    def _folded(self, workers: Team, folder: Path, runs: list[Run]) -> Iterator[list[bytes]]:
        of: dict[int, list[Run]] = {}
        for run in runs:
            of.setdefault(run.part, []).append(run)
        tasks = [_Part(some, folder / f"decisions-{part}") for part, some in of.items()]
        with _doing("simulating", sum(run.entries for run in runs)) as step:
            for counts in workers.each("fold", tasks, step):
                self.counts.add(counts)
        yield from merged(task.decisions for task in tasks)

    def never(self) -> Iterator[tuple[str, str]]:
        """Events that campaigns name and that never came, each with a similar name that did: product_added."""
        came = {letters(name): name for name in sorted(self.found.names)}
        keys = set(map(event_key, self.found.names))
        plans: Plans = self._plans
        named = {plan.events.get(key, key): name for plan in plans.values() for key, name in plan.names.items()}
        for key, name in named.items():
            if event_key(key) not in keys:
                yield name, came.get(letters(name), "")


def parts_for(events: Path) -> int:
    """The number of parts for a file: more if it is not small. With fewer users in a part, less is in memory and found
    sooner.
    """
    return 1 if events.is_file() and events.stat().st_size < SMALL else PARTS


def jobs_for(events: Path, jobs: int | None) -> int:
    """The number of processes: all cores unless stated, but only this process for a small file."""
    if jobs:
        return jobs
    return 1 if events.is_file() and events.stat().st_size < SMALL else cores()


@contextmanager
def _doing(what: str, total: int) -> Iterator[Step]:
    with progress(what, total) as bar:
        yield lambda more: bar.advance(TaskID(0), more)


def _counting(bar: Progress) -> Step:
    number = 0

    def step(more: int) -> None:
        nonlocal number
        number += more
        bar.update(TaskID(0), description=f"reading: {number:,} records")

    return step
