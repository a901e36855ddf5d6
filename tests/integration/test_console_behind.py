"""The console names the users behind a campaign's numbers, as far as their states still say so."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from holdfast.aws.tables.statistics import waiting
from holdfast.aws.tables.users import Users
from holdfast.core.gate.policy import Cap
from holdfast.core.gate.rules import Rules
from holdfast.services import behind
from tests.integration.conftest import MINUTE, World, a_plan, throttled
from tests.integration.test_console import FILE, Browser, browser
from tests.integration.test_outcomes import GOAL, bought
from tests.integration.test_statistics import decide

__all__ = ["browser"]


def users(browser: Browser, of: str, reason: str = "") -> list[str]:
    told = browser.get(f"/api/campaigns/cart/users?of={of}" + (f"&reason={quote(reason)}" if reason else ""))
    assert told["complete"]
    named: list[str] = told["users"]
    return named


def test_who_is_waited_for_who_got_a_message_and_whose_was_converted(world: World, browser: Browser) -> None:
    world.publish(a_plan(convert=GOAL))
    decide(world, "ann", "bob")
    world.join().take([world.body(world.added(user="eve"), message="eve")])
    bought(world, "bob", 40.5)
    assert users(browser, "waiting") == ["eve"]
    assert users(browser, "sent") == ["ann", "bob"]
    assert users(browser, "converted") == ["bob"]
    assert users(browser, "control") == []


def test_the_control_group_is_apart_whatever_it_bought(world: World, browser: Browser) -> None:
    world.publish(a_plan(convert=GOAL, rules=Rules(control=1.0)))
    decide(world, "ann")
    bought(world, "ann", 7)
    assert users(browser, "control") == ["ann"]
    assert users(browser, "sent") == users(browser, "converted") == []


def test_what_cannot_be_named_in_full_says_so(world: World, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "MOST", 1)
    world.join().take([world.body(world.added(), world.added(user="bob"))])
    assert browser.get("/api/campaigns/cart/users?of=waiting") == {"users": ["ann"], "complete": False}
    assert browser.ask("GET", "/api/campaigns/nothing/users?of=waiting")[0] == 404
    assert browser.ask("GET", "/api/campaigns/cart/users?of=all")[0] == 422


def test_of_a_campaign_that_counts_nothing_too_who_got_a_message(world: World, browser: Browser) -> None:
    decide(world, "ann")
    assert users(browser, "sent") == ["ann"]


def test_whom_rules_withheld_a_message_from_by_reason(world: World, browser: Browser) -> None:
    decide(world, "bob")
    world.publish(a_plan(rules=Rules(audience="Profile.vip")))
    decide(world, "ann")
    world.publish(a_plan(rules=Rules(control=1.0)))
    decide(world, "cleo")
    assert users(browser, "withheld") == ["ann", "cleo"]
    assert users(browser, "withheld", "audience") == ["ann"]
    assert users(browser, "withheld", "control group") == ["cleo"]
    assert users(browser, "withheld", "campaign paused") == []


def test_a_cap_is_one_reason_whatever_filled_it(world: World, browser: Browser) -> None:
    world.publish(a_plan(rules=Rules(per_user=(Cap(1, 60 * MINUTE),))))
    decide(world, "ann", "bob")
    decide(world, "ann", "bob", product="hat")
    assert users(browser, "withheld", "capped: 1 in 1 hour") == ["ann", "bob"]


def test_whom_delivery_withheld_a_message_from(world: World, browser: Browser) -> None:
    world.publish(a_plan(values={"title": "{{ Profile.name }}, your coat"}))
    world.join().take([world.body({"user": "bob", "profile": {"name": "Bob"}, "ts": world.now})])
    decide(world, "ann", "bob")
    assert users(browser, "withheld", "missing: Profile.name") == ["ann"]
    assert users(browser, "withheld") == ["ann"]
    assert users(browser, "withheld", "missing: Event.price") == []


def test_what_was_published_since_changes_nothing_that_was_delivered(world: World, browser: Browser) -> None:
    world.publish(a_plan(values={"title": "{{ Profile.name }}, your coat"}))
    decide(world, "ann")
    world.publish(a_plan(values={"title": "{{ Profile.name | default: 'Hi' }}, your coat"}))
    assert users(browser, "withheld", "missing: Profile.name") == ["ann"]
    (explained,) = browser.get("/api/explain?user=ann")["explanations"]
    assert (explained["status"], explained["reason"]) == ("withheld", "missing: Profile.name")
    decide(world, "ben")
    assert users(browser, "withheld") == ["ann"]


def test_what_a_newer_release_decided_hides_nobody_else(world: World, browser: Browser) -> None:
    world.publish(a_plan(values={"title": "{{ Profile.name }}, your coat"}))
    decide(world, "ann", "bob", "cleo")
    for user, outbox in (("bob", [{"kind": "send", "v": 99}]), ("cleo", [{"kind": "send"}])):
        world.dynamodb.update_item(
            TableName="users",
            Key={"user": {"S": user}, "part": {"S": "watches"}},
            UpdateExpression="SET outbox = :outbox",
            ExpressionAttributeValues={":outbox": {"S": json.dumps(outbox)}},
        )
    assert users(browser, "withheld") == ["ann"]


@pytest.mark.parametrize(
    "state", ['no JSON: "cart":', '{"watches": {"cart": 7}}', '{"v": 99, "watches": {"cart": {}}}']
)
def test_a_state_that_cannot_be_read_hides_nobody_else(world: World, browser: Browser, state: str) -> None:
    """In whatever looks at all users: those behind a number, a draft's differences, the counts of what waits."""
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1)
    decide(world, "ann", "bob")
    world.join().take([world.body(world.added("hat", user="eve"), message="eve")])
    for user, part, text in (("bob", "watches", state), ("zed", "profile", "no JSON")):
        world.dynamodb.update_item(
            TableName="users",
            Key={"user": {"S": user}, "part": {"S": part}},
            UpdateExpression="SET #state = :state",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":state": {"S": text}},
        )
    assert browser.get("/api/campaigns/cart/users?of=sent") == {"users": ["ann"], "complete": False}
    assert browser.get("/api/campaigns/cart/users?of=waiting") == {"users": ["eve"], "complete": False}
    assert browser.get("/api/seen")["profile"] == []
    assert waiting(Users(world.dynamodb, "users")).watches == {"cart": 1}  # type: ignore[arg-type]
    assert browser.post("/api/diff", source=FILE.replace("your", "the"))["open"] == 1


