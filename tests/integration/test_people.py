"""One person, several ids, through join: pointers, races, crashes, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from holdfast.core.fold import profiles
from holdfast.core.people.people import LONGEST_CHAIN, MOST_IDS
from tests.integration.conftest import MINUTE, World, killed

TIE = {"user": "u-1", "alias": "anon-7"}


def tick(world: World, *users: str) -> dict[str, object]:
    return {"holdfast": "tick", "users": dict.fromkeys(users, world.now)}


def take(world: World, *records: object) -> list[str]:
    return world.join().take([world.body(record, message=f"m{n}") for n, record in enumerate(records)])


def decided(world: World, *users: str) -> list[tuple[str, str, str]]:
    """The decisions in the outboxes."""
    return [(each["kind"], user, each["shown"]) for user in users for each in world.outbox(user)]


def pointers(world: World) -> dict[tuple[str, str], str]:
    found = world.items("users")
    return {(each["user"]["S"], each["part"]["S"]): each["person"]["S"] for each in found if "person" in each}


def guest(world: World, product: str = "coat") -> dict[str, object]:
    return world.added(product, user="anon-7")


ORDERS = {
    "adds, logs in, buys": "atb",
    "adds, buys, logs in": "abt",
    "logs in, adds, buys": "tab",
    "buys, adds, logs in": "bat",
}


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "in one batch"])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_a_guest_who_bought_gets_no_message(world: World, order: str, at_once: bool) -> None:
    known = {"a": guest(world), "t": TIE, "b": world.charged(user="u-1")}
    for records in [[known[step] for step in order]] if at_once else [[known[step]] for step in order]:
        assert take(world, *records) == []
    world.now += 30 * MINUTE
    assert take(world, tick(world, "anon-7", "u-1")) == []
    assert decided(world, "anon-7", "u-1") == []
    assert pointers(world) == {("anon-7", "watches"): "u-1", ("anon-7", "profile"): "u-1"}


def test_what_the_guest_left_is_sent_to_the_user_by_the_guests_tick(world: World) -> None:
    take(world, guest(world))
    take(world, TIE)
    assert world.state("u-1").ids == {"anon-7": 1}
    world.now += 30 * MINUTE
    take(world, tick(world, "anon-7"))
    assert decided(world, "anon-7", "u-1") == [("send", "u-1", "coat")]
    world.deliver_outboxes()
    assert [each["detail"]["user"]["identity"] for each in world.messages("rule")] == ["u-1"]


def test_the_user_is_nominated_for_what_the_guest_had_open(world: World) -> None:
    take(world, guest(world))
    take(world, TIE)
    named = [user for each in world.items("timers") for user in json.loads(each["users"]["S"])]
    assert sorted(named) == ["anon-7", "u-1"]


def test_neither_a_pointer_nor_what_points_to_it_ends(world: World) -> None:
    """Else an event of the device after that would be a stranger's."""
    take(world, guest(world))
    take(world, TIE)
    take(world, world.added("hat", user="u-1"))
    assert not [item for item in world.items("users") if "expires_at" in item]


def test_the_release_before_reads_a_pointer_as_a_user_of_whom_nothing_is_known(world: World) -> None:
    take(world, guest(world))
    take(world, TIE)
    states = {part: world.item("anon-7", part) for part in ("watches", "profile")}
    assert {part: item and item["state"]["S"] for part, item in states.items()} == {
        "watches": '{"watches":{}}',
        "profile": "{}",
    }


def test_what_the_release_before_wrote_over_a_pointer_joins_again(world: World) -> None:
    """It leaves attributes that it does not know where it updates an item."""
    take(world, TIE)
    pointer = world.item("anon-7")
    assert pointer
    take(world, world.added("coat", user="old"))
    written = world.item("old")
    assert written
    pointer |= {"state": written["state"], "version": {"N": "9"}}
    world.dynamodb._real.put_item(TableName="users", Item=pointer)
    take(world, world.charged("hat", user="anon-7"))
    assert {*world.state("u-1").watches["cart"]} == {"coat", "hat"}
    again = world.item("anon-7")
    assert again
    assert again["state"]["S"] == '{"watches":{}}'


