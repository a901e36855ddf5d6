"""Exits of every shape, from a campaign's file to what is decided: grace, doubts, every value, snapshots, own names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.hints import Known, hints
from holdfast.core.authoring.matching import matching
from holdfast.core.authoring.text import CampaignFileError, parse, validate
from holdfast.core.events import Event, Rejected, Tick
from holdfast.core.explain.explanation import explain
from holdfast.core.explain.preview import NoMessage, made_up, read_events
from holdfast.core.explain.replay import Simulation
from holdfast.core.fold.fold import fold
from holdfast.core.fold.stored import decode, encode
from holdfast.core.fold.watches import State
from holdfast.core.intake.forms import records
from holdfast.core.intake.shapes import Shapes
from holdfast.core.paths import folded
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from tests.unit.builders import MINUTE, NOON

CART = """
id: cart
when: {did: Product Added, did_not: Order Completed, within: 30 minutes%s}
constant:
  name: product
  in: {Product Added: product_id, Order Completed: "products[].product_id"}
send: {values: {title: "{{ ConstantEventProperty }} is waiting"}}
"""


def a_campaign(text: str) -> Campaign:
    return validate(parse(text), Campaign)


def mistakes(text: str) -> list[str]:
    with pytest.raises(CampaignFileError) as caught:
        a_campaign(text)
    return [f"{each.place}: {each.message}" for each in caught.value.mistakes]


def at(minutes: float) -> int:
    return NOON + round(minutes * MINUTE)


def added(product: Any, minutes: float = 0, event: str = "Product Added", **more: Any) -> dict[str, Any]:
    return {"user": "u-1", "event": event, "ts": at(minutes), "product_id": product, **more}


def bought(*products: Any, minutes: float = 5, event: str = "Order Completed", **more: Any) -> dict[str, Any]:
    lines = [{"product_id": product} for product in products]
    return {"user": "u-1", "event": event, "ts": at(minutes), "products": lines, **more}


def decided(campaign: str, *given: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """The outcome of the records: the decision, the value, the reason."""
    simulation = Simulation(Plans([a_campaign(campaign).plan()]), lambda _, decision: decision)
    for record in (each for one in given for each in records(json.dumps(one), 1 << 53)):
        if isinstance(record, Rejected):
            assert record.event
            simulation.unreadable(record.event, record.reason)
        else:
            assert isinstance(record, Event)
            simulation.event(record)
    return [(each.kind, each.shown, each.reason) for each in simulation.until()]


def sent(campaign: str, *given: dict[str, Any]) -> list[Any]:
    found = decided(campaign, *given)
    assert all(kind == "send" for kind, _, _ in found), found
    return [shown for _, shown, _ in found]


# How values match.


@pytest.mark.parametrize(
    ("in_cart", "in_order"),
    [
        ("Caf\u00e9 cr\u00e8me", "Cafe\u0301 cre\u0300me"),
        ("A 1", "A\u00a01"),
        (12345678.0, "12345678"),
        ("K7", "\ufeffK\u200b7"),
        ("Ofen\u00adrohr", "Ofenrohr"),
    ],
)
def test_what_reads_alike_is_the_same_product(in_cart: Any, in_order: Any) -> None:
    assert sent(CART % "", added(in_cart), bought(in_order)) == []


def test_a_blank_line_and_a_long_url_do_not_keep_an_order_from_ending_anything() -> None:
    assert sent(CART % "", added("A1"), bought("A1", "", None)) == []
    order = bought("A1")
    order["products"][0]["url"] = "https://shop.example/?" + "x" * 600
    assert sent(CART % "", added("A1"), order) == []


@pytest.mark.parametrize("quantities", [(2, 1), (1, 2)])
def test_bought_is_bought_in_whatever_number(quantities: tuple[int, int]) -> None:
    order = bought("A1")
    order["products"][0]["quantity"] = quantities[1]
    assert sent(CART % "", added("A1", quantity=quantities[0]), order) == []


def test_a_long_description_that_nothing_reads_does_no_harm() -> None:
    assert sent(CART % "", added("A1", description="A warm coat. " * 60)) == ["A1"]


def test_a_thousand_lines_end_what_they_should() -> None:
    assert sent(CART % "", added("other"), added("p7"), bought(*(f"p{n}" for n in range(1_000)))) == ["other"]


def test_case_does_not_matter_where_the_campaign_says_so() -> None:
    loose = CART.replace("name: product\n", "name: product\n  match: ignore case\n")
    assert sent(CART % "", added("SKU-1a"), bought("sku-1A")) == ["SKU-1a"]
    assert sent(loose % "", added("SKU-1a"), bought("sku-1A")) == []


# Grace.


def test_an_exit_shortly_before_its_trigger_counts() -> None:
    assert sent(CART % "", bought("A1", minutes=5), added("A1", 7)) == []
    assert sent(CART % "", bought("A1", minutes=5), added("A1", 7.001)) == ["A1"]
    assert sent(CART % ", grace: 0 seconds", bought("A1", minutes=5), added("A1", 5.001)) == ["A1"]
    assert sent(CART % ", grace: 0 seconds", bought("A1", minutes=5), added("A1", 5)) == []
    assert sent(CART % ", grace: 10 minutes", bought("A1", minutes=5), added("A1", 15)) == []


def test_a_plan_that_an_earlier_release_published_has_no_grace() -> None:
    data = a_campaign(CART % "").plan().to_json()
    assert data.pop("grace") == 2 * MINUTE
    assert Plan.from_json(data).grace == 0


def test_a_day_is_the_longest_grace() -> None:
    assert a_campaign(CART % ", grace: 1 day").plan().grace == 24 * 60 * MINUTE
    assert mistakes(CART % ", grace: 25 hours") == ["when.grace: 1 day is the longest grace"]


# Doubt.

FILTERED = CART % ", where: {Order Completed: 'total > `0`'}"
CONVERTED = CART % ", where: {Order Completed: '`0` < to_number(total)'}"
NESTED = (CART % "").replace("products[].product_id", "order.lines[].id")


@pytest.mark.parametrize(
    ("campaign", "order", "why"),
    [
        (CART % "", bought(), "products[].product_id is missing"),
        (CART % "", bought(products='[{"product_id": "A1"}]'), "products is text, not a list or an object"),
        (CART % "", bought(products=['{"product_id": "A1"}']), "products[] is text, not a list or an object"),
        (NESTED, bought(order='{"lines": [{"id": "A1"}]}'), "order is text, not a list or an object"),
        (NESTED, bought(order={"lines": '[{"id": "A1"}]'}), "order.lines is text, not a list or an object"),
        (FILTERED, bought("A1", total="89.00"), 'total is the text "89.00", not a number: write to_number(total)'),
        (FILTERED, bought("A1", total="89,00"), 'total is the text "89,00", not a number'),
        (FILTERED, bought("A1", total={"eur": 89}), 'total is {"eur": 89}, not a number'),
        (FILTERED, bought("A1", total=True), "total is true, not a number"),
        (CONVERTED, bought("A1", total="89,00"), 'total is the text "89,00", and to_number() makes no number of it'),
        (CONVERTED, bought("A1", total=[89]), "total is [89], and to_number() makes no number of it"),
    ],
)
def test_an_order_that_cannot_be_read_withholds_what_it_may_have_ended(
    campaign: str, order: dict[str, Any], why: str
) -> None:
    clock = f"{datetime.fromtimestamp(at(5) / 1000, tz=UTC):%H:%M}"
    reason = f"in doubt: Order Completed at {clock} could not be read ({why})"
    early, late = added("A1", 7), added("B2", 7.001)
    assert decided(campaign, order, early, late) == [("withhold", "A1", reason), ("send", "B2", "")]
    assert decided(campaign, early, late, order) == [("withhold", "A1", reason), ("send", "B2", "")]


@pytest.mark.parametrize(("total", "left"), [("89.00", []), (89, []), ("0", ["A1"]), (None, ["A1"])])
def test_a_filter_that_converts_text_reads_text_and_numbers_alike(total: Any, left: list[str]) -> None:
    assert sent(CONVERTED, added("A1"), bought("A1", total=total)) == left


def test_a_trigger_whose_filter_meets_text_opens_nothing_and_says_what_to_write() -> None:
    plans = Plans([a_campaign(CART % ", where: {Product Added: 'price >= `20`'}").plan()])
    event = Event("u-1", "Product Added", at(0), at(0), {"product_id": "A1", "price": "89.00"})
    hits, (problem,) = plans.read(event)
    assert (hits, problem.doubt) == ([], None)
    assert problem.reason == (
        'the filter of Product Added cannot be computed: price is the text "89.00", not a number:'
        " write to_number(price)"
    )
    assert sent(CART % ", where: {Product Added: 'to_number(price) >= `20`'}", added("A1", price="89.00")) == ["A1"]


def test_an_order_whose_time_cannot_be_read_withholds_what_came_before_it() -> None:
    (found,) = decided(CART % "", added("A1"), bought("A1") | {"ts": "noon"})
    assert found[:2] == ("withhold", "A1")
    assert found[2].startswith("in doubt: Order Completed at ")


def test_a_corrected_order_with_the_same_id_takes_the_doubt_away() -> None:
    broken, corrected = bought(id="o-1"), bought("A1", id="o-1", minutes=6)
    for records_ in ((broken, corrected), (broken, corrected, broken)):
        assert decided(CART % "", added("A1"), added("B2"), *records_) == [("send", "B2", "")]
    kinds = [kind for kind, _, _ in decided(CART % "", added("B2"), broken, bought("A1", id="o-2"))]
    assert kinds == ["withhold"]


def test_a_campaign_may_ignore_exits_that_cannot_be_read() -> None:
    assert sent(CART % ", unreadable_exits: ignore", added("A1"), bought()) == ["A1"]
    assert mistakes(CART % ", unreadable_exits: no")[0].startswith("when.unreadable_exits: ")


def test_a_doubt_does_not_end_before_the_watches_that_it_may_have_ended() -> None:
    long = CART.replace("30 minutes", "3 days") % ""
    assert [kind for kind, _, _ in decided(long, added("A1"), bought(minutes=1))] == ["withhold"]
    noise = [added(f"n{day}", 60 * 24 * day) for day in (1, 2)]
    assert decided(long, added("A1"), bought(minutes=1), *noise)[0][:2] == ("withhold", "A1")


def test_a_summary_is_about_what_is_not_in_doubt() -> None:
    summary = (CART % "").replace("send: {", "send: {one_per: user, ")
    found = decided(summary, added("A1"), bought(minutes=1), added("B2", 10))
    assert [(kind, shown) for kind, shown, _ in found] == [("withhold", "A1"), ("send", ["B2"])]


# Every value.

CLEARED = """
id: cart
when: {did: Product Added, did_not: [Order Completed, Cart Cleared], within: 30 minutes}
constant:
  name: product
  in: {Product Added: product_id, Order Completed: "products[].product_id", Cart Cleared: every value}
