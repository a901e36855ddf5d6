"""Conversions: which messages were followed by one, and for how much.

Each message of a campaign with a goal leaves an *exposure*, and so does each that would have gone but for a control
group. It keeps the purchases that followed it, and the time of the latest event that undoes what was before: a set and
a maximum. So order, duplicates and batches of events do not matter.

    message          purchase 40.-       refund         purchase 25.-            until
    |----------------x-------------------u--------------x------------------------|

The first purchase that nothing undid converts the message. A fold that changes this makes a decision: `convert` names
the purchase, and the one that it replaces; `unconvert` says that there is no purchase any more. So the decisions add up
to the same in any order.

A purchase that happened before the message but became known after it converts nothing. If it is an exit, the message
should not have gone, and nothing that follows it counts (`void`). The same holds in a control group.

A purchase that was known before the decision follows no message: a batch's purchases are merged before its tick
decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from holdfast.core.events import Json
from holdfast.core.fold.watches import Bought, Conversion, Decision, Exposure, Watches
from holdfast.core.gate.gate import CONTROL, CONTROL_OF_ALL
from holdfast.core.places import campaign_of
from holdfast.core.plans.goal import Purchase
from holdfast.core.plans.hits import Hit
from holdfast.core.plans.plan import EXIT, Plan

MOST_EXPOSURES = 200
"""Messages of a user that are followed. The oldest go first: what comes after them is not counted any more."""
MOST_BOUGHT = 5
"""Purchases that one exposure keeps, the first ones."""
COUNTED_MS = 90 * 24 * 60 * 60_000
"""How long a user counts once for a campaign, from the first message on."""

GROUPS: Mapping[str, str] = {CONTROL: "control", CONTROL_OF_ALL: "stack"}
"""The groups that get no message, by the reason for it."""

Exposures: TypeAlias = Mapping[str, Sequence[Exposure]]
"""Exposures by place, in the order of their messages."""


class Following:
    """The exposures of one user in one fold, and the time since which each campaign's statistics count the user."""

    def __init__(self, exposures: Exposures, counted: Mapping[str, int], now: int) -> None:
        self._exposures = exposures
        self._new: dict[str, Sequence[Exposure]] = {}
        self._now = now
        self.counted = _still_counted(counted, now) if counted else counted

    def merge(
        self, purchases: Sequence[Purchase], hits: Iterable[Hit], decided: Iterable[Decision] = ()
    ) -> list[Decision]:
        """Merge purchases, and exits that became known too late. Returns the decisions on conversions.

        `decided` are the fold's decisions so far: a message that they take back should not have gone.
        """
        if not self._exposures:
            return []
        before, self._exposures = self._exposures, dict(self._exposures)
        for hit in hits:
            if hit.campaign in before and (hit.part == EXIT or (hit.every and not hit.history)):
                self._exposures[hit.campaign] = [_ended(each, hit) for each in self._exposures[hit.campaign]]
        back = {(each.campaign, each.key, each.mark) for each in decided if each.kind == "retract"}
        for place in before if back else ():
            self._exposures[place] = [
                each._replace(void=True) if (campaign_of(place), each.key, (each.at, each.id)) in back else each
                for each in self._exposures[place]
            ]
        shown: dict[tuple[str, int], Json] = {}
        for purchase in purchases:
            for number, exposure in enumerate(self._exposures.get(purchase.campaign, ())):
                if key := _about(exposure, purchase):
                    self._put(purchase.campaign, number, _merged(exposure, purchase, key[0]))
                    shown[purchase.campaign, number] = purchase.values[key[0]]
        return [
            _decision(place, old, new, shown.get((place, number)), self._now)
            for place, of in before.items()
            for number, (old, new) in enumerate(zip(of, self._exposures[place], strict=True))
            if conversion(old) != conversion(new)
        ]

    def _put(self, place: str, number: int, exposure: Exposure) -> None:
        of = [*self._exposures[place]]
        of[number] = exposure
        self._exposures = {**self._exposures, place: of}

    def expose(self, decisions: list[Decision], plan: Plan | None, watches: Watches, place: str) -> list[Decision]:
        """Record the exposures of a campaign's decisions, and return the decisions. Statistics compare users by their
        first exposure.
        """
        if plan is None or plan.convert is None:
            return decisions
        return [self._expose(each, plan, plan.convert.within, watches, place) for each in decisions]

    def _expose(self, decision: Decision, plan: Plan, within: int, watches: Watches, place: str) -> Decision:
        control = GROUPS.get(decision.reason, "")
        if decision.kind != "send" and not control:
            return decision
        first = decision.campaign not in self.counted
        if first:
            self.counted = {**self.counted, decision.campaign: decision.when}
        exposure = Exposure(
            decision.key,
            decision.at,
            decision.id,
            decision.when,
            decision.when + within,
            decision.revision,
            about=_told(decision, plan, watches) if plan.summary else {},
            variant=decision.variant,
            control=control,
            first=first,
            shown=None if plan.summary or decision.shown == (decision.key or None) else decision.shown,
        )
        self._new[place] = [*self._new.get(place, ()), exposure]
        return decision._replace(followed=True, first=first)

    def exposures(self, keep: Callable[[str], int]) -> Exposures:
        """The exposures that a purchase or an exit may still change. `keep` returns how long a place keeps them
        (milliseconds).
        """
        if not (self._exposures or self._new):
            return self._exposures
        kept = (
            (place, tuple(each for each in of if each.until + keep(place) >= self._now))
            for place, of in _together(self._exposures, self._new).items()
        )
        return {place: of for place, of in kept if of}


