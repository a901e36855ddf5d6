"""The queues of set-aside messages (rejected, undelivered, dead letters): inspect, redrive, and discard."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from holdfast.aws.packing import MAX_ENTRIES
from holdfast.aws.queues import FIRST_ARRIVAL

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HIDDEN_SECONDS: Final = 60
"""Visibility timeout while a message is looked at."""


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
    """A message set aside. `body` is whole: the reason, and what could not go on. `at` is when it was set aside, or
    when a dead letter first arrived.
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
        """Whether the reason, a campaign or the content contains the text, ignoring case."""
        return search.casefold() in json.dumps(self.body, ensure_ascii=False).casefold()

    @property
    def campaigns(self) -> list[str]:
        """The campaigns: those that a rejected record names, or those of undelivered decisions."""
        named = self.body.get("campaigns") or [each["campaign"] for each in self.body.get("outbox", [])]
        return sorted(set(named))


class NotTaken(RuntimeError):
    """A redriven message was not accepted; says why. It stays in the queue."""


Redrive: TypeAlias = Callable[[Aside], None]
"""Raises NotTaken."""


Wanted: TypeAlias = Callable[[Aside], bool]


class Redriven(NamedTuple):
    """The number of redriven messages, and of those that failed, by reason."""

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
        """Make the messages visible again. One by one: the right to change one is not the right to change a batch."""
        for each in messages:
            self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=each.receipt, VisibilityTimeout=0)
