"""Each form in which records come, as its documentation shows it: the body, and what came of it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from holdfast.core.events import Event, Json, Operation, ProfileChange, Record, Rejected, Tick, Tie
from holdfast.core.intake.fields import Rules
from holdfast.core.intake.forms import records
from holdfast.core.intake.parsing import MAX_RECORDS
from holdfast.core.limits import beyond

NOW = 1_790_000_000_000
"""2026-09-21T14:13:20Z, when the queue took every body of these tests."""
THEN = NOW - 800_000
"""2026-09-21T14:00:00Z, when everything in them happened."""
SECONDS = THEN // 1000
ISO = "2026-09-21T14:00:00Z"


BY_SUBJECT = Rules(subject=True)


def read(body: object, rules: Rules = BY_SUBJECT) -> list[Record]:
    return records(body if isinstance(body, str) else json.dumps(body), NOW, rules)


def an_event(name: str, properties: dict[str, Json], *, user: str = "u-7", at: int = THEN, id: str = "") -> Event:  # noqa: A002
    return Event(user, name, at, NOW, properties, id)


def a_change(properties: dict[str, Json], *, user: str = "u-7", at: int = THEN, **more: Any) -> ProfileChange:
    return ProfileChange(user, at, NOW, properties, **{"operations": {}, **more})


def reason(body: object) -> str:
    (record,) = read(body)
    assert isinstance(record, Rejected), record
    return record.reason


PLAIN: dict[str, tuple[object, list[Record]]] = {
    "its time in epoch milliseconds": (
        {"user": "u-7", "event": "added to cart", "ts": THEN, "product_name": "white coat", "price": 89.5},
        [an_event("added to cart", {"product_name": "white coat", "price": 89.5})],
    ),
    "its time in ISO 8601, with an id": (
        {"user": "u-7", "event": "viewed", "ts": "2026-09-21T16:00:00.000+02:00", "id": "e-1"},
        [an_event("viewed", {}, id="e-1")],
    ),
    "no time: when the queue took it": ({"user": "u-7", "event": "viewed"}, [an_event("viewed", {}, at=NOW)]),
    "a number as the user, an empty id": (
        {"user": 7, "event": "viewed", "ts": THEN, "id": ""},
        [an_event("viewed", {}, user="7")],
    ),
    "a profile": (
        {"user": "u-7", "profile": {"first_name": "Ann", "city": None}, "ts": THEN, "id": "p-1"},
        [a_change({"first_name": "Ann", "city": None}, id="p-1")],
    ),
    "properties that other forms are known by": (
        {"user": "u-7", "event": "viewed", "ts": THEN, "type": "event", "d": [1], "detail": {}, "profile": {}},
        [an_event("viewed", {"type": "event", "d": [1], "detail": {}, "profile": {}})],
    ),
    "many, one of them no record": (
        [{"user": "u-7", "event": "viewed", "ts": THEN}, 17, {"user": "u-8", "event": "viewed", "ts": THEN}],
        [
            an_event("viewed", {}),
            Rejected("a record is a JSON object, not a number", 17),
            an_event("viewed", {}, user="u-8"),
        ],
    ),
    "a list in a list": ([[{"user": "u-7", "event": "viewed", "ts": THEN}], []], [an_event("viewed", {})]),
    "an empty list": ([], []),
    "a byte order mark in front": (
        "\ufeff" + json.dumps({"user": "u-7", "event": "viewed", "ts": THEN}),
        [an_event("viewed", {})],
    ),
    "a name twice: the last one counts": (
        f'{{"user": "u-7", "event": "viewed", "ts": {THEN}, "a": 1, "a": 2}}',
        [an_event("viewed", {"a": 2})],
    ),
    "ticks": ({"holdfast": "tick", "users": {"u-7": THEN, "u-8": NOW}}, [Tick("u-7", THEN), Tick("u-8", NOW)]),
}

# https://developer.clevertap.com/docs/upload-events-api, …/upload-user-profiles-api
CLEVERTAP: dict[str, tuple[object, list[Record]]] = {
    "an upload of events, each by another identity": (
        {
            "d": [
                {
                    "identity": "jo@shop.example",
                    "ts": SECONDS,
                    "type": "event",
                    "evtName": "Product viewed",
                    "evtData": {"Product name": "Wool scarf", "Category": "Winter", "Price": 24.99, "Currency": "EUR"},
                },
                {"FBID": "4001", "ts": SECONDS, "type": "event", "evtName": "Searched", "evtData": {"term": "hat"}},
                {"GPID": "5002", "ts": SECONDS, "type": "event", "evtName": "Searched", "evtData": {}},
                {"objectId": "-8f2c", "ts": SECONDS, "type": "event", "evtName": "App opened"},
            ]
        },
        [
            an_event(
                "Product viewed",
                {"Product name": "Wool scarf", "Category": "Winter", "Price": 24.99, "Currency": "EUR"},
                user="jo@shop.example",
            ),
            an_event("Searched", {"term": "hat"}, user="4001"),
            an_event("Searched", {}, user="5002"),
            an_event("App opened", {}, user="-8f2c"),
        ],
    ),
    "Charged, with its items": (
        {
            "d": [
                {
                    "identity": "u-7",
                    "ts": SECONDS,
                    "type": "event",
                    "evtName": "Charged",
                    "evtData": {
                        "Amount": 128,
                        "Payment mode": "Card",
                        "Items": [
                            {"Category": "books", "Book name": "Tides", "Quantity": 1},
                            {"Category": "clothes", "prod_name": "white coat", "Quantity": 2},
                        ],
                    },
                }
            ]
        },
        [
            an_event(
                "Charged",
                {
                    "Amount": 128,
                    "Payment mode": "Card",
                    "Items": [
                        {"Category": "books", "Book name": "Tides", "Quantity": 1},
                        {"Category": "clothes", "prod_name": "white coat", "Quantity": 2},
                    ],
                },
            )
        ],
    ),
    "dates, which become ISO 8601": (
        {
            "identity": "u-7",
            "ts": SECONDS,
            "type": "event",
            "evtName": "Booked",
            "evtData": {
                "from": f"$D_{SECONDS}",
                "stops": [{"at": "$D_0"}],
                "born": "$D_-86400",
                "first": "$D_-62135596800",
                "too early": "$D_-62135596801",
                "none": ["$D_soon", "$D_1 ", "$D_x $D_1", "$D_1790000000000", "D_1"],
            },
        },
        [
            an_event(
                "Booked",
                {
                    "from": ISO,
                    "stops": [{"at": "1970-01-01T00:00:00Z"}],
                    "born": "1969-12-31T00:00:00Z",
                    "first": "0001-01-01T00:00:00Z",
                    "too early": "$D_-62135596801",
                    "none": ["$D_soon", "$D_1 ", "$D_x $D_1", "$D_1790000000000", "D_1"],
                },
            )
        ],
    ),
    "a profile, with each operator": (
        {
            "d": [
                {
                    "identity": 7,
                    "ts": SECONDS,
                    "type": "profile",
                    "profileData": {
                        "Name": "Ann Example",
                        "MSG-sms": False,
                        "DOB": "$D_631152000",
                        "Plan": {"$set": "gold"},
                        "Old": {"$delete": 1},
                        "Points": {"$incr": 10},
                        "Credit": {"$decr": 2.5},
                        "Likes": {"$add": ["hats", "coats"]},
                        "Dislikes": {"$remove": "rain"},
                        "Address": {"city": "Ulm"},
                    },
                }
            ]
        },
        [
            a_change(
                {
                    "Name": "Ann Example",
                    "MSG-sms": False,
                    "DOB": "1990-01-01T00:00:00Z",
                    "Plan": "gold",
                    "Old": None,
                    "Address": {"city": "Ulm"},
                },
                user="7",
                operations={
                    "Points": Operation("incr", 10),
                    "Credit": Operation("incr", -2.5),
                    "Likes": Operation("add", ["hats", "coats"]),
                    "Dislikes": Operation("remove", ["rain"]),
                },
            )
        ],
    ),
    "no time: when the queue took it": (
        {"identity": "u-7", "type": "event", "evtName": "Viewed", "evtData": {}},
        [an_event("Viewed", {}, at=NOW)],
    ),
    "an upload of nothing": ({"d": []}, []),
}

# https://segment.com/docs/connections/spec (track, identify, common, ecommerce/v2);
# https://www.rudderstack.com/docs/event-spec/standard-events
SEGMENT: dict[str, tuple[object, list[Record]]] = {
    "Product Added": (
        {
            "type": "track",
            "event": "Product Added",
            "userId": "u-7",
            "anonymousId": "a-1",
            "messageId": "m-1",
            "timestamp": "2026-09-21T14:00:00.000Z",
            "sentAt": "2026-09-21T14:13:19.000Z",
            "receivedAt": "2026-09-21T14:13:20.000Z",
            "context": {"library": {"name": "analytics.js"}, "ip": "192.0.2.1"},
            "integrations": {"All": True},
            "properties": {"cart_id": "c-1", "product_id": "p-1", "name": "white coat", "price": 89.5, "quantity": 1},
        },
        [
            Tie("u-7", "a-1", "Product Added", at=THEN),
            an_event(
                "Product Added",
                {"cart_id": "c-1", "product_id": "p-1", "name": "white coat", "price": 89.5, "quantity": 1},
                id="m-1",
            ),
        ],
    ),
    "Order Completed, with its products": (
        {
            "type": "track",
            "event": "Order Completed",
            "userId": "u-7",
            "messageId": "m-2",
            "timestamp": ISO,
            "properties": {
                "order_id": "o-1",
                "total": 113.5,
                "products": [
                    {"product_id": "p-1", "name": "white coat", "price": 89.5},
                    {"product_id": "p-2", "name": "hat", "price": 24},
                ],
            },
        },
        [
            an_event(
                "Order Completed",
                {
                    "order_id": "o-1",
                    "total": 113.5,
                    "products": [
                        {"product_id": "p-1", "name": "white coat", "price": 89.5},
                        {"product_id": "p-2", "name": "hat", "price": 24},
                    ],
                },
                id="m-2",
            )
        ],
    ),
    "a user who is not known yet, RudderStack's time": (
        {"type": "track", "event": "Viewed", "userId": "", "anonymousId": "a-1", "originalTimestamp": ISO},
        [an_event("Viewed", {}, user="a-1")],
    ),
    "identify": (
        {
            "type": "identify",
            "userId": "u-7",
            "messageId": "m-3",
            "timestamp": ISO,
            "traits": {"email": "ann@shop.example", "plan": "gold", "logins": 5, "address": {"city": "Ulm"}},
        },
        [
            a_change(
                {"email": "ann@shop.example", "plan": "gold", "logins": 5, "address": {"city": "Ulm"}},
                id="m-3",
            )
        ],
    ),
    "identify as RudderStack has it, with the traits in the context": (
        {
            "type": "identify",
            "userId": "u-7",
            "originalTimestamp": ISO,
            "context": {"traits": {"email": "ann@shop.example", "plan": "free"}},
            "traits": {"plan": "gold"},
        },
        [a_change({"email": "ann@shop.example", "plan": "gold"})],
    ),
}

# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
CLOUDEVENTS: dict[str, tuple[object, list[Record]]] = {
    "the user as its subject": (
        {
            "specversion": "1.0",
            "type": "com.shop.cart.added",
            "source": "/carts",
            "id": "c-1",
            "time": ISO,
            "subject": "u-7",
            "comexampleextension": "value",
            "datacontenttype": "application/json",
            "data": {"product_name": "white coat"},
        },
        [an_event("com.shop.cart.added", {"product_name": "white coat"}, id="c-1")],
    ),
    "the user in its data, which is surer than the subject": (
        {
            "specversion": "1.0",
            "type": "added",
            "source": "/carts",
            "id": "c-2",
            "time": ISO,
            "subject": "cart/12",
            "data": {"user": "u-7"},
        },
        [an_event("added", {"user": "u-7"}, id="c-2")],
    ),
    "no data, a time that is not set": (
        {"specversion": "1.0", "type": "left", "source": "/", "id": "c-3", "time": None, "subject": "u-7"},
        [an_event("left", {}, id="c-3", at=NOW)],
    ),
    "around a plain record without id and time": (
        {
            "specversion": "1.0",
            "type": "com.shop.event",
            "source": "/",
            "id": "c-4",
            "time": ISO,
            "data": {"user": "u-7", "event": "added to cart", "product_name": "white coat"},
        },
        [an_event("added to cart", {"product_name": "white coat"}, id="c-4")],
    ),
    "a batch": (
        [
            {"specversion": "1.0", "type": "viewed", "source": "/", "id": "c-5", "time": ISO, "subject": "u-7"},
            {"specversion": "1.0", "type": "viewed", "source": "/", "id": "c-6", "time": ISO, "subject": "u-8"},
        ],
        [an_event("viewed", {}, id="c-5"), an_event("viewed", {}, id="c-6", user="u-8")],
    ),
}


def on_the_bus(detail: Json, **more: Json) -> dict[str, Json]:
    return {
        "version": "0",
        "id": "b-1",
        "detail-type": "added to cart",
        "source": "shop",
        "account": "123456789012",
        "time": ISO,
        "region": "eu-central-1",
        "resources": [],
        "detail": detail,
        **more,
    }


# https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
EVENTBRIDGE: dict[str, tuple[object, list[Record]]] = {
    "properties as the detail": (
        on_the_bus({"userId": "u-7", "product_name": "white coat"}),
        [an_event("added to cart", {"userId": "u-7", "product_name": "white coat"}, id="b-1")],
    ),
    "a replayed one": (
        on_the_bus({"identity": "u-7"}, **{"replay-name": "again"}),
        [an_event("added to cart", {"identity": "u-7"}, id="b-1")],
    ),
    "around a plain record with id and time": (
        on_the_bus({"user": "u-7", "event": "viewed", "ts": THEN - 1, "id": "e-1"}),
        [an_event("viewed", {}, at=THEN - 1, id="e-1")],
    ),
    "around a CleverTap upload: each record its own id": (
        on_the_bus(
            {
                "d": [
                    {"identity": "u-7", "type": "event", "evtName": "Viewed", "evtData": {}},
                    {"identity": "u-7", "type": "event", "evtName": "Viewed", "evtData": {}, "ts": SECONDS - 1},
                ]
            }
        ),
        [an_event("Viewed", {}, id="b-1/0"), an_event("Viewed", {}, id="b-1/1", at=THEN - 1000)],
    ),
    "around a track call": (
        on_the_bus({"type": "track", "userId": "u-7", "event": "Viewed", "messageId": "m-1", "properties": {"a": 1}}),
        [an_event("Viewed", {"a": 1}, id="m-1")],
    ),
    "around a CloudEvent, whose id and time are nearer": (
        on_the_bus({"specversion": "1.0", "type": "left", "source": "/", "id": "c-1", "subject": "u-7"}),
        [an_event("left", {}, id="c-1")],
    ),
}


def published(message: object, **more: Json) -> dict[str, Json]:
    return {
        "Type": "Notification",
        "MessageId": "s-1",
        "TopicArn": "arn:aws:sns:eu-central-1:123456789012:shop",
        "Subject": "news",
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-09-21T14:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "…",
        **more,
    }


# https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
SNS: dict[str, tuple[object, list[Record]]] = {
    "around a plain record": (
        published({"user": "u-7", "event": "viewed"}),
        [an_event("viewed", {}, id="s-1")],
    ),
    "around many": (
        published([{"user": "u-7", "event": "viewed"}, {"user": "u-7", "event": "viewed", "id": "e-1"}, "?"]),
        [
            an_event("viewed", {}, id="s-1/0"),
            an_event("viewed", {}, id="e-1"),
            Rejected("a record is a JSON object, not a text", "?"),
        ],
    ),
    "around an identify call": (
        published({"type": "identify", "userId": "u-7", "traits": {"plan": "gold"}}),
        [a_change({"plan": "gold"}, id="s-1")],
    ),
    "around an EventBridge envelope around a plain record": (
        published(on_the_bus({"user": "u-7", "event": "viewed"}, time="2026-09-21T13:59:59Z")),
        [an_event("viewed", {}, id="b-1", at=THEN - 1000)],
    ),
}

FORMS = {
    "plain": PLAIN,
    "CleverTap": CLEVERTAP,
    "Segment": SEGMENT,
    "CloudEvents": CLOUDEVENTS,
    "EventBridge": EVENTBRIDGE,
    "SNS": SNS,
}


@pytest.mark.parametrize(
    ("body", "expected"),
    [pytest.param(*case, id=f"{form}: {name}") for form, cases in FORMS.items() for name, case in cases.items()],
)
def test_a_documented_example_becomes_the_records_it_stands_for(body: object, expected: list[Record]) -> None:
    assert read(body) == expected


VIEWED = {"user": "u-7", "event": "viewed", "ts": THEN}


REJECTED: dict[str, tuple[object, str]] = {
    "nothing": ("", "not JSON: it is empty"),
    "half an object": ('{"user": ', "not JSON: a value is missing at line 1, column 10"),
    "NaN": ('{"user": "u-7", "event": "viewed", "a": NaN}', "not JSON: NaN is no JSON value; write null"),
    "a scalar": ("17", "a record is a JSON object, not a number"),
    "no form": (
        {"a": 1},
        (
            "a record of no known form: a plain one has user, event and ts; this one has a: a source can say where"
            " things are in it"
        ),
    ),
    "no user": ({"event": "viewed"}, "no user: user must be a string"),
    "a blank user": ({**VIEWED, "user": " "}, "no user: user must be a string, not blank"),
    "an object as the user": ({**VIEWED, "user": {}}, "no user: user must be a string, not an object"),
    "a truth value as the user": ({**VIEWED, "user": True}, "no user: user must be a string, not a boolean"),
    "a long user": ({**VIEWED, "user": "u" * 1025}, "user too long: user may have 1024 bytes"),
    "no event": ({"user": "u-7"}, "no event name: event must be a string"),
    "a number as the event": ({**VIEWED, "event": 1}, "no event name: event must be a string, not a number"),
    "a profile that is none": ({"user": "u-7", "profile": "gold"}, "profile must be an object, not a text"),
    "a long event name": (
        {**VIEWED, "event": "e" * 121},
        "event name too long: event has 121 characters, 120 are allowed",
    ),
    "a list as the id": ({**VIEWED, "id": []}, "id must be a string of at most 256 characters"),
    "a long id": ({**VIEWED, "id": "i" * 257}, "id must be a string of at most 256 characters"),
    "epoch seconds": (
        {**VIEWED, "ts": SECONDS},
        (
            "ts must be epoch milliseconds (a number of 12 digits or more) or ISO 8601 with its time zone;"
            " this is in seconds: times 1000"
        ),
    ),
    "epoch microseconds": (
        {**VIEWED, "ts": THEN * 1000},
        (
            "ts must be epoch milliseconds (a number of 12 digits or more) or ISO 8601 with its time zone;"
            " this is in microseconds: divide it by 1000"
        ),
    ),
    "a time without its zone": (
        {**VIEWED, "ts": "2026-09-21T14:00:00"},
        (
            "ts must be epoch milliseconds (a number of 12 digits or more) or ISO 8601 with its time zone;"
            " this names no time zone: add Z for UTC, or the offset, as +01:00"
        ),
    ),
    "a time in the future": (
        {**VIEWED, "ts": NOW + 121_000},
        "ts is in the future: 121 s after the record arrived, 120 s are allowed",
    ),
    "milliseconds to CleverTap": (
        {"identity": "u-7", "type": "event", "evtName": "Viewed", "ts": THEN},
        "ts must be epoch seconds, as CleverTap's is; this is in milliseconds or less: divide it",
    ),
    "CleverTap without identity": (
        {"type": "event", "evtName": "Viewed"},
        "no user: identity or FBID or GPID or objectId must be a string",
    ),
    "CleverTap without a name": (
        {"type": "event", "identity": "u-7"},
        "no event name: evtName must be a string",
    ),
    "data that is no object": (
        {"type": "event", "identity": "u-7", "evtName": "Viewed", "evtData": [1]},
        "evtData must be an object",
    ),
    "two operators": (
        {"user": "u-7", "profile": {"points": {"$incr": 1, "$decr": 1}}},
        "points: one operator at a time",
    ),
    "an unknown operator": (
        {"user": "u-7", "profile": {"points": {"$mul": 2}}},
        "points: $mul is not one of $set, $delete, $incr, $decr, $add and $remove",
    ),
    "no number to add": (
        {"user": "u-7", "profile": {"points": {"$incr": "2"}}},
        "points: $incr takes a number up to 9007199254740992",
    ),
    "a truth value to subtract": (
        {"user": "u-7", "profile": {"points": {"$decr": True}}},
        "points: $decr takes a number up to 9007199254740992",
    ),
    "an alias call": (
        {"type": "alias", "userId": "u-7"},
        "no user: previousId or anonymousId must be a string",
    ),
    "a track call of nobody": (
        {"type": "track", "event": "Viewed", "messageId": "m-1"},
        "no user: userId or anonymousId must be a string",
    ),
    "binary data": (
        {"specversion": "1.0", "type": "x", "source": "/", "id": "c", "data_base64": "AAAA"},
        "data_base64 is not read: send data as JSON",
    ),
    "text as data": (
        {"specversion": "1.0", "type": "x", "source": "/", "id": "c", "subject": "u-7", "data": "<a/>"},
        "data must be an object",
    ),
    "a CloudEvent of nobody": (
        {"specversion": "1.0", "type": "x", "source": "/", "id": "c", "subject": None, "data": {}},
        "no user: data.user or data.userId or data.identity or subject must be a string",
    ),
    "a detail of nobody": (
        on_the_bus({"product_name": "white coat"}),
        "no user: detail.user or detail.userId or detail.identity must be a string",
    ),
    "what Holdfast itself sends": (
        on_the_bus({"metadata": {}, "user": {"identity": "u-7"}, "values": {}}),
        "no user: detail.user or detail.userId or detail.identity must be a string, not an object",
    ),
    "an envelope in the future": (
        on_the_bus({"user": "u-7"}, time="2026-09-22T14:00:00Z"),
        "the envelope's time is in the future: 85600 s after the record arrived, 120 s are allowed",
    ),
    "a message that is no JSON": (published("Hello"), "Message is not JSON: a value is missing at line 1, column 1"),
    "a message that is no record": (published("17"), "a record is a JSON object, not a number"),
}


@pytest.mark.parametrize(("body", "why"), REJECTED.values(), ids=REJECTED)
def test_what_can_never_be_folded_is_rejected_whole_with_a_reason_that_says_what_to_do(body: object, why: str) -> None:
    (record,) = read(body)
    assert isinstance(record, Rejected)
    assert record.reason == why
    assert record.record == (body if not isinstance(body, str) else 17 if body == "17" else body)


LIMITS: dict[str, tuple[dict[str, Json], dict[str, Json], str]] = {
    "property names": (
        {"é" * 120: 1},
        {"é" * 121: 1},
        f"property name too long: {'é' * 20}… has 121 characters, 120 are allowed",
    ),
    "names inside": (
        {"a": {"n" * 120: 1}},
        {"a": {"n" * 121: 1}},
        f"property name in a too long: {'n' * 20}… has 121 characters, 120 are allowed",
    ),
    "texts": ({"a": "x" * 512}, {"a": "x" * 513}, "too long: a has 513 bytes, 512 are allowed"),
    "texts in bytes": ({"a": "€" * 170}, {"a": "€" * 171}, "too long: a has 513 bytes, 512 are allowed"),
    "texts inside": (
        {"Items": [{}, {"a": "x" * 512}]},
        {"Items": [{}, {"a": "x" * 513}]},
        "too long: Items.1.a has 513 bytes, 512 are allowed",
    ),
    "properties": (
        {str(n): n for n in range(256)},
        {str(n): n for n in range(257)},
        "too many: the record has 257 entries, 256 are allowed",
    ),
    "properties inside": (
        {"a": {str(n): n for n in range(256)}},
        {"a": {str(n): n for n in range(257)}},
        "too many: a has 257 entries, 256 are allowed",
    ),
    "items": ({"a": [0] * 256}, {"a": [0] * 257}, "too many: a has 257 entries, 256 are allowed"),
    "numbers": ({"a": 10**307}, {"a": 10**309}, "a is too large a number"),
}


@pytest.mark.parametrize(("allowed", "excess", "why"), LIMITS.values(), ids=LIMITS)
def test_a_property_beyond_a_limit_passes_by_and_is_refused_by_name_where_it_is_kept(
    allowed: dict[str, Json], excess: dict[str, Json], why: str
) -> None:
    assert (beyond(allowed), beyond(excess)) == ("", why)
    for properties in (allowed, excess):
        assert read({**VIEWED, **properties}) == [an_event("viewed", properties)]


@pytest.mark.parametrize(
    ("field", "body"),
    {
        "profile": {"user": "u-7", "profile": {}},
        "profileData": {"identity": "u-7", "type": "profile", "profileData": {}},
        "traits": {"type": "identify", "userId": "u-7", "traits": {}},
        "context.traits": {"type": "identify", "userId": "u-7", "context": {"traits": {}}},
    }.items(),
)
def test_a_property_of_a_profile_beyond_a_limit_is_refused_alone_and_named_as_the_form_does(
    field: str, body: dict[str, Any]
) -> None:
    within = body
    for step in field.split("."):
        within = within[step]
    within |= {"note": "x" * 513, "email": "ann@shop.example"}
    change, refused = read(body)
    assert change == a_change({"email": "ann@shop.example"}, at=NOW)
    record: Json = {"user": "u-7", "profile": {"note": "x" * 513}, "ts": NOW}
    assert refused == Rejected(f"too long: {field}.note has 513 bytes, 512 are allowed", record)
    del within["email"]
    assert read(body) == [refused]


def test_a_number_beyond_any_is_no_time() -> None:
    assert read('{"user": "u-7", "event": "viewed", "a": 1e999}') == [an_event("viewed", {"a": float("inf")}, at=NOW)]
    assert reason('{"user": "u-7", "event": "viewed", "ts": 1e999}').startswith("ts must be epoch milliseconds")
    assert reason(f'{{"user": "u-7", "event": "viewed", "a": {"9" * 5000}}}').startswith("not JSON")
    assert reason(f'{{"user": "u-7", "event": "viewed", "ts": {"9" * 400}}}').startswith(
        "ts must be epoch milliseconds"
    )
    call = '"type": "track", "userId": "u-7", "event": "viewed", "originalTimestamp"'
    assert reason(f"{{{call}: 1e999}}").startswith("timestamp must be epoch milliseconds")
    (record,) = read(f'{{{call}: {NOW}, "sentAt": -1e999}}')
    assert isinstance(record, Event)
    assert record.at == NOW


# Identities that stand for nobody, and the subject of a CloudEvent.

NOBODIES = ["undefined", "NULL", " None ", "NaN", "nil", "[object Object]", "Anonymous", "guest", 0, "-1", -1, "-0"]
NOBODIES += ["00000000-0000-0000-0000-000000000000", "-", "000", "true"]


@pytest.mark.parametrize("user", NOBODIES)
def test_an_identity_that_stands_for_nobody_is_rejected_with_that_reason(user: Json) -> None:
    shown = str(user).strip()
    for body in ({**VIEWED, "user": user}, {"user": user, "profile": {"a": 1}}):
        assert reason(body) == f"no user: user is {shown!r}, which stands for nobody: send the id of a user"


def test_the_text_zero_is_a_user_in_the_plain_form_alone_and_not_where_a_stack_says_so() -> None:
    assert read({**VIEWED, "user": "0"}) == [an_event("viewed", {}, user="0")]
    assert read({**VIEWED, "user": "0", "list": []}) == [an_event("viewed", {"list": []}, user="0")]
    assert isinstance(read({**VIEWED, "user": "0"}, Rules(frozenset({"0"})))[0], Rejected)
    assert "stands for nobody" in reason({"type": "track", "userId": "0", "event": "Viewed", "timestamp": ISO})


def test_who_is_named_beside_nobody_counts() -> None:
    call = {"type": "track", "userId": "undefined", "anonymousId": "anon-7", "event": "Viewed", "timestamp": ISO}
    assert read(call) == [an_event("Viewed", {}, user="anon-7")]
    assert "userId is 'undefined', which stands for nobody" in reason({**call, "anonymousId": None})


@pytest.mark.parametrize("user", ["u-0", "0a", "-2", "nullable", "guest-7", "10"])
def test_an_identity_that_only_looks_like_nobody_is_a_user(user: str) -> None:
    assert read({**VIEWED, "user": user}) == [an_event("viewed", {}, user=user)]


def test_a_stack_adds_to_the_identities_that_stand_for_nobody() -> None:
    rules = Rules(nobody=frozenset({"walk-in"}))
    assert read({**VIEWED, "user": "Walk-In"}) == [an_event("viewed", {}, user="Walk-In")]
    (record,) = read({**VIEWED, "user": "Walk-In"}, rules)
    assert isinstance(record, Rejected)
    assert "which stands for nobody" in record.reason


def test_whom_an_earlier_release_took_for_a_user_is_still_ticked() -> None:
    assert read({"holdfast": "tick", "users": {"guest": THEN}}) == [Tick("guest", THEN)]


def test_the_subject_of_a_cloudevent_is_its_user_only_where_a_stack_says_so() -> None:
    body: dict[str, Json] = {"specversion": "1.0", "type": "left", "source": "/", "id": "c-1", "time": ISO}
    body |= {"subject": "product/A1"}
    assert read(body) == [an_event("left", {}, user="product/A1", id="c-1")]
    (record,) = read(body, Rules())
    assert record == Rejected("no user: data.user or data.userId or data.identity must be a string", body)


def test_a_stack_s_settings_are_read_as_they_are_written() -> None:
    assert Rules.of("", "") == Rules()
    assert Rules.of("Walk-in, demo,", "user") == Rules(frozenset({"walk-in", "demo"}), subject=True)


# What was rejected and may have been an exit.


@pytest.mark.parametrize(
    ("body", "id_"),
    [
        ({"user": "u-7", "event": "charged", "ts": "yesterday", "id": "e-1", "a": 1}, "e-1"),
        ({"user": "u-7", "event": "charged", "ts": NOW + 600_000, "id": "e-1", "a": 1}, "e-1"),
        ({"user": "u-7", "event": "charged", "id": "x" * 257, "a": 1}, ""),
        (
            {"identity": "u-7", "type": "event", "evtName": "charged", "evtData": {"a": 1}, "ts": THEN, "id": "e-1"},
            "e-1",
        ),
        ({"type": "track", "userId": "u-7", "event": "charged", "timestamp": 1, "properties": {"a": 1}}, ""),
        (
            on_the_bus({"type": "track", "userId": "u-7", "event": "charged", "timestamp": 1, "properties": {"a": 1}}),
            "b-1",
        ),
    ],
)
def test_an_event_that_is_rejected_for_its_time_or_id_says_what_it_may_have_been(body: object, id_: str) -> None:
    (record,) = read(body)
    assert isinstance(record, Rejected)
    assert record.event == an_event("charged", {"a": 1}, at=NOW, id=id_)


def test_an_event_whose_properties_are_not_an_object_says_so_too() -> None:
    (record,) = read({"type": "track", "userId": "u-7", "event": "charged", "messageId": "m-1", "properties": "x"})
    assert isinstance(record, Rejected)
    assert record.event == an_event("charged", {}, at=NOW, id="m-1")


@pytest.mark.parametrize("depth", [33, 500, 100_000])
@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"a":', "}")])
def test_a_body_nested_too_deep_is_rejected_as_text(opens: str, closes: str, depth: int) -> None:
    body = opens * depth + "1" + closes * depth
    (record,) = read(body)
    assert isinstance(record, Rejected)
    assert record.reason == "nested too deep: 32 levels are allowed" or record.reason.startswith("not JSON: maximum")
    assert record.record == body


def test_envelopes_are_opened_four_deep() -> None:
    body: dict[str, Json] = {"user": "u-7", "event": "viewed", "ts": THEN, "id": "e-1"}
    for _ in range(4):
        body = on_the_bus(body)
    assert read(body) == [an_event("viewed", {}, id="e-1")]
    assert reason(on_the_bus(body)) == "more than 4 envelopes around one record: send it in one, or in none"


def test_a_body_holds_a_thousand_records_and_no_more() -> None:
    assert len(read({"d": [VIEWED] * MAX_RECORDS})) == MAX_RECORDS
    too_many = json.dumps([[VIEWED] * 600, {"d": [VIEWED] * 401}])
    assert records(too_many, NOW) == [
        Rejected("more than 1000 records in one body: send them in several", too_many),
    ]


def test_a_body_of_a_megabyte_is_read_in_time_in_proportion_to_its_size() -> None:
    """Whatever is looked for in the body is looked for once, not once for each record."""
    body = json.dumps([{**VIEWED, "note": ["x" * 80] * 10}] * MAX_RECORDS)
    began = time.process_time()
    assert len(records(body, NOW)) == MAX_RECORDS
    assert time.process_time() - began < 0.3


def test_half_a_surrogate_pair_rejects_its_record_and_leaves_its_neighbours_alone() -> None:
    whole, half = json.dumps({**VIEWED, "a": "🧥"}), json.dumps({**VIEWED, "a": "\ud83e"})
    first, second = read(f"[{whole}, {half}]")
    assert first == an_event("viewed", {"a": "🧥"})
    assert isinstance(second, Rejected)
    assert second.reason == "not Unicode: half of a surrogate pair"
    assert second.event == an_event("viewed", {})
    (written_out,) = read('{"user": "u-7", "event": "viewed", "items": [{"a": "\ud83e"}]}')
    assert isinstance(written_out, Rejected)
    (unknown,) = read(json.dumps({**VIEWED, "user": "\ud83e"}))
    assert isinstance(unknown, Rejected)
    assert unknown.event is None


def test_what_an_envelope_carries_is_rejected_in_it_so_that_it_can_be_sent_again_as_it_was() -> None:
    body = published(on_the_bus({"user": "u-7", "event": ""}))
    assert read(body) == [Rejected("no event name: event must be a string, not blank", body)]


def test_a_rejected_record_in_the_plain_form_is_read_as_what_it_was() -> None:
    changed = {"points": {"$incr": 5}, "likes": {"$add": ["a"]}, "name": "Ann"}
    (change,) = read({"user": "u-7", "profile": changed, "ts": THEN, "id": "p-1"})
    assert isinstance(change, ProfileChange)
    operations = {name: {f"${each.name}": each.argument} for name, each in change.operations.items()}
    again = {"user": change.user, "profile": {**change.properties, **operations}, "ts": change.at, "id": change.id}
    assert read(again) == [change]


@pytest.mark.parametrize("user", ["\uffff", "a\ufffeb", "a\x00", "\x1b[1m"])
def test_a_user_with_a_character_that_no_queue_carries_is_rejected_at_the_door(user: str) -> None:
    assert "no queue could carry it" in reason({"user": user, "event": "viewed", "ts": THEN})
    assert read({"holdfast": "tick", "users": {user: NOW}}) == [Tick(user, NOW)]  # one whom an older release let in


@pytest.mark.parametrize("user", ["Zoë", "日本", "👩‍🦰", "a\tb", "\u0378"])
def test_a_user_may_have_any_other_character(user: str) -> None:
    (event,) = read({"user": user, "event": "viewed", "ts": THEN})
    assert isinstance(event, Event)
    assert event.user == user
