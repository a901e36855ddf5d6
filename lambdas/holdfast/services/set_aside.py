"""The two queues of what could not go on, rejected and undelivered: looked at, and redriven."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from holdfast.aws.queues import Message, Queue

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

HIDDEN_SECONDS: Final = 60
"""So long nobody else sees a message that is being looked at."""


class Aside(NamedTuple):
    """A message set aside. `body` is whole: the reason, and what could not go on. `at` is when it was set aside."""

    id: str
    body: dict[str, Any]
    receipt: str
    at: int

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", "the stream gave up on a batch"))

    @property
    def campaigns(self) -> list[str]:
        """Of what was rejected they are named, of what was not delivered they are the decisions'."""
        named = self.body.get("campaigns") or [each["campaign"] for each in self.body.get("outbox", [])]
        return sorted(set(named))


class NotTaken(RuntimeError):
    """Nobody took what was redriven; says why. It stays where it is."""


Redrive: TypeAlias = Callable[[Aside], None]
"""Raises NotTaken."""


class Redriven(NamedTuple):
    """How many went on, and how many did not, by reason."""

    done: int
    failed: Counter[str]


class SetAside:
    """One of the queues. Raises what AWS raises."""

    def __init__(self, sqs: SQSClient, url: str, redrive: Redrive) -> None:
        self._sqs = sqs
        self._url = url
        self._redrive = redrive

    def total(self) -> int:
        """About how many wait there."""
        name: Final = "ApproximateNumberOfMessages"
        return int(self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])["Attributes"][name])

    def look(self, limit: int, only: str = "") -> list[Aside]:
        """Those whose reason contains `only`. They stay in the queue, for all to see."""
        found = list(self._messages(limit))
        self._leave(found)
        return [each for each in found if only in each.reason]

    def redrive(
        self,
        limit: int,
        *,
        only: str = "",
        ids: Collection[str] | None = None,
        step: Callable[[], None] = lambda: None,
        time_left: Callable[[], bool] = lambda: True,
    ) -> Redriven:
        """One by one: a message leaves the queue when it was taken at the other end, and not before.

        Those passed by are to be seen again at once; what failed, after a minute.
        """
        done, failed = 0, Counter[str]()
        passed: list[Aside] = []
        for aside in self._messages(limit):
            if not time_left():
                passed.append(aside)
                break
            if only in aside.reason and (ids is None or aside.id in ids):
                try:
                    self._redrive(aside)
                except NotTaken as error:
                    failed[str(error)] += 1
                else:
                    self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=aside.receipt)
                    done += 1
            else:
                passed.append(aside)
            step()
        self._leave(passed)
        return Redriven(done, failed)

    def _messages(self, limit: int) -> Iterator[Aside]:
        """What waits there, each once."""
        seen = 0
        while seen < limit:
            found = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(10, limit - seen),
                VisibilityTimeout=HIDDEN_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
            ).get("Messages", [])
            if not found:
                return
            seen += len(found)
            for message in found:
                at = int(message.get("Attributes", {}).get("SentTimestamp", "0"))
                yield Aside(message["MessageId"], json.loads(message["Body"]), message["ReceiptHandle"], at)

    def _leave(self, messages: list[Aside]) -> None:
        for each in messages:
            self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=each.receipt, VisibilityTimeout=0)


def send_again(events: Queue) -> Redrive:
    """What was rejected goes on the events queue again, as it came."""

    def redrive(aside: Aside) -> None:
        record = aside.body["record"]
        text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
        if events.send([Message(text)]):
            raise NotTaken("the events queue did not take them")

    return redrive


def deliver_again(functions: LambdaClient, deliver: str, s3: S3Client) -> Redrive:
    """What could not be delivered is handed to the deliver function, as by the stream.

    What fails again comes back to the queue, with its new reason.
    """

    def hand_over(records: list[dict[str, Any]]) -> None:
        """In their order. A batch that ends the function is halved, as the stream does it."""
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
                hand_over(records)
            s3.delete_object(Bucket=bucket, Key=key)
            return
        if "reason" not in aside.body:
            raise NotTaken("a release before this one kept only where the stream had these decisions, for a day")
        image = aside.body.get("image") or {
            "user": {"S": aside.body["user"]},
            "outbox": {"S": json.dumps(aside.body["outbox"])},
        }
        hand_over([{"dynamodb": {"NewImage": image}}])

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
