"""Sources: what no native form reads is read as a file says, and never anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from holdfast.core.authoring.source import SourceFile
from holdfast.core.authoring.text import CampaignFileError, parse, validate
from holdfast.core.events import Event, Ignored, ProfileChange, Record, Rejected, Tie, Unread
from holdfast.core.intake.batch import Body, Intake, parsed
from holdfast.core.intake.fields import Rules
from holdfast.core.intake.forms import records
from holdfast.core.intake.sources import Entry, InForce, Source, Unreadable
from holdfast.core.plans.plans import Plans
from holdfast_cli.main import app
from tests.examples import examples
from tests.unit import test_forms as forms

NOW = forms.NOW
A_SOURCE = Source(id="shop", match="shop", user=("who.id", "who.mail"), event="what", time="when", event_id="nr")


def read(body: object, *sources: Source | Unreadable, arrived: int = NOW) -> list[Record]:
    return records(body if isinstance(body, str) else json.dumps(body), arrived, Rules(sources=sources or (A_SOURCE,)))


def body(**changes: object) -> dict[str, Any]:
    return {"shop": 1, "who": {"id": 7}, "what": "ordered", "when": NOW, "nr": 5, **changes}


def test_a_body_that_matches_is_an_event_with_the_record_as_its_properties() -> None:
    (event,) = read(body())
    assert event == Event("7", "ordered", NOW, NOW, body(), "5")


@pytest.mark.parametrize("data", [{"user": "u", "event": "e", "ts": NOW, "shop": 1}, {"d": [], "shop": 1}])
def test_what_a_native_form_reads_is_never_shown_to_a_source(data: dict[str, object]) -> None:
    assert read(data) == records(json.dumps(data), NOW)


@settings(max_examples=examples(300), deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "user",
                        "event",
                        "ts",
                        "d",
                        "type",
                        "identity",
                        "evtName",
                        "batch",
                        "userId",
                        "detail",
                        "detail-type",
                        "shop",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_with_a_source_that_matches_everything_what_was_read_is_read_as_before(data: Any) -> None:
    """Only what would be rejected may become something else."""
    everything = replace(A_SOURCE, match="`true`")
    without = records(json.dumps(data), NOW)
    if not any(isinstance(record, Rejected) for record in without):
        assert read(data, everything) == without


def test_without_a_source_that_matches_it_is_rejected_as_without_any() -> None:
    other = {"cart": 1}
    assert read(other) == records(json.dumps(other), NOW)


def test_a_condition_that_cannot_be_computed_does_not_match() -> None:
    (rejected,) = read(body(), replace(A_SOURCE, match="contains(nothing, 'x')"))
    assert isinstance(rejected, Rejected)
    assert rejected.reason.startswith("a record of no known form")


def test_of_several_the_first_reads() -> None:
    first, second = replace(A_SOURCE, id="a", event="'first'"), replace(A_SOURCE, id="b", event="'second'")
    assert [each.name for each in read(body(), first, second) if isinstance(each, Event)] == ["first"]


def test_the_first_path_that_names_somebody_is_the_user() -> None:
    (event,) = read(body(who={"id": "guest", "mail": "a@b.c"}))
    assert isinstance(event, Event)
    assert event.user == "a@b.c"
    (rejected,) = read(body(who={"id": "guest"}))
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "source shop: no user: who.id is 'guest', which stands for nobody: send the id of a user"


BATCH = replace(A_SOURCE, records="all", user=("Body.person", "who.id"), time="Body.at", event_id="")


def test_several_records_may_share_what_is_in_the_body() -> None:
    some = {"shop": 1, "person": "ann", "at": NOW - 1, "all": [{"what": "a"}, {"what": "b"}]}
    assert [(e.user, e.name, e.at) for e in read(some, BATCH) if isinstance(e, Event)] == [
        ("ann", "a", NOW - 1),
        ("ann", "b", NOW - 1),
    ]


def test_what_is_wrong_with_one_record_leaves_its_neighbours_alone() -> None:
    some = {"shop": 1, "person": "ann", "at": NOW, "all": [{"what": "a"}, 7, {"no": 1}, {"what": "b"}]}
    found = read(some, BATCH)
    assert [type(each) for each in found] == [Event, Rejected, Rejected, Event]
    assert [each.reason for each in found if isinstance(each, Rejected)] == [
        "source shop: a record is a JSON object",
        "source shop: no event name: what is missing",
    ]


@pytest.mark.parametrize("none", [None, []])
def test_a_body_without_a_record_is_ignored_and_counted(none: object) -> None:
    assert read({"shop": 1, "all": none}, BATCH) == [Ignored("shop body without a record")]


def test_ids_of_several_records_of_an_envelope_differ() -> None:
    envelope = {"detail-type": "t", "detail": {"all": [{"what": "a"}, {"what": "b"}]}, "id": "e1", "shop": 1}
    found = read(envelope, replace(BATCH, records="detail.all", user=("Body.id",)))
    assert [each.id for each in found if isinstance(each, Event)] == ["e1/0", "e1/1"]


def test_an_envelope_is_read_by_its_own_form_where_that_finds_a_user() -> None:
    envelope = {"detail-type": "t", "detail": {"user": "ann"}, "id": "e1", "shop": 1, "who": {"id": 7}, "what": "w"}
    assert [each.user for each in read(envelope) if isinstance(each, Event)] == ["ann"]
    del envelope["detail"]["user"]  # type: ignore[attr-defined]
    assert [each.user for each in read(envelope) if isinstance(each, Event)] == ["7"]


def test_inside_of_sns_and_in_a_list_each_record_is_offered() -> None:
    notification = {"Type": "Notification", "MessageId": "m", "Message": json.dumps([body(), {"x": 1}])}
    assert [type(each) for each in read(notification)] == [Event, Rejected]


@pytest.mark.parametrize(
    ("time", "zone", "at"),
    [
        (1_600_000_000, "", 1_600_000_000_000),
        (1_600_000_000.25, "", 1_600_000_000_250),
        (1_600_000_000_123, "", 1_600_000_000_123),
        (1_600_000_000_123_456, "", 1_600_000_000_123),
        ("1600000000123456", "", 1_600_000_000_123),
        ("1600000000", "", 1_600_000_000_000),
        ("2020-09-13T12:26:40Z", "", 1_600_000_000_000),
        ("2020-09-13T14:26:40+02:00", "UTC", 1_600_000_000_000),
        ("2020-09-13 12:26:40.000000", "UTC", 1_600_000_000_000),
    ],
)
def test_times_of_all_units(time: object, zone: str, at: int) -> None:
    (event,) = read(body(when=time), replace(A_SOURCE, zone=zone))
    assert isinstance(event, Event)
    assert event.at == at


@pytest.mark.parametrize("time", ["2020-09-13 12:26:40", "yesterday", True, [1], -5, 1e300])
def test_a_time_that_says_nothing_is_rejected_and_the_event_may_have_been_an_exit(time: object) -> None:
    (rejected,) = read(body(when=time))
    assert isinstance(rejected, Rejected)
    assert rejected.reason.startswith("source shop: when ")
    assert rejected.event is not None
    assert (rejected.event.user, rejected.event.name) == ("7", "ordered")


def test_properties_are_one_object_or_picked_one_by_one() -> None:
    at = replace(A_SOURCE, properties="who")
    picked = replace(A_SOURCE, properties={"customer": "who.id", "shop": "Body.shop", "none": "nothing"})
    assert [each.properties for each in read(body(), at) if isinstance(each, Event)] == [{"id": 7}]
    assert [each.properties for each in read(body(), picked) if isinstance(each, Event)] == [{"customer": 7, "shop": 1}]


def test_a_path_that_cannot_be_computed_rejects_its_record_and_says_which() -> None:
    (rejected,) = read(body(), replace(A_SOURCE, properties="sum(what)"))
    assert isinstance(rejected, Rejected)
    assert rejected.reason.startswith("source shop: properties cannot be computed: what is")
    assert rejected.event is not None


def test_a_profile_comes_along_with_its_event_or_alone() -> None:
    source = replace(A_SOURCE, profile={"mail": "who.mail"})
    along, event = read(body(who={"id": 7, "mail": "a@b.c"}), source)
    assert isinstance(along, ProfileChange)
    assert (along.user, along.properties, along.along) == ("7", {"mail": "a@b.c"}, "ordered")
    assert isinstance(event, Event)
    (alone,) = read(body(what=None, who={"id": 7, "mail": "a@b.c"}), source)
    assert isinstance(alone, ProfileChange)
    assert (alone.properties, alone.along, alone.id) == ({"mail": "a@b.c"}, "", "5")


def test_an_alias_is_one_more_id_of_the_user_who_did_it() -> None:
    source = replace(A_SOURCE, alias=("who.device", "who.mail"))
    *ties, event = read(body(who={"id": 7, "device": "d-1", "mail": "a@b.c"}), source)
    assert isinstance(event, Event)
    assert ties == [Tie("7", each, along="ordered", at=event.at) for each in ("d-1", "a@b.c")]
    assert event.user == "7"


@pytest.mark.parametrize("device", [None, "guest", 7, ["d-1"]])
def test_an_alias_that_is_missing_nobody_or_the_user_ties_nothing(device: object) -> None:
    (event,) = read(body(who={"id": 7, "device": device}), replace(A_SOURCE, alias=("who.device",)))
    assert isinstance(event, Event)


def test_an_alias_may_come_with_a_profile_or_alone() -> None:
    who = {"id": 7, "device": "d-1", "mail": "a@b.c"}
    known = replace(A_SOURCE, event="", alias=("who.device",), profile={"mail": "who.mail"})
    tie, change = read(body(who=who), known)
    assert isinstance(change, ProfileChange)
    assert tie == Tie("7", "d-1", at=change.at)
    alone = replace(A_SOURCE, alias=("who.device",))
    assert read(body(who=who, what=None), alone) == [Tie("7", "d-1", alone=True, at=change.at)]
    (rejected,) = read(body(what=None), alone)
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "source shop: no event name: what is missing"


# In force


def test_a_source_reads_what_arrives_once_it_is_in_force_and_until_it_is_deleted() -> None:
    second = replace(A_SOURCE, revision=2, event="'second'")
    force = InForce([Entry("shop", 30, None), Entry("shop", 10, A_SOURCE), Entry("shop", 20, second)])
    assert [force.at(moment) for moment in (9, 10, 19, 20, 29, 30)] == [(), *2 * [(A_SOURCE,)], *2 * [(second,)], ()]
    assert force.newest == ()
    assert force
    assert not InForce()


def test_each_message_is_read_by_what_was_in_force_when_it_arrived() -> None:
    force = InForce([Entry("shop", NOW, A_SOURCE)])
    text = json.dumps(body(when=NOW - 5))
    before, after = parsed([Body("m1", text, NOW - 1), Body("m2", text, NOW)], sources=force)
    assert [type(each) for each in (*before.records, *after.records)] == [Rejected, Event]


def test_a_source_that_cannot_be_read_takes_out_nothing_but_itself() -> None:
    later = Unreadable("future", "TypeError")
    assert [type(each) for each in read([body(), {"x": 1}, {"user": "u", "event": "e"}], A_SOURCE, later)] == [
        Event,
        Unread,
        Event,
    ]
    intake = Intake(
        parsed(
            [Body("m1", json.dumps(body()), NOW), Body("m2", '{"x": 1}', NOW)],
            sources=InForce([Entry("shop", 0, A_SOURCE), Entry("future", 0, later)]),
        ),
        lambda _: Plans(()),
    )
    assert intake.later == {"m2"}
    assert not intake.rejects


def test_it_comes_back_from_its_table_as_it_was_and_a_field_of_a_later_release_is_not_ignored() -> None:
    full = replace(BATCH, zone="UTC", properties={"a": "b"}, profile="c", alias=("d",), name="Shop", revision=3)
    assert Source.from_json(json.loads(json.dumps(full.to_json()))) == full
    assert set(A_SOURCE.to_json()) == {"id", "match", "user", "event", "time", "event_id"}
    with pytest.raises(TypeError):
        Source.from_json({**full.to_json(), "unwrap": "x"})


# Files

FILE = """\
id: shop
match: shop
read:
  user: who.id
  event: what
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("match: shop", "match: shop and cart", 2, "'shop and cart' is not a JMESPath expression: and is written &&"),
        ("  event: what\n", "  evnt: what\n", 5, "unknown key 'evnt'; did you mean 'event'?"),
        ("  event: what\n", "", 3, "event is missing, or profile"),
        ("what", "to_string(Body.what)", 5, "Body. stands at the beginning only"),
        ("  event: what\n", "  event: what\n  zone: UTC\n", 6, "zone is that of time: time is missing"),
        ("  event: what\n", "  profile: x\n  properties: y\n", 6, "event is missing"),
        ("who.id", "[]", 4, "at least 1 is needed here"),
        ("id: shop", "id: My Shop", 1, "small letters, digits and hyphens"),
        ("what\n", "what\n  properties: {a: 'b c'}\n", 6, "a name with a space"),
    ],
)
def test_a_mistake_is_shown_with_its_line(old: str, new: str, line: int, message: str) -> None:
    with pytest.raises(CampaignFileError) as error:
        validate(parse(FILE.replace(old, new), "shop.yaml"), SourceFile)
    assert (error.value.mistakes[0].line, message in error.value.mistakes[0].message) == (line, True), error.value