def test_of_a_revision_that_is_gone_nothing_is_rendered(world: World, browser: Browser) -> None:
    world.publish(a_plan(values={"title": "{{ Profile.name }}, your coat"}))
    decide(world, "ann")
    outbox = json.dumps([{**each, "revision": 99} for each in world.outbox("ann")])
    world.dynamodb.update_item(
        TableName="users",
        Key={"user": {"S": "ann"}, "part": {"S": "watches"}},
        UpdateExpression="SET outbox = :outbox",
        ExpressionAttributeValues={":outbox": {"S": outbox}},
    )
    assert users(browser, "withheld") == []


def test_whose_message_was_taken_back(world: World, browser: Browser) -> None:
    decide(world, "ann", "bob")
    late = world.now - 20 * MINUTE
    world.join().take([world.body({**world.charged(user="ann"), "ts": late})])
    assert users(browser, "retracted") == ["ann"]
    assert users(browser, "sent") == ["bob"]


def test_whose_message_could_not_be_delivered_until_it_is(world: World, browser: Browser) -> None:
    decide(world, "ann")
    world.events.fault("put_events", *[throttled] * 6)
    world.deliver_outboxes()
    assert users(browser, "failed") == ["ann"]
    world.publish(a_plan(id="other"))
    assert browser.get("/api/campaigns/other/users?of=failed") == {"users": [], "complete": True}
    browser.post("/api/queues/undelivered/redrive")
    assert users(browser, "failed") == []


def test_who_is_deleted_is_behind_no_number(world: World, browser: Browser) -> None:
    world.publish(a_plan(rules=Rules(audience="Profile.vip")))
    decide(world, "ann")
    for part in ("watches", "profile"):
        Users(world.dynamodb, "users").delete("ann", part)  # type: ignore[arg-type]
    assert users(browser, "withheld") == []


def test_a_reason_is_no_longer_than_those_that_are_counted(browser: Browser) -> None:
    assert browser.ask("GET", f"/api/campaigns/cart/users?of=withheld&reason={'x' * 65}")[0] == 422
