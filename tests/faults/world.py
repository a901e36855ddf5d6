"""Virtual time, and an AWS that fails: tables, queues, a stream and a bus in memory, under the functions' real code.

Every run of a function is a greenlet that gives way at each call to AWS, so the calls of several containers interleave.
The seed draws what fails: one seed is one history.
"""

from __future__ import annotations

import heapq
import itertools
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from email.utils import formatdate
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError
from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from holdfast.aws.queues import FIRST_ARRIVAL

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
START = 1_790_000_000_000
KEYS = {"users": ("user", "part"), "timers": ("slot", "id"), "campaigns": ("pk", "sk")}
THROTTLED = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")


class Killed(BaseException):
    """The function's process is gone: nothing that follows has any effect."""


class ConditionalCheckFailedException(ClientError):
    """As the SDK raises it."""


class TransactionCanceledException(ClientError):
    """As the SDK raises it."""


class Faults(NamedTuple):
    """How often what goes wrong, as a share of the calls or messages."""

    throttled: float = 0.0
    failed: float = 0.0
    unreachable: float = 0.0
    answer_lost: float = 0.0
    done_twice: float = 0.0
    killed_before: float = 0.0
    killed_after: float = 0.0
    partial: float = 0.0
    message_twice: float = 0.0
    comes_again: float = 0.0
    replayed: float = 0.0
    sweep_missed: float = 0.0
    two_sweeps: float = 0.0
    gives_up: float = 0.0
    skew: int = 0

    @classmethod
    def drawn(cls, rng: random.Random) -> Faults:
        rate = rng.choice((0.0, 0.01, 0.05, 0.15))
        of_calls = {name: rate * rng.choice((0, 0.1, 0.4)) for name in cls._fields[:8]}
        of_messages = {name: rng.choice((0.0, 0.0, 0.05, 0.3)) for name in cls._fields[8:13]}
        of_messages["gives_up"] = rng.choice((0.0, 0.3))
        return cls(**of_calls, **of_messages, skew=rng.choice((0, 2000)))


class Run(greenlet):  # type: ignore[misc]
    """One invocation, which is killed when its time is out."""

    def __init__(self, world: World, do: Callable[[], None], seconds: float) -> None:
        super().__init__(do, parent=world.hub)
        self.ends = world.now + int(seconds * SECOND)
        self.gone = False


class World:
    def __init__(self, seed: int, faults: Faults | None = None) -> None:
        self.rng = random.Random(seed)
        self.faults = Faults.drawn(self.rng) if faults is None else faults
        self.hub = getcurrent()
        self.now = START
        self.calm = False
        self.outages: list[tuple[str, int, int]] = []
        self.injected: Counter[str] = Counter()
        self._agenda: list[tuple[int, int, Callable[[], Any]]] = []
        self._order = itertools.count()

    def at(self, when: int, do: Callable[[], Any]) -> None:
        heapq.heappush(self._agenda, (max(when, self.now), next(self._order), do))

    def run(self, until: int) -> None:
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, do = heapq.heappop(self._agenda)
            do()
        self.now = until

    def chance(self, name: str) -> bool:
        happens = not self.calm and self.rng.random() < getattr(self.faults, name)
        self.injected[name] += happens
        return happens

    def pass_(self, milliseconds: int) -> None:
        """Let time pass for the run that is at it, while others go on."""
        run = getcurrent()
        if not isinstance(run, Run):
            return
        self.at(self.now + milliseconds, run.switch)
        self.hub.switch()
        run.gone = run.gone or self.now > run.ends
        if run.gone:
            raise Killed

    def seconds_left(self) -> float:
        run = getcurrent()
        return (run.ends - self.now) / SECOND if isinstance(run, Run) else 900.0

    def call(self, service: str, operation: str, do: Callable[[float], Any], *, parts: bool = False) -> Any:
        """A call to AWS. `do` takes the share of it that is not done."""
        run = getcurrent()
        if not isinstance(run, Run):
            return do(0.0)
        if run.gone:
            raise Killed
        out = any(name == service and begin <= self.now < end for name, begin, end in self.outages)
        if out or self.chance("unreachable"):
            self.pass_(self.rng.choice((2000, 8000)))
            raise ConnectTimeoutError(endpoint_url="any")
        self.pass_(self.rng.randint(1, 25))
        if self.chance("killed_before"):
            run.gone = True
            raise Killed
        if self.chance("throttled"):
            raise ClientError({"Error": {"Code": self.rng.choice(THROTTLED)}}, operation)
        if self.chance("failed"):
            raise ClientError({"Error": {"Code": "InternalServerError"}}, operation)
        if self.chance("done_twice"):
            self._ignoring(do)
            self.pass_(self.rng.randint(50, 4000))
        if self.chance("answer_lost"):
            self._ignoring(do)
            self.pass_(8000)
            raise ReadTimeoutError(endpoint_url="any")
        answer = do(0.5 if parts and self.chance("partial") else 0.0)
        if self.chance("killed_after"):
            run.gone = True
            raise Killed
        return answer

    @staticmethod
    def _ignoring(do: Callable[[float], Any]) -> None:
        with suppress(ClientError, BotoCoreError):
            do(0.0)


