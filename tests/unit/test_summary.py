"""`one_per: user`: one message when the user has been quiet for the window, about all that is still open."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.events import Event, Json
from holdfast.core.fold.forgetting import Limits
from holdfast.core.fold.stored import decode, encode
from holdfast.core.fold.watches import Decision, State
from holdfast.core.messages.detail import context, detail, message_id
from holdfast.core.plans.plans import Plans
from tests.unit.builders import DAY, History, a_plan, added, charged, minute

WINDOW = 30


def a_summary(**more: object) -> History:
    return History(a_plan(summary=True, keep=("price",), **more))  # type: ignore[arg-type]


def shown(decisions: list[Decision]) -> list[Json]:
    return [decision.shown for decision in decisions]


def test_all_that_is_open_goes_into_one_message_newest_first() -> None:
    user = a_summary()
    user.fold(added("coat", minute(0), price=89), added("hat", minute(5), price=20), now=minute(5))
    assert user.tick(minute(WINDOW)) == []
    (sent,) = user.tick(minute(5 + WINDOW))
    assert (sent.kind, sent.shown, sent.open) == ("send", ["hat", "coat"], 2)
    assert sent.events == [{"price": 20}, {"price": 89}]
    assert sent.event == {"price": 20}


def test_the_user_is_ticked_when_the_last_of_them_falls_due() -> None:
    user = a_summary()
    user.fold(added("coat", minute(0)), added("hat", minute(5)), now=minute(5))
    assert user.state.due(user.plans.summaries) == minute(5 + WINDOW)


def test_another_add_starts_the_quiet_time_again() -> None:
    user = a_summary()
    user.fold(added("coat", minute(0)), now=minute(0))
    user.fold(added("hat", minute(20)), now=minute(20))
    user.fold(added("map", minute(45)), now=minute(45))
    assert user.tick(minute(20 + WINDOW)) == []
    assert shown(user.tick(minute(45 + WINDOW))) == [["map", "hat", "coat"]]


def test_bought_in_part_only_the_rest_is_told() -> None:
    user = a_summary()
    user.fold(*(added(item, minute(0)) for item in ("tent", "stove", "lamp", "rope", "map")), now=minute(0))
    user.fold(charged(["tent", "stove", "lamp"], minute(3)), now=minute(3))
    (sent,) = user.tick(minute(WINDOW))
    assert sorted(map(str, sent.shown or ())) == ["map", "rope"]  # type: ignore[arg-type]


def test_with_nothing_left_there_is_no_message() -> None:
    user = a_summary()
    user.fold(added("coat", minute(0)), charged("coat", minute(1)), now=minute(1))
    assert user.tick(minute(WINDOW + 1)) == []


def test_it_names_as_many_as_the_campaign_says_and_counts_them_all() -> None:
    user = a_summary(limit=2)
    user.fold(*(added(item, minute(n)) for n, item in enumerate("abcd")), now=minute(3))
    (sent,) = user.tick(minute(3 + WINDOW))
    assert (sent.shown, len(sent.events), sent.open) == (["d", "c"], 2, 4)
    assert user.tick(minute(DAY)) == []


def test_the_next_summary_is_only_about_what_came_since() -> None:
    user = a_summary()
    user.fold(added("coat", minute(0)), now=minute(0))
    user.tick(minute(WINDOW))
    user.fold(added("hat", minute(40)), now=minute(40))
    assert shown(user.tick(minute(40 + WINDOW))) == [["hat"]]


def test_a_purchase_learnt_of_too_late_takes_the_summary_back_by_its_id() -> None:
    user = a_summary()
    user.fold(added("coat", minute(0)), added("hat", minute(5)), now=minute(5))
    (sent,) = user.tick(minute(5 + WINDOW))
    (back,) = user.fold(charged("coat", minute(10), arrived=minute(36)), now=minute(36))
    assert (back.kind, back.shown) == ("retract", "coat")
    assert message_id("u-1", back) == message_id("u-1", sent)


def test_a_summary_is_taken_back_once_however_much_of_it_was_bought() -> None:
    user = a_summary()
    user.fold(added("coat", minute(0)), added("hat", minute(5)), now=minute(5))
    user.tick(minute(5 + WINDOW))
    basket = charged(["coat", "hat"], minute(10), arrived=minute(36))
    assert [each.kind for each in user.fold(basket, now=minute(36))] == ["retract"]
    assert user.fold(charged("hat", minute(11), arrived=minute(37)), now=minute(37)) == []


def test_a_summary_is_one_decision_however_many_watches_it_closes() -> None:
    user = History(a_plan(summary=True), limits=Limits(decisions=2))
    user.fold(*(added(item, minute(n)) for n, item in enumerate("abc")), now=minute(2))
    assert [each.open for each in user.tick(minute(60))] == [3]


def test_a_summary_of_watches_of_several_revisions_says_the_oldest_which_kept_what_all_have() -> None:
    user = a_summary()
    user.fold(added("coat", minute(0)), now=minute(0))
    user.plans = Plans([a_plan(summary=True, keep=("price", "colour"), revision=2)])
    user.fold(added("hat", minute(5)), now=minute(5))
    assert [each.revision for each in user.tick(minute(5 + WINDOW))] == [1]


def test_the_detail_and_the_templates_get_the_lists() -> None:
    user = a_summary(limit=1)
    user.fold(added("coat", minute(0), price=89), added("hat", minute(5), price=20), now=minute(5))
    (sent,) = user.tick(minute(5 + WINDOW))
    plan = user.plans["abandoned-cart"]
    assert detail("u-1", sent, plan=plan, profile={})["constant"] == {"name": "product", "value": ["hat"], "open": 2}
    objects = context(sent, plan, {})
    assert objects["ConstantEventProperty"] == ["hat"]
    assert objects["Events"] == [{"price": 20}]
    assert objects["Event"] == {"price": 20}


def test_a_summarised_watch_survives_the_table() -> None:
    user = a_summary()
    user.fold(added("coat", minute(0)), added("hat", minute(5)), now=minute(5))
    user.tick(minute(5 + WINDOW))
    assert decode(encode(user.state)) == user.state


def test_what_does_not_fit_into_one_item_is_decided_by_the_next_tick() -> None:
    user = History(a_plan(), limits=Limits(decisions=3))
    user.fold(*(added(item, minute(n)) for n, item in enumerate("abcde")), now=minute(4))
    assert shown(user.tick(minute(60))) == ["a", "b", "c"]
    assert user.state.due() is not None
    assert shown(user.tick(minute(60))) == ["d", "e"]


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[int, Event | None]]:
    """Minutes in order, and in each an event (they arrive when they happen) or a tick."""
    steps = []
    for at in sorted(draw(st.lists(st.integers(0, 200), max_size=25))):
        product = draw(st.sampled_from("abc"))
        make = draw(st.sampled_from([added, added, charged, None]))
        steps.append((at, make(product, minute(at)) if make else None))
    return steps


@given(stories())
def test_every_tick_agrees_with_a_reading_of_all_that_happened(steps: list[tuple[int, Event | None]]) -> None:
    user = a_summary()
    adds: dict[str, int] = {}
    charges: dict[str, int] = {}
    told: dict[str, int] = {}
    for at, event in steps:
        if event is not None:
            user.fold(event, now=minute(at))
            if event.name == "charged":
                charges[str(event.properties["Items"][0]["prod_name"])] = at  # type: ignore[index,call-overload]
            else:
                adds[str(event.properties["product_name"])] = at
            continue
        closed = {product: max(charges.get(product, -1), told.get(product, -1)) for product in adds}
        waiting = {product: added_at for product, added_at in adds.items() if closed[product] < added_at}
        quiet = bool(waiting) and at >= max(waiting.values()) + WINDOW
        sent = user.tick(minute(at))
        assert [sorted(map(str, each.shown or ())) for each in sent] == ([sorted(waiting)] if quiet else [])  # type: ignore[arg-type]
        if quiet:
            told |= waiting


@given(stories(), st.randoms())
def test_the_order_of_the_events_makes_no_difference(steps: list[tuple[int, Event | None]], random: object) -> None:
    events = [event for _, event in steps if event is not None]
    in_order, shuffled = a_summary(), a_summary()
    in_order.fold(*events, now=minute(200))
    random.shuffle(events)  # type: ignore[attr-defined]
    for event in events:
        shuffled.fold(event, now=minute(200))
    assert shuffled.state == in_order.state
    assert shuffled.tick(minute(230)) == in_order.tick(minute(230))


def test_a_state_without_watches_is_never_due() -> None:
    assert State().due({"abandoned-cart"}) is None