def conversion(exposure: Exposure) -> Bought | None:
    """The purchase that converts the message, as far as is known."""
    return exposure.bought[0] if exposure.bought and not exposure.void else None


def _ended(exposure: Exposure, hit: Hit) -> Exposure:
    """The exposure, void if the exit would have prevented its message, had it been known in time."""
    if exposure.void or hit.at >= exposure.when or hit.arrived > exposure.when + hit.plan.max_age:
        return exposure
    for key, at in exposure.values.items():
        ends = key not in hit.values if hit.every and hit.part != EXIT else hit.every or key in hit.values
        if ends and at <= hit.at + hit.grace:
            return exposure._replace(void=True)
    return exposure


def _about(exposure: Exposure, purchase: Purchase) -> list[str]:
    """The values of the message that were bought in time."""
    in_time = exposure.when <= purchase.at <= exposure.until
    if not in_time or purchase.arrived > exposure.until + purchase.max_age:
        return []
    return [key for key in exposure.values if key in purchase.values]


def _merged(exposure: Exposure, purchase: Purchase, key: str) -> Exposure:
    if purchase.undoes:
        undone = max(exposure.undone, purchase.at)
        return exposure._replace(undone=undone, bought=tuple(each for each in exposure.bought if each.at > undone))
    if purchase.at <= exposure.undone:
        return exposure
    new = Bought(purchase.at, purchase.id, *purchase.worth(purchase.properties, purchase.values[key]))
    others = [each for each in exposure.bought if (each.at, each.id) != (new.at, new.id)]
    same = [each for each in exposure.bought if (each.at, each.id) == (new.at, new.id)]
    kept = sorted([*others, max([*same, new], key=_rank)], key=_rank)
    return exposure._replace(bought=tuple(kept[:MOST_BOUGHT]))


def _rank(bought: Bought) -> tuple[int, str, bool, float, str]:
    return bought.at, bought.id, bought.amount is not None, bought.amount or 0.0, bought.currency


def _decision(place: str, before: Exposure, after: Exposure, value: Json, now: int) -> Decision:
    was, now_is = conversion(before), conversion(after)
    shown = after.shown if after.shown is not None else after.key or None
    return Decision(
        "convert" if now_is else "unconvert",
        campaign_of(place),
        after.key,
        shown if not after.about else None if value is None else [value],
        after.at,
        after.id,
        now,
        after.revision,
        variant=after.variant,
        first=after.first,
        conversion=Conversion(after.when, after.control, now_is, was),
        user=after.user,
    )


def _told(decision: Decision, plan: Plan, watches: Watches) -> dict[str, int]:
    """The values that a summary names, and when each was triggered."""
    of = [
        (watch.decided.mark, key)
        for key, watch in watches.items()
        if watch.decided and (watch.decided.summary, watch.decided.when) == (decision.mark, decision.when)
    ]
    return {key: mark[0] for mark, key in sorted(of, reverse=True)[: plan.limit]}


def _together(exposures: Exposures, new: Mapping[str, Sequence[Exposure]]) -> Exposures:
    """The exposures with new ones added, in order. If there are too many, the oldest are left out."""
    places = [*exposures, *(place for place in new if place not in exposures)]
    found = {place: sorted([*exposures.get(place, ()), *new.get(place, ())], key=_order) for place in places}
    ranked = sorted(((_order(each), place) for place, of in found.items() for each in of), reverse=True)
    if len(ranked) > MOST_EXPOSURES:
        go = Counter(place for _, place in ranked[MOST_EXPOSURES:])
        found = {place: of[go[place] :] for place, of in found.items()}
    return found


def _order(exposure: Exposure) -> tuple[int, str, int, str]:
    return exposure.when, exposure.key, exposure.at, exposure.id


def _still_counted(counted: Mapping[str, int], now: int) -> Mapping[str, int]:
    return {campaign: at for campaign, at in counted.items() if at + COUNTED_MS >= now}


def joined(one: Sequence[Exposure], other: Sequence[Exposure]) -> tuple[Exposure, ...]:
    """A campaign's messages from both sides. For a message that both sides know, what followed it on either side."""
    found: dict[tuple[int, str, int, str, str], Exposure] = {}
    for each in (*one, *other):
        mark = (*_order(each), each.user)
        found[mark] = _both(found[mark], each) if mark in found else each
    return tuple(found[mark] for mark in sorted(found))


def _both(one: Exposure, other: Exposure) -> Exposure:
    undone = max(one.undone, other.undone)
    latest: dict[tuple[int, str], Bought] = {}
    for each in sorted((*one.bought, *other.bought), key=_rank):
        latest[each.at, each.id] = each
    bought = [each for each in latest.values() if each.at > undone]
    return one._replace(undone=undone, void=one.void or other.void, bought=tuple(bought[:MOST_BOUGHT]))


def all_of(exposures: Exposures) -> Iterator[tuple[str, Exposure]]:
    for place, of in exposures.items():
        for each in of:
            yield place, each