send: {values: {title: "{{ ConstantEventProperty }}"}}
"""


def cleared(minutes: float = 5) -> dict[str, Any]:
    return {"user": "u-1", "event": "cart cleared", "ts": at(minutes)}


def test_an_exit_for_every_value_ends_all_that_came_before_it() -> None:
    given = (added("A1"), added("B2", 1), cleared(), added("C3", 8))
    assert sent(CLEARED, *given) == ["C3"]
    assert sent(CLEARED, given[2], given[0], given[3], given[1]) == ["C3"]
    assert sent(CLEARED, added("A1"), bought("A1"), added("B2", 20)) == ["B2"]


def test_an_order_of_any_kind_ends_every_product_where_that_is_what_it_says() -> None:
    any_order = (CART % "").replace('"products[].product_id"', "every value")
    order = {"user": "u-1", "event": "Order Completed", "ts": at(5), "order_id": "o-1"}
    assert sent(any_order, added("A1"), added("B2", 1), order, added("C3", 10)) == ["C3"]
    assert sent(any_order, added("A1"), order | {"user": "u-2"}) == ["A1"]


def test_an_exit_for_every_value_leaves_one_mark_and_no_watch_of_its_own() -> None:
    plans = Plans([a_campaign(CLEARED).plan()])
    events = [
        Event("u-1", "Order Completed", at(0), at(0), bought("A1")),
        Event("u-1", "Cart Cleared", at(5), at(5), {}),
    ]
    inputs = [hit for event in events for hit in plans.read(event)[0]]
    for ordered in (inputs, inputs[::-1]):
        state, _ = fold(State(), ordered, plans, at(5))
        assert (dict(state.watches), dict(state.ends)) == ({}, {"cart": (at(5), 2 * MINUTE)})


def test_every_value_is_never_what_an_omission_means() -> None:
    text = CLEARED.replace(", Cart Cleared: every value", "")
    assert mistakes(text) == [
        "constant.in: say which property of 'Cart Cleared' is the 'product', or 'every value' if it ends all of them"
    ]
    wrong = CLEARED.replace("Product Added: product_id", "Product Added: every value")
    assert mistakes(wrong) == ["constant.in.Product Added: only an event of did_not ends every value"]


def test_an_event_ends_every_value_of_all_properties_or_of_none() -> None:
    both = CLEARED.replace("constant:\n  name: product\n  in:", "constant:\n- name: product\n  in:").replace(
        "send:", "- {name: shop, in: {Product Added: shop, Order Completed: shop, Cart Cleared: shop}}\nsend:"
    )
    assert "'Cart Cleared' ends every value of one property and not of another" in mistakes(both)[0]


def test_an_exit_for_every_value_that_comes_late_takes_messages_back() -> None:
    plans = Plans([a_campaign(CLEARED).plan()])
    hits = [hit for n in "AB" for hit in plans.read(Event("u-1", "Product Added", at(0), at(0), {"product_id": n}))[0]]
    state, decisions = fold(State(), [*hits, *[Tick("u-1", at(30))]], plans, at(30))
    assert [each.kind for each in decisions] == ["send", "send"]
    late, _ = plans.read(Event("u-1", "Cart Cleared", at(5), at(31), {}))
    _, decisions = fold(state, late, plans, at(31))
    assert [(each.kind, each.key) for each in decisions] == [("retract", "A"), ("retract", "B")]


# Snapshots.

SNAPSHOT = """
id: cart
when: {did: Cart Updated, did_not: Order Completed, within: 30 minutes, snapshots: Cart Updated}
constant:
  name: product
  in: {Cart Updated: "items[].product_id", Order Completed: "products[].product_id"}
