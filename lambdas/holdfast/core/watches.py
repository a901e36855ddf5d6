"""What is remembered of a user: one watch for each (campaign, constant value).

A watch is the *latest* trigger and the *latest* exit, and for which trigger it last decided. Both are merged by taking
the later one, which is why order, duplicates and batches of events do not matter.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from holdfast.core.events import Json, canonical

Kind: TypeAlias = Literal["send", "withhold", "retract", "convert"]


class Trigger(NamedTuple):
    """An occurrence of what was to be watched for. `due` is when it may be decided; `shown` and `event` are what a
    message needs of it, dropped as soon as no message can come of it any more.
    """

    at: int
    id: str
    due: int
    revision: int
    shown: Json = None
    event: Mapping[str, Json] = {}

    @property
    def mark(self) -> tuple[int, str]:
        """What orders triggers: event time, then event id."""
        return self.at, self.id


class Decided(NamedTuple):
    """The last decision of a watch: for the trigger (`at`, `id`), made at `when`.

    `summary` is the trigger by which a message about several watches is known; None for one about this watch alone.
    """

    at: int
    id: str
    when: int
    kind: Kind
    reason: str = ""
    summary: tuple[int, str] | None = None


class Watch(NamedTuple):
    """`parts` is used by campaigns whose `did` names several events: the latest of each, by event key.

    `exit` is the time of the latest exit, 0 where none was seen.
    """

    trigger: Trigger | None = None
    exit: int = 0
    decided: Decided | None = None
    parts: Mapping[str, Trigger] = {}

    @property
    def pending(self) -> Trigger | None:
        """The trigger that still waits for its decision: later than the latest exit and than the last decision's."""
        trigger, decided = self.trigger, self.decided
        if trigger is None or trigger.at <= self.exit:
            return None
        if decided is not None and trigger.mark <= (decided.at, decided.id):
            return None
        return trigger

    @property
    def latest(self) -> int:
        """The event time of the latest thing it has seen."""
        latest = max(self.exit, self.trigger.at if self.trigger else 0)
        return max(latest, *(part.at for part in self.parts.values())) if self.parts else latest


class State(NamedTuple):
    """A user's watches by campaign and constant value, and by campaign the `floor`: the rank (time, constant value) of
    the newest watch that had to go because there were too many. What ranks no higher is not remembered again.
    """

    watches: Mapping[str, Mapping[str, Watch]] = {}
    floors: Mapping[str, tuple[int, str]] = {}

    def due(self, summaries: Container[str] = ()) -> int | None:
        """When something falls due: the next watch, or the last one of a campaign that sums them up."""
        dues = []
        for campaign, watches in self.watches.items():
            if pending := [t.due for w in watches.values() if (t := w.pending)]:
                dues.append(max(pending) if campaign in summaries else min(pending))
        return min(dues, default=None)

    def all(self) -> Iterator[tuple[str, str, Watch]]:
        for campaign, watches in self.watches.items():
            for key, watch in watches.items():
                yield campaign, key, watch


class Decision(NamedTuple):
    """What the fold decided for the trigger (`at`, `id`) of a watch. `event` is what was kept of the trigger.

    A summary has an empty `key` and the newest watch's trigger; `shown` and `events` are lists, newest first and no
    longer than the campaign says, `open` is how many watches it closes.
    """

    kind: Kind
    campaign: str
    key: str
    shown: Json
    at: int
    id: str
    when: int
    revision: int
    event: Mapping[str, Json] = {}
    reason: str = ""
    events: Sequence[Mapping[str, Json]] = ()
    open: int = 1

    @property
    def mark(self) -> tuple[int, str]:
        return self.at, self.id


def encode(state: State) -> str:
    """One JSON text, the same for equal states, to be read in the AWS console as it is."""
    data: dict[str, object] = {
        "watches": {c: {key: _pack_watch(key, w) for key, w in watches.items()} for c, watches in state.watches.items()}
    }
    if state.floors:
        data["floors"] = state.floors
    return canonical(data)


def decode(text: str) -> State:
    data = json.loads(text)
    return State(
        {c: {key: _unpack_watch(key, w) for key, w in watches.items()} for c, watches in data["watches"].items()},
        {c: (at, key) for c, (at, key) in data.get("floors", {}).items()},
    )


def _pack_watch(key: str, watch: Watch) -> dict[str, object]:
    packed: dict[str, object] = _pack_trigger(key, watch.trigger) if watch.trigger else {}
    if watch.exit:
        packed["exit"] = watch.exit
    if watch.decided:
        packed["decided"] = watch.decided if watch.decided.summary else watch.decided[:-1]
    if watch.parts:
        packed["parts"] = {name: _pack_trigger(key, part) for name, part in watch.parts.items()}
    return packed


def _unpack_watch(key: str, data: Mapping[str, Any]) -> Watch:
    return Watch(
        trigger=_unpack_trigger(key, data) if "at" in data else None,
        exit=data.get("exit", 0),
        decided=_unpack_decided(*data["decided"]) if "decided" in data else None,
        parts={name: _unpack_trigger(key, part) for name, part in data.get("parts", {}).items()},
    )


def _unpack_decided(at: int, id_: str, when: int, kind: Kind, reason: str, summary: Sequence[Any] = ()) -> Decided:
    return Decided(at, id_, when, kind, reason, (summary[0], summary[1]) if summary else None)


def _pack_trigger(key: str, trigger: Trigger) -> dict[str, object]:
    packed: dict[str, object] = {"at": trigger.at, "id": trigger.id, "rev": trigger.revision}
    if trigger.due:
        packed["due"] = trigger.due
    if trigger.shown != (key or None):
        packed["shown"] = trigger.shown
    if trigger.event:
        packed["event"] = trigger.event
    return packed


def _unpack_trigger(key: str, data: Mapping[str, Any]) -> Trigger:
    shown = data.get("shown", key or None)
    return Trigger(data["at"], data["id"], data.get("due", 0), data["rev"], shown, data.get("event", {}))
