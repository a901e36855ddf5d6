"""The users table: one suite on moto, with a fake of the statements that moto lacks, and on the embedded AWS."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from holdfast.aws.tables.users import SAVES_PER_CALL, Item, Key, Save, Saved, Users
from holdfast_cli import local
from tests.integration.conftest import World, _create_table

ANN: Key = ("ann", "watches")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    before = os.environ.get("HOLDFAST_HOME")
    os.environ["HOLDFAST_HOME"] = str(tmp_path_factory.mktemp("holdfast"))
    try:
        aws = local.start(print)
        dynamodb = boto3.client(
            "dynamodb",
            endpoint_url=aws.endpoint,
            region_name=aws.region,
            aws_access_key_id=local.ACCOUNT,
            aws_secret_access_key="local",
        )
        yield dynamodb
    finally:
        local.down()
        os.environ.pop("HOLDFAST_HOME")
        if before is not None:
            os.environ["HOLDFAST_HOME"] = before


@pytest.fixture(params=["moto", "embedded"])
def dynamodb(request: pytest.FixtureRequest) -> Any:
    """With an empty table."""
    if request.param == "moto":
        world: World = request.getfixturevalue("world")
        return world.dynamodb
    return an_empty_table(request.getfixturevalue("embedded"))


def an_empty_table(dynamodb: Any) -> Any:
    if "users" in dynamodb.list_tables()["TableNames"]:
        dynamodb.delete_table(TableName="users")
    _create_table(dynamodb, "users", "user", "part")
    return dynamodb


@pytest.fixture
def users(dynamodb: Any) -> Users:
    return Users(dynamodb, "users")


def found(users: Users, key: Key = ANN) -> Item | None:
    items, failed = users.read([key])
    assert not failed
    return items.get(key)


def stored(dynamodb: Any, key: Key = ANN) -> dict[str, Any]:
    user, part = key
    answer = dynamodb.get_item(TableName="users", Key={"user": {"S": user}, "part": {"S": part}}, ConsistentRead=True)
    item: dict[str, Any] = answer["Item"]
    return item


def test_what_is_saved_over_nothing_is_read_as_its_first_version(users: Users) -> None:
    assert users.save([Save(ANN, "{}", None, nominated=5, expires=1500)]) == {ANN: Saved.DONE}
    assert found(users) == Item("{}", 1, 5)


def test_what_is_saved_over_a_version_becomes_the_next(users: Users) -> None:
    users.save([Save(ANN, "one", None, nominated=5)])
    assert users.save([Save(ANN, "two", found(users), nominated=6)]) == {ANN: Saved.DONE}
    assert found(users) == Item("two", 2, 6)


@pytest.mark.parametrize("outbox", [None, "[]"])
def test_what_the_last_write_carried_and_the_next_does_not_is_gone(
    users: Users, dynamodb: Any, outbox: str | None
) -> None:
    """A stale outbox in a new image would be delivered again."""
    users.save([Save(ANN, "one", None, nominated=5, outbox='[{"kind": "send"}]', expires=1500)])
    assert found(users) == Item("one", 1, 5, decided=True)
    users.save([Save(ANN, "two", found(users), outbox=outbox, expires=2500)])
    assert stored(dynamodb).keys() == {"user", "part", "state", "version", "expires_at"} | (
        {"outbox"} if outbox else set()
    )
    assert stored(dynamodb)["expires_at"] == {"N": "3"}


@pytest.mark.parametrize("outbox", [None, "[]"], ids=["together", "alone"])
@pytest.mark.parametrize(
    "over", [None, Item("", 1), Item("", 3), Item("", 1, 7, decided=True)], ids=["nothing", "old", "unborn", "stale"]
)
def test_a_save_over_what_is_there_no_more_is_lost_and_changes_nothing(
    users: Users, dynamodb: Any, over: Item | None, outbox: str | None
) -> None:
    users.save([Save(ANN, "one", None)])
    users.save([Save(ANN, "two", found(users))])
    before = stored(dynamodb)
    assert users.save([Save(ANN, "three", over, outbox=outbox)]) == {ANN: Saved.LOST}
    assert stored(dynamodb) == before


@pytest.mark.parametrize("outbox", [None, "[]"])
def test_a_save_over_what_was_deleted_is_lost_and_writes_nothing(users: Users, outbox: str | None) -> None:
    assert users.save([Save(ANN, "two", Item("one", 1), outbox=outbox)]) == {ANN: Saved.LOST}
    assert found(users) is None


def test_of_many_saves_each_stands_for_itself(users: Users) -> None:
    keys: list[Key] = [(f"user {n}", "watches") for n in range(2 * SAVES_PER_CALL + 3)]
    late = set(keys[::7])
    users.save([Save(key, "before", None) for key in late])
    saved = users.save([Save(key, "after", None, outbox="[]" if n % 2 else None) for n, key in enumerate(keys)])
    assert {key for key, what in saved.items() if what is Saved.LOST} == late
    items, _ = users.read(keys)
    assert {key: item.state for key, item in items.items()} == {k: "before" if k in late else "after" for k in keys}


def test_names_that_mean_something_to_sql_are_only_names(users: Users) -> None:
    key: Key = ("""O'Hara"; DROP TABLE "users" --?""", "profile")
    state = json.dumps({"it's": '"?"', "SET": "Ünïcode"})
    assert users.save([Save(key, state, None)]) == {key: Saved.DONE}
    assert users.save([Save(key, state + " ", found(users, key))]) == {key: Saved.DONE}
    assert found(users, key) == Item(state + " ", 2)


