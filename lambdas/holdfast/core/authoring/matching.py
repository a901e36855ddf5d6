"""Are the constant properties of sample events equal? What an editor shows while a path is being chosen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from holdfast.core.events import Event, Json, event_key
from holdfast.core.plans.plan import EXIT, Hit, Plan, Plans


class Matching(NamedTuple):
    """By event, as the campaign names it: the constant values its last sample bears, as that wrote them.

    `match` is whether all of them have a value in common; None where there are samples of fewer than two events.
    """

    by_event: Mapping[str, list[Json]]
    problems: Mapping[str, str]
    match: bool | None
    text: str

    def to_json(self) -> dict[str, Json]:
        return {
            "by_event": {name: list(values) for name, values in self.by_event.items()},
            "problems": dict(self.problems),
            "match": self.match,
            "text": self.text,
        }


def matching(plan: Plan, events: Iterable[Event]) -> Matching:
    """Of each kind of event, the last sample counts."""
    plans = Plans([plan])
    last: dict[str, Event] = {}
    for event in sorted(events, key=lambda event: event.at):
        last[event_key(event.name)] = event
    hits: dict[str, Hit] = {}
    problems: dict[str, str] = {}
    for key in (*plan.did, *plan.did_not):
        if key in last:
            found, refused = plans.read(last[key])
            if refused:
                problems[_name(plan, key)] = refused[0].reason
            elif not found:
                problems[_name(plan, key)] = f"does not pass the filter {plan.where.get(key, '')}"
            else:
                hits[key] = found[0]
    by_event = {_name(plan, key): [*hit.values.values()] for key, hit in hits.items()}
    match = _match(plan, hits) if len(hits) > 1 else None
    return Matching(by_event, problems, match, _text(by_event, problems, match))


def _match(plan: Plan, hits: Mapping[str, Hit]) -> bool:
    """All triggers have a value in common, and each exit one of those."""
    common: set[str] | None = None
    for hit in hits.values():
        if hit.part != EXIT:
            common = set(hit.values) if common is None else common & set(hit.values)
    exits = [set(hits[key].values) for key in plan.did_not if key in hits]
    if common is None:
        common, *exits = exits
    return bool(common) and all(common & values for values in exits)


def _name(plan: Plan, key: str) -> str:
    return plan.names.get(key, key)


def _text(by_event: Mapping[str, list[Json]], problems: Mapping[str, str], match: bool | None) -> str:
    told = [f"{name}: {_shown(values)}" for name, values in by_event.items()]
    told += [f"{name}: {problem}" for name, problem in problems.items()]
    verdict = {True: "they match", False: "they do not match", None: "nothing to compare yet"}[match]
    return "; ".join([*told, verdict])


def _shown(values: list[Json]) -> str:
    return ", ".join(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values)
