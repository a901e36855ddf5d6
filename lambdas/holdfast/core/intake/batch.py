"""A batch of messages, sorted by user into the inputs of the fold."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, assert_never

from holdfast.core.events import Event, Ignored, Json, ProfileChange, Record, Rejected, Tick, Tie, Unread, event_id
from holdfast.core.formats import MAX_MESSAGE_BYTES, sendable
from holdfast.core.intake.fields import RULES, Rules
from holdfast.core.intake.forms import records
from holdfast.core.intake.sources import InForce
from holdfast.core.people.people import Refused
from holdfast.core.plans.hits import Input
from holdfast.core.plans.plans import Plans


class Body(NamedTuple):
    """One message of the queue: its id, its body, and when it first arrived in a queue (epoch milliseconds)."""

    message: str
    text: str
    arrived: int


class Parsed(NamedTuple):
    """A message, and the records in it."""

    message: str
    arrived: int
    records: Sequence[Record]


def parsed(bodies: Iterable[Body], rules: Rules = RULES, sources: InForce | None = None) -> list[Parsed]:
    """Each message, read by the sources that were in force when it first arrived."""
    found = []
    for message, text, arrived in bodies:
        by = rules._replace(sources=sources.at(arrived)) if sources else rules
        found.append(Parsed(message, arrived, _records(text, arrived, by)))
    return found


def _records(text: str, arrived: int, rules: Rules) -> Sequence[Record]:
    """Reading should not raise. If it does, only this message of the batch is affected."""
    try:
        return records(text, arrived, rules)
    except Exception as error:  # noqa: BLE001
        return [Rejected(f"this could not be read, which is a mistake in Holdfast: {type(error).__name__}", text)]


class Reject(NamedTuple):
    """A message on the rejected queue. `record` can be sent again as it is, once what is wrong was put right."""

    reason: str
    campaigns: tuple[str, ...]
    record: Json


def report(reject: Reject) -> str:
    """The text for the rejected queue: the whole record if it fits, otherwise its beginning and its length."""
    if text := sendable(reject._asdict()):
        return text
    record = reject.record if isinstance(reject.record, str) else json.dumps(reject.record)
    cut = {"cut": len(record), "record": record[: MAX_MESSAGE_BYTES // 8]}  # a character takes six bytes, escaped
    return json.dumps({**reject._asdict(), "reason": reject.reason[:1000], **cut})


class Taken(NamedTuple):
    """Rejects by message, and the number of records by message."""

    rejects: Mapping[str, Sequence[Reject]]
    records: Mapping[str, int]


class Intake:
    """A batch that was read: hits, ticks and profile changes by user, rejects by message, the messages that each user
    came in, and those that each tie came in.

    Each message is read by the plans in force when it arrived (`in_force`). An event that nothing names is counted
    among the records, and nothing else. `later` are the messages with an event that a campaign names which this release
    cannot read, or with a record of such a source (`unread`): they come again, until a newer release takes them.
    """

    def __init__(self, batch: Iterable[Parsed], in_force: Callable[[int], Plans]) -> None:
        self.inputs: dict[str, list[Input]] = defaultdict(list)
        self.changes: dict[str, list[ProfileChange]] = defaultdict(list)
        self.ties: dict[Tie, list[str]] = defaultdict(list)
        self.rejects: dict[str, list[Reject]] = defaultdict(list)
        self.users: dict[str, set[str]] = defaultdict(set)
        self.records: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.later: set[str] = set()
        self.unread: set[str] = set()
        self.ticks = 0
        for message, arrived, found in batch:
            plans = in_force(arrived)
            for record in found:
                self._add(message, record, plans)

    @property
    def keys(self) -> set[tuple[str, Literal["watches", "profile"]]]:
        """The keys of the users table that this batch needs: users, and parts."""
        keys: set[tuple[str, Literal["watches", "profile"]]]
        keys = {(user, "watches") for user in self.inputs} | {(user, "profile") for user in self.changes}
        return keys | {(tie.user, "watches") for tie in self.ties} if self.ties else keys

    def taken(
        self, refused: Iterable[tuple[str, Rejected]], untied: Iterable[Refused], failed: Container[str]
    ) -> Taken:
        """The batch after the fold. `refused` are records, by user, that do not fit into the user's state. The messages
        that `failed` come again.

        Which message of a user brought a refused record is not known: it is rejected with any that does not come again.
        A tie that is a sender's mistake is rejected, unless it came with an event, as every event of that user has it.
        """
        rejects, records = defaultdict(list, {m: [*many] for m, many in self.rejects.items()}), Counter(self.records)
        for user, rejected in refused:
            if message := next((m for m, users in self.users.items() if user in users and m not in failed), ""):
                rejects[message].append(Reject(rejected.reason, (), rejected.record))
        for tie, reason, odd in untied:
            for message in self.ties[tie] if odd and not tie.along else ():
                rejects[message].append(Reject(reason, (), {"user": tie.user, "alias": tie.alias}))
                records[message] += not tie.alone
        return Taken(rejects, records)

    def _add(self, message: str, record: Record, plans: Plans) -> None:
        match record:
            case Tick(user):
                self._fold(message, user, [record])
                self.ticks += 1
                return
            case Event():
                self._read(message, record, plans)
            case Ignored():
                self.ignored[message] += 1
                return
            case Unread(source):
                self.later.add(message)
                self.unread.add(source)
            case Tie(alone=alone):
                self._tie(message, record, plans)
                self.records[message] += alone  # else it is counted with what it came with
                return
            case ProfileChange(along=along) if along and not plans.name(along):
                return  # it would cost a write with each event that no campaign names
            case ProfileChange(user):
                self.changes[user].append(record)
                self.users[message].add(user)
            case Rejected(reason, whole, event):
                self.rejects[message].append(Reject(reason, (), whole))
                if event:
                    self._fold(message, event.user, plans.doubts(event, reason))
            case _:
                assert_never(record)
        self.records[message] += 1

    def _tie(self, message: str, tie: Tie, plans: Plans) -> None:
        if not tie.along or plans.name(tie.along):
            self.ties[tie].append(message)
            self.users[message].add(tie.user)

    def _read(self, message: str, event: Event, plans: Plans) -> None:
        if plans.unread(event.name):
            self.later.add(message)
        hits, problems = plans.read(event)
        seen = plans.seen(event)
        self._fold(message, event.user, [*hits, *seen])
        self._fold(message, event.user, [each.doubt for each in problems if each.doubt])
        if problems := [each for each in problems if each.campaign]:
            reason = "; ".join(f"{each.campaign}: {each.reason}" for each in problems)
            campaigns = tuple(dict.fromkeys(each.campaign for each in problems))
            self.rejects[message].append(Reject(reason, campaigns, _plain(event)))

    def _fold(self, message: str, user: str, inputs: Sequence[Input]) -> None:
        if inputs:
            self.inputs[user] += inputs
            self.users[message].add(user)


def _plain(event: Event) -> Json:
    """The event in the plain form, with the id it was folded under: sent again, it is the same event.

    Where its properties bear the names of the form's own fields, it is a track call, which keeps them apart.
    """
    user, name, at, given = event.user, event.name, event.at, event_id(event)
    own: dict[str, Json] = {"user": user, "event": name, "ts": at, "id": given}
    if own.keys().isdisjoint(event.properties):
        return {**event.properties, **own}
    call: dict[str, Json] = {"type": "track", "userId": user, "event": name, "timestamp": at, "messageId": given}
    return {**call, "properties": dict(event.properties)}
