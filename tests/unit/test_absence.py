"""Why nothing came of a user's events, and whose a rejected record is."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.explain.absence import Refused, absence
from holdfast.services.set_aside import Aside
from tests.unit.builders import ADDED, CHARGED, HOUR, a_plan

TOO_OLD = (
    "a trigger of cart that arrives more than 2 hours after it happened (max_age) opens nothing and leaves no trace"
)
PLANS = {"cart": a_plan("cart", names={"addedtocart": "added to cart", CHARGED: CHARGED}, max_age=2 * HOUR)}


def test_what_was_rejected_is_told_with_its_reason_latest_first_and_not_without_end() -> None:
    refused = [Refused(f"reason {n}", f"10:0{n}") for n in range(7)]
    told = absence("ann", PLANS, known=True, rejected=refused, seen=[])
    assert told[0] == "rejected at 10:00: reason 0"
    assert told[-1] == "2 more were rejected: holdfast rejected list --user ann"
    assert len(told) == 6


def test_of_a_user_who_was_never_seen_it_says_so_and_what_may_have_been() -> None:
    assert absence("ann", PLANS, known=False, rejected=[], seen=["added_to_cart", "left", ADDED]) == [
        "ann was never seen: neither with an event that a campaign names nor with a profile",
        "'added_to_cart' came in, and no campaign names it; did you mean 'added to cart'?",
        TOO_OLD,
    ]


def test_of_a_user_who_was_rejected_alone_it_says_what_else_may_have_been() -> None:
    told = absence("ann", PLANS, known=False, rejected=[Refused("product is missing", "10:00")], seen=[])
    assert told == ["rejected at 10:00: product is missing", TOO_OLD]


def test_of_campaigns_that_know_nothing_of_a_known_user_it_says_what_opens_nothing_there() -> None:
    other = a_plan(
        "other", max_age=24 * HOUR, names={"addedtocart": "added to cart"}, where={"addedtocart": "price > `9`"}
    )
    told = absence("ann", {**PLANS, "other": other}, known=True, rejected=[], seen=[], silent=["other"])
    assert told == [
        "a trigger of other that arrives more than 1 day after it happened (max_age) opens nothing and leaves no trace",
        "'added to cart' that does not pass price > `9` opens nothing in other",
    ]
    many = {f"c{n}": a_plan(f"c{n}", max_age=2 * HOUR) for n in range(7)}
    (told_once,) = absence("ann", many, known=True, rejected=[], seen=[], silent=many)
    assert told_once.startswith("a trigger of c0, c1, c2, c3, c4 and 2 more that arrives more than 2 hours")


def test_of_a_user_who_is_known_there_is_nothing_to_add() -> None:
    assert absence("ann", PLANS, known=True, rejected=[], seen=["added_to_cart"]) == []


@pytest.mark.parametrize(
    ("record", "is_hers"),
    [
        ({"user": "ann", "event": "x"}, True),
        ({"user": "anna", "event": "ann"}, False),
        ({"type": "track", "userId": "ann"}, True),
        ({"detail-type": "x", "detail": {"user": "ann"}}, True),
        ({"d": [{"identity": "bob"}, {"identity": "ann"}]}, True),
        ({"Type": "Notification", "Message": '{"user": "ann"}'}, True),
        ('{"user": "ann", ', True),
        (17, False),
    ],
)
def test_a_rejected_record_is_known_as_its_user_s_in_whatever_form(record: Any, is_hers: bool) -> None:
    assert Aside("m", {"reason": "r", "record": record}, "", 0).about("ann") is is_hers
