"""Merging two states that prove to be one person's: a semilattice.

Everything in a state is a maximum of some order, or a set of marks each of which is one: the latest trigger, the exit
and the mark for every value that reach furthest, the last decision, the highest floor. So merging is commutative,
associative and idempotent. The result is the state that a single id would have, as far as neither id has decided or
forgotten anything.

A campaign with several `did` may have its parts on both sides; the merged watch is then complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from holdfast.core.events import NONE
from holdfast.core.fold.conversions import joined
from holdfast.core.fold.spaces import Ends
from holdfast.core.fold.watches import PARTS_MS, Doubt, State, Trigger, Watch, Watches
from holdfast.core.people.people import with_id
from holdfast.core.places import campaign_of
from holdfast.core.plans.plan import Plan
from holdfast.core.recommend.ranking import DONE, RECENT, Items, remember

T = TypeVar("T")

MOST_DOUBTS = 20
"""The doubts that are kept of a campaign. Of more than these, those that reach least are kept as one without an id,
which nothing takes away.
"""


class Alias(NamedTuple):
    """Another id of the user, and everything that is known under it."""

    id: str
    state: State


def merged(one: State, other: State, plans: Mapping[str, Plan]) -> State:
    """Everything that either state knows."""
    ends = Ends(one.ends, one.own_ends).merged(Ends(other.ends, other.own_ends))
    watches = {
        place: _watches(place, one, other, ends, plans)
        for place in dict.fromkeys((*one.watches, *other.watches, *ends.all))
    }
    return State(
        {place: of for place, of in watches.items() if of},
        {place: max(_both(one.floors, other.floors, place)) for place in dict.fromkeys((*one.floors, *other.floors))},
        _items(one.recent, other.recent, RECENT),
        _items(one.done, other.done, DONE),
        ends.all,
        {
            place: _doubts(_both(one.doubts, other.doubts, place))
            for place in dict.fromkeys((*one.doubts, *other.doubts))
        },
        {
            campaign: tuple(sorted({each for went in _both(one.sent, other.sent, campaign) for each in went}))
            for campaign in dict.fromkeys((*one.sent, *other.sent))
        },
        {
            place: joined(one.exposures.get(place, ()), other.exposures.get(place, ()))
            for place in dict.fromkeys((*one.exposures, *other.exposures))
        },
        {
            campaign: min(_both(one.counted, other.counted, campaign))
            for campaign in dict.fromkeys((*one.counted, *other.counted))
        },
        {id_: max(_both(one.ids, other.ids, id_)) for id_ in dict.fromkeys((*one.ids, *other.ids))},
        ends.own,
    )


def with_alias(state: State, alias: Alias, plans: Mapping[str, Plan]) -> State:
    """The person's state with the alias' state merged in. Decisions made under the alias keep the alias as their id."""
    both = merged(state, _under(alias), plans)
    return both._replace(ids=with_id(both.ids, alias.id, alias.state.ids))


def completed(watch: Watch, parts: Mapping[str, Trigger], plan: Plan) -> Watch:
    """The watch with these parts, and with the occurrence that they form. If the watch knows a later occurrence, it
    keeps that: one of a revision that needs only one event.
    """
    whole = assemble(parts, plan)
    newer = whole if whole and (watch.trigger is None or watch.trigger.mark <= whole.mark) else watch.trigger
    return watch.seen(newer, parts)


def assemble(parts: Mapping[str, Trigger], plan: Plan) -> Trigger | None:
    """The occurrence, once all events of `did` were seen: its trigger is the last event, with the data kept of all of
    them.
    """
    if any(name not in parts for name in plan.did):
        return None
    ordered = sorted((parts[name] for name in plan.did), key=lambda part: part.mark)
    if ordered[-1].at - ordered[0].at > PARTS_MS:
        return None
    event = {name: value for part in ordered for name, value in part.event.items()}
    elder: dict[str, list[str]] = {}
    for part in ordered:
        for place, keys in part.elder.items():
            elder[place] = sorted({*elder.get(place, ()), *keys})
    return ordered[-1]._replace(due=max(part.due for part in ordered), event=event, elder=elder)


def keep_doubt(known: dict[str, Doubt], id_: str, new: Doubt) -> None:
    """The one to keep of two doubts under one id: the one that was taken away; else the one that reaches further."""
    old = known.get(id_)
    if old is None or (not new.why, order(new), not new.later) > (not old.why, order(old), not old.later):
        known[id_] = new


def fewer(known: dict[str, Doubt]) -> None:
    """If there are too many doubts, merge those that reach least into one without an id."""
    while len(known) - ("" in known) > MOST_DOUBTS:
        first = min((id_ for id_ in known if id_), key=lambda id_: (order(known[id_]), id_))
        if (least := known.pop(first)).why:
            keep_doubt(known, "", least)


def order(doubt: Doubt) -> tuple[int, int, str, str]:
    return doubt.reach, doubt.at, doubt.name, doubt.why


def _both(one: Mapping[str, T], other: Mapping[str, T], name: str) -> list[T]:
    return [of[name] for of in (one, other) if name in of]


def _watches(place: str, one: State, other: State, ends: Ends, plans: Mapping[str, Plan]) -> Watches:
    plan = plans.get(campaign_of(place))
    several = plan if plan and plan.place == place and not plan.single else None
    here, there = one.watches.get(place, NONE), other.watches.get(place, NONE)
    found = Watches.of({})
    for key in dict.fromkeys((*here, *there)):
        watches = _both(here, there, key)
        watch = watches[0].merged(watches[-1])
        if several and watch.parts:
            watch = completed(watch, watch.parts, several)
        found.put(key, watch)
        ends.put(place, key, found)
    return found


def _under(alias: Alias) -> State:
    """The alias' state, its decisions marked with the alias: a message is taken back under the id that it was for."""
    watches = {
        place: {
            key: watch._replace(decided=watch.decided._replace(user=watch.decided.user or alias.id))
            if watch.decided
            else watch
            for key, watch in of.items()
        }
        for place, of in alias.state.watches.items()
    }
    exposures = {
        place: tuple(each._replace(user=each.user or alias.id) for each in of)
        for place, of in alias.state.exposures.items()
    }
    return alias.state._replace(watches=watches, exposures=exposures)


def _items(one: Mapping[str, Items], other: Mapping[str, Items], most: int) -> Mapping[str, Items]:
    found = {name: dict(items) for name, items in one.items()}
    for name, items in other.items():
        for item, at in items.items():
            remember(found.setdefault(name, {}), item, at, most)
    return found


def _doubts(both: Iterable[Mapping[str, Doubt]]) -> dict[str, Doubt]:
    found: dict[str, Doubt] = {}
    for known in both:
        for id_, doubt in known.items():
            keep_doubt(found, id_, doubt)
    fewer(found)
    return found
