"""The fold: one pure function from what is known of a user, and what came in, to what is known and decided now.

Its laws, each a property test in `tests/unit/test_laws.py`:

1. Order.      Any permutation of the same events gives the same state.
2. Duplicates. An event folded twice is an event folded once.
3. Splitting.  Any split of the events into batches gives the same state.
4. One.        At most one send for one (campaign, user, value, trigger occurrence), ever.
5. Not early.  No send before the trigger's time + the window.
6. Not blind.  No send once a matching exit at or after the trigger has been folded.
7. Not lost.   Every watch whose window ran out with no exit gets a send or a withhold with its reason at the next tick.
8. Bounded.    What can no longer change a decision is pruned; beyond a cap the oldest watch is withheld, not lost.

They hold because a watch keeps only maxima (the latest trigger, the latest exit, the last decided trigger), and because
only a tick, folded after the events beside it, decides. The items that recommendations go by are kept as maxima, too.
Whether an event is history follows from its own time and its own arrival, never from `now`; `now` says only what is due
and what may be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from holdfast.core.events import Json, Tick
from holdfast.core.fold.watches import PARTS_MS, Decided, Decision, Kind, State, Trigger, Watch, Watches
from holdfast.core.plans.plan import EXIT, LONGEST_MS, Hit, Plan
from holdfast.core.recommend.ranking import DONE, RECENT, RECENT_MS, Items, Seen, remember

OVERDUE_MS = 30 * 24 * 60 * 60_000
"""How long after it fell due the table keeps a watch that nothing decided. The fold itself never forgets one."""

NOTHING = Watch()


class Limits(NamedTuple):
    """`waiting` is the longest an event may lie in the queue between its arrival and its fold (milliseconds): so long
    it may still refer to what is long past. `watches` is the cap for each campaign of a user.
    What falls due at once beyond `decisions` waits for the next tick: they are saved together, in one item.
    """

    waiting: int = 0
    watches: int = 200
    decisions: int = 500


LIMITS = Limits()


def fold(
    state: State, inputs: Iterable[Hit | Seen | Tick], plans: Mapping[str, Plan], now: int, limits: Limits = LIMITS
) -> tuple[State, list[Decision]]:
    """Fold one user's inputs at `now`, epoch milliseconds. Of ticks it matters only whether there is one.

    Only watches that are touched, due or over are looked at: how many more a user has makes no difference.
    """
    draft, decisions, seen, ticked = _merge(state, inputs, plans, now)
    touched = sorted(draft)
    for campaign, old in state.watches.items():
        if campaign not in draft and _stirs(old, plans.get(campaign), now, limits):
            draft[campaign] = Watches.of(old)
    whole = {**state.watches, **draft}
    floors = _remembered(state.floors, plans, now, limits) if state.floors else {}
    recent, done = _items(state, seen, now)
    for campaign in sorted(draft):
        plan, watches = plans.get(campaign), draft[campaign]
        if ticked or (plan and campaign in touched and plan.immediate):
            decided = _decide(campaign, watches, plan, now, limits.decisions - len(decisions))
            decisions += _recommending(decided, plan, recent, done)
        watches.forget(now - _keep(plan, limits))
        if not watches:
            del whole[campaign]
    for campaign in touched:
        if len(draft[campaign]) > limits.watches:
            decisions += _evict(campaign, draft[campaign], floors, plans[campaign], now, limits)
    return State(whole, floors, recent, done), decisions


def _merge(
    state: State, inputs: Iterable[Hit | Seen | Tick], plans: Mapping[str, Plan], now: int
) -> tuple[dict[str, Watches], list[Decision], list[Seen], bool]:
    """The watches of the campaigns that were hit, with the hits, and what these alone decided; what else was seen of
    items; and whether there is a tick.
    """
    draft: dict[str, Watches] = {}
    decisions: list[Decision] = []
    seen: list[Seen] = []
    ticked = False
    for each in inputs:
        if isinstance(each, Hit):
            campaign = each.campaign
            if (watches := draft.get(campaign)) is None:
                watches = draft[campaign] = Watches.of(state.watches.get(campaign, {}))
            decisions += _see(each, watches, state.floors.get(campaign), plans[campaign], now)
        elif isinstance(each, Tick):
            ticked = True
        else:
            seen.append(each)
    return draft, decisions, seen, ticked


def _stirs(watches: Mapping[str, Watch], plan: Plan | None, now: int, limits: Limits) -> bool:
    """May something in there be due, or over for long enough to be forgotten?"""
    if not isinstance(watches, Watches):
        return True
    dues, overs = watches.dues, watches.overs
    return bool(dues and dues[0][0] <= now) or bool(overs and overs[0][0] < now - _keep(plan, limits))


def _see(hit: Hit, watches: Watches, floor: tuple[int, str] | None, plan: Plan, now: int) -> list[Decision]:
    """Merge one hit into the watches of its campaign."""
    decisions: list[Decision] = []
    for key, shown in hit.values.items():
        watch = watches.get(key, NOTHING)
        if floor and (hit.at, key) <= floor:
            if hit.part != EXIT and not hit.history and watch is NOTHING and len(plan.did) == 1:
                decisions.append(_decision("withhold", hit.campaign, key, _trigger(hit, shown), now, TOO_MANY))
        elif hit.part == EXIT:
            if (decided := watch.decided) and _takes_back(hit, decided, plan):
                decisions.append(_retract(hit, key, watch, decided, now))
                _take_back(watches, key, decided)
                watch = watches[key]
            watches.put(key, Watch(watch.trigger, max(watch.exit, hit.at), watch.decided, watch.parts))
        elif hit.history:
            continue
        elif len(plan.did) == 1:
            trigger = _later(watch.trigger, _trigger(hit, shown))
            watches.put(key, Watch(trigger, watch.exit, watch.decided, watch.parts))
        else:
            parts = {**watch.parts, hit.part: _later(watch.parts.get(hit.part), _trigger(hit, shown))}
            watches.put(key, watch._replace(parts=parts, trigger=_assemble(parts, plan) or watch.trigger))
    return decisions


def _items(state: State, seen: Sequence[Seen], now: int) -> tuple[Mapping[str, Items], Mapping[str, Items]]:
    """Those to recommend by, and those not to recommend."""
    if not (seen or state.recent or state.done):
        return state.recent, state.done
    recent = _remember(state.recent, [each for each in seen if not each.done], RECENT, now)
    return recent, _remember(state.done, [each for each in seen if each.done], DONE, now)


def _remember(known: Mapping[str, Items], seen: Sequence[Seen], most: int, now: int) -> Mapping[str, Items]:
    """The latest items by recommendation: with what was seen now, and without what is too long ago."""
    if not known and not seen:
        return known
    draft = {recommendation: dict(items) for recommendation, items in known.items()}
    for each in seen:
        remember(draft.setdefault(each.recommendation, {}), each.item, each.at, most)
    fresh = {name: {item: at for item, at in items.items() if at + RECENT_MS >= now} for name, items in draft.items()}
    return {name: items for name, items in fresh.items() if items}


def _recommending(
    decisions: list[Decision], plan: Plan | None, recent: Mapping[str, Items], done: Mapping[str, Items]
) -> list[Decision]:
    """The decisions of a campaign, with the items that its recommendations go by."""
    if plan is None or not plan.recommendations:
        return decisions
    of = {name: recent.get(name, {}) for name in plan.recommendations}
    without = {name: done[name] for name in plan.recommendations if name in done}
    return [each._replace(recent=of, done=without) if each.kind == "send" else each for each in decisions]


TOO_MANY = "too many watches"
PAUSED = "campaign paused"
GONE = "campaign gone"


def _takes_back(hit: Hit, decided: Decided, plan: Plan) -> bool:
    """Did this exit happen between the trigger and the message sent for it, and become known only now?"""
    happened_before = decided.at <= hit.at < decided.when
    return decided.kind == "send" and happened_before and hit.arrived <= decided.when + plan.max_age


def _retract(hit: Hit, key: str, watch: Watch, decided: Decided, now: int) -> Decision:
    shown = watch.trigger.shown if watch.trigger else hit.values[key]
    of, (at, id_) = ("", decided.summary) if decided.summary else (key, (decided.at, decided.id))
    return Decision("retract", hit.campaign, of, shown, at, id_, now, hit.revision)


def _take_back(watches: Watches, key: str, decided: Decided) -> None:
    """A message is taken back once: a summary for all the watches that it was about."""
    for each, watch in watches.items():
        about = watch.decided
        same = about and decided.summary and (about.summary, about.when) == (decided.summary, decided.when)
        if each == key or same:
            watches[each] = watch._replace(decided=about and about._replace(kind="retract"))


def _trigger(hit: Hit, shown: Json) -> Trigger:
    return Trigger(hit.at, hit.id, hit.due, hit.revision, shown, hit.kept)


def _later(old: Trigger | None, new: Trigger) -> Trigger:
    """The later one; of two copies of one event, the one that arrived first."""
    if old is None or new.mark > old.mark:
        return new
    return old._replace(due=min(old.due, new.due)) if new.mark == old.mark else old


def _assemble(parts: Mapping[str, Trigger], plan: Plan) -> Trigger | None:
    """The occurrence, complete once all events of `did` were seen: the last of them, with what was kept of all."""
    if any(name not in parts for name in plan.did):
        return None
    ordered = sorted((parts[name] for name in plan.did), key=lambda part: part.mark)
    if ordered[-1].at - ordered[0].at > PARTS_MS:
        return None
    event = {name: value for part in ordered for name, value in part.event.items()}
    return ordered[-1]._replace(due=max(part.due for part in ordered), event=event)


def _decide(campaign: str, watches: Watches, plan: Plan | None, now: int, room: int) -> list[Decision]:
    """Decide what is due of a campaign: its watches in the order in which they fell due, or all of them at once."""
    reason = GONE if plan is None else PAUSED if plan.paused else ""
    kind: Kind = "withhold" if reason else "send"
    decisions: list[Decision] = []
    if plan and plan.summary:
        pending = watches.pending()
        if pending and room > 0 and all(trigger.due <= now for _, trigger in pending):
            summary = _summary(kind, plan, pending, now, reason)
            for key, trigger in pending:
                decided = Decided(trigger.at, trigger.id, now, kind, reason, summary.mark)
                watches.put(key, watches[key]._replace(decided=decided))
            decisions.append(summary)
        return decisions
    while len(decisions) < room and (first := watches.first_due(now)):
        key, trigger = first
        decisions.append(_decision(kind, campaign, key, trigger, now, reason))
        watch, decided = watches[key], Decided(trigger.at, trigger.id, now, kind, reason)
        watches.put(key, Watch(trigger, watch.exit, decided, watch.parts))
    return decisions


def _summary(kind: Kind, plan: Plan, due: list[tuple[str, Trigger]], now: int, reason: str) -> Decision:
    """One decision on all watches of a campaign, known by the newest of them."""
    newest = sorted(((trigger.mark, key, trigger) for key, trigger in due), reverse=True)
    triggers = [trigger for _, _, trigger in newest]
    first, told = triggers[0], triggers[: plan.limit]
    return Decision(
        kind,
        plan.id,
        key="",
        shown=[trigger.shown for trigger in told],
        at=first.at,
        id=first.id,
        when=now,
        revision=min(trigger.revision for trigger in told),  # which kept what all of them have
        event=first.event,
        reason=reason,
        events=[trigger.event for trigger in told],
        open=len(triggers),
    )


def _remembered(
    floors: Mapping[str, tuple[int, str]], plans: Mapping[str, Plan], now: int, limits: Limits
) -> dict[str, tuple[int, str]]:
    """The floors that still matter."""
    return {c: floor for c, floor in floors.items() if floor[0] + _keep(plans.get(c), limits) >= now}


def _keep(plan: Plan | None, limits: Limits) -> int:
    """How long a mark matters: a trigger that is no history arrives within `max_age`, and is folded `waiting` later.

    A campaign that is gone may come back.
    """
    return (plan.max_age if plan else LONGEST_MS) + limits.waiting


def _needed_until(watch: Watch, keep: int) -> int:
    if pending := watch.pending:
        return max(pending.due, pending.at) + OVERDUE_MS + keep
    return watch.over + keep


def needed_until(state: State, plans: Mapping[str, Plan], limits: Limits) -> int:
    """When the last thing worth remembering of a user ends; 0 where there is nothing."""
    keep = {campaign: _keep(plans.get(campaign), limits) for campaign in {*state.watches, *state.floors}}
    floors = (at + keep[campaign] for campaign, (at, _) in state.floors.items())
    items = (at + RECENT_MS for known in (*state.recent.values(), *state.done.values()) for at in known.values())
    return max((*floors, *items, *(_needed_until(w, keep[campaign]) for campaign, _, w in state.all())), default=0)


def _evict(
    campaign: str, watches: Watches, floors: dict[str, tuple[int, str]], plan: Plan, now: int, limits: Limits
) -> list[Decision]:
    """Let the oldest watches beyond the cap go, and with them all that is older: see `State.floors`."""
    ranked = sorted((watch.latest, key) for key, watch in watches.items())
    beyond = ranked[: len(ranked) - limits.watches]
    decisions: list[Decision] = []
    for _, key in beyond:
        if trigger := watches.pop(key).pending:
            decisions.append(_decision("withhold", campaign, key, trigger, now, TOO_MANY))
    floor = floors[campaign] = max(beyond[-1], floors.get(campaign, beyond[-1]))
    for key, watch in watches.items():
        watches[key] = _above(floor, key, watch, plan)
        if (trigger := watch.pending) and not watches[key].pending:
            decisions.append(_decision("withhold", campaign, key, trigger, now, TOO_MANY))
    watches.arrange()
    return decisions


def _above(floor: tuple[int, str], key: str, watch: Watch, plan: Plan) -> Watch:
    """The watch without what ranks no higher than the floor, as if that had only come now."""
    parts = {name: part for name, part in watch.parts.items() if (part.at, key) > floor}
    trigger = watch.trigger if watch.trigger and (watch.trigger.at, key) > floor else None
    decided = watch.decided if watch.decided and (watch.decided.at, key) > floor else None
    above = Watch(
        trigger=_assemble(parts, plan) if len(plan.did) > 1 else trigger,
        exit=watch.exit if (watch.exit, key) > floor else 0,
        decided=decided,
        parts=parts,
    )
    return above if above.pending else above.tidied


def _decision(kind: Kind, campaign: str, key: str, trigger: Trigger, now: int, reason: str) -> Decision:
    shown, event = trigger.shown, trigger.event
    return Decision(kind, campaign, key, shown, trigger.at, trigger.id, now, trigger.revision, event, reason)
