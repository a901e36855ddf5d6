"""A campaign's message to one user: the pairs, where each of their variables came from, and the whole detail.

The occurrence is one that a user's state holds (`latest`), or one that is made up (`made_up`): its events are read and
folded like any others, so a preview also finds what would keep them from being a trigger.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, NamedTuple

from holdfast.core.events import Event, Json, Record, Rejected, canonical, event_key
from holdfast.core.explain.comparison import outlook
from holdfast.core.fold.asking import Gate, Known
from holdfast.core.fold.fold import fold
from holdfast.core.fold.watches import Decision, State
from holdfast.core.gate.gate import Answer, Wait, Withhold, zone_of
from holdfast.core.gate.policy import NONE as NO_POLICY
from holdfast.core.gate.policy import Policy
from holdfast.core.gate.rules import NONE
from holdfast.core.intake.forms import records
from holdfast.core.messages.detail import NOTHING_FOUND, Found
from holdfast.core.messages.rendering import ToRender, outcome
from holdfast.core.places import campaign_of
from holdfast.core.plans.hits import Hit
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.ranking import Recommender
from holdfast.core.templates import trace as template_trace
from holdfast.core.templates.templates import Withheld
from holdfast.core.templates.trace import Traced

NOTHING_KNOWN = State()


class NoMessage(ValueError):
    """Why the given events lead to no message, for people."""


class Preview(NamedTuple):
    """The event for the bus. `reason` says why it would be withheld; it is empty for a message. `values` are by key."""

    user: str
    plan: Plan
    decision: Decision
    values: Mapping[str, Traced]
    reason: str
    detail_type: str
    detail: Mapping[str, Json]
    found: Found = NOTHING_FOUND

    def recommended(self) -> dict[str, Json]:
        """Items by recommendation, each with its score, and because of which of the user's items, seen when."""
        told: dict[str, Json] = {}
        for name, shown in self.found.recommended.items():
            seen = self.decision.recent.get(name, {})
            told[name] = [
                {**row.why._asdict(), "name": row.row.get("Name"), "seen_at": seen.get(row.why.because or "")}
                for row in shown
            ]
        return told

    def to_json(self) -> dict[str, Json]:
        return {
            "user": self.user,
            "campaign": self.plan.id,
            "revision": self.plan.revision,
            "variant": self.plan.variant or None,
            "sent": not self.reason,
            "reason": self.reason or None,
            "values": {key: asdict(traced) for key, traced in self.values.items()},
            "event": dict(self.decision.event),
            "detail_type": self.detail_type,
            "detail": dict(self.detail),
        }


class MarkedAsTest(NamedTuple):
    """A message that is only a test: its detail type, its detail, and that as text."""

    detail_type: str
    detail: dict[str, Any]
    text: str


def as_test(shown: Preview, now: int) -> MarkedAsTest:
    """The message of a preview, to be put on the bus by hand. No rule on the campaign's own detail type fires on it.

    It has an id of its own: a consumer that drops repeats must not drop the real message later.
    """
    body: dict[str, Any] = json.loads(json.dumps(shown.detail))
    body["metadata"]["id"] = hashlib.sha256(canonical(["test", body["metadata"]["id"], now]).encode()).hexdigest()[:32]
    body["metadata"]["test"] = True
    return MarkedAsTest(f"{shown.detail_type} Test", body, json.dumps(body, ensure_ascii=False))


def rule_pattern(plan: Plan, source: str) -> dict[str, Json]:
    """An event pattern for a rule that catches what the campaign sends."""
    return {
        "source": [source],
        "detail-type": [plan.detail_type],
        "detail": {"metadata": {"campaign": [plan.id]}},
    }


def preview(
    plan: Plan, user: str, decision: Decision, profile: Mapping[str, Json], found: Found = NOTHING_FOUND
) -> Preview:
    """The message for this user, in the user's variant. Never raises: a mistake in a template is in its `Traced`."""
    if variant := plan.variant_of(user):
        plan, decision = plan.varied(variant), decision._replace(variant=variant)
    values: dict[str, Traced] = {}

    def render(objects: Mapping[str, Json]) -> Mapping[str, Json]:
        values.update(
            template_trace.preview(plan.values, objects, events=plan.did, catalogs=plan.catalogs, types=plan.types)
        )
        for key, each in values.items():
            if why := _why_not(key, each):
                raise Withheld(why, key)
        return {key: each.text if each.type == "text" else each.value for key, each in values.items()}

    made = outcome(ToRender(user, decision, plan), profile, found, render)
    return Preview(user, plan, decision, values, made.reason, made.detail_type, made.detail, found)


def answer(
    plan: Plan,
    user: str,
    decision: Decision,
    profile: Mapping[str, Json],
    state: State,
    policy: Policy = NO_POLICY,
) -> Answer:
    """The gate's answer for the message when it is due. `state` is the user's state so far."""
    gate = Gate(state.sent, state.watches, Plans([plan], policy=policy), Known(user, profile), decision.when)
    return gate.answer(plan, decision.key, decision.event)


