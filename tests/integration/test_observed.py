"""join notes what it sees for the first time, at no cost afterwards; and never fails by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from holdfast.aws.tables.campaigns import LivePlans
from holdfast.aws.tables.shapes import PAUSE_MS, WRITES, Observations, Observer
from holdfast.aws.tables.users import Users
from holdfast.core.intake.shapes import MAX_EVENTS, Shapes
from holdfast.services.join import Join
from holdfast_cli.main import app
from holdfast_cli.stack import Deployment
from tests.integration.conftest import MINUTE, T0, World, a_plan, throttled
from tests.integration.test_users_commands import Stack


def observations(world: World) -> Observations:
    return Observations(world.dynamodb, "campaigns")  # type: ignore[arg-type]


def observing(world: World) -> Join:
    return world.join(observer=Observer(observations(world), lambda: world.now))


def viewed(number: int = 0, **properties: object) -> dict[str, object]:
    return {"user": "ann", "event": f"viewed {number}", "ts": T0, **properties}


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    found: dict[str, int] = {}

    def count(_: Any, **counts: int) -> None:
        for name, value in counts.items():
            found[name] = found.get(name, 0) + value

    monkeypatch.setattr("holdfast.services.join.count", count)
    return found


def test_names_and_types_can_be_read_again(world: World) -> None:
    join = observing(world)
    join.take([world.body(world.added(price=89.0), world.charged(Items=[{"name": "coat"}]))])
    join.take([world.body(world.added(price="89"))])
    assert observations(world).read() == {
        "added": Shapes("Added", frozenset({"string product", "number price", "string price"})),
        "charged": Shapes("charged", frozenset({"string product", "list Items", "string Items[].name"})),
    }


def test_a_batch_without_news_writes_nothing(world: World) -> None:
    join = observing(world)
    join.take([world.body(viewed(price=1))])
    world.dynamodb.calls.clear()
    join.take([world.body(*(viewed(price=price) for price in range(50)))])
    assert world.dynamodb.calls == {"batch_get_item": 1}  # of the epoch


def test_another_container_writes_nothing_that_is_there(world: World) -> None:
    observing(world).take([world.body(viewed(price=1))])
    world.dynamodb.calls.clear()
    observing(world).take([world.body(viewed(price=2))])
    assert world.dynamodb.calls["update_item"] == 0


def test_an_event_with_news_is_one_small_write(world: World) -> None:
    observing(world).take([world.body(*(viewed(**{f"p{n}": n}) for n in range(20)))])
    assert world.dynamodb.calls["update_item"] == 1


def test_two_containers_that_see_different_things_both_add_them(world: World) -> None:
    one, other = observing(world), observing(world)
    one.take([world.body(viewed(price=1))])
    other.take([world.body(viewed(size="L"))])
    assert observations(world).read()["viewed0"].shapes == {"number price", "string size"}


def test_many_new_events_are_written_over_several_batches(world: World) -> None:
    join = observing(world)
    join.take([world.body(*(viewed(number) for number in range(WRITES + 5)))])
    assert len(observations(world).read()) == WRITES
    join.take([])
    assert len(observations(world).read()) == WRITES + 5


def test_beyond_the_bound_nothing_is_written_and_a_metric_says_so(world: World, metrics: dict[str, int]) -> None:
    table = observations(world)
    for number in range(MAX_EVENTS):
        table.note(f"e{number}", Shapes(f"e{number}"))
    world.dynamodb.calls.clear()
    assert observing(world).take([world.body(viewed())]) == []
    assert world.dynamodb.calls["update_item"] == 0
    assert metrics["ObservationsDropped"] == 1


@pytest.mark.parametrize("operation", ["update_item", "get_paginator"])
def test_what_cannot_be_noted_fails_no_batch_and_is_noted_later(
    world: World, metrics: dict[str, int], operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    join = observing(world)
    join.take([])
    with monkeypatch.context() as broken:
        broken.setattr(world.dynamodb, operation, lambda *_, **__: throttled({}), raising=False)
        assert join.take([world.body(world.added())]) == []
    assert world.state().due() == T0 + 30 * MINUTE
    assert metrics["ObservationsFailed"] == 1
    assert observations(world).read() == {}
    world.now += PAUSE_MS
    join.take([])
    assert set(observations(world).read()) == {"added"}


def test_a_table_that_fails_is_left_alone_for_a_while(world: World) -> None:
    join = observing(world)
    world.dynamodb.fault("update_item", throttled)
    join.take([world.body(viewed())])
    join.take([world.body(viewed(1))])
    assert world.dynamodb.calls["update_item"] == 1


def test_what_was_seen_is_taken_for_no_campaign(world: World) -> None:
    observing(world).take([world.body(viewed())])
    assert set(LivePlans(world.campaigns).current().newest) == {a_plan().id}


def test_validating_compares_with_events_profiles_and_catalogs_of_a_stage(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deployment, "find", lambda _stage: Stack(world))
    observing(world).take([world.body(world.added(), {"user": "ann", "profile": {"first_name": "Ann"}, "ts": T0})])
    file = tmp_path / "welcome.yaml"
    file.write_text(
        "{id: welcome, when: {did: addd}, catalogs: {products: {Identity: product}}, send: {values: {title:"
        " \"{{ Profile.firstname }} {{ Catalog['products'].Name }}\"}}}"
    )
    result = CliRunner().invoke(app, ["campaign", "validate", str(file), "--stage", "dev", "--json"])
    assert result.exit_code == 0, result.output
    assert [hint["message"] for hint in json.loads(result.stdout)["hints"]] == [
        "'addd' was never seen; did you mean 'Added'?",
        "Profile.firstname is in no profile of those looked at; did you mean 'first_name'?",
        "no catalog 'products' is imported",
    ]
    monkeypatch.setattr(Users, "sample_profiles", denied)
    result = CliRunner().invoke(app, ["campaign", "validate", str(file), "--stage", "dev", "--json"])
    assert [hint["message"] for hint in json.loads(result.stdout)["hints"]] == [
        "'addd' was never seen; did you mean 'Added'?",
        "no catalog 'products' is imported",
    ]


def denied(*_: Any) -> None:
    """To whoever may read the campaigns table only."""
    raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "Scan")