def test_a_file_says_what_the_source_does() -> None:
    text = (
        FILE + "  time: at\n  zone: UTC\n  id: nr\n  properties: {a: Body.a}\n  profile: p\n  alias: [d, e]\n"
        "records: all\nname: Shop\n"
    )
    assert validate(parse(text), SourceFile).plan(4) == Source(
        id="shop",
        revision=4,
        name="Shop",
        match="shop",
        records="all",
        user=("who.id",),
        event="what",
        time="at",
        zone="UTC",
        event_id="nr",
        properties={"a": "Body.a"},
        profile="p",
        alias=("d", "e"),
    )


def run(*args: object, fine: bool = True) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, [*map(str, args), "--json"])
    assert (result.exit_code == 0) is fine, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_testing_a_source_shows_each_step(tmp_path: Path) -> None:
    file, data = tmp_path / "shop.yaml", tmp_path / "body.json"
    file.write_text(FILE)
    data.write_text(json.dumps({"shop": 1, "who": {"id": 7}, "what": "ordered"}))
    assert [(step["step"], step["found"]) for step in run("source", "test", file, data)][:4] == [
        ("match", "shop"),
        ("records", 1),
        ("user who.id", 7),
        ("event what", "ordered"),
    ]
    data.write_text('{"cart": 1}')
    steps = run("source", "test", file, data, fine=False)
    assert [step["step"] for step in steps] == ["match", "rejected"]
    data.write_text('{"user": "u", "event": "e"}')
    assert run("source", "test", file, data, fine=False)[0]["step"] == "native form"
    data.write_text('{"user": "u", "alias": "guest-7"}')
    assert run("source", "test", file, data, fine=False)[1] == {
        "step": "tie",
        "found": {"user": "u", "alias": "guest-7"},
        "fine": True,
    }


def test_checking_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(FILE)
    assert run("source", "check", file) == [{"file": str(file), "source": "shop", "valid": True}]
    file.write_text(FILE.replace("who.id", "who.id]"))
    (mistake,) = run("source", "check", file, fine=False)
    assert (mistake["line"], mistake["valid"]) == (4, False)


def test_a_file_of_records_is_checked_and_simulated_by_it(tmp_path: Path) -> None:
    file, data, campaign = tmp_path / "shop.yaml", tmp_path / "all.jsonl", tmp_path / "c.yaml"
    file.write_text(FILE + "  time: at\n")
    lines = [{"shop": 1, "who": {"id": n}, "what": "ordered", "at": NOW - n * 1000} for n in (1, 2)]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    campaign.write_text("id: c\nwhen: {did: ordered}\nsend: {values: {t: x}}\n")
    assert run("send", data, "--check", fine=False)[0]["records"] == {}
    assert run("send", data, "--check", "--source", file) == [{"records": {"ordered": 2}, "rejected": []}]
    decided = run("simulate", "-c", campaign, "-e", data, "--source", file)
    assert [row["user"] for row in decided] == ["2", "1"]
