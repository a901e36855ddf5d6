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

from collections.abc import Container, Iterable, Mapping, Sequence
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
from holdfast.core.fold.watches import Decided, Decision, Doubt, Kind, State, Trigger, Watch, Watches, next_due
from holdfast.core.gate.gate import Send, Wait, Withhold
from holdfast.core.places import campaign_of
from holdfast.core.plans.goal import Purchase
from holdfast.core.plans.hits import Hit, Input, Unreadable
from holdfast.core.plans.plan import EXIT, LONGEST_MS, Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.ranking import DONE, RECENT, RECENT_MS, Items, Seen, remember

NONE: Mapping[str, Any] = {}
EMPTY = State()
"""What most users have of most things: one for all of them, as it takes memory."""
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
    draft = Draft(state)
    decisions = draft.turn(inputs, plans, now, limits, known, aliases)
    return draft.state(), decisions


class Draft:
    """A user's state, to be changed turn by turn; `fold` is one turn. A replay goes on with it where it stopped.

    `watches` are those by place that may be changed, `before` all others. `rest` is what else the state holds: EMPTY,
    one for all, where that is nothing. Of the turn at hand, `touched` are the watches that it looks at.
    """

    __slots__ = ("before", "rest", "touched", "watches")

    before: Mapping[str, Mapping[str, Watch]]
    watches: dict[str, Watches]
    rest: State
    touched: dict[str, Watches]

    def __init__(self, state: State = EMPTY) -> None:
        self.before = state.watches
        self.watches = {}
        self.rest = _rest(state)
        self.touched = {}

    def state(self) -> State:
        """The state as it is now. What is changed after that is changed in a copy."""
        self.before, self.watches = {**self.whole}, {}
        return self.rest._replace(watches=self.before)

    @property
    def whole(self) -> Mapping[str, Mapping[str, Watch]]:
        return {**self.before, **self.watches} if self.before else self.watches

    @property
    def spaces(self) -> bool:
        """Whether anything is known of another space than the first of some campaign."""
        for place in self.whole:  # noqa: SIM110  (in half the time)
            if "@" in place:
                return True
        return False

    def places(self, campaign: str) -> dict[str, Mapping[str, Watch]]:
        """The watches of a campaign, in all of its spaces."""
        return {place: watches for place, watches in self.whole.items() if campaign_of(place) == campaign}

    def due(self, summaries: Container[str]) -> int | None:
        """As `State.due`."""
        return next_due(self.whole, summaries)

    def of(self, place: str) -> Watches:
        """The watches of a place, to be changed."""
        if (watches := self.watches.get(place)) is None:
            watches = self.watches[place] = Watches.of(self.before.get(place, {}))
        self.touched[place] = watches
        return watches

    def turn(
        self,
        inputs: Iterable[Input],
        plans: Plans,
        now: int,
        limits: Limits = LIMITS,
        known: Known = UNKNOWN,
        aliases: Sequence[Alias] = (),
    ) -> list[Decision]:
        """Fold inputs into the draft: see `fold`."""
        decisions = self._join(aliases, plans, now) if aliases else []
        hits, purchases, seen, ticked = self._take(inputs, now, decisions)
        rest = self.rest
        following = Following(rest.exposures, rest.counted, now)
        if rest.exposures:
            decisions += following.merge(purchases, hits, decisions)
        touched = sorted(self.touched)
        _settle(self)
        self._stir(plans, now, limits)
        recent, done = _items(rest, seen, now)
        gate = Gate(rest.sent, self.whole, plans, known, now)
        for place in self._turns(plans, ticked):
            campaign, watches = campaign_of(place), self.touched[place]
            plan = plans.get(campaign)
            if plans.leaves(campaign):
                continue  # a newer release decides
            if ticked or (plan and plan.immediate and place in touched):
                decided = _decide(place, watches, plan, gate, limits.decisions - len(decisions), rest.doubts)
                if plan and plan.convert:
                    decided = following.expose(decided, plan, watches, place)
                decisions += _recommending(decided, plan, recent, done)
            watches.forget(now - _keep(plan, limits))
            if not watches:
                self._drop(place)
        floors = _remembered(rest.floors, plans, now, limits) if rest.floors else {}
        for place in touched:
            if len(self.touched[place]) > limits.watches:
                decisions += evict(place, self.touched[place], floors, now, limits.watches)
        self.touched = {}
        if rest is not EMPTY or floors or seen or gate.sent or following.counted:
            new = State(NONE, floors, recent, done, sent=gate.sent, counted=following.counted, ids=rest.ids)
            self._remember(new, following, plans, now, limits)
        return decisions

    def _turns(self, plans: Plans, ticked: bool) -> list[str]:
        """The places that are looked at, in their turn."""
        places = sorted(self.touched)
        if ticked and len(places) > 1:
            places.sort(key=lambda each: _priority(each, plans))
        return places

    def _stir(self, plans: Plans, now: int, limits: Limits) -> None:
        """Look at what may be due, or over, too."""
        for place, watches in [*self.whole.items()]:
            if place not in self.touched and _stirs(watches, plans.get(campaign_of(place)), now, limits):
                self.of(place)

    def _remember(self, new: State, following: Following, plans: Plans, now: int, limits: Limits) -> None:
        """Of all but the watches, what still matters."""
        rest = self.rest
        ends = _ends(rest.ends, plans, now, limits)
        self.rest = _rest(
            new._replace(
                ends=ends,
                doubts=_doubts(rest.doubts, self.whole, plans, now, limits),
                exposures=following.exposures(lambda place: _keep(plans.get(campaign_of(place)), limits)),
                own_ends={place: mark for place, mark in rest.own_ends.items() if place in ends},
            )
        )

    def _join(self, aliases: Sequence[Alias], plans: Mapping[str, Plan], now: int) -> list[Decision]:
        state, decisions = _join(self.state(), aliases, plans, now)
        self.before, self.rest = state.watches, _rest(state)
        for place in {place for alias in aliases for place in alias.state.watches}:
            self.of(place)
        return decisions

    def _take(
        self, inputs: Iterable[Input], now: int, decisions: list[Decision]
    ) -> tuple[list[Hit], list[Purchase], list[Seen], bool]:
        """Merge the inputs; answers which hits, purchases and items were among them, and whether there is a tick. What
        the hits alone decide goes to the `decisions`.
        """
        hits: list[Hit] = []
        purchases: list[Purchase] = []
        seen: list[Seen] = []
        ticked = False
        for each in inputs:
            if isinstance(each, Hit):
                hits.append(each)
                decisions += _see(each, self.of(each.campaign), self, now)
            elif isinstance(each, Tick):
                ticked = True
            elif isinstance(each, Unreadable):
                self.rest = self.rest._replace(doubts=_doubted(self.rest.doubts, each))
            elif isinstance(each, Purchase):
                purchases.append(each)
            else:
                seen.append(each)
        for hit in hits if self.rest.doubts else ():
            self.rest = self.rest._replace(doubts=_taken_away(self.rest.doubts, hit))
        return hits, purchases, seen, ticked

    def _drop(self, place: str) -> None:
        """Nothing is left there."""
        del self.watches[place]
        self.before = {each: watches for each, watches in self.before.items() if each != place}


