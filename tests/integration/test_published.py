"""Publications: revisions of campaigns and of recommendations, in one table; one query reads all that is live."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.aws.tables.campaigns import LivePlans, Recommendations, UnknownRecommendation
from holdfast.aws.tables.revisions import Conflict
from holdfast.core.recommend.ranking import Recommender
from tests.integration.conftest import World, a_plan

ALSO = Recommender(id="cart", catalog="products", did={"charged": "item"})


def recommendations(world: World) -> Recommendations:
    return Recommendations(world.dynamodb, "campaigns")  # type: ignore[arg-type]


def publish(world: World, recommender: Recommender = ALSO) -> int:
    published = recommendations(world).publish(
        recommender.id, "source", lambda revision: replace(recommender, revision=revision), world.now
    )
    return published.plan.revision


def test_a_recommendation_may_bear_the_name_of_a_campaign(world: World) -> None:
    assert publish(world) == 1
    assert [each.plan for each in recommendations(world).live()] == [ALSO]
    assert [each.plan.did for each in world.campaigns.live()] == [a_plan().did]
    assert recommendations(world).get("cart").plan == ALSO
    assert world.campaigns.get("cart").plan.did == a_plan().did


def test_each_publication_is_a_revision(world: World) -> None:
    publish(world)
    assert publish(world, replace(ALSO, limit=7)) == 2
    assert recommendations(world).get("cart").plan.limit == 7
    assert recommendations(world).get("cart", 1).plan.limit == 3
    assert [each.plan.revision for each in recommendations(world).revisions("cart")] == [1, 2]


def test_the_functions_read_both_together(world: World) -> None:
    publish(world)
    plans = LivePlans(world.campaigns).current().newest
    assert set(plans) == {"cart"}
    assert plans.recommenders == {"cart": ALSO}


def test_of_two_who_publish_at_once_one_is_told(world: World) -> None:
    def meanwhile(revision: int) -> Recommender:
        publish(world)
        return replace(ALSO, revision=revision)

    with pytest.raises(Conflict):
        recommendations(world).publish("cart", "source", meanwhile, world.now)


def test_what_is_not_there_is_told(world: World) -> None:
    with pytest.raises(UnknownRecommendation, match="cart"):
        recommendations(world).get("cart")
    publish(world)
    with pytest.raises(UnknownRecommendation, match="revision 2"):
        recommendations(world).get("cart", 2)