send: {values: {title: "{{ ConstantEventProperty }}"}}
"""


def cart(*products: str, minutes: float) -> dict[str, Any]:
    items = [{"product_id": product} for product in products]
    return {"user": "u-1", "event": "Cart Updated", "ts": at(minutes), "items": items}


def test_a_snapshot_ends_what_an_earlier_one_held_and_it_does_not() -> None:
    assert sent(SNAPSHOT, cart("A1", "B2", minutes=0), cart("B2", minutes=5)) == ["B2"]
    assert sent(SNAPSHOT, cart("A1", minutes=0), cart(minutes=5)) == []
    assert sent(SNAPSHOT, cart("A1", minutes=0), cart("B2", minutes=1), cart("B2", "A1", minutes=1.5)) == ["A1", "B2"]
    assert sent(SNAPSHOT, cart("B2", minutes=5), cart("A1", "B2", minutes=0)) == ["B2"]


def test_a_snapshot_that_comes_late_takes_back_nothing_that_it_holds() -> None:
    of_another = cart("C3", minutes=31) | {"user": "u-2"}
    holds = [kind for kind, *_ in decided(SNAPSHOT, cart("A1", minutes=0), of_another, cart("A1", minutes=10))]
    without = [kind for kind, *_ in decided(SNAPSHOT, cart("A1", minutes=0), of_another, cart(minutes=10))]
    assert "retract" not in holds
    assert "retract" in without


def test_a_snapshot_that_cannot_be_read_may_have_ended_what_came_before_it() -> None:
    unreadable = {"user": "u-1", "event": "Cart Updated", "ts": at(5), "lines": []}
    found = decided(SNAPSHOT, cart("A1", minutes=0), unreadable, cart("B2", "A1", minutes=6))
    assert found == [("send", "A1", ""), ("send", "B2", "")]
    assert [kind for kind, _, _ in decided(SNAPSHOT, cart("A1", minutes=0), unreadable)] == ["withhold"]


def test_a_trigger_with_a_list_has_a_hint_that_it_may_be_a_snapshot() -> None:
    assert hints(a_campaign(SNAPSHOT), Known()) == []
    assert hints(a_campaign(CART % ""), Known()) == []
    (hint,) = hints(a_campaign(SNAPSHOT.replace(", snapshots: Cart Updated", "")), Known())
    assert hint.place == ("constant", 0, "in", "Cart Updated")
    assert "say snapshots: Cart Updated" in hint.message


def test_a_snapshot_is_one_of_the_triggers() -> None:
    text = SNAPSHOT.replace("snapshots: Cart Updated", "snapshots: Cart Updatd")
    assert mistakes(text) == [
        "when.snapshots: 'Cart Updatd' is not a trigger: a snapshot is one of did; did you mean 'Cart Updated'?"
    ]


# Names of one's own.

OWN = """
id: shop
events:
  added: {event: commerce_event, where: "type == 'add_to_cart'"}
  bought: {event: commerce_event, where: "type == 'purchase'"}