def test_ids_that_the_release_before_dropped_are_known_again_by_the_next_tie(world: World) -> None:
    take(world, TIE)
    person = world.item("u-1")
    assert person
    world.dynamodb._real.put_item(TableName="users", Item=person | {"state": {"S": '{"watches":{}}'}})
    take(world, track("added"))
    assert world.state("u-1").ids == {"anon-7": 1}
    assert pointers(world)["anon-7", "watches"] == "u-1"


def test_profiles_are_one_and_later_changes_go_to_the_person(world: World) -> None:
    take(world, {"user": "anon-7", "profile": {"city": "Ulm", "size": 1}, "ts": world.now})
    take(world, {"user": "u-1", "profile": {"city": "Bonn", "email": "a@b.c"}, "ts": world.now - MINUTE})
    take(world, {**TIE, "profile": {"size": 2}, "ts": world.now + 1})
    take(world, {"user": "anon-7", "profile": {"shoe": 40}, "ts": world.now})
    item = world.item("u-1", "profile")
    assert item
    expected = {"city": "Ulm", "email": "a@b.c", "size": 2, "shoe": 40}
    assert profiles.properties(profiles.decode(item["state"]["S"])) == expected


def test_a_crash_before_the_write_is_healed_by_the_retry(world: World) -> None:
    take(world, guest(world))
    before = world.items("users")
    world.dynamodb.fault("transact_write_items", killed)
    with pytest.raises(KeyboardInterrupt):
        take(world, TIE)
    assert world.items("users") == before
    take(world, TIE)
    assert {*world.state("u-1").watches["cart"]} == {"coat"}


def test_a_write_whose_answer_is_lost_is_known_by_the_retry(world: World) -> None:
    def answer_lost(arguments: dict[str, Any]) -> None:
        world.dynamodb._real.transact_write_items(**arguments)
        raise ReadTimeoutError(endpoint_url="dynamodb")

    take(world, guest(world))
    world.dynamodb.fault("transact_write_items", answer_lost)
    assert take(world, TIE) == ["m0"]
    after = world.items("users")
    assert take(world, TIE) == []
    assert world.items("users") == after


@pytest.mark.parametrize("user", ["anon-7", "u-1"])
def test_an_event_that_comes_while_ids_are_tied_is_not_lost(world: World, user: str) -> None:
    def meanwhile(_: dict[str, Any]) -> None:
        take(world, world.added("hat", user=user))

    take(world, guest(world))
    world.dynamodb.fault("transact_write_items", meanwhile)
    assert take(world, TIE) == []
    assert {*world.state("u-1").watches["cart"]} == {"coat", "hat"}


def test_ids_that_are_tied_while_an_event_is_folded_get_it(world: World) -> None:
    def meanwhile(_: dict[str, Any]) -> None:
        take(world, TIE)

    take(world, guest(world))
    world.dynamodb.fault("put_item", meanwhile)
    assert take(world, guest(world, "hat")) == []
    assert {*world.state("u-1").watches["cart"]} == {"coat", "hat"}


def test_a_tie_that_loses_every_race_comes_again(world: World) -> None:
    def changes() -> Iterator[Any]:
        for number in range(3):
            yield lambda _, number=number: (take(world, world.added(f"p{number}", user="anon-7")), None)[1]

    world.dynamodb.fault("transact_write_items", *changes())
    assert take(world, TIE) == ["m0"]
    assert take(world, TIE) == []
    assert {*world.state("u-1").watches["cart"]} == {"p0", "p1", "p2"}


def test_a_decision_of_the_guest_is_delivered_once(world: World) -> None:
    take(world, guest(world))
    world.now += 30 * MINUTE
    take(world, tick(world, "anon-7"))
    (image,) = [item for item in world.items("users") if "outbox" in item]
    take(world, TIE, tick(world, "anon-7", "u-1"))
    assert decided(world, "anon-7", "u-1") == []
    world.deliver().take([image], lambda: 60.0)  # from the stream, which knows nothing of what came after
    assert len(world.messages("rule")) == 1


