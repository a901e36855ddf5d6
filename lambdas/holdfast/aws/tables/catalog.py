"""The catalog table, as it is imported, listed and deleted. Deliver reads it through `lookup`.

`catalog` / name   what a catalog is: its columns, the columns it is looked up by, the last import, and who imports now
The rows and their copies: see `holdfast.core.catalog.rows`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from holdfast.aws.retry import attempts
from holdfast.aws.tables.batches import ITEMS_PER_WRITE, write
from holdfast.core.catalog.csv_file import Bad, Row
from holdfast.core.catalog.rows import (
    BY_NAME,
    IDENTITY,
    Match,
    Place,
    Stamp,
    Stored,
    Values,
    partitions,
    place,
    places,
    step,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WINDOW = 1_000
"""Rows that are read, compared and written together: what an import has in memory."""
LEASE_MS = 2 * 60_000
KEYS_PER_READ = 100
AT_ONCE = 8
PATIENCE = 8
"""Attempts of a call that is throttled: an import would rather wait a few seconds than end."""
_CATALOG = "catalog"

T = TypeVar("T")


class UnknownCatalog(LookupError):
    """There is no such catalog, or no such row in it."""


class Importing(RuntimeError):
    """Another import of the catalog is running. Its lease ends with it, or two minutes after it died."""


class Throttled(RuntimeError):
    """The table was throttled. Finished work is kept; the same import does the rest."""


class Catalog(NamedTuple):
    """A catalog's state. `at` and `counts` are those of its last complete import."""

    name: str
    columns: tuple[str, ...]
    match: Match
    at: int | None = None
    counts: Mapping[str, int] = {}


class Progress(NamedTuple):
    """The progress of an import: the last line and the byte after it, from which another run can continue; the results
    of the rows since the last report, and the rows to report one by one.
    """

    line: int
    end: int
    counts: Mapping[str, int]
    bad: tuple[Bad, ...]
    shared: tuple[tuple[int, str], ...]


