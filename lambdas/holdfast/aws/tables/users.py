"""The users table: one item for each part of a user (`watches`, `profile`), saved under a version condition.

The items of an id that joined another person are pointers: `person` names the person, and their states are empty.

The state of a part is one JSON text: as it is (`S`), or deflated (`B`). Both are read. If the stack is set so, it is
deflated from about 1 KB on. Release 0.1 reads text only, so a rollback to it would fail then.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.retry import CALL_SECONDS, SecondsLeft, attempts, lasting, plenty
from holdfast.core.events import Json
from holdfast.core.fold.readable import read_properties

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, BatchStatementRequestTypeDef

Part: TypeAlias = Literal["watches", "profile"]
Key: TypeAlias = tuple[str, Part]
PARTS: tuple[Part, ...] = ("watches", "profile")
EMPTY: Mapping[Part, str] = {"watches": '{"watches":{}}', "profile": "{}"}
"""The states of a pointer, as every release reads them."""

KEYS_PER_READ = 100
SAVES_PER_CALL = 25
WRITERS = 8

DEFLATED_FROM = 1000
"""Characters. A write is paid by the KB, so a shorter text would not become any cheaper."""

LOST_CODES = {"ConditionalCheckFailed", "DuplicateItem"}
PASSING_CODES = {
    *("ProvisionedThroughputExceeded", "RequestLimitExceeded", "ThrottlingError"),
    *("InternalServerError", "TransactionConflict"),
}
REFUSED_CODES = {"ValidationError", "ItemCollectionSizeLimitExceeded"}
"""Error codes of one statement of BatchExecuteStatement: those of a lost race, those that are worth trying
again, and what can never succeed. (Had it been written after all, it loses against itself then, and the fold finds
nothing new.)"""


class Item(NamedTuple):
    """One stored part of a user: its state as JSON text, its version, the time of the last nomination, and whether the
    last write had an outbox. `person` is the person to whom the id belongs, if that is another id.
    """

    state: str
    version: int
    nominated: int | None = None
    decided: bool = False
    person: str = ""


class Beside:
    """An item of another table, to be read in the same call as the first of the users. `read` says whether it was."""

    def __init__(self, table: str, key: Mapping[str, Any]) -> None:
        self.table = table
        self.key = key
        self.read = False
        self.item: Mapping[str, Any] | None = None


class Held(NamedTuple):
    """A whole item, for people: besides the fields of `Item`, the last write's outbox, and when the item expires."""

    part: str
    item: Item
    outbox: str | None
    expires_at: int | None


class Page(NamedTuple):
    """A step of a scan: how many items were looked at, and the states found in them, by user; and the outboxes of
    their last writes, where these are asked for.
    """

    scanned: int
    states: dict[str, str]
    outboxes: Mapping[str, str] = {}


class Save(NamedTuple):
    """A new state to be put in the place of `over` (None: of nothing). `expires` is epoch milliseconds. With `person`
    it is a pointer.
    """

    key: Key
    state: str
    over: Item | None
    nominated: int | None = None
    outbox: str | None = None
    expires: int | None = None
    person: str = ""


class Saved(Enum):
    """The result of a save: DONE; LOST to another writer; FAILED, which may succeed later; REFUSED, which cannot."""

    DONE = auto()
    LOST = auto()
    FAILED = auto()
    REFUSED = auto()


