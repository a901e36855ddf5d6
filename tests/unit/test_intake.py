"""A batch of messages, sorted by what has to be folded for whom."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.events import Event, Json, ProfileChange, Record, Rejected, Tick, event_id
from holdfast.core.intake import batch as batch_module
from holdfast.core.intake.batch import Body, Intake, Reject, parsed
from holdfast.core.intake.fields import Rules
from holdfast.core.intake.forms import records
from holdfast.core.plans.hits import Hit, Unreadable
from holdfast.core.plans.plans import Plans
from tests.unit.builders import ADDED, CHARGED, NOON, a_plan

PLANS = Plans([a_plan()])


def an_added(product: Json = "coat", *, user: str = "ann", **more: Json) -> dict[str, Json]:
    return {"user": user, "event": ADDED, "product_name": product, "ts": NOON, **more}


def a_body(*found: object, message: str = "m1") -> Body:
    return Body(message, json.dumps(found[0] if len(found) == 1 else found), NOON)


def take(*bodies: Body, plans: Plans = PLANS) -> Intake:
    return Intake(parsed(bodies), lambda _arrived: plans)


def test_events_are_read_for_the_campaigns_that_name_them_user_by_user() -> None:
    intake = take(a_body(an_added(), an_added("hat", user="bob")), a_body(an_added("hat"), message="m2"))
    found = {user: [hit.values for hit in hits if isinstance(hit, Hit)] for user, hits in intake.inputs.items()}
    assert found == {"ann": [{"coat": "coat"}, {"hat": "hat"}], "bob": [{"hat": "hat"}]}
    assert intake.users == {"m1": {"ann", "bob"}, "m2": {"ann"}}


def test_an_event_that_no_campaign_names_is_counted_and_nothing_else() -> None:
    intake = take(a_body({"user": "ann", "event": "viewed", "ts": NOON}))
    assert (intake.inputs, intake.users, intake.rejects) == ({}, {}, {})
    assert intake.records == {"m1": 1}


def test_ticks_go_to_their_users_and_are_no_records() -> None:
    intake = take(a_body({"holdfast": "tick", "users": {"ann": NOON, "bob": NOON + 1}}))
    assert intake.inputs == {"ann": [Tick("ann", NOON)], "bob": [Tick("bob", NOON + 1)]}
    assert (intake.ticks, intake.records, intake.users) == (2, {}, {"m1": {"ann", "bob"}})


def test_profile_changes_go_to_their_users_in_the_order_in_which_they_came() -> None:
    first, second = ({"user": "ann", "profile": {"plan": plan}, "ts": NOON} for plan in ("free", "gold"))
    intake = take(a_body(first, second))
    changes = [ProfileChange("ann", NOON, NOON, {"plan": plan}) for plan in ("free", "gold")]
    assert intake.changes == {"ann": changes}
    assert (intake.records, intake.users) == ({"m1": 2}, {"m1": {"ann"}})


def test_what_can_never_be_folded_is_a_reject_of_its_message() -> None:
    intake = take(a_body(17, an_added()), Body("m2", "{", NOON))
    assert intake.rejects["m1"] == [Reject("a record is a JSON object, not a number", (), 17)]
    assert [reject.record for reject in intake.rejects["m2"]] == ["{"]
    assert intake.records == {"m1": 2, "m2": 1}
    assert list(intake.inputs) == ["ann"]


def test_a_property_that_nothing_reads_may_be_of_any_length_and_is_left_out() -> None:
    intake = take(a_body(an_added(note="x" * 5000, list=[0] * 300)), plans=Plans([a_plan(keep=("price",))]))
    assert not intake.rejects
    (hit,) = intake.inputs["ann"]
    assert isinstance(hit, Hit)
    assert hit.kept == {}


def test_a_property_that_a_template_reads_has_its_limit() -> None:
    intake = take(a_body(an_added(note="x" * 513)), plans=Plans([a_plan(keep=("note",))]))
    (reject,) = intake.rejects["m1"]
    assert reject.reason == "abandoned-cart: too long: note has 513 bytes, 512 are allowed"
    assert not intake.inputs


def a_charged(**more: Json) -> dict[str, Json]:
    return {"user": "ann", "event": CHARGED, "ts": NOON, "id": "o-1", **more}


DOUBT = Unreadable("abandoned-cart", "o-1", NOON, 120_000, CHARGED, "Items[].prod_name is missing")


def test_an_exit_that_cannot_be_read_is_a_reject_and_leaves_a_doubt() -> None:
    intake = take(a_body(a_charged()), plans=Plans([a_plan(grace=120_000)]))
    (reject,) = intake.rejects["m1"]
    assert reject.reason == "abandoned-cart: constant property product: Items[].prod_name is missing in charged"
    assert intake.inputs == {"ann": [DOUBT]}
    assert intake.users == {"m1": {"ann"}}


def test_a_campaign_may_ignore_exits_that_cannot_be_read() -> None:
    intake = take(a_body(a_charged()), plans=Plans([a_plan(unreadable_exits="ignore")]))
    assert (len(intake.rejects["m1"]), intake.inputs) == (1, {})


def test_a_trigger_that_cannot_be_read_is_a_reject_and_no_doubt() -> None:
    intake = take(a_body({"user": "ann", "event": ADDED, "ts": NOON}))
    assert (len(intake.rejects["m1"]), intake.inputs) == (1, {})


def test_an_exit_with_a_time_that_cannot_be_read_leaves_a_doubt_at_its_arrival() -> None:
    intake = take(a_body(a_charged(ts="noon", Items=[{"prod_name": "coat"}])))
    (doubt,) = intake.inputs["ann"]
    assert isinstance(doubt, Unreadable)
    assert (doubt.at, doubt.id, doubt.why) == (NOON, "o-1", intake.rejects["m1"][0].reason)
    assert take(a_body({"user": "ann", "event": "viewed", "ts": "noon"})).inputs == {}


def test_an_event_that_one_campaign_cannot_join_is_read_by_the_others_and_rejected_with_that_one() -> None:
    plans = Plans([a_plan(), a_plan("any", constant=None)])
    event = {"user": "ann", "event": ADDED, "ts": NOON, "price": 1}
    intake = take(a_body(event), plans=plans)
    assert [hit.campaign for hit in intake.inputs["ann"] if isinstance(hit, Hit)] == ["any"]
    (reject,) = intake.rejects["m1"]
    assert reject.reason == "abandoned-cart: constant property product: product_name is missing in added to cart"
    assert reject.campaigns == ("abandoned-cart",)


@pytest.mark.parametrize("data", [{"Amount": 3}, {"Amount": 3, "id": 17, "user": "somebody"}])
def test_a_rejected_event_is_put_aside_so_that_it_is_the_same_event_when_it_is_sent_again(data: Json) -> None:
    charged = {"type": "event", "identity": "ann", "evtName": CHARGED, "ts": NOON // 1000, "evtData": data}
    (original,) = records(json.dumps(charged), NOON)
    (reject,) = take(a_body(charged)).rejects["m1"]
    (again,) = records(json.dumps(reject.record), NOON)
    assert isinstance(original, Event)
    assert isinstance(again, Event)
    assert event_id(again) == event_id(original)
    assert again._replace(id="") == original


def test_what_is_refused_later_is_a_reject_of_a_message_that_does_not_come_again() -> None:
    intake = take(a_body(an_added()), a_body(an_added("hat"), message="m2"), a_body(an_added(user="bob"), message="m3"))
    refused = Rejected("profile too large", {"user": "ann"})
    reject = Reject("profile too large", (), {"user": "ann"})
    assert intake.taken([("ann", refused)], [], {"m1"}).rejects == {"m2": [reject]}
    assert intake.taken([("bob", refused)], [], {"m3"}).rejects == {}
    assert intake.rejects == {}


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [
                    an_added(),
                    an_added(None),
                    {"user": "ann", "event": "viewed", "ts": NOON},
                    {"user": "ann", "profile": {}, "ts": NOON},
                    {},
                    "?",
                ]
            ),
            max_size=5,
        ),
        max_size=4,
    )
)
def test_every_record_is_counted_once_with_its_message(batch: list[list[Json]]) -> None:
    intake = take(*(Body(f"m{number}", json.dumps(body), NOON) for number, body in enumerate(batch)))
    assert [intake.records[f"m{number}"] for number in range(len(batch))] == [len(body) for body in batch]
    rejects = sum(map(len, intake.rejects.values()))
    assert rejects == sum(each in ["?", {}, an_added(None)] for body in batch for each in body)


def test_a_body_that_breaks_what_reads_it_is_rejected_and_harms_no_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(text: str, arrived: int, rules: Rules) -> list[Record]:
        if "hat" in text:
            raise OverflowError
        return records(text, arrived, rules)

    monkeypatch.setattr(batch_module, "records", breaks)
    bad = a_body(an_added("hat"), message="bad")
    intake = take(bad, a_body(an_added()))
    assert len(intake.inputs["ann"]) == 1
    (rejected,) = intake.rejects["bad"]
    assert rejected.reason.endswith("OverflowError")
    assert rejected.record == bad.text


@pytest.mark.parametrize(
    ("value", "id_"),
    [
        (1e16, "f1789df90e211b07"),
        (9e-5, "886ab16983bab34f"),
        (1e22, "c3b814ec3b679fa3"),
        (1 << 60, "94419201e3404347"),
        ("é", "1cbea644accdcb63"),
        ([1.5, {"a": 1e17}], "c55ad43cc0567694"),
    ],
)
def test_the_id_of_an_event_does_not_change_from_release_to_release(value: Json, id_: str) -> None:
    """As 0.1 has it: a record without an id that comes again after an upgrade is the same event."""
    assert event_id(Event("u", "e", 1, 1, {"a": value}, "")) == id_
