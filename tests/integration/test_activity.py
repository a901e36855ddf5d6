"""Who did what: kept in order of time, with what was said, and never in the way of what is done."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.aws.tables.activity import ACTIVITY, KEPT_MS, Act, Activity
from holdfast.aws.tables.campaigns import Campaigns
from holdfast_cli.acts import record, whoami
from tests.integration.conftest import World, throttled


def test_acts_are_read_newest_first_as_they_were_recorded(world: World) -> None:
    activity = Activity(world.dynamodb, "campaigns")  # type: ignore[arg-type]
    acts = [
        Act(3, "ann", "published", "cart", revision=2, note="for the sale"),
        Act(1, "", "paused", "cart"),
        Act(2, "bob", "discarded", "rejected", number=7),
        Act(2, "bob", "discarded", "rejected", number=7),
    ]
    for act in acts:
        activity.record(act)
    assert activity.latest() == sorted(acts, key=lambda act: -act.at)
    assert activity.latest(limit=1) == [acts[0]]


def test_an_act_is_no_campaign_and_ends_some_day(world: World) -> None:
    before = [published.plan.id for published in Campaigns(world.dynamodb, "campaigns").live()]  # type: ignore[arg-type]
    Activity(world.dynamodb, "campaigns").record(Act(1000, "ann", "paused", "cart"))  # type: ignore[arg-type]
    assert [published.plan.id for published in Campaigns(world.dynamodb, "campaigns").live()] == before  # type: ignore[arg-type]
    (item,) = world.dynamodb.query(
        TableName="campaigns",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": ACTIVITY}},
    )["Items"]
    assert int(item["expires_at"]["N"]) == (1000 + KEPT_MS) // 1000


def test_what_the_command_line_does_is_recorded_by_the_name_of_whoever_runs_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment: Any = SimpleNamespace(client=lambda _: world.dynamodb, outputs={"CampaignsTableName": "campaigns"})
    record(deployment, "paused", "cart", revision=3, note="out of coats")
    (act,) = Activity(world.dynamodb, "campaigns").latest()  # type: ignore[arg-type]
    assert act._replace(at=0) == Act(0, whoami(), "paused", "cart", revision=3, note="out of coats")
    world.dynamodb.fault("put_item", throttled)
    record(deployment, "paused", "cart")
    assert "the action was not recorded" in capsys.readouterr().err