class Users:
    """The table. `read` and `save` raise none of AWS's errors: they return the keys that failed. The other methods,
    which serve people at a prompt, raise them.
    """

    def __init__(
        self, dynamodb: DynamoDBClient, table: str, *, deflate: bool = False, seconds_left: SecondsLeft = plenty
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._deflate = deflate
        self._seconds_left = seconds_left

    def read(self, keys: Iterable[Key], beside: Beside | None = None) -> tuple[dict[Key, Item], set[Key]]:
        """The items there are, and the keys that could not be read. 1 read unit per 4 KB: reads are consistent.

        What is read `beside` them is not older than any of them.
        """
        items: dict[Key, Item] = {}
        failed: set[Key] = set()
        waiting = [*dict.fromkeys(keys)]
        last = len(waiting) // KEYS_PER_READ * KEYS_PER_READ if beside else len(waiting)
        for at in range(0, last, KEYS_PER_READ):
            failed.update(self._read(waiting[at : min(at + KEYS_PER_READ, last)], items))
        if beside:
            failed.update(self._read(waiting[last:], items, beside))
        return items, failed

    def _read(self, keys: Sequence[Key], items: dict[Key, Item], beside: Beside | None = None) -> Sequence[Key]:
        wanted: dict[str, Any] = {}
        if keys:
            wanted[self._table] = {"Keys": [_stored(key) for key in keys], "ConsistentRead": True}
        if beside:
            wanted[beside.table] = {"Keys": [beside.key], "ConsistentRead": True}
        unreadable: list[Key] = []
        for _ in attempts(seconds_left=self._seconds_left):
            try:
                answer = self._dynamodb.batch_get_item(RequestItems=wanted)
            except (ClientError, BotoCoreError) as error:
                left = self._keys(wanted)
                if lasting(error) and len(left) + (beside is not None) > 1:  # one key is at fault, the others are not
                    unreadable += [each for key in left for each in self._read((key,), items)]
                    if beside:
                        self._read((), items, beside)
                    return unreadable
                continue
            unreadable += self._take(answer["Responses"].get(self._table, []), items)
            left_out = answer["UnprocessedKeys"]
            if beside and beside.table not in left_out:
                beside.read = True
                beside.item = next(iter(answer["Responses"].get(beside.table, ())), None)
            with_it = {beside.table: wanted[beside.table]} if beside and left_out else {}
            wanted = {**with_it, **left_out}
            if not wanted:
                break
        return [*unreadable, *self._keys(wanted)]

    @staticmethod
    def _take(answered: Iterable[Mapping[str, Any]], items: dict[Key, Item]) -> Iterator[Key]:
        """Put the items among the others. The keys of those that are not readable."""
        for found in answered:
            try:
                items[_key(found)] = _item(found)
            except (LookupError, ValueError, TypeError, zlib.error):  # by hand, or by a release to come
                yield _key(found)

    def _keys(self, wanted: Mapping[str, Any]) -> list[Key]:
        """Those of the users among what is wanted still."""
        return [_key(each) for each in wanted.get(self._table, {"Keys": ()})["Keys"]]

    def save(self, saves: Sequence[Save]) -> dict[Key, Saved]:
        """Each save on its own: one that loses its race does not affect the others.

        A save that carries an outbox is a request of its own, all others go in calls of 25, at a tenth of the CPU. (On
        AWS either kind would reach the stream; the embedded AWS brings only the former to it.)
        """
        plain = [save for save in saves if save.outbox is None]
        calls: list[Callable[[], dict[Key, Saved]]] = [
            *(partial(self._put, save) for save in saves if save.outbox is not None),
            *(partial(self._execute, plain[at : at + SAVES_PER_CALL]) for at in range(0, len(plain), SAVES_PER_CALL)),
        ]
        if len(calls) <= 1:
            return {key: what for call in calls for key, what in call().items()}
        with ThreadPoolExecutor(min(WRITERS, len(calls))) as pool:
            return {key: what for saved in pool.map(lambda call: call(), calls) for key, what in saved.items()}

    def save_together(self, saves: Sequence[Save]) -> Saved:
        """All or nothing: a person's new state, and the pointers of the ids whose states are merged into it."""
        if self._seconds_left() < CALL_SECONDS:
            return Saved.FAILED
        try:
            self._dynamodb.transact_write_items(TransactItems=[{"Put": self._whole(save)} for save in saves])
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
            if codes & (LOST_CODES | {"TransactionConflict"}):
                return Saved.LOST
            return Saved.REFUSED if codes & REFUSED_CODES else Saved.FAILED
        except (ClientError, BotoCoreError) as error:
            return Saved.REFUSED if lasting(error) else Saved.FAILED
        return Saved.DONE

    def _whole(self, save: Save) -> Any:
        """The item, to be put where nothing was written since it was read."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
        if save.over:
            condition = {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": _number(save.over.version)},
            }
        return {"TableName": self._table, "Item": {**_stored(save.key), **self._values(save)}, **condition}

    def _put(self, save: Save) -> dict[Key, Saved]:
        if self._seconds_left() < CALL_SECONDS:
            return {save.key: Saved.FAILED}
        try:
            self._dynamodb.put_item(**self._whole(save))
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return {save.key: Saved.LOST}
        except (ClientError, BotoCoreError) as error:
            return {save.key: Saved.REFUSED if lasting(error) else Saved.FAILED}
        return {save.key: Saved.DONE}

    def _execute(self, saves: Sequence[Save]) -> dict[Key, Saved]:
        saved = dict.fromkeys((save.key for save in saves), Saved.FAILED)
        for _ in attempts(seconds_left=self._seconds_left):
            try:
                answer = self._dynamodb.batch_execute_statement(Statements=[self._statement(save) for save in saves])
            except (ClientError, BotoCoreError) as error:
                if lasting(error):
                    return saved | self._alone(saves)
                continue
            again = []
            for save, outcome in zip(saves, answer["Responses"], strict=True):
                code = outcome["Error"]["Code"] if "Error" in outcome else None
                if code in PASSING_CODES:
                    again.append(save)
                elif code is None or code in LOST_CODES:
                    saved[save.key] = Saved.LOST if code else Saved.DONE
                elif code in REFUSED_CODES:
                    saved[save.key] = Saved.REFUSED
            saves = again
            if not saves:
                break
        return saved

    def _alone(self, saves: Sequence[Save]) -> dict[Key, Saved]:
        """One by one: a call may be refused as a whole because of one statement."""
        if len(saves) == 1:
            return {saves[0].key: Saved.REFUSED}
        return {key: what for save in saves for key, what in self._execute([save]).items()}

    def _statement(self, save: Save) -> BatchStatementRequestTypeDef:
        """INSERT fails where there is an item; UPDATE where there is none, or one of another version. What an UPDATE
        does not name stays, so what has to go is named: a stale outbox would be delivered again.
        """
        key, values = _stored(save.key), self._values(save)
        if save.over is None:
            item = key | values
            pairs = ", ".join(f"'{name}': ?" for name in item)
            return {"Statement": f'INSERT INTO "{self._table}" VALUE {{{pairs}}}', "Parameters": [*item.values()]}
        sets = " ".join(f'SET "{name}" = ?' for name in values)
        stale = {"nominated": save.over.nominated is not None, "outbox": save.over.decided}
        removes = " ".join(f'REMOVE "{name}"' for name, there in stale.items() if there and name not in values)
        where = 'WHERE "user" = ? AND "part" = ? AND "version" = ?'
        return {
            "Statement": f'UPDATE "{self._table}" {sets} {removes} {where}',
            "Parameters": [*values.values(), *key.values(), _number(save.over.version)],
        }

    def _values(self, save: Save) -> dict[str, AttributeValueTypeDef]:
        """The attributes beside the key."""
        values: dict[str, AttributeValueTypeDef] = {
            "state": _state(save.state, deflate=self._deflate),
            "version": _number(save.over.version + 1 if save.over else 1),
        }
        if save.nominated is not None:
            values["nominated"] = _number(save.nominated)
        if save.person:
            values["person"] = {"S": save.person}
        if save.outbox is not None:
            values["outbox"] = {"S": save.outbox}
        if save.expires is not None:
            values["expires_at"] = _number(-(-save.expires // 1000))
        return values

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
        """A fold that is in progress loses its race, and starts again without a state."""
        self._dynamodb.delete_item(TableName=self._table, Key={"user": {"S": user}, "part": {"S": part}})

    def size(self) -> int:
        """About how many items there are: AWS counts them every six hours."""
        return self._dynamodb.describe_table(TableName=self._table)["Table"].get("ItemCount", 0)

    def sample_profiles(self, items: int) -> list[dict[str, Json]]:
        """The properties of some profiles: of those that can be read among the first items of the table."""
        found = self._dynamodb.scan(
            TableName=self._table,
            Limit=items,
            ProjectionExpression="#state",
            FilterExpression="#part = :profile",
            ExpressionAttributeNames={"#part": "part", "#state": "state"},
            ExpressionAttributeValues={":profile": {"S": "profile"}},
        )
        texts = filter(None, map(_readable, found["Items"]))
        return [properties for text in texts if (properties := read_properties(text)) is not None]

    def everyone(self) -> Iterator[tuple[str, str | None]]:
        """The state of every user with watches; None where it cannot be read. This reads the whole table."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            ProjectionExpression="#user, #state",
            FilterExpression="#part = :watches",
            ExpressionAttributeNames={"#user": "user", "#part": "part", "#state": "state"},
            ExpressionAttributeValues={":watches": {"S": "watches"}},
        )
        for page in pages:
            for found in page["Items"]:
                yield found["user"]["S"], _readable(found)

    def scan(self, campaign: str = "", *, outboxes: bool = False) -> Iterator[Page]:
        """All users with watches, of one campaign or of any. This reads the whole table, its profiles too."""
        named = "attribute_type(#state, :deflated) OR contains(#state, :campaign) OR contains(#state, :later)"
        first, later = f'"{campaign}":', f'"{campaign}@'
        only = {":campaign": {"S": first}, ":later": {"S": later}, ":deflated": {"S": "B"}} if campaign else {}
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ProjectionExpression="#user, #state" + (", outbox" if outboxes else ""),
            FilterExpression="#part = :watches" + (f" AND ({named})" if campaign else ""),
            ExpressionAttributeNames={"#user": "user", "#part": "part", "#state": "state"},
            ExpressionAttributeValues={":watches": {"S": "watches"}, **only},
        )
        for page in pages:
            states = ((found["user"]["S"], _readable(found)) for found in page["Items"])
            texts = {user: text for user, text in states if text is not None}
            yield Page(
                page["ScannedCount"],
                {user: text for user, text in texts.items() if first in text or later in text or not campaign},
                {found["user"]["S"]: found["outbox"]["S"] for found in page["Items"] if "S" in found.get("outbox", {})},
            )


