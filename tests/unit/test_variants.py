"""Variants: who gets which, in a file, in messages, in simulations and previews."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.text import CampaignFileError, parse, validate
from holdfast.core.explain.preview import made_up, preview
from holdfast.core.fold.watches import State
from holdfast.core.gate import chance
from holdfast.core.messages.rendering import Rendering
from holdfast.core.plans.plan import Plan
from holdfast_cli.fixtures import run_file
from tests.unit.builders import History, added, minute

FILE = """
id: cart
when: {did: added to cart, did_not: charged, within: 30 minutes}
constant: {name: product, in: {added to cart: product_name, charged: "Items[].prod_name"}}
send:
  values: {title: "Your {{ ConstantEventProperty }}", link: shop}
  variants:
    - {name: short, weight: 1, values: {title: "Hi"}}
    - {name: dear, weight: 3, values: {title: "Only {{ Event.price }}", hint: soon}}
"""
USERS = [f"u-{number}" for number in range(4_000)]


def a_campaign(text: str = FILE) -> Campaign:
    return validate(parse(text), Campaign)


def test_a_variants_values_take_the_place_of_those_of_all() -> None:
    plan = a_campaign().plan()
    assert plan.rules.variants == {"short": 1.0, "dear": 3.0}
    assert plan.varied("short").values == {"title": "Hi", "link": "shop"}
    assert plan.varied("dear").values == {"title": "Only {{ Event.price }}", "link": "shop", "hint": "soon"}
    assert plan.varied("").values == plan.varied("of before").values == plan.values
    assert plan.keep == ("price",)
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("was", "becomes", "mistake"),
    [
        ("name: dear", "name: short", "'short' is the name of two variants"),
        ("weight: 3", "weight: 0", "greater than 0"),
        ("title: Hi", "title: '{{ Evnt.price }}'", "Evnt"),
        (
            'title: "Hi"',
            "title: {value: '{{ Event.price }}', type: number}",
            "title is text elsewhere, and number here",
        ),
        ("name: dear", "name: Dear One", "characters that match"),
    ],
)
def test_mistakes_in_variants_are_said(was: str, becomes: str, mistake: str) -> None:
    text = FILE.replace('"Hi"', "Hi") if was == "title: Hi" else FILE
    assert was in text
    with pytest.raises(CampaignFileError, match=mistake):
        a_campaign(text.replace(was, becomes))


def test_users_are_spread_by_the_weights_and_keep_their_variant() -> None:
    plan = a_campaign().plan()
    chosen = {user: plan.variant_of(user) for user in USERS}
    share = Counter(chosen.values())["dear"] / len(USERS)
    assert abs(share - 0.75) < 4 * (0.75 * 0.25 / len(USERS)) ** 0.5  # four standard deviations
    later = a_campaign().plan(revision=9)
    assert chosen == {user: later.variant_of(user) for user in USERS}


def test_a_change_of_weights_moves_only_the_users_that_it_has_to() -> None:
    weights = {"a": 1.0, "b": 1.0, "c": 2.0}
    before = {user: chance.variant(weights, user, "cart") for user in USERS}
    after = {user: chance.variant(weights | {"a": 3.0}, user, "cart") for user in USERS}
    moved = [user for user in USERS if before[user] != after[user]]
    assert all(after[user] == "a" for user in moved)
    assert len(moved) == sum(each == "a" for each in after.values()) - sum(each == "a" for each in before.values())


def test_a_decision_bears_the_users_variant_also_of_a_summary() -> None:
    plan = a_campaign().plan()
    for each in (plan, replace(plan, summary=True)):
        history = History(each)
        history.fold(added(at=minute(0), user="", price=5), now=minute(0))
        (decision,) = history.tick(minute(30))
        assert decision.variant == plan.variant_of("")
        message = Rendering(_none_of_before).message("", decision, each)
        assert message.plan.values == plan.varied(decision.variant).values


def _none_of_before(_campaign: str, _revision: int) -> Plan:
    raise LookupError


@pytest.mark.parametrize("user", ["u-1", "u-2", "u-3", "u-4"])
def test_a_preview_is_what_this_user_gets(user: str) -> None:
    plan = a_campaign().plan()
    decision = made_up(plan, [added(at=minute(0), user=user, price=5)], known=State())
    shown = preview(plan, user, decision, {})
    metadata: Any = shown.detail["metadata"]
    assert metadata["variant"] == shown.to_json()["variant"] == plan.variant_of(user)
    title = {"short": "Hi", "dear": "Only 5"}[plan.variant_of(user)]
    assert shown.values["title"].text == title


def test_a_campaigns_test_file_names_the_variant(tmp_path: Path) -> None:
    (tmp_path / "cart.yaml").write_text(FILE)
    user = next(user for user in USERS if a_campaign().plan().variant_of(user) == "dear")
    for variant, passed in (("dear", True), ("short", False)):
        (tmp_path / "cart.test.yaml").write_text(
            "cases:\n- name: of a variant\n  events:\n"
            f"  - {{user: {user}, event: added to cart, at: 1m, product_name: coat, price: 5}}\n"
            f"  messages:\n  - {{user: {user}, variant: {variant}, values: {{title: Only 5}}}}\n"
        )
        assert [each.passed for each in run_file(tmp_path / "cart.yaml")] == [passed]


def test_without_variants_a_plan_is_written_as_ever() -> None:
    text = FILE[: FILE.index("  variants:")]
    assert "variant" not in str(a_campaign(text).plan().to_json())
