"""The rules at the top of `fold.py`, read word for word: slow, and meant to be obviously right.

Every event that was folded is kept for ever, and so is every decision. Whenever something is to be decided, all of them
are looked at anew. Nothing here is merged, pruned or incremental, and nothing is shared with the code under test but
the words (`Event`, `Plan`); what JMESPath finds in an event comes in as plain Python functions (`Reading`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from holdfast.core.events import Event, Json, event_id, event_key
from holdfast.core.plans.plan import Plan

UNREADABLE = "Items[?size == `1`].prod_name"
"""Where the one campaign of the tests that cannot read all of its exits looks for the value."""


class Reading(NamedTuple):
    """The reading of an event by a campaign: the constant values (rows of one, or of several for a composite key), or
    None where it has no constant; whether its `where` lets the event pass; and under which of its own names it knows
    the event. No rows mean that the event cannot be read.
    """

    rows: Callable[[Event], list[tuple[Json, ...]]] | None
    where: Callable[[Event], bool] = lambda _: True
    names: Callable[[Event], list[str]] = lambda event: [event_key(event.name)]


class Occurrence(NamedTuple):
    """An occurrence of what was watched for: the last event of it, and when it may be decided."""

    at: int
    id: str
    due: int
    shown: Json
    kept: Mapping[str, Json]


class Said(NamedTuple):
    """One decision, comparable with the fold's."""

    kind: str
    campaign: str
    key: str
    at: int
    id: str
    when: int
    reason: str = ""
    shown: Json = None
    kept: Mapping[str, Json] = {}
    items: Mapping[str, list[str]] = {}


class Known(NamedTuple):
    """An event that was folded: what orders it (its time, then its id), and the constant values it bears: by what makes
    them equal, as it wrote them.
    """

    event: Event
    name: str
    mark: tuple[int, str]
    values: Mapping[str, Json]


