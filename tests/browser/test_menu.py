"""The menu of names opens for whoever is faster than the API, and knows what is in use since the page was opened."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from playwright.sync_api import Route, expect

from tests.browser.busy import CAMPAIGN, NOW
from tests.browser.desk import Desk
from tests.browser.test_looks import SETTLED

FIRST_NAME = [{"insert": "Profile.first_name", "label": "first_name", "note": "string"}]
NAME = [{"insert": "Campaign.name", "label": "name", "note": "of this campaign"}]


def test_the_menu_opens_for_a_name_typed_before_the_api_could_say_it(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    turns = count()

    def busy_at_first(route: Route) -> None:
        if next(turns) < 1:
            route.fulfill(status=503, json={"error": {"code": "busy", "message": "busy"}})
        else:
            route.fulfill(json={"groups": [{"group": "User properties", "items": FIRST_NAME}]})

    desk.page.route("**/api/suggestions", busy_at_first)
    desk.go(f"#/campaigns/{CAMPAIGN}")
    desk.write("title", "@first")
    take(desk, "first_name")
    expect(desk.value("title")).to_have_text("{{ Profile.first_name }}")


def test_the_menu_knows_a_name_that_is_seen_while_one_writes(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    see = begins_empty(desk)
    desk.go(f"#/campaigns/{CAMPAIGN}")
    desk.write("title", "@nam")
    take(desk, "name")
    desk.write("title", "Hello @first")
    expect(desk.page.get_by_role("option")).to_have_count(0)
    see()
    take(desk, "first_name")
    expect(desk.value("title")).to_have_text("Hello {{ Profile.first_name }}")


def test_a_menu_that_nobody_waits_for_does_not_open(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    see = begins_empty(desk)
    desk.go(f"#/campaigns/{CAMPAIGN}")
    desk.write("title", "@first")
    desk.press("Escape")
    see()
    desk.page.evaluate(SETTLED)
    expect(desk.page.get_by_role("option")).to_have_count(0)
    desk.page.get_by_role("button", name="Insert a property into Value of title").click()
    expect(desk.page.get_by_role("option", name="first_name")).to_be_visible()


def begins_empty(desk: Desk) -> Callable[[], None]:
    """Of a system that has seen no profile. What is returned lets it see one, and comes back to the tab later on."""
    profile: list[dict[str, Any]] = []

    def suggest(route: Route) -> None:
        groups = [("User properties", FIRST_NAME if profile else []), ("Campaign", NAME)]
        route.fulfill(json={"groups": [{"group": name, "items": items} for name, items in groups if items]})

    def see() -> None:
        profile.append({"name": "first_name", "types": ["string"]})
        with desk.page.expect_response("**/api/suggestions") as answered:
            desk.page.clock.set_fixed_time((NOW + 60_000) / 1000)
            desk.page.evaluate("dispatchEvent(new Event('focus'))")
        answered.value.finished()

    names = {"days": [], "events": [], "others": [], "profile": profile}
    desk.page.route("**/api/seen", lambda route: route.fulfill(json=names))
    desk.page.route("**/api/suggestions", suggest)
    return see


def take(desk: Desk, name: str) -> None:
    expect(desk.page.get_by_role("option", name=name)).to_be_visible()
    desk.press("Enter")
