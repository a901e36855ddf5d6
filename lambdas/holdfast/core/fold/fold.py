"""The fold: one pure function from a user's state and new inputs to the new state and the decisions.

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
(1 and 3 hold for the state as long as no cap is reached.) The items that recommendations use are kept as maxima, too.
Whether an event is history follows from its own time and its own arrival, never from `now`; `now` says only what is due
and what may be forgotten.

A campaign that changes how it reads keys or exits gets a new space, which is folded like a separate campaign: a hit
names its place. `spaces` compares what is in several spaces of a campaign.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from holdfast.core.events import NONE, Tick
from holdfast.core.fold.asking import UNKNOWN, Gate, Known
from holdfast.core.fold.conversions import Following
from holdfast.core.fold.deciding import decide, evict, recommending
from holdfast.core.fold.draft import EMPTY, Draft, rest_of
from holdfast.core.fold.forgetting import (
    LIMITS,
    Limits,
    doubts_that_matter,
    ends_that_matter,
    floors_of,
    items_of,
    keep_of,
)
from holdfast.core.fold.merging import Alias, with_alias
from holdfast.core.fold.seeing import doubted, ends_of, retract, see, take_back, taken_away, takes_back
from holdfast.core.fold.spaces import settle
from holdfast.core.fold.watches import Decision, State, Watch, Watches
from holdfast.core.places import campaign_of
from holdfast.core.plans.goal import Purchase
from holdfast.core.plans.hits import Hit, Input, Unreadable
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.ranking import Seen


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
    """Fold one user's inputs at `now` (epoch milliseconds). Only the presence of a tick matters, not how many there
    are.

    A hit is merged by the plan with which it was read. `plans` are the plans published last; they decide. `aliases` are
    ids that prove to be the user's, too.

    Only watches that are touched, due or over are looked at. The cost does not depend on how many other watches the
    user has.
    """
    draft = Draft(state)
    decisions = turn(draft, inputs, plans, now, limits, known, aliases)
    return draft.state(), decisions


def turn(  # noqa: PLR0917 (as `fold`, with what it folds into)
    draft: Draft,
    inputs: Iterable[Input],
    plans: Plans,
    now: int,
    limits: Limits = LIMITS,
    known: Known = UNKNOWN,
    aliases: Sequence[Alias] = (),
) -> list[Decision]:
    """Fold inputs into the draft: see `fold`."""
    decisions = _unite(draft, aliases, plans, now) if aliases else []
    hits, purchases, seen, ticked = _take(draft, inputs, now, decisions)
    rest = draft.rest
    following = Following(rest.exposures, rest.counted, now)
    if rest.exposures:
        decisions += following.merge(purchases, hits, decisions)
    touched = sorted(draft.touched)
    _settle(draft)
    _stir(draft, plans, now, limits)
    recent, done = items_of(rest, seen, now)
    gate = Gate(rest.sent, draft.whole, plans, known, now)
    for place in _turns(draft, plans, ticked):
        campaign, watches = campaign_of(place), draft.touched[place]
        plan = plans.get(campaign)
        if plans.leaves(campaign):
            continue  # a newer release decides
        if ticked or (plan and plan.immediate and place in touched):
            decided = decide(place, watches, plan, gate, limits.decisions - len(decisions), rest.doubts)
            if plan and plan.convert:
                decided = following.expose(decided, plan, watches, place)
            decisions += recommending(decided, plan, recent, done)
        watches.forget(now - keep_of(plan, limits))
        if not watches:
            draft.drop(place)
    floors = floors_of(rest.floors, plans, now, limits) if rest.floors else {}
    for place in touched:
        if len(draft.touched[place]) > limits.watches:
            decisions += evict(place, draft.touched[place], floors, now, limits.watches)
    draft.touched = {}
    if rest is not EMPTY or floors or seen or gate.sent or following.counted:
        new = State(NONE, floors, recent, done, sent=gate.sent, counted=following.counted, ids=rest.ids)
        _remember(draft, new, following, plans, now, limits)
    return decisions


def _turns(draft: Draft, plans: Plans, ticked: bool) -> list[str]:
    """The places to look at, in order."""
    places = sorted(draft.touched)
    if ticked and len(places) > 1:
        places.sort(key=lambda each: _priority(each, plans))
    return places


def _stir(draft: Draft, plans: Plans, now: int, limits: Limits) -> None:
    """Look also at the watches that may be due or over."""
    if len(draft.touched) == len(draft.whole):
        return
    for place, watches in [*draft.whole.items()]:
        if place not in draft.touched and _stirs(watches, plans.get(campaign_of(place)), now, limits):
            draft.of(place)


def _remember(draft: Draft, new: State, following: Following, plans: Plans, now: int, limits: Limits) -> None:
    """Keep the parts of the state, other than watches, that still matter."""
    rest = draft.rest
    ends = ends_that_matter(rest.ends, plans, now, limits)
    draft.rest = rest_of(
        new._replace(
            ends=ends,
            doubts=doubts_that_matter(rest.doubts, draft.whole, plans, now, limits),
            exposures=following.exposures(lambda place: keep_of(plans.get(campaign_of(place)), limits)),
            own_ends={place: mark for place, mark in rest.own_ends.items() if place in ends},
        )
    )


def _unite(draft: Draft, aliases: Sequence[Alias], plans: Mapping[str, Plan], now: int) -> list[Decision]:
    state, decisions = _join(draft.state(), aliases, plans, now)
    draft.before, draft.rest = state.watches, rest_of(state)
    for place in {place for alias in aliases for place in alias.state.watches}:
        draft.of(place)
    return decisions


def _take(
    draft: Draft, inputs: Iterable[Input], now: int, decisions: list[Decision]
) -> tuple[list[Hit], list[Purchase], list[Seen], bool]:
    """Merge the inputs. Returns the hits, purchases and items among them, and whether there is a tick. Decisions that
    follow from hits alone are added to `decisions`.
    """
    hits: list[Hit] = []
    purchases: list[Purchase] = []
    seen: list[Seen] = []
    ticked = False
    for each in inputs:
        if isinstance(each, Hit):
            hits.append(each)
            decisions += see(each, draft.of(each.campaign), draft, now)
        elif isinstance(each, Tick):
            ticked = True
        elif isinstance(each, Unreadable):
            draft.rest = draft.rest._replace(doubts=doubted(draft.rest.doubts, each))
        elif isinstance(each, Purchase):
            purchases.append(each)
        else:
            seen.append(each)
    for hit in hits if draft.rest.doubts else ():
        draft.rest = draft.rest._replace(doubts=taken_away(draft.rest.doubts, hit))
    return hits, purchases, seen, ticked


def _settle(draft: Draft) -> None:
    """Compare what is in several spaces of the campaigns that were hit."""
    for campaign in {campaign_of(place) for place in draft.touched} if draft.touched and draft.spaces else ():
        places = draft.places(campaign)
        if len(places) > 1 or campaign not in places:
            settle(places, ends_of(draft), draft.of)


def _priority(place: str, plans: Plans) -> int:
    """The rank of a place: a higher priority comes first."""
    plan = plans.get(campaign_of(place))
    return -plan.rules.priority if plan else 0


def _join(state: State, aliases: Sequence[Alias], plans: Mapping[str, Plan], now: int) -> tuple[State, list[Decision]]:
    """The state of all ids. An exit that one id knew counts as known late for what another id decided."""
    decisions: list[Decision] = []
    for alias in aliases:
        state = with_alias(state, alias, plans)
    watches_of = {**state.watches}
    for place, watches in state.watches.items():
        plan = plans.get(campaign_of(place))
        for key, watch in watches.items() if plan else ():
            decided = watches_of[place][key].decided
            if plan and decided and takes_back(decided, watch.exit, watch.grace, now, plan):
                decisions.append(retract(place, key, watch, decided, now, plan.revision))
                draft = Watches.of(watches_of[place])
                take_back(draft, key, decided)
                watches_of[place] = draft
    return state._replace(watches=watches_of), decisions


def _stirs(watches: Mapping[str, Watch], plan: Plan | None, now: int, limits: Limits) -> bool:
    """Whether any of the watches may be due, or over for long enough to be forgotten."""
    if not isinstance(watches, Watches):
        return True
    dues, overs = watches.dues, watches.overs
    return bool(dues and dues[0][0] <= now) or bool(overs and overs[0][0] < now - keep_of(plan, limits))
