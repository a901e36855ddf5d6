"""The live tail: it costs nothing while nobody follows, and no batch fails by it."""

from __future__ import annotations

import json
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import to_builtins
from typer.testing import CliRunner

from holdfast.aws.retry import CALL_SECONDS
from holdfast.aws.tables import tail as tail_table
from holdfast.aws.tables.revisions import EPOCH
from holdfast.aws.tables.shapes import Observations, Observer
from holdfast.aws.tables.tail import KEPT_MS, LEASE_MS, MOST, TAIL, Tails, TooMany
from holdfast.aws.tables.volume import Volume, Volumes
from holdfast.core.intake.shapes import Shapes
from holdfast.core.intake.tail import MAX_LINES, MAX_VALUE, Line, mark
from holdfast.services.join import Join
from holdfast.services.tail import APART_MS, PAUSE_MS, Tail
from holdfast_cli import seen as seen_command
from holdfast_cli import tail as command
from holdfast_cli.main import app
from holdfast_cli.stack import Deployment
from tests.integration.conftest import World, a_plan, throttled
from tests.integration.test_users_commands import Stack


@pytest.fixture
def tails(world: World, monkeypatch: pytest.MonkeyPatch) -> Tails:
    monkeypatch.setattr(tail_table, "aws_time", lambda _: world.now)
    return Tails(world.dynamodb, "campaigns")  # type: ignore[arg-type]


@pytest.fixture
def join(world: World, tails: Tails) -> Join:
    return world.join(tail=Tail(tails, lambda: world.now))


def told(tails: Tails, id_: str = "t") -> list[Line]:
    return [line for lines, _ in tails.take(id_) for line in lines]


def test_who_looks_on_sees_what_comes_in_and_once(world: World, join: Join, tails: Tails) -> None:
    tails.ask("t")
    join.take([world.body(world.added(), {"hello": 1})])
    event, rejected = told(tails)
    assert (event.read, event.form, event.user, event.campaigns) == ("event", "plain", "ann", ("cart: did",))
    assert rejected.reason.startswith("a record of no known form")
    assert told(tails) == []


def test_while_nobody_looks_on_a_batch_costs_not_one_call_more(world: World, join: Join, tails: Tails) -> None:
    without = world.join()
    for each in (without, join):
        each.take([world.body(world.added())])  # reads the plans
    tails.ask("t")
    tails.end("t")
    calls = []
    for number, each in enumerate((without, join)):
        world.dynamodb.calls.clear()
        each.take([world.body(world.added(f"hat {number}"))])
        calls.append(dict(world.dynamodb.calls))
    assert calls[0] == calls[1]


def test_with_little_time_left_nothing_is_written_that_only_helps_people(world: World, tails: Tails) -> None:
    dynamodb: Any = world.dynamodb
    observations, volumes, left = Observations(dynamodb, "campaigns"), Volumes(dynamodb, "campaigns"), CALL_SECONDS - 1
    helps: dict[str, Any] = {
        "tail": Tail(tails, lambda: world.now, seconds_left=lambda: left),
        "observer": Observer(observations, lambda: world.now, seconds_left=lambda: left),
        "volume": Volume(volumes, lambda: world.now, seconds_left=lambda: left),
    }
    join = world.join(**helps)
    tails.ask("t")
    assert join.take([world.body(world.added())]) == []
    assert (told(tails), observations.read(), volumes.read("0", "9")) == ([], {}, {})
    left = 3 * CALL_SECONDS
    join.take([world.body(world.added("hat"))])
    assert (len(told(tails)), len(observations.read())) == (1, 1)
    assert [sum(each.values()) for each in volumes.read("0", "9").values()] == [2]


def test_a_batch_that_is_shown_costs_one_write_and_no_read(world: World, join: Join, tails: Tails) -> None:
    join.take([world.body(world.added())])
    tails.ask("t")
    world.dynamodb.calls.clear()
    join.take([world.body(world.added("hat"), world.added("cap"))])
    assert (world.dynamodb.calls["update_item"], world.dynamodb.calls["batch_get_item"]) == (1, 1)
    assert world.dynamodb.calls["query"] == 0


def test_it_ends_by_itself_when_nobody_asks_any_more(world: World, join: Join, tails: Tails) -> None:
    tails.ask("t")
    world.now += LEASE_MS
    join.take([world.body(world.added())])
    assert told(tails) == []


