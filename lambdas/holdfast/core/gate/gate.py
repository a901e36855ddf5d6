"""Between due and sent: may the message go now?

`decide` is pure. It looks at the campaign's rules, the stack's policy, the user's profile, what was lately sent to this
user, and `now`, and answers with one of three:

    Send       with the variant
    Wait       until a time, with a reason
    Withhold   with a reason

The first "no" of `QUESTIONS` counts. The control groups come last on purpose: whoever is in one would have got the
message at this very moment, so comparing both is fair. (Paused, deleted and in doubt come before all of these, in the
fold.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple, TypeAlias

from holdfast.core.events import Json
from holdfast.core.gate import chance
from holdfast.core.gate.hours import USER, Hours, opens, zone
from holdfast.core.gate.policy import Cap, Policy
from holdfast.core.gate.rules import Rules
from holdfast.core.paths import search, truthy
from holdfast.core.times import format_duration

AUDIENCE = "audience"
EARLY = "before its start"
LATE = "after its end"
AGAIN = "again too soon"
CAPPED = "capped"
LAST = ", the last was "
OUTSIDE = "outside hours"
CONTROL = "control group"
CONTROL_OF_ALL = "control group of the stack"
MINUTE = "%Y-%m-%dT%H:%MZ"
"""A time within a reason, in UTC."""


class Sent(NamedTuple):
    """A message that was sent to this user, or would have been without a control group. `key` is the constant value's
    key.
    """

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


class Case(NamedTuple):
    """A message that is due at `now` (epoch milliseconds), and all that the answer depends on.

    `event` is what was kept of its trigger. `sent` goes back at least as far as `horizon` says.
    """

    user: str
    campaign: str
    key: str
    event: Mapping[str, Json]
    rules: Rules
    policy: Policy
    profile: Mapping[str, Json]
    sent: Sequence[Sent]
    now: int

    @property
    def exempt(self) -> bool:
        """Whether the policy says nothing of this campaign."""
        return self.campaign in self.policy.exempt


def decide(case: Case) -> Answer:
    for question in QUESTIONS:
        if answer := question(case):
            return answer
    weights = case.rules.variants
    return Send(chance.variant(weights, case.user, case.campaign) if weights else "")


def horizon(rules: Rules, policy: Policy) -> int:
    """How long after a message the gate may still need it (milliseconds); 0 if it never does."""
    return max((rules.again_after, *(cap.within for cap in (*rules.per_user, *policy.per_user))), default=0)


def _audience(case: Case) -> Answer | None:
    """A user for whom the audience cannot be computed is not in it."""
    audience = case.rules.audience
    if not audience:
        return None
    try:
        inside = truthy(search(audience)({"Profile": dict(case.profile), "Event": dict(case.event)}))
    except (ValueError, TypeError, ArithmeticError):
        inside = False
    return None if inside else Withhold(AUDIENCE)


def _dates(case: Case) -> Answer | None:
    if case.now < case.rules.start:
        return Withhold(EARLY)
    return Withhold(LATE) if case.rules.end and case.now >= case.rules.end else None


def _again(case: Case) -> Answer | None:
    same = (each.at for each in case.sent if (each.campaign, each.key) == (case.campaign, case.key))
    return Withhold(AGAIN) if any(case.now < at + case.rules.again_after for at in same) else None


def _caps(case: Case) -> Answer | None:
    own = [each for each in case.sent if each.campaign == case.campaign]
    counted = [] if case.exempt else [each for each in case.sent if each.campaign not in case.policy.exempt]
    return _full(case.rules.per_user, own, case.now) or _full(case.policy.per_user, counted, case.now)


def _full(caps: Iterable[Cap], sent: Sequence[Sent], now: int) -> Answer | None:
    """A full cap: the reason names it, and the message that filled it."""
    for cap in caps:
        lately = [each for each in sent if now - cap.within < each.at]
        if lately and len(lately) >= cap.at_most:
            within, last = format_duration(cap.within), max(lately)
            at = datetime.fromtimestamp(last.at / 1000, UTC)
            return Withhold(f"{CAPPED}: {cap.at_most} in {within}{LAST}{last.campaign} at {at:{MINUTE}}")
    return None


def _hours(case: Case) -> Answer | None:
    hours = case.rules.hours or (None if case.exempt else case.policy.hours)
    if hours is None or (until := opens(hours, case.now, zone_of(hours, case.policy, case.profile))) <= case.now:
        return None
    return Wait(until, OUTSIDE) if hours.wait else Withhold(OUTSIDE)


def zone_of(hours: Hours, policy: Policy, profile: Mapping[str, Json]) -> tzinfo:
    """The hours' own zone; or the user's (`Profile.timezone`), else the policy's, else UTC."""
    names = [profile.get("timezone"), policy.zone] if hours.zone == USER else [hours.zone, policy.zone]
    return next((found for name in names if isinstance(name, str) and (found := zone(name))), UTC)


def _control(case: Case) -> Answer | None:
    if not case.exempt and chance.in_control(case.policy.control, case.user):
        return Withhold(CONTROL_OF_ALL)
    return Withhold(CONTROL) if chance.in_control(case.rules.control, case.user, case.campaign) else None


QUESTIONS: tuple[Callable[[Case], Answer | None], ...] = (_audience, _dates, _again, _caps, _hours, _control)