class Dynamo:
    """The tables. `written` is shown each item of users as it is written, `published` each transaction."""

    class exceptions:  # noqa: N801 (as the SDK has it)
        ConditionalCheckFailedException = ConditionalCheckFailedException
        TransactionCanceledException = TransactionCanceledException

    def __init__(
        self,
        world: World,
        written: Callable[[Mapping[str, Any]], None],
        published: Callable[[list[dict[str, Any]]], None] = lambda _: None,
    ) -> None:
        self.tables: dict[str, dict[tuple[str, str], dict[str, Any]]] = {name: {} for name in KEYS}
        self._world = world
        self._written = written
        self._published = published

    def _key(self, table: str, item: Mapping[str, Any]) -> tuple[str, str]:
        first, second = KEYS[table]
        return item[first]["S"], item[second]["S"]

    def _put(self, table: str, item: dict[str, Any]) -> None:
        assert sum(len(name) + len(str(*value.values()).encode()) for name, value in item.items()) < 400 * 1024
        self.tables[table][self._key(table, item)] = item
        if table == "users":
            self._written(item)

    def put_item(self, *, TableName: str, Item: dict[str, Any], **condition: Any) -> Any:  # noqa: N803
        def do(_: float) -> Any:
            found = self.tables[TableName].get(self._key(TableName, Item), {})
            wanted = condition.get("ExpressionAttributeValues", {}).get(":version")
            if "ConditionExpression" in condition and found.get("version") != wanted:
                raise ConditionalCheckFailedException({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
            self._put(TableName, Item)

        return self._world.call("dynamodb", "PutItem", do)

    def get_item(self, *, TableName: str, Key: Any, ConsistentRead: bool) -> Any:  # noqa: N803
        assert ConsistentRead

        def do(_: float) -> Any:
            found = self.tables[TableName].get(self._key(TableName, Key))
            return {**self._dated(), **({"Item": found} if found else {})}

        return self._world.call("dynamodb", "GetItem", do)

    def _dated(self) -> dict[str, Any]:
        """AWS's time, in full seconds."""
        return {"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(self._world.now // SECOND, usegmt=True)}}}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> Any:  # noqa: N803
        def do(left_out: float) -> Any:
            writes = [next(iter(each.items())) for each in TransactItems]
            codes = [{"Code": "None" if self._holds(what) else "ConditionalCheckFailed"} for _, what in writes]
            if left_out:
                codes[0] = {"Code": "TransactionConflict"}
            if any(each["Code"] != "None" for each in codes):
                answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": codes}
                raise TransactionCanceledException(answer, "TransactWriteItems")
            for kind, what in writes:
                key = self._key(what["TableName"], what.get("Item") or what["Key"])
                if kind == "Put":
                    self._put(what["TableName"], what["Item"])
                else:
                    self.tables[what["TableName"]].pop(key, None)
            self._published([what for _, what in writes])
            return self._dated()

        return self._world.call("dynamodb", "TransactWriteItems", do, parts=True)

    def _holds(self, what: Mapping[str, Any]) -> bool:
        """The conditions under which something is published, and those under which a user's item is saved."""
        found = self.tables[what["TableName"]].get(self._key(what["TableName"], what.get("Item") or what["Key"]))
        match what.get("ConditionExpression", "").split(" ")[0]:
            case "":
                return True
            case "attribute_not_exists(pk)" | "attribute_not_exists(version)":
                return found is None
        wanted = what["ExpressionAttributeValues"]
        if ":version" in wanted:
            return found is not None and found["version"] == wanted[":version"]
        return found is not None and (found["revision"], found["paused"]) == (wanted[":revision"], wanted[":paused"])

    def query(self, *, TableName: str, ExpressionAttributeValues: Any, **_: Any) -> Any:  # noqa: N803
        """The last item of a partition, which is all that is asked for."""
        items = lambda _: self._partition(TableName, ExpressionAttributeValues)[-1:]  # noqa: E731
        return {"Items": self._world.call("dynamodb", "Query", items)}

    def _partition(self, table: str, values: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        """Without values, the whole table, as a Scan finds it."""
        wanted = [each["S"] for each in (values or {}).values()]
        of = sorted((key, item) for key, item in self.tables[table].items() if not wanted or key[0] in wanted)
        return [item for _, item in of]

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        def do(left_out: float) -> Any:
            responses: dict[str, list[Any]] = defaultdict(list)
            left: dict[str, Any] = {}
            for table, asked in RequestItems.items():
                assert asked["ConsistentRead"] or table not in KEYS
                for key in asked["Keys"]:
                    if self._world.rng.random() < left_out:
                        left.setdefault(table, {**asked, "Keys": []})["Keys"].append(key)
                    elif item := self.tables.get(table, {}).get(self._key(table, key) if table in KEYS else ("", "")):
                        responses[table].append(item)
            return {"Responses": responses, "UnprocessedKeys": left}

        return self._world.call("dynamodb", "BatchGetItem", do, parts=True)

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        def do(left_out: float) -> Any:
            left: dict[str, Any] = {}
            for table, requests in RequestItems.items():
                for each in requests:
                    if self._world.rng.random() < left_out:
                        left.setdefault(table, []).append(each)
                    else:
                        self._put(table, each["PutRequest"]["Item"])
            return {"UnprocessedItems": left}

        return self._world.call("dynamodb", "BatchWriteItem", do, parts=True)

    def batch_execute_statement(self, *, Statements: list[Any]) -> Any:  # noqa: N803
        def do(left_out: float) -> Any:
            codes = ("ThrottlingError", "InternalServerError", "TransactionConflict", "ConditionalCheckFailed")
            return {
                "Responses": [
                    {"Error": {"Code": self._world.rng.choice(codes)}}
                    if self._world.rng.random() < left_out
                    else self._statement(each["Statement"], each["Parameters"])
                    for each in Statements
                ]
            }

        return self._world.call("dynamodb", "BatchExecuteStatement", do, parts=True)

    def _statement(self, text: str, parameters: list[Any]) -> Any:
        if text.startswith("INSERT"):
            item = dict(zip(re.findall(r"'(\w+)': \?", text), parameters, strict=True))
            if self._key("users", item) in self.tables["users"]:
                return {"Error": {"Code": "DuplicateItem"}}
            self._put("users", item)
            return {}
        *values, user, part, version = parameters
        old = self.tables["users"].get((user["S"], part["S"]), {})
        if old.get("version") != version:
            return {"Error": {"Code": "ConditionalCheckFailed"}}
        gone = re.findall(r'REMOVE "(\w+)"', text)
        names = re.findall(r'SET "(\w+)" = \?', text)
        kept = {name: value for name, value in old.items() if name not in gone}
        self._put("users", {**kept, **dict(zip(names, values, strict=True))})
        return {}

    def get_paginator(self, _operation: str) -> Pages:
        return Pages(
            lambda table, values: self._world.call("dynamodb", "Query", lambda _: self._partition(table, values))
        )


class Pages:
    """The one page of a Query."""

    def __init__(self, query: Callable[[str, Any], list[dict[str, Any]]]) -> None:
        self._query = query

    def paginate(self, *, TableName: str, ExpressionAttributeValues: Any = None, **_: Any) -> Iterator[Any]:  # noqa: N803
        yield {"Items": self._query(TableName, ExpressionAttributeValues)}


class Sent:
    """A message in a queue. `arrived` is when it first came into any."""

    def __init__(self, number: int, body: str, sent: int, visible: int, arrived: int | None = None) -> None:
        self.id, self.body, self.sent, self.visible = f"m{number}", body, sent, visible
        self.arrived = sent if arrived is None else arrived
        self.received = 0
        self.acknowledged = False
        self.gone = False


class SQS:
    def __init__(self, world: World, sent: Callable[[str, Sent], None]) -> None:
        self.queues: dict[str, list[Sent]] = defaultdict(list)
        self._world = world
        self._sent = sent
        self._numbers = itertools.count()

    def put(self, queue: str, body: str, delay: int = 0, arrived: int | None = None) -> Sent:
        now = self._world.now
        message = Sent(next(self._numbers), body, now, now + delay * SECOND, arrived)
        self.queues[queue].append(message)
        self._sent(queue, message)
        return message

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803
        def do(left_out: float) -> Any:
            failed = []
            for each in Entries:
                if not all(c in "\t\n\r" or " " <= c <= "\ufffd" or c > "\uffff" for c in each["MessageBody"]):
                    failed.append({"Id": each["Id"], "Code": "InvalidMessageContents", "SenderFault": True})
                elif self._world.rng.random() < left_out:
                    failed.append({"Id": each["Id"], "Code": "InternalError", "SenderFault": False})
                else:
                    assert 0 <= each["DelaySeconds"] <= 900
                    first = each.get("MessageAttributes", {}).get(FIRST_ARRIVAL)
                    arrived = int(first["StringValue"]) if first else None
                    self.put(QueueUrl, each["MessageBody"], each["DelaySeconds"], arrived)
            return {"Failed": failed}

        return self._world.call("sqs", "SendMessageBatch", do, parts=True)

    def receive_message(self, *, QueueUrl: str, VisibilityTimeout: int, **_: Any) -> Any:  # noqa: N803
        def do(_: float) -> Any:
            found = [m for m in self.queues[QueueUrl] if not m.gone and m.visible <= self._world.now][:10]
            for each in found:
                each.visible = self._world.now + VisibilityTimeout * SECOND
            return {"Messages": [self._message(each) for each in found]}

        return self._world.call("sqs", "ReceiveMessage", do)

    @staticmethod
    def _message(message: Sent) -> dict[str, Any]:
        first = {"DataType": "Number", "StringValue": str(message.arrived)}
        again = {FIRST_ARRIVAL: first} if message.arrived != message.sent else {}
        whole = {"MessageId": message.id, "Body": message.body, "ReceiptHandle": message.id}
        return {**whole, "Attributes": {"SentTimestamp": str(message.sent)}, "MessageAttributes": again}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Any:  # noqa: N803
        def do(_: float) -> Any:
            for each in self.queues[QueueUrl]:
                each.gone = each.gone or each.id == ReceiptHandle

        return self._world.call("sqs", "DeleteMessage", do)

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> Any:  # noqa: N803
        seconds = {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in Entries}

        def do(_: float) -> Any:
            for each in self.queues[QueueUrl]:
                if each.id in seconds:
                    each.visible = self._world.now + seconds[each.id] * SECOND

        return self._world.call("sqs", "ChangeMessageVisibilityBatch", do)


class Events:
    """The bus: what was put on it, in order."""

    def __init__(self, world: World) -> None:
        self.put: list[tuple[str, str]] = []
        self._world = world

    def put_events(self, *, Entries: list[Any]) -> Any:  # noqa: N803
        def do(left_out: float) -> Any:
            answers: list[Any] = []
            for each in Entries:
                fails = self._world.rng.random() < left_out
                answers.append({"ErrorCode": "InternalFailure"} if fails else {"EventId": "any"})
                if not fails:
                    self.put.append((each["DetailType"], each["Detail"]))
            return {"Entries": answers}

        return self._world.call("events", "PutEvents", do, parts=True)
