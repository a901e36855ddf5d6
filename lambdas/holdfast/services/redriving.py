"""The ways in which a message that was set aside goes on, one for each queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Message, Queue
from holdfast.aws.tables.users import Item, Users
from holdfast.core.fold.stored import decision_of, decode
from holdfast.core.fold.timers import tick_users
from holdfast.core.fold.watches import Decision, Watch
from holdfast.core.people.people import LONGEST_CHAIN
from holdfast.core.places import campaign_of
from holdfast.services.set_aside import Aside, NotTaken, Redrive

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

ENDED = "ended while it could not be delivered"


def send_again(events: Queue) -> Redrive:
    """Rejected records go on the events queue again, as they came."""

    def redrive(aside: Aside) -> None:
        if "cut" in aside.body:
            raise NotTaken("only their beginning was kept: send them again from where they came from")
        record = aside.body["record"]
        text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
        if events.send([Message(text)]):
            raise NotTaken("the events queue did not take them")

    return redrive


OLDEST_MS: Final = 3 * 24 * 60 * 60_000
"""A day less than marks of exits are kept for what may still arrive: it may wait in the queue once more."""


def arrive_again(events: Queue, clock: Callable[[], int] = now_ms) -> Redrive:
    """A dead letter goes on the events queue again, and is read as what was in force when it arrived first says.

    An event that is too old does not: what ended its watch may be forgotten by now.
    """

    def redrive(aside: Aside) -> None:
        if clock() - aside.at > OLDEST_MS and tick_users(aside.body["record"]) is None:
            raise NotTaken("they arrived over three days ago: whether their users did the other thing may be forgotten")
        if events.send([Message(aside.body["record"], first_arrival=aside.at)]):
            raise NotTaken("the events queue did not take them")

    return redrive


def dead_letter(text: str) -> dict[str, Any]:
    """The details of a message that failed again and again: whether it is a tick of the system's own."""
    users = tick_users(text)
    return {"reason": "could not be folded" if users is None else f"tick of {users} users", "record": text}


Ended: TypeAlias = Callable[[str, Decision], bool]
"""Whether a user has done since what ends the watch of a message that was decided."""


def ended_since(users: Users) -> Ended:
    """The answer by the user's state. Nothing is known of what it no longer remembers."""

    def ended(user: str, decided: Decision) -> bool:
        item = _stored(users, user)
        if item is None:
            return False
        known = decode(item.state).all()
        of = [(key, watch) for place, key, watch in known if campaign_of(place) == decided.campaign]
        if decided.key:
            about = [watch for key, watch in of if key == decided.key]
        else:  # a summary, or a campaign without constant
            about = [watch for _, watch in of if _of_summary(watch, decided)] or [watch for _, watch in of]
        return any(_ends(watch, decided) for watch in about)

    return ended


def _stored(users: Users, user: str) -> Item | None:
    """The data of the person whose id it is. Raises NotTaken."""
    for _ in range(LONGEST_CHAIN + 1):
        items, unread = users.read([(user, "watches")])
        if unread:
            break
        item = items.get((user, "watches"))
        if item is None or not item.person:
            return item
        user = item.person
    raise NotTaken("the user's state could not be read")


def _of_summary(watch: Watch, decided: Decision) -> bool:
    return watch.decided is not None and watch.decided.summary == decided.mark


def _ends(watch: Watch, decided: Decision) -> bool:
    """Whether an exit reaches the trigger, or the message was taken back already."""
    last = watch.decided
    taken_back = last and last.kind == "retract" and decided.mark in {(last.at, last.id), last.summary}
    return bool(taken_back) or watch.reach >= decided.at


def deliver_again(
    functions: LambdaClient, deliver: str, s3: S3Client, ended: Ended = lambda _user, _decided: False
) -> Redrive:
    """Hand undelivered decisions to the deliver function, like the stream does. A message may have waited for days, so
    the user's later events count and may withhold it.

    What fails again comes back to the queue, with its new reason.
    """

    def hand_over(records: list[dict[str, Any]]) -> None:
        """Deliver in order. A batch that ends the function is halved, like the stream does."""
        payload = json.dumps({"Records": records})
        if "FunctionError" not in functions.invoke(FunctionName=deliver, Payload=payload):
            return
        if len(records) == 1:
            raise NotTaken("the deliver function failed: see its logs")
        middle = len(records) // 2
        hand_over(records[:middle])
        hand_over(records[middle:])

    def redrive(aside: Aside) -> None:
        if given_up := _object(aside.body):
            bucket, key = given_up
            if records := _given_up(s3, bucket, key):
                hand_over([{"dynamodb": {"NewImage": _today(each["dynamodb"]["NewImage"], ended)}} for each in records])
            s3.delete_object(Bucket=bucket, Key=key)
            return
        if "reason" not in aside.body:
            raise NotTaken("a release before this one kept only where the stream had these decisions, for a day")
        image = aside.body.get("image") or {
            "user": {"S": aside.body["user"]},
            "outbox": {"S": json.dumps(aside.body["outbox"])},
        }
        hand_over([{"dynamodb": {"NewImage": _today(image, ended)}}])

    return redrive


def _object(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """Bucket and key of the object that S3 announced: what the stream gave up on is in it, whole."""
    detail = body.get("detail")
    if body.get("source") != "aws.s3" or not isinstance(detail, dict):
        return None
    return detail["bucket"]["name"], detail["object"]["key"]


def _given_up(s3: S3Client, bucket: str, key: str) -> list[dict[str, Any]]:
    """The records of a batch that the stream gave up on. Raises NotTaken."""
    try:
        record = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except s3.exceptions.NoSuchKey:
        return []  # redriven already, by somebody whose message came again
    try:
        payload = record["payload"]
        event = json.loads(payload) if isinstance(payload, str) else payload
        return [each for each in event["Records"] if "outbox" in each["dynamodb"].get("NewImage", {})]
    except (KeyError, TypeError, ValueError) as error:
        raise NotTaken(f"object {key} of bucket {bucket} does not hold what the stream gave up on") from error


def _today(image: dict[str, Any], ended: Ended) -> dict[str, Any]:
    """The image, with today's answer for the messages to send."""
    try:
        user, outbox = image["user"]["S"], json.loads(image["outbox"]["S"])
        for each in outbox:
            decided = decision_of(each)
            if decided.kind == "send" and ended(user, decided):
                each |= {"kind": "withhold", "reason": ENDED}
    except (LookupError, TypeError, ValueError, AttributeError):
        return image  # deliver says what is wrong with it
    return {**image, "outbox": {"S": json.dumps(outbox)}}
