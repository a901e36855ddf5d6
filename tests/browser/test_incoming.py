"""Incoming records, as the page shows them: live, as events that were seen, and by which sources they are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.busy import NAMES, NOW, came, seen
from tests.browser.desk import Desk
from tests.browser.test_everywhere import axe

MINUTES = 60_000


class Api:
    """The stack's answers to those who follow: what is put into it, once; then nothing."""

    def __init__(self, desk: Desk) -> None:
        self.asked: list[dict[str, Any]] = []
        self.records: list[dict[str, Any]] = []
        self.refused: dict[str, Any] | None = None
        desk.page.route("**/api/tail", self._answer)

    def _answer(self, route: Route) -> None:
        self.asked.append(route.request.post_data_json or {})
        if self.refused:
            route.fulfill(status=429, json={"error": self.refused})
            return
        records, self.records = self.records, []
        route.fulfill(json={"records": records, "more": 7 if records else 0})


def record(**more: Any) -> dict[str, Any]:
    return {**came()[0], "event": "added to cart", "user": "zoe", **more}


def look_on(desk: Desk, *records: dict[str, Any], place: str = "#/incoming/live") -> Api:
    """At a page whose time a test may hurry on, and which has asked for the first time."""
    desk.page.clock.install(time=NOW / 1000)
    desk.page.evaluate(COUNT)
    api = Api(desk)
    api.records = list(records)
    with desk.page.expect_response("**/api/tail"):
        desk.go(place)
    expect(desk.page.get_by_text("Following.", exact=True)).to_be_visible()
    return api


COUNT = """() => {
  const { fetch } = window;
  window.tails = 0;
  window.fetch = (...asked) => {
    if (String(asked[0]).endsWith("/tail")) window.tails++;
    return fetch(...asked);
  };
}"""
"""Requests are counted as the page makes them: one that is on its way when somebody stops is none that comes after."""


def status(desk: Desk) -> Any:
    return desk.page.get_by_role("status").filter(has_text="ollowing")


