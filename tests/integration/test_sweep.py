"""sweep: the clock becomes ticks, and an outage is caught up with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.aws.tables.timers import Timers
from holdfast.core.fold.timers import DEPLOYING_MS, SLOT_MS, TimerItem, slot
from holdfast.services.sweep import NotSent
from tests.integration.conftest import MINUTE, T0, World, killed, refusing, throttled


def always() -> bool:
    return True


def nominated(world: World) -> dict[str, int]:
    users: dict[str, int] = {}
    for message in world.messages("events"):
        users.update(message["users"])
    return users


@pytest.fixture
def asleep(world: World) -> World:
    """Ann's timer is in a slot, half an hour ahead, and sweep has run once before."""
    world.sweep().sweep(always)
    world.join().take([world.body(world.added())])
    return world


def delays(world: World) -> list[int]:
    sent: list[int] = []

    def note(arguments: dict[str, Any]) -> None:
        sent.extend(entry["DelaySeconds"] for entry in arguments["Entries"])

    world.sqs.fault("send_message_batch", *[note] * 9)
    return sent


def test_users_are_ticked_at_the_second_they_are_due(asleep: World) -> None:
    sent = delays(asleep)
    asleep.now = T0 + 25 * MINUTE + 1
    asleep.sweep().sweep(always)
    assert sent == [300]


def test_of_two_nominations_in_one_minute_neither_takes_the_others_place(asleep: World) -> None:
    asleep.now = T0 + 20_000
    asleep.join().take([asleep.body(asleep.added("hat"))])
    asleep.dynamodb.fault("put_item", killed)
    asleep.now = T0 + 10_000
    with pytest.raises(KeyboardInterrupt):
        asleep.join().take([asleep.body(asleep.added("coat", user="bob"))])
    asleep.now = T0 + 20_000
    asleep.join().take([asleep.body(asleep.added("coat", user="bob"))])
    asleep.now = T0 + 31 * MINUTE
    asleep.sweep().sweep(always)
    bobs = [message["users"]["bob"] for message in asleep.messages("events") if "bob" in message["users"]]
    assert sorted(bobs) == [T0 + 30 * MINUTE + 10_000, T0 + 30 * MINUTE + 20_000]


def timer(world: World, shard: int, user: str, due: int) -> None:
    """As join writes one."""
    item = TimerItem(slot(due, shard), json.dumps({user: due}), due)
    assert Timers(world.dynamodb, "timers").write([item]) == []  # type: ignore[arg-type]


def cursors(world: World) -> dict[str, int]:
    return {i["slot"]["S"]: int(i["next"]["N"]) for i in world.items("timers") if i["id"]["S"] == "cursor"}


def test_who_is_due_in_the_same_second_is_ticked_in_one_message_whatever_the_shard(world: World) -> None:
    world.sweep(shards=3).sweep(always)
    for shard, user in enumerate(("ann", "bob", "cleo")):
        timer(world, shard, user, T0 + 30 * MINUTE)
    world.now = T0 + 30 * MINUTE
    world.sweep(shards=3).sweep(always)
    (message,) = world.messages("events")
    assert message["users"] == dict.fromkeys(("ann", "bob", "cleo"), T0 + 30 * MINUTE)


@pytest.mark.slow
def test_each_shard_is_read_from_where_it_was_read_to(world: World) -> None:
    """One that is new, after a stack was given more of them, from a day ago on."""
    world.sweep(shards=1).sweep(always)
    timer(world, 0, "ann", T0 + 5 * MINUTE)  # read already: nobody writes there any more
    timer(world, 0, "bob", T0 + 11 * MINUTE)
    timer(world, 1, "cleo", T0 + 5 * MINUTE)
    world.now = T0 + 11 * MINUTE
    world.sweep(shards=2).sweep(always)
    assert nominated(world) == {"bob": T0 + 11 * MINUTE, "cleo": T0 + 5 * MINUTE}
    assert len(set(cursors(world).values())) == 1