def test_a_publication_forgets_who_looks_on_until_they_ask_again(world: World, join: Join, tails: Tails) -> None:
    tails.ask("t")
    world.publish(a_plan(did=("seen",)))
    world.now += 10_000
    join.take([world.body(world.added())])
    assert told(tails) == []
    tails.ask("t")
    join.take([world.body(world.added("hat"))])
    assert [line.event for line in told(tails)] == ["Added"]


def test_before_the_first_publication_one_may_look_on(world: World, join: Join, tails: Tails) -> None:
    """And what is published then is found."""
    world.campaigns.delete("cart")
    world.dynamodb.delete_item(TableName="campaigns", Key=EPOCH)
    tails.end("t")
    assert "Item" not in world.dynamodb.get_item(TableName="campaigns", Key=EPOCH)
    tails.ask("t")
    assert "epoch" in world.dynamodb.get_item(TableName="campaigns", Key=EPOCH)["Item"], "by which others read it"
    world.now += 600_000
    tails.ask("t")
    join.take([world.body(world.added())])
    assert [line.campaigns for line in told(tails)] == [()]
    world.publish(a_plan(id="other"))
    world.now += 10_000
    tails.ask("t")
    join.take([world.body(world.added("hat"))])
    assert [line.campaigns for line in told(tails)] == [("other: did",)]


def test_two_who_look_on_see_what_each_asked_for(world: World, join: Join, tails: Tails) -> None:
    tails.ask("a", user=mark("a", "ann"))
    tails.ask("e", event="charged")
    join.take([world.body(world.added(), world.charged(), {**world.added(), "user": "bob"})])
    assert [(line.user, line.event) for line in told(tails, "a")] == [("ann", "Added"), ("ann", "charged")]
    assert [(line.user, line.event) for line in told(tails, "e")] == [("ann", "charged")]
    assert "ann" not in json.dumps(world.dynamodb.get_item(TableName="campaigns", Key=EPOCH)["Item"])


def test_what_is_beside_the_epoch_by_hand_fails_no_batch(world: World, join: Join, tails: Tails) -> None:
    tails.ask("t")
    for number, value in enumerate(({"N": "5"}, {"S": '{"id": "x", "until": "5"}'}, {"S": ""}, {"NULL": True})):
        world.dynamodb.update_item(
            TableName="campaigns",
            Key=EPOCH,
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": f"tail#{number}"},
            ExpressionAttributeValues={":value": value},
        )
    assert join.take([world.body(world.added())]) == []
    assert [line.event for line in told(tails)] == ["Added"]
    tails.ask("t")
    item = world.dynamodb.get_item(TableName="campaigns", Key=EPOCH)["Item"]
    assert [name for name in item if name.startswith("tail#")] == ["tail#t"]


def test_not_more_than_a_few_look_on_at_a_time(world: World, tails: Tails) -> None:
    for number in range(MOST):
        tails.ask(str(number))
    with pytest.raises(TooMany):
        tails.ask("one too many")
    tails.ask("0")
    world.now += LEASE_MS
    tails.ask("later")
    item = world.dynamodb.get_item(TableName="campaigns", Key=EPOCH)["Item"]
    assert [name for name in item if name.startswith("tail#")] == ["tail#later"]


def test_a_table_that_fails_fails_no_batch_and_is_left_alone_for_a_while(
    world: World, join: Join, tails: Tails
) -> None:
    tails.ask("t")
    world.dynamodb.fault("update_item", throttled)
    assert join.take([world.body(world.added())]) == []
    world.dynamodb.calls.clear()
    join.take([world.body(world.added("hat"))])
    assert world.dynamodb.calls["update_item"] == 0
    world.now += PAUSE_MS
    tails.ask("t")
    join.take([world.body(world.added("cap"))])
    assert list(tails.take("t")) == [([Line(**_line(world))], 2)]


def _line(world: World) -> dict[str, Any]:
    shapes = ("string product", "number price")
    return {
        "came": world.now,
        "form": "plain",
        "read": "event",
        "user": "ann",
        "event": "Added",
        "at": world.now,
        "properties": tuple(shape for shape in shapes if shape.split()[1] in world.added("cap")),
        "campaigns": ("cart: did",),
    }