def test_what_is_taken_back_has_the_id_of_the_message(world: World) -> None:
    take(world, guest(world))
    take(world, world.charged(user="u-1", ts=world.now + MINUTE))
    world.now += 30 * MINUTE
    take(world, tick(world, "anon-7"))
    world.deliver_outboxes()
    take(world, TIE)
    world.deliver_outboxes()
    sent, back = world.messages("rule")
    assert back["detail-type"].endswith("Retracted")
    assert back["detail"]["metadata"]["id"] == sent["detail"]["metadata"]["id"]


def test_a_chain_of_ids_leads_to_one_person(world: World) -> None:
    take(world, world.added("coat", user="a"))
    take(world, {"user": "b", "alias": "a"})
    take(world, {"user": "c", "alias": "b"})
    take(world, world.added("hat", user="a"), world.added("tie", user="b"))
    assert {*world.state("c").watches["cart"]} == {"coat", "hat", "tie"}
    assert world.state("c").ids == {"a": 2, "b": 1}


def test_several_ids_join_in_one_batch_whatever_the_order_of_their_ties(world: World) -> None:
    take(world, *(world.added(id_, user=id_) for id_ in "ab"))
    assert take(world, {"user": "c", "alias": "b"}, {"user": "b", "alias": "a"}) == []
    assert {*world.state("c").watches["cart"]} == {"a", "b"}
    assert world.messages("rejected") == []


def test_a_circle_is_rejected_with_its_reason(world: World) -> None:
    take(world, TIE)
    assert take(world, {"user": "anon-7", "alias": "u-1"}) == []
    (rejected,) = world.messages("rejected")
    assert rejected["reason"] == "a circle: anon-7 is an alias of u-1 already"
    assert rejected["record"] == {"user": "anon-7", "alias": "u-1"}


def test_too_long_a_chain_and_too_many_ids_are_rejected(world: World) -> None:
    names = [f"c{n}" for n in range(LONGEST_CHAIN + 2)]
    for alias, user in pairwise(names):
        take(world, {"user": user, "alias": alias})
    take(world, *({"user": "many", "alias": f"id-{n}"} for n in range(MOST_IDS + 1)))
    reasons = [each["reason"] for each in world.messages("rejected")]
    assert [reason.split(":")[0] for reason in reasons] == ["too long a chain of ids", "too many ids"]
    take(world, world.added("coat", user="c0"))
    assert "coat" in world.state(names[-2]).watches["cart"]


def test_a_device_stays_with_whom_it_belonged_to_first(world: World) -> None:
    """A second user who logs in there is no mistake; a record that says nothing else is rejected."""
    take(world, TIE)
    call = {"type": "identify", "userId": "u-2", "anonymousId": "anon-7", "messageId": "i", "traits": {"a": 1}}
    assert take(world, call) == []
    assert world.messages("rejected") == []
    assert world.item("u-2", "profile")
    take(world, {"user": "u-2", "alias": "anon-7"})
    assert [each["reason"] for each in world.messages("rejected")] == ["anon-7 belongs to another user already"]
    take(world, guest(world))
    assert {*world.state("u-1").watches["cart"]} == {"coat"}


def track(name: str, **more: object) -> dict[str, object]:
    call = {"type": "track", "event": name, "userId": "u-1", "anonymousId": "anon-7", "messageId": "t"}
    return {**call, "properties": {"product": "coat"}, **more}


def test_a_known_id_beside_an_event_costs_nothing(world: World) -> None:
    join = world.join()
    join.take([world.body(track("added"))])
    world.dynamodb.calls.clear()
    join.take([world.body(track("charged", messageId="t2"))])
    assert (world.dynamodb.calls["batch_get_item"], world.dynamodb.calls["transact_write_items"]) == (1, 0)


def test_an_id_beside_an_event_that_no_campaign_names_costs_nothing(world: World) -> None:
    join = world.join()
    join.take([world.body(track("added"))])
    world.dynamodb.calls.clear()
    join.take([world.body(track("page seen", anonymousId="anon-8"))])
    assert world.dynamodb.calls == {"batch_get_item": 1}


def test_a_pointer_costs_one_read_more_for_whom_has_one(world: World) -> None:
    join = world.join()
    join.take([world.body(TIE)])
    world.dynamodb.calls.clear()
    join.take([world.body(guest(world))])
    assert (world.dynamodb.calls["batch_get_item"], world.dynamodb.calls["put_item"]) == (2, 1)
