"""A batch that the stream gave up on lies whole in a bucket, and a message on the undelivered queue names it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from holdfast.services.redriving import deliver_again
from holdfast.services.set_aside import Aside, NotTaken

BUCKET, KEY = "given-up", "aws/lambda/5b1c/shardId-0001/2026-11-25T10.00.00-6f0a"


def a_record(user: str, **image: Any) -> dict[str, Any]:
    return {"eventID": user, "dynamodb": {"NewImage": {"user": {"S": user}, "outbox": {"S": "[]"}, **image}}}


class Bucket:
    """As much of S3 as a redrive needs."""

    class exceptions:  # noqa: N801  (boto3's name)
        class NoSuchKey(Exception):
            pass

    def __init__(self, content: Any = None) -> None:
        self.objects = {} if content is None else {KEY: json.dumps(content)}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == BUCKET
        if Key not in self.objects:
            raise self.exceptions.NoSuchKey
        return {"Body": io.BytesIO(self.objects[Key].encode())}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        assert Bucket == BUCKET
        self.objects.pop(Key, None)


class Function:
    """Deliver, which ends in an error for batches with `poison` in them."""

    def __init__(self, poison: str = "") -> None:
        self.poison = poison
        self.delivered: list[str] = []

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "deliver"
        users = [record["dynamodb"]["NewImage"]["user"]["S"] for record in json.loads(Payload)["Records"]]
        if self.poison in users:
            return {"FunctionError": "Unhandled"}
        self.delivered += users
        return {}


def announced() -> Aside:
    """As EventBridge puts it on the queue."""
    detail = {"version": "0", "bucket": {"name": BUCKET}, "object": {"key": KEY, "size": 5108}}
    return Aside("m1", {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}, "r1", 0)


def redrive(function: Function, bucket: Bucket, aside: Aside | None = None) -> None:
    deliver_again(function, "deliver", bucket)(aside or announced())  # type: ignore[arg-type]


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "JSON"])
def test_a_batch_is_delivered_whole_in_its_order_and_then_removed(*, as_text: bool) -> None:
    event = {"Records": [a_record("ann"), a_record("bob"), a_record("ann")]}
    bucket, function = Bucket({"version": "1.0", "payload": json.dumps(event) if as_text else event}), Function()
    redrive(function, bucket)
    assert function.delivered == ["ann", "bob", "ann"]
    assert bucket.objects == {}


def test_a_record_that_ends_deliver_stays_and_its_neighbours_are_delivered_up_to_it() -> None:
    records = [a_record(user) for user in ("ann", "bob", "poison", "cleo")]
    bucket, function = Bucket({"payload": json.dumps({"Records": records})}), Function(poison="poison")
    with pytest.raises(NotTaken, match="deliver function failed"):
        redrive(function, bucket)
    assert function.delivered == ["ann", "bob"]
    assert KEY in bucket.objects


def test_what_was_redriven_already_is_done() -> None:
    bucket, function = Bucket(), Function()
    redrive(function, bucket)
    assert function.delivered == []


def test_an_object_that_holds_something_else_stays() -> None:
    bucket = Bucket({"hello": "world"})
    with pytest.raises(NotTaken, match=KEY):
        redrive(Function(), bucket)
    assert KEY in bucket.objects


def test_the_message_of_an_older_release_says_that_nothing_is_kept() -> None:
    pointer = Aside("m1", {"DDBStreamBatchInfo": {"shardId": "shardId-0001"}}, "r1", 0)
    with pytest.raises(NotTaken, match="for a day"):
        redrive(Function(), Bucket(), pointer)


def test_it_is_listed_as_what_it_is() -> None:
    assert announced().reason == "the stream gave up on a batch"
    assert announced().campaigns == []
