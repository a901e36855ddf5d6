"""The bounds of a user's state: how long each part of it matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from holdfast.core.fold.asking import remembered_for
from holdfast.core.fold.conversions import COUNTED_MS, all_of
from holdfast.core.fold.watches import Doubt, State, Watch
from holdfast.core.places import campaign_of
from holdfast.core.plans.plan import LONGEST_MS, Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.ranking import DONE, RECENT, RECENT_MS, Items, Seen, remember

OVERDUE_MS = 30 * 24 * 60 * 60_000
"""How long after it fell due the table keeps a watch that nothing decided. The fold itself never forgets one."""


class Limits(NamedTuple):
    """The limits of a state and of one fold.

    `waiting` is the longest time between an event's arrival in the queue and its fold (milliseconds). For that long, an
    event may still refer to the distant past. `watches` is the cap for each campaign of a user. Watches that fall due
    at once beyond `decisions` wait for the next tick, as decisions are saved together in one item.
    """

    waiting: int = 0
    watches: int = 200
    decisions: int = 500


LIMITS = Limits()


def items_of(state: State, seen: Sequence[Seen], now: int) -> tuple[Mapping[str, Items], Mapping[str, Items]]:
    """The items to recommend by, and the items not to recommend."""
    if not (seen or state.recent or state.done):
        return state.recent, state.done
    recent = _remember(state.recent, [each for each in seen if not each.done], RECENT, now)
    return recent, _remember(state.done, [each for each in seen if each.done], DONE, now)


def _remember(known: Mapping[str, Items], seen: Sequence[Seen], most: int, now: int) -> Mapping[str, Items]:
    """The latest items by recommendation: new ones are added, and old ones are dropped."""
    if not known and not seen:
        return known
    draft = {recommendation: dict(items) for recommendation, items in known.items()}
    for each in seen:
        remember(draft.setdefault(each.recommendation, {}), each.item, each.at, most)
    fresh = {name: {item: at for item, at in items.items() if at + RECENT_MS >= now} for name, items in draft.items()}
    return {name: items for name, items in fresh.items() if items}


def floors_of(
    floors: Mapping[str, tuple[int, str]], plans: Mapping[str, Plan], now: int, limits: Limits
) -> dict[str, tuple[int, str]]:
    """The floors that still matter."""
    return {c: floor for c, floor in floors.items() if floor[0] + keep_of(plans.get(campaign_of(c)), limits) >= now}


def ends_that_matter(
    ends: Mapping[str, tuple[int, int]], plans: Mapping[str, Plan], now: int, limits: Limits
) -> dict[str, tuple[int, int]]:
    """The exits for every value that still matter."""
    return {c: mark for c, mark in ends.items() if sum(mark) + keep_of(plans.get(campaign_of(c)), limits) >= now}


def doubts_that_matter(
    doubts: Mapping[str, Mapping[str, Doubt]],
    watches: Mapping[str, Mapping[str, Watch]],
    plans: Mapping[str, Plan],
    now: int,
    limits: Limits,
) -> dict[str, Mapping[str, Doubt]]:
    """The doubts that still matter: as long as marks of exits do, and while one stands before an open watch."""
    kept: dict[str, Mapping[str, Doubt]] = {}
    for campaign, known in doubts.items():
        pending = [trigger.at for watch in watches.get(campaign, {}).values() if (trigger := watch.pending)]
        first, before = min(pending, default=now + 1), now - keep_of(plans.get(campaign_of(campaign)), limits)
        matter = {id_: each for id_, each in known.items() if each.reach >= before or first <= each.reach}
        if matter:
            kept[campaign] = matter
    return kept


def keep_of(plan: Plan | None, limits: Limits) -> int:
    """How long a mark matters: a trigger that is not history arrives within `max_age`, and is folded `waiting` later.

    A deleted campaign may come back.
    """
    return (plan.max_age if plan else LONGEST_MS) + limits.waiting


def _needed_until(watch: Watch, keep: int) -> int:
    if pending := watch.pending:
        return max(pending.due, pending.at) + OVERDUE_MS + keep
    return watch.over + keep


def needed_until(state: State, plans: Plans, limits: Limits) -> int:
    """The time until which anything about the user has to be remembered; 0 if nothing has to be."""
    campaigns = {*state.watches, *state.floors, *state.ends, *state.doubts}
    keep = {campaign: keep_of(plans.get(campaign_of(campaign)), limits) for campaign in campaigns}
    floors = (at + keep[campaign] for campaign, (at, _) in state.floors.items())
    ends = (sum(mark) + keep[campaign] for campaign, mark in state.ends.items())
    doubts = (each.reach + keep[campaign] for campaign, known in state.doubts.items() for each in known.values())
    items = (at + RECENT_MS for known in (*state.recent.values(), *state.done.values()) for at in known.values())
    watches = (_needed_until(watch, keep[campaign]) for campaign, _, watch in state.all())
    keeps = {campaign: remembered_for(plans.get(campaign), plans) for campaign in state.sent}
    sent = (at + keeps[campaign] for campaign, went in state.sent.items() for at, _ in went)
    exposures = (each.until + keep_of(plans.get(campaign_of(place)), limits) for place, each in all_of(state.exposures))
    counted = (at + COUNTED_MS for at in state.counted.values())
    return max((*floors, *items, *ends, *doubts, *watches, *sent, *exposures, *counted), default=0)
