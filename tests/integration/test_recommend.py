"""The build, on moto: what it writes, and what becomes of it when it fails half-way, runs twice, or finds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from holdfast.aws.tables.builds import ENDED, RUNNING, Builds
from holdfast.aws.tables.campaigns import Recommendations, UnknownRecommendation
from holdfast.core.recommend.item_to_item import Found
from holdfast.core.recommend.ranking import POPULAR, Neighbour, Recommender
from holdfast.services.build_engines import EngineFailed
from holdfast.services.build_recommendations import Recommend
from tests.integration.conftest import World, killed, throttled

ALSO = Recommender(id="also-bought", catalog="products", did={"charged": "item"})
ROWS = [Found(POPULAR, "tent", 0.9, 9), Found("mat", "tent", 0.5, 5), Found("tent", "mat", 0.5, 5)]


@dataclass
class Fake:
    """An engine that finds what it is told to, and then may fail."""

    found: list[Found] = field(default_factory=lambda: list(ROWS))
    fails: Exception | None = None
    name: str = "fake"
    during: Any = None

    def rows(self, _recommender: Recommender, _until: int, told: Any) -> Iterator[Found]:
        told("counting")
        yield from self.found
        if self.during:
            self.during()
        if self.fails:
            raise self.fails


class Night:
    """The build function in a world where recommendations are published."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("holdfast.aws.retry.sleep", lambda _: None)
        self.world = world
        self.recommendations = Recommendations(world.dynamodb, "campaigns")  # type: ignore[arg-type]
        self.builds = Builds(world.dynamodb, "catalog")  # type: ignore[arg-type]
        self.publish(ALSO)

    def publish(self, recommender: Recommender) -> None:
        self.recommendations.publish(recommender.id, "", lambda n: replace(recommender, revision=n), self.world.now)

    def run(self, engine: Fake | None = None, name: str | None = None) -> list[Any]:
        self.world.now += 60_000
        return Recommend(
            recommendations=self.recommendations,
            builds=self.builds,
            engine_for=lambda _recommender, _until, _scratch: engine or Fake(),
            clock=lambda: self.world.now,
        ).run(name)

    def popular(self, name: str = "also-bought") -> list[str]:
        live = self.builds.live(name)
        return [each.item for each in self.builds.row(name, live.build)] if live else []


@pytest.fixture
def night(world: World, monkeypatch: pytest.MonkeyPatch) -> Night:
    return Night(world, monkeypatch)


def test_a_build_is_live_with_all_its_rows(night: Night) -> None:
    (outcome,) = night.run()
    live = night.builds.live("also-bought")
    assert live is not None
    assert (live.build, live.items, live.pairs, live.engine, live.revision) == (outcome.build, 2, 2, "fake", 1)
    assert night.builds.row("also-bought", live.build, "mat") == (Neighbour("tent", 0.5, 5),)
    assert night.popular() == ["tent"]


