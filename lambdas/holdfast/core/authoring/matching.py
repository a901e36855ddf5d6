"""Are the constant properties of sample events equal? What an editor shows while a path is being chosen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from holdfast.core.events import Event, Json, event_key
from holdfast.core.plans.hits import Hit
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans


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
    """The last sample of each kind of event counts; if a filter tells kinds apart, the last one that passes it."""
    samples = sorted(events, key=lambda event: event.at)
    hits: dict[str, Hit] = {}
    problems: dict[str, str] = {}
    for key in (*plan.did, *plan.did_not):
        named = [each for each in samples if event_key(each.name) == plan.events.get(key, key)]
        found, refused = _last(_alone(plan, key), named)
        if found:
            hits[key] = found
        elif refused:
            problems[_name(plan, key)] = refused
        elif named:
            problems[_name(plan, key)] = f"does not pass the filter {plan.where.get(key, '')}"
    by_event = {_name(plan, key): [*hit.values.values()] for key, hit in hits.items()}
    by_event |= {_name(plan, key): ["every value"] for key in hits if key in plan.every}
    match = _match(plan, hits) if len(hits) > 1 else None
    return Matching(by_event, problems, match, _text(by_event, problems, match))


def _alone(plan: Plan, key: str) -> Plans:
    """The campaign as if it named this event alone."""
    exit_ = key in plan.did_not
    did, did_not = ((), (key,)) if exit_ else ((key,), ())
    return Plans([replace(plan, did=did, did_not=did_not, any_of=False)])


def _last(plans: Plans, samples: list[Event]) -> tuple[Hit | None, str]:
    """The last sample that the campaign reads; or why it does not read the last one."""
    refused = ""
    for sample in reversed(samples):
        found, problems = plans.read(sample)
        if found:
            return found[0], ""
        refused = refused or (problems[0].reason if problems else "")
    return None, refused


def _match(plan: Plan, hits: Mapping[str, Hit]) -> bool:
    """All triggers have a value in common (of several of which any will do, each one), and each exit one of those."""
    triggers = [set(hit.values) for key, hit in hits.items() if key in plan.did]
    exits = [set(hits[key].values) for key in plan.did_not if key in hits and key not in plan.every]
    if not triggers:
        common, *exits = exits or [set()]
    else:
        common = set.union(*triggers) if plan.any_of else set.intersection(*triggers)
    return (bool(common) or not exits) and all(common & values for values in exits)


def _name(plan: Plan, key: str) -> str:
    return plan.name_of(key)


def _text(by_event: Mapping[str, list[Json]], problems: Mapping[str, str], match: bool | None) -> str:
    told = [f"{name}: {_shown(values)}" for name, values in by_event.items()]
    told += [f"{name}: {problem}" for name, problem in problems.items()]
    verdict = {True: "they match", False: "they do not match", None: "nothing to compare yet"}[match]
    return "; ".join([*told, verdict])


def _shown(values: list[Json]) -> str:
    return ", ".join(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values)
