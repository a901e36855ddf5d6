"""The event on the bus: the detail of a message, and the id by which a consumer drops a repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from holdfast.core.catalog.rows import IDENTITY, Values
from holdfast.core.events import Json, canonical_bytes
from holdfast.core.fold.watches import Conversion, Decision, Kind
from holdfast.core.plans.plan import Plan
from holdfast.core.recommend.ranking import Recommended

SCHEMA = "1"


class Shown(NamedTuple):
    """A row that is recommended, and why."""

    row: Values
    why: Recommended


class Found(NamedTuple):
    """The data of one message: catalog rows by catalog, recommended items by recommendation."""

    catalog: Mapping[str, Json] = {}
    recommended: Mapping[str, Sequence[Shown]] = {}


NOTHING_FOUND = Found()

_SUFFIX: Mapping[Kind, str] = {
    "send": "",
    "withhold": " Withheld",
    "retract": " Retracted",
    "convert": " Converted",
    "unconvert": " Conversion Retracted",
}


MAX_ENTRY_BYTES: Final = 1 << 20
"""The largest entry of PutEvents."""
ENTRY_OVERHEAD: Final = 256
"""Its source, bus and time are counted too."""


def too_large(detail_type: str, detail: str) -> str:
    """Why the bus would refuse such an entry, with its size; empty if it would accept it."""
    if len(detail) < MAX_ENTRY_BYTES // 8:  # at four bytes a character it fits
        return ""
    size = len(detail.encode()) + len(detail_type.encode()) + ENTRY_OVERHEAD
    return f"limit: {size:,} bytes; the bus takes {MAX_ENTRY_BYTES:,}" if size > MAX_ENTRY_BYTES else ""


def message_id(user: str, decision: Decision) -> str:
    """32 hex digits: the same for every decision on one (campaign, user, constant value, trigger occurrence)."""
    occurrence = [decision.campaign, user, decision.key, decision.at, decision.id]
    return hashlib.sha256(canonical_bytes(occurrence)).hexdigest()[:32]


def detail_type(kind: Kind, plan: Plan | None) -> str:
    return (plan.detail_type if plan else "Personalized Message") + _SUFFIX[kind]


def detail(
    user: str,
    decision: Decision,
    *,
    plan: Plan | None,
    profile: Mapping[str, Json],
    values: Mapping[str, Json] | None = None,
    reason: str = "",
    found: Found = NOTHING_FOUND,
) -> dict[str, Json]:
    """The `Detail` of the event on the bus. `values` is there for a send, `reason` for a withhold."""
    body: dict[str, Json] = {
        "metadata": {
            "id": message_id(user, decision),
            "campaign": decision.campaign,
            "revision": plan.revision if plan else decision.revision,
            "variant": decision.variant or None,
            "decided_at": iso(decision.when),
            "schema": SCHEMA,
        },
        "user": {"identity": user, **_reached(profile)},
        "constant": _constant(decision, plan),
    }
    if values is not None:
        body["values"] = dict(values)
        if found.recommended:
            body["recommendations"] = {
                name: [each.row[IDENTITY] for each in shown] for name, shown in found.recommended.items()
            }
    if reason:
        body["reason"] = reason
    if decision.conversion:
        body["conversion"] = _conversion(decision.conversion)
    return body


def _conversion(conversion: Conversion) -> dict[str, Json]:
    """The purchase that counts now; for a retracted conversion, the purchase that counted."""
    bought = conversion.bought or conversion.before
    told: dict[str, Json] = {"sent_at": iso(conversion.sent)}
    if bought:
        told |= {"at": iso(bought.at), "amount": bought.amount, "currency": bought.currency or None}
    return {**told, "group": conversion.control} if conversion.control else told


def iso(at: int) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _reached(profile: Mapping[str, Json]) -> dict[str, Json]:
    """The user's contact data, under Segment's or CleverTap's names: `email` or `Email`."""
    names = ((name, next((n for n in (name, name.capitalize()) if n in profile), "")) for name in REACHED)
    return {name: profile[found] for name, found in names if found}


REACHED: Final = ("email", "phone", "name")


def _constant(decision: Decision, plan: Plan | None) -> Json:
    """The constant's name and value. A summary has the values, newest first, and their number if that is larger."""
    if decision.shown is None:
        return None
    names = [constant.name for constant in plan.constant] if plan else []
    constant: dict[str, Json] = {"name": names[0] if len(names) == 1 else list(names), "value": decision.shown}
    if decision.events:
        constant["open"] = decision.open
    return constant


def context(
    decision: Decision, plan: Plan, profile: Mapping[str, Json], found: Found = NOTHING_FOUND
) -> dict[str, Json]:
    """The objects that a campaign's templates can name."""
    return {
        "Profile": dict(profile),
        "Event": dict(decision.event),
        "Events": [dict(event) for event in decision.events] or [dict(decision.event)],
        "ConstantEventProperty": decision.shown,
        "TriggeredAt": iso(decision.at),
        "DecidedAt": iso(decision.when),
        "Campaign": {"id": plan.id, "name": plan.name, "revision": plan.revision},
        "Catalog": dict(found.catalog),
        "Recommendations": {
            name: [dict(each.row) for each in shown] or None for name, shown in found.recommended.items()
        },
    }