def test_the_rows_end_by_themselves_and_the_pointer_does_not(night: Night) -> None:
    night.run()
    items = {(item["pk"]["S"].count("#"), item["sk"]["S"]): item for item in night.world.items("catalog")}
    assert int(items[3, "-"]["expires_at"]["N"]) == (night.world.now // 1000) + 14 * 24 * 3600
    assert "expires_at" not in items[1, "live"]


@pytest.mark.parametrize("fails", [EngineFailed("Athena: the query was cancelled"), RuntimeError("boom")])
def test_a_build_that_fails_half_way_leaves_the_old_one_live_and_is_told(night: Night, fails: Exception) -> None:
    night.run()
    before = night.builds.live("also-bought")
    (outcome,) = night.run(Fake([Found(POPULAR, "new", 0.9, 9), Found("a", "b", 0.1, 2)], fails))
    assert outcome.failed
    assert night.builds.live("also-bought") == before
    assert night.popular() == ["tent"]
    told = night.builds.told("also-bought", ENDED)
    assert told is not None
    assert (told["build"], told["failed"], str(fails) in told["reason"]) == (outcome.build, 1, True)


def test_rows_that_cannot_be_written_leave_the_old_build_live(night: Night) -> None:
    night.run()
    before = night.builds.live("also-bought")
    for _ in range(8):
        night.world.dynamodb.fault("batch_write_item", throttled)
    assert night.run()[0].failed
    assert night.builds.live("also-bought") == before


def test_rows_that_are_written_at_the_second_try_are_written(night: Night) -> None:
    night.world.dynamodb.fault("batch_write_item", throttled)
    assert not night.run()[0].failed
    assert night.popular() == ["tent"]


def test_a_build_that_is_killed_leaves_the_old_one_live_and_word_of_how_far_it_got(night: Night) -> None:
    night.run()
    before = night.builds.live("also-bought")
    night.world.dynamodb.fault("batch_write_item", killed)
    with pytest.raises(KeyboardInterrupt):
        night.run()
    assert night.builds.live("also-bought") == before
    told = night.builds.told("also-bought", RUNNING)
    assert before is not None
    assert told is not None
    assert told["build"] > before.build


def test_of_two_builds_at_once_the_one_that_began_later_stays(night: Night) -> None:
    later: list[Any] = []
    (first,) = night.run(Fake(during=lambda: later.extend(night.run(Fake([Found(POPULAR, "later", 0.5, 5)])))))
    assert night.popular() == ["later"]
    assert first.reason == "a build that began later is live already"
    assert not first.failed
    assert later[0].reason is None


def test_the_same_job_twice_comes_to_the_same(night: Night) -> None:
    night.run()
    night.run()
    live = night.builds.live("also-bought")
    assert live is not None
    assert night.popular() == ["tent"]
    assert night.builds.row("also-bought", live.build, "mat") == (Neighbour("tent", 0.5, 5),)


def test_where_there_is_no_history_yet_nothing_has_failed(night: Night) -> None:
    (outcome,) = night.run(Fake([]))
    assert (outcome.failed, outcome.reason) == (False, "no history yet")
    assert night.builds.live("also-bought") is None


def test_history_that_is_gone_never_replaces_what_is_live(night: Night) -> None:
    night.run()
    (outcome,) = night.run(Fake([]))
    assert outcome.failed
    assert night.popular() == ["tent"]


def test_one_that_fails_does_not_hold_up_the_others(night: Night) -> None:
    night.publish(replace(ALSO, id="also-viewed"))
    engine = Fake(fails=EngineFailed("once"))

    def second_time() -> None:
        engine.fails = None if len(seen) else engine.fails
        seen.append(1)

    seen: list[int] = []
    engine.during = second_time
    outcomes = night.run(engine)
    assert [outcome.failed for outcome in outcomes] == [True, False]


def test_one_of_which_nothing_can_be_told_does_not_hold_up_the_others(night: Night) -> None:
    night.publish(replace(ALSO, id="also-viewed"))
    night.world.dynamodb.fault("put_item", lambda _: None, throttled)  # that it runs, and how it ended
    outcomes = night.run(Fake(fails=EngineFailed("twice")))
    assert [outcome.failed for outcome in outcomes] == [True, True]
    assert [night.builds.told(each.recommendation, ENDED) is None for each in outcomes] == [True, False]


def test_where_personalize_says_what_goes_with_what_only_the_popular_is_built(night: Night) -> None:
    arn = "arn:aws:personalize:eu-central-1:123456789012:recommender/also-bought"
    night.publish(replace(ALSO, personalize=arn))
    (outcome,) = night.run()
    assert (outcome.items, night.popular()) == (0, ["tent"])


def test_one_can_be_built_by_name(night: Night) -> None:
    night.publish(replace(ALSO, id="also-viewed"))
    assert [outcome.recommendation for outcome in night.run(name="also-viewed")] == ["also-viewed"]
    with pytest.raises(UnknownRecommendation):
        night.run(name="nobody")


def test_a_directory_is_made_for_the_engine_and_removed(night: Night) -> None:
    seen: list[Path] = []

    def engine_for(_recommender: Recommender, _until: int, scratch: Path) -> Fake:
        assert scratch.is_dir()
        seen.append(scratch)
        return Fake()

    Recommend(recommendations=night.recommendations, builds=night.builds, engine_for=engine_for).run()
    assert not seen[0].exists()
