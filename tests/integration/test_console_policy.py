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