when: {did: added, did_not: bought, within: 30 minutes%s}
constant: {name: product, in: {added: "products[].id", bought: "products[].id"}}
send: {values: {title: "{{ Event.price }} @added - price"}}
"""


def commerce(type_: str, minutes: float, **more: Any) -> dict[str, Any]:
    product = {"id": "A1"}
    return {"user": "u-1", "event": "commerce_event", "ts": at(minutes), "type": type_, "products": [product], **more}


def test_one_event_may_be_trigger_and_exit_under_names_of_ones_own() -> None:
    assert sent(OWN % "", commerce("add_to_cart", 0)) == ["A1"]
    assert sent(OWN % "", commerce("add_to_cart", 0), commerce("purchase", 5)) == []
    assert sent(OWN % "", commerce("add_to_cart", 0), commerce("view", 5)) == ["A1"]
    where = ", where: {bought: 'total > `0`'}"
    assert sent(OWN % where, commerce("add_to_cart", 0), commerce("purchase", 5, total=0)) == ["A1"]
    assert sent(OWN % where, commerce("add_to_cart", 0), commerce("purchase", 5, total=1)) == []


def test_a_doubt_names_the_event_as_the_campaign_does() -> None:
    (found,) = decided(OWN % "", commerce("add_to_cart", 0), commerce("purchase", 5, products=[]))
    assert "bought at" in found[2]


def test_names_of_ones_own_are_checked() -> None:
    assert mistakes((OWN % "").replace("did_not: bought", "did_not: boght")) == [
        "events.bought: 'bought' is in neither did nor did_not; did you mean 'boght'?"
    ]
    same = CART.replace("did_not: Order Completed", "did_not: Product Added") % ""
    assert "when: an event is named once, in did or in did_not: where it is both, name each under events" in mistakes(
        same
    )


def test_hints_preview_and_matching_know_names_of_ones_own() -> None:
    campaign = a_campaign(OWN % "")
    seen = {
        "commerce_event": Shapes(
            "commerce_event", frozenset({"string type", "list products", "string products[].id", "number price"})
        )
    }
    assert [each.message for each in hints(campaign, Known(seen)) if "never seen" in each.message] == []
    unseen = hints(campaign, Known({"other": Shapes("comerce_event", frozenset())}))
    assert ("events", "added", "event") in [each.place for each in unseen]
    plan = campaign.plan()
    given: Any = {"type": "add_to_cart", "products": [{"id": "A1"}], "price": 5}
    assert made_up(plan, read_events(given, plan, "u-1", NOON)).shown == "A1"
    with pytest.raises(NoMessage, match="does not pass the campaign's filter: type == 'add_to_cart'"):
        made_up(plan, read_events({**given, "type": "view"}, plan, "u-1", NOON))
    samples = [Event("u", "commerce_event", NOON, NOON, commerce(kind, 0)) for kind in ("add_to_cart", "purchase")]
    assert matching(plan, samples).to_json()["match"] is True


# Any one of several triggers.

ANY = """
id: cart
when: {did_any: [Product Added, add_to_cart], did_not: Order Completed, within: 30 minutes}
constant:
  name: product
  in: {Product Added: product_id, add_to_cart: item_id, Order Completed: "products[].product_id"}