class Catalogs:
    """Raises AWS's errors except throttling: a person is waiting, or a queue tries again."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def all(self) -> list[Catalog]:
        return [_catalog(item) for item in self._query(_CATALOG)]

    def get(self, name: str) -> Catalog:
        item = self._dynamodb.get_item(TableName=self._table, Key=_key(Place(_CATALOG, name))).get("Item")
        if item is None:
            raise UnknownCatalog(name)
        return _catalog(item)

    def row(self, name: str, values: Values) -> Values:
        """The row that a message would get for these values. Raises UnknownCatalog."""
        found = self._read([place(name, values)])
        row = next((stored.row for stored in found.values()), None)
        if row is None or any(row.get(column) != text for column, text in values.items()):
            raise UnknownCatalog(f"{name} with {', '.join(f'{column} {text}' for column, text in values.items())}")
        return row

    def rows(self, name: str) -> Iterator[Values]:
        """All rows, in arbitrary order."""
        for partition in partitions(name):
            for item in self._query(partition):
                yield _stored(item).row

    def delete(self, name: str) -> Iterator[int]:
        """Delete rows and copies, and yield their number step by step; the catalog's own item goes last, so it can be
        repeated.
        """
        known = self.get(name)
        for columns in ((), *known.match):
            for partition in partitions(name, columns):
                keys = (Place(item["pk"]["S"], item["sk"]["S"]) for item in self._query(partition))
                for some in _chunks(keys, WINDOW):
                    self._write([{"DeleteRequest": {"Key": _key(each)}} for each in some])
                    yield len(some)
        self._dynamodb.delete_item(TableName=self._table, Key=_key(Place(_CATALOG, name)))

    def delete_row(self, name: str, identity: str) -> None:
        """Raises UnknownCatalog."""
        known = self.get(name)
        for each in places(name, known.match, self.row(name, {IDENTITY: identity})):
            self._delete_copy(each, identity)

    def importer(
        self, name: str, columns: tuple[str, ...], match: Match, at: int, by: str, clock: Callable[[], int]
    ) -> Importer:
        """Begin an import, or go on with it: `by` says whose it is, `at` the time of its file.

        `match` is added to the sets of columns that the catalog is looked up by, of which `Name` is one. Where a later
        file has come to an end before, the columns stay those of that file. Raises Importing.
        """
        try:
            before = self.get(name)
        except UnknownCatalog:
            before = Catalog(name, columns, BY_NAME)
        known = before._replace(
            columns=before.columns if _later(before, at) else columns,
            match=tuple(dict.fromkeys((*before.match, *match))),
        )
        return Importer(self, known, at, by, clock)

    def lease(
        self,
        known: Catalog,
        by: str,
        now: int,
        *,
        over: bool = False,
        done: tuple[int, Mapping[str, int]] | None = None,
    ) -> None:
        """Take, prolong or (if this run is `over`) return the right to import, so that no import writes between the
        reads and writes of another. `done` is the result of a whole file. Raises Importing.
        """
        changes = "SET #columns = :columns, #match = :match"
        values: dict[str, Any] = {
            ":columns": {"S": json.dumps(known.columns, ensure_ascii=False)},
            ":match": {"S": json.dumps(known.match, ensure_ascii=False)},
            ":by": {"S": by},
            ":now": {"N": str(now)},
        }
        names = {"#columns": "columns", "#match": "match", "#by": "by", "#until": "until"}
        if done:
            changes += ", #at = :at, #counts = :counts"
            names |= {"#at": "at", "#counts": "counts"}
            values |= {":at": {"N": str(done[0])}, ":counts": {"S": json.dumps(done[1])}}
        if over:
            changes += " REMOVE #by, #until"
        else:
            changes += ", #by = :by, #until = :until"
            values[":until"] = {"N": str(now + LEASE_MS)}
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(Place(_CATALOG, known.name)),
                UpdateExpression=changes,
                ConditionExpression="attribute_not_exists(#by) OR #by = :by OR #until < :now",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise Importing(known.name) from error

    def apply(self, known: Catalog, rows: Mapping[int, Values], at: int) -> tuple[Counter[str], list[tuple[int, str]]]:
        """Replace earlier rows by these, which are given by line. An unchanged row costs one read and no write."""
        wanted = dict.fromkeys(each for row in rows.values() for each in places(known.name, known.match, row))
        done = step(known.name, known.match, rows, at, self._read(wanted))
        self._write([{"PutRequest": {"Item": _item(where, stored)}} for where, stored in done.puts.items()])
        for where, identity in done.stale.items():
            self._delete_copy(where, identity)
        return done.counts, list(done.shared)

    def _delete_copy(self, where: Place, identity: str) -> None:
        """Does nothing if another identity has taken the place since."""
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=_key(where),
                ConditionExpression="#identity = :identity",
                ExpressionAttributeNames={"#identity": "identity"},
                ExpressionAttributeValues={":identity": {"S": identity}},
            )

    def _read(self, wanted: Iterable[Place]) -> dict[Place, Stored]:
        found: dict[Place, Stored] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for items in pool.map(self._read_some, list(_chunks(wanted, KEYS_PER_READ))):
                found |= {Place(item["pk"]["S"], item["sk"]["S"]): _stored(item) for item in items}
        return found

    def _read_some(self, wanted: list[Place]) -> list[Mapping[str, Any]]:
        """The read is consistent: it sees the writes of the window before."""
        found: list[Mapping[str, Any]] = []
        keys: list[Any] = [_key(each) for each in wanted]
        for _ in attempts(PATIENCE):
            try:
                answer = self._dynamodb.batch_get_item(
                    RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
                )
            except self._dynamodb.exceptions.ProvisionedThroughputExceededException:
                continue
            found += answer["Responses"].get(self._table, [])
            keys = list(answer["UnprocessedKeys"].get(self._table, {"Keys": []})["Keys"])
            if not keys:
                return found
        raise Throttled

    def _write(self, requests: list[Any]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._write_some, list(_chunks(requests, ITEMS_PER_WRITE))))

    def _write_some(self, requests: list[Any]) -> None:
        throttled = self._dynamodb.exceptions.ProvisionedThroughputExceededException
        if write(self._dynamodb, self._table, requests, tries=PATIENCE, passing=(throttled,)):
            raise Throttled

    def _query(self, pk: str) -> Iterator[Mapping[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
        )
        for page in pages:
            yield from page["Items"]


class Importer:
    """One import, window by window. If it ends early, the rows so far are imported."""

    def __init__(self, catalogs: Catalogs, known: Catalog, at: int, by: str, clock: Callable[[], int]) -> None:
        self._catalogs = catalogs
        self._at = at
        self._by = by
        self._clock = clock
        self._leased = 0
        self.known = known
        self._lease()

    def run(self, records: Iterable[Row | Bad]) -> Iterator[Progress]:
        """Import all records. Raises Importing if it was delayed for so long that another import has begun."""
        for some in _chunks(records, WINDOW):
            self._lease()
            rows = {each.line: each.values for each in some if isinstance(each, Row)}
            bad = tuple(each for each in some if isinstance(each, Bad))
            counts, shared = self._catalogs.apply(self.known, rows, self._at)
            told = {"rows": len(rows), "bad": len(bad), **counts}
            yield Progress(some[-1].last, some[-1].end, told, bad, tuple(shared))

    def pause(self) -> None:
        """End before the file does: another run may go on at once, and so may another import."""
        self._catalogs.lease(self.known, self._by, self._clock(), over=True)

    def finish(self, counts: Mapping[str, int]) -> None:
        """The whole file is imported. If a later file was imported before, that one stays the catalog's last import."""
        done = None if _later(self.known, self._at) else (self._at, counts)
        self._catalogs.lease(self.known, self._by, self._clock(), over=True, done=done)

    def _lease(self) -> None:
        now = self._clock()
        if now > self._leased + LEASE_MS // 4:
            self._catalogs.lease(self.known, self._by, now)
            self._leased = now


def _later(known: Catalog, at: int) -> bool:
    return known.at is not None and known.at > at


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    waiting = iter(items)
    while chunk := list(islice(waiting, size)):
        yield chunk


def _key(where: Place) -> dict[str, Any]:
    return {"pk": {"S": where.pk}, "sk": {"S": where.sk}}


def _item(where: Place, stored: Stored) -> dict[str, Any]:
    row, (at, line) = stored
    return {
        **_key(where),
        "row": {"S": json.dumps(row, ensure_ascii=False, separators=(",", ":"))},
        "identity": {"S": row[IDENTITY]},
        "at": {"N": str(at)},
        "line": {"N": str(line)},
    }


def _stored(item: Mapping[str, Any]) -> Stored:
    return Stored(json.loads(item["row"]["S"]), Stamp(int(item["at"]["N"]), int(item["line"]["N"])))


def _catalog(item: Mapping[str, Any]) -> Catalog:
    at = item.get("at")
    return Catalog(
        item["sk"]["S"],
        tuple(json.loads(item["columns"]["S"])),
        tuple(tuple(columns) for columns in json.loads(item["match"]["S"])),
        int(at["N"]) if at else None,
        json.loads(item["counts"]["S"]) if "counts" in item else {},
    )
