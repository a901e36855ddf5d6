"""Lines of records in order of time, without holding them in memory.

A first pass looks at each line's time only. Where they are in order, the file is read again as it is. Where they are
not, lines are sorted in runs of a bounded size, which are written to temporary files and merged.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from heapq import merge
from pathlib import Path

from holdfast.core.events import Event, ProfileChange, Tie
from holdfast.core.explain.replay import NO_ARRIVAL
from holdfast.core.intake.forms import RULES, Rules, records

RUN_BYTES = 64 * 1024 * 1024
"""How much of the lines is held in memory to be sorted."""
_TIME = re.compile(rb'"ts"\s*:\s*(\d{12,14})\s*[,}]')

Read = Callable[[Path], Iterator[bytes]]


@contextmanager
def in_order(path: Path, read: Read, rules: Rules = RULES, *, run_bytes: int = RUN_BYTES) -> Iterator[Iterable[bytes]]:
    """The lines that `read` finds in a file, or on standard input (`-`), in order of time; those of one time, and those
    that say none, stay behind what they were behind.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-")))
        if str(path) == "-":
            path = _kept(read(path), folder / "input")
            read = _lines
        yield read(path) if _is_ordered(read(path), rules) else _sorted(read(path), folder, run_bytes, rules)


def _is_ordered(lines: Iterable[bytes], rules: Rules) -> bool:
    last = 0
    for time in _times(lines, rules):
        if time < last:
            return False
        last = time
    return True


def _times(lines: Iterable[bytes], rules: Rules) -> Iterator[int]:
    last = 0
    for line in lines:
        last = _time(line, last, rules)
        yield last


def _time(line: bytes, last: int, rules: Rules) -> int:
    """The time of a line's earliest record, or that of the line before where it says none."""
    if line.count(b"{") == 1 and line.count(b'"ts"') == 1 and (found := _TIME.search(line)):
        return int(found[1])  # a flat record: no need to read it whole
    times = [each.at for each in records(line, NO_ARRIVAL, rules) if isinstance(each, Event | ProfileChange | Tie)]
    return min((time for time in times if 0 < time != NO_ARRIVAL), default=last)


def _sorted(lines: Iterable[bytes], folder: Path, run_bytes: int, rules: Rules) -> Iterator[bytes]:
    runs: list[Path] = []
    run: list[tuple[int, int, bytes]] = []
    size, last = 0, 0
    for number, line in enumerate(lines):
        last = _time(line, last, rules)
        run.append((last, number, line.rstrip(b"\r\n")))
        size += len(line)
        if size >= run_bytes:
            runs.append(_written(sorted(run), folder / str(len(runs))))
            run, size = [], 0
    for _, _, line in merge(*map(_run, runs), sorted(run)):
        yield line + b"\n"


def _written(run: Iterable[tuple[int, int, bytes]], path: Path) -> Path:
    with path.open("wb") as file:
        file.writelines(b"%d %d %b\n" % each for each in run)
    return path


def _run(path: Path) -> Iterator[tuple[int, int, bytes]]:
    with path.open("rb") as file:
        for each in file:
            time, number, line = each[:-1].split(b" ", 2)
            yield int(time), int(number), line


def _kept(lines: Iterable[bytes], path: Path) -> Path:
    with path.open("wb") as file:
        file.writelines(line if line.endswith(b"\n") else line + b"\n" for line in lines)
    return path


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file
