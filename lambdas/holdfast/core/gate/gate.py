"""Between due and sent: may the message go now?

`decide` is pure. It looks at the campaign's rules, the stack's policy, the user's profile, what was lately sent to this
user, and `now`, and answers with one of three:

    Send       with the variant
    Wait       until a time, with a reason
    Withhold   with a reason

The first "no" counts, in this order: audience, start and end, again too soon, the campaign's cap, the stack's caps,
hours, control groups. The control groups come last on purpose: whoever is in one would have got the message at this
very moment, so comparing both is fair. (Paused, deleted and in doubt come before all of these, in the fold.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from holdfast.core.events import Json
from holdfast.core.gate import chance
from holdfast.core.gate.hours import USER, Hours, opens, zone
from holdfast.core.gate.policy import Cap, Policy
from holdfast.core.gate.rules import Rules
from holdfast.core.plans.plan import search, truthy
from holdfast.core.times import format_duration

UTC = ZoneInfo("UTC")

AUDIENCE = "audience"
EARLY = "before its start"
LATE = "after its end"
AGAIN = "again too soon"
CAPPED = "capped"
OUTSIDE = "outside hours"
CONTROL = "control group"
CONTROL_OF_ALL = "control group of the stack"


class Sent(NamedTuple):
    """A message that went to this user, or would have gone but for a control group. `key` is the constant value's."""

    at: int
    campaign: str
    key: str


class Send(NamedTuple):
    variant: str = ""


class Wait(NamedTuple):
    """`until` is epoch milliseconds, later than now."""

    until: int
    reason: str


class Withhold(NamedTuple):
    reason: str


Answer: TypeAlias = Send | Wait | Withhold


class Due(NamedTuple):
    """A message that is due: to whom, of which campaign, for which constant value, and what was kept of its trigger."""

    user: str
    campaign: str
    key: str
    event: Mapping[str, Json]


def decide(
    due: Due, rules: Rules, policy: Policy, profile: Mapping[str, Json], sent: Sequence[Sent], now: int
) -> Answer:
    """`sent` holds at least what lies within the longest of the rules' and policy's times. Times: epoch milliseconds."""
    exempt = due.campaign in policy.exempt
    if rules.audience and not _in_audience(rules.audience, profile, due.event):
        return Withhold(AUDIENCE)
    if now < rules.start:
        return Withhold(EARLY)
    if rules.end and now >= rules.end:
        return Withhold(LATE)
    if rules.again_after and (last := _last(sent, due)) is not None and now < last + rules.again_after:
        return Withhold(AGAIN)
    own = [each for each in sent if each.campaign == due.campaign]
    counted = [each for each in sent if each.campaign not in policy.exempt]
    if reason := _capped(rules.per_user, own, now) or (not exempt and _capped(policy.per_user, counted, now)):
        return Withhold(reason)
    hours = rules.hours or (None if exempt else policy.hours)
    if hours and (until := opens(hours, now, _zone_of(hours, policy, profile))) > now:
        return Wait(until, OUTSIDE) if hours.wait else Withhold(OUTSIDE)
    if not exempt and chance.in_control(policy.control, due.user):
        return Withhold(CONTROL_OF_ALL)
    if chance.in_control(rules.control, due.user, due.campaign):
        return Withhold(CONTROL)
    return Send(chance.variant(rules.variants, due.user, due.campaign) if rules.variants else "")


def _in_audience(audience: str, profile: Mapping[str, Json], event: Mapping[str, Json]) -> bool:
    """Whether the user belongs to it. An audience that cannot be computed for a user is one that the user is not in."""
    try:
        return truthy(search(audience)({"Profile": dict(profile), "Event": dict(event)}))
    except (ValueError, TypeError, ArithmeticError):
        return False


def _last(sent: Iterable[Sent], due: Due) -> int | None:
    """When a message about the same value of the same campaign went last."""
    return max((each.at for each in sent if (each.campaign, each.key) == (due.campaign, due.key)), default=None)


def _capped(caps: Iterable[Cap], sent: Sequence[Sent], now: int) -> str:
    """Why no more may go now: the cap that is full, and the message that filled it. Empty where there is room."""
    for cap in caps:
        lately = [each for each in sent if now - cap.within < each.at]
        if len(lately) >= cap.at_most:
            last = max(lately)
            return f"{CAPPED}: {cap.at_most} in {format_duration(cap.within)}, the last was {last.campaign}"
    return ""


def _zone_of(hours: Hours, policy: Policy, profile: Mapping[str, Json]) -> ZoneInfo:
    """The hours' own zone; or the user's (`Profile.timezone`), else the policy's, else UTC."""
    names = [profile.get("timezone"), policy.zone] if hours.zone == USER else [hours.zone, policy.zone]
    return next((found for name in names if isinstance(name, str) and (found := zone(name))), UTC)


def horizon(rules: Rules, policy: Policy) -> int:
    """How long after a message the gate may still ask for it (milliseconds); 0 where it never asks."""
    return max((rules.again_after, *(cap.within for cap in (*rules.per_user, *policy.per_user))), default=0)
