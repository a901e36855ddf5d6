"""The data of messages: profiles, catalog rows and recommendations, in as few reads as possible.

One BatchGetItem, of both tables, brings the profiles, the rows that events name, and what goes with the users' latest
items; a second one the rows of what is recommended. Profiles are read consistently, as what was just folded counts;
the catalog is not, at half the price.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.personalize import Personalize
from holdfast.aws.retry import SecondsLeft, attempts, lasting, plenty
from holdfast.aws.tables.revisions import EPOCH_KEY, epoch_of
from holdfast.aws.tables.users import state_of
from holdfast.aws.telemetry import Logger, place_of
from holdfast.core.catalog.rows import Place, Values
from holdfast.core.events import Json
from holdfast.core.fold import profiles
from holdfast.core.messages.detail import NOTHING_FOUND, Found
from holdfast.core.messages.rendering import Rows, ToRender, no_rows
from holdfast.core.messages.rows import Asking, Neighbours
from holdfast.core.recommend.ranking import (
    Neighbour,
    Recommender,
    decode,
    pointer_key,
    row_key,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = Logger(child=True)

KEYS_PER_READ = 100
RESERVE_SECONDS = 24
"""The time that an invocation must have left after a read: enough to put messages on the bus, or aside."""

Key: TypeAlias = tuple[str, str, str]
"""A table, and the two parts of a key in it."""


class Unread(RuntimeError):
    """The data of a message could not be read, and may be later."""


class Gathered:
    """The data that was read for some messages."""

    def __init__(
        self,
        found: Mapping[int, Found],
        properties: Mapping[str, dict[str, Json]],
        unread: set[Any],
        epoch: str | None = None,
    ) -> None:
        self.epoch = epoch
        """The epoch of the campaigns table; None if it could not be read."""
        self._found = found
        self._properties = properties
        self._unread = unread

    def profile(self, user: str) -> Mapping[str, Json]:
        """Raises Unread."""
        if user in self._unread:
            raise Unread("the profile could not be read")
        return self._properties.get(user, {})

    def found(self, number: int) -> Found:
        """The rows and items that were found for the message of this number. Raises Unread."""
        if number in self._unread:
            raise Unread("the catalog could not be read")
        return self._found.get(number, NOTHING_FOUND)


class Lookup:
    """`personalize` is None where the stack may not ask it. Pointers to live builds are kept for `ttl` seconds.

    With a `campaigns_table` its epoch is read in the first of the calls.
    """

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        users_table: str,
        catalog_table: str,
        *,
        campaigns_table: str = "",
        ttl: float = 60,
        personalize: Personalize | None = None,
        clock: Callable[[], float] = time.monotonic,
        seconds_left: SecondsLeft = plenty,
    ) -> None:
        self._seconds_left = seconds_left
        self._dynamodb = dynamodb
        self._users = users_table
        self._catalog = catalog_table
        self._epoch: Key | None = (campaigns_table, *EPOCH_KEY) if campaigns_table else None
        self._ttl = ttl
        self._personalize = personalize
        self._clock = clock
        self._builds: dict[str, tuple[float, str]] = {}

    def gather(
        self, messages: Mapping[int, ToRender], recommenders: Mapping[str, Recommender], *, profiles_too: bool = True
    ) -> Gathered:
        """Everything for these messages, by their number. Raises nothing that may succeed later."""
        asking = Asking(messages, recommenders)
        users = dict.fromkeys(message.user for message in messages.values()) if profiles_too else ()
        builds, unread = self._live(asking.names())
        keys = [
            *([self._epoch] if self._epoch else []),
            *((self._users, user, "profile") for user in users),
            *((self._catalog, *each) for each in asking.rows()),
            *((self._catalog, row_key(name, build, item), "-") for name, build, item in asking.neighbours(builds)),
        ]
        items, failed = self._read(keys)
        unread |= failed
        asking.rank(self._neighbours(builds, items), self._personalize.recommend if self._personalize else None)
        rows = {Place(pk, sk): _row(item) for (table, pk, sk), item in items.items() if table == self._catalog}
        properties: dict[str, dict[str, Json]] = {}
        for key, item in items.items():
            table, user, _ = key
            if table == self._users:
                try:
                    properties[user] = profiles.properties(profiles.decode(state_of(item)))
                except Exception as error:  # noqa: BLE001 (one profile that cannot be read concerns one user)
                    logger.error("a profile that cannot be read", extra={"error": place_of(error)})  # noqa: TRY400
                    unread.add(key)
        while more := [each for each in asking.missing_rows(rows) if (self._catalog, *each) not in unread]:
            items_more, failed = self._read((self._catalog, *each) for each in more)
            unread |= failed
            rows |= dict.fromkeys(more, None)
            rows |= {Place(pk, sk): _row(item) for (_, pk, sk), item in items_more.items()}
        lacking: set[Any] = {user for table, user, _ in unread if table == self._users}
        lacking |= asking.lacking({Place(pk, sk) for table, pk, sk in unread if table == self._catalog}, builds)
        epoch = epoch_of(items.get(self._epoch)) if self._epoch and self._epoch not in unread else None
        return Gathered(asking.found(rows), properties, lacking, epoch)

    def rows(self, recommenders: Mapping[str, Recommender]) -> Rows:
        """The rows for previews and the like. The returned function raises Unread."""

        def read(messages: Mapping[int, ToRender], /) -> Callable[[int], Found]:
            if any(each.plan.catalogs or each.plan.recommendations for each in messages.values()):
                return self.gather(messages, recommenders, profiles_too=False).found
            return no_rows(messages)

        return read

    def _live(self, names: Iterable[str]) -> tuple[dict[str, str], set[Key]]:
        """The live build of each recommendation that has one; what could not be read is as it was, if it was known."""
        now = self._clock()
        old = [name for name in names if name not in self._builds or now >= self._builds[name][0] + self._ttl]
        items, failed = self._read((self._catalog, pointer_key(name), "live") for name in old)
        for name in old:
            key = (self._catalog, pointer_key(name), "live")
            if key in items:
                self._builds[name] = now, items[key]["build"]["S"]
            elif key not in failed:
                self._builds.pop(name, None)  # the first build may come at any moment
        failed = {key for key in failed if key[1].removeprefix("rec#") not in self._builds}
        return {name: build for name in names if (build := self._builds.get(name, (0, ""))[1])}, failed

    def _neighbours(self, builds: Mapping[str, str], items: Mapping[Key, Mapping[str, Any]]) -> Neighbours:
        def read(name: str, item: str) -> tuple[Neighbour, ...]:
            found = items.get((self._catalog, row_key(name, builds.get(name, ""), item), "-"))
            return decode(found["items"]["S"]) if found else ()

        return read

    def _read(self, keys: Iterable[Key]) -> tuple[dict[Key, Mapping[str, Any]], set[Key]]:
        """The items there are, and the keys that could not be read."""
        found: dict[Key, Mapping[str, Any]] = {}
        failed: set[Key] = set()
        waiting = iter(dict.fromkeys(keys))
        while some := list(islice(waiting, KEYS_PER_READ)):
            failed |= self._read_some(some, found)
        return found, failed

    def _read_some(self, some: list[Key], found: dict[Key, Mapping[str, Any]]) -> set[Key]:
        left = set(some)
        wanted: Any = {
            table: {"Keys": keys, "ConsistentRead": table != self._catalog}
            for table in dict.fromkeys(each[0] for each in some)
            if (keys := [self._key(each) for each in some if each[0] == table])
        }
        for _ in attempts(seconds_left=self._seconds_left, reserve=RESERVE_SECONDS):
            try:
                answer = self._dynamodb.batch_get_item(RequestItems=wanted)
            except (ClientError, BotoCoreError) as error:
                if lasting(error):  # one key is at fault, and the others are not
                    return {key for each in left for key in self._read_some([each], found)} if len(left) > 1 else left
                continue
            for table, items in answer["Responses"].items():
                found |= {self._where(table, item): item for item in items}
            wanted = answer["UnprocessedKeys"]
            left = {self._where(table, key) for table, keys in wanted.items() for key in keys["Keys"]}
            if not wanted:
                break
        return left

    def _key(self, key: Key) -> dict[str, Any]:
        table, first, second = key
        names = ("user", "part") if table == self._users else ("pk", "sk")
        return {names[0]: {"S": first}, names[1]: {"S": second}}

    def _where(self, table: str, item: Mapping[str, Any]) -> Key:
        names = ("user", "part") if table == self._users else ("pk", "sk")
        return table, item[names[0]]["S"], item[names[1]]["S"]


def _row(item: Mapping[str, Any]) -> Values | None:
    """The values of a catalog's row; None for anything else that the table holds."""
    row: Values | None = json.loads(item["row"]["S"]) if "row" in item else None
    return row
