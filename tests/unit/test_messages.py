"""Messages: their id, their detail, and the objects that templates can name."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.fold.watches import Decision
from holdfast.core.messages.detail import context, detail, detail_type, iso, message_id
from tests.unit.builders import ADDED, CHARGED, MINUTE, NOON, a_plan


def a_decision(**changes: Any) -> Decision:
    given: dict[str, Any] = {
        "kind": "send",
        "campaign": "abandoned-cart",
        "key": "coat",
        "shown": " coat",
        "at": NOON,
        "id": "e-1",
        "when": NOON + 30 * MINUTE,
        "revision": 2,
        "event": {"price": 20},
    }
    return Decision(**{**given, **changes})


def test_the_id_is_the_same_for_all_that_is_decided_on_one_occurrence() -> None:
    ids = {
        message_id("ann", a_decision(kind=kind, when=NOON + late, revision=late, reason=str(late), event={}))
        for late, kind in enumerate(("send", "withhold", "retract", "convert"))
    }
    (one,) = ids
    assert len(one) == 32
    assert set(one) <= set("0123456789abcdef")


@pytest.mark.parametrize("changes", [{"campaign": "other"}, {"key": "hat"}, {"at": NOON + 1}, {"id": "e-2"}])
def test_another_campaign_value_or_occurrence_has_another_id(changes: dict[str, Any]) -> None:
    assert message_id("ann", a_decision(**changes)) != message_id("ann", a_decision())


def test_another_user_has_another_id() -> None:
    assert message_id("bob", a_decision()) != message_id("ann", a_decision())


def test_the_id_does_not_change_from_release_to_release() -> None:
    assert message_id("ann", a_decision()) == "fb0fe5862cab0fa5afad8f54018b4a9d"


@pytest.mark.parametrize(
    ("kind", "suffix"), [("send", ""), ("withhold", " Withheld"), ("retract", " Retracted"), ("convert", " Converted")]
)
def test_the_detail_type_is_the_campaigns_with_what_was_decided(kind: Any, suffix: str) -> None:
    assert detail_type(kind, a_plan(detail_type="Cart Reminder")) == "Cart Reminder" + suffix
    assert detail_type(kind, None) == "Personalized Message" + suffix


def test_a_detail_says_what_was_decided_about_whom_and_what_to_show() -> None:
    decision = a_decision()
    profile = {"email": "ann@shop.example", "plan": "gold"}
    assert detail("ann", decision, plan=a_plan(revision=3), profile=profile, values={"t": "v"}) == {
        "metadata": {
            "id": message_id("ann", decision),
            "campaign": "abandoned-cart",
            "revision": 3,
            "variant": None,
            "decided_at": "2026-05-29T12:30:00.000Z",
            "schema": "1",
        },
        "user": {"identity": "ann", "email": "ann@shop.example"},
        "constant": {"name": "product", "value": " coat"},
        "values": {"t": "v"},
    }


def test_what_is_withheld_has_a_reason_and_no_values() -> None:
    body = detail("ann", a_decision(kind="withhold"), plan=a_plan(), profile={}, reason="missing: Event.price")
    assert body["reason"] == "missing: Event.price"
    assert "values" not in body
    assert body["user"] == {"identity": "ann"}


def test_of_a_campaign_that_is_gone_the_revision_of_the_decision_is_told() -> None:
    body = detail("ann", a_decision(), plan=None, profile={})
    assert isinstance(body["metadata"], dict)
    assert body["metadata"]["revision"] == 2
    assert body["constant"] == {"name": [], "value": " coat"}


def test_a_composite_constant_has_the_names_of_its_parts() -> None:
    paths = {ADDED: "p", CHARGED: "p"}
    body = detail(
        "ann",
        a_decision(key='["Ulm","7"]', shown=["Ulm", 7]),
        plan=a_plan(constant={"shop": paths, "product": paths}),
        profile={},
    )
    assert body["constant"] == {"name": ["shop", "product"], "value": ["Ulm", 7]}


def test_without_a_constant_property_there_is_none_to_tell() -> None:
    assert detail("ann", a_decision(key="", shown=None), plan=a_plan(constant=None), profile={})["constant"] is None


@pytest.mark.parametrize(
    ("at", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (NOON, "2026-05-29T12:00:00.000Z"), (NOON + 7, "2026-05-29T12:00:00.007Z")],
)
def test_times_are_told_in_utc_to_the_millisecond(at: int, text: str) -> None:
    assert iso(at) == text


def test_templates_can_name_the_profile_the_event_the_constant_and_the_campaign() -> None:
    objects = context(a_decision(), a_plan(name="Cart", revision=3), {"plan": "gold"})
    assert objects["Profile"] == {"plan": "gold"}
    assert objects["Event"] == {"price": 20}
    assert objects["ConstantEventProperty"] == " coat"
    assert objects["Campaign"] == {"id": "abandoned-cart", "name": "Cart", "revision": 3}
