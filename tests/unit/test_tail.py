"""The live tail: what people are shown of records, and by which form each was read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from holdfast.core.events import Rejected, event_key
from holdfast.core.intake.batch import Body, Intake, parsed
from holdfast.core.intake.fields import Rules
from holdfast.core.intake.forms import form_of
from holdfast.core.intake.sources import Entry, InForce, Source, Unreadable
from holdfast.core.intake.tail import MAX_BYTES, MAX_LINES, MAX_VALUES, Line, Wanted, lines, mark, some
from holdfast.core.plans.plans import Plans
from tests.unit.builders import NOON, a_plan

NOW = NOON
SHOP = Source(id="shop", match="\"detail-type\" == 'order'", user=("detail.who",), event="'ordered'")
CART = a_plan("cart", did="added", did_not="charged", constant={"added": "product", "charged": "product"})


def shown(*bodies: Any, failed: set[str] | None = None) -> list[Line]:
    batch = parsed([Body(f"m{n}", json.dumps(each), NOW) for n, each in enumerate(bodies)])
    plans = Plans([CART])
    rejects = Intake(batch, lambda _: plans).rejects
    return list(lines(batch, lambda _: plans, rejects, failed or set(), lambda message, _: message))


def an_event(**changes: Any) -> dict[str, Any]:
    return {"user": "ann", "event": "Added", "ts": NOW, "product": "coat", "price": 89, **changes}


def test_an_event_is_shown_with_what_it_touches_and_without_a_value() -> None:
    assert shown(an_event()) == [
        Line(
            NOW,
            "m0",
            "event",
            user="ann",
            event="Added",
            at=NOW,
            properties=("string product", "number price"),
            campaigns=("cart: did",),
        )
    ]
    (ends,) = shown(an_event(event="charged"))
    assert ends.campaigns == ("cart: did_not",)
    (late,) = shown(an_event(ts=NOW - 24 * 3_600_000))
    assert late.campaigns == ("cart: did, too late to open a watch",)
    (nobodys,) = shown(an_event(event="viewed"))
    assert nobodys.campaigns == ()


def test_what_is_rejected_is_shown_with_its_reason() -> None:
    (future,) = shown(an_event(ts=NOW + 3_600_000))
    assert (future.read, future.user, future.event) == ("rejected", "ann", "Added")
    assert "ts is in the future" in future.reason
    (unknown,) = shown({"hello": 1})
    assert unknown.reason.startswith("a record of no known form")
    (missing,) = shown({"user": "ann", "event": "added", "ts": NOW})
    assert (missing.read, missing.campaigns) == ("event", ())
    assert missing.reason.startswith("cart: ")
    assert "product is missing" in missing.reason


def values(**properties: Any) -> dict[str, str]:
    batch = parsed([Body("m", json.dumps(an_event(product=None, price=None) | properties), NOW)])
    (line,) = lines(batch, lambda _: Plans([]), {}, set(), lambda *_: "plain", values=True)
    return {path: value for path, value in line.values.items() if path not in {"product", "price"}}


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        ({"a": "5", "b": 5, "c": None, "d": True}, {"a": '"5"', "b": "5", "c": "null", "d": "true"}),
        ({"a": {}, "b": [], "c": ""}, {"a": "{}", "b": "[]", "c": '""'}),
        ({"a": {"b": {"c": 1}, "d": 2}}, {"a.b": '{"c": 1}', "a.d": "2"}),
        ({"a": [{"b": 1}, {"b": 2, "c": 3}]}, {"a[].b": "1", "a[].c": "3"}),
        ({"a": ["x", "y"], "b": [["z"]]}, {"a[]": '"x"', "b[]": '["z"]'}),
        ({"a": "é" * 59}, {"a": '"' + "é" * 58 + "…"}),
        ({"a": "é" * 58}, {"a": '"' + "é" * 58 + '"'}),
        ({"a": "line\nline\t\x07"}, {"a": '"line\\nline\\t\\u0007"'}),
    ],
)
def test_values_are_the_beginnings_of_what_stands_at_each_path(
    properties: dict[str, Any], shown: dict[str, str]
) -> None:
    assert values(**properties) == shown


def test_no_more_values_than_a_few_and_none_unless_asked_for() -> None:
    assert len(values(**{f"p{number}": number for number in range(60)})) == MAX_VALUES - 2
    assert shown(an_event())[0].values == {}


def test_a_profile_has_values_too() -> None:
    batch = parsed([Body("m", json.dumps({"user": "ann", "profile": {"city": "Rome"}}), NOW)])
    (line,) = lines(batch, lambda _: Plans([]), {}, set(), lambda *_: "plain", values=True)
    assert line.values == {"city": '"Rome"'}


def test_what_did_not_fit_in_the_end_is_shown_as_well() -> None:
    batch = parsed([Body("m", json.dumps(an_event()), NOW)])
    intake = Intake(batch, lambda _: Plans([]))
    intake.users["m"].add("ann")
    taken = intake.taken([("ann", Rejected("too many open watches", {}))], [], set())
    *_, line = lines(batch, lambda _: Plans([]), taken.rejects, {"m"}, lambda *_: "plain")
    assert line == Line(NOW, "plain", "rejected", reason="too many open watches")


def test_every_kind_of_record_is_shown_but_ticks() -> None:
    found = shown(
        {"user": "ann", "profile": {"city": "Rome"}},
        {"user": "ann", "alias": "guest-7"},
        {"type": "page", "userId": "ann"},
        {"holdfast": "tick", "users": {"ann": NOW}},
    )
    assert [(each.read, each.user, each.properties, each.reason) for each in found] == [
        ("profile", "ann", ("string city",), ""),
        ("tie", "ann", (), ""),
        ("ignored", "", (), "page call"),
    ]


def test_a_record_that_a_newer_release_may_read_comes_again() -> None:
    later = InForce([Entry("future", 0, Unreadable("future", "x"))])
    batch = parsed([Body("m", '{"x": 1}', NOW)], sources=later)
    (line,) = lines(batch, lambda _: Plans([]), {}, {"m"}, lambda *_: "unknown")
    assert (line.read, line.reason, line.again) == ("later", "source future is of a newer release", True)


def test_a_message_that_comes_again_says_so() -> None:
    assert [each.again for each in shown(an_event(), an_event(), failed={"m1"})] == [False, True]


def test_a_long_name_is_cut() -> None:
    (line,) = shown(an_event(**{"p" * 120: 1}, user="u" * 900))
    assert max(map(len, line.properties)) <= 200
    assert line.user == "u" * 900, "by which it is found"


@pytest.mark.parametrize(
    ("wanted", "users"),
    [
        ({}, ["ann", "bob", ""]),
        ({"user": "ann"}, ["ann"]),
        ({"event": "ADDED"}, ["ann"]),
        ({"user": "bob", "event": "added"}, []),
    ],
)
def test_what_is_wanted_of_it(wanted: dict[str, str], users: list[str]) -> None:
    user = mark("t1", wanted["user"]) if "user" in wanted else ""
    asked = Wanted("t1", NOW, user, event_key(wanted.get("event", "")))
    assert Wanted.from_text(asked.to_text()) == asked
    found = shown(an_event(), an_event(user="bob", event="viewed"), {"hello": 1})
    assert [each.user for each in some(iter(found), asked)[0]] == users


def test_a_user_who_is_searched_for_is_named_nowhere() -> None:
    text = Wanted("t1", NOW, mark("t1", "ann@example.com")).to_text()
    assert "ann" not in text
    assert mark("t2", "ann@example.com") != mark("t1", "ann@example.com")


def test_beyond_the_bound_it_is_counted() -> None:
    found = shown(*[an_event()] * (MAX_LINES + 3))
    first, more = some(iter(found), Wanted("t", NOW))
    assert (len(first), more) == (MAX_LINES, 3)
    large = structs.replace(found[0], user="u" * (MAX_BYTES // 3))
    first, more = some(iter([large, large, large, found[0]]), Wanted("t", NOW))
    assert (first, more) == ([large, large], 2), "those after it are counted as well"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"until": 1}',
        '{"id": "x"}',
        '{"id": null, "until": 1}',
        '{"id": "x", "until": "5"}',
        "null",
        "[" * 9999,
    ],
)
def test_what_cannot_be_read_is_nobody(text: str) -> None:
    assert Wanted.from_text(text) is None


TRACK = {"type": "track", "userId": "u", "event": "e", "messageId": "m"}


def notified(data: object) -> dict[str, str]:
    return {"Type": "Notification", "Message": json.dumps(data)}


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ({"user": "u", "event": "e"}, "plain"),
        ([{"user": "u", "event": "e"}, TRACK], "plain"),
        ({"d": []}, "CleverTap"),
        ({"type": "event", "identity": "u", "evtName": "e"}, "CleverTap"),
        (TRACK, "Segment"),
        ({"batch": [TRACK]}, "Segment"),
        ({"specversion": "1.0", "type": "e", "data": {"userId": "u"}}, "CloudEvent"),
        ({"detail-type": "e", "detail": {"userId": "u"}}, "EventBridge"),
        ({"detail-type": "e", "detail": TRACK}, "EventBridge, Segment"),
        (notified({"detail-type": "e", "detail": TRACK}), "SNS, EventBridge, Segment"),
        ({"detail-type": "order", "detail": {"who": "u"}}, "EventBridge, source shop"),
        ({"detail-type": "order", "detail": {"who": "u", "user": "v"}}, "EventBridge"),
        ({"detail-type": "other", "detail": {"who": "u"}}, "EventBridge"),
        ({"holdfast": "tick", "users": {}}, "tick"),
        ({"hello": 1}, "unknown"),
        (7, "unknown"),
        ([], "unknown"),
    ],
)  # fmt: skip
def test_a_body_says_by_which_form_it_is_read(body: object, form: str) -> None:
    rules = Rules(sources=(Unreadable("future", "x"), SHOP, replace(SHOP, id="zzz")))
    assert form_of(json.dumps(body), rules) == form


@pytest.mark.parametrize("body", ["{", "", "[" * 200 + "]" * 200, "\ud800", '{"Type":"Notification","Message":"{"}'])
def test_what_is_not_json_says_so(body: str) -> None:
    assert form_of(body) == "not JSON"
