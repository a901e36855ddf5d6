"""Records as Segment, RudderStack, Firehose and pandas send them; and what is wrong with a sender's clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.events import Event, Ignored, ProfileChange, Record, Rejected
from holdfast.core.intake.batch import Body, Intake, parsed
from holdfast.core.intake.forms import records
from holdfast.core.messages.detail import detail
from holdfast.core.plans.plans import Plans
from holdfast_cli.lines import read_lines
from tests.unit.builders import ADDED, NOON, PRODUCT, History, a_plan, added, minute

AT = "2026-05-29T12:00:00Z"


def track(**more: Any) -> dict[str, Any]:
    call = {"type": "track", "messageId": "m1", "userId": "u-1", "event": ADDED, "timestamp": AT}
    return {**call, "properties": {"product_name": "coat"}, **more}


def read(data: Any, arrived: int = NOON) -> list[Record]:
    return records(json.dumps(data), arrived)


def test_a_batch_body_is_unpacked_and_its_context_holds_for_each_call() -> None:
    batch = {
        "batch": [track(), track(messageId="m2", context={"traits": {"city": "Ulm"}}), 7],
        "context": {"traits": {"email": "a@b.c"}},
        "sentAt": AT,
        "writeKey": "k",
    }
    email, one, city, two, broken = read(batch)
    assert isinstance(email, ProfileChange)
    assert isinstance(city, ProfileChange)
    assert isinstance(one, Event)
    assert isinstance(two, Event)
    assert isinstance(broken, Rejected)
    assert (email.properties, city.properties) == ({"email": "a@b.c"}, {"city": "Ulm"})
    assert (one.id, two.id, one.at) == ("m1", "m2", NOON)


def taken(data: object) -> Intake:
    plans = Plans([a_plan()])
    return Intake(parsed([Body("m", json.dumps(data), NOON)]), lambda _arrived: plans)


@pytest.mark.parametrize("call", ["page", "screen", "group"])
def test_a_call_that_says_nothing_is_ignored_and_counted(call: str) -> None:
    data = {"type": call, "messageId": "p", "userId": "u-1", "timestamp": AT}
    assert read(data) == [Ignored(f"{call} call")]
    intake = taken([data, track()])
    assert (intake.ignored["m"], intake.records["m"], dict(intake.rejects)) == (1, 1, {})


def test_a_call_that_is_ignored_need_not_have_a_user() -> None:
    assert read({"type": "page", "messageId": "p", "anonymousId": None}) == [Ignored("page call")]


def test_traits_of_a_track_call_are_the_users_where_a_campaign_names_the_event() -> None:
    call = track(context={"traits": {"email": "a@b.c"}})
    change, event = read(call)
    assert isinstance(event, Event)
    assert change == ProfileChange("u-1", NOON, NOON, {"email": "a@b.c"}, {}, "m1", ADDED)
    named = taken(call)
    other = taken({**call, "event": "scrolled"})
    assert (list(named.changes), list(other.changes)) == (["u-1"], [])


@pytest.mark.parametrize("traits", [None, 7, [], {"points": {"$incr": "many"}}, {"note": "x" * 600}])
def test_what_is_wrong_with_traits_does_not_harm_the_event(traits: Any) -> None:
    (event,) = read(track(context={"traits": traits}))
    assert isinstance(event, Event)


@pytest.mark.parametrize(
    ("times", "at"),
    [
        ({"timestamp": AT, "originalTimestamp": "2026-05-29T08:00:00Z", "sentAt": "2026-05-29T08:00:01Z"}, NOON),
        (
            {
                "originalTimestamp": "2026-05-29T08:00:00Z",
                "sentAt": "2026-05-29T08:01:00Z",
                "receivedAt": "2026-05-29T12:01:00Z",
            },
            NOON,
        ),
        ({"originalTimestamp": AT, "sentAt": AT}, NOON),
        ({"originalTimestamp": "2026-05-29T12:00:00z"}, NOON),
        ({"originalTimestamp": "2026-05-29T11:00:00Z", "sentAt": "2026-05-29T11:00:01Z"}, minute(-60)),
        ({"sentAt": AT}, NOON),
    ],
)
def test_the_time_is_corrected_by_what_the_record_itself_says(times: dict[str, str], at: int) -> None:
    call = {name: value for name, value in track().items() if name != "timestamp"} | times
    for arrived in (NOON, minute(1), minute(30)):
        (event,) = read(call, arrived)
        assert isinstance(event, Event)
        assert event.at == at


def test_a_clock_that_is_hours_behind_is_said_and_not_taken_for_history() -> None:
    times = {"timestamp": None, "originalTimestamp": "2026-05-29T08:00:00Z", "sentAt": "2026-05-29T08:00:01Z"}
    (rejected,) = read(track(**times))
    assert isinstance(rejected, Rejected)
    assert rejected.reason.startswith("sentAt is 239 minutes before the record arrived: the sender's clock is wrong")
    assert rejected.event
    assert (rejected.event.user, rejected.event.name, rejected.event.at) == ("u-1", ADDED, NOON)
    (unknown,) = read(track(**times), 1 << 53)
    assert isinstance(unknown, Event)


def test_objects_one_behind_the_other_are_records_each() -> None:
    one, two = json.dumps(track()), json.dumps(track(messageId="m2"), indent=2)
    for body in (one + two, one + "\n" + two, f" {one} \r\n\r\n {two} \n"):
        assert [each.id for each in records(body, NOON) if isinstance(each, Event)] == ["m1", "m2"]


@pytest.mark.parametrize(
    "body", ['{"a": 1}{"b"', '{"a": 1} x', '{"a": 1}[1]', "1 2", '{"a": NaN}{"b": 1}', "{}" * 2000]
)
def test_what_is_broken_is_rejected_whole(body: str) -> None:
    (rejected,) = records(body, NOON)
    assert isinstance(rejected, Rejected)
    assert rejected.record == body


@pytest.mark.parametrize(("user", "text"), [(42.0, "42"), (42, "42"), (-7.0, "-7")])
def test_a_whole_number_is_a_user_however_it_is_written(user: float, text: str) -> None:
    (event,) = read({"user": user, "event": ADDED, "ts": NOON, "id": 7.0})
    assert isinstance(event, Event)
    assert (event.user, event.id) == (text, "7")


@pytest.mark.parametrize("user", [42.5, True, 1e300])
def test_any_other_number_is_no_user(user: float) -> None:
    (rejected,) = read({"user": user, "event": ADDED, "ts": NOON})
    assert isinstance(rejected, Rejected)


def test_a_constant_that_is_the_records_own_key_says_so() -> None:
    (event,) = read({"user": "u-1", "event": ADDED, "ts": NOON, "id": "A1"})
    assert isinstance(event, Event)
    _, (problem,) = Plans([a_plan(constant=dict.fromkeys(PRODUCT, "id"))]).read(event)
    assert "id of a plain record is the record's own: call the property something else" in problem.reason


@pytest.mark.parametrize(
    ("profile", "user"),
    [
        ({"Email": "a@b.c", "Phone": "+49", "Name": "Ann"}, {"email": "a@b.c", "phone": "+49", "name": "Ann"}),
        ({"email": "a@b.c", "Email": "old@b.c"}, {"email": "a@b.c"}),
        ({"first_name": "Ann"}, {}),
    ],
)
def test_a_message_says_how_its_user_is_reached_by_segments_and_clevertaps_names(
    profile: dict[str, Any], user: dict[str, Any]
) -> None:
    history = History(a_plan())
    history.fold(added("coat"), now=NOON)
    (decision,) = history.tick(minute(30))
    assert detail("u-1", decision, plan=a_plan(), profile=profile)["user"] == {"identity": "u-1", **user}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_that_is_a_printed_list_gives_its_records(tmp_path: Path, indent: int | None) -> None:
    file = tmp_path / "events.json"
    file.write_text(json.dumps([track(), track(messageId="m2")], indent=indent), encoding="utf-8")
    found = [each for line in read_lines(file) for each in records(line, NOON)]
    assert [each.id for each in found if isinstance(each, Event)] == ["m1", "m2"]
