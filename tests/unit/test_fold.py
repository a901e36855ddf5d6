"""The specification by example: what happened, minute by minute, and what was decided.

The campaign, unless a case brings its own: added to the cart, not charged within 30 minutes, for the same product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import pytest

from holdfast.core.events import Event, Json, Tick
from holdfast.core.fold.fold import fold
from holdfast.core.fold.forgetting import Limits
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from tests.unit.builders import (
    ADDED,
    CHARGED,
    DAY,
    HOUR,
    MINUTE,
    NOON,
    PRODUCT,
    History,
    a_plan,
    a_tick,
    an_event,
    minute,
)

Batch: TypeAlias = tuple[float, Sequence["Event | Tick"]]
TICK = a_tick()


def add(product: Json, at: float, *, arrived: float | None = None, **more: Any) -> Event:
    return _event(ADDED, at, arrived, product_name=product, **more)


def view(product: Json, at: float, *, arrived: float | None = None, **more: Any) -> Event:
    return _event("Product Viewed", at, arrived, product_name=product, **more)


def buy(*products: Json, at: float, arrived: float | None = None, **more: Any) -> Event:
    return _event(CHARGED, at, arrived, Items=[{"prod_name": product} for product in products], **more)


def _event(name: str, at: float, arrived: float | None, **more: Any) -> Event:
    return an_event(name, at=minute(at), arrived=minute(at if arrived is None else arrived), **more)


class Case(NamedTuple):
    """Batches by the minute in which they are folded, and the decisions to be made, as `decided` writes them."""

    name: str
    batches: Sequence[Batch]
    decided: Sequence[str]
    plan: Plan = a_plan()
    limits: Limits = Limits(waiting=4 * DAY)


ACTION = a_plan("action", did_not=[], within=0, constant={ADDED: "product_name"})
LATER = replace(ACTION, within=10 * MINUTE)
VIEW = "Product Viewed"
BOTH = a_plan("both", did=[ADDED, VIEW], constant={**PRODUCT, VIEW: "product_name"}, keep=("price", "shelf"))
CAP_2 = Limits(waiting=4 * DAY, watches=2)

CASES = [
    # What it is for.
    Case(
        "a product that is not bought is sent when the window ends",
        [(0, [add("coat", 0)]), (30, [TICK])],
        ["30 send coat of 0"],
    ),
    Case("nothing is sent before the window ends", [(0, [add("coat", 0)]), (29.999, [TICK])], []),
    Case("nothing is sent without a tick", [(0, [add("coat", 0)]), (90, [add("hat", 90)])], []),
    Case(
        "of two products, the one that was bought is not sent",
        [(0, [add("coat", 0), add("hat", 1)]), (5, [buy("coat", at=5)]), (31, [TICK])],
        ["31 send hat of 1"],
    ),
    Case(
        "who bought everything hears nothing",
        [(0, [add("coat", 0)]), (1, [add("hat", 1)]), (9, [buy("coat", "hat", at=9)]), (31, [TICK])],
        [],
    ),
    Case(
        "of five products, three in one basket, two are sent",
        [(0, [add(p, 0) for p in "abcde"]), (9, [buy("e", "a", "c", at=9)]), (30, [TICK])],
        ["30 send b of 0", "30 send d of 0"],
    ),
    Case("a purchase without an add means nothing", [(0, [buy("coat", at=0)]), (60, [TICK])], []),
    # Order, duplicates, restarts.
    Case(
        "a purchase that is folded before its add counts",
        [(7, [buy("coat", at=5)]), (8, [add("coat", 0)]), (40, [TICK])],
        [],
    ),
    Case("a purchase at the very time of the add counts", [(0, [add("coat", 0), buy("coat", at=0)]), (30, [TICK])], []),
    Case(
        "a purchase before the add does not count",
        [(0, [buy("coat", at=0)]), (1, [add("coat", 1)]), (31, [TICK])],
        ["31 send coat of 1"],
    ),
    Case(
        "an event that comes twice is one event",
        [(0, [add("coat", 0)] * 2), (9, [add("coat", 0)]), (30, [TICK]), (31, [add("coat", 0)]), (90, [TICK])],
        ["30 send coat of 0"],
    ),
    Case(
        "a second add begins anew",
        [(0, [add("coat", 0)]), (20, [add("coat", 20)]), (30, [TICK]), (50, [TICK])],
        ["50 send coat of 20"],
    ),
    Case(
        "a second add before the tick that was due moves the watch",
        [(0, [add("coat", 0)]), (35, [add("coat", 35), TICK]), (65, [TICK])],
        ["65 send coat of 35"],
    ),
    Case(
        "an older add that comes late changes nothing",
        [(20, [add("coat", 20)]), (25, [add("coat", 0)]), (50, [TICK])],
        ["50 send coat of 20"],
    ),
    Case(
        "an add after the message is a new occurrence",
        [(0, [add("coat", 0)]), (30, [TICK]), (40, [add("coat", 40)]), (70, [TICK])],
        ["30 send coat of 0", "70 send coat of 40"],
    ),
    Case(
        "an add after the purchase is a new occurrence",
        [(0, [add("coat", 0)]), (5, [buy("coat", at=5)]), (9, [add("coat", 9)]), (39, [TICK])],
        ["39 send coat of 9"],
    ),
    # Late, early, history.
    Case(
        "a purchase after the window, known before the tick, counts",
        [(0, [add("coat", 0)]), (33, [buy("coat", at=32)]), (34, [TICK])],
        [],
    ),
    Case("a tick is folded after the events beside it", [(0, [add("coat", 0)]), (33, [TICK, buy("coat", at=32)])], []),
    Case(
        "a late tick decides, a second one decides nothing",
        [(0, [add("coat", 0)]), (300, [TICK, TICK]), (301, [TICK])],
        ["300 send coat of 0"],
    ),
    Case(
        "a phone that flushes an hour at once is not answered between two of its events",
        [(60, [add("coat", 0, arrived=60), TICK]), (60.5, [buy("coat", at=2, arrived=60.5), TICK]), (61, [TICK])],
        [],
    ),
    Case(
        "what a phone flushed late is decided a minute after it arrived",
        [(60, [add("coat", 0, arrived=60), TICK]), (60.9, [TICK]), (61, [TICK])],
        ["61 send coat of 0"],
    ),
    Case(
        "the first arrival counts, not that of a copy",
        [(20, [add("coat", 0, arrived=29.5)]), (30, [add("coat", 0), TICK])],
        ["30 send coat of 0"],
    ),
    Case(
        "an add of two hours ago is no history yet",
        [(120, [add("coat", 0, arrived=120)]), (121, [TICK])],
        ["121 send coat of 0"],
    ),
    Case("an older add is history and opens nothing", [(121, [add("coat", 0, arrived=120.01)]), (300, [TICK])], []),
    Case(
        "an add that waited in the queue for two days is no history",
        [(2880, [add("coat", 0)]), (2881, [TICK])],
        ["2881 send coat of 0"],
    ),
    Case(
        "an exit is never history",
        [(200, [buy("coat", at=5, arrived=200)]), (201, [add("coat", 5)]), (300, [TICK])],
        [],
    ),
    # Taking back.
    Case(
        "a purchase made before the message and known after it takes it back",
        [(0, [add("coat", 0)]), (30, [TICK]), (40, [buy("coat", at=29)]), (41, [buy("coat", at=28)])],
        ["30 send coat of 0", "40 retract coat of 0"],
    ),
    Case(
        "a purchase at the very time of the add takes it back",
        [(0, [add("coat", 0)]), (30, [TICK]), (40, [buy("coat", at=0)])],
        ["30 send coat of 0", "40 retract coat of 0"],
    ),
    Case(
        "a purchase at the time of the message or later does not",
        [(0, [add("coat", 0)]), (31, [TICK]), (40, [buy("coat", at=31), buy("coat", at=39)])],
        ["31 send coat of 0"],
    ),
    Case(
        "a purchase before the add does not take it back",
        [(9, [add("coat", 9)]), (39, [TICK]), (40, [buy("coat", at=8)])],
        ["39 send coat of 9"],
    ),
    Case(
        "what arrives two hours after the message takes it back",
        [(0, [add("coat", 0)]), (30, [TICK]), (200, [buy("coat", at=5, arrived=150)])],
        ["30 send coat of 0", "200 retract coat of 0"],
    ),
    Case(
        "what arrives later than that does not",
        [(0, [add("coat", 0)]), (30, [TICK]), (200, [buy("coat", at=5, arrived=150.01)])],
        ["30 send coat of 0"],
    ),
    Case(
        "a withheld message is not taken back",
        [(0, [add("coat", 0)]), (30, [TICK]), (40, [buy("coat", at=29)])],
        ["30 withhold coat of 0: campaign paused"],
        replace(a_plan(), paused=True),
    ),
    # Values.
    Case(
        "numbers and their texts are one value, shown as the trigger wrote it",
        [(0, [add(123, 0), add("7", 0), add(" x ", 0)]), (5, [buy("123 ", 7.0, at=5)]), (30, [TICK])],
        ["30 send  x  of 0"],
    ),
    Case(
        "without a constant there is one watch for the user",
        [(0, [add("coat", 0), add("hat", 1)]), (31, [TICK])],
        ["31 send None of 1"],
        replace(a_plan(), constant=()),
    ),
    Case(
        "without a constant any purchase closes it",
        [(0, [add("coat", 0)]), (5, [buy("hat", at=5)]), (31, [TICK])],
        [],
        replace(a_plan(), constant=()),
    ),
    Case(
        "the lists of a composite constant go side by side",
        [
            (0, [add("coat", 0, size="M"), add("coat", 0, size="L"), add("hat", 0, size="M")]),
            (
                5,
                [
                    _event(
                        CHARGED, 5, None, Items=[{"prod_name": "coat", "size": "L"}, {"prod_name": "hat", "size": "M"}]
                    )
                ],
            ),
            (30, [TICK]),
        ],
        ["30 send ['coat', 'M'] of 0"],
        a_plan(
            constant={
                "product": {ADDED: "product_name", CHARGED: "Items[].prod_name"},
                "size": {ADDED: "size", CHARGED: "Items[].size"},
            }
        ),
    ),
    Case(
        "a list beside one value means each of the list with that value",
        [
            (0, [add("coat", 0, shop=1), add("hat", 0, shop=2)]),
            (5, [_event(CHARGED, 5, None, shop=1, Items=[{"prod_name": "coat"}, {"prod_name": "hat"}])]),
            (30, [TICK]),
        ],
        ["30 send ['hat', 2] of 0"],
        a_plan(
            constant={
                "product": {ADDED: "product_name", CHARGED: "Items[].prod_name"},
                "shop": {ADDED: "shop", CHARGED: "shop"},
            }
        ),
    ),
    Case(
        "event names match without regard to case and spaces",
        [
            (
                0,
                [
                    _event("Added To Cart", 0, None, product_name="coat"),
                    _event("ADDEDTOCART", 0, None, product_name="hat"),
                ],
            ),
            (5, [_event("charged ", 5, None, Items=[{"prod_name": "hat"}])]),
            (30, [TICK]),
        ],
        ["30 send coat of 0"],
    ),
    Case(
        "what does not pass where is not there",
        [
            (0, [add("coat", 0, price=20), add("hat", 0, price=19), add("scarf", 0, price=99)]),
            (5, [buy("coat", at=5, paid=False), buy("scarf", at=5, paid=True)]),
            (30, [TICK]),
        ],
        ["30 send coat of 0"],
        a_plan(where={ADDED: "price >= `20`", CHARGED: "paid"}),
    ),
    # Kinds of campaigns.
    Case(
        "an action campaign without a window is decided when the event is folded",
        [(3, [add("coat", 0, arrived=3)]), (4, [TICK])],
        ["3 send coat of 0"],
        ACTION,
    ),
    Case(
        "its event of a minute ahead is decided when its time has come",
        [(0, [add("coat", 1, arrived=0), TICK]), (1, [TICK])],
        ["1 send coat of 1"],
        ACTION,
    ),
    Case("an action campaign sends no history", [(121, [add("coat", 0, arrived=121), TICK])], [], ACTION),
    Case(
        "an action campaign with a window waits for it",
        [(0, [add("coat", 0)]), (9, [TICK]), (10, [TICK])],
        ["10 send coat of 0"],
        LATER,
    ),
    Case(
        "of several exits any one will do",
        [(0, [add("coat", 0), add("hat", 0)]), (5, [view("hat", 5)]), (6, [buy("coat", at=6)]), (30, [TICK])],
        [],
        a_plan(did_not=[CHARGED, VIEW], constant={**PRODUCT, VIEW: "product_name"}),
    ),
    Case(
        "of several triggers all are needed, for one value",
        [(0, [add("coat", 0), view("hat", 0)]), (4, [view("coat", 4)]), (34, [TICK])],
        ["34 send coat of 4"],
        BOTH,
    ),
    Case(
        "they may come in any order, and the last of them by event time dates the occurrence",
        [(4, [view("coat", 4)]), (5, [add("coat", 0)]), (33, [TICK]), (34, [TICK])],
        ["34 send coat of 4"],
        BOTH,
    ),
    Case(
        "an earlier one of them may lie before an exit",
        [(0, [add("coat", 0)]), (2, [buy("coat", at=2)]), (4, [view("coat", 4)]), (34, [TICK])],
        ["34 send coat of 4"],
        BOTH,
    ),
    Case(
        "an exit after the last of them closes it",
        [(4, [add("coat", 0), view("coat", 4), buy("coat", at=4)]), (34, [TICK])],
        [],
        BOTH,
    ),
    Case(
        "one of them that arrives late is waited for, for a minute",
        [(4, [view("coat", 4)]), (60, [add("coat", 0, arrived=60), TICK]), (61, [TICK])],
        ["61 send coat of 4"],
        BOTH,
    ),
    Case(
        "one of them waits for the others for weeks",
        [(0, [add("coat", 0)]), (28 * 1440, [view("coat", 28 * 1440)]), (28 * 1440 + 30, [TICK])],
        [f"{28 * 1440 + 30} send coat of {28 * 1440}"],
        BOTH,
    ),
    Case(
        "a paused campaign withholds what is due, once",
        [(0, [add("coat", 0)]), (30, [TICK]), (31, [TICK])],
        ["30 withhold coat of 0: campaign paused"],
        replace(a_plan(), paused=True),
    ),
    Case(
        "a paused action campaign withholds too",
        [(0, [add("coat", 0)])],
        ["0 withhold coat of 0: campaign paused"],
        replace(ACTION, paused=True),
    ),
    # Too many.
    Case(
        "beyond the cap the oldest watch is withheld at once",
        [(3, [add("a", 1), add("b", 2), add("c", 3)]), (40, [TICK])],
        ["3 withhold a of 1: too many watches", "40 send b of 2", "40 send c of 3"],
        limits=CAP_2,
    ),
    Case(
        "what is older than what was withheld is withheld, whenever it comes",
        [(3, [add("b", 2), add("c", 3), add("d", 3)]), (4, [add("a", 1)]), (40, [TICK])],
        [
            "3 withhold b of 2: too many watches",
            "4 withhold a of 1: too many watches",
            "40 send c of 3",
            "40 send d of 3",
        ],
        limits=CAP_2,
    ),
    Case(
        "as many as the cap are kept",
        [(3, [add("a", 1), add("b", 2)]), (40, [TICK])],
        ["40 send a of 1", "40 send b of 2"],
        limits=CAP_2,
    ),
    Case(
        "a value that was withheld may come again",
        [(3, [add("a", 1), add("b", 2), add("c", 3)]), (4, [add("a", 4)]), (40, [TICK])],
        [
            "3 withhold a of 1: too many watches",
            "4 withhold b of 2: too many watches",
            "40 send c of 3",
            "40 send a of 4",
        ],
        limits=CAP_2,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_example(case: Case) -> None:
    history = History(case.plan, limits=case.limits)
    for at, batch in case.batches:
        history.fold(*batch, now=minute(at))
    assert [decided(each) for each in history.decisions] == case.decided


def decided(each: Any) -> str:
    when, at = ((time - NOON) / MINUTE for time in (each.when, each.at))
    return f"{when:g} {each.kind} {each.shown} of {at:g}" + (f": {each.reason}" if each.reason else "")


def test_a_decision_carries_what_a_message_needs_of_the_trigger() -> None:
    history = History(a_plan(keep=("price", "color")))
    history.fold(add(7.0, 0, price=89, secret="x", id="e-1"), now=NOON)
    (send,) = history.tick(minute(30))
    assert (send.key, send.shown, send.id, send.revision, send.event) == ("7", 7.0, "e-1", 1, {"price": 89})


def test_of_several_triggers_a_decision_carries_what_each_had_the_later_one_first() -> None:
    history = History(BOTH)
    history.fold(add("coat", 0, price=1, shelf=1), view("coat", 4, price=2), now=minute(4))
    (send,) = history.tick(minute(34))
    assert send.event == {"price": 2, "shelf": 1}


def test_what_waits_longer_than_marks_are_kept_is_not_forgotten() -> None:
    """There is a mark of the coat, which would be over by now."""
    history = History(a_plan(within=10 * DAY))
    history.fold(buy("coat", at=0), now=NOON)
    history.fold(add("coat", 1), now=minute(1))
    history.fold(add("hat", 5 * DAY / MINUTE), now=NOON + 5 * DAY)
    assert [each.shown for each in history.tick(minute(1) + 10 * DAY)] == ["coat"]


def test_a_state_can_be_folded_on_from_twice() -> None:
    """As after a lost race: what came of the first time leaves no trace in it."""
    history = History()
    history.fold(add("coat", 0), add("hat", 5), now=minute(5))
    before = history.state
    first = history.fold(buy("coat", at=6), TICK, now=minute(36))
    history.state = before
    assert history.fold(buy("coat", at=6), TICK, now=minute(36)) == first
    assert [each.shown for each in first] == ["hat"]


def test_what_was_decided_keeps_no_properties() -> None:
    history = History(a_plan(keep=("price",)))
    history.fold(add("coat", 0, price=89), now=NOON)
    assert history.state.watches["abandoned-cart"]["coat"].trigger.event == {"price": 89}  # type: ignore[union-attr]
    history.tick(minute(30))
    assert history.state.watches["abandoned-cart"]["coat"].trigger.event == {}  # type: ignore[union-attr]


NEITHER = "neither a value nor a list of values"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (an_event(ADDED), "constant property product: product_name is missing in added to cart"),
        (
            an_event(ADDED, product_name=None),
            "constant property product: product_name is missing in added to cart; it is null",
        ),
        (
            an_event(ADDED, product_name={"a": 1}),
            f"constant property product: {NEITHER}; name a property of it, as in product_name.id",
        ),
        (
            an_event(ADDED, product_name=" "),
            "constant property product: product_name is missing in added to cart; it is blank",
        ),
        (
            an_event(CHARGED, Items=[]),
            "constant property product: Items[].prod_name is missing in charged; Items is empty",
        ),
        (an_event(CHARGED), "constant property product: Items[].prod_name is missing in charged"),
        (
            an_event(CHARGED, Items=[{"prod_name": ["a"]}, {"prod_name": {}}]),
            f"constant property product: {NEITHER}",
        ),
    ],
)
def test_a_constant_that_is_missing_is_a_problem_of_that_campaign_alone(event: Event, reason: str) -> None:
    found, problems = Plans([a_plan(), a_plan("any", constant=None)]).read(event)
    assert [problem[:2] for problem in problems] == [("abandoned-cart", reason)]
    assert [hit.campaign for hit in found] == ["any"]


def test_lists_of_a_composite_constant_that_are_not_as_long_as_each_other_are_a_problem() -> None:
    plan = a_plan(did_not=[], constant={"x": {ADDED: "xs"}, "y": {ADDED: "ys"}})
    found, problems = Plans([plan]).read(an_event(xs=[1, 2], ys=[1, 2, 3]))
    assert not found
    assert [problem.reason for problem in problems] == ["constant properties x, y: lists of different lengths"]


def test_a_filter_that_cannot_be_computed_is_a_problem_not_a_silent_non_match() -> None:
    plans = Plans([a_plan(where={ADDED: "length(price) > `1`"}), a_plan("any", constant=None)])
    found, problems = plans.read(an_event(product_name="coat", price=3))
    assert [hit.campaign for hit in found] == ["any"]
    assert [problem.campaign for problem in problems] == ["abandoned-cart"]


@pytest.mark.parametrize(
    ("number", "truth"), [(0, True), (1, True), ("", False), ([], False), ({}, False), (None, False), (False, False)]
)
def test_a_filter_is_true_as_jmespath_has_it(number: Json, truth: bool) -> None:
    found, _ = Plans([a_plan(where={ADDED: "flag"})]).read(an_event(product_name="coat", flag=number))
    assert bool(found) == truth


def test_an_event_that_no_campaign_names_means_nothing() -> None:
    plans = Plans([a_plan()])
    assert plans.read(an_event("something else")) == ([], [])
    assert not plans.name("something else")
    assert plans.name("Charged")


def test_ids_order_events_of_one_time() -> None:
    history = History(a_plan(keep=("n",)))
    history.fold(add("coat", 0, id="b", n=1), add("coat", 0, id="a", n=2), now=NOON)
    assert [send.event for send in history.tick(minute(30))] == [{"n": 1}]
    history.fold(add("coat", 0, id="c", n=3), now=minute(31))
    assert [send.event for send in history.tick(minute(40))] == [{"n": 3}]


def test_a_watch_of_a_campaign_that_is_gone_is_withheld_when_it_is_due() -> None:
    history = History(a_plan())
    history.fold(add("coat", 0), now=NOON)
    history.plans = Plans()
    assert history.tick(minute(29)) == []
    assert [decided(each) for each in history.tick(minute(30))] == ["30 withhold coat of 0: campaign gone"]


def test_a_campaign_that_is_paused_and_resumed_sends_what_falls_due_afterwards() -> None:
    history = History(a_plan())
    history.fold(add("coat", 0), add("hat", 10), now=minute(10))
    live, history.plans = history.plans, Plans([replace(a_plan(), paused=True)])
    history.tick(minute(30))
    history.plans = live
    history.tick(minute(40))
    assert [decided(each) for each in history.decisions] == [
        "30 withhold coat of 0: campaign paused",
        "40 send hat of 10",
    ]


def test_the_mark_of_an_exit_is_kept_as_long_as_its_trigger_may_still_come() -> None:
    history = History(limits=Limits(waiting=HOUR))
    history.fold(buy("coat", at=0), now=NOON)
    history.fold(now=minute(180))
    assert history.state.watches
    history.fold(now=minute(180) + 1)
    assert not history.state.watches


def test_a_watch_that_is_pending_is_never_forgotten_by_the_fold() -> None:
    history = History(limits=Limits())
    history.fold(add("coat", 0), now=NOON)
    history.fold(now=NOON + 400 * DAY)
    assert [each.kind for each in history.tick(NOON + 400 * DAY)] == ["send"]


def test_what_is_due_first_is_decided_first() -> None:
    history = History(a_plan("b"), a_plan("a", within=20 * MINUTE))
    history.fold(add("coat", 3), add("hat", 1), add("scarf", 2), now=minute(3))
    assert [each.shown for each in history.tick(minute(60)) if each.campaign == "b"] == ["hat", "scarf", "coat"]


def test_nothing_in_nothing_out() -> None:
    plans = Plans([a_plan()])
    state, decisions = fold(History(a_plan()).state, [TICK], plans, NOON)
    assert (state, decisions) == (History(a_plan()).state, [])
