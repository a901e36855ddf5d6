"""The fold: one pure function from what is known of a user, and what came in, to what is known and decided now.

Its laws, each a property test in `tests/unit/test_laws.py`:

1. Order.      Any permutation of the same events gives the same state.
2. Duplicates. An event folded twice is an event folded once.
3. Splitting.  Any split of the events into batches gives the same state.
4. One.        At most one send for one (campaign, user, value, trigger occurrence), ever.
5. Not early.  No send before the trigger's time + the window.
6. Not blind.  No send once a matching exit has been folded whose time is at or after the trigger's minus the grace.
7. Not lost.   Every watch whose window ran out with no exit gets a send or a withhold with its reason at the next tick;
               or it waits for the first moment of the sending hours, and gets it at the next tick after that.
8. Bounded.    What can no longer change a decision is pruned. Beyond a cap the oldest go: first those with nothing to
               decide, such as marks of exits, then open watches, which are withheld with that reason.
10. In doubt, no. While an event that may be an exit could not be read, no watch that it may end is sent.
11. One person. Events under several ids that are tied together lead to the decisions that they would lead to under one,
               in whatever order the events and the ties arrive, as far as nothing has been decided yet.

They hold because a watch keeps only maxima (the latest trigger, the exit that reaches furthest, the last decided
trigger), and because only a tick, folded after the events beside it, decides. An exit for every value is kept once for
the campaign, and merged into each of its watches.
(1 and 3 hold for the state as long as no cap is reached.) The items that recommendations go by are kept as maxima, too.
Whether an event is history follows from its own time and its own arrival, never from `now`; `now` says only what is due
and what may be forgotten.

A campaign that reads keys or exits in another way than before has a space of its own, folded like a campaign of its
own: a hit names its place. What stands in several of them is compared in `spaces`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from holdfast.core.events import Json, Tick
from holdfast.core.fold.asking import UNKNOWN, Gate, Known, remembered_for
from holdfast.core.fold.conversions import COUNTED_MS, Following, all_of
from holdfast.core.fold.merging import (
    Alias,
    completed,
    fewer,
    keep_doubt,
    order,
    with_alias,
)
from holdfast.core.fold.spaces import NOTHING, Ends, links, settle
from holdfast.core.fold.watches import Decided, Decision, Doubt, Kind, State, Trigger, Watch, Watches
from holdfast.core.gate.gate import Send, Wait, Withhold
from holdfast.core.places import campaign_of
from holdfast.core.plans.goal import Purchase
from holdfast.core.plans.plan import EXIT, LONGEST_MS, Hit, Input, Plan, Plans, Unreadable
from holdfast.core.recommend.ranking import DONE, RECENT, RECENT_MS, Items, Seen, remember

NONE: Mapping[str, Any] = {}
"""The value that most users have for most things: one for all of them, as it takes memory."""
OVERDUE_MS = 30 * 24 * 60 * 60_000
"""How long after it fell due the table keeps a watch that nothing decided. The fold itself never forgets one."""


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
    state: State,
    inputs: Iterable[Input],
    plans: Plans,
    now: int,
    limits: Limits = LIMITS,
    known: Known = UNKNOWN,
    *,
    aliases: Sequence[Alias] = (),
) -> tuple[State, list[Decision]]:
    """Fold one user's inputs at `now`, epoch milliseconds. Of ticks it matters only whether there is one.

    A hit is merged by the plan that it was read by; `plans` are those published last, which decide. `aliases` are ids
    that prove to be the user's, too.

    Only watches that are touched, due or over are looked at: how many more a user has makes no difference.
    """
    state, decisions = _join(state, aliases, plans, now)
    draft, seen, ticked = _merge(state, inputs, aliases, now, decisions)
    following = Following(state.exposures, state.counted, now)
    decisions += following.merge(draft.purchases, draft.hits, decisions)
    watches_of = draft.watches
    touched = sorted(watches_of)
    _settle(draft)
    for campaign, old in state.watches.items():
        if campaign not in watches_of and _stirs(old, plans.get(campaign_of(campaign)), now, limits):
            watches_of[campaign] = Watches.of(old)
    whole = {**state.watches, **watches_of}
    floors = _remembered(state.floors, plans, now, limits) if state.floors else {}
    recent, done = _items(state, seen, now)
    gate = Gate(state.sent, whole, plans, known, now) if ticked or state.sent else None
    turns = sorted(watches_of)
    if ticked and len(turns) > 1:
        turns.sort(key=lambda each: _priority(each, plans))
    for campaign in turns:
        plan, watches = plans.get(campaign_of(campaign)), watches_of[campaign]
        if plans.leaves(campaign_of(campaign)):
            continue  # a newer release decides
        if ticked or (plan and campaign in touched and plan.immediate):
            gate = gate or Gate(state.sent, whole, plans, known, now)
            decided = _decide(campaign, watches, plans, gate, limits.decisions - len(decisions), draft.doubts)
            decided = following.expose(decided, plan, watches, campaign)
            decisions += _recommending(decided, plan, recent, done)
        watches.forget(now - _keep(plan, limits))
        if not watches:
            del whole[campaign]
    for campaign in touched:
        if len(watches_of[campaign]) > limits.watches:
            decisions += evict(campaign, watches_of[campaign], floors, now, limits.watches)
    ends = _ends(draft.ends.all, plans, now, limits) if draft.ends.all else NONE
    own_ends = {place: mark for place, mark in draft.ends.own.items() if place in ends} if draft.ends.own else NONE
    doubts_of = _doubts(draft.doubts, whole, plans, now, limits) if draft.doubts else NONE
    exposures = following.exposures(lambda place: _keep(plans.get(campaign_of(place)), limits))
    sent, counted = gate.sent if gate else state.sent, following.counted
    floors_of = floors or NONE
    state = State(whole, floors_of, recent, done, ends, doubts_of, sent, exposures, counted, state.ids, own_ends)
    return state, decisions


def _priority(campaign: str, plans: Plans) -> int:
    """Where the campaign comes: one of a higher priority before others."""
    plan = plans.get(campaign_of(campaign))
    return -plan.rules.priority if plan else 0


def _join(state: State, aliases: Sequence[Alias], plans: Mapping[str, Plan], now: int) -> tuple[State, list[Decision]]:
    """The state of all ids. An exit that one of them knew is now known late to what another decided."""
    decisions: list[Decision] = []
    if not aliases:
        return state, decisions
    for alias in aliases:
        state = with_alias(state, alias, plans)
    watches_of = {**state.watches}
    for place, watches in state.watches.items():
        plan = plans.get(campaign_of(place))
        for key, watch in watches.items() if plan else ():
            decided = watches_of[place][key].decided
            if plan and decided and _takes_back(decided, watch.exit, watch.grace, now, plan):
                decisions.append(_retract(place, key, watch, decided, now, plan.revision))
                draft = Watches.of(watches_of[place])
                _take_back(draft, key, decided)
                watches_of[place] = draft
    return state._replace(watches=watches_of), decisions


class _Draft(NamedTuple):
    """The part that the inputs change: the watches of the campaigns that were hit, and all marks of whole campaigns."""

    before: Mapping[str, Mapping[str, Watch]]
    watches: dict[str, Watches]
    floors: Mapping[str, tuple[int, str]]
    ends: Ends
    doubts: dict[str, Mapping[str, Doubt]]
    hits: list[Hit]
    purchases: list[Purchase]

    @property
    def spaces(self) -> bool:
        """Whether anything is known of another space than the first of some campaign."""
        return any("@" in place for places in (self.before, self.watches) for place in places)

    def places(self, campaign: str) -> dict[str, Mapping[str, Watch]]:
        """The watches of a campaign, in all of its spaces."""
        whole = {**self.before, **self.watches}
        return {place: watches for place, watches in whole.items() if campaign_of(place) == campaign}

    def of(self, campaign: str) -> Watches:
        if (watches := self.watches.get(campaign)) is None:
            watches = self.watches[campaign] = Watches.of(self.before.get(campaign, {}))
        return watches


def _merge(
    state: State, inputs: Iterable[Input], aliases: Iterable[Alias], now: int, decisions: list[Decision]
) -> tuple[_Draft, list[Seen], bool]:
    """The state with the inputs; what else was seen of items; and whether there is a tick. What the hits alone decide
    goes to the `decisions`.
    """
    ends = Ends(state.ends, state.own_ends)
    draft = _Draft(state.watches, {}, state.floors, ends, {**state.doubts}, [], [])
    for place in {place for alias in aliases for place in alias.state.watches}:
        draft.of(place)
    seen: list[Seen] = []
    ticked = False
    for each in inputs:
        if isinstance(each, Hit):
            draft.hits.append(each)
            decisions += _see(each, draft.of(each.campaign), draft, each.plan, now)
        elif isinstance(each, Tick):
            ticked = True
        elif isinstance(each, Unreadable):
            _doubt(draft.doubts, each)
        elif isinstance(each, Purchase):
            draft.purchases.append(each)
        else:
            seen.append(each)
    if draft.doubts:
        for hit in draft.hits:
            _take_away(draft.doubts, hit)
    return draft, seen, ticked


def _stirs(watches: Mapping[str, Watch], plan: Plan | None, now: int, limits: Limits) -> bool:
    """Whether something in there may be due, or over for long enough to be forgotten."""
    if not isinstance(watches, Watches):
        return True
    dues, overs = watches.dues, watches.overs
    return bool(dues and dues[0][0] <= now) or bool(overs and overs[0][0] < now - _keep(plan, limits))


def _see(hit: Hit, watches: Watches, draft: _Draft, plan: Plan, now: int) -> list[Decision]:
    """Merge one hit into the watches of its campaign."""
    decisions = _end_all(hit, watches, draft, plan, now) if hit.every else []
    everything, floor = draft.ends.all.get(hit.campaign), draft.floors.get(hit.campaign)
    for number, (key, shown) in enumerate(hit.values.items()):
        watch = watches.get(key, NOTHING)
        if hit.part == EXIT:
            if floor and watch is NOTHING and (hit.at + hit.grace, key) <= floor:
                continue
            decisions += _end(hit, key, watches, plan, now)
        elif hit.history or not hit.opens:
            continue
        elif floor and watch is NOTHING and (hit.at, key) <= floor:
            if plan.single and not (everything and hit.at <= sum(everything)):
                decisions.append(_decision("withhold", hit.campaign, key, _trigger(hit, number, shown), now, TOO_MANY))
            continue
        elif plan.single:
            trigger = _later(watch.trigger, _trigger(hit, number, shown))
            watches.put(key, watch.seen(trigger, watch.parts))
        else:
            parts = {**watch.parts, hit.part: _later(watch.parts.get(hit.part), _trigger(hit, number, shown))}
            watches.put(key, completed(watch, parts, plan))
        if everything:
            draft.ends.put(hit.campaign, key, watches)
    return decisions + _take_back_newer(hit, draft, plan, now)


def _settle(draft: _Draft) -> None:
    """Compare what stands in several spaces of the campaigns that were hit."""
    for campaign in {campaign_of(place) for place in draft.watches} if draft.spaces else ():
        places = draft.places(campaign)
        if len(places) > 1 or campaign not in places:
            settle(places, draft.ends, draft.of)


def _take_back_newer(hit: Hit, draft: _Draft, plan: Plan, now: int) -> list[Decision]:
    """Take back what newer spaces sent for a value, if this exit of an older one comes too late to prevent it."""
    if not hit.opens or not (hit.part == EXIT or hit.every) or not draft.spaces:
        return []
    decisions: list[Decision] = []
    for place, watches in draft.places(campaign_of(hit.campaign)).items():
        for key, watch in watches.items():
            trigger, decided = watch.trigger, watch.decided
            if trigger is None or decided is None or decided.mark != trigger.mark:
                continue
            same = {key for elder, key in links(trigger) if elder == hit.campaign}
            ended = same - hit.values.keys() if hit.part != EXIT else same if hit.every else same & hit.values.keys()
            if ended and _takes_back(decided, hit.at, hit.grace, hit.arrived, plan):
                decisions.append(_retract(place, key, watch, decided, now, hit.plan.revision))
                _take_back(draft.of(place), key, decided)
    return decisions


def _end(hit: Hit, key: str, watches: Watches, plan: Plan, now: int) -> list[Decision]:
    """Merge an exit into one watch, and take back the message that it comes too late to prevent."""
    watch, decisions = watches.get(key, NOTHING), list[Decision]()
    if (decided := watch.decided) and _takes_back(decided, hit.at, hit.grace, hit.arrived, plan):
        decisions.append(_retract(hit.campaign, key, watch, decided, now, hit.plan.revision, hit.values.get(key)))
        _take_back(watches, key, decided)
        watch = watches[key]
    watches.put(key, watch.ended(hit.at, hit.grace, later=not hit.opens))
    return decisions


def _end_all(hit: Hit, watches: Watches, draft: _Draft, plan: Plan, now: int) -> list[Decision]:
    """Merge an exit for every value, or a snapshot: that ends what it does not hold itself. A snapshot of long ago says
    nothing, as it opens nothing.
    """
    if hit.part != EXIT and hit.history:
        return []
    draft.ends.end(hit.campaign, (hit.at, hit.grace), later=not hit.opens)
    decisions: list[Decision] = []
    for key in list(watches):
        if key not in hit.values:
            decisions += _end(hit, key, watches, plan, now)
        draft.ends.put(hit.campaign, key, watches)
    return decisions


def _doubt(doubts: dict[str, Mapping[str, Doubt]], new: Unreadable) -> None:
    """Keep the doubt, or of two under one id the one that reaches further; unless it was taken away before."""
    known = {**doubts.get(new.campaign, {})}
    keep_doubt(known, new.id, Doubt(new.at, new.grace, new.name, new.why, new.later))
    fewer(known)
    doubts[new.campaign] = known


def _take_away(doubts: dict[str, Mapping[str, Doubt]], hit: Hit) -> None:
    """An event that could be read takes away the doubt that was left under its id."""
    known = doubts.get(hit.campaign, {})
    if hit.id and (doubt := known.get(hit.id)) and doubt.why:
        doubts[hit.campaign] = {**known, hit.id: doubt._replace(why="")}


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
DELETED = "campaign deleted"


def _takes_back(decided: Decided, at: int, grace: int, arrived: int, plan: Plan) -> bool:
    """Did this exit happen between the trigger and the message sent for it, and become known only now?"""
    happened_before = decided.at <= at + grace and at < decided.when
    return decided.kind == "send" and happened_before and arrived <= decided.when + plan.max_age


def _retract(  # noqa: PLR0917 (what a decision is made of)
    place: str, key: str, watch: Watch, decided: Decided, now: int, revision: int, shown: Json = None
) -> Decision:
    shown = watch.trigger.shown if watch.trigger else shown
    of, (at, id_) = ("", decided.summary) if decided.summary else (key, (decided.at, decided.id))
    return Decision("retract", campaign_of(place), of, shown, at, id_, now, revision, user=decided.user)


def _take_back(watches: Watches, key: str, decided: Decided) -> None:
    """A message is taken back once: a summary for all the watches that it was about."""
    for each, watch in watches.items():
        about = watch.decided
        same = about and decided.summary and (about.summary, about.when) == (decided.summary, decided.when)
        if each == key or same:
            watches[each] = watch._replace(decided=about and about._replace(kind="retract"))


def _trigger(hit: Hit, number: int, shown: Json) -> Trigger:
    elder = _elder(hit, number) if hit.elder else NONE
    return Trigger(hit.at, hit.id, hit.due, hit.plan.revision, shown, hit.kept, elder)


def _elder(hit: Hit, number: int) -> dict[str, list[str]]:
    """The keys of one of the hit's values in older spaces. The values of an event that bears as many there stand side
    by side; else all of them count.
    """
    return {
        place: [keys[number]] if len(keys) == len(hit.values) else sorted(keys) for place, keys in hit.elder.items()
    }


def _later(old: Trigger | None, new: Trigger) -> Trigger:
    """The later one; of two copies of one event, the one that arrived first."""
    if old is None or new.mark > old.mark:
        return new
    return old._replace(due=min(old.due, new.due)) if new.mark == old.mark else old


def _decide(
    campaign: str,
    watches: Watches,
    plans: Plans,
    gate: Gate,
    room: int,
    doubts: Mapping[str, Mapping[str, Doubt]],
) -> list[Decision]:
    """Decide what is due of a campaign: its watches in the order in which they fell due, or all of them at once.

    A space that nothing reads exits for any more, such as one of before the campaign was deleted, is gone.
    """
    plan, now = plans.get(campaign_of(campaign)), gate.now
    if plan is None:
        reason = DELETED if campaign_of(campaign) in plans.deleted else GONE
    else:
        reason = PAUSED if plan.paused else "" if campaign in plans.places else GONE
    if plan and plan.summary:
        return _sum_up(campaign, watches, plan, gate, room, reason, doubts)
    decisions: list[Decision] = []
    while len(decisions) < room and (first := watches.first_due(now)):
        key, trigger = first
        why = reason or _in_doubt(campaign, trigger, doubts) or gate.gives_way(campaign_of(campaign), key, trigger)
        answer = gate.answer(plan, key, trigger.event) if plan and not why else Withhold(why)
        if isinstance(answer, Wait):
            watches.put(key, watches[key]._replace(wait=(answer.until, answer.reason)))
        else:
            decision = _decide_one(campaign, watches, key, trigger, now, _reason(answer))
            decisions.append(_of_variant(decision, answer))
    return decisions


def _reason(answer: Send | Withhold) -> str:
    return answer.reason if isinstance(answer, Withhold) else ""


def _of_variant(decision: Decision, answer: Send | Withhold) -> Decision:
    variant = answer.variant if isinstance(answer, Send) else ""
    return decision._replace(variant=variant) if variant else decision


def _decide_one(campaign: str, watches: Watches, key: str, trigger: Trigger, now: int, reason: str) -> Decision:
    kind: Kind = "withhold" if reason else "send"
    decided = Decided(trigger.at, trigger.id, now, kind, reason)
    watches.put(key, watches[key]._replace(trigger=trigger, decided=decided, wait=None))
    return _decision(kind, campaign, key, trigger, now, reason)


def _in_doubt(place: str, trigger: Trigger, doubts: Mapping[str, Mapping[str, Doubt]]) -> str:
    """The reason of the doubt that reaches furthest, if one stands in the way of this trigger: of those of its space,
    and of those of older ones that arrived before a newer one began.
    """
    if not doubts:
        return ""
    known = [*doubts.get(place, {}).values()]
    known += [each for elder in trigger.elder for each in doubts.get(elder, {}).values() if not each.later]
    standing = [doubt for doubt in known if doubt.why and trigger.at <= doubt.reach]
    return max(standing, key=order).text if standing else ""


def _sum_up(  # noqa: PLR0917 (as `_decide`)
    place: str,
    watches: Watches,
    plan: Plan,
    gate: Gate,
    room: int,
    reason: str,
    doubts: Mapping[str, Mapping[str, Doubt]],
) -> list[Decision]:
    """Once all watches are due, one message about them, but for those in doubt and those that give way. It asks the
    gate once, as the one message that it is.
    """
    pending, now = watches.pending(), gate.now
    if not pending or room <= 0 or any(trigger.due > now for _, trigger in pending):
        return []
    decisions: list[Decision] = []
    certain: list[tuple[str, Trigger]] = []
    for key, trigger in pending:
        why = "" if reason else _in_doubt(place, trigger, doubts) or gate.gives_way(plan.id, key, trigger)
        if why:
            decisions.append(_decide_one(plan.id, watches, key, trigger, now, why))
        else:
            certain.append((key, trigger))
    if not certain:
        return decisions
    newest = max((trigger.mark, key, trigger) for key, trigger in certain)[-1]
    answer = Withhold(reason) if reason else gate.answer(plan, "", newest.event)
    if isinstance(answer, Wait):
        for key, _ in certain:
            watches.put(key, watches[key]._replace(wait=(answer.until, answer.reason)))
        return decisions
    why = _reason(answer)
    kind: Kind = "withhold" if why else "send"
    summary = _summary(kind, plan, certain, now, why)
    for key, trigger in certain:
        decided = Decided(trigger.at, trigger.id, now, kind, why, summary.mark)
        watches.put(key, watches[key]._replace(decided=decided, wait=None))
    return [*decisions, _of_variant(summary, answer)]


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
    return {c: floor for c, floor in floors.items() if floor[0] + _keep(plans.get(campaign_of(c)), limits) >= now}


def _ends(
    ends: Mapping[str, tuple[int, int]], plans: Mapping[str, Plan], now: int, limits: Limits
) -> dict[str, tuple[int, int]]:
    """The exits for every value that still matter."""
    return {c: mark for c, mark in ends.items() if sum(mark) + _keep(plans.get(campaign_of(c)), limits) >= now}


def _doubts(
    doubts: Mapping[str, Mapping[str, Doubt]],
    watches: Mapping[str, Mapping[str, Watch]],
    plans: Mapping[str, Plan],
    now: int,
    limits: Limits,
) -> dict[str, Mapping[str, Doubt]]:
    """The doubts that still matter: as long as marks of exits do, and as long as one stands before an open watch."""
    kept: dict[str, Mapping[str, Doubt]] = {}
    for campaign, known in doubts.items():
        pending = [trigger.at for watch in watches.get(campaign, {}).values() if (trigger := watch.pending)]
        first, before = min(pending, default=now + 1), now - _keep(plans.get(campaign_of(campaign)), limits)
        matter = {id_: each for id_, each in known.items() if each.reach >= before or first <= each.reach}
        if matter:
            kept[campaign] = matter
    return kept


def _keep(plan: Plan | None, limits: Limits) -> int:
    """How long a mark matters: a trigger that is no history arrives within `max_age`, and is folded `waiting` later.

    A campaign that is gone may come back.
    """
    return (plan.max_age if plan else LONGEST_MS) + limits.waiting


def _needed_until(watch: Watch, keep: int) -> int:
    if pending := watch.pending:
        return max(pending.due, pending.at) + OVERDUE_MS + keep
    return watch.over + keep


def needed_until(state: State, plans: Plans, limits: Limits) -> int:
    """When the last thing worth remembering of a user ends; 0 where there is nothing."""
    campaigns = {*state.watches, *state.floors, *state.ends, *state.doubts}
    keep = {campaign: _keep(plans.get(campaign_of(campaign)), limits) for campaign in campaigns}
    floors = (at + keep[campaign] for campaign, (at, _) in state.floors.items())
    ends = (sum(mark) + keep[campaign] for campaign, mark in state.ends.items())
    doubts = (each.reach + keep[campaign] for campaign, known in state.doubts.items() for each in known.values())
    items = (at + RECENT_MS for known in (*state.recent.values(), *state.done.values()) for at in known.values())
    watches = (_needed_until(watch, keep[campaign]) for campaign, _, watch in state.all())
    keeps = {campaign: remembered_for(plans.get(campaign), plans) for campaign in state.sent}
    sent = (at + keeps[campaign] for campaign, went in state.sent.items() for at, _ in went)
    exposures = (each.until + _keep(plans.get(campaign_of(place)), limits) for place, each in all_of(state.exposures))
    counted = (at + COUNTED_MS for at in state.counted.values())
    return max((*floors, *items, *ends, *doubts, *watches, *sent, *exposures, *counted), default=0)


def evict(campaign: str, watches: Watches, floors: dict[str, tuple[int, str]], now: int, most: int) -> list[Decision]:
    """Let the oldest watches beyond `most` go, those with nothing to decide before the open ones.

    What ranks no higher than what went, and has no watch, is not remembered again: see `State.floors`.
    """
    ranked = sorted((stage(watch), watch.latest, key) for key, watch in watches.items())
    decisions: list[Decision] = []
    floor = floors.get(campaign, (0, ""))
    for _, latest, key in ranked[: len(ranked) - most]:
        floor = max(floor, (latest, key))
        if trigger := watches.pop(key).pending:
            decisions.append(_decision("withhold", campaign, key, trigger, now, TOO_MANY))
    floors[campaign] = floor
    watches.arrange()
    return decisions


def stage(watch: Watch) -> int:
    """How much there is to lose: nothing to decide, a part of an occurrence, an open watch."""
    return 2 if watch.pending else 1 if watch.parts else 0


def _decision(kind: Kind, place: str, key: str, trigger: Trigger, now: int, reason: str) -> Decision:
    campaign, shown, event = campaign_of(place), trigger.shown, trigger.event
    return Decision(kind, campaign, key, shown, trigger.at, trigger.id, now, trigger.revision, event, reason)
