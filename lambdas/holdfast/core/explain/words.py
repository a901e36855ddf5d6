"""Names, times and reasons, in the words of an explanation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from holdfast.core.events import Json
from holdfast.core.fold.deciding import DELETED, GONE, PAUSED, TOO_MANY
from holdfast.core.fold.watches import Trigger, Watch
from holdfast.core.gate.gate import AGAIN, AUDIENCE, CONTROL, CONTROL_OF_ALL, EARLY, LATE, MINUTE, OUTSIDE
from holdfast.core.plans.plan import EARLIER, Plan
from holdfast.core.times import format_duration

REASONS: Mapping[str, str] = {
    TOO_MANY: "too many watches of this user were open, and the oldest were let go",
    PAUSED: "the campaign was paused",
    GONE: "the campaign was gone",
    DELETED: "the campaign was deleted",
    AUDIENCE: "the user was not in the campaign's audience",
    EARLY: "it was before the campaign's start",
    LATE: "it was after the campaign's end",
    AGAIN: "the last message about it was not long enough ago",
    OUTSIDE: "it was outside the sending hours",
    CONTROL: "the user is in the campaign's control group, which gets no message",
    CONTROL_OF_ALL: "the user is in the control group of the stack, which gets no message",
}
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ")
"""A time within a reason, as the gate writes it."""
SECONDS_BELOW_MS = 10 * 60_000
"""A campaign with a shorter window has its times shown to the second."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words for one campaign, of which `plan` knows the names, as they are read at `now` in `zone`."""

    plan: Plan | None
    now: int
    zone: tzinfo

    def _name(self, key: str) -> str:
        return self.plan.name_of(key) if self.plan else key

    def _join(self, keys: Iterable[str], word: str) -> str:
        return word.join(map(self._name, keys)) or "event"

    def _did(self) -> tuple[str, ...]:
        return tuple(map(self._name, self.plan.did)) if self.plan else ()

    def _did_not(self) -> tuple[str, ...]:
        return tuple(map(self._name, self.plan.did_not)) if self.plan else ()

    def _triggers(self) -> str:
        return (" or " if self.plan and self.plan.any_of else " and ").join(self._did()) or "its event"

    def _exits(self) -> str:
        """The state holds an exit's time and not its name: it is one of these."""
        return " or ".join(self._did_not()) or "what ends it"

    def _ended(self, watch: Watch) -> str:
        """The exit of a watch: one of the campaign's exits, or a snapshot without the value."""
        if watch.grace == EARLIER and self.plan:
            return f"no longer in {self._join(self.plan.snapshots, ' or ')}"
        return self._exits()

    def _local(self, reason: str) -> str:
        """A reason, with its time converted to the reader's time zone."""

        def shown(found: re.Match[str]) -> str:
            return self._time(round(datetime.strptime(found[0], f"{MINUTE[:-1]}%z").timestamp() * 1000))

        return _MINUTE.sub(shown, reason)

    def _time(self, at: int) -> str:
        """A short time: without the date if it is today."""
        moment, today = (datetime.fromtimestamp(ms / 1000, self.zone) for ms in (at, self.now))
        fine = self.plan is not None and 0 < self.plan.within < SECONDS_BELOW_MS
        clock = f"{moment:%H:%M:%S}" if fine else f"{moment:%H:%M}"
        return clock if moment.date() == today.date() else f"{moment:%Y-%m-%d} {clock}"


def when_ended(watch: Watch, trigger: Trigger) -> str:
    """When the exit was, seen from the trigger that it ended."""
    span = watch.exit - trigger.at
    if not span:
        return "at the same time"
    if span > 0:
        return f"{span_text(span)} after it"
    return f"{span_text(-span)} before it, within the grace of {format_duration(watch.grace)}"


def constant_of(key: str, watch: Watch) -> Json:
    """The constant value of a watch without a trigger: as one of its events wrote it, or else its key."""
    for part in watch.parts.values():
        return part.shown
    try:
        composite: Json = json.loads(key) if key.startswith("[") else key
    except ValueError:
        return key
    return composite or None


def as_words(constant: Json) -> str:
    match constant:
        case None:
            return ""
        case list():
            return " " + ", ".join(as_words(each).strip() for each in constant)
        case str():
            return f" {constant.strip()}"
        case _:
            return f" {json.dumps(constant)}"


def span_text(ms: int) -> str:
    """A time between two events, in its two largest units: `4 min`, `2 h 5 min`, `3 d`."""
    seconds = round(ms / 1000)
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    told = [f"{number} {unit}" for number, unit in parts if number][:2]
    return " ".join(told) or ("less than a second" if ms else "0 s")
