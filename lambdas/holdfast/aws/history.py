"""History in S3: objects of JSON lines under `history/day=2026-11-24/`, as Firehose puts them there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.retry import SecondsLeft, attempts, plenty
from holdfast.core.events import Event
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.history import Row, Sources

if TYPE_CHECKING:
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_s3 import S3Client

PREFIX = "history/"
RECORD_BYTES = 1000 * 1024
"""The limit of a record of Firehose. Each is billed as 5 KB at least, so the rows of a batch go into few."""
_CHUNK_BYTES = 1024 * 1024
REQUEST_BYTES = 4 * 1024 * 1024


class Object(NamedTuple):
    key: str
    size: int


class History:
    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def objects(self, first_day: str) -> Iterator[Object]:
        """The objects since the beginning of a day (`2026-11-24`), oldest first."""
        # StartAfter: a key of the day is later than the name of its partition.
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=PREFIX, StartAfter=f"{PREFIX}day={first_day}"
        )
        for page in pages:
            for each in page.get("Contents", ()):
                yield Object(each["Key"], each["Size"])

    def download(self, each: Object, path: Path) -> None:
        body = self._s3.get_object(Bucket=self._bucket, Key=each.key)["Body"]
        with path.open("wb") as file:
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                file.write(chunk)


class Recorder:
    """Puts rows on the delivery stream. The client is made when there is something to put. It must give up quickly, and
    must not retry.
    """

    def __init__(
        self, firehose: Callable[[], FirehoseClient], stream: str, *, seconds_left: SecondsLeft = plenty
    ) -> None:
        self._firehose = cache(firehose)
        self._stream = stream
        self._seconds_left = seconds_left

    def put(self, rows: Iterable[Row]) -> int:
        """The number of rows that could not be put. A stream that does not answer is not tried again."""
        waiting = list(_requests(_records(rows)))
        lost = 0
        for number, request in enumerate(waiting):
            try:
                lost += self._put(request)
            except BotoCoreError:
                return lost + sum(record.rows for each in waiting[number:] for record in each)
        return lost

    def _put(self, records: list[_Record]) -> int:
        for _ in attempts(seconds_left=self._seconds_left):
            try:
                answer = self._firehose().put_record_batch(
                    DeliveryStreamName=self._stream, Records=[{"Data": record.data} for record in records]
                )
            except ClientError:
                continue
            outcomes = zip(records, answer["RequestResponses"], strict=True)
            records = [record for record, outcome in outcomes if "ErrorCode" in outcome]
            if not records:
                return 0
        return sum(record.rows for record in records)


class Historian:
    """The rows of a batch that join keeps for recommendations; none if no recommendation is published.

    Best effort: to return a batch because of a few rows would delay messages, and losing a small share of rows changes
    no score noticeably. Repeated rows do no harm: a build counts users, not rows.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._plans: Plans | None = None
        self._sources = Sources(())
        self._rows: list[Row] = []

    def begin(self, plans: Plans) -> bool:
        """Whether there is anything that these plans want to be kept."""
        if plans is not self._plans:
            self._plans, self._sources = plans, Sources(plans.recommenders.values())
        self._rows = []
        return bool(self._sources)

    def see(self, event: Event) -> None:
        self._rows += self._sources.rows(event)

    def put(self) -> tuple[int, int]:
        """How many rows of the batch were kept, and how many were lost."""
        rows, self._rows = self._rows, []
        lost = self._recorder.put(rows)
        return len(rows) - lost, lost


class _Record(NamedTuple):
    data: bytes
    rows: int


def _records(rows: Iterable[Row]) -> Iterator[_Record]:
    lines: list[bytes] = []
    size = 0
    for row in rows:
        line = row.line().encode()
        if lines and size + len(line) > RECORD_BYTES:
            yield _Record(b"".join(lines), len(lines))
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield _Record(b"".join(lines), len(lines))


def _requests(records: Iterable[_Record]) -> Iterator[list[_Record]]:
    request: list[_Record] = []
    for record in records:
        if request and (sum(len(each.data) for each in request) + len(record.data) > REQUEST_BYTES):
            yield request
            request = []
        request.append(record)
    if request:
        yield request
