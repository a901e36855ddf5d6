"""Revisions: which one renders, what a change says, and what it does to the watches that are open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.events import Json
from holdfast.core.explain.comparison import Comparison, Difference, changes, outlook
from holdfast.core.fold.watches import Decision, State
from holdfast.core.gate.policy import Cap, Policy
from holdfast.core.gate.rules import Rules
from holdfast.core.messages.rendering import rendered_by
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from tests.unit.builders import CHARGED, MINUTE, History, a_plan, a_tick, added, charged, events, hits, minute
from tests.unit.test_laws import CAMPAIGNS


def plan(revision: int = 1, **more: Any) -> Plan:
    given = {"values": {"title": "your {{ ConstantEventProperty }}"}, "keep": ("price",), "revision": revision}
    return a_plan("cart", **{**given, **more})


def decision(revision: int) -> Decision:
    return Decision("send", "cart", "coat", "coat", 1, "e", 2, revision)


def never(campaign: str, revision: int) -> Plan:
    pytest.fail(f"{campaign} {revision} need not be read")


def test_the_live_revision_renders_what_it_folded_itself_without_a_look_at_any_other() -> None:
    live = plan(3)
    assert rendered_by(decision(3), live, never) is live


@pytest.mark.parametrize(
    ("kept", "named", "renders"),
    [
        (("price",), ("price",), 2),
        (("price",), (), 2),
        (("price",), ("colour",), 1),
        (("price", "colour"), ("colour",), 2),
        ((), ("price",), 1),
    ],
)
def test_the_live_revision_renders_unless_it_names_what_was_not_kept(
    kept: tuple[str, ...], named: tuple[str, ...], renders: int
) -> None:
    folded, live = plan(1, keep=kept), plan(2, keep=named)
    assert rendered_by(decision(1), live, lambda *_: folded).revision == renders


def test_of_a_campaign_that_is_gone_the_revision_that_folded_renders() -> None:
    assert rendered_by(decision(1), None, lambda *_: plan(1)).revision == 1


# --- What a change says. ---

FILE: dict[str, Any] = {
    "id": "cart",
    "when": {"did": "added to cart", "did_not": "charged", "within": "30 minutes"},
    "constant": {"name": "product", "in": {"added to cart": "product_name", "charged": "Items[].prod_name"}},
    "send": {"values": {"title": "your {{ ConstantEventProperty }}"}},
}


def fields(**changed: Any) -> dict[str, Json]:
    dumped: dict[str, Json] = Campaign.model_validate({**FILE, **changed}).model_dump(by_alias=True, mode="json")
    return dumped


def test_another_way_to_write_the_same_changes_nothing() -> None:
    other = fields(when={"did": ["added to cart"], "did_not": ["charged"], "within": "PT30M", "settle": "1 minute"})
    assert changes(fields(), other) == []


@pytest.mark.parametrize(
    ("changed", "field", "before", "after", "concerns_open"),
    [
        ({"when": {**FILE["when"], "within": "1 hour"}}, "when.within", "30 minutes", "1 hour", False),
        ({"when": {**FILE["when"], "where": {"charged": "a"}}}, "when.where.charged", None, "a", False),
        ({"when": {**FILE["when"], "max_age": "1 day"}}, "when.max_age", "2 hours", "1 day", False),
        ({"send": {"values": {"title": "x"}}}, "send.values.title", "your {{ ConstantEventProperty }}", "x", True),
        ({"send": {**FILE["send"], "one_per": "user"}}, "send.one_per", "value", "user", True),
        ({"name": "Cart"}, "name", None, "Cart", True),
        ({"constant": {**FILE["constant"], "name": "p"}}, "constant.name", "product", "p", False),
    ],
)
def test_a_change_is_told_by_its_field(
    changed: dict[str, Any], field: str, before: Json, after: Json, *, concerns_open: bool
) -> None:
    (change,) = changes(fields(), fields(**changed))
    assert change == (field, before, after, concerns_open)


def test_lists_of_objects_are_told_item_by_item() -> None:
    second = {"name": "size", "in": {"added to cart": "size", "charged": "Items[].size"}}
    found = changes(fields(constant=[FILE["constant"], second]), fields(constant=[FILE["constant"], FILE["constant"]]))
    assert {change.field for change in found} == {
        "constant.1.name",
        "constant.1.in.added to cart",
        "constant.1.in.charged",
    }


# --- What it does to the watches that are open. ---


def state(live: Plan, *steps: Any) -> State:
    history = History(live)
    for step in steps:
        history.fold(step, now=step.arrived)
    return history.state


ANN = [added("coat", minute(1), price=7), added("hat", minute(2)), charged("bag", minute(3))]


def compare(live: Plan, draft: Plan, *, first_name: str = "Ann") -> tuple[Comparison, list[Difference]]:
    comparison = Comparison(live, replace(draft, revision=live.revision + 1), lambda *_: live)
    return comparison, comparison.add([("ann", state(live, *ANN), {"first_name": first_name})])


def effects(live: Plan, draft: Plan, **more: Any) -> dict[str, str]:
    return {str(each.constant): each.effect for each in compare(live, draft, **more)[1]}


PRICE: dict[str, Any] = {"values": {"price": "{{ Event.price }}"}}
NAME: dict[str, Any] = {"values": {"title": "{{ Profile.first_name }}"}}


@pytest.mark.parametrize(
    ("live", "draft", "expected"),
    [
        (plan(), plan(), {"coat": "same", "hat": "same"}),
        (plan(), plan(values={"title": "dear {{ ConstantEventProperty }}"}), {"coat": "changed", "hat": "changed"}),
        (plan(), plan(**PRICE), {"coat": "changed", "hat": "lost"}),
        (plan(**PRICE), plan(), {"coat": "changed", "hat": "gained"}),
        (plan(), plan(detail_type="Other"), {"coat": "changed", "hat": "changed"}),
        (plan(**PRICE), plan(values={"cost": "{{ Event.price }}"}), {"coat": "changed", "hat": "same"}),
        # the watches did not keep the colour: revision 1 renders them all the same
        (plan(), plan(keep=("colour",), values={"c": "{{ Event.colour }}"}), {"coat": "same", "hat": "same"}),
        # what concerns later events only
        (plan(), plan(within=1, did_not=[], constant={"added to cart": "x"}), {"coat": "same", "hat": "same"}),
        # paused or not: what a text does is to be seen beforehand
        (plan(paused=True), plan(**PRICE, paused=True), {"coat": "changed", "hat": "lost"}),
    ],
)
def test_a_change_is_told_for_each_open_watch(live: Plan, draft: Plan, expected: dict[str, str]) -> None:
    assert effects(live, draft) == expected


def test_the_profile_counts() -> None:
    assert effects(plan(), plan(**NAME)) == {"coat": "changed", "hat": "changed"}
    assert effects(plan(), plan(**NAME), first_name="") == {"coat": "lost", "hat": "lost"}


def test_one_message_for_a_user_in_the_place_of_one_for_each_value() -> None:
    comparison, found = compare(plan(), plan(summary=True, values={"n": "{{ Events | size }}"}))
    assert [each.effect for each in found] == ["changed", "changed"]
    assert [each.after.values for each in found] == [{"n": "2"}, {"n": "2"}]
    assert comparison.messages == {"before": 2, "after": 1}
    assert comparison.sentences()[-1] == "1 message in all, where it would have been 2."


def test_the_sum_is_told_in_sentences_with_a_few_examples() -> None:
    live, draft = plan(), plan(2, **PRICE)
    comparison = Comparison(live, draft, lambda *_: live, examples=2)
    comparison.add((f"u{number}", state(live, *ANN), {}) for number in range(5))
    comparison.add([("nobody", State(), {})])
    assert comparison.sentences() == [
        "10 watches are open now, of 5 users.",
        "0 would be sent that would not have been, 5 the other way.",
        "5 change, 0 as before.",
    ]
    assert [(each.user, each.effect) for each in comparison.examples] == [
        ("u0", "changed"),
        ("u0", "lost"),
        ("u1", "changed"),
        ("u1", "lost"),
    ]
    assert comparison.examples[1].to_json() == {
        "user": "u0",
        "constant": "hat",
        "effect": "lost",
        "before": {"values": {"title": "your hat"}, "reason": None, "revision": 1},
        "after": {"values": None, "reason": "missing: Event.price", "revision": 2},
    }


def test_what_rules_would_keep_back_is_told_with_its_reasons() -> None:
    live = plan(1, keep=("price",))
    draft = plan(2, rules=Rules(audience="Profile.first_name == 'Ann'", per_user=(Cap(1, 24 * 60 * MINUTE),)))
    comparison = Comparison(live, draft, lambda *_: live)
    for name, products in (("Ann", ("coat", "hat")), ("Bob", ("coat",))):
        found = comparison.add([(name, state(live, *map(added, products)), {"first_name": name})])
        assert [each.before.sent for each in found] == [True] * len(products)
    assert comparison.effects == {"same": 1, "lost": 2}
    assert comparison.to_json()["kept_back"] == {"before": {}, "after": {"capped: 1 in 1 day": 1, "audience": 1}}
    assert "2 of 3 would be withheld by rules: capped: 1 in 1 day (1), audience (1)." in comparison.sentences()


def test_the_rules_of_all_campaigns_count_in_both() -> None:
    live = plan(1)
    for exempt in ((), ("cart",)):
        policy = Policy(per_user=(Cap(1, MINUTE),), exempt=exempt)
        comparison = Comparison(live, plan(2), lambda *_: live, policy=policy)
        comparison.add([("u-1", state(live, added("coat"), added("hat")), {})])
        assert comparison.effects == {"same": 2}
        kept = {} if exempt else {"capped: 1 in 1 minute": 1}
        assert comparison.to_json()["kept_back"] == {"before": kept, "after": kept}


def test_a_summary_is_asked_about_once() -> None:
    live = plan(1, summary=True)
    draft = plan(2, summary=True, rules=Rules(per_user=(Cap(1, MINUTE),)))
    comparison = Comparison(live, draft, lambda *_: live)
    comparison.add([("u-1", state(live, added("coat"), added("hat")), {})])
    assert comparison.to_json()["kept_back"] == {"before": {}, "after": {}}


def test_what_no_watch_is_open_for_is_told() -> None:
    live = plan()
    comparison = Comparison(live, plan(2), lambda *_: live)
    assert comparison.add([("ann", state(live, charged("coat", minute(1))), {})]) == []
    assert comparison.sentences() == ["No watch of this campaign is open now."]


def test_of_a_summary_that_cannot_be_read_nothing_is_foreseen() -> None:
    live = plan(summary=True)
    unreadable = replace(live, did=(*live.did, "viewed"))  # the constant has no path in it
    assert Plans([unreadable]).illegible
    assert outlook(state(live, *ANN), unreadable) == {}


def test_a_template_that_is_refused_today_is_no_reason_to_fail() -> None:
    (coat, _) = compare(plan(values={"title": "{{ Nothing.of_this }}"}), plan())[1]
    assert coat.effect == "gained"
    assert coat.before.reason.startswith("refused: ")


@given(
    st.sampled_from([*CAMPAIGNS, *(replace(each, id="sum", summary=True) for each in CAMPAIGNS[:4])]),
    st.lists(events(("added to cart", CHARGED, "viewed", "removed")), max_size=10),
)
def test_what_is_foreseen_is_what_the_fold_decides_when_nothing_more_comes(live: Plan, given: list[Any]) -> None:
    history, plans = History(live), Plans([live])
    for each in given:
        if hits(plans, each):
            history.fold(each, now=each.arrived)
    foreseen = outlook(history.state, live)
    dues = sorted({trigger.due for _, _, w in history.state.all() if (trigger := w.pending)})
    decided = [each for due in dues for each in history.fold(a_tick(due), now=due)]
    assert {each.mark for each in decided} == {each.mark for each in foreseen.values()}
    if live.summary:
        assert [each._replace(when=0) for each in decided] == [each._replace(when=0) for each in foreseen.values()][:1]
    else:
        assert {each.key: each for each in decided} == foreseen