def test_each_record_is_shown_as_it_was_read_and_with_what_it_touches(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    reason = "constant property product: product_name is missing"
    api = look_on(
        desk,
        record(properties=["string product_name", "number price"], campaigns=["c-05: did"]),
        record(read="rejected", reason=reason, user="", campaigns=[]),
    )
    lines = desk.page.get_by_role("region", name="Records").get_by_role("listitem")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text(reason)  # the newest first
    expect(lines.nth(1).get_by_role("link", name="zoe")).to_have_attribute("href", "#/users/zoe")
    expect(lines.nth(1).get_by_role("link", name="c-05")).to_have_attribute("href", "#/campaigns/c-05")
    lines.nth(1).get_by_text("2 properties").click()
    expect(lines.nth(1).get_by_text("product_name", exact=True)).to_be_visible()
    expect(status(desk)).to_contain_text("2 records · 1 rejected · 7 more came at once")
    api.records = [record(user="yan")]
    desk.page.clock.run_for(2_500)
    expect(lines).to_have_count(3)
    expect(lines.first).to_contain_text("yan")
    assert len({each["id"] for each in api.asked}) == 1


def test_one_event_and_one_user_are_asked_for_and_shown(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    api = look_on(
        desk,
        record(properties=["string product_name", "number price"]),
        record(properties=["string product_name"]),
        record(event="charged"),
        place="#/incoming/live?event=Added+To+Cart",
    )
    lines = desk.page.get_by_role("region", name="Records").get_by_role("listitem")
    expect(lines).to_have_count(2)
    assert api.asked[0]["event"] == "Added To Cart"
    table = desk.page.get_by_role("table")
    expect(table.get_by_role("row", name="product_name string 100%")).to_be_visible()
    expect(table.get_by_role("row", name="price number 50%")).to_be_visible()
    desk.page.get_by_label("User id").fill("yan")
    desk.press("Enter")
    expect(lines).to_have_count(0)
    api.records = [record(), record(user="yan")]
    desk.page.clock.run_for(2_500)
    expect(lines).to_have_count(1)
    assert (api.asked[-1]["event"], api.asked[-1]["user"]) == ("Added To Cart", "yan")


@pytest.mark.parametrize("why", ["ten minutes", "by hand", "hidden", "refused", "another page"])
def test_nothing_is_asked_for_once_nobody_looks_on(sit_down_busy: Callable[..., Desk], why: str) -> None:
    desk = sit_down_busy()
    api = look_on(desk)
    stopped = {
        "ten minutes": "Ten minutes are over",
        "by hand": "What comes in now is not shown",
        "hidden": "This tab was not in front",
        "refused": "Too many people are following already",
    }
    if why == "ten minutes":
        desk.page.clock.run_for(10 * MINUTES + 1)
    elif why == "by hand":
        desk.page.get_by_role("button", name="Stop").click()
    elif why == "hidden":
        desk.page.evaluate(HIDE)
    elif why == "refused":
        api.refused = {"code": "too_many", "message": "Too many people are following already: try again in a minute."}
        desk.page.clock.run_for(2_500)
    else:
        desk.go("#/incoming/events")
        expect(desk.page.get_by_role("link", name="Events", exact=True)).to_have_attribute("aria-current", "page")
    if why in stopped:
        expect(desk.page.get_by_text(re.compile(stopped[why]))).to_be_visible()
        expect(desk.page.get_by_text("Not following.", exact=True)).to_be_visible()
    before = desk.page.evaluate("window.tails")
    desk.page.clock.run_for(MINUTES)
    assert desk.page.evaluate("window.tails") == before
    if why in stopped:
        desk.page.evaluate(SHOW)
        desk.page.clock.run_for(MINUTES)
        assert desk.page.evaluate("window.tails") == before
        api.refused, api.records = None, [record(user="yan")]
        desk.page.get_by_role("button", name="Follow", exact=True).click()
        expect(desk.page.get_by_role("link", name="yan")).to_be_visible()
        assert len({each["id"] for each in api.asked}) == 2


SEEN = "Object.defineProperty(document, 'visibilityState', {{value: '{}', configurable: true}}); {}"
TOLD = "document.dispatchEvent(new Event('visibilitychange'))"
HIDE, SHOW = SEEN.format("hidden", TOLD), SEEN.format("visible", TOLD)


HIDE_ONCE_DRAWN = f"""() => new MutationObserver((_, observer) => {{
  if (!document.body.textContent.includes("Following.")) return;
  observer.disconnect();
  {HIDE};
}}).observe(document.body, {{ childList: true, characterData: true, subtree: true }})"""


def test_who_goes_to_another_tab_before_the_first_question_does_not_look_on(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    api = Api(desk)
    desk.page.evaluate(HIDE_ONCE_DRAWN)
    desk.go("#/incoming/live")
    expect(desk.page.get_by_text("This tab was not in front")).to_be_visible()
    assert api.asked == []


def test_an_event_leads_to_the_campaigns_that_use_it_and_to_its_records(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    desk.go("#/incoming/events")
    desk.page.get_by_label("Search events and properties").fill("follow up")
    event = desk.page.get_by_role("region", name="Events").get_by_role("listitem")
    expect(event).to_have_count(1)
    expect(event.get_by_role("link", name="c-01", exact=True)).to_have_attribute("href", "#/campaigns/c-01")
    event.get_by_text("5 properties").click()
    expect(event.get_by_text("Items[].prod_name")).to_be_visible()
    event.get_by_role("link", name="Live:").click()
    expect(desk.page.get_by_role("combobox", name="Event")).to_have_value("🔥🔥 Flash sale 🔥🔥 follow up 🛍️")


def test_an_editor_may_see_the_last_values_and_finds_them_beside_the_event(
    sit_down_busy: Callable[..., Desk],
) -> None:
    desk = sit_down_busy()
    desk.page.clock.install(time=NOW / 1000)
    api = Api(desk)
    desk.go("#/incoming/events")
    desk.page.get_by_label("Search events and properties").fill(NAMES[0])
    event = desk.page.get_by_role("region", name="Events").get_by_role("listitem").first
    event.get_by_text("5 properties").click()
    event.get_by_role("link", name="Follow for values").click()
    switch = desk.page.get_by_role("checkbox", name="Values of properties")
    expect(switch).to_be_checked()
    shapes = ["number price", "string product_name"]
    api.records = [
        record(event=NAMES[0], came=NOW, properties=shapes, values={"price": price, "product_name": '"coat"'})
        for price in ("1", "2")
    ]
    desk.page.clock.run_for(2_500)
    expect(desk.page.get_by_role("row", name="price number 100% 2 · 1")).to_be_visible()
    assert {each["values"] for each in api.asked} == {True}
    line = desk.page.get_by_role("region", name="Records").get_by_role("listitem").first
    line.get_by_text("2 properties").click()
    expect(line.get_by_role("list", name="Values of properties")).to_contain_text('product_name string "coat"')
    with desk.page.expect_request(lambda request: '"values":false' in (request.post_data or "")):
        switch.uncheck()
        desk.page.clock.run_for(2_500)
    desk.go("#/incoming/events")
    desk.page.get_by_label("Search events and properties").fill(NAMES[0])
    event.get_by_text("5 properties").click()
    expect(event).to_contain_text("in the last ten minutes")
    expect(event.get_by_role("listitem").filter(has_text="price").first).to_contain_text("2 · 1")


def test_a_viewer_is_offered_no_values(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    me = {"name": "vic", "groups": ["viewer"], "may_edit": False, "stage": "local"}
    desk.page.route("**/api/me", lambda route: route.fulfill(json=me))
    desk.page.goto(desk.page.url.partition("#")[0].partition("?")[0] + "?code=c&state=s")
    expect(desk.page.get_by_text("vic · viewer")).to_be_visible()
    api = look_on(desk, place="#/incoming/live?event=charged&values")
    expect(desk.page.get_by_role("checkbox")).to_have_count(0)
    assert {each["values"] for each in api.asked} == {False}


def test_an_event_is_shown_with_about_how_many_came_by_day(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    desk.go("#/incoming/events")
    volume = seen()["events"][1]["volume"]
    desk.page.get_by_label("Search events and properties").fill(NAMES[1])
    event = desk.page.get_by_role("region", name="Events").get_by_role("listitem")
    expect(event).to_have_count(1)
    expect(event).to_contain_text(f"About {volume[-1]} today · {sum(volume[-7:])} in the last 7 days")
    chart = event.get_by_role("img", name=re.compile(rf"about {sum(volume)} events in 14 days$"))
    expect(chart).to_be_visible()
    assert chart.locator("rect.came").count() == sum(count > 0 for count in volume)
    expect(chart.locator("title").last).to_have_text(f"{seen()['days'][-1]}: about {volume[-1]} events")
    desk.page.get_by_label("Search events and properties").fill("")
    expect(desk.page.get_by_text("And about 8,638 events in 14 days with names that")).to_be_visible()
    expect(event.nth(2)).to_contain_text("None in the last 7 days")
    expect(event.nth(2).get_by_role("img")).to_have_count(0)


def test_a_source_is_shown_with_its_file(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    desk.go("#/incoming/sources")
    source = desk.page.get_by_role("region", name="Shopify")
    expect(source).to_contain_text("by ann")
    expect(source).to_contain_text('detail.metadata."X-Shopify-Topic"')
    source.get_by_text("Its file").click()
    expect(source.get_by_role("region", name="the file of source-0")).to_contain_text("name: Shopify")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_what_comes_in(sit_down_busy: Callable[..., Desk], scheme: str) -> None:
    desk = sit_down_busy(color_scheme=scheme)
    found = []
    for tab, there in (("live?event=added+to+cart", "2 records"), ("events", "Used by"), ("sources", "by ann")):
        desk.go(f"#/incoming/{tab}")
        expect(desk.page.get_by_text(there).first).to_be_visible()
        for closed in desk.page.locator("main summary").all():
            closed.click()
        found += [f"{tab}: {each}" for each in axe(desk)]
    assert not found, "\n".join(found)


GO_ONCE_DRAWN = """new MutationObserver((_, observer) => {
  if (!document.querySelector("header a")) return;
  observer.disconnect();
  location.hash = "#/incoming/sources";
}).observe(document, { childList: true, subtree: true })"""


def test_a_link_that_is_followed_as_soon_as_it_is_drawn_leads_where_it_says(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy(script=GO_ONCE_DRAWN)
    expect(desk.page.get_by_text("by ann").first).to_be_visible()
