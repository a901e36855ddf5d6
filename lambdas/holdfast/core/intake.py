"""A batch of messages, sorted by what has to be folded for whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from holdfast.core.events import Event, Json, ProfileChange, Record, Rejected, Tick, event_id
from holdfast.core.forms import records
from holdfast.core.plans import Hit, Plans


class Body(NamedTuple):
    """One message of the queue: its id, its body, and when the queue took it (epoch milliseconds)."""

    message: str
    text: str
    arrived: int


class Reject(NamedTuple):
    """What is put on the rejected queue. `record` can be sent again as it is, once what is wrong was put right."""

    reason: str
    campaigns: tuple[str, ...]
    record: Json


class Intake:
    """Of a batch: hits and ticks by user, profile changes by user, rejects by message, and who came in which message.

    An event that no campaign names is counted among the records, and nothing else.
    """

    def __init__(self, bodies: Iterable[Body], plans: Plans) -> None:
        self.inputs: dict[str, list[Hit | Tick]] = defaultdict(list)
        self.changes: dict[str, list[ProfileChange]] = defaultdict(list)
        self.rejects: dict[str, list[Reject]] = defaultdict(list)
        self.users: dict[str, set[str]] = defaultdict(set)
        self.records: Counter[str] = Counter()
        self.ticks = 0
        for body in bodies:
            for record in records(body.text, body.arrived):
                self._add(body.message, record, plans)

    def _add(self, message: str, record: Record, plans: Plans) -> None:
        match record:
            case Tick(user):
                self.inputs[user].append(record)
                self.users[message].add(user)
                self.ticks += 1
                return
            case Event(user):
                hits, problems = plans.read(record)
                if hits:
                    self.inputs[user] += hits
                    self.users[message].add(user)
                if problems:
                    reason = "; ".join(f"{campaign}: {reason}" for campaign, reason in problems)
                    campaigns = tuple(campaign for campaign, _ in problems)
                    self.rejects[message].append(Reject(reason, campaigns, _plain(record)))
            case ProfileChange(user):
                self.changes[user].append(record)
                self.users[message].add(user)
            case Rejected(reason, whole):
                self.rejects[message].append(Reject(reason, (), whole))
        self.records[message] += 1


def _plain(event: Event) -> Json:
    """The event in the plain form, with the id it was folded under: sent again, it is the same event."""
    user, name, at, _, properties, _ = event
    return {**properties, "user": user, "event": name, "ts": at, "id": event_id(event)}