def _rest(state: State) -> State:
    """All but the watches."""
    rest = state._replace(watches=NONE)
    return EMPTY if rest == EMPTY else rest


def _priority(place: str, plans: Plans) -> int:
    """Where a place comes: one of a higher priority before others."""
    plan = plans.get(campaign_of(place))
    return -plan.rules.priority if plan else 0


def _join(state: State, aliases: Sequence[Alias], plans: Mapping[str, Plan], now: int) -> tuple[State, list[Decision]]:
    """The state of all ids. An exit that one of them knew is now known late to what another decided."""
    decisions: list[Decision] = []
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


def _stirs(watches: Mapping[str, Watch], plan: Plan | None, now: int, limits: Limits) -> bool:
    """Whether something in there may be due, or over for long enough to be forgotten."""
    if not isinstance(watches, Watches):
        return True
    dues, overs = watches.dues, watches.overs
    return bool(dues and dues[0][0] <= now) or bool(overs and overs[0][0] < now - _keep(plan, limits))


def _see(hit: Hit, watches: Watches, draft: Draft, now: int) -> list[Decision]:
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
                decisions.append(_decision("withhold", hit.campaign, key, _trigger(hit, number, shown), now, TOO_MANY))
            continue
        elif plan.single:
            trigger = _later(watch.trigger, _trigger(hit, number, shown))
            watches.put(key, watch.seen(trigger, watch.parts))
        else:
            parts = {**watch.parts, hit.part: _later(watch.parts.get(hit.part), _trigger(hit, number, shown))}
            watches.put(key, completed(watch, parts, plan))
        if everything:
            _ends_of(draft).put(hit.campaign, key, watches)
    return decisions + _take_back_newer(hit, draft, now)


