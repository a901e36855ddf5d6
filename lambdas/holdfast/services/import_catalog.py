"""catalog_import: takes a catalog's CSV file from the bucket as `holdfast catalog import` takes it from a disk.

`NAME.csv` goes into the catalog NAME. Where time runs short, the function sends itself a message that says from where
to go on, and ends: a file may have any size. Every run puts a report under `reports/`, of which the last line says what
has become of the rows so far and, where there is more to come, which report goes on.

A file that comes twice, late or beside another does no harm: only one run at a time writes into a catalog, and a row
never takes the place of one of a later file, or of a later line.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from holdfast.aws.clock import now_ms
from holdfast.aws.drop_bucket import REPORTS, DropBucket, Dropped, Gone
from holdfast.aws.queues import Message, Queue
from holdfast.aws.tables.catalog import Catalogs, Importing, Progress
from holdfast.aws.telemetry import Logger, Metrics, count
from holdfast.core.catalog.csv_file import header, records
from holdfast.core.catalog.csv_lines import BadFile
from holdfast.core.catalog.rows import NAME_PATTERN
from holdfast.core.messages.detail import iso

logger = Logger(child=True)
metrics = Metrics()

WAIT_SECONDS = 60
"""How long a file waits while another import of its catalog runs."""
MAX_REPORT = 16 * 1024 * 1024
"""Bytes. Where so much is bad, the next run goes on with another report."""


class NotSent(RuntimeError):
    """The rest of a file could not be put on the queue. The message comes again, and the run is repeated."""


class Task(NamedTuple):
    """A file, or its rest after byte `end`, the end of line `line`; `counts` are those of the part before."""

    key: str
    version: str = ""
    line: int = 1
    end: int = 0
    counts: Mapping[str, int] = {}


class CatalogImport:
    def __init__(
        self, *, catalogs: Catalogs, bucket: DropBucket, queue: Queue, clock: Callable[[], int] = now_ms
    ) -> None:
        self._catalogs = catalogs
        self._bucket = bucket
        self._queue = queue
        self._clock = clock

    def take(self, task: Task, time_left: Callable[[], bool]) -> None:
        """Import the file, or as much of it as there is time for. Raises NotSent, and what AWS raises."""
        if task.key.startswith(REPORTS):
            return
        try:
            file = self._bucket.find(task.key, task.version)
            report = Report(task)
            rest = self._try(task, file, report, time_left)
        except Gone:
            logger.info("the file is gone", extra={"file": task.key})
            return
        except Importing:
            logger.info("another import of this catalog runs; this one waits", extra={"file": task.key})
            self._send(task, WAIT_SECONDS)
            return
        self._bucket.report(_report_key(task, file), report.text(goes_on_in=_report_key(rest, file) if rest else None))
        if rest:
            self._send(rest)
        since = report.counts - Counter(task.counts)
        count(metrics, CatalogRows=since["rows"], CatalogRowsBad=since["bad"])
        logger.info("goes on" if rest else "ended", extra={"file": task.key, "line": rest.line if rest else None})

    def _try(self, task: Task, file: Dropped, report: Report, time_left: Callable[[], bool]) -> Task | None:
        """The rows left to import. A file that has none, or no more, is the report's."""
        try:
            return self._import(task, file, report, time_left)
        except BadFile as error:
            report.reason = str(error)
            return None

    def _import(self, task: Task, file: Dropped, report: Report, time_left: Callable[[], bool]) -> Task | None:
        name, known = _name(task.key), header(self._bucket.lines(file))
        importer = self._catalogs.importer(name, known.columns, (), file.at, uuid.uuid4().hex, self._clock)
        line, end = (task.line, task.end) if task.end else (known.line, known.end)
        lines = report.until_bad(self._bucket.lines(file, end))
        for done in importer.run(records(known, importer.known.match, lines, line=line, end=end)):
            report.tell(done)
            if done.end < file.size and (report.full or not time_left()):
                importer.pause()
                return Task(task.key, file.version, done.line, done.end, report.counts)
        if report.reason:
            importer.pause()
        else:
            importer.finish(report.counts)
        return None

    def _send(self, task: Task, delay: int = 0) -> None:
        if self._queue.send([Message(json.dumps(task._asdict()), delay)]):
            raise NotSent(task.key)


class Report:
    """A run's report: a line for each row that is bad or shares its name, and one for the whole."""

    def __init__(self, task: Task) -> None:
        self._file = task.key
        self._lines = bytearray()
        self.counts = Counter(task.counts)
        self.reason: str | None = None

    @property
    def full(self) -> bool:
        return len(self._lines) > MAX_REPORT

    def until_bad(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """The rows up to the point at which the file turns out to be unreadable: earlier rows are imported."""
        try:
            yield from lines
        except BadFile as error:
            self.reason = str(error)

    def tell(self, done: Progress) -> None:
        self.counts.update(done.counts)
        for bad in done.bad:
            self._add(line=bad.line, reason=bad.reason)
        for line, value in done.shared:
            self._add(line=line, note=f"{value} is another row's too; who looks it up finds the later one")

    def text(self, *, goes_on_in: str | None) -> bytes:
        whole = {"goes_on_in": goes_on_in, "reason": self.reason}
        complete = not any(whole.values())
        self._add(file=self._file, complete=complete, **self.counts, **{k: v for k, v in whole.items() if v})
        return bytes(self._lines)

    def _add(self, **line: object) -> None:
        self._lines += json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _name(key: str) -> str:
    name = key.removesuffix(".csv")
    if name == key or not re.fullmatch(NAME_PATTERN, name):
        msg = f"{key!r} names no catalog: NAME.csv, of lower-case letters, digits and hyphens, 63 at most"
        raise BadFile(msg)
    return name


def _report_key(task: Task, file: Dropped) -> str:
    """The key is the same for the same part of a file, so a repeated run replaces its report."""
    part = (
        f".line-{task.line + 1:09}" if task.end else ""
    )  # listed after the first part, whose name goes on with .jsonl
    return f"{REPORTS}{task.key.removesuffix('.csv')[:200]}-{iso(file.at)}-{file.etag[:8]}{part}.jsonl"
