"""What a campaign would send to one user: the pairs, where each of their variables came from, and the whole detail.

The occurrence is one that a user's state holds (`latest`), or one that is made up (`made_up`): its events are read and
folded like any others, so a preview also finds what would keep them from being a trigger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import NamedTuple

from holdfast.core import template_trace
from holdfast.core.events import Event, Json, event_key
from holdfast.core.fold import fold
from holdfast.core.messages import context, detail, detail_type
from holdfast.core.plans import Hit, Plan, Plans
from holdfast.core.revisions import outlook
from holdfast.core.template_trace import Traced
from holdfast.core.watches import Decision, State


class NoMessage(ValueError):
    """Why the events given make no message, said to a person."""


class Preview(NamedTuple):
    """What would go on the bus. `reason` is why it would be withheld, empty for a message; `values` by key."""

    user: str
    plan: Plan
    decision: Decision
    values: Mapping[str, Traced]
    reason: str
    detail_type: str
    detail: Mapping[str, Json]

    def to_json(self) -> dict[str, Json]:
        return {
            "user": self.user,
            "campaign": self.plan.id,
            "revision": self.plan.revision,
            "sent": not self.reason,
            "reason": self.reason or None,
            "values": {key: asdict(traced) for key, traced in self.values.items()},
            "event": dict(self.decision.event),
            "detail_type": self.detail_type,
            "detail": dict(self.detail),
        }


def preview(plan: Plan, user: str, decision: Decision, profile: Mapping[str, Json]) -> Preview:
    """Raises nothing, whatever the templates are: what is wrong with one is in its `Traced`."""
    values = template_trace.preview(plan.values, context(decision, plan, profile), events=plan.did)
    reason = next((why for key, each in values.items() if (why := _why_not(key, each))), "")
    texts = {key: each.text for key, each in values.items() if each.text is not None}
    body = detail(user, decision, plan=plan, profile=profile, values=None if reason else texts, reason=reason)
    return Preview(
        user, plan, decision, values, reason, detail_type("withhold" if reason else "send", plan), detail=body
    )


def _why_not(key: str, traced: Traced) -> str:
    return traced.reason or (f"refused: {key} {traced.error.message}" if traced.error else "")


def latest(plan: Plan, state: State, outbox: Iterable[Decision] = ()) -> Decision | None:
    """The newest occurrence of which enough is kept to show its message: one that is still open, or of the `outbox`
    that was saved with the state.
    """
    kept = [each for each in outbox if each.campaign == plan.id and each.kind == "send"]
    newest = max(outlook(state, plan).values(), key=lambda each: each.mark, default=None)
    return newest or max(kept, key=lambda each: each.mark, default=None)


def made_up(plan: Plan, events: Iterable[Event]) -> Decision:
    """What comes of a user's events, if they arrive as they happen, and nothing after them. Raises NoMessage."""
    plans = Plans([replace(plan, paused=False, settle=0)])
    state, decisions = State(), list[Decision]()
    for event in sorted(events, key=lambda event: event.at):
        hits = _read(plan, plans, event)
        state, decided = fold(state, hits, plans, event.at)
        decisions += decided
    decisions += outlook(state, plan).values()
    if sends := [each for each in decisions if each.kind == "send"]:
        return max(sends, key=lambda each: each.mark)
    watches = [watch for _, _, watch in state.all()]
    if any(watch.trigger for watch in watches):
        raise NoMessage(f"{_names(plan, plan.did_not)} is among the events: no message")
    seen = {name for watch in watches for name in watch.parts}
    raise NoMessage(f"a message takes {_names(plan, [name for name in plan.did if name not in seen])} as well")


def _read(plan: Plan, plans: Plans, event: Event) -> list[Hit]:
    hits, problems = plans.read(event._replace(arrived=event.at))
    if problems:
        raise NoMessage(problems[0].reason)
    if not plans.name(event.name):
        raise NoMessage(f"{plan.id} does not name {event.name!r}; it names {_names(plan, [*plan.did, *plan.did_not])}")
    if not hits:
        key = event_key(event.name)
        raise NoMessage(f"{event.name!r} does not pass the campaign's filter: {plan.where.get(key, '')}")
    return hits


def _names(plan: Plan, keys: Iterable[str]) -> str:
    return ", ".join(plan.names.get(key, key) for key in keys)
