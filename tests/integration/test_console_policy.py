"""The console knows the policy: in a preview and in what publishing would change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.integration.conftest import World
from tests.integration.test_console import Browser, browser
from tests.integration.test_policy import in_force

__all__ = ["browser"]

CAMPAIGN: dict[str, Any] = {
    "id": "cart",
    "when": {"did": "Added", "did_not": "charged", "within": "30 minutes"},
    "constant": {"name": "product", "in": {"Added": "product", "charged": "product"}},
    "send": {"values": {"title": "your {{ ConstantEventProperty }}"}},
}
ALWAYS: dict[str, Any] = {**CAMPAIGN, "send": {**CAMPAIGN["send"], "hours": {"from": "00:00", "to": "24:00"}}}
EVENT = {"product": "coat", "price": 3}


def test_a_preview_says_what_the_rules_would_do_about_the_message(browser: Browser, world: World) -> None:
    world.now = round(datetime(2026, 9, 22, 23, tzinfo=UTC).timestamp() * 1000)
    shown = browser.post("/api/preview", campaign=CAMPAIGN, user="ann", event=EVENT, profile={})
    assert shown["gate"] is None
    in_force(world, 'zone: Europe/Berlin\nhours: {from: "08:00", to: "20:00"}\ncontrol: 99.99%\n')
    shown = browser.post("/api/preview", campaign=CAMPAIGN, user="ann", event=EVENT, profile={})
    assert shown["gate"] == "When it is due, it would wait until 08:00 in Berlin (2026-09-23): outside hours"
    lima = {"timezone": "America/Lima"}
    shown = browser.post("/api/preview", campaign=CAMPAIGN, user="ann", event=EVENT, profile=lima)
    assert shown["gate"] == "When it is due, it would be withheld: control group of the stack"
    shown = browser.post("/api/preview", campaign=ALWAYS, user="ann", event=EVENT, profile={})
    assert shown["gate"] == "When it is due, it would be withheld: control group of the stack"


def test_what_rules_would_keep_back_is_among_what_publishing_would_change(browser: Browser, world: World) -> None:
    world.join().take([world.body(world.added())])
    draft = {**CAMPAIGN, "send": {**CAMPAIGN["send"], "audience": "Profile.country == 'DE'"}}
    found = browser.post("/api/diff", campaign=draft)
    assert "1 of 1 would be withheld by rules: audience (1)." in found["sentences"]
    in_force(world, "control: 99.99%\n")
    found = browser.post("/api/diff", campaign=ALWAYS)
    assert "1 of 1 would be withheld by rules: control group of the stack (1)." in found["sentences"]


ONE_A_DAY = "per_user: {at_most: 1, in: 1 day}\n"


def test_a_policy_is_published_read_and_rolled_back(browser: Browser) -> None:
    shown = browser.get("/api/policy")
    assert (shown["revision"], shown["live_revision"], shown["source"], shown["revisions"]) == (0, 0, None, [])
    published = browser.post("/api/policy/publish", source=ONE_A_DAY, seen_revision=0, note="quiet")
    assert (published["revision"], published["changed"]) == (1, True)
    assert not browser.post("/api/policy/publish", source=ONE_A_DAY, seen_revision=1)["changed"]
    browser.post("/api/policy/publish", source="{}\n", seen_revision=1)
    assert browser.get("/api/policy")["source"] == "{}\n"
    first = browser.get("/api/policy?revision=1")
    assert (first["source"], first["live_revision"], first["note"]) == (ONE_A_DAY, 2, "quiet")
    assert [each["revision"] for each in first["revisions"]] == [1, 2]
    assert browser.post("/api/policy/rollback", seen_revision=2)["revision"] == 3
    assert browser.get("/api/policy")["source"] == ONE_A_DAY
    acts = sorted((act["action"], act["of"]) for act in browser.get("/api/activity")["acts"])
    assert acts == [("published", "policy"), ("published", "policy"), ("rolled back", "policy")]


def test_what_somebody_else_published_is_not_overwritten(browser: Browser, world: World) -> None:
    in_force(world, ONE_A_DAY)
    refused = browser.post("/api/policy/publish", 409, source="{}\n", seen_revision=0)["error"]
    assert (refused["code"], refused["live_revision"]) == ("conflict", 1)
    assert browser.post("/api/policy/rollback", 409, seen_revision=7)["error"]["live_revision"] == 1


def test_what_is_wrong_with_a_policy_is_said_with_its_place(browser: Browser) -> None:
    checked = browser.post("/api/policy/check", source="zone: Europe/Berln\n")
    assert not checked["ok"]
    assert (checked["mistakes"][0]["line"], checked["mistakes"][0]["path"]) == (1, ["zone"])
    refused = browser.post("/api/policy/publish", 422, source="zone: Europe/Berln\n", seen_revision=0)["error"]
    assert refused["message"].endswith("did you mean 'Europe/Berlin'?.")
    hinted = browser.post("/api/policy/check", source="exempt: crt\n")
    assert (hinted["ok"], hinted["hints"][0]["message"]) == (
        True,
        "no campaign 'crt' is published; did you mean 'cart'?",
    )
    assert browser.post("/api/policy/rollback", 404, seen_revision=1)["error"]["code"] == "not_found"
    browser.post("/api/policy/publish", source="{}\n", seen_revision=0)
    assert browser.post("/api/policy/rollback", 422, seen_revision=1)["error"]["code"] == "no_way_back"
    assert browser.ask("GET", "/api/policy?revision=9")[0] == 404
