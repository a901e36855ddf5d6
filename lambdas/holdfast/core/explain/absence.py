"""Why nothing came of a user's events, beyond what the state says: in sentences, from what is at hand anyway.

Nothing is written for this while events are folded. That an event was rejected stands in the rejected queue, that a
name is one which no campaign has stands among the names that were seen, and a user of whom nothing is kept was never
seen. An event that was too old leaves no trace: the sentence on it says what the campaigns ignore.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from holdfast.core.authoring.basics import did_you_mean
from holdfast.core.events import event_key
from holdfast.core.plans.plan import Plan
from holdfast.core.times import format_duration

MOST = 5
"""Rejected records that are told of, latest first."""


class Refused(NamedTuple):
    """A record of the user that was rejected: the reason, and when (as a text, in the reader's zone)."""

    reason: str
    when: str


def absence(
    user: str, plans: Mapping[str, Plan], *, known: bool, rejected: Sequence[Refused], seen: Iterable[str]
) -> list[str]:
    """`known` is whether anything is kept of the user, `seen` are the names of events that came in, of any user."""
    told = [f"rejected at {each.when}: {each.reason}" for each in rejected[:MOST]]
    if len(rejected) > MOST:
        told.append(f"{len(rejected) - MOST} more were rejected: holdfast rejected list --user {user}")
    if not known and not rejected:
        told.append(f"{user} was never seen: neither with an event that a campaign names nor with a profile")
    if known or rejected:
        return told
    named = {event: plan.name_of(key) for plan in plans.values() for key, event in _events(plan)}
    other = ((name, did_you_mean(name, named.values())) for name in sorted(seen) if event_key(name) not in named)
    told += [f"{name!r} came in, and no campaign names it{hint}" for name, hint in other if hint]
    ages = {plan.max_age for plan in plans.values()}
    if ages:
        told.append(f"a trigger that arrives more than {format_duration(min(ages))} after it happened opens nothing")
    return told


def _events(plan: Plan) -> list[tuple[str, str]]:
    return [(key, plan.events.get(key, key)) for key in (*plan.did, *plan.did_not)]
