"""Who gets in, and who may do what there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Route, expect

from holdfast.console.page import Page as Files
from holdfast_cli.console import console_of
from holdfast_cli.console_server import Server, Session
from holdfast_cli.stack import Deployment
from infra.page import build_page
from tests.browser.conftest import PASSWORD, SitDown
from tests.browser.desk import Desk
from tests.browser.upstream import published


def test_a_viewer_sees_everything_and_is_offered_no_change(deployed: Deployment, sit_down: SitDown) -> None:
    published(deployed, "looked-at")
    desk = sit_down("viewer")
    expect(desk.page.get_by_role("link", name="New campaign")).to_have_count(0)
    desk.go("#/campaigns/looked-at")
    expect(desk.shown("title")).to_have_text("Ann, your white coat is waiting")
    expect(desk.page.get_by_text("View only")).to_be_visible()
    expect(desk.page.get_by_role("button", name="Publish…")).to_have_count(0)
    expect(desk.page.get_by_role("button", name="Key-Value Pair")).to_have_count(0)
    expect(desk.page.get_by_label("Within", exact=True)).to_be_disabled()
    desk.shot("17-a-viewer")
    desk.press("Control+s")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)


def test_who_lost_the_right_to_publish_meanwhile_is_told_why_it_is_refused(
    deployed: Deployment, sit_down: SitDown, account: Callable[[str], str]
) -> None:
    published(deployed, "refused")
    desk = sit_down()

    def as_it_was(route: Route) -> None:
        """The answer that the page got when it was opened: this is an editor."""
        answer: dict[str, Any] = route.fetch().json()
        route.fulfill(body=json.dumps({**answer, "may_edit": True}), content_type="application/json")

    desk.page.route("**/api/me", as_it_was)
    desk.sign_in(account("viewer"), PASSWORD)
    desk.go("#/campaigns/refused")
    desk.write("title", "Mine")
    expect(desk.shown("title")).to_have_text("Mine")
    desk.press("Control+s")
    desk.page.get_by_role("button", name="Publish revision 2").click()
    expect(desk.page.get_by_role("alert")).to_contain_text("Only the group editor may do that, and you are a viewer")


def test_no_token_is_kept_where_another_page_could_find_it(desk: Desk) -> None:
    kept: str = desk.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "eyJ" not in kept
    assert "code=" not in desk.page.url


def test_the_address_of_holdfast_console_lets_one_person_in_once(deployed: Deployment, browser: Browser) -> None:
    with Server(console_of(deployed, Files(build_page())), Session()) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            link = server.link()
            with browser.new_context() as context:
                page = context.new_page()
                page.goto(link)
                expect(page.get_by_role("heading", name="Campaigns")).to_be_visible()
                assert "token" not in page.url
                page.evaluate("location.hash = '#/users/zoe'")
                page.reload()  # one stays signed in, and where one was
                expect(page.get_by_role("heading", name="User zoe")).to_be_visible()
                another = context.new_page()
                another.goto(server.origin)
                expect(another.get_by_role("heading", name="Campaigns")).to_be_visible()
                another.close()
                server.session._bearers.clear()  # as after a day: the page gets itself another one
                page.evaluate("location.hash = '#/queues'")
                expect(page.get_by_role("heading", name="Queues")).to_be_visible()
                expect(page.locator(".skeleton")).to_have_count(0)
                server.session._bearers.clear()
                server.session._cookies.clear()  # as after a restart
                page.evaluate("location.hash = '#/activity'")
                expect(page.get_by_text("Press Enter in its terminal").first).to_be_visible()
            with browser.new_page() as page:
                page.goto(link)
                expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
                expect(page.get_by_text("The link of this address was used already")).to_be_visible()
        finally:
            server.shutdown()