send: {values: {title: "{{ ConstantEventProperty }}"}}
"""


def test_any_one_of_several_triggers_will_do() -> None:
    from_app = {"user": "u-1", "event": "add_to_cart", "ts": at(0), "item_id": "A1"}
    assert sent(ANY, added("A1")) == ["A1"]
    assert sent(ANY, from_app) == ["A1"]
    assert sent(ANY, from_app, added("A1", 1)) == ["A1"]
    assert sent(ANY, from_app, bought("A1")) == []
    assert sent(ANY.replace("did_any", "did"), from_app) == []


def test_did_and_did_any_exclude_each_other() -> None:
    assert mistakes(ANY.replace("when: {", "when: {did: x, "))[0] == "when.did: either did or did_any, not both"
    assert mistakes(ANY.replace("did_any: [Product Added, add_to_cart], ", ""))[0] == "when.did: did is missing"


# Explain.


def _explained(campaign: str, *given: dict[str, Any], now: float = 10) -> list[str]:
    plans = Plans([a_campaign(campaign).plan()])
    inputs: list[Any] = []
    for record in (each for one in given for each in records(json.dumps(one), at(60))):
        assert isinstance(record, Event)
        hits, problems = plans.read(record._replace(arrived=record.at))
        inputs += [*hits, *(each.doubt for each in problems if each.doubt)]
    state, _ = fold(State(), inputs, plans, at(now))
    return [each.text for each in explain("u-1", state, plans, at(now), zone=UTC)]


def test_explain_tells_of_grace_snapshots_and_doubts() -> None:
    (early,) = _explained(CART % "", bought("A1", minutes=5), added("A1", 6))
    assert early.endswith("Order Completed 1 min before it, within the grace of 2 minutes: no message")
    gone, _ = sorted(_explained(SNAPSHOT, cart("A1", "B2", minutes=0), cart("B2", minutes=5)))
    assert gone.endswith("no longer in Cart Updated 5 min after it: no message")
    waits, doubt = _explained(CART % "", added("A1"), bought(minutes=5))
    assert "as things stand, it would be withheld: in doubt: Order Completed at " in waits
    assert "could not be read (products[].product_id is missing): it may have ended what was seen until" in doubt
    (alone,) = _explained(CART % "", bought(minutes=5))
    assert "could not be read" in alone
    (either,) = _explained(ANY)
    assert either.startswith("no Product Added or add_to_cart is remembered")


# --- Keys of release 0.1, which only trimmed values ------------------------------------------------------------------


def stored(**watches: dict[str, Any]) -> State:
    return decode(json.dumps({"watches": {"cart": watches}}))


OPEN = {"at": at(0), "id": "e-1", "due": at(30), "rev": 1}


@pytest.mark.parametrize("key", ["cafe\u0301 au lait", "caf\u00e9  au lait", "caf\u00e9\u00a0au\tlait"])
def test_a_watch_of_the_release_before_is_ended_by_what_matches_it_today(key: str) -> None:
    plans = Plans([a_campaign(CART % "").plan()])
    (order,) = records(json.dumps(bought("caf\u00e9 au lait", minutes=10)), at(10))
    assert isinstance(order, Event)
    hits, _ = plans.read(order)
    state = stored(**{key: OPEN})
    assert [watch.trigger and watch.trigger.shown for _, _, watch in state.all()] == [key]
    after, decisions = fold(state, [*hits, Tick("u-1", at(60))], plans, at(60))
    assert decisions == []
    assert decode(encode(after)) == after


def test_two_keys_of_the_release_before_that_are_one_today_are_one_watch_with_the_latest_of_both() -> None:
    decided_before = [at(-10), "send", "", at(-40), "e-0"]
    one, other = {"at": at(0), "id": "e-1", "due": at(30), "rev": 1, "decided": decided_before}, {"exit": at(5)}
    for first, second in ((one, other), (other, one)):
        state = stored(**{"a  b": first, "a b": second})
        ((_, key, watch),) = state.all()
        assert (key, watch.pending, watch.exit, watch.decided and watch.decided.when) == ("a b", None, at(5), at(-10))
    state = stored(**{"a  b": OPEN | {"at": at(2), "id": "e-2"}, "a b": {"at": at(1), "id": "e-1", "rev": 1}})
    assert [watch.trigger and watch.trigger.id for _, _, watch in state.all()] == ["e-2"]


@given(st.text(max_size=20))
def test_a_key_that_is_passed_over_as_plain_is_the_same_today(key: str) -> None:
    assert [found for _, found, _ in stored(**{key: {"exit": 1}}).all()] == [folded(key)]
