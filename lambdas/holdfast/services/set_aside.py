"""The queues of what could not go on (rejected, undelivered, dead letters): looked at, redriven, and discarded."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from holdfast.aws.clock import now_ms
from holdfast.aws.packing import MAX_ENTRIES
from holdfast.aws.queues import FIRST_ARRIVAL, Message, Queue
from holdfast.aws.tables.users import Item, Users
from holdfast.core.fold.timers import tick_users
from holdfast.core.fold.watches import Decision, Watch, decision_of, decode
from holdfast.core.people.people import LONGEST_CHAIN
from holdfast.core.places import campaign_of

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

HIDDEN_SECONDS: Final = 60
"""Visibility timeout while a message is looked at."""


ENDED = "ended while it could not be delivered"


_USER_FIELDS = frozenset({"user", "userId", "anonymousId", "identity", "subject", "FBID", "GPID", "objectId"})


def _names(value: Any, user: str) -> bool:
    match value:
        case dict():
            own = any(str(value[field]).strip() == user for field in _USER_FIELDS & value.keys())
            return own or any(_names(each, user) for each in value.values())
        case list():
            return any(_names(each, user) for each in value)
        case str():  # a body that is not JSON, or a message in an envelope
            return f'"{user}"' in value
        case _:
            return False


class Aside(NamedTuple):
    """A message set aside. `body` is whole: the reason, and what could not go on. `at` is when it was set aside; of a
    dead letter, when it arrived first.
    """

    id: str
    body: dict[str, Any]
    receipt: str
    at: int

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", "the stream gave up on a batch"))

    @property
    def group(self) -> str:
        """The reason without what differs from one message to the next: numbers, and times."""
        return re.sub(r"\d+([.:]\d+)*", "#", self.reason)

    def about(self, user: str) -> bool:
        """Whether a field of it that names a user names this one, in whatever form the record came."""
        return _names(self.body, user)

    def holds(self, search: str) -> bool:
        """Whether the reason, a campaign or what could not go on has that in it, in whatever case."""
        return search.casefold() in json.dumps(self.body, ensure_ascii=False).casefold()

    @property
    def campaigns(self) -> list[str]:
        """The campaigns: those that a rejected record names, or those of undelivered decisions."""
        named = self.body.get("campaigns") or [each["campaign"] for each in self.body.get("outbox", [])]
        return sorted(set(named))


class NotTaken(RuntimeError):
    """Nobody took what was redriven; says why. It stays where it is."""


Redrive: TypeAlias = Callable[[Aside], None]
"""Raises NotTaken."""


Wanted: TypeAlias = Callable[[Aside], bool]


class Redriven(NamedTuple):
    """How many went on, and how many did not, by reason."""

    done: int
    failed: Counter[str]


class SetAside:
    """One of the queues. Raises what AWS raises. `read` makes of a message's text what is known of it."""

    def __init__(
        self, sqs: SQSClient, url: str, redrive: Redrive, read: Callable[[str], dict[str, Any]] = json.loads
    ) -> None:
        self._sqs = sqs
        self._url = url
        self._redrive = redrive
        self._read = read

    def total(self) -> int:
        """About how many wait there."""
        name: Final = "ApproximateNumberOfMessages"
        return int(self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])["Attributes"][name])

    def look(self, limit: int, only: str = "", *, time_left: Callable[[], bool] = lambda: True) -> list[Aside]:
        """Those whose reason contains `only`. They stay in the queue, for all to see."""
        found: list[Aside] = []
        try:
            for aside in self._messages(limit):
                found.append(aside)
                if len(found) % MAX_ENTRIES == 0 and not time_left():
                    break
        finally:
            self._leave(found)
        return [each for each in found if only in each.reason]

    def redrive(
        self,
        limit: int,
        *,
        only: str = "",
        wanted: Wanted | None = None,
        step: Callable[[], None] = lambda: None,
        time_left: Callable[[], bool] = lambda: True,
    ) -> Redriven:
        """One by one: a message leaves the queue when it was taken at the other end, and not before.

        Those passed by are to be seen again at once; what failed, after a minute.
        """
        chosen = wanted or (lambda aside: only in aside.reason)
        done, failed = 0, Counter[str]()
        for aside in self._chosen(limit, chosen, step, time_left):
            try:
                self._redrive(aside)
            except NotTaken as error:
                failed[str(error)] += 1
            else:
                self._delete(aside)
                done += 1
        return Redriven(done, failed)

    def discard(
        self,
        limit: int,
        *,
        wanted: Wanted,
        step: Callable[[], None] = lambda: None,
        time_left: Callable[[], bool] = lambda: True,
    ) -> int:
        """Delete the messages for good; returned is how many."""
        done = 0
        for aside in self._chosen(limit, wanted, step, time_left):
            self._delete(aside)
            done += 1
        return done

    def _chosen(
        self, limit: int, wanted: Wanted, step: Callable[[], None], time_left: Callable[[], bool]
    ) -> Iterator[Aside]:
        """Those that are wanted. The others are left for all to see."""
        passed: list[Aside] = []
        try:
            for aside in self._messages(limit):
                if not time_left():
                    passed.append(aside)
                    break
                if wanted(aside):
                    yield aside
                else:
                    passed.append(aside)
                step()
        finally:
            self._leave(passed)

    def _delete(self, aside: Aside) -> None:
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=aside.receipt)

    def _messages(self, limit: int) -> Iterator[Aside]:
        """The waiting messages, each once."""
        seen = 0
        while seen < limit:
            found = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(MAX_ENTRIES, limit - seen),
                VisibilityTimeout=HIDDEN_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=[FIRST_ARRIVAL],
            ).get("Messages", [])
            if not found:
                return
            seen += len(found)
            for message in found:
                sent = message.get("Attributes", {}).get("SentTimestamp", "0")
                first = message.get("MessageAttributes", {}).get(FIRST_ARRIVAL)
                at = int(first["StringValue"] if first else sent)
                yield Aside(message["MessageId"], self._read(message["Body"]), message["ReceiptHandle"], at)

    def _leave(self, messages: list[Aside]) -> None:
        """For all to see at once. One by one: whoever may change one need not have the right to change a batch."""
        for each in messages:
            self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=each.receipt, VisibilityTimeout=0)


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

    An event that is too old is not: of what ended its watch, nothing may be known any more.
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
    """Undelivered decisions are handed to the deliver function, as by the stream; but what the user has done since
    counts, and withholds a message, which may have waited for days.

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
    """The image, with what is to be said today of what was to be sent."""
    try:
        user, outbox = image["user"]["S"], json.loads(image["outbox"]["S"])
        for each in outbox:
            decided = decision_of(each)
            if decided.kind == "send" and ended(user, decided):
                each |= {"kind": "withhold", "reason": ENDED}
    except (LookupError, TypeError, ValueError, AttributeError):
        return image  # deliver says what is wrong with it
    return {**image, "outbox": {"S": json.dumps(outbox)}}
