"""What a page shows is new, however slow the API is: one's own changes, and what others did meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, expect

from tests.browser.busy import CAMPAIGN, NOW, acts, campaign
from tests.browser.desk import Desk
from tests.browser.upstream import PATIENCE


class Slow:
    """A GET of the API whose answers come when the test lets them, and say what was so when it was asked."""

    def __init__(self, desk: Desk, address: str, shown: Callable[[], Any]) -> None:
        self._page = desk.page
        self._shown = shown
        self._held: list[tuple[Route, Any]] = []
        desk.page.route(address, self._hold)

    def _hold(self, route: Route) -> None:
        self._held.append((route, self._shown()))

    def await_question(self) -> None:
        ends = time.monotonic() + PATIENCE
        while not self._held:
            assert time.monotonic() < ends
            self._page.wait_for_timeout(10)

    def answer(self) -> None:
        self.await_question()
        route, shown = self._held.pop(0)
        route.fulfill(json=shown)


def test_what_somebody_changed_is_shown_though_an_older_answer_was_on_its_way(
    sit_down_busy: Callable[..., Desk],
) -> None:
    desk = sit_down_busy()
    desk.go(f"#/campaigns/{CAMPAIGN}")
    expect(desk.page.get_by_text("Live · revision 6")).to_be_visible()
    now = campaign()

    def paused(route: Route) -> None:
        now["paused"] = True
        route.fulfill(json={})

    desk.page.route(f"**/api/campaigns/{CAMPAIGN}/pause", paused)
    api = Slow(desk, f"**/api/campaigns/{CAMPAIGN}", lambda: dict(now))
    desk.page.clock.set_fixed_time((NOW + 60_000) / 1000)
    desk.page.evaluate("dispatchEvent(new Event('focus'))")
    api.await_question()
    desk.page.get_by_role("button", name="Pause", exact=True).click()
    with desk.page.expect_response("**/pause"):
        desk.page.get_by_role("dialog").get_by_role("button", name="Pause", exact=True).click()
    api.answer()
    api.answer()
    expect(desk.page.get_by_text("Paused · revision 6")).to_be_visible()


def test_who_comes_back_to_a_tab_sees_what_happened_while_an_answer_was_on_its_way(
    sit_down_busy: Callable[..., Desk],
) -> None:
    desk = sit_down_busy()
    now: dict[str, Any] = {"acts": []}
    api = Slow(desk, "**/api/activity", lambda: dict(now))
    desk.go("#/activity")
    api.await_question()
    now["acts"] = acts()["acts"][:1]
    desk.page.clock.set_fixed_time((NOW + 10_000) / 1000)
    api.answer()
    expect(desk.page.get_by_text("Nothing yet")).to_be_visible()
    desk.page.evaluate("dispatchEvent(new Event('focus'))")
    api.answer()
    expect(desk.page.get_by_role("link", name="published revision 3 of c-00")).to_be_visible()