def test_a_busy_queue_is_shown_in_part_and_the_rest_is_counted(world: World, join: Join, tails: Tails) -> None:
    tails.ask("t")
    world.dynamodb.calls.clear()
    for _ in range(5):
        join.take([world.body(*(world.added(f"p{n}") for n in range(MAX_LINES + 5)))])
    assert world.dynamodb.calls["update_item"] == 1
    world.now += APART_MS
    join.take([world.body(world.added("last"))])
    assert [(len(lines), more) for lines, more in tails.take("t")] == [(MAX_LINES, 5), (1, 4 * (MAX_LINES + 5))]


def test_a_message_that_comes_again_is_shown_as_such_each_time(world: World, join: Join, tails: Tails) -> None:
    tails.ask("t")
    body = world.body(world.added(), message="m1")
    world.dynamodb.fault("put_item", *[throttled] * 4)
    assert join.take([body]) == ["m1"]
    world.now += APART_MS
    assert join.take([body]) == []
    assert [line.again for line in told(tails)] == [True, False]


def test_the_command_shows_names_and_types_and_leaves_nothing_behind(
    world: World, join: Join, tails: Tails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deployment, "find", lambda _stage: Stack(world))
    asked: list[str] = []

    class Coming(Tails):
        """Something comes in as soon as somebody follows."""

        def ask(self, id_: str, **asked_for: Any) -> None:
            super().ask(id_, **asked_for)
            asked.append(id_)
            join.take([world.body(world.added(), world.charged("hat"), {**world.added(), "user": "bob"})])

    monkeypatch.setattr(command, "Tails", Coming)
    ended = CliRunner().invoke(app, ["tail", "--user", "ann", "--count", "2", "--json"])
    assert ended.exit_code == 0, ended.output
    shown = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(each["read"], each["event"], each["campaigns"]) for each in shown] == [
        ("event", "Added", ["cart: did"]),
        ("event", "charged", ["cart: did_not"]),
    ]
    assert "string product" in shown[0]["properties"]
    assert "coat" not in ended.stdout
    assert list(tails.take(asked[0])) == []
    item = world.dynamodb.get_item(TableName="campaigns", Key=EPOCH)["Item"]
    assert not any(name.startswith("tail#") for name in item)
    people = CliRunner().invoke(app, ["tail", "--count", "1"])
    assert "event Added · ann (plain)" in people.stdout
    assert "campaigns cart: did" in people.stdout


def test_values_are_shown_to_whoever_asks_for_them_and_to_nobody_beside(world: World, join: Join, tails: Tails) -> None:
    tails.ask("a")
    tails.ask("b", values=True)
    join.take([world.body(world.added(price=89, long="x" * 900, items=[{"name": "hat"}]))])
    (without,), (line,) = told(tails, "a"), told(tails, "b")
    assert without.values == {}
    assert line.values == {
        "product": '"coat"',
        "price": "89",
        "long": '"' + "x" * (MAX_VALUE - 2) + "…",
        "items[].name": '"hat"',
    }
    tails.ask("b")
    world.now += APART_MS
    join.take([world.body(world.added("hat"))])
    assert [line.values for line in told(tails, "b")] == [{}]


def test_what_is_older_than_its_time_is_shown_to_nobody_also_where_it_is_still_there(
    world: World, join: Join, tails: Tails
) -> None:
    tails.ask("t", values=True)
    join.take([world.body(world.added())])
    (item,) = (each for each in world.items("campaigns") if each["pk"]["S"] == f"{TAIL}t")
    assert int(item["expires_at"]["N"]) * 1000 == world.now + KEPT_MS
    world.now += KEPT_MS
    assert told(tails) == []
    assert not any(each["pk"]["S"] == f"{TAIL}t" for each in world.items("campaigns"))


def test_who_ends_it_leaves_nothing_behind(world: World, join: Join, tails: Tails) -> None:
    tails.ask("t", values=True)
    join.take([world.body(world.added())])
    tails.end("t")
    assert not any(each["pk"]["S"].startswith(TAIL) for each in world.items("campaigns"))


def test_the_largest_records_fit_into_an_item(world: World, join: Join, tails: Tails) -> None:
    tails.ask("t", values=True)
    large = {f"{number:03}{'🛒' * 100}": "🛒" * 200 for number in range(60)}
    assert join.take([world.body(*[{**world.added(), **large}] * MAX_LINES)]) == []
    ((lines, more),) = tails.take("t")
    assert lines
    assert len(lines) + more == MAX_LINES
    assert len(json.dumps(to_builtins(lines), ensure_ascii=False).encode()) < 200_000


