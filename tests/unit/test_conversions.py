"""Conversions: purchases after messages, refunds of those, and both where they become known late."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.text import CampaignFileError, validate
from holdfast.core.authoring.text import parse as parsed
from holdfast.core.events import Event, Json, Tie, canonical
from holdfast.core.explain.explanation import explain
from holdfast.core.explain.replay import Simulation
from holdfast.core.fold.asking import Known
from holdfast.core.fold.conversions import COUNTED_MS, MOST_EXPOSURES, all_of
from holdfast.core.fold.fitting import STATE_BYTES, fold_to_fit
from holdfast.core.fold.fold import fold
from holdfast.core.fold.forgetting import Limits, needed_until
from holdfast.core.fold.stored import decision_of, decode, encode
from holdfast.core.fold.watches import Decision, State
from holdfast.core.gate.rules import Rules
from holdfast.core.messages.detail import detail, detail_type, iso
from holdfast.core.messages.scores import scores
from holdfast.core.messages.statistics import Became
from holdfast.core.paths import folded, number_in, search_for, without_case
from holdfast.core.plans.goal import Goal
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from holdfast_cli.detail_model import Detail
from tests.unit.builders import ADDED, CHARGED, HOUR, LIMITS, MINUTE, a_plan, a_tick, an_event, batches, hits, minute
from tests.unit.test_people import Ids

REFUNDED, PAID = "refunded", "paid"
ITEMS = "Items[].prod_name"
PATHS = {ADDED: "product_name", CHARGED: ITEMS, REFUNDED: "product_name", PAID: "product_name"}
AMOUNT = "Items[?prod_name == $value].price"


def a_goal(**more: Any) -> Goal:
    return Goal(**{"on": (CHARGED,), "within": HOUR, "amount": AMOUNT, "currency": "currency", **more})


def converting(id: str = "cart", *, goal: Goal | None = None, **more: Any) -> Plan:  # noqa: A002
    return a_plan(id, constant=PATHS, convert=goal or a_goal(undone_by=(REFUNDED,)), **more)


def bought(at: float, product: str = "coat", price: float = 40, *, late: float = 0, **more: Any) -> Event:
    items: list[Json] = [{"prod_name": product, "price": price}, {"prod_name": "hat", "price": 5}]
    return an_event(CHARGED, at=minute(at), arrived=minute(at + late), Items=items, currency="EUR", **more)


def refunded(at: float, product: str = "coat") -> Event:
    return an_event(REFUNDED, at=minute(at), product_name=product)


def added(at: float, product: Json = "coat") -> Event:
    return an_event(ADDED, at=minute(at), product_name=product)


class Shop:
    """One user's state."""

    def __init__(self, *plans: Plan, user: str = "u-1", limits: Limits = LIMITS) -> None:
        self.plans = Plans(plans or [converting()])
        self.state = State()
        self.user = user
        self.limits = limits

    def fold(self, *inputs: Event, now: float, tick: bool = False) -> list[Decision]:
        known = [*hits(self.plans, *inputs), *(each for one in inputs for each in self.plans.seen(one))]
        ticks = [a_tick(minute(now))] if tick else []
        before, at = self.state, minute(now)
        self.state, decided = fold(before, [*known, *ticks], self.plans, at, self.limits, Known(self.user))
        assert decode(encode(self.state)) == self.state
        return decided

    def sends(self, *products: str) -> list[Decision]:
        """A message for each, at minute 30."""
        self.fold(*(added(0, product) for product in products or ["coat"]), now=0)
        return self.fold(now=30, tick=True)


def told(decisions: list[Decision]) -> list[tuple[str, float | None, float | None]]:
    """The sum that counts now, and the sum that was reported before."""
    found: list[tuple[str, float | None, float | None]] = []
    for each in decisions:
        if each.conversion:
            now, before = each.conversion.bought, each.conversion.before
            found.append((each.kind, now.amount if now else None, before.amount if before else None))
    return found


