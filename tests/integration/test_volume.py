"""join counts the events of each name by day, with a write a minute at most; and never fails by it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from holdfast.aws.tables.shapes import Observations
from holdfast.aws.tables.volume import APART_MS, KEPT_SECONDS, VOLUME, Volume, Volumes
from holdfast.core.intake.shapes import Shapes
from holdfast.core.intake.volume import MAX_NAMES, OTHERS, SHOWN_DAYS
from holdfast.services.join import Join
from holdfast_cli import seen as command
from holdfast_cli.main import app
from holdfast_cli.stack import Deployment
from tests.integration.conftest import T0, World, a_plan, throttled
from tests.integration.test_users_commands import Stack

DAY = 24 * 60 * 60_000
TODAY = "2026-09-21"
"""Of T0."""


def volumes(world: World) -> Volumes:
    return Volumes(world.dynamodb, "campaigns")  # type: ignore[arg-type]


def counting(world: World) -> Join:
    return world.join(volume=Volume(volumes(world), lambda: world.now))


def viewed(name: str = "viewed") -> dict[str, object]:
    return {"user": "ann", "event": name, "ts": T0}


def read(world: World) -> dict[str, dict[str, int]]:
    return {day: dict(counts) for day, counts in volumes(world).read("0000", "9999").items()}


def test_each_batch_a_minute_apart_is_counted_exactly_and_for_as_long_as_statistics(world: World) -> None:
    join = counting(world)
    for _ in range(3):
        join.take([world.body(world.added(), viewed(), {"hello": 1}), world.body(viewed(), message="m2")])
        world.now += APART_MS
    assert read(world) == {TODAY: {"added": 3, "viewed": 6}}
    (item,) = (each for each in world.items("campaigns") if each["pk"]["S"] == VOLUME)
    assert int(item["expires_at"]["N"]) == T0 // DAY * DAY // 1000 + KEPT_SECONDS


def test_an_event_counts_once_however_many_campaigns_name_it(world: World) -> None:
    world.publish(a_plan(id="other"))
    world.now += 60_000
    counting(world).take([world.body(world.added())])
    assert read(world) == {TODAY: {"added": 1}}


def test_a_busy_container_reads_once_a_day_and_writes_once_a_minute(world: World) -> None:
    join = counting(world)
    join.take([world.body(viewed())])
    for _ in range(2):
        world.dynamodb.calls.clear()
        for _ in range(50):
            join.take([world.body(viewed())])
        assert world.dynamodb.calls == {"batch_get_item": 50}  # of the epoch
        world.now += APART_MS
        join.take([world.body(viewed())])
        assert world.dynamodb.calls["update_item"] == 1
    assert read(world) == {TODAY: {"viewed": 103}}


def test_two_containers_add_up(world: World) -> None:
    for join in (counting(world), counting(world)):
        join.take([world.body(viewed())])
    assert read(world) == {TODAY: {"viewed": 2}}


def test_a_message_that_comes_again_is_counted_when_it_succeeds(world: World) -> None:
    join = counting(world)
    world.dynamodb.fault("put_item", *[throttled] * 4)
    assert join.take([world.body(world.added())]) == ["m1"]
    assert read(world) == {}
    join.take([world.body(world.added())])
    assert read(world) == {TODAY: {"added": 1}}


def test_what_is_delivered_twice_is_counted_twice(world: World) -> None:
    """Nothing tells by then: the numbers are about."""
    join, body = counting(world), world.body(world.added())
    join.take([body])
    world.now += APART_MS
    join.take([body])
    assert read(world) == {TODAY: {"added": 2}}


def test_a_new_day_is_counted_apart_from_what_is_held_of_the_last(world: World) -> None:
    join = counting(world)
    world.now += DAY - T0 % DAY - 2
    join.take([world.body(viewed())])
    world.now += 1
    join.take([world.body(viewed())])
    world.now += 1
    join.take([world.body(viewed())])
    world.now += APART_MS
    join.take([])
    assert read(world) == {TODAY: {"viewed": 2}, "2026-09-22": {"viewed": 1}}


def test_the_bound_of_a_day_holds_for_all_containers_together(world: World) -> None:
    for first in (0, MAX_NAMES // 2, MAX_NAMES):
        counting(world).take([world.body(*(viewed(f"e {n}") for n in range(first, first + MAX_NAMES)))])
    counts = read(world)[TODAY]
    assert len(counts) == MAX_NAMES + 1
    assert counts[OTHERS] == MAX_NAMES // 2 + MAX_NAMES


@pytest.mark.parametrize("name", ["a.b[0] #:c", "#n", "set", "naïve 🛒", "expires_at", "pk", "others", "x" * 120])
def test_any_name_is_a_safe_key(world: World, name: str) -> None:
    join = counting(world)
    for _ in range(2):
        join.take([world.body(viewed(name))])
        world.now += APART_MS
    assert list(read(world)[TODAY].values()) == [2]
    assert OTHERS not in read(world)[TODAY]


@pytest.mark.parametrize("operation", ["update_item", "get_paginator"])
def test_a_table_that_fails_fails_no_batch_is_left_alone_for_a_minute_and_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    join = counting(world)
    join.take([])
    tried = []

    def fails(*_: object, **__: object) -> None:
        tried.append(operation)
        throttled({})

    with monkeypatch.context() as broken:
        broken.setattr(world.dynamodb, operation, fails, raising=False)
        for _ in range(2):
            assert join.take([world.body(world.added())]) == []
    assert len(tried) == 1
    assert world.state().watches
    world.now += APART_MS
    join.take([])
    assert read(world) == {TODAY: {"added": 2}}


def test_the_command_shows_today_a_week_and_each_of_the_last_days(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deployment, "find", lambda _stage: Stack(world))
    monkeypatch.setattr(command, "now_ms", lambda: world.now)
    for name in ("viewed", "rare"):
        Observations(world.dynamodb, "campaigns").note(name, Shapes(name))  # type: ignore[arg-type]
    for day, counts in {
        TODAY: {"viewed": 4, "never seen": 2, OTHERS: 1},
        "2026-09-15": {"viewed": 1_000},
        "2026-09-14": {"viewed": 500},
        "2026-09-07": {"viewed": 9_999},
    }.items():
        volumes(world).add(day, counts)
    rows = {row["event"]: row["volume"] for row in map(json.loads, _run("events", "--json").splitlines())}
    assert list(rows["viewed"]) == [f"2026-09-{day:02}" for day in range(21 - SHOWN_DAYS + 1, 22)]
    assert {day: count for day, count in rows["viewed"].items() if count} == {
        TODAY: 4,
        "2026-09-15": 1_000,
        "2026-09-14": 500,
    }
    assert sum(rows["rare"].values()) == 0
    shown = [line.split() for line in _run("events").splitlines()]
    assert [line[1:4] for line in shown if "viewed" in line] == [["4", "1,004", "······▄█·····▁"]]
    assert "about today: 4, 7 days: 1,004" in _run("events", "viewed")
    assert "and about 3 events in 14 days, of names that are not counted apart" in _run("events", stderr=True)


def _run(*asked: str, stderr: bool = False) -> str:
    ended = CliRunner().invoke(app, asked)
    assert ended.exit_code == 0, ended.output
    return ended.stderr if stderr else ended.stdout
