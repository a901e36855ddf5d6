"""Why nothing came of a user's events, beyond what the state says: in sentences, from what is at hand anyway.

Nothing is written for this while events are folded, so it costs nothing.

| cause                           | known from                                              |
|---------------------------------|---------------------------------------------------------|
| it was rejected                 | the rejected queue, with the reason                     |
| a property is missing           | the same: the reason names it                           |
| a name that no campaign has     | the names that were seen, of any user                   |
| the user was never seen         | nothing is kept of the user                             |
| it was too old (`max_age`)      | nothing: the sentence says what the campaigns ignore    |
| it did not pass a filter        | nothing: the sentence says what the campaigns filter    |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from holdfast.core.authoring.basics import did_you_mean
from holdfast.core.events import event_key
from holdfast.core.plans.plan import Plan
from holdfast.core.times import format_duration

MOST = 5
"""The number of rejected records that are shown, latest first."""


class Refused(NamedTuple):
    """A rejected record of the user: the reason, and the time (as text, in the reader's zone)."""

    reason: str
    when: str


def absence(
    user: str,
    plans: Mapping[str, Plan],
    *,
    known: bool,
    rejected: Sequence[Refused],
    seen: Iterable[str],
    silent: Collection[str] = (),
) -> list[str]:
    """`known` says whether anything is stored about the user; `seen` are the names of events of any user. `silent` are
    the campaigns without a memory of a known user.
    """
    told = [f"rejected at {each.when}: {each.reason}" for each in rejected[:MOST]]
    if len(rejected) > MOST:
        told.append(f"{len(rejected) - MOST} more were rejected: holdfast rejected list --user {user}")
    if not known and not rejected:
        told.append(f"{user} was never seen: neither with an event that a campaign names nor with a profile")
    quiet = [plan for plan in plans.values() if not known or plan.id in silent]
    if not quiet:
        return told
    named = {event: plan.name_of(key) for plan in plans.values() for key, event in _events(plan)}
    other = ((name, did_you_mean(name, named.values())) for name in sorted(seen) if event_key(name) not in named)
    told += [f"{name!r} came in, and no campaign names it{hint}" for name, hint in other if hint]
    for age in sorted({plan.max_age for plan in quiet}):
        of = _some([plan.id for plan in quiet if plan.max_age == age])
        after = f"more than {format_duration(age)} after it happened (max_age)"
        told.append(f"a trigger of {of} that arrives {after} opens nothing and leaves no trace")
    filters = [(plan, key, plan.where[key]) for plan in quiet for key in plan.did if key in plan.where]
    told += [
        f"{plan.name_of(key)!r} that does not pass {path} opens nothing in {plan.id}" for plan, key, path in filters
    ]
    return told


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more


def _events(plan: Plan) -> list[tuple[str, str]]:
    return [(key, plan.events.get(key, key)) for key in (*plan.did, *plan.did_not)]