def _stored(key: Key) -> dict[str, AttributeValueTypeDef]:
    user, part = key
    return {"user": {"S": user}, "part": {"S": part}}


def _state(text: str, *, deflate: bool) -> AttributeValueTypeDef:
    return {"B": zlib.compress(text.encode())} if deflate and len(text) > DEFLATED_FROM else {"S": text}


def state_of(item: Mapping[str, Any]) -> str:
    """The state of an item of the table, as JSON text."""
    state: Mapping[str, Any] = item["state"]
    return zlib.decompress(state["B"]).decode() if "B" in state else str(state["S"])


def _readable(item: Mapping[str, Any]) -> str | None:
    """The state of an item of the table; None where it cannot be read."""
    try:
        return state_of(item)
    except (LookupError, ValueError, TypeError, zlib.error):
        return None


def _number(value: int) -> AttributeValueTypeDef:
    return {"N": str(value)}


def _key(found: Mapping[str, Any]) -> Key:
    return found["user"]["S"], found["part"]["S"]


def _item(found: Mapping[str, Any]) -> Item:
    nominated = found.get("nominated")
    version = int(found["version"]["N"])
    person = found.get("person", {}).get("S", "")
    return Item(state_of(found), version, int(nominated["N"]) if nominated else None, "outbox" in found, person)


def _held(found: Mapping[str, Any]) -> Held:
    outbox, expires = found.get("outbox"), found.get("expires_at")
    return Held(found["part"]["S"], _item(found), outbox and outbox["S"], expires and int(expires["N"]))