# --- One after the other. ---


def test_a_purchase_after_the_message_converts_it_with_the_price_of_that_value_alone() -> None:
    shop = Shop()
    (sent,) = shop.sends()
    assert (sent.kind, sent.first) == ("send", True)
    (converted,) = shop.fold(bought(40), now=41)
    assert (converted.kind, converted.campaign, converted.key, converted.mark) == ("convert", "cart", "coat", sent.mark)
    assert converted.shown == "coat"
    assert converted.conversion is not None
    assert converted.conversion.sent == sent.when
    assert converted.conversion.bought is not None
    assert (converted.conversion.bought.at, converted.conversion.bought.currency) == (minute(40), "EUR")
    assert told([converted]) == [("convert", 40.0, None)]
    assert shop.fold(bought(40), now=42) == []


@pytest.mark.parametrize(
    ("at", "converts"),
    [(29, False), (30, True), (90, True), (90.01, False)],
    ids=["before the message", "at its time", "at the end", "after the end"],
)
def test_a_purchase_converts_from_the_message_to_the_end_of_its_time(at: float, converts: bool) -> None:
    shop = Shop(converting(goal=a_goal(on=(PAID,), amount="price")))
    shop.sends()
    paid = an_event(PAID, at=minute(at), product_name="coat", price="7.5")
    assert told(shop.fold(paid, now=91)) == ([("convert", 7.5, None)] if converts else [])


def test_a_purchase_of_something_else_converts_nothing() -> None:
    shop = Shop()
    shop.sends()
    assert shop.fold(bought(40, "shoes"), now=41) == []


def test_the_first_purchase_counts_also_where_it_becomes_known_last() -> None:
    shop = Shop()
    shop.sends()
    assert told(shop.fold(bought(50, price=10), now=50)) == [("convert", 10.0, None)]
    assert told(shop.fold(bought(60, price=99), now=60)) == []
    assert told(shop.fold(bought(40, price=30, late=21), now=61)) == [("convert", 30.0, 10.0)]


def test_a_refund_undoes_what_was_bought_before_it_and_a_purchase_after_it_counts() -> None:
    shop = Shop()
    shop.sends()
    shop.fold(bought(40, price=30), now=40)
    assert told(shop.fold(refunded(45), now=45)) == [("unconvert", None, 30.0)]
    assert told(shop.fold(bought(42, price=50), now=46)) == []
    assert told(shop.fold(bought(50, price=60), now=50)) == [("convert", 60.0, None)]


def test_a_refund_takes_the_next_purchase_to_the_first_place() -> None:
    shop = Shop()
    shop.sends()
    shop.fold(bought(40, price=30), bought(50, price=60), now=50)
    assert told(shop.fold(refunded(45), now=51)) == [("convert", 60.0, 30.0)]


def test_a_message_that_is_taken_back_is_converted_no_more() -> None:
    shop = Shop()
    shop.sends()
    shop.fold(bought(40, price=30), now=40)
    decisions = shop.fold(bought(20, late=25), now=45)
    assert [each.kind for each in decisions if not each.conversion] == ["retract"]
    assert told(decisions) == [("unconvert", None, 30.0)]
    assert shop.fold(bought(50), now=50) == []


@pytest.mark.parametrize("share", [0.0, 1.0], ids=["sent", "control group"])
def test_the_control_group_is_treated_as_messages_are(share: float) -> None:
    """From the moment when the message would have gone; and what becomes known late counts alike."""
    shop = Shop(converting(rules=Rules(control=share)))
    (decided,) = shop.sends()
    assert (decided.kind, decided.first) == ("withhold" if share else "send", True)
    (converted,) = shop.fold(bought(40), now=41)
    assert converted.conversion is not None
    assert converted.conversion.control == ("control" if share else "")
    assert told(shop.fold(bought(20, late=25), now=45)) == [("unconvert", None, 40.0)]


