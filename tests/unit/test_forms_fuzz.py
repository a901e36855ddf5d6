"""Bodies of all kinds: nothing is raised, every record becomes something, none is lost, and all of it can be kept."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdfast.core.events import Event, Json, ProfileChange, Record, Rejected, Tick, Tie, canonical
from holdfast.core.intake.forms import records
from tests.examples import examples
from tests.unit.test_forms import FORMS, NOW

EXAMPLES: list[Any] = [
    json.loads(body) if isinstance(body, str) else body
    for cases in FORMS.values()
    for name, (body, _) in cases.items()
    if name != "a byte order mark in front"
]
"""The documented bodies of all forms."""
FIELDS = sorted(
    {"d", "id", "ts", "user", "users", "event", "profile", "holdfast", "type", "identity", "evtName", "evtData"}
    | {"profileData", "userId", "traits", "context", "properties", "timestamp", "specversion", "data", "subject"}
    | {"detail", "detail-type", "Type", "Message", "MessageId", "Timestamp", "time", "$incr", "$add", "$set"}
)
"""The words that the forms are known by, and those that they look at."""
WORDS = ["event", "profile", "track", "identify", "page", "tick", "Notification", "u-7", "$D_1", "2026-09-21T14:00:00Z"]

fuzz = settings(max_examples=examples(250), deadline=None)

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([NOW, NOW // 1000, 10**400, 1e300, 0])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), inner),
    max_leaves=12,
)


def check(found: list[Record]) -> None:
    for record in found:
        match record:
            case Event(user, name, at, arrived, properties, given_id):
                assert user.strip() == user != ""
                assert name.strip()
                assert 0 < at <= arrived + 120_000
                assert isinstance(given_id, str)
                canonical(properties).encode()
            case ProfileChange(user, at, _, properties, operations):
                assert user
                assert at > 0
                canonical([properties, {**operations}]).encode()
            case Tick(user, _):
                assert user
            case Rejected(reason, whole):
                assert reason
                json.dumps({"reason": reason, "record": whole})


@fuzz
@given(st.text(st.characters(codec=None)) | st.text('[]{}",:\\ud8Nna1e9. \ufeff', max_size=40))
@example('{"user": "u", "event": "e", "a": "\\u005cud800"}')
@example("\ud800")
def test_any_text_becomes_records_or_one_reject(body: str) -> None:
    check(records(body, NOW))


@fuzz
@given(anything)
@example({"type": [], "user": "u"})
@example({"type": {}, "Type": [], "holdfast": []})
@example({"user": "u", "event": "e", "ts": 10**400})
@example({"identity": "u", "type": "event", "evtName": "e", "ts": 1.7e308})
def test_any_json_is_folded_or_rejected_record_by_record(data: Json) -> None:
    found = records(json.dumps(data), NOW)
    check(found)
    if not isinstance(data, list) and not _holds_many(data):
        assert len(found) == 1


def _holds_many(data: Json) -> bool:
    """May this object hold any number of records? An upload, ticks, and an envelope around one of them or a list."""
    return isinstance(data, dict) and not {"d", "users", "Message", "detail", "data"}.isdisjoint(data)


@st.composite
def mutated(draw: st.DrawFn) -> Json:
    """A documented body with one value, somewhere in it, replaced, removed or put in twice."""
    body = json.loads(json.dumps(draw(st.sampled_from(EXAMPLES))))
    place: Any = body
    while isinstance(place, dict | list) and place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
            change = draw(st.sampled_from(["replace", "remove", "add"]))
            if change == "replace":
                place[key] = draw(anything)
            elif change == "remove":
                del place[key]
            elif isinstance(place, dict):
                place[draw(st.sampled_from(FIELDS))] = draw(anything)
            else:
                place.append(draw(anything))
            break
        place = place[key]
    return body  # type: ignore[no-any-return]


@fuzz
@given(mutated())
def test_a_documented_body_with_one_thing_wrong_is_folded_or_rejected(body: Json) -> None:
    found = records(json.dumps(body), NOW)
    check(found)
    if not isinstance(body, list) and not _holds_many(body):
        assert sum(not isinstance(each, Tie) or each.alone for each in found) == 1


@fuzz
@given(st.lists(mutated() | anything, max_size=4))
def test_a_list_or_upload_holds_the_records_of_its_items_and_one_item_makes_no_difference_to_another(
    items: list[Json],
) -> None:
    alone = [record for item in items for record in records(json.dumps(item), NOW)]
    assert records(json.dumps(items), NOW) == alone
    assert records(json.dumps({"d": items}), NOW) == alone


@fuzz
@given(mutated() | anything)
def test_an_envelope_loses_no_record_of_what_it_carries(body: Json) -> None:
    alone = records(json.dumps(body), NOW)
    around = {
        "Type": "Notification",
        "MessageId": "s",
        "Timestamp": "2026-09-21T14:00:00Z",
        "Message": json.dumps(body),
    }
    inside = records(json.dumps(around), NOW)
    check(inside)
    rejected_whole = len(inside) == 1 and isinstance(inside[0], Rejected) and inside[0].record == around
    assert len(inside) == len(alone) or (rejected_whole and not isinstance(body, list))


@fuzz
@given(st.data())
def test_a_body_cut_off_anywhere_is_one_reject(data: st.DataObject) -> None:
    body = json.dumps(data.draw(st.sampled_from([each for each in EXAMPLES if each])))
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    (record,) = records(cut, NOW)
    assert isinstance(record, Rejected)
    assert record.record == cut
