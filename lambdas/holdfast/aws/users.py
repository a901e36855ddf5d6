"""The users table: one item for each part of a user (`watches`, `profile`), saved under a version condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.retry import attempts
from holdfast.core import profiles
from holdfast.core.events import Json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Part: TypeAlias = Literal["watches", "profile"]
Key: TypeAlias = tuple[str, Part]

KEYS_PER_READ = 100
WRITERS = 8


class Item(NamedTuple):
    """What is stored of one part: its state as JSON text, its version, and when the user was last nominated for."""

    state: str
    version: int
    nominated: int | None = None


class Held(NamedTuple):
    """An item whole, as people may look at it: besides what `Item` has, the last write's outbox, and when it ends."""

    part: str
    item: Item
    outbox: str | None
    expires_at: int | None


class Page(NamedTuple):
    """Of a scan: how many items were looked at for it, and the states found in them, by user."""

    scanned: int
    states: dict[str, str]


class Save(NamedTuple):
    """A new state to be put in the place of `version` (0: there was none). `expires` is epoch milliseconds."""

    key: Key
    state: str
    version: int
    nominated: int | None = None
    outbox: str | None = None
    expires: int | None = None


class Saved(Enum):
    """What became of a save: DONE; LOST to another writer; or FAILED, which may succeed later."""

    DONE = auto()
    LOST = auto()
    FAILED = auto()


class Users:
    """The table. `read` and `save` raise nothing for what may succeed later: they say for which keys it did not.
    The other methods, which people at a prompt wait for, raise what AWS raises.
    """

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def read(self, keys: Iterable[Key]) -> tuple[dict[Key, Item], set[Key]]:
        """The items there are, and the keys that could not be read. 1 read unit per 4 KB: reads are consistent."""
        items: dict[Key, Item] = {}
        failed: set[Key] = set()
        waiting = iter(dict.fromkeys(keys))
        while chunk := list(islice(waiting, KEYS_PER_READ)):
            failed.update(self._read(chunk, items))
        return items, failed

    def _read(self, keys: list[Key], items: dict[Key, Item]) -> Sequence[Key]:
        wanted: list[dict[str, Any]] = [{"user": {"S": user}, "part": {"S": part}} for user, part in keys]
        for _ in attempts():
            try:
                answer = self._dynamodb.batch_get_item(
                    RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}}
                )
            except (ClientError, BotoCoreError):
                continue
            for found in answer["Responses"].get(self._table, []):
                items[_key(found)] = _item(found)
            wanted = list(answer["UnprocessedKeys"].get(self._table, {"Keys": []})["Keys"])
            if not wanted:
                return ()
        return [_key(each) for each in wanted]

    def save(self, saves: Sequence[Save]) -> dict[Key, Saved]:
        """Each on its own: one that loses its race leaves the others alone."""
        if len(saves) <= 1:
            return {save.key: self._save(save) for save in saves}
        with ThreadPoolExecutor(min(WRITERS, len(saves))) as pool:
            return dict(zip((save.key for save in saves), pool.map(self._save, saves), strict=True))

    def _save(self, save: Save) -> Saved:
        user, part = save.key
        item: dict[str, Any] = {
            "user": {"S": user},
            "part": {"S": part},
            "state": {"S": save.state},
            "version": {"N": str(save.version + 1)},
        }
        if save.nominated is not None:
            item["nominated"] = {"N": str(save.nominated)}
        if save.outbox is not None:
            item["outbox"] = {"S": save.outbox}
        if save.expires is not None:
            item["expires_at"] = {"N": str(-(-save.expires // 1000))}
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
        if save.version:
            condition = {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": {"N": str(save.version)}},
            }
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, **condition)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return Saved.LOST
        except (ClientError, BotoCoreError):
            return Saved.FAILED
        return Saved.DONE

    def held(self, user: str) -> list[Held]:
        """All that the table has of a user."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#user = :user",
            ExpressionAttributeNames={"#user": "user"},
            ExpressionAttributeValues={":user": {"S": user}},
            ConsistentRead=True,
        )
        return [_held(found) for page in pages for found in page["Items"]]

    def delete(self, user: str, part: str) -> None:
        """A fold that is under way loses its race by this, and begins anew from nothing."""
        self._dynamodb.delete_item(TableName=self._table, Key={"user": {"S": user}, "part": {"S": part}})

    def size(self) -> int:
        """About how many items there are: AWS counts them every six hours."""
        return self._dynamodb.describe_table(TableName=self._table)["Table"].get("ItemCount", 0)

    def sample_profiles(self, items: int) -> list[dict[str, Json]]:
        """The properties of some profiles: of those among the first items of the table."""
        found = self._dynamodb.scan(
            TableName=self._table,
            Limit=items,
            ProjectionExpression="#state",
            FilterExpression="#part = :profile",
            ExpressionAttributeNames={"#part": "part", "#state": "state"},
            ExpressionAttributeValues={":profile": {"S": "profile"}},
        )
        return [profiles.properties(profiles.decode(item["state"]["S"])) for item in found["Items"]]

    def scan(self, campaign: str = "") -> Iterator[Page]:
        """All users with watches, of one campaign or of any. This reads the whole table, its profiles too."""
        only = {":campaign": {"S": f'"{campaign}":'}} if campaign else {}
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ProjectionExpression="#user, #state",
            FilterExpression="#part = :watches" + (" AND contains(#state, :campaign)" if campaign else ""),
            ExpressionAttributeNames={"#user": "user", "#part": "part", "#state": "state"},
            ExpressionAttributeValues={":watches": {"S": "watches"}, **only},
        )
        for page in pages:
            yield Page(page["ScannedCount"], {found["user"]["S"]: found["state"]["S"] for found in page["Items"]})


def _key(found: Mapping[str, Any]) -> Key:
    return found["user"]["S"], found["part"]["S"]


def _item(found: Mapping[str, Any]) -> Item:
    nominated = found.get("nominated")
    return Item(found["state"]["S"], int(found["version"]["N"]), int(nominated["N"]) if nominated else None)


def _held(found: Mapping[str, Any]) -> Held:
    outbox, expires = found.get("outbox"), found.get("expires_at")
    return Held(found["part"]["S"], _item(found), outbox and outbox["S"], expires and int(expires["N"]))
