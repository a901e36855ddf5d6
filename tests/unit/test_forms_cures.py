"""A body that cannot be read says what it is and what to send; one that can be read without a doubt is read."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING

import pytest

from holdfast.core.events import Event, Rejected
from holdfast.core.intake.forms import records

if TYPE_CHECKING:
    from holdfast.core.events import Json

NOW = 1795457100000
BOUGHT: dict[str, Json] = {"user": "u-7", "event": "Order Completed", "product_id": "A1", "ts": NOW}
ONE = json.dumps(BOUGHT)


def read(body: object) -> list[Event | str]:
    """Events, and the reasons of what is rejected."""
    found = records(body if isinstance(body, str | bytes) else json.dumps(body), NOW)
    return [each.reason if isinstance(each, Rejected) else each for each in found]  # type: ignore[misc]


WHOLE = Event("u-7", "Order Completed", NOW, NOW, {"product_id": "A1"}, "")


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (json.dumps(ONE), 1),
        ([ONE, ONE], 2),
        (f"{ONE},", 1),
        (f"{ONE},\n{ONE},\n", 2),
        (f"{ONE},{ONE}", 2),
        (f"\ufeff{ONE}\r\n{ONE}\r\n", 2),
        (f"\x1e{ONE}\n\x1e{ONE}\n", 2),
        ({"detail-type": "x", "source": "shop", "detail": ONE}, 1),
        ({"specversion": "1.0", "type": "x", "source": "/", "data": ONE}, 1),
    ],
)
def test_records_are_read_however_they_are_wrapped(body: object, events: int) -> None:
    assert read(body) == [WHOLE] * events


@pytest.mark.parametrize(
    "ts",
    [
        *("2026-11-23T18:05:00Z", " 2026-11-23T18:05:00Z ", "2026-11-23 18:05:00 UTC", "2026-11-23 18:05:00.000 UTC"),
        *("2026-11-23 18:05:00 GMT", "2026-11-23 19:05:00 +0100", float(NOW)),
    ],
)
def test_a_time_with_its_zone_is_read_as_databases_write_it(ts: Json) -> None:
    assert read({**BOUGHT, "ts": ts}) == [WHOLE]


MUST = "ts must be epoch milliseconds (a number of 12 digits or more) or ISO 8601 with its time zone"


@pytest.mark.parametrize(
    ("ts", "cure"),
    [
        (NOW // 1000, "; this is in seconds: times 1000"),
        (NOW / 1000, "; this is in seconds: times 1000"),
        (NOW * 1000, "; this is in microseconds: divide it by 1000"),
        (NOW * 1_000_000, "; this is in nanoseconds: divide it by 1000000"),
        (float(NOW * 1_000_000), "; this is in nanoseconds: divide it by 1000000"),
        (1e30, ""),
        (str(NOW // 1000), "; this is a number in a text: send it without quotes, and it is in seconds: times 1000"),
        (str(NOW), "; this is a number in a text: send it without quotes"),
        ("", "; this is blank: leave it out where it is not known"),
        ("2026-11-23", "; this is a day without a time"),
        ("2026-11-23 18:05:00", "; this names no time zone: add Z for UTC, or the offset, as +01:00"),
        ("23.11.2026 18:05", "; write 2026-11-23T10:00:00Z"),
        ({"$date": "2026-11-23T18:05:00Z"}, "; this is an object"),
        (True, "; this is a boolean"),
        (0, ""),
        ("soon", ""),
    ],
)
def test_a_time_that_is_none_says_of_which_kind_it_is(ts: Json, cure: str) -> None:
    assert read({**BOUGHT, "ts": ts}) == [MUST + cure]


@pytest.mark.parametrize(
    "user",
    [
        *("(not set)", "(none)", "<anonymous>", "0.0", "${userId}", "{{user_id}}", "{user}", "%%id%%", "%ID%"),
        *("*|UID|*", "<%= user %>", "[user id]", "[UserID]"),
    ],
)
def test_a_placeholder_that_nobody_filled_is_nobody(user: str) -> None:
    assert read({**BOUGHT, "user": user}) == [
        f"no user: user is {user!r}, which stands for nobody: send the id of a user"
    ]


@pytest.mark.parametrize("user", ["{7}-a", "$u-7", "%7", "<ann@shop.example>", "[7]", "*7*", "0.5", "user", "%25a%25b"])
def test_what_only_looks_like_a_placeholder_is_a_user(user: str) -> None:
    assert read({**BOUGHT, "user": user}) == [WHOLE._replace(user=user)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({**BOUGHT, "user": ["u-7"]}, "no user: user must be a string, not a list"),
        (
            {"type": "track", "userId": {"id": 7}, "event": "a"},
            "no user: userId or anonymousId must be a string, not an",
        ),
        ({**BOUGHT, "event": ["a"]}, "no event name: event must be a string, not a list"),
        (
            {"userId": "u-7", "event": "a"},
            "no user: user must be a string; a call of Segment's also has its type, track",
        ),
        ({"user_id": "u-7", "event": "a"}, "no user: user must be a string; user stands in user_id: send it under our"),
        ({"user": "u-7", "event_name": "a"}, "no event name: event must be a string; event stands in event_name: send"),
        (
            {"before": 1, "after": {}},
            "a record of no known form: a plain one has user, event and ts; this one has before,",
        ),
        (
            {"Records": [{"kinesis": {}}]},
            "a record of no known form: a plain one has user, event and ts; this is what AWS",
        ),
        (
            {"requestId": "r", "records": []},
            "a record of no known form: a plain one has user, event and ts; these are Fir",
        ),
        (
            {"d": {"type": "event"}},
            "a record of no known form: a plain one has user, event and ts; CleverTap's d is a li",
        ),
        (
            {"batch": [], "type": "batch"},
            "a record of no known form: a plain one has user, event and ts; a batch of call",
        ),
    ],
)
def test_what_is_missing_is_named_and_what_there_is_instead(body: object, reason: str) -> None:
    (found,) = read(body)
    assert isinstance(found, str)
    assert found.startswith(reason)


PACKED = gzip.compress(ONE.encode(), mtime=0)


@pytest.mark.parametrize(
    ("body", "cure"),
    [
        (str(BOUGHT), "names and texts stand between double quotes, not single ones"),
        ("{'a': 1}", "names and texts stand between double quotes, not single ones"),
        ('{"a": True}', "JSON has true, false and null"),
        ('{"a": NaN}', "write null"),
        ('{"a": undefined}', "write null"),
        ('{"a": 1} // b', "JSON has no comments"),
        ('{user: "u-7"}', "names stand between double quotes"),
        ("<!DOCTYPE html>", "this is XML or HTML"),
        ("user=u-7&event=a", "this looks like a form (a=1&b=2): send an object"),
        ("user,event,ts\nu-7,a,1\n", "this looks like a line of CSV: a file whose name ends in .csv is read as one"),
        (base64.b64encode(PACKED).decode(), "this looks like base64: send it decoded, and unpacked"),
        (base64.b64encode(ONE.encode()).decode(), "this looks like base64: send it decoded, and unpacked"),
        (PACKED, "it is packed by gzip: send it unpacked"),
        (ONE.encode("utf-16"), "it is UTF-16"),
        (ONE.replace("A1", "é").encode("latin-1"), "Latin-1, as Excel may write it, has to become UTF-8"),
    ],
)
def test_a_body_that_is_not_json_says_what_it_looks_like(body: str | bytes, cure: str) -> None:
    (found,) = read(body)
    assert isinstance(found, str)
    assert found.startswith("not JSON: ")
    assert found.endswith(f"; {cure}")


def test_a_comma_too_many_is_called_so() -> None:
    assert read(f"{ONE[:-1]},}}") == [f"not JSON: a comma is too many at line 1, column {len(ONE) + 1}"]
