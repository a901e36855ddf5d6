"""Between due and sent, as it is deployed: audience, hours, caps over two campaigns, one instead of another, control.

Where two messages could race, both are about one event: then one fold decides both, however slow the machine is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.aws.clock import now_ms
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.gate.chance import in_control
from holdfast_cli.main import app
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import Tap, tap
from tests.e2e.test_deployed import a_campaign, publish, send
from tests.eventually import PATIENCE

SOON = 20
"""Seconds that are left, at least, until hours begin which begin soon."""


@pytest.fixture
def tapped(deployed: Deployment) -> Iterator[Tap]:
    with tap(deployed) as tapped:
        yield tapped


def ruled(did: str = "", **send_keys: Any) -> Campaign:
    """A new campaign with rules. Its trigger is `did`, or an event of its own."""
    made = a_campaign().model_dump(mode="json", by_alias=True)
    if did:
        made["when"]["did"] = [did]
        made["constant"] = [{"name": "product", "in": {did: "product", f"{made['id']} charged": "product"}}]
    return Campaign.model_validate({**made, "send": {**made["send"], **send_keys}})


def did(campaign: Campaign) -> str:
    return campaign.when.triggers[0]


def happens(deployed: Deployment, user: str, event: str, product: Any = "coat") -> None:
    send(deployed, {"user": user, "event": event, "product": product, "ts": now_ms()})


def told(tapped: Tap, campaigns: list[Campaign], expected: int) -> list[tuple[str, str, str]]:
    """Whose messages came, of which campaign (by its place in the list), and that it was sent or why not."""
    ids = [each.id for each in campaigns]
    found: dict[str, tuple[str, str, str]] = {}
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends and len(found) < expected:
        for event in tapped.messages():
            metadata = event["detail"]["metadata"]
            if metadata["campaign"] in ids:
                user = event["detail"]["user"]["identity"]
                which = "ab"[ids.index(metadata["campaign"])]
                found[metadata["id"]] = user, which, event["detail"].get("reason", "sent").partition(":")[0]
    return sorted(found.values())


def test_who_is_not_in_the_audience_gets_nothing(deployed: Deployment, tapped: Tap) -> None:
    campaign = ruled(audience="!Profile.unsubscribed")
    publish(deployed, campaign)
    profile = {"user": "gone", "profile": {"unsubscribed": True}, "ts": now_ms()}
    added = {"event": did(campaign), "product": "coat", "ts": now_ms()}
    send(deployed, [profile, {"user": "gone", **added}], {"user": "here", **added})
    assert told(tapped, [campaign], 2) == [("gone", "a", "audience"), ("here", "a", "sent")]


def test_a_message_waits_for_its_hours(deployed: Deployment, tapped: Tap) -> None:
    begins = (datetime.now(UTC) + timedelta(seconds=60 + SOON)).replace(second=0, microsecond=0)
    ends = begins + timedelta(hours=2)
    hours = {"from": f"{begins:%H:%M}", "to": f"{ends:%H:%M}", "zone": "UTC"}
    campaign = ruled(hours=hours)
    publish(deployed, campaign)
    happens(deployed, "early", did(campaign))
    deadline = begins.timestamp() + PATIENCE
    heard: list[Any] = []
    while not heard and time.time() < deadline:
        heard = [e for e in tapped.messages() if e["detail"]["metadata"]["campaign"] == campaign.id]
    (event,) = heard
    decided = datetime.fromisoformat(event["detail"]["metadata"]["decided_at"])
    assert (event["detail-type"], decided >= begins) == ("Personalized Message", True)


@pytest.fixture
def one_a_day(deployed: Deployment, tmp_path: Path) -> Iterator[None]:
    """The policy of the stage, which is taken back for the tests that come after."""
    del deployed

    def published(text: str) -> None:
        (tmp_path / "policy.yaml").write_text(text)
        done = CliRunner().invoke(app, ["policy", "publish", str(tmp_path / "policy.yaml"), "--json"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["news"] == "published"

    published("per_user: {at_most: 1, in: 1 day}\n")
    yield
    published("{}\n")


@pytest.mark.alone
@pytest.mark.usefixtures("one_a_day")
def test_a_cap_over_two_campaigns_leaves_room_for_the_one_that_goes_first(deployed: Deployment, tapped: Tap) -> None:
    second = ruled()
    first = ruled(did(second), priority=1)
    for campaign in (first, second):
        publish(deployed, campaign)
    happens(deployed, "busy", did(second))
    assert told(tapped, [first, second], 2) == [("busy", "a", "sent"), ("busy", "b", "capped")]


def test_the_carts_message_goes_instead_of_the_page_views(deployed: Deployment, tapped: Tap) -> None:
    viewed = ruled()
    cart = ruled(did(viewed), instead_of=viewed.id)
    for campaign in (cart, viewed):
        publish(deployed, campaign)
    happens(deployed, "both", did(viewed))
    assert told(tapped, [cart, viewed], 2) == [("both", "a", "sent"), ("both", "b", "instead")]


def test_a_control_group_gets_nothing_and_the_others_do(deployed: Deployment, tapped: Tap) -> None:
    campaign = ruled(control="50%")
    publish(deployed, campaign)
    users = {
        inside: next(u for u in map("u-{}".format, range(99)) if in_control(0.5, u, campaign.id) == inside)
        for inside in (True, False)
    }
    for user in users.values():
        happens(deployed, user, did(campaign))
    expected = sorted([(users[True], "a", "control group"), (users[False], "a", "sent")])
    assert told(tapped, [campaign], 2) == expected
