"""Faults that others reported in public about tools of this kind: what went wrong there goes right here."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from holdfast.core.events import Event, Tie
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from tests.unit.builders import (
    ADDED,
    CHARGED,
    HOUR,
    MINUTE,
    History,
    a_plan,
    a_tick,
    added,
    an_event,
    charged,
    minute,
)
from tests.unit.test_people import Ids


def carts() -> Plan:
    """Held equal is the cart, as in both reports on it."""
    return a_plan("carts", within=3 * MINUTE, constant={ADDED: "cart", CHARGED: "cart"})


def sent(history: History) -> list[Any]:
    return [each.shown for each in history.decisions if each.kind == "send"]


def test_dittofeed_1463_a_trigger_waits_for_an_exit_of_the_same_cart_alone() -> None:
    """https://github.com/dittofeed/dittofeed/issues/1463: waiting for a checkout could not be keyed by the cart."""
    history = History(carts())
    history.fold(an_event(ADDED, at=minute(0), cart="a"), an_event(ADDED, at=minute(0), cart="b"), now=minute(0))
    history.fold(an_event(CHARGED, at=minute(1), cart="a"), now=minute(1))
    history.tick(minute(3))
    assert sent(history) == ["b"]


@pytest.mark.parametrize("together", [True, False])
def test_dittofeed_1596_a_checkout_after_the_beginning_counts(together: bool) -> None:
    """https://github.com/dittofeed/dittofeed/issues/1596: who checked out while it waited was reminded all the same."""
    history = History(carts())
    these = [an_event(ADDED, at=minute(0), cart="a"), an_event(CHARGED, at=minute(2), cart="a")]
    for batch in [these] if together else [[each] for each in these]:
        history.fold(*batch, now=minute(2))
    history.tick(minute(3))
    assert history.decisions == []


def test_parcelvoy_548_what_ended_an_earlier_occurrence_does_not_end_the_next() -> None:
    """https://github.com/parcelvoy/platform/issues/548: an event of an earlier run was taken for one of this run."""
    history = History(a_plan(grace=2 * MINUTE))
    history.fold(added("coat", minute(0)), charged("coat", minute(5)), now=minute(5))
    history.tick(minute(30))
    history.fold(added("coat", minute(60)), now=minute(60))
    history.tick(minute(90))
    assert [(each.kind, each.at) for each in history.decisions] == [("send", minute(60))]


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize("together", [True, False])
def test_inngest_1433_an_exit_right_after_its_trigger_is_not_lost(order: tuple[int, ...], together: bool) -> None:
    """https://github.com/inngest/inngest/issues/1433: an event right after the one that waits was missed."""
    these = [added("coat", minute(0)), charged("coat", minute(0) + 1)]
    ordered = [these[number] for number in order]
    history = History()
    for batch in [ordered] if together else [[each] for each in ordered]:
        history.fold(*batch, now=minute(0) + 2)
    history.tick(minute(30))
    assert history.decisions == []


def test_inngest_js_1617_nothing_waits_any_longer_once_it_has_ended() -> None:
    """https://github.com/inngest/inngest-js/issues/1617: a wait that had lost went on until its timeout."""
    history = History(a_plan(within=4 * HOUR))
    history.fold(added("coat", minute(0)), now=minute(0))
    assert history.state.due() == minute(0) + 4 * HOUR
    history.fold(charged("coat", minute(1)), now=minute(1))
    assert history.state.due() is None


def _both() -> Plan:
    return a_plan(did=[ADDED, "viewed"], within=MINUTE, constant={ADDED: "p", "viewed": "p", CHARGED: "p"})


def test_mautic_1311_the_window_begins_with_what_was_waited_for_and_not_before() -> None:
    """https://github.com/mautic/mautic/pull/1311: the time to act was counted from before the first message."""
    history = History(_both())
    history.fold(an_event(ADDED, at=minute(0), p="coat"), now=minute(0))
    assert history.tick(minute(2)) == []
    history.fold(an_event("viewed", at=minute(2), p="coat"), now=minute(2))
    assert history.tick(minute(3) - 1) == []
    assert [each.kind for each in history.tick(minute(3))] == ["send"]


def test_mautic_9486_nothing_follows_from_what_has_not_happened_yet() -> None:
    """https://github.com/mautic/mautic/pull/9486: the path of those who did nothing was taken before its parent ran."""
    history = History(_both())
    history.fold(an_event(ADDED, at=minute(0), p="coat"), now=minute(0))
    history.fold(an_event(ADDED, at=minute(1), p="coat"), now=minute(1))
    for now in range(2, 120, 7):
        assert history.tick(minute(now)) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_mautic_6789_an_event_that_comes_before_the_first_step_keeps_no_step_from_being_done(
    order: tuple[int, ...],
) -> None:
    """https://github.com/mautic/mautic/issues/6789: an answer that came before the first run suppressed the rest."""
    other = a_plan("other", did=CHARGED, did_not=[], within=MINUTE, constant={CHARGED: "Items[].prod_name"})
    these: list[Event] = [charged("hat", minute(1)), added("coat", minute(0)), added("hat", minute(0))]
    history = History(a_plan(), other)
    for number in order:
        history.fold(these[number], now=minute(1))
    history.tick(minute(31))
    assert sorted((each.campaign, each.shown) for each in history.decisions) == [
        ("abandoned-cart", "coat"),
        ("other", "hat"),
    ]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_woocommerce_abandoned_cart_166_a_guest_who_registers_with_an_order_is_not_reminded(
    order: tuple[int, ...],
) -> None:
    """https://github.com/TycheSoftwares/woocommerce-abandoned-cart/pull/167: the order was the new account's, so the
    guest's cart stayed open, and so did the one that the account took over.
    """
    ids = Ids(Plans([a_plan()]))
    these: list[Event | Tie] = [
        added("coat", minute(0), user="guest"),
        added("coat", minute(4), user="new"),
        charged("coat", minute(5), user="new"),
        Tie("new", "guest"),
    ]
    for number in order:
        assert ids.fold([these[number]], minute(6)) == []
    assert ids.fold([], minute(60), tick=True) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_novu_2569_events_of_one_second_are_one_summary(order: tuple[int, ...]) -> None:
    """https://github.com/novuhq/novu/issues/2569: events of the same second led to a digest each."""
    these = [added(f"p{number}", minute(0) + number // 2, arrived=minute(0) + 1) for number in range(3)]
    history = History(a_plan(summary=True))
    for number in order:
        history.fold(these[number], a_tick(minute(0)), now=minute(0) + 1)
    history.fold(a_tick(), a_tick(), now=minute(31))
    history.tick(minute(31))
    (decision,) = history.decisions
    assert sorted(decision.shown) == ["p0", "p1", "p2"]  # type: ignore[arg-type, type-var]


def test_novu_2937_what_is_cancelled_is_cancelled_and_too_late_is_said_so() -> None:
    """https://github.com/novuhq/novu/issues/2937: the answer was yes, and the message went out all the same."""
    history = History()
    history.fold(added("coat", minute(0)), charged("coat", minute(29)), now=minute(29))
    assert history.tick(minute(30)) == []
    late = History()
    late.fold(added("coat", minute(0)), now=minute(0))
    (message,) = late.tick(minute(30))
    (retract,) = late.fold(charged("coat", minute(29), arrived=minute(31)), now=minute(31))
    assert (retract.kind, retract.at, retract.id) == ("retract", message.at, message.id)