@pytest.mark.parametrize("outbox", [None, "[]", "now and then"], ids=["together", "alone", "both"])
def test_of_racing_writers_none_undoes_what_another_has_done(embedded: Any, outbox: str | None) -> None:
    """Each adds one to the same counters: every save that was done is in the sum, and no other.

    On moto threads can race past the condition itself.
    """
    users = Users(an_empty_table(embedded), "users")
    keys: list[Key] = [(f"user {n}", "watches") for n in range(6)]

    def writer(number: int) -> int:
        done = 0
        for turn in range(6):
            items, _ = users.read(keys)
            saves = []
            for key in keys:
                item = items.get(key)
                with_outbox = outbox == "[]" or (outbox is not None and (number + turn) % 2)
                state = str(int(item.state) + 1 if item else 1)
                saves.append(Save(key, state, item, outbox="[]" if with_outbox else None))
            done += sum(what is Saved.DONE for what in users.save(saves).values())
        return done

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(writer, range(4)))
    items, _ = users.read(keys)
    assert sum(int(item.state) for item in items.values()) == done
    assert all(int(item.state) == item.version for item in items.values())
    assert done >= 6 * len(keys)  # in each turn somebody wins


# What only a fault shows, on moto alone.


def failing(code: str, first: int) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    """An answer in which all statements but the first ones fail, none of them run."""

    def answer(arguments: dict[str, Any]) -> dict[str, Any]:
        return {
            "Responses": [{} if n < first else {"Error": {"Code": code}} for n in range(len(arguments["Statements"]))]
        }

    return answer


def test_statements_that_were_throttled_are_tried_again_alone(world: World) -> None:
    tried: list[int] = []

    def count(arguments: dict[str, Any]) -> None:
        tried.append(len(arguments["Statements"]))

    world.dynamodb.fault("batch_execute_statement", failing("ThrottlingError", 2), count)
    keys: list[Key] = [(f"user {n}", "watches") for n in range(5)]
    saved = Users(world.dynamodb, "users").save([Save(key, "", None) for key in keys])  # type: ignore[arg-type]
    assert set(saved.values()) == {Saved.DONE}
    assert tried == [3]


def test_a_statement_that_can_never_run_fails_at_once(world: World) -> None:
    world.dynamodb.fault("batch_execute_statement", failing("ValidationError", 1))
    saves = [Save(ANN, "", None), Save(("bob", "watches"), "", None)]
    saved = Users(world.dynamodb, "users").save(saves)  # type: ignore[arg-type]
    assert saved == {ANN: Saved.DONE, ("bob", "watches"): Saved.REFUSED}
    assert world.dynamodb.calls["batch_execute_statement"] == 1


def test_statements_that_are_throttled_to_the_end_may_succeed_later(world: World) -> None:
    world.dynamodb.fault("batch_execute_statement", *[failing("ProvisionedThroughputExceeded", 0)] * 4)
    assert Users(world.dynamodb, "users").save([Save(ANN, "", None)]) == {ANN: Saved.FAILED}  # type: ignore[arg-type]


def test_a_call_that_fails_whole_is_tried_again(world: World) -> None:
    def fail(_: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "BatchExecuteStatement")

    world.dynamodb.fault("batch_execute_statement", fail)
    assert Users(world.dynamodb, "users").save([Save(ANN, "", None)]) == {ANN: Saved.DONE}  # type: ignore[arg-type]


@pytest.mark.parametrize("outbox", [None, "[]"])
def test_a_long_state_is_stored_deflated_where_the_stack_says_so_and_read_everywhere(
    world: World, outbox: str | None
) -> None:
    long, short = json.dumps({"watches": {"cart": ["coat"] * 500}}), json.dumps({"watches": {}})
    deflating, other = (Users(world.dynamodb, "users", deflate=each) for each in (True, False))  # type: ignore[arg-type]
    forms = []
    for users, text in ((deflating, long), (deflating, short), (deflating, long), (other, long)):
        over = other.read([ANN])[0].get(ANN)
        assert users.save([Save(ANN, text, over, outbox=outbox)]) == {ANN: Saved.DONE}
        assert other.read([ANN])[0][ANN].state == text
        (item,) = world.items("users")
        forms += item["state"]
    assert forms == ["B", "S", "B", "S"]
