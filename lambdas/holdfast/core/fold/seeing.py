"""The effects of an event: it opens a watch or ends one, and may take back the message sent for it."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.core.events import NONE, Json
from holdfast.core.fold.deciding import TOO_MANY, decision
from holdfast.core.fold.draft import Draft
from holdfast.core.fold.merging import completed, fewer, keep_doubt
from holdfast.core.fold.spaces import NOTHING, Ends, links
from holdfast.core.fold.watches import Decided, Decision, Doubt, Trigger, Watch, Watches
from holdfast.core.places import campaign_of
from holdfast.core.plans.hits import Hit, Unreadable
from holdfast.core.plans.plan import EXIT, Plan


def see(hit: Hit, watches: Watches, draft: Draft, now: int) -> list[Decision]:
    """Merge one hit into the watches of its campaign."""
    plan = hit.plan
    decisions = _end_all(hit, watches, draft, now) if hit.every else []
    everything, floor = draft.rest.ends.get(hit.campaign), draft.rest.floors.get(hit.campaign)
    for number, (key, shown) in enumerate(hit.values.items()):
        watch = watches.get(key, NOTHING)
        if hit.part == EXIT:
            if floor and watch is NOTHING and (hit.at + hit.grace, key) <= floor:
                continue
            decisions += _end(hit, key, watches, now)
        elif hit.history or not hit.opens:
            continue
        elif floor and watch is NOTHING and (hit.at, key) <= floor:
            if plan.single and not (everything and hit.at <= sum(everything)):
                decisions.append(decision("withhold", hit.campaign, key, _trigger(hit, number, shown), now, TOO_MANY))
            continue
        elif plan.single:
            trigger = _later(watch.trigger, _trigger(hit, number, shown))
            watches.put(key, watch.seen(trigger, watch.parts))
        else:
            parts = {**watch.parts, hit.part: _later(watch.parts.get(hit.part), _trigger(hit, number, shown))}
            watches.put(key, completed(watch, parts, plan))
        if everything:
            ends_of(draft).put(hit.campaign, key, watches)
    if hit.opens and (hit.part == EXIT or hit.every) and draft.spaces:
        decisions += _take_back_newer(hit, draft, now)
    return decisions


def ends_of(draft: Draft) -> Ends:
    return Ends(draft.rest.ends, draft.rest.own_ends)


def _take_back_newer(hit: Hit, draft: Draft, now: int) -> list[Decision]:
    """Take back what newer spaces sent for a value, if this exit of an older one comes too late to prevent it."""
    decisions: list[Decision] = []
    for place, watches in draft.places(campaign_of(hit.campaign)).items():
        for key, watch in watches.items():
            trigger, decided = watch.trigger, watch.decided
            if trigger is None or decided is None or decided.mark != trigger.mark:
                continue
            same = {key for elder, key in links(trigger) if elder == hit.campaign}
            ended = same - hit.values.keys() if hit.part != EXIT else same if hit.every else same & hit.values.keys()
            if ended and takes_back(decided, hit.at, hit.grace, hit.arrived, hit.plan):
                decisions.append(retract(place, key, watch, decided, now, hit.plan.revision))
                take_back(draft.of(place), key, decided)
    return decisions


def _end(hit: Hit, key: str, watches: Watches, now: int) -> list[Decision]:
    """Merge an exit into one watch, and take back the message that it comes too late to prevent."""
    watch, decisions = watches.get(key, NOTHING), list[Decision]()
    if (decided := watch.decided) and takes_back(decided, hit.at, hit.grace, hit.arrived, hit.plan):
        decisions.append(retract(hit.campaign, key, watch, decided, now, hit.plan.revision, hit.values.get(key)))
        take_back(watches, key, decided)
        watch = watches[key]
    watches.put(key, watch.ended(hit.at, hit.grace, later=not hit.opens))
    return decisions


def _end_all(hit: Hit, watches: Watches, draft: Draft, now: int) -> list[Decision]:
    """Merge an exit for every value, or a snapshot: a snapshot ends every value that it does not hold itself. A
    snapshot of long ago changes nothing, as it opens nothing.
    """
    if hit.part != EXIT and hit.history:
        return []
    ends = ends_of(draft)
    ends.end(hit.campaign, (hit.at, hit.grace), later=not hit.opens)
    draft.rest = draft.rest._replace(ends=ends.all, own_ends=ends.own)
    decisions: list[Decision] = []
    for key in list(watches):
        if key not in hit.values:
            decisions += _end(hit, key, watches, now)
        ends.put(hit.campaign, key, watches)
    return decisions


def doubted(doubts: Mapping[str, Mapping[str, Doubt]], new: Unreadable) -> Mapping[str, Mapping[str, Doubt]]:
    """The doubts with the new one added, unless it was taken away before.

    If two have one id, the one that reaches further stays.
    """
    known = {**doubts.get(new.campaign, {})}
    keep_doubt(known, new.id, Doubt(new.at, new.grace, new.name, new.why, new.later))
    fewer(known)
    return {**doubts, new.campaign: known}


def taken_away(doubts: Mapping[str, Mapping[str, Doubt]], hit: Hit) -> Mapping[str, Mapping[str, Doubt]]:
    """Mark the doubt left under the event's id as taken away, as the event could now be read."""
    known = doubts.get(hit.campaign, {})
    if hit.id and (doubt := known.get(hit.id)) and doubt.why:
        return {**doubts, hit.campaign: {**known, hit.id: doubt._replace(why="")}}
    return doubts


def takes_back(decided: Decided, at: int, grace: int, arrived: int, plan: Plan) -> bool:
    """Whether this exit happened between the trigger and the message sent for it, and became known only now."""
    happened_before = decided.at <= at + grace and at < decided.when
    return decided.kind == "send" and happened_before and arrived <= decided.when + plan.max_age


def retract(  # noqa: PLR0917 (what a decision is made of)
    place: str, key: str, watch: Watch, decided: Decided, now: int, revision: int, shown: Json = None
) -> Decision:
    shown = watch.trigger.shown if watch.trigger else shown
    of, (at, id_) = ("", decided.summary) if decided.summary else (key, (decided.at, decided.id))
    return Decision("retract", campaign_of(place), of, shown, at, id_, now, revision, user=decided.user)


def take_back(watches: Watches, key: str, decided: Decided) -> None:
    """Mark a message as taken back, once only; a summary, for all the watches that it was about."""
    for each, watch in watches.items():
        about = watch.decided
        same = about and decided.summary and (about.summary, about.when) == (decided.summary, decided.when)
        if each == key or same:
            watches[each] = watch._replace(decided=about and about._replace(kind="retract"))


def _trigger(hit: Hit, number: int, shown: Json) -> Trigger:
    elder = _elder(hit, number) if hit.elder else NONE
    return Trigger(hit.at, hit.id, hit.due, hit.plan.revision, shown, hit.kept, elder)


def _elder(hit: Hit, number: int) -> dict[str, list[str]]:
    """The keys of one of the hit's values in older spaces. If an older space reads as many values from the event, they
    correspond one to one; else all of them count.
    """
    return {
        place: [keys[number]] if len(keys) == len(hit.values) else sorted(keys) for place, keys in hit.elder.items()
    }


def _later(old: Trigger | None, new: Trigger) -> Trigger:
    """The later trigger. If both are copies of one event, the one that arrived first."""
    if old is None or new.mark > old.mark:
        return new
    return old._replace(due=min(old.due, new.due)) if new.mark == old.mark else old