def answered(plan: Plan, profile: Mapping[str, Json], said: Answer, policy: Policy = NO_POLICY) -> str:
    """The answer as a sentence, with the time on the user's wall; empty where the message may go."""
    hours = plan.rules.hours or policy.hours
    match said:
        case Withhold(reason):
            return f"When it is due, it would be withheld: {reason}"
        case Wait(until, reason) if hours:
            zone = zone_of(hours, policy, profile)
            place = str(zone).rpartition("/")[2].replace("_", " ")
            at = datetime.fromtimestamp(until / 1000, zone)
            return f"When it is due, it would wait until {at:%H:%M} in {place} ({at:%Y-%m-%d}): {reason}"
    return ""


def _why_not(key: str, traced: Traced) -> str:
    return traced.reason or (f"refused: {key} {traced.error.message}" if traced.error else "")


def latest(plan: Plan, state: State, outbox: Iterable[Decision] = ()) -> Decision | None:
    """The newest occurrence of which enough is kept to show its message: one that is still open, or of the `outbox`
    that was saved with the state.
    """
    kept = [each for each in outbox if each.campaign == plan.id and each.kind == "send"]
    coming = [
        each
        for place in state.watches
        if campaign_of(place) == plan.id
        for each in outlook(state, plan, place).values()
    ]
    newest = max(coming, key=lambda each: each.mark, default=None)
    return newest or max(kept, key=lambda each: each.mark, default=None)


def read_events(given: Json, plan: Plan, user: str, now: int) -> list[Event]:
    """Events in any form. A plain one may lack user and time; properties alone are those of a trigger.

    Raises NoMessage.
    """
    events: list[Event] = []
    for each in given if isinstance(given, list) else [given]:
        if not isinstance(each, dict):
            raise NoMessage("an event is a JSON object, of its properties at least")
        found = _records(each, now)
        if not any(isinstance(record, Event) for record in found):
            did = plan.did[:1] if plan.any_of else plan.did
            own = plan.events
            said = each.get("event")
            names: list[Json] = [own.get(key, plan.name_of(key)) for key in did]
            if "event" in each:
                names = [own.get(event_key(said), said) if isinstance(said, str) else said]
            found = [record for name in names for record in _records({"user": user, **each, "event": name}, now)]
        for record in found:
            if not isinstance(record, Event):
                raise NoMessage(record.reason if isinstance(record, Rejected) else "that is not an event")
            events.append(record._replace(user=user))
    return events


def _records(given: Json, now: int) -> list[Record]:
    return records(json.dumps(given), now)


def made_up(
    plan: Plan, events: Iterable[Event], recommenders: Iterable[Recommender] = (), known: State = NOTHING_KNOWN
) -> Decision:
    """The message that a user's events lead to, if they arrive as they happen and nothing follows. Raises NoMessage.

    Of what is `known` of the user, the latest items count for recommendations.
    """
    plans = Plans([replace(plan, paused=False, settle=0, rules=NONE)], recommenders)
    state, decisions = known._replace(watches={}, floors={}, ends={}, doubts={}), list[Decision]()
    for event in sorted(events, key=lambda event: event.at):
        hits = _read(plan, plans, event)
        state, decided = fold(state, [*hits, *plans.seen(event)], plans, event.at)
        decisions += decided
    decisions += outlook(state, plan).values()
    if sends := [each for each in decisions if each.kind == "send"]:
        return max(sends, key=lambda each: each.mark)
    watches = [watch for _, _, watch in state.all()]
    if any(watch.trigger for watch in watches):
        raise NoMessage(f"{_names(plan, plan.did_not)} is among the events: no message")
    if state.ends:
        raise NoMessage(f"{_names(plan, plan.every or plan.snapshots)} ends all of it: no message")
    seen = {name for watch in watches for name in watch.parts}
    raise NoMessage(f"a message takes {_names(plan, [name for name in plan.did if name not in seen])} as well")


def _read(plan: Plan, plans: Plans, event: Event) -> list[Hit]:
    hits, problems = plans.read(event._replace(arrived=event.at))
    if problems:
        raise NoMessage(problems[0].reason)
    if not plans.name(event.name):
        raise NoMessage(f"{plan.id} does not name {event.name!r}; it names {_names(plan, [*plan.did, *plan.did_not])}")
    if not hits:
        keys = [key for key in (*plan.did, *plan.did_not) if plan.events.get(key, key) == event_key(event.name)]
        filters = "; ".join(plan.where[key] for key in keys if key in plan.where)
        raise NoMessage(f"{event.name!r} does not pass the campaign's filter: {filters}")
    return hits


def _names(plan: Plan, keys: Iterable[str]) -> str:
    return ", ".join(map(plan.name_of, keys))