def test_what_is_withheld_for_another_reason_is_followed_by_nothing() -> None:
    shop = Shop(converting(rules=Rules(end=1)))
    assert [each.reason for each in shop.sends()] == ["after its end"]
    assert shop.fold(bought(40), now=41) == []
    assert shop.state.exposures == {}


def test_a_user_is_counted_once_in_ninety_days() -> None:
    shop = Shop()
    assert [each.first for each in shop.sends("coat", "shoes")] == [True, False]
    later = COUNTED_MS // MINUTE + 31
    shop.fold(added(later), now=later)
    assert [each.first for each in shop.fold(now=later + 30, tick=True)] == [True]


def test_a_summary_is_converted_by_any_value_that_it_names() -> None:
    shop = Shop(converting(summary=True, limit=2))
    shop.fold(added(-2, "socks"), added(-1, "shoes"), added(0, "coat"), now=0)
    (sent,) = shop.fold(now=30, tick=True)
    assert sent.shown == ["coat", "shoes"]
    assert shop.fold(bought(35, "socks"), now=35) == []
    (converted,) = shop.fold(bought(40, "shoes"), now=41)
    assert (converted.key, converted.mark, converted.shown) == ("", sent.mark, ["shoes"])
    assert told([converted]) == [("convert", 40.0, None)]


def test_without_a_constant_the_amount_is_that_of_the_event() -> None:
    goal = a_goal(on=(PAID,), amount="total")
    shop = Shop(a_plan("any", constant=None, convert=goal))
    shop.fold(an_event(ADDED, at=minute(0)), now=0)
    shop.fold(now=30, tick=True)
    assert told(shop.fold(an_event(PAID, at=minute(40), total=12), now=41)) == [("convert", 12.0, None)]


def test_without_a_goal_nothing_is_remembered_and_the_text_is_as_ever() -> None:
    shop = Shop(a_plan("cart"))
    shop.sends()
    assert shop.fold(bought(40), now=41) == []
    assert not shop.state.exposures
    assert not shop.state.counted
    assert "expos" not in encode(shop.state)
    assert "counted" not in encode(shop.state)


# --- Amounts. ---


@pytest.mark.parametrize(
    ("value", "match", "amount"),
    [
        ("coat", folded, 30.0),
        (" coat ", folded, 30.0),
        ("Coat", folded, None),
        ("Coat", without_case, 30.0),
        (123, folded, 7.0),
        ("123", folded, 7.0),
    ],
)
def test_a_value_in_an_amount_is_the_same_as_any_that_it_matches(value: Json, match: Any, amount: float | None) -> None:
    items: list[Json] = [
        {"prod_name": "coat", "price": 10},
        {"prod_name": " coat", "price": "20"},
        {"prod_name": 123.0, "price": 7},
    ]
    assert number_in(search_for(AMOUNT, match)({"Items": items}, value)) == amount


def test_of_a_composite_value_the_parts_are_named_by_number() -> None:
    path = "Items[?prod_name == $value[0] && size == $value[1]].price"
    items: list[Json] = [{"prod_name": "coat", "size": 1, "price": 10}, {"prod_name": "coat", "size": 2, "price": 20}]
    assert number_in(search_for(path, folded)({"Items": items}, ["coat", "2"])) == 20.0


@pytest.mark.parametrize(
    ("found", "number"), [(True, None), ([], None), ("x", None), ([1, "2", None], 3.0), (1e300, None)]
)
def test_only_numbers_are_amounts(found: Json, number: float | None) -> None:
    assert number_in(found) == number


def test_a_purchase_without_a_readable_amount_converts_all_the_same() -> None:
    shop = Shop(converting(goal=a_goal(amount="length(total)")))
    shop.sends()
    assert told(shop.fold(bought(40), now=40)) == [("convert", None, None)]


# --- Laws. ---

