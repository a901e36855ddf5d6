"""The items of publications: a plan and the fields beside it, in a form that the release before can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Generic, NamedTuple, TypeVar

from holdfast.core.gate.policy import Policy
from holdfast.core.intake import sources
from holdfast.core.intake.sources import Source, Unreadable
from holdfast.core.intake.timeline import POLICY
from holdfast.core.plans.plan import HARMLESS, LATER, MISREAD, Illegible, Plan
from holdfast.core.recommend.ranking import Recommender

TIMELINE = "timeline"
"""The partition of what the release before does not read: all in `live` it takes for a plan that it can read."""
RECOMMENDATION = "recommendation#"
SOURCE = "source#"

P = TypeVar("P", Plan, Recommender, Policy, Source)


class Published(NamedTuple, Generic[P]):
    """A revision as it stands in the table. `source` is the file; times are epoch milliseconds.

    `by` is the publisher, and `note` the reason, if given. It is in force from `since` on. `first` is the time of the
    campaign's first publication; both are 0 if an older release published it.
    """

    plan: P
    source: str
    published_at: int
    by: str = ""
    note: str = ""
    since: int = 0
    first: int = 0


def texts(plan: Plan | Recommender | Policy | Source) -> dict[str, Any]:
    if isinstance(plan, Source):  # which the release before never reads
        return {"plan": {"S": json.dumps(plan.to_json(), ensure_ascii=False)}}
    return written(plan.to_json())


def written(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan in two texts. `plan` holds the fields that release 0.1 knows: any other field would stop it for all
    campaigns. `more` holds the rest, and takes precedence.

    If 0.1 must not run the campaign without the rest, it finds it paused. So it sends nothing that hours or other exits
    would have held back; and its command line changes nothing, because `paused` beside the plan says otherwise.
    """
    more = {name: value for name, value in plan.items() if name in LATER}
    known = {name: value for name, value in plan.items() if name not in more}
    if any("match" in each for each in plan.get("constant", ())):
        known["constant"] = [{"name": each["name"], "paths": each["paths"]} for each in plan["constant"]]
    if every := more.get("every"):  # 0.1 asks the constant for the path of each event
        known["did_not"] = [name for name in plan["did_not"] if name not in every]
    if more.keys() - HARMLESS or known != {name: plan[name] for name in known}:
        known["paused"] = True
    more |= {name: plan[name] for name, value in known.items() if value != plan[name]}
    texts = {"plan": known, **({"more": more} if more else {})}
    return {name: {"S": json.dumps(text, ensure_ascii=False)} for name, text in texts.items()}


def read(item: Mapping[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = json.loads(item["more"]["S"]) if "more" in item else {}
    return {**json.loads(item["plan"]["S"]), **more}


def paused_of(published: Published[P]) -> bool:
    return isinstance(published.plan, Plan) and published.plan.paused


def numbered(revision: int) -> str:
    return f"{revision:06d}"


def is_recommendation(item: Mapping[str, Any]) -> bool:
    return str(item["sk"]["S"]).startswith(RECOMMENDATION)


def is_source(item: Mapping[str, Any]) -> bool:
    return str(item["sk"]["S"]).startswith(SOURCE)


def source_entry(item: Mapping[str, Any]) -> sources.Entry:
    """A source in force from a time on. An unreadable one affects no other."""
    id_ = str(item["sk"]["S"]).split("#")[1]
    what: Source | Unreadable | None = None
    if "deleted" not in item:
        try:
            what = Source.from_json(json.loads(item["plan"]["S"]))
        except MISREAD as error:  # of a newer release, or changed by hand
            what = Unreadable(id_, f"{type(error).__name__}: {error}")
    return sources.Entry(id_, number_in(item, "in_force_from"), what)


def as_it_was(before: Published[P]) -> dict[str, Any]:
    """The condition that nobody has replaced or paused it meanwhile."""
    # Without `paused` an item is of a release that did not write it yet.
    return {
        "ConditionExpression": "revision = :revision AND (attribute_not_exists(paused) OR paused = :paused)",
        "ExpressionAttributeValues": {
            ":revision": {"N": str(before.plan.revision)},
            ":paused": {"BOOL": paused_of(before)},
        },
    }


def waits(plan: Plan) -> int:
    """How long after an event a watch, and then its message, may wait that is read like the event."""
    return max(plan.within, plan.settle) + (plan.convert.within if plan.convert else 0)


def reading(plan: P) -> P:
    """The plan without what only messages need."""
    return replace(plan, values={}) if isinstance(plan, Plan) else plan


def space_of(plan: Plan | Recommender | Policy | Source) -> dict[str, Any]:
    """Stored beside the plan, because the release before refuses a plan that contains it. Nothing is written for the
    first space.
    """
    return {"space": {"N": str(plan.space)}} if isinstance(plan, Plan) and plan.space else {}


def placed(plan: P, item: Mapping[str, Any]) -> P:
    return replace(plan, space=number_in(item, "space")) if isinstance(plan, Plan) else plan


def name_of(item: Mapping[str, Any]) -> str:
    """The name of an item in `live`, or in `timeline`, which bears the time as well, unless it is the policy."""
    name = str(item["sk"]["S"])
    if name == POLICY:
        return name
    return name.rpartition("#")[0] if item["pk"]["S"] == TIMELINE else name


def what_of(item: Mapping[str, Any]) -> Plan | Recommender | Policy | Illegible | None:
    """The revision that an item publishes. An unreadable one affects no other."""
    if "deleted" in item:
        return None
    text = item["plan"]["S"]
    try:
        data = read(item)
        if item["sk"]["S"] == POLICY:
            return Policy.from_json(data)
        if is_recommendation(item):
            return Recommender.from_json(data)
        return replace(placed(Plan.from_json(data), item), since=first_of(item))
    except MISREAD as error:  # of a newer release, or changed by hand
        return Illegible.of(text, error)


def first_of(item: Mapping[str, Any]) -> int:
    return number_in(item, "first_from")


def number_in(item: Mapping[str, Any], name: str) -> int:
    return int(item[name]["N"]) if name in item else 0
