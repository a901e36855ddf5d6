"""Where a build runs: an engine that fails hands over to the other, and Athena is not left running for nobody."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

import recommend
from holdfast.core.recommend.item_to_item import Found
from holdfast.core.recommend.ranking import Recommender
from holdfast.services.build_engines import AthenaEngine, DuckElseAthena, Engine, EngineFailed
from holdfast.services.build_recommendations import BuildFailed

ALSO = Recommender(id="also-bought", catalog="products", did={"charged": "item"})
TENT = Found("mat", "tent", 0.5, 5)


class Fake:
    def __init__(self, name: str, *found: Found, fails: bool = False) -> None:
        self.name = name
        self._found = found
        self._fails = fails

    def rows(self, _recommender: Recommender, _until: int, _told: Any) -> Iterator[Found]:
        yield from self._found
        if self._fails:
            raise EngineFailed(f"{self.name}: no disk left")


def found(engine: Engine) -> list[Found]:
    return list(engine.rows(ALSO, 0, print))


def test_athena_goes_on_where_duckdb_runs_out_of_disk_and_the_build_says_so() -> None:
    engine = DuckElseAthena(Fake("duckdb", fails=True), Fake("athena", TENT))
    assert found(engine) == [TENT]
    assert engine.name == "athena"


def test_what_duckdb_finds_counts_though_it_is_nothing() -> None:
    engine = DuckElseAthena(Fake("duckdb"), Fake("athena", TENT))
    assert found(engine) == []
    assert engine.name == "duckdb"


def test_a_build_that_fails_half_way_is_not_mixed_of_both() -> None:
    with pytest.raises(EngineFailed, match="duckdb"):
        found(DuckElseAthena(Fake("duckdb", TENT, fails=True), Fake("athena", TENT)))


def test_one_that_fails_on_both_says_what_athena_said() -> None:
    with pytest.raises(EngineFailed, match="athena"):
        found(DuckElseAthena(Fake("duckdb", fails=True), Fake("athena", fails=True)))


class Athena:
    """A query that takes so many looks to succeed."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.stopped: list[str] = []

    def start_query_execution(self, **_: Any) -> dict[str, str]:
        return {"QueryExecutionId": "q1"}

    def get_query_execution(self, *, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803
        assert QueryExecutionId == "q1"
        self.looks -= 1
        return {"QueryExecution": {"Status": {"State": "RUNNING" if self.looks else "SUCCEEDED"}}}

    def stop_query_execution(self, *, QueryExecutionId: str) -> None:  # noqa: N803
        self.stopped.append(QueryExecutionId)


class Results:
    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(b"item,other,score,support\nmat,tent,0.5,5\n")}


def ask(athena: Athena, seconds: float) -> list[Found]:
    """With so many seconds until the function ends."""
    left = [seconds]

    def sleep(pause: float) -> None:
        left[0] -= pause

    engine = AthenaEngine(
        athena,  # type: ignore[arg-type]
        Results(),  # type: ignore[arg-type]
        database="d",
        table="t",
        bucket="b",
        prefix="p/",
        workgroup="w",
        seconds_left=lambda: left[0],
        sleep=sleep,
    )
    return found(engine)


def test_athena_is_waited_for_while_there_is_time() -> None:
    athena = Athena(looks=100)
    assert ask(athena, seconds=900) == [TENT]
    assert athena.stopped == []


def test_a_query_that_nobody_will_read_is_stopped_before_the_function_ends() -> None:
    athena = Athena(looks=10_000)
    with pytest.raises(EngineFailed, match="no time left"):
        ask(athena, seconds=900)
    assert athena.stopped == ["q1"]


class Functions:
    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.started: list[str] = []

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: str) -> None:  # noqa: N803
        assert (FunctionName, InvocationType) == ("arn", "Event")
        name = json.loads(Payload)["recommendation"]
        if name == self.refuses:
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
        self.started.append(name)


def test_each_recommendation_is_built_in_an_invocation_of_its_own() -> None:
    functions = Functions()
    started = recommend.start_each(["a", "b"], functions, "arn")  # type: ignore[arg-type]
    assert functions.started == [each["recommendation"] for each in started] == ["a", "b"]


def test_one_that_cannot_be_started_holds_up_no_other_and_is_an_error() -> None:
    functions = Functions(refuses="a")
    with pytest.raises(BuildFailed, match="not started: a"):
        recommend.start_each(["a", "b"], functions, "arn")  # type: ignore[arg-type]
    assert functions.started == ["b"]