class BruteForce:
    def __init__(
        self, readings: Mapping[str, Reading], items: Mapping[str, Callable[[Event], list[tuple[Json, ...]]]]
    ) -> None:
        self.readings = readings
        self.items = items
        self.all: list[Event] = []
        self.plans: dict[str, Plan] = {}
        self.known: dict[str, list[Known]] = {campaign: [] for campaign in readings}
        self.unreadable: dict[str, list[Event]] = {campaign: [] for campaign in readings}
        self.said: list[Said] = []

    def fold(self, events: Iterable[Event], *, tick: bool, plans: Mapping[str, Plan], now: int) -> list[Said]:
        """First all events become known; then, if there is a tick, all that is due is decided."""
        before = len(self.said)
        self.plans.update(plans)
        touched = set()
        for event in events:
            self.all.append(event)
            for campaign, plan in plans.items():
                for name in self.readings[campaign].names(event):
                    if name in plan.did + plan.did_not and self.readings[campaign].where(event):
                        self._know(plan, event, name, now)
                        touched.add(campaign)
        for campaign in self.plans:
            plan_now = plans.get(campaign)
            at_once = plan_now is not None and not plan_now.did_not and not plan_now.within
            if tick or (at_once and campaign in touched):
                self._decide(campaign, plan_now, now)
        return self.said[before:]

    def _know(self, plan: Plan, event: Event, name: str, now: int) -> None:
        values = {} if name in plan.every else self._values(plan.id, event)
        if not values and name not in plan.every:
            self.unreadable[plan.id].append(event)
            return
        known = Known(event, name, (event.at, event_id(event)), values)
        self.known[plan.id].append(known)
        for key in self._keys(plan.id):
            if self._ends(plan, known, key):
                self._take_back(plan, known, key, now)

    def _keys(self, campaign: str) -> set[str]:
        return {key for known in self.known[campaign] for key in known.values}

    def _ends(self, plan: Plan, each: Known, key: str) -> bool:
        """Whether an event is an exit for a value: one that bears it, one for every value, or a snapshot without it."""
        if each.name in plan.did_not:
            return key in each.values or each.name in plan.every
        return each.name in plan.snapshots and key not in each.values and not _history(each.event, plan)

    def _reach(self, plan: Plan, each: Known) -> int:
        """The last trigger that it ends: one up to the grace later; of a snapshot, one that is earlier."""
        return each.event.at + (plan.grace if each.name in plan.did_not else -1)

    def pending(self, campaign: str) -> Iterator[tuple[str, Occurrence]]:
        """The values whose latest occurrence was followed by no exit and by no decision."""
        for key in self._keys(campaign):
            found = self._occurrence(campaign, key)
            if found and not self._exited(campaign, key, found) and not self._decided(campaign, key, found):
                yield key, found

    def _decide(self, campaign: str, plan: Plan | None, now: int) -> None:
        for key, found in list(self.pending(campaign)):
            if found.due <= now:
                reason = "campaign gone" if plan is None else "campaign paused" if plan.paused else ""
                reason = reason or self._in_doubt(campaign, found)
                kind = "withhold" if reason else "send"
                recent = self.recent()
                items = {name: recent.get(name, []) for name in plan.recommendations} if plan and not reason else {}
                said = Said(kind, campaign, key, found.at, found.id, now, reason, found.shown, found.kept, items)
                self.said.append(said)

    def recent(self) -> dict[str, list[str]]:
        """By recommendation, the last three different items, latest first; of equal times, the later in the alphabet.

        (A run of the machine is shorter than sixty days.)
        """
        found = {}
        for name, items in self.items.items():
            marks = sorted({(event.at, _text(item)) for event in self.all for (item,) in items(event)}, reverse=True)
            if marks:
                found[name] = list(dict.fromkeys(item for _, item in marks))[:3]
        return found

    def _take_back(self, plan: Plan, exit_: Known, key: str, now: int) -> None:
        """An exit from between trigger and message takes back the last message, unless it came too late for that."""
        about = [said for said in self.said if (said.campaign, said.key) == (plan.id, key)]
        for last in about[-1:]:
            amid = last.at <= self._reach(plan, exit_) and exit_.event.at < last.when
            in_time = exit_.event.arrived <= last.when + plan.max_age
            if last.kind == "send" and amid and in_time:
                self.said.append(Said("retract", plan.id, key, last.at, last.id, now))

    def _in_doubt(self, campaign: str, found: Occurrence) -> str:
        """Why an occurrence is withheld: the latest event that may have ended it and could not be read."""
        grace = self.plans[campaign].grace
        times = [event.at for event in self.unreadable[campaign] if event.at + grace >= found.at]
        if not times:
            return ""
        clock = datetime.fromtimestamp(max(times) / 1000, UTC)
        return f"in doubt: removed at {clock:%H:%M} could not be read ({UNREADABLE} is missing)"

    def _occurrence(self, campaign: str, key: str) -> Occurrence | None:
        """The latest event of each name in `did`, once all were seen with this value; the last of them dates it."""
        plan = self.plans[campaign]
        latest = []
        for names in [plan.did] if plan.any_of else [(name,) for name in plan.did]:
            fresh = [each for each in self._bearing(campaign, key, *names) if not _history(each.event, plan)]
            if not fresh:
                return None
            latest.append(max(fresh, key=lambda each: each.mark))
        latest.sort(key=lambda each: each.mark)
        last = latest[-1]
        arrived = max(
            min(copy.event.arrived for copy in self._bearing(campaign, key, part.name) if copy.mark == part.mark)
            for part in latest
        )
        due = max(last.event.at + plan.within, arrived + min(plan.settle, plan.within))
        kept = {
            name: part.event.properties[name] for part in latest for name in plan.keep if name in part.event.properties
        }
        return Occurrence(*last.mark, due, last.values[key], kept)

    def _exited(self, campaign: str, key: str, found: Occurrence) -> bool:
        plan = self.plans[campaign]
        return any(self._ends(plan, each, key) and self._reach(plan, each) >= found.at for each in self.known[campaign])

    def _decided(self, campaign: str, key: str, found: Occurrence) -> bool:
        about = campaign, key, found.at, found.id
        return any((said.campaign, said.key, said.at, said.id) == about for said in self.said)

    def _bearing(self, campaign: str, key: str, *names: str) -> list[Known]:
        return [each for each in self.known[campaign] if each.name in names and key in each.values]

    def _values(self, campaign: str, event: Event) -> dict[str, Json]:
        rows = self.readings[campaign].rows
        if rows is None:
            return {"": None}
        values: dict[str, Json] = {}
        for row in rows(event):
            texts = [_text(value) for value in row]
            key = texts[0] if len(row) == 1 else json.dumps(texts, separators=(",", ":"))
            values.setdefault(key, row[0] if len(row) == 1 else list(row))
        return values


def _history(event: Event, plan: Plan) -> bool:
    return event.arrived - event.at > plan.max_age


def _text(value: Json) -> str:
    """123, "123", " 123 " and 123.0 are one value."""
    return str(int(value)) if isinstance(value, float) else str(value).strip()