def test_the_command_shows_values_where_they_are_asked_for(
    world: World, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deployment, "find", lambda _stage: Stack(world))
    monkeypatch.setattr(tail_table, "aws_time", lambda _: world.now)
    seconds = count()
    hurried = SimpleNamespace(monotonic=lambda: float(next(seconds)), sleep=lambda _: None)
    for module in (command, seen_command):
        monkeypatch.setattr(module, "time", hurried)
    Observations(world.dynamodb, "campaigns").note("added", NOTED["added"])  # type: ignore[arg-type]

    class Coming(Tails):
        def ask(self, id_: str, **asked_for: Any) -> None:
            super().ask(id_, **asked_for)
            world.now += APART_MS
            records = (world.added(product, price=1) for product in ("hat", "coat", "hat", "cap", "[b]tie"))
            join.take([world.body(*records)])

    monkeypatch.setattr(command, "Tails", Coming)
    shown = CliRunner().invoke(app, ["tail", "--count", "1", "--values"]).stdout
    assert 'values product: "hat", price: 1' in shown
    assert '"hat"' not in CliRunner().invoke(app, ["tail", "--count", "1"]).stdout
    asked = ["events", "added", "--for", "5"]
    row = json.loads(CliRunner().invoke(app, [*asked, "--values", "--json"]).stdout)
    assert row["values"] == {"product": ['"[b]tie"', '"cap"', '"hat"'], "price": ["1"]}
    assert '"[b]tie", "cap", "hat"' in CliRunner().invoke(app, [*asked, "--values"]).stdout
    assert "values" not in json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert "add --for 60 --values" in CliRunner().invoke(app, ["events", "added"]).stderr
    assert "Add --for" in str(CliRunner().invoke(app, ["events", "added", "--values"]).exception)


NOTED = {"added": Shapes("Added", frozenset({"string product", "number price", "string price"})), "x": Shapes("X")}


def test_the_events_that_were_seen_are_listed_with_the_campaigns_that_use_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deployment, "find", lambda _stage: Stack(world))
    for key, seen in NOTED.items():
        Observations(world.dynamodb, "campaigns").note(key, seen)  # type: ignore[arg-type]
    world.publish(a_plan(id="own", did=("mine",), names={"mine": "mine"}, events={"mine": "added"}))
    rows = [json.loads(line) for line in CliRunner().invoke(app, ["events", "--json"]).stdout.splitlines()]
    uses = [{"campaign": "cart", "part": "did"}, {"campaign": "own", "part": "did"}]
    assert [{name: value for name, value in row.items() if name != "volume"} for row in rows] == [
        {
            "event": "Added",
            "properties": {"price": ["number", "string"], "product": ["string"]},
            "campaigns": uses,
        },
        {"event": "X", "properties": {}, "campaigns": []},
    ]
    shown = CliRunner().invoke(app, ["events", "ADDED"]).stdout
    assert "Added used by: cart (did), own (did)" in shown
    assert "number, string" in shown
    missing = CliRunner().invoke(app, ["events", "aded"])
    assert "'aded' was never seen; did you mean 'Added'?" in str(missing.exception)
    assert "name it" in str(CliRunner().invoke(app, ["events", "--for", "5"]).exception)


def test_looking_on_says_how_often_an_event_comes_and_what_share_bears_each_property(
    world: World, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deployment, "find", lambda _stage: Stack(world))
    monkeypatch.setattr(tail_table, "aws_time", lambda _: world.now)
    Observations(world.dynamodb, "campaigns").note("added", NOTED["added"])  # type: ignore[arg-type]

    class Coming(Tails):
        def ask(self, id_: str, **asked_for: Any) -> None:
            super().ask(id_, **asked_for)
            priced = [world.added(f"p{n}", price=1) for n in range(MAX_LINES - 5)]
            join.take([world.body(*priced, *(world.added(f"q{n}") for n in range(15)), world.charged())])

    monkeypatch.setattr(command, "Tails", Coming)
    ended = CliRunner().invoke(app, ["events", "added", "--for", "1", "--json"])
    row = json.loads(ended.stdout)
    assert (row["looked_at"], row["share"]) == (MAX_LINES, {"price": 0.8, "product": 1.0})
    assert 0 < row["per_minute"] <= (MAX_LINES + 10) * 60
    people = CliRunner().invoke(app, ["events", "added", "--for", "1"])
    assert f"of {MAX_LINES} that were looked at" in people.stdout
    assert "80%" in people.stdout
