"""Builds in the catalog table: written row by row, and live by one last write. See `core.recommendations`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.aws.tables.batches import ITEMS_PER_WRITE, write
from holdfast.core.recommend.ranking import POPULAR, Neighbour, decode, encode, pointer_key, row_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

KEPT_SECONDS = 14 * 24 * 60 * 60
"""Rows outlive their build by so long. If no newer build succeeded by then, the alarm has been on for two weeks."""
TRIES = 8
"""A build would rather wait for a few seconds than fail."""
WRITERS = 8
LIVE = "live"
ENDED = "ended"
RUNNING = "running"
_ROW = "-"


class NotWritten(RuntimeError):
    """Rows of a build could not be written: it does not become live."""


class Build(NamedTuple):
    """A live build and its description. Times are epoch milliseconds."""

    build: str
    revision: int
    engine: str
    started_at: int
    finished_at: int
    items: int
    pairs: int


class Builds:
    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def write(self, name: str, build: str, rows: Iterable[tuple[str, list[Neighbour]]], now: int) -> Iterator[int]:
        """Write the rows; yields how many there are so far. Nobody reads them yet. Raises NotWritten."""
        expires = now // 1000 + KEPT_SECONDS
        requests: Iterator[WriteRequestTypeDef] = (
            {
                "PutRequest": {
                    "Item": {
                        **_key(row_key(name, build, item), _ROW),
                        "items": {"S": encode(neighbours)},
                        "expires_at": {"N": str(expires)},
                    }
                }
            }
            for item, neighbours in rows
        )
        written = 0
        with ThreadPoolExecutor(WRITERS) as pool:
            pending: set[Future[int]] = set()
            while chunk := list(islice(requests, ITEMS_PER_WRITE)):
                if len(pending) >= 2 * WRITERS:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    written += sum(each.result() for each in done)
                    yield written
                pending.add(pool.submit(self._write, chunk))
            written += sum(each.result() for each in pending)
        yield written

    def _write(self, puts: list[WriteRequestTypeDef]) -> int:
        if unwritten := write(self._dynamodb, self._table, puts, tries=TRIES):
            raise NotWritten(f"{len(unwritten)} rows could not be written to the catalog table")
        return len(puts)

    def publish(self, name: str, build: Build) -> bool:
        """Make a build live. All rows must be written. False if a build that began later is live already."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={**_key(pointer_key(name), LIVE), **_item(build._asdict())},
                ConditionExpression="attribute_not_exists(build) OR build <= :build",
                ExpressionAttributeValues={":build": {"S": build.build}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def tell(self, name: str, what: str, **told: str | int) -> None:
        """Record the progress of a build (`RUNNING`), or its result (`ENDED`)."""
        self._dynamodb.put_item(TableName=self._table, Item={**_key(pointer_key(name), what), **_item(told)})

    def told(self, name: str, what: str) -> dict[str, Any] | None:
        return self._get(pointer_key(name), what)

    def live(self, name: str) -> Build | None:
        item = self._get(pointer_key(name), LIVE)
        return Build(**{field: item[field] for field in Build._fields}) if item else None

    def row(self, name: str, build: str, item: str = POPULAR) -> tuple[Neighbour, ...]:
        """The items that go with an item, best first; for `POPULAR`, the popular ones."""
        found = self._get(row_key(name, build, item), _ROW)
        return decode(found["items"]) if found else ()

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        item = self._dynamodb.get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True).get("Item")
        return {name: _value(value) for name, value in item.items()} if item else None


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _item(values: Mapping[str, str | int]) -> dict[str, Any]:
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}


def _value(value: Mapping[str, Any]) -> Any:
    return json.loads(value["N"]) if "N" in value else value.get("S")