def _ends_of(draft: Draft) -> Ends:
    return Ends(draft.rest.ends, draft.rest.own_ends)


def _settle(draft: Draft) -> None:
    """Compare what stands in several spaces of the campaigns that were hit."""
    for campaign in {campaign_of(place) for place in draft.touched} if draft.touched and draft.spaces else ():
        places = draft.places(campaign)
        if len(places) > 1 or campaign not in places:
            settle(places, _ends_of(draft), draft.of)


def _take_back_newer(hit: Hit, draft: Draft, now: int) -> list[Decision]:
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
            if ended and _takes_back(decided, hit.at, hit.grace, hit.arrived, hit.plan):
                decisions.append(_retract(place, key, watch, decided, now, hit.plan.revision))
                _take_back(draft.of(place), key, decided)
    return decisions


def _end(hit: Hit, key: str, watches: Watches, now: int) -> list[Decision]:
    """Merge an exit into one watch, and take back the message that it comes too late to prevent."""
    watch, decisions = watches.get(key, NOTHING), list[Decision]()
    if (decided := watch.decided) and _takes_back(decided, hit.at, hit.grace, hit.arrived, hit.plan):
        decisions.append(_retract(hit.campaign, key, watch, decided, now, hit.plan.revision, hit.values.get(key)))
        _take_back(watches, key, decided)
        watch = watches[key]
    watches.put(key, watch.ended(hit.at, hit.grace, later=not hit.opens))
    return decisions


def _end_all(hit: Hit, watches: Watches, draft: Draft, now: int) -> list[Decision]:
    """Merge an exit for every value, or a snapshot: that ends what it does not hold itself. A snapshot of long ago says
    nothing, as it opens nothing.
    """
    if hit.part != EXIT and hit.history:
        return []
    ends = _ends_of(draft)
    ends.end(hit.campaign, (hit.at, hit.grace), later=not hit.opens)
    draft.rest = draft.rest._replace(ends=ends.all, own_ends=ends.own)
    decisions: list[Decision] = []
    for key in list(watches):
        if key not in hit.values:
            decisions += _end(hit, key, watches, now)
        ends.put(hit.campaign, key, watches)
    return decisions


def _doubted(doubts: Mapping[str, Mapping[str, Doubt]], new: Unreadable) -> Mapping[str, Mapping[str, Doubt]]:
    """With the doubt, or of two under one id the one that reaches further; unless it was taken away before."""
    known = {**doubts.get(new.campaign, {})}
    keep_doubt(known, new.id, Doubt(new.at, new.grace, new.name, new.why, new.later))
    fewer(known)
    return {**doubts, new.campaign: known}


def _taken_away(doubts: Mapping[str, Mapping[str, Doubt]], hit: Hit) -> Mapping[str, Mapping[str, Doubt]]:
    """An event that could be read takes away the doubt that was left under its id."""
    known = doubts.get(hit.campaign, {})
    if hit.id and (doubt := known.get(hit.id)) and doubt.why:
        return {**doubts, hit.campaign: {**known, hit.id: doubt._replace(why="")}}
    return doubts


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
    place: str,
    watches: Watches,
    plan: Plan | None,
    gate: Gate,
    room: int,
    doubts: Mapping[str, Mapping[str, Doubt]],
) -> list[Decision]:
    """Decide what is due of a campaign: its watches in the order in which they fell due, or all of them at once.

    A space that nothing reads exits for any more, such as one of before the campaign was deleted, is gone.
    """
    campaign, now = campaign_of(place), gate.now
    if plan is None:
        reason = DELETED if campaign in gate.plans.deleted else GONE
    else:
        reason = PAUSED if plan.paused else "" if place in gate.plans.places else GONE
    if plan and plan.summary:
        return _sum_up(place, watches, plan, gate, room, reason, doubts)
    decisions: list[Decision] = []
    while len(decisions) < room and (first := watches.first_due(now)):
        key, trigger = first
        why = reason or _in_doubt(place, trigger, doubts) or gate.gives_way(campaign, key, trigger)
        answer = gate.answer(plan, key, trigger.event) if plan and not why else Withhold(why)
        if isinstance(answer, Wait):
            watches.put(key, watches[key]._replace(wait=(answer.until, answer.reason)))
        else:
            decision = _decide_one(place, watches, key, trigger, now, _reason(answer))
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
    watches.close(key, watches[key].over_with(trigger, decided))
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
