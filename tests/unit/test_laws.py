"""The eight laws of the fold, as properties; and all of them at once, against a brute-force reading.

The first part says each law alone. The second folds the same events, ticks, delays and redeliveries by the fold and by
`brute_force`, which forgets nothing and looks at everything, and compares every single decision.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from hypothesis import event, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from holdfast.core.events import Event, Tick
from holdfast.core.fold.fold import fold
from holdfast.core.fold.forgetting import Limits, needed_until
from holdfast.core.fold.merging import MOST_DOUBTS
from holdfast.core.fold.stored import decode, encode
from holdfast.core.fold.watches import Decision, State
from holdfast.core.plans.plan import EXIT, Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.ranking import DONE, RECENT, RECENT_MS, latest_first
from tests.unit.brute_force import UNREADABLE, BruteForce, Occurrence, Reading, Said
from tests.unit.builders import (
    ADDED,
    CHARGED,
    DAY,
    MINUTE,
    VALUES,
    History,
    a_plan,
    a_recommender,
    a_tick,
    an_event,
    batches,
    doubts,
    events,
    hits,
    minute,
)

VIEWED = "viewed"
REMOVED = "removed"
NAMES = (ADDED, CHARGED, VIEWED, REMOVED)

# --- Campaigns of every kind: settle is a minute, history begins after four. ---

KEEP = ("price", "size")
ALL = dict.fromkeys((ADDED, VIEWED, REMOVED), "product_name") | {CHARGED: "Items[].prod_name"}


def _of(*names: str) -> dict[str, str]:
    return {name: ALL[name] for name in names}


def _campaign(id: str, **more: Any) -> Plan:  # noqa: A002
    return a_plan(id, **{"within": 3 * MINUTE, "max_age": 4 * MINUTE, "keep": KEEP, **more})


CAMPAIGNS: Final = (
    _campaign("one"),
    _campaign("all of them", did=[ADDED, VIEWED], within=2 * MINUTE, constant=_of(ADDED, VIEWED, CHARGED)),
    _campaign("none of them", did_not=[CHARGED, REMOVED], constant=_of(ADDED, CHARGED, REMOVED)),
    _campaign("long settle", within=2 * MINUTE, settle=5 * MINUTE),
    _campaign("some settle", within=4 * MINUTE, settle=3 * MINUTE),
    _campaign("later", did=VIEWED, did_not=[], within=2 * MINUTE, constant=_of(VIEWED)),
    _campaign("at once", did=VIEWED, did_not=[], within=0, constant=_of(VIEWED)),
    _campaign("all at once", did=[ADDED, VIEWED], did_not=[], within=0, constant=_of(ADDED, VIEWED)),
    _campaign("anything", constant=None),
    _campaign("basket", did=CHARGED, did_not=REMOVED, constant=_of(CHARGED, REMOVED)),
    _campaign(
        "composite",
        constant={
            "product": {ADDED: "product_name", CHARGED: "Items[].prod_name"},
            "size": {ADDED: "size", CHARGED: "Items[].size"},
        },
    ),
    _campaign("where", where={ADDED: "price >= `20`", CHARGED: "size == `1`"}),
    _campaign("without history", max_age=0),
    _campaign("recommending", recommendations=("also bought",)),
    _campaign("grace", grace=MINUTE),
    _campaign("every", did_not=[CHARGED, REMOVED], every=(REMOVED,), grace=MINUTE, constant=_of(ADDED, CHARGED)),
    _campaign("snapshot", did=CHARGED, did_not=REMOVED, snapshots=(CHARGED,), constant=_of(CHARGED, REMOVED)),
    _campaign("any", did=[ADDED, VIEWED], any_of=True, constant=_of(ADDED, VIEWED, CHARGED)),
    _campaign(
        "any snapshot",
        did=[ADDED, CHARGED],
        any_of=True,
        did_not=REMOVED,
        snapshots=(CHARGED,),
        constant=_of(ADDED, CHARGED, REMOVED),
    ),
    _campaign(
        "own names",
        did="small",
        did_not="dear",
        events={"small": "addedtocart", "dear": "addedtocart"},
        where={"small": "size == `1`", "dear": "price == `20`"},
        constant={"small": "product_name", "dear": "product_name"},
    ),
    _campaign(
        "doubts",
        did_not=REMOVED,
        grace=MINUTE,
        constant={ADDED: "product_name", REMOVED: UNREADABLE},
        names={REMOVED: REMOVED},
    ),
)

RECOMMENDERS: Final = (
    a_recommender("also bought", did={CHARGED: "Items[].prod_name"}, exclude_done={ADDED: "product_name"}),
    a_recommender("also viewed", did={VIEWED: "product_name", ADDED: "product_name"}),
)


def _product(each: Event) -> list[tuple[Any, ...]]:
    if each.name == CHARGED:
        return [(item["prod_name"],) for item in each.properties["Items"]]  # type: ignore[call-overload, index, union-attr]
    return [(each.properties["product_name"],)]


def _product_and_size(each: Event) -> list[tuple[Any, ...]]:
    if each.name == CHARGED:
        return [(item["prod_name"], item["size"]) for item in each.properties["Items"]]  # type: ignore[call-overload, index, union-attr]
    return [(each.properties["product_name"], each.properties["size"])]


def _small(each: Event) -> list[tuple[Any, ...]]:
    return [(item["prod_name"],) for item in each.properties["Items"] if item["size"] == 1]  # type: ignore[call-overload, index, union-attr]


def _own_names(each: Event) -> list[str]:
    if each.name != ADDED:
        return []
    properties = each.properties
    return ["small"] * (properties["size"] == 1) + ["dear"] * (properties["price"] == 20)


def _dear_or_small(each: Event) -> bool:
    return bool(each.properties["size"] == 1 if each.name == CHARGED else each.properties["price"] == 20)


READINGS: Final = {plan.id: Reading(_product) for plan in CAMPAIGNS} | {
    "anything": Reading(None),
    "composite": Reading(_product_and_size),
    "where": Reading(_product, _dear_or_small),
    "own names": Reading(_product, names=_own_names),
    "doubts": Reading(lambda each: _product(each) if each.name == ADDED else _small(each)),
}

RECENT_ITEMS: Final[dict[str, Callable[[Event], list[tuple[Any, ...]]]]] = {
    "also bought": lambda each: _product(each) if each.name == CHARGED else [],
    "also viewed": lambda each: _product(each) if each.name in {VIEWED, ADDED} else [],
}

WAITING = 3 * MINUTE
some_events = st.lists(events(NAMES), max_size=8)
randoms = st.randoms(use_true_random=False)
END = minute(20)
"""Later than every time that `events` draws, yet nothing is forgotten there: the limits below wait long enough."""
LONG: Final = Limits(waiting=DAY)


def folded(
    batches_: list[list[Any]], *, now: int = END, limits: Limits = LONG, plans: tuple[Plan, ...] = CAMPAIGNS
) -> tuple[str, list[Decision]]:
    """The text of the state after the batches, all folded at `now`, and the decisions."""
    history = History(*plans, limits=limits, recommenders=RECOMMENDERS)
    for batch in batches_:
        history.fold(*batch, now=now)
    return encode(history.state), sorted(history.decisions, key=str)


# --- Each law alone. ---


@given(some_events, randoms)
def test_law_1_any_order_of_the_same_events_gives_the_same_state(these: list[Event], rng: random.Random) -> None:
    shuffled = rng.sample(these, len(these))
    assert folded([these]) == folded([these])
    assert folded([shuffled])[0] == folded([these])[0]


@given(some_events, st.lists(events(NAMES), max_size=4), randoms)
def test_law_1_the_order_of_events_does_not_matter_after_a_decision_either(
    before: list[Event], after: list[Event], rng: random.Random
) -> None:
    shuffled = rng.sample(after, len(after))
    decided = [[*before, a_tick(minute(6))]]
    assert folded([*decided, after])[0] == folded([*decided, shuffled])[0]


@given(some_events, randoms)
def test_law_2_an_event_folded_twice_is_an_event_folded_once(these: list[Event], rng: random.Random) -> None:
    again = [rng.choice(these) for _ in these]
    once, decisions = folded([these])
    assert folded([[*these, *again]]) == (once, decisions)
    assert folded([these, again]) == (once, decisions)


@given(some_events, randoms)
def test_law_2_an_event_folded_again_after_it_was_decided_decides_nothing(
    these: list[Event], rng: random.Random
) -> None:
    again = [rng.choice(these) for _ in these]
    once, decisions = folded([these, [a_tick(END)]])
    twice, more = folded([these, [a_tick(END)], again, [a_tick(END)]])
    assert twice == once
    assert [d for d in more if d.kind != "retract"] == [d for d in decisions if d.kind != "retract"]


@given(some_events, randoms)
def test_law_2_of_two_copies_of_an_event_the_one_that_arrived_first_counts(
    these: list[Event], rng: random.Random
) -> None:
    copies = [each._replace(arrived=each.arrived + rng.choice([0, 1, 2, 9]) * MINUTE) for each in these]
    mixed = rng.sample([*these, *copies], 2 * len(these))
    assert folded([mixed])[0] == folded([these])[0]


@given(some_events, randoms)
def test_law_3_any_split_of_the_events_into_batches_gives_the_same_state(
    these: list[Event], rng: random.Random
) -> None:
    assert folded(batches(these, rng))[0] == folded([these])[0]


@given(some_events, randoms)
def test_law_3_a_tick_is_folded_after_the_events_of_its_batch_wherever_it_stands(
    these: list[Event], rng: random.Random
) -> None:
    before, after = these[: rng.randint(0, len(these))], these
    there = rng.randint(0, len(after))
    amid = [*after[:there], a_tick(END), *after[there:]]
    plans = tuple(plan for plan in CAMPAIGNS if not plan.immediate)
    assert folded([before, amid], plans=plans) == folded([[*before, *after], [a_tick(END)]], plans=plans)


@given(some_events, st.integers(0, 12).map(minute), st.integers(0, 12).map(minute), randoms)
def test_law_3_whether_an_event_is_history_does_not_depend_on_when_it_is_folded(
    these: list[Event], early: int, late: int, rng: random.Random
) -> None:
    plans = tuple(plan for plan in CAMPAIGNS if not plan.immediate)
    history, other = History(*plans, limits=LONG), History(*plans, limits=LONG)
    for batch in batches(these, rng):
        history.fold(*batch, now=early)
        other.fold(*batch, now=late)
    assert encode(history.state) == encode(other.state)


_events_of_a_day = st.lists(events(NAMES), max_size=4)
"""Made once, as a strategy is looked through before it is first drawn from."""


@st.composite
def _days(draw: st.DrawFn) -> list[tuple[int, list[Event | Tick]]]:
    """Batches of events and ticks, and when each is folded: ever later."""
    now = 0
    days = []
    for _ in range(draw(st.integers(1, 6))):
        now += draw(st.integers(0, 5))
        batch: list[Event | Tick] = list(draw(_events_of_a_day))
        if draw(st.booleans()):
            batch.append(a_tick(minute(now)))
        days.append((minute(now), batch))
    return days


@given(_days())
def test_law_4_there_is_at_most_one_send_for_an_occurrence(days: list[tuple[int, list[Event | Tick]]]) -> None:
    history = History(*CAMPAIGNS)
    for now, batch in [*days, *days]:
        history.fold(*batch, now=max(now, days[-1][0]) if history.decisions else now)
    sends = Counter((d.campaign, d.key, d.at, d.id) for d in history.decisions if d.kind == "send")
    assert all(number == 1 for number in sends.values())


@given(_days())
def test_law_5_nothing_is_sent_before_the_trigger_s_time_plus_the_window(
    days: list[tuple[int, list[Event | Tick]]],
) -> None:
    history = History(*CAMPAIGNS)
    for now, batch in days:
        for decision in history.fold(*batch, now=now):
            if decision.kind == "send":
                assert decision.at + history.plans[decision.campaign].within <= now


@given(_days())
def test_law_6_nothing_is_sent_once_an_exit_up_to_the_grace_before_the_trigger_was_folded(
    days: list[tuple[int, list[Event | Tick]]],
) -> None:
    history = History(*CAMPAIGNS)
    exits: dict[tuple[str, str | None], int] = {}
    for now, batch in days:
        for hit in hits(history.plans, *(each for each in batch if isinstance(each, Event))):
            if hit.part == EXIT or (hit.every and not hit.history):
                for key in [None] if hit.every else hit.values:
                    exits[hit.campaign, key] = max(hit.at + hit.grace, exits.get((hit.campaign, key), 0))
        for decision in history.fold(*batch, now=now):
            if decision.kind == "send":
                for key in (decision.key, None):
                    assert exits.get((decision.campaign, key), 0) < decision.at


@given(_days())
def test_law_10_nothing_is_sent_that_an_event_which_could_not_be_read_may_have_ended(
    days: list[tuple[int, list[Event | Tick]]],
) -> None:
    history = History(*CAMPAIGNS)
    reach: dict[str, int] = {}
    for now, batch in days:
        for each in doubts(history.plans, *(one for one in batch if isinstance(one, Event))):
            reach[each.campaign] = max(each.at + each.grace, reach.get(each.campaign, 0))
        for decision in history.fold(*batch, now=now):
            in_doubt = decision.at <= reach.get(decision.campaign, 0)
            if decision.kind == "send":
                assert not in_doubt
            if decision.reason.startswith("in doubt"):
                assert in_doubt


@given(st.permutations([0, 1, 2, 3]))
def test_law_10_a_corrected_record_takes_the_doubt_away_and_its_unreadable_copy_does_not_bring_it_back(
    order: list[int],
) -> None:
    history = History(a_plan("doubts", constant={ADDED: "product_name", CHARGED: "Items[].prod_name"}))
    broken, corrected = (
        an_event(CHARGED, at=minute(2), id="o-1"),
        an_event(CHARGED, at=minute(2), id="o-1", Items=["x"]),
    )
    corrected = corrected._replace(properties={"Items": [{"prod_name": "hat"}]})
    history.fold(broken, an_event(ADDED, at=minute(1), product_name="coat"), now=minute(2))
    these = [broken, corrected, corrected, broken]
    for number in order:
        history.fold(these[number], now=minute(3))
    first_broken_after = history.state.doubts["doubts"]["o-1"].why
    assert first_broken_after == ""
    assert [each.kind for each in history.tick(minute(40))] == ["send"]


def test_law_10_a_doubt_outlasts_marks_of_exits_as_long_as_it_stands_before_an_open_watch() -> None:
    history = History(a_plan("doubts", within=3 * DAY), limits=Limits(waiting=WAITING))
    history.fold(an_event(ADDED, at=minute(0), product_name="coat"), an_event(CHARGED, at=minute(1)), now=minute(1))
    history.tick(minute(0) + DAY)
    assert [each.kind for each in history.tick(minute(0) + 3 * DAY)] == ["withhold"]
    history.tick(minute(0) + 4 * DAY)
    assert history.state.doubts == {}


def test_law_10_doubts_beyond_their_cap_stay_as_one_that_nothing_takes_away() -> None:
    history = History(a_plan("doubts", constant={ADDED: "product_name", CHARGED: "Items[].prod_name"}))
    broken = [an_event(CHARGED, at=minute(n), id=f"o-{n}") for n in range(MOST_DOUBTS + 5)]
    history.fold(an_event(ADDED, at=minute(2), product_name="coat"), *broken, now=minute(30))
    assert len(history.state.doubts["doubts"]) == MOST_DOUBTS + 1
    for each in broken:
        history.fold(each._replace(properties={"Items": [{"prod_name": "hat"}]}), now=minute(30))
    (decision,) = history.tick(minute(40))
    assert (decision.kind, decision.reason.startswith("in doubt")) == ("withhold", True)


@given(_days())
def test_law_7_after_a_tick_no_watch_is_left_that_was_due(days: list[tuple[int, list[Event | Tick]]]) -> None:
    history = History(*CAMPAIGNS)
    for now, batch in days:
        due = {
            (campaign, key, trigger.at, trigger.id)
            for campaign, key, watch in history.state.all()
            if (trigger := watch.pending) and trigger.due <= now
        }
        ticks = [each for each in batch if isinstance(each, Tick)]
        decided = {(d.campaign, d.key, d.at, d.id) for d in history.fold(*ticks, now=now)}
        assert decided == (due if ticks else set())
        history.fold(*batch, now=now)
        next_due = history.state.due()
        assert not ticks or next_due is None or next_due > now


@given(_days(), st.booleans())
def test_law_7_a_watch_of_a_campaign_that_is_gone_or_paused_is_withheld_not_lost(
    days: list[tuple[int, list[Event | Tick]]], gone: bool
) -> None:
    history = History(*CAMPAIGNS)
    for now, batch in days:
        history.fold(*batch, now=now)
    pending = sum(watch.pending is not None for _, _, watch in history.state.all())
    history.plans = Plans(() if gone else [replace(plan, paused=True) for plan in CAMPAIGNS])
    decisions = history.tick(minute(60))
    assert len(decisions) == pending
    assert {(d.kind, d.reason) for d in decisions} <= {("withhold", "campaign gone" if gone else "campaign paused")}
    assert history.state.due() is None


@given(_days())
def test_law_8_what_can_no_longer_change_a_decision_is_pruned(days: list[tuple[int, list[Event | Tick]]]) -> None:
    history = History(*CAMPAIGNS, limits=Limits(waiting=WAITING))
    for now, batch in days:
        history.fold(*batch, now=now)
    history.tick(minute(60))
    end = needed_until(history.state, history.plans, history.limits)
    assert end <= minute(60) + 30 * DAY
    history.tick(max(end, minute(60)) + 1)
    assert history.state == State()
    assert needed_until(history.state, history.plans, history.limits) == 0


@given(_days())
def test_law_8_what_the_table_may_drop_is_what_the_fold_forgets(days: list[tuple[int, list[Event | Tick]]]) -> None:
    history = History(*CAMPAIGNS, limits=Limits(waiting=WAITING))
    for now, batch in days:
        history.fold(*batch, now=now)
        end = needed_until(history.state, history.plans, history.limits)
        assert (history.state == State()) == (end == 0)
        if history.state.due() is None and end:
            kept, _ = fold(history.state, [], history.plans, end, history.limits)
            assert encode(kept) != encode(State())


@given(_days())
def test_the_codec_gives_back_what_it_took_and_equal_states_have_one_text(
    days: list[tuple[int, list[Event | Tick]]],
) -> None:
    history = History(*CAMPAIGNS, limits=Limits(waiting=WAITING, watches=2))
    for now, batch in days:
        history.fold(*batch, now=now)
        text = encode(history.state)
        assert decode(text) == history.state
        assert encode(decode(text)) == text


@given(_days())
def test_the_fold_leaves_the_state_it_was_given_as_it_was(days: list[tuple[int, list[Event | Tick]]]) -> None:
    history = History(*CAMPAIGNS, limits=Limits(waiting=WAITING, watches=2))
    for now, batch in days:
        before, text = history.state, encode(history.state)
        history.fold(*batch, now=now)
        assert encode(before) == text


# --- The items that recommendations go by: laws 1, 2, 3 and 8 hold for them as well. ---


@given(st.lists(events(NAMES, "abcdefg"), max_size=12), randoms)
def test_law_8_the_latest_items_are_kept_whatever_the_order_and_the_batches(
    these: list[Event], rng: random.Random
) -> None:
    shuffled = rng.sample([*these, *these], 2 * len(these))
    assert folded(batches(shuffled, rng))[0] == folded([these])[0]
    state = decode(folded([these])[0])
    assert all(len(items) <= RECENT for items in state.recent.values())
    latest: dict[str, int] = {}
    for each in these:
        for (item,) in _product(each) if each.name == CHARGED else ():
            latest[item] = max(each.at, latest.get(item, 0))
    assert state.recent.get("also bought", {}) == {item: latest[item] for item in latest_first(latest)[:RECENT]}


def test_law_8_items_are_forgotten_after_sixty_days_and_those_done_with_are_not_without_number() -> None:
    history = History(a_plan(), recommenders=RECOMMENDERS)
    for number in range(DONE + 5):
        history.fold(an_event(ADDED, at=minute(number), product_name=f"p{number}"), now=minute(number))
    last = minute(DONE + 4)
    assert len(history.state.done["also bought"]) == DONE
    assert needed_until(history.state, history.plans, history.limits) >= last + RECENT_MS
    history.tick(last + RECENT_MS)
    assert history.state.done == {"also bought": {f"p{DONE + 4}": last}}
    history.tick(last + RECENT_MS + 1)
    assert (history.state.recent, history.state.done) == ({}, {})


# --- The cap of law 8. ---

CAPPED = tuple(plan for plan in CAMPAIGNS if plan.id in {"one", "all of them", "basket", "where"})
many_values = st.lists(events(NAMES, "abcd"), max_size=12)


@given(many_values, st.integers(1, 3))
def test_law_8_marks_of_exits_go_first_then_the_oldest_open_watches_and_none_is_lost(
    these: list[Event], cap: int
) -> None:
    """With room for all, these are open: with a cap, the newest of them stay, and the others are withheld."""
    limits = Limits(waiting=DAY, watches=cap)
    whole = decode(folded([these], plans=CAPPED)[0])
    capped_text, decisions = folded([these], limits=limits, plans=CAPPED)
    capped = decode(capped_text)
    for plan in CAPPED:
        if not plan.single:
            continue
        pending = {key: trigger for key, watch in whole.watches.get(plan.id, {}).items() if (trigger := watch.pending)}
        newest = sorted(pending, key=lambda key: (pending[key].at, key))[-cap:]
        left = {key for key, watch in capped.watches.get(plan.id, {}).items() if watch.pending}
        assert left == set(newest)
        withheld = {(d.key, d.at, d.id) for d in decisions if d.campaign == plan.id and d.reason == "too many watches"}
        assert {(key, pending[key].at, pending[key].id) for key in pending if key not in left} <= withheld


def test_law_8_an_order_of_a_thousand_lines_ends_what_it_should_and_no_other_watch_goes() -> None:
    history = History(a_plan())
    history.fold(*(an_event(ADDED, at=minute(n), product_name=f"other {n}") for n in range(150)), now=minute(150))
    history.fold(an_event(ADDED, at=minute(1), product_name="p7"), now=minute(1))
    bought: list[Any] = [{"prod_name": f"p{n}"} for n in range(1_000)]
    decisions = history.fold(an_event(CHARGED, at=minute(151), Items=bought), now=minute(151))
    assert decisions == []
    pending = {key for _, key, watch in history.state.all() if watch.pending}
    assert pending == {f"other {n}" for n in range(150)}
    assert len(history.state.watches["abandoned-cart"]) == 200


@given(many_values, st.integers(1, 3), randoms)
def test_law_6_with_a_cap_nothing_is_sent_that_an_exit_ended_whatever_the_batches(
    these: list[Event], cap: int, rng: random.Random
) -> None:
    """In whatever order: what is sent with a cap is sent without; what is not is withheld for that reason."""
    limits = Limits(waiting=DAY, watches=cap)
    without = {(d.campaign, d.key, d.at, d.id) for d in folded([[*these, a_tick(END)]], plans=CAPPED)[1]}
    shuffled = rng.sample(these, len(these))
    _, decisions = folded([*batches(shuffled, rng), [a_tick(END)]], limits=limits, plans=CAPPED)
    sent, withheld = (
        {(d.campaign, d.key, d.at, d.id) for d in decisions if d.kind == kind} for kind in ("send", "withhold")
    )
    assert sent <= without
    assert {about for about in without - sent if about[0] not in OF_PARTS} <= withheld


@given(_days())
def test_law_8_no_campaign_of_a_user_has_more_watches_than_the_cap(
    days: list[tuple[int, list[Event | Tick]]],
) -> None:
    history = History(*CAMPAIGNS, limits=Limits(waiting=DAY, watches=1))
    for now, batch in days:
        history.fold(*batch, now=now)
        assert all(len(watches) <= 1 for watches in history.state.watches.values())


# --- All laws at once, against the brute-force reading. ---


def as_said(decision: Decision) -> Said:
    about = decision.kind, decision.campaign, decision.key, decision.at, decision.id, decision.when, decision.reason
    if decision.kind == "retract":
        return Said(*about)
    items = {name: latest_first(known) for name, known in decision.recent.items()}
    return Said(*about, decision.shown, decision.event, items)


some_new = st.lists(events(NAMES, last=0), max_size=4)
agos = st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5, 7, -1, -2]), min_size=4, max_size=4)


class EverythingAtOnce(RuleBasedStateMachine):
    """A user, a queue that delays, reorders and redelivers, a clock that jumps, and campaigns that pause and go."""

    @initialize()
    def begin(self) -> None:
        self.now = minute(20)
        self.queue: list[Event] = []
        self.delivered: list[Event] = []
        self.live = {plan.id: plan for plan in CAMPAIGNS}
        self.expected = BruteForce(READINGS, RECENT_ITEMS)
        self.state = State()
        self.capped = State()
        self.cap: dict[str, set[tuple[Any, ...]]] = {"send": set(), "withhold": set(), "retract": set()}

    @rule(data=st.data(), anew=st.booleans())
    def something_comes_again(self, data: st.DataObject, anew: bool) -> None:
        """The queue delivers once more what it still has; or the sender sends once more, and that arrives now."""
        again = [each for each in self.delivered if anew or each.arrived + WAITING >= self.now]
        if again:
            each = data.draw(st.sampled_from(again[-6:]))
            self.queue.append(each._replace(arrived=self.now) if anew else each)

    @rule(name=st.sampled_from([CHARGED, REMOVED]), data=st.data(), later=st.sampled_from([-1, 0, 0, 1]))
    def an_exit_becomes_known_late(self, name: str, data: st.DataObject, later: int) -> None:
        """Everything was bought, or one thing removed, at about the time of a trigger or of its decision."""
        for said in [data.draw(st.sampled_from(self.expected.said[-6:]))] if self.expected.said else []:
            at = data.draw(st.sampled_from([said.at, said.when])) + later * MINUTE
            product = said.shown if isinstance(said.shown, str | int) else "a"
            items: list[Any] = [{"prod_name": each, "size": size} for each in VALUES for size in (1, 2)]
            exit_ = an_event(name, at=min(at, self.now + MINUTE), product_name=product, Items=items, price=10, size=1)
            self.queue.append(exit_._replace(arrived=self.now))

    @rule(these=some_new, ago=agos, minutes=st.sampled_from([0, 0, 1, 2, 3]), rng=randoms, tick=st.booleans())
    def a_batch_is_folded(
        self, these: list[Event], ago: list[int], minutes: int, rng: random.Random, tick: bool
    ) -> None:
        """Events arrive: they happened up to two minutes later or seven minutes earlier. Then some of all that waits is
        folded. What waited too long the queue has dropped: nothing is promised of it.
        """
        self.queue += [e._replace(at=self.now - a * MINUTE, arrived=self.now) for e, a in zip(these, ago, strict=False)]
        self.now += minutes * MINUTE
        kept = [each for each in self.queue if each.arrived + WAITING >= self.now]
        batch = rng.sample(kept, math.ceil(len(kept) * rng.choice([1.0, 1.0, 0.5])))
        self.queue = [each for each in kept if each not in batch]
        self.delivered += batch
        self._fold(batch, rng.choice([1, 2]) * tick)

    @rule(minutes=st.sampled_from([0, 1, 2, 3, 4, 5, 6, 30, 300]))
    def a_tick_comes(self, minutes: int) -> None:
        self.now += minutes * MINUTE
        self._fold([], 1)

    @rule(plan=st.sampled_from(CAMPAIGNS), change=st.sampled_from(["pause", "go", "be back", "be back"]))
    def a_campaign_changes(self, plan: Plan, change: str) -> None:
        self.live.pop(plan.id, None)
        if change != "go":
            self.live[plan.id] = replace(plan, paused=change == "pause")

    def _fold(self, batch: list[Event], ticks: int) -> None:
        plans = Plans(self.live.values(), RECOMMENDERS)
        seen = [each for one in batch for each in plans.seen(one)]
        inputs: list[Any] = [*hits(plans, *batch), *doubts(plans, *batch), *seen, *[a_tick(self.now)] * ticks]
        expected = self.expected.fold(batch, tick=bool(ticks), plans=self.live, now=self.now)
        self.state, decisions = fold(self.state, inputs, plans, self.now, Limits(WAITING))
        for each in expected:
            event(f"{each.kind} {each.reason}")
        assert in_order(map(as_said, decisions)) == in_order(expected)
        self.capped, decisions = fold(self.capped, inputs, plans, self.now, Limits(WAITING, watches=1))
        self._the_cap_only_withholds(decisions)
        self._the_same_is_pending()
        assert {name: latest_first(items) for name, items in self.state.recent.items()} == self.expected.recent()
        self._the_states_survive_the_table()

    def _the_cap_only_withholds(self, decisions: list[Decision]) -> None:
        """With a cap, nothing is sent or taken back that would not be without; and what is not sent for the cap was
        withheld for that reason (but for parts of an occurrence: they are no watch yet).
        """
        for each in decisions:
            about = each.campaign, each.key, each.at, each.id
            assert each.kind == "withhold" or about not in self.cap[each.kind]
            if each.kind != "withhold" or each.reason == "too many watches":
                self.cap[each.kind].add(about)
        for kind in ("send", "retract"):
            without = {(s.campaign, s.key, s.at, s.id) for s in self.expected.said if s.kind == kind}
            assert self.cap[kind] <= without
            if kind == "send":
                missing = {about for about in without - self.cap[kind] if about[0] not in OF_PARTS}
                assert missing <= self.cap["withhold"]

    def _the_same_is_pending(self) -> None:
        """Both have the same open watches, since the same time, due at the same; and nothing else keeps properties."""
        here: dict[tuple[str, str], Occurrence] = {}
        for campaign, key, watch in self.state.all():
            if pending := watch.pending:
                here[campaign, key] = Occurrence(pending.at, pending.id, pending.due, pending.shown, pending.event)
            elif watch.trigger:
                assert not watch.trigger.event
        assert self.state.due() == min((each.due for each in here.values()), default=None)
        known = self.expected.plans
        assert here == {(campaign, key): found for campaign in known for key, found in self.expected.pending(campaign)}

    def _the_states_survive_the_table(self) -> None:
        for state in (self.state, self.capped):
            text = encode(state)
            assert decode(text) == state
            assert encode(decode(text)) == text


OF_PARTS = {plan.id for plan in CAMPAIGNS if not plan.single}


def in_order(said: Iterable[Said]) -> list[Said]:
    return sorted(said, key=lambda each: (each.campaign, each.key, each.when, each.kind, each.at, each.id))


TestEverythingAtOnce = EverythingAtOnce.TestCase