def test_a_minute_that_could_not_be_sent_is_read_again_of_all_shards(world: World) -> None:
    world.sweep(shards=2).sweep(always)
    timer(world, 0, "ann", T0 + 30 * MINUTE)
    timer(world, 1, "bob", T0 + 31 * MINUTE)
    world.now = T0 + 31 * MINUTE
    world.sqs.fault("send_message_batch", lambda _: None, *[throttled] * 4)
    with pytest.raises(NotSent):
        world.sweep(shards=2).sweep(always)
    assert set(cursors(world).values()) == {T0 // SLOT_MS * SLOT_MS + 31 * SLOT_MS}
    world.sweep(shards=2).sweep(always)
    assert nominated(world) == {"ann": T0 + 30 * MINUTE, "bob": T0 + 31 * MINUTE}


def test_out_of_time_amid_a_minute_the_shards_that_were_read_are_done(world: World) -> None:
    world.sweep(shards=2).sweep(always)
    timer(world, 0, "ann", T0 + 11 * MINUTE)
    timer(world, 1, "bob", T0 + 11 * MINUTE)
    world.now = T0 + 11 * MINUTE
    turns = iter([True, False])
    world.sweep(shards=2).sweep(lambda: next(turns))
    assert nominated(world) == {"ann": T0 + 11 * MINUTE}
    assert cursors(world)["cursor#0"] == cursors(world)["cursor#1"] + SLOT_MS
    world.sweep(shards=2).sweep(always)
    assert nominated(world) == {"bob": T0 + 11 * MINUTE}


def test_what_is_not_due_soon_is_left_in_its_slot(asleep: World) -> None:
    asleep.now = T0 + 15 * MINUTE
    asleep.sweep().sweep(always)
    assert nominated(asleep) == {}


def test_a_slot_is_read_once(asleep: World) -> None:
    asleep.now = T0 + 30 * MINUTE
    asleep.sweep().sweep(always)
    assert nominated(asleep) == {"ann": T0 + 30 * MINUTE}
    asleep.now += 5 * MINUTE
    asleep.sweep().sweep(always)
    assert nominated(asleep) == {}


@pytest.mark.slow
def test_after_an_outage_of_a_day_nobody_was_forgotten(asleep: World) -> None:
    asleep.now = T0 + 24 * 60 * MINUTE
    asleep.sweep().sweep(always)
    assert nominated(asleep) == {"ann": T0 + 30 * MINUTE}


def test_a_sweep_that_runs_out_of_time_is_gone_on_with(asleep: World) -> None:
    asleep.now = T0 + 2 * 60 * MINUTE
    turns = iter([True] * 7 + [False] * 9)
    asleep.sweep().sweep(lambda: next(turns))
    assert nominated(asleep) == {}
    (cursor,) = (item for item in asleep.items("timers") if item["id"]["S"] == "cursor")
    assert int(cursor["next"]["N"]) == (T0 + 11 * MINUTE) // SLOT_MS * SLOT_MS + 7 * SLOT_MS
    asleep.sweep().sweep(always)
    assert nominated(asleep) == {"ann": T0 + 30 * MINUTE}


def test_ticks_that_were_not_sent_are_sent_by_the_next_sweep(asleep: World) -> None:
    asleep.now = T0 + 30 * MINUTE
    asleep.sqs.fault("send_message_batch", *[throttled] * 4)
    with pytest.raises(NotSent, match=slot(T0 + 30 * MINUTE, 0)):
        asleep.sweep().sweep(always)
    asleep.sweep().sweep(always)
    assert nominated(asleep) == {"ann": T0 + 30 * MINUTE}


def test_killed_after_sending_it_sends_again(asleep: World) -> None:
    asleep.now = T0 + 30 * MINUTE
    asleep.dynamodb.fault("put_item", killed)
    with pytest.raises(KeyboardInterrupt):
        asleep.sweep().sweep(always)
    assert nominated(asleep) == {"ann": T0 + 30 * MINUTE}
    asleep.sweep().sweep(always)
    assert nominated(asleep) == {"ann": T0 + 30 * MINUTE}


@pytest.mark.parametrize("days", [0.05, 2, 6])
def test_the_first_sweep_of_all_begins_with_the_first_timer_however_late_it_comes(world: World, days: float) -> None:
    world.join().take([world.body(world.added())])
    world.now += round(days * 24 * 60 * MINUTE)
    turns = iter([True] * 3)
    world.sweep(shards=2).sweep(lambda: next(turns, False))
    assert nominated(world) == {"ann": T0 + 30 * MINUTE}


def test_a_sweep_of_a_stack_without_timers_reads_no_slot_of_the_past(world: World) -> None:
    world.sweep().sweep(lambda: False)
    assert cursors(world) == {"cursor#0": T0 // SLOT_MS * SLOT_MS}


def test_a_shard_that_is_added_is_read_from_before_the_others_were_read_last(world: World) -> None:
    """The deployment has begun, join writes to the new shard, and no sweep runs for two days."""
    world.sweep().sweep(always)
    world.now += 2 * 24 * 60 * MINUTE
    world.sweep(shards=2).sweep(lambda: False)
    read = cursors(world)
    assert read["cursor#1"] == read["cursor#0"] - DEPLOYING_MS < T0


def test_a_user_with_a_character_that_sqs_refuses_is_ticked_like_any_other(world: World) -> None:
    world.sweep().sweep(always)
    timer(world, 0, "h\uffff", T0 + 30 * MINUTE)
    timer(world, 0, "ann", T0 + 30 * MINUTE)
    world.now = T0 + 30 * MINUTE
    world.sqs.fault("send_message_batch", *[refusing(world)] * 9)
    world.sweep().sweep(always)
    assert nominated(world) == dict.fromkeys(("h\uffff", "ann"), T0 + 30 * MINUTE)


def test_a_user_whom_the_queue_refuses_is_found_and_left_out_and_sweep_goes_on(world: World) -> None:
    world.sweep().sweep(always)
    for number in range(5):
        timer(world, 0, f"u{number}", T0 + 30 * MINUTE)
    timer(world, 0, "refused", T0 + 30 * MINUTE)
    timer(world, 0, "later", T0 + 31 * MINUTE)
    world.now = T0 + 31 * MINUTE
    world.sqs.fault("send_message_batch", *[refusing(world, "refused")] * 20)
    world.sweep().sweep(always)
    assert set(nominated(world)) == {"u0", "u1", "u2", "u3", "u4", "later"}


@pytest.mark.parametrize("text", ["not JSON", "[]", '{"ann": "noon"}', "null"])
def test_a_timer_that_cannot_be_read_holds_nobody_up(world: World, text: str) -> None:
    world.sweep().sweep(always)
    Timers(world.dynamodb, "timers").write([TimerItem(slot(T0 + 30 * MINUTE, 0), text, T0)])  # type: ignore[arg-type]
    timer(world, 0, "bob", T0 + 30 * MINUTE)
    timer(world, 0, "cleo", T0 + 31 * MINUTE)
    world.now = T0 + 31 * MINUTE
    world.sweep().sweep(always)
    assert set(nominated(world)) == {"bob", "cleo"}


@pytest.mark.slow
def test_a_first_sweep_that_comes_to_nothing_is_gone_on_with_however_much_later(world: World) -> None:
    timer(world, 0, "ann", T0 + 30 * MINUTE)

    def gone(_: str) -> Any:
        raise KeyboardInterrupt

    sweep = world.sweep()
    sweep._timers.read = gone  # type: ignore[assignment, method-assign]
    with pytest.raises(KeyboardInterrupt):
        sweep.sweep(always)
    world.now = T0 + 5 * 60 * MINUTE
    world.sweep().sweep(always)
    assert nominated(world) == {"ann": T0 + 30 * MINUTE}


def test_shards_that_a_stack_had_more_of_are_read_on(world: World) -> None:
    world.sweep(shards=4).sweep(always)
    timer(world, 3, "ann", T0 + 30 * MINUTE)
    world.now = T0 + 30 * MINUTE
    world.sweep(shards=2).sweep(always)
    assert nominated(world) == {"ann": T0 + 30 * MINUTE}
