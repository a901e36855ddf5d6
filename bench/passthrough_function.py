"""The least that does the same work: reads, conditional writes, ticks and messages, without Holdfast's promises.

A user's item holds the products that were added and not bought. It ignores late and repeated events, doubts and other
campaigns. No stream is between a decision and its message, and a message is its product.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, starmap
from typing import Any

import boto3

dynamodb, events, sqs = boto3.client("dynamodb"), boto3.client("events"), boto3.client("sqs")
TABLE, BUS, QUEUE, ADDED, CHARGED = (os.environ[name] for name in ("TABLE", "BUS", "QUEUE", "ADDED", "CHARGED"))
WINDOW = int(os.environ["WINDOW"])
READ, WRITTEN, PUT = 100, 25, 10
"""The time that one call takes."""
writers = ThreadPoolExecutor(8)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    bodies = [json.loads(record["body"]) for record in event["Records"]]
    ticks = {user for body in bodies if isinstance(body, dict) for user in body["due"]}
    records = [each for body in bodies if isinstance(body, list) for each in body]
    by_user: dict[str, list[Any]] = defaultdict(list)
    for each in records:
        if each["event"] in {ADDED, CHARGED}:
            by_user[each["user"]].append(each)
    added = sorted({user for user, of in by_user.items() if any(each["event"] == ADDED for each in of)})
    _fold(by_user)
    if added:
        sqs.send_message(QueueUrl=QUEUE, MessageBody=json.dumps({"due": added}), DelaySeconds=WINDOW)
    put = _decide(ticks)
    print(json.dumps({"records": len(records), "put": put}))  # noqa: T201  (its books)
    return {"batchItemFailures": []}


def _fold(by_user: dict[str, list[Any]]) -> None:
    left = set(by_user)
    while left:
        found = _read(left)
        for user, (_, open_) in found.items():
            for each in by_user[user]:
                if each["event"] == ADDED:
                    open_[each["product"]] = each.get("price")
                else:
                    for product in each["product"]:
                        open_.pop(product, None)
        left = _write(found)


def _decide(users: set[str]) -> int:
    """One conditional write for each user with something open, as for a decision. Returns the number of messages."""
    entries: list[Any] = []
    while users:
        due = {user: each for user, each in _read(users).items() if each[1]}
        done = writers.map(lambda each: _save(each[0], each[1][0]), due.items())
        users = {user for user, saved in zip(due, done, strict=True) if not saved}
        for user, (_, open_) in due.items():
            for product, price in open_.items() if user not in users else ():
                detail = json.dumps({"user": user, "product": product, "price": price})
                entries.append({"EventBusName": BUS, "Source": "bench", "DetailType": "Add", "Detail": detail})
    for some in _some(entries, PUT):
        events.put_events(Entries=some)
    return len(entries)


def _read(users: Iterable[str]) -> dict[str, tuple[int, dict[str, Any]]]:
    found: dict[str, tuple[int, dict[str, Any]]] = {user: (0, {}) for user in users}
    for some in _some(sorted(found), READ):
        asked: Any = {"Keys": [{"user": {"S": user}} for user in some], "ConsistentRead": True}
        for item in dynamodb.batch_get_item(RequestItems={TABLE: asked})["Responses"][TABLE]:
            found[item["user"]["S"]] = int(item["version"]["N"]), json.loads(item["open"]["S"])
    return found


def _write(found: dict[str, tuple[int, dict[str, Any]]]) -> set[str]:
    """Write by statements, as join does. Returns the users that another writer changed first."""
    groups = list(_some(found.items(), WRITTEN))
    answers = writers.map(
        lambda some: dynamodb.batch_execute_statement(Statements=[*starmap(_statement, some)]), groups
    )
    return {
        user
        for some, answer in zip(groups, answers, strict=True)
        for (user, _), outcome in zip(some, answer["Responses"], strict=True)
        if "Error" in outcome
    }


def _statement(user: str, of: tuple[int, dict[str, Any]]) -> Any:
    version, open_ = of
    values = [{"S": json.dumps(open_)}, {"N": str(version + 1)}, {"S": user}]
    if not version:
        return {
            "Statement": f"""INSERT INTO "{TABLE}" VALUE {{'open': ?, 'version': ?, 'user': ?}}""",
            "Parameters": values,
        }
    same = 'WHERE "user" = ? AND "version" = ?'
    change = f'UPDATE "{TABLE}" SET "open" = ? SET "version" = ? {same}'  # noqa: S608  (a name of the bench's own)
    return {"Statement": change, "Parameters": [*values, {"N": str(version)}]}


def _save(user: str, version: int) -> bool:
    """Save that nothing is open any more, unless another writer was faster."""
    item: Any = {"user": {"S": user}, "version": {"N": str(version + 1)}, "open": {"S": "{}"}}
    unchanged: Any = {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": {"N": str(version)}},
    }
    try:
        dynamodb.put_item(TableName=TABLE, Item=item, **unchanged)
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _some(items: Iterable[Any], number: int) -> Iterator[list[Any]]:
    left = iter(items)
    while some := list(islice(left, number)):
        yield some