FINAL = 200
some_after = st.lists(
    st.one_of(
        st.builds(bought, st.integers(20, 95), st.sampled_from(["coat", "shoes"]), st.sampled_from([1, 2, 30])),
        st.builds(refunded, st.integers(31, 95), st.sampled_from(["coat", "shoes"])),
    ),
    max_size=7,
)
plans_ = st.sampled_from(
    [converting(), converting(rules=Rules(control=1.0)), converting(summary=True), converting(grace=5 * MINUTE)]
)
randoms = st.randoms(use_true_random=False)


def net(decisions: list[Decision]) -> dict[tuple[str, int], tuple[int, float]]:
    """By message, how often it is converted in the end, and for how much: all that was decided, added up."""
    sums: dict[tuple[str, int], tuple[int, float]] = {}
    for each in decisions:
        if each.conversion:
            count, amount = sums.get((each.key, each.at), (0, 0.0))
            now, before = each.conversion.bought, each.conversion.before
            amount += (now.amount or 0.0 if now else 0.0) - (before.amount or 0.0 if before else 0.0)
            sums[each.key, each.at] = (count + bool(now) - bool(before), amount)
    return {about: of for about, of in sums.items() if of != (0, 0.0)}


def after(plan: Plan, batches_: list[list[Event]]) -> tuple[str, dict[tuple[str, int], tuple[int, float]]]:
    shop = Shop(plan)
    shop.sends("coat", "shoes")
    decisions = [each for batch in batches_ for each in shop.fold(*batch, now=FINAL - 100)]
    return encode(shop.state), net(decisions)


@given(plans_, some_after, randoms)
def test_laws_1_to_3_order_duplicates_and_batches_change_neither_the_state_nor_what_adds_up(
    plan: Plan, these: list[Event], rng: random.Random
) -> None:
    once = after(plan, [these])
    assert after(plan, [rng.sample(these, len(these))]) == once
    assert after(plan, batches(rng.sample(these, len(these)), rng)) == once
    assert after(plan, [these, [rng.choice(these) for _ in these]]) == once


@given(st.sampled_from([0.0, 1.0]), some_after)
def test_what_adds_up_is_the_first_purchase_after_the_last_refund(share: float, these: list[Event]) -> None:
    """By a reading that knows all events at once."""
    _, sums = after(converting(rules=Rules(control=share)), [these])
    for product in ("coat", "shoes"):
        paid = [each for each in these if each.name == CHARGED and each.properties["Items"][0]["prod_name"] == product]  # type: ignore[index, call-overload]
        refunds = [e.at for e in these if e.name == REFUNDED and e.properties["product_name"] == product]
        undone = max((at for at in refunds if at <= minute(90)), default=0)
        counts = [each for each in paid if minute(30) <= each.at <= minute(90) and each.at > undone]
        known_late = any(each.at < minute(30) for each in paid)
        expected = min(((e.at, e.properties["Items"][0]["price"]) for e in counts), default=None)  # type: ignore[index, call-overload]
        got = sums.get((product, minute(0)))
        assert (got is None) == (expected is None or known_late)
        if got and expected:
            assert got[0] == 1
            assert got[1] in {e.properties["Items"][0]["price"] for e in counts if e.at == expected[0]}  # type: ignore[index, call-overload]


