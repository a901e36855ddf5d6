"""Processes that share the work, or this one alone: both work through the same tasks and give the same answers.

A worker is an object whose methods take the tasks. A process that fails, or ends, fails the whole work: the others are
ended, too. One that is interrupted ends without a word, as its parent says what there is to say.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, Protocol

from holdfast_cli.output import Failure

LOOK_SECONDS = 0.2
"""How often the progress of processes is looked at."""

Step = Callable[[int], None]
"""Hears of how much more was done."""
Make = Callable[[Any, Step], Any]
"""Makes a worker of its setup; both are picklable."""


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Team(Protocol):
    jobs: int

    def each(self, method: str, tasks: Sequence[Any], step: Step) -> list[Any]:
        """The answers to all tasks, in their order, by whoever has time."""


class Alone:
    jobs = 1

    def __init__(self, make: Make, setup: Any) -> None:
        self._step: Step = lambda _: None
        self._worker = make(setup, self._forward)

    def _forward(self, more: int) -> None:
        self._step(more)

    def each(self, method: str, tasks: Sequence[Any], step: Step) -> list[Any]:
        self._step = step
        return [getattr(self._worker, method)(task) for task in tasks]


class _Broken(NamedTuple):
    """A worker's last word."""

    why: str


class Processes:
    def __init__(self, make: Make, setup: Any, jobs: int) -> None:
        self.jobs = jobs
        context: Any = get_context(_start_method())
        self._done = context.RawArray("q", jobs)
        self._seen = 0
        self._pipes: list[Connection] = []
        self._processes: list[Any] = []
        for number in range(jobs):
            ours, theirs = context.Pipe()
            self._pipes.append(ours)
            held = self._pipes if context.get_start_method() == "fork" else []
            process = context.Process(target=_work, args=(make, setup, theirs, held, self._done, number), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)

    def end(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
        for pipe in self._pipes:
            pipe.close()

    def each(self, method: str, tasks: Sequence[Any], step: Step) -> list[Any]:
        answers: list[Any] = [None] * len(tasks)
        left, at_work = [*enumerate(tasks)][::-1], dict[int, int]()
        while left or at_work:
            for number in range(self.jobs):
                if left and number not in at_work:
                    at_work[number], task = left.pop()
                    self._send(number, (method, task))
            for number in self._ready([*at_work], step):
                answers[at_work.pop(number)] = self._receive(number)
        self._report(step)
        return answers

    def _ready(self, numbers: Sequence[int], step: Step) -> list[int]:
        ready = wait([self._pipes[number] for number in numbers], LOOK_SECONDS)
        self._report(step)
        return [number for number in numbers if self._pipes[number] in ready]

    def _report(self, step: Step) -> None:
        done = sum(self._done)
        step(done - self._seen)
        self._seen = done

    def _send(self, number: int, task: Any) -> None:
        try:
            self._pipes[number].send(task)
        except OSError:
            self._ended(number)

    def _receive(self, number: int) -> Any:
        try:
            answer = self._pipes[number].recv()
        except (EOFError, OSError):
            self._ended(number)
        if isinstance(answer, _Broken):
            raise Failure(answer.why)
        return answer

    def _ended(self, number: int) -> None:
        self._processes[number].join()
        code = self._processes[number].exitcode
        by = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        hint = ": there may not be enough memory for so many, try --jobs 1" if code == -signal.SIGKILL else ""
        raise Failure(f"A worker process was ended {by}{hint}. What was printed is not all.") from None


def _start_method() -> str:
    """A fork takes no time and shares what is loaded; it is safe where no other thread runs, and on Linux."""
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


@contextmanager
def team(make: Make, setup: Any, jobs: int) -> Iterator[Team]:
    """Processes are ended with the block, however it ends: so is one by SIGTERM."""
    if jobs == 1:
        yield Alone(make, setup)
        return
    processes = Processes(make, setup, jobs)
    before = None
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield processes
    finally:
        processes.end()
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _end_with_parent() -> None:
    """A worker that is at work hears of its parent's end from nobody else, where that was ended by force."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _work(make: Make, setup: Any, pipe: Connection, others: Sequence[Connection], done: Any, number: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:
        other.close()  # else none of us would notice that the parent has gone
    gc.freeze()
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def step(more: int) -> None:
        done[number] += more

    with suppress(EOFError, OSError):  # the parent has gone
        try:
            worker = make(setup, step)
            while True:
                method, task = pipe.recv()
                pipe.send(getattr(worker, method)(task))
        except (EOFError, BrokenPipeError):
            return
        except Failure as failure:
            pipe.send(_Broken(str(failure)))
        except Exception as error:  # noqa: BLE001  (told by the parent)
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{where.filename}, line {where.lineno}"
            pipe.send(_Broken(f"A worker process failed: {type(error).__name__}: {error} ({place})"))
