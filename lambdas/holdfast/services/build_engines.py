"""The engines for the build's query: DuckDB on this machine, or Athena if the history is too large for one machine."""

from __future__ import annotations

import codecs
import csv
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from holdfast.aws.history import History
from holdfast.aws.telemetry import Logger
from holdfast.core.recommend.item_to_item import COLUMNS, Found, first_day, query
from holdfast.core.recommend.ranking import Recommender

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_s3 import S3Client

logger = Logger(child=True)

_FETCHED = 10_000
_RESERVE_SECONDS = 90
"""The function's time that is left when Athena is stopped: the rows still have to be read and written."""
_MAGIC_OF_GZIP = b"\x1f\x8b"

Told = Callable[[str], None]
"""Hears how far it has got."""


class EngineFailed(RuntimeError):
    """The query failed; the message says why."""


class Engine(Protocol):
    name: str

    def rows(self, recommender: Recommender, until: int, told: Told) -> Iterator[Found]:
        """The rows that `query` finds in the history before `until`, in its order. Raises EngineFailed."""
        ...


class Duck:
    """A DuckDB database in a directory, with a table of history. What does not fit into memory goes to that disk."""

    def __init__(self, directory: Path, *, memory_mb: int | None = None) -> None:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": str(directory / "spilled"),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            **({"memory_limit": f"{memory_mb}MB"} if memory_mb else {}),
        }
        self._connection = duckdb.connect(str(directory / "history.duckdb"), config=settings)
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        self._connection.execute(f"CREATE TABLE history ({columns})")

    def load(self, path: Path) -> None:
        """Add the rows of a file of JSON lines, whether packed by gzip or not."""
        with path.open("rb") as file:
            packed = file.read(2) == _MAGIC_OF_GZIP
        self._connection.execute(
            "INSERT INTO history SELECT * FROM read_json($path, format = 'newline_delimited', columns = $columns,"
            " compression = $compression)",
            {"path": str(path), "columns": dict(COLUMNS), "compression": "gzip" if packed else "none"},
        )

    def run(self, sql: str) -> Iterator[tuple[Any, ...]]:
        cursor = self._connection.cursor()
        cursor.execute(sql)
        while rows := cursor.fetchmany(_FETCHED):
            yield from rows

    def find(self, recommender: Recommender, until: int) -> Iterator[Found]:
        for item, other, score, support, _ in self.run(query(recommender, until, partitioned=False)):
            yield Found(item, other, score, support)

    def close(self) -> None:
        self._connection.close()


class DuckEngine:
    """Downloads the history object by object, keeps of each what is in the table, and asks DuckDB."""

    name = "duckdb"

    def __init__(self, history: History, directory: Path, *, memory_mb: int | None = None) -> None:
        self._history = history
        self._directory = directory
        self._memory_mb = memory_mb

    def rows(self, recommender: Recommender, until: int, told: Told) -> Iterator[Found]:
        duck = Duck(self._directory, memory_mb=self._memory_mb)
        try:
            self.load(duck, first_day(recommender, until), told)
            told("counting")
            yield from duck.find(recommender, until)
        except duckdb.Error as error:
            raise EngineFailed(f"DuckDB: {error}") from error
        finally:
            duck.close()

    def load(self, duck: Duck, first: str, told: Told) -> None:
        """Put the history of the partitions from `first` on into the table."""
        objects = list(self._history.objects(first))
        local = self._directory / "object.json"
        for number, each in enumerate(objects):
            told(f"reading object {number + 1} of {len(objects)}")
            self._history.download(each, local)
            duck.load(local)
        local.unlink(missing_ok=True)


class AthenaEngine:
    """Starts the query in a workgroup, waits for it, and reads its result, a CSV object, as it comes."""

    name = "athena"

    def __init__(
        self,
        athena: AthenaClient,
        s3: S3Client,
        *,
        database: str,
        table: str,
        bucket: str,
        prefix: str,
        workgroup: str,
        seconds_left: Callable[[], float] = lambda: math.inf,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._athena = athena
        self._s3 = s3
        self._database = database
        self._table = table
        self._bucket = bucket
        self._prefix = prefix
        self._workgroup = workgroup
        self._seconds_left = seconds_left
        self._sleep = sleep

    def rows(self, recommender: Recommender, until: int, told: Told) -> Iterator[Found]:
        execution = self._athena.start_query_execution(
            QueryString=query(recommender, until, table=self._table),
            QueryExecutionContext={"Database": self._database},
            WorkGroup=self._workgroup,
        )["QueryExecutionId"]
        told("waiting for Athena")
        self._wait(execution)
        body = self._s3.get_object(Bucket=self._bucket, Key=f"{self._prefix}{execution}.csv")["Body"]
        for row in csv.DictReader(codecs.getreader("utf-8")(body)):
            yield Found(row["item"], row["other"], float(row["score"]), int(row["support"]))

    def _wait(self, execution: str) -> None:
        pause = 0.25
        while True:
            status = self._athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
            match status["State"]:
                case "SUCCEEDED":
                    return
                case "FAILED" | "CANCELLED":
                    raise EngineFailed(f"Athena: {status.get('StateChangeReason', status['State'])}")
                case _:
                    if self._seconds_left() < _RESERVE_SECONDS:
                        # It would go on, and be paid for, with nobody there to read what it finds.
                        self._athena.stop_query_execution(QueryExecutionId=execution)
                        raise EngineFailed("Athena: stopped, as there was no time left to read the result")
                    self._sleep(pause)
                    pause = min(pause * 1.5, 5.0)


class DuckElseAthena:
    """DuckDB first, then Athena if DuckDB fails before its first row. The disk space that a query needs depends on the
    pairs of items that users have, which is not known beforehand.
    """

    def __init__(self, duck: Engine, athena: Engine) -> None:
        self._duck = duck
        self._athena = athena
        self.name = duck.name

    def rows(self, recommender: Recommender, until: int, told: Told) -> Iterator[Found]:
        found = False
        try:
            for row in self._duck.rows(recommender, until, told):
                found = True
                yield row
        except EngineFailed as error:
            if found:
                raise
            logger.warning("DuckDB failed; Athena goes on", extra={"reason": str(error)})
        else:
            return
        self.name = self._athena.name
        yield from self._athena.rows(recommender, until, told)