def test_law_8_what_nothing_can_follow_any_more_is_forgotten_and_the_table_may_drop_it_then() -> None:
    shop = Shop(limits=Limits(waiting=0))
    shop.sends()
    end = (30 * MINUTE + HOUR + 2 * HOUR) // MINUTE
    shop.fold(now=end, tick=True)
    assert len([*all_of(shop.state.exposures)]) == 1
    shop.fold(now=end + 1, tick=True)
    assert shop.state.exposures == {}
    until = needed_until(shop.state, shop.plans, shop.limits)
    assert until == minute(30) + COUNTED_MS
    shop.fold(now=(until - minute(0)) // MINUTE + 1, tick=True)
    assert shop.state == State()


def test_law_8_of_too_many_exposures_the_oldest_go() -> None:
    shop = Shop(converting(within=MINUTE))
    for batch in range(3):
        shop.fold(*(added(batch * 2, f"p-{batch}-{n}") for n in range(100)), now=batch * 2)
        shop.fold(now=batch * 2 + 1, tick=True)
    left = [each.key for _, each in all_of(shop.state.exposures)]
    assert len(left) == MOST_EXPOSURES
    assert all(key.startswith(("p-1", "p-2")) for key in left)


def test_law_8_a_state_that_is_too_long_lets_exposures_go_before_watches() -> None:
    plan = converting(within=MINUTE)
    plans = Plans([plan])
    shop, long = Shop(plan), "x" * 480
    shop.fold(*(added(0, f"{long}{n}") for n in range(150)), now=0)
    shop.fold(now=1, tick=True)
    events = [added(2, f"{long}-{n}") for n in range(150)]
    folded_ = fold_to_fit(shop.state, hits(plans, *events), plans, minute(2), LIMITS)
    assert len(folded_.text) <= STATE_BYTES
    assert sum(1 for _, _, watch in folded_.state.all() if watch.pending) == 150
    before, after_ = (len([*all_of(each.exposures)]) for each in (shop.state, folded_.state))
    assert 0 < after_ < before
    assert folded_.decisions == []


def test_a_purchase_that_arrives_when_all_is_over_counts_in_no_fold() -> None:
    """Whether it counts follows from its own time and arrival, not from when it is folded."""
    shop = Shop()
    shop.sends()
    too_late = bought(50)._replace(arrived=minute(90) + 2 * HOUR + 1)
    assert told(shop.fold(too_late, now=91)) == []
    assert told(shop.fold(too_late._replace(arrived=minute(90) + 2 * HOUR), now=91)) == [("convert", 40.0, None)]


def test_keys_of_another_reading_convert_nothing() -> None:
    """A new space begins: what was sent in the old one is converted as the old one reads it, while it is read."""
    old = converting(revision=1)
    shop = Shop(old)
    shop.sends()
    new = a_plan("cart", constant=PATHS | {CHARGED: "skus"}, convert=a_goal(), revision=2, space=2)
    shop.plans = Plans([new], others=[old])
    assert told(shop.fold(an_event(CHARGED, at=minute(40), skus=["coat"], Items=[]), now=40)) == []
    assert told(shop.fold(bought(41), now=41)) == [("convert", 40.0, None)]


def test_a_message_to_a_guest_who_had_bought_as_a_user_is_converted_by_nothing() -> None:
    """It is taken back when the two prove to be one."""
    ids = Ids(Plans([converting()]))
    ids.fold([added(0)._replace(user="guest")], minute(0))
    ids.fold([bought(10, user="u-1")], minute(10))
    assert [each.kind for each in ids.fold([], minute(30), tick=True)] == ["send"]
    assert [(each.kind, each.user) for each in ids.fold([Tie("u-1", "guest")], minute(31))] == [("retract", "guest")]
    assert ids.fold([bought(40, user="u-1")], minute(40)) == []


def test_who_got_a_message_under_each_of_two_ids_is_counted_twice_and_so_is_what_follows() -> None:
    """As `bench.uplift` supposes. A message after the tie is none that counts the user anew."""
    ids = Ids(Plans([converting()]))
    decided = ids.fold([added(0)._replace(user="guest"), added(5, "hat")._replace(user="u-1")], minute(5))
    decided += ids.fold([], minute(40), tick=True)
    decided += ids.fold([Tie("u-1", "guest"), added(41, "map")._replace(user="u-1")], minute(41))
    decided += ids.fold([], minute(80), tick=True)
    decided += ids.fold([bought(81, user="u-1")], minute(81))
    decided += ids.fold([refunded(82, "hat")._replace(user="u-1")], minute(82))
    outcomes = [Became(each, each.kind, each.reason) for each in decided]
    (score,) = (one for of in scores(outcomes).values() for one in of.values())
    assert (score.messages, score.users) == (3, 2)
    assert (score.converted, score.users_converted) == (1, 1), "of coat and hat, the hat is taken back"


# --- Everywhere. ---

FILE = """
id: cart
when: {did: added to cart, did_not: charged, within: 30 minutes}
constant:
  name: product
  in: {added to cart: product_name, charged: "Items[].prod_name", refunded: product_name}
send: {values: {title: "{{ ConstantEventProperty }}"}}
convert:
  within: 2 days
  amount: "Items[?prod_name == $value].price"
  currency: "'EUR'"
  undone_by: refunded
"""


def test_a_file_says_what_converts_and_by_default_the_exits_do() -> None:
    plan = campaign_from(FILE).plan()
    assert plan.convert == Goal(
        ("charged",), 2 * 24 * HOUR, "Items[?prod_name == $value].price", "'EUR'", ("refunded",)
    )
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize(
    ("was", "becomes", "mistake"),
    [
        ("undone_by: refunded", "on: [refunded, paid]", "say which property of 'paid' is the 'product'"),
        ("undone_by: refunded", "undone_by: [refunded, charged]", "'charged' converts and undoes it"),
        ("within: 2 days", "within: 0 days", "more than nothing"),
        ("within: 2 days", "within: 91 days", "90 days is the longest"),
        ("$value]", "$value", "is not a JMESPath expression"),
        ('  amount: "Items[?prod_name == $value].price"\n', "", "a currency needs an amount"),
        ('charged: "Items[].prod_name"', "charged: every value", "say which event is a conversion"),
        ("refunded: product_name}", "refunded: every value}", "only an event of did_not ends every value"),
    ],
)
def test_a_mistake_in_what_converts_is_said_where_it_stands(was: str, becomes: str, mistake: str) -> None:
    assert was in FILE
    with pytest.raises(CampaignFileError, match=re.escape(mistake)):
        campaign_from(FILE.replace(was, becomes))


def campaign_from(text: str) -> Campaign:
    return validate(parsed(text), Campaign)


def test_simulate_tells_conversions_when_they_happen() -> None:
    seen: list[tuple[str, int]] = []
    simulation = Simulation(
        Plans([converting()]), lambda _user, decision: seen.append((decision.kind, decision.when)), Known
    )
    for event in (added(0), bought(45, late=1 << 20), refunded(50)):
        simulation.event(event)
    simulation.until()
    assert seen == [("send", minute(30)), ("convert", minute(45)), ("unconvert", minute(50))]


def test_explain_says_that_a_message_was_followed_by_a_purchase() -> None:
    shop = Shop()
    shop.sends()
    shop.fold(bought(40), now=41)
    found, *_ = explain("u-1", shop.state, shop.plans, minute(50), zone=UTC)
    assert found.status == "converted"
    assert found.text.endswith("converted at 12:40, 40 EUR")
    shop.fold(refunded(45), now=46)
    found, *_ = explain("u-1", shop.state, shop.plans, minute(50), zone=UTC)
    assert (found.status, found.text.rpartition("; ")[2]) == ("sent", "a conversion was undone at 12:45")


def test_what_goes_on_the_bus_keeps_its_contract() -> None:
    shop = Shop(converting(rules=Rules(control=1.0), names={"addedtocart": ADDED}))
    shop.sends()
    for event, kind in ((bought(40), "convert"), (refunded(45), "unconvert")):
        (decision,) = shop.fold(event, now=50)
        body = detail("u-1", decision, plan=shop.plans["cart"], profile={})
        Detail.model_validate(body)
        assert (
            detail_type(decision.kind, shop.plans["cart"])
            == {
                "convert": "Personalized Message Converted",
                "unconvert": "Personalized Message Conversion Retracted",
            }[kind]
        )
        assert body["conversion"] == {
            "sent_at": iso(minute(30)),
            "at": iso(minute(40)),
            "amount": 40.0,
            "currency": "EUR",
            "group": "control",
        }
        assert decision_of(json.loads(canonical(decision))) == decision
