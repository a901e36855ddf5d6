"""Writing a campaign: what is wrong is said where it is, and what was written is not lost."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from holdfast_cli.campaigns import campaigns
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import tap
from tests.browser.conftest import PASSWORD, SitDown
from tests.browser.desk import Desk
from tests.browser.upstream import PATIENCE, published, send, watched


def test_a_mistake_in_liquid_is_underlined_where_it_is_and_said_in_words(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "mistaken", price="{{ Event.price | default: 1 }}")
    desk.go("#/campaigns/mistaken")
    value = desk.value("title")
    value.click()
    desk.press("End")
    desk.type("! {{ Profle.city }}")
    expect(value.locator(".cm-lintRange-error")).to_have_text(re.compile("Profle"))
    said = desk.page.locator('.shown [data-key="title"] .mistake')
    expect(said).to_have_text("unknown object Profle; did you mean 'Profile'?")
    expect(desk.shown("price")).to_be_visible()  # what is right is shown all the same
    desk.shot("10-a-mistake")
    desk.press("Control+s")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    expect(desk.page.get_by_text("still to fix")).to_be_visible()

    desk.page.get_by_role("button", name="YAML").click()
    expect(desk.page.locator(".yaml .cm-lintRange-error")).to_have_count(1)
    desk.shot("11-as-yaml")


def test_what_is_missing_is_red_and_withholds_the_message(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "lacking", body="To {{ Profile.city }}")
    desk.go("#/campaigns/lacking")
    desk.page.get_by_label("Profile.city").fill("")
    expect(desk.page.locator('.shown [data-key="body"] .variable.of-missing')).to_have_text(re.compile("Profile.city"))
    expect(desk.page.get_by_text("Skipped: missing: Profile.city.")).to_be_visible()
    desk.shot("12-missing")


def test_page_and_file_are_the_same_thing_comments_and_all(deployed: Deployment, desk: Desk) -> None:
    before = published(deployed, "commented")
    desk.go("#/campaigns/commented")
    within = desk.page.get_by_label("Within", exact=True)
    within.fill("45 minutes")
    within.press("Enter")
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "commented.yaml"
    assert download.value.path().read_text() == before.replace("30 minutes", "45 minutes")
    desk.page.get_by_role("button", name="YAML").click()
    desk.page.get_by_label("The campaign as YAML").click()
    desk.press("Control+End")
    desk.type("    price: 'from YAML'\n")
    desk.page.get_by_role("button", name="Form").click()
    expect(desk.value("price")).to_have_text("from YAML")
    expect(desk.shown("price")).to_have_text("from YAML")


def test_what_is_not_published_outlives_going_elsewhere_and_signing_in_anew(
    deployed: Deployment, desk: Desk, account: Callable[[str], str]
) -> None:
    published(deployed, "kept")
    desk.go("#/campaigns/kept")
    desk.write("title", "Not yet published")
    expect(desk.shown("title")).to_have_text("Not yet published")
    desk.go("#/users")
    expect(desk.page.get_by_role("heading", name="Users")).to_be_visible()
    desk.go("#/campaigns")
    expect(desk.page.locator(".campaign", has_text="kept, by file").get_by_text("Draft")).to_be_visible()
    desk.sign_in(account("editor"), PASSWORD)
    desk.go("#/campaigns/kept")
    expect(desk.value("title")).to_have_text("Not yet published")
    desk.page.get_by_role("button", name="Discard").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(desk.value("title")).to_have_text(re.compile("is waiting"))


def test_who_loses_a_race_sees_what_the_other_changed_and_decides(deployed: Deployment, sit_down: SitDown) -> None:
    published(deployed, "raced")
    ann, ben = sit_down(), sit_down()
    for desk in (ann, ben):
        desk.go("#/campaigns/raced")
        expect(desk.shown("title")).to_be_visible()
    ann.write("title", "What Ann wrote")
    ben.write("title", "What Ben wrote")
    for desk in (ann, ben):
        expect(desk.shown("title")).to_have_text(re.compile("wrote"))

    # Both look at the difference before either publishes.
    for desk in (ann, ben):
        desk.page.keyboard.press("Control+s")
        expect(desk.page.get_by_role("button", name="Publish revision 2")).to_be_enabled()
    ann.page.get_by_role("button", name="Publish revision 2").click()
    expect(ann.page.get_by_text("Live · revision 2")).to_be_visible()
    ben.page.get_by_role("button", name="Publish revision 2").click()
    expect(ben.page.get_by_role("heading", name="Somebody else was first")).to_be_visible()
    expect(ben.page.locator("dialog ins")).to_have_text("What Ann wrote")
    ben.shot("13-a-lost-race")
    assert "What Ann wrote" in campaigns(deployed).get("raced").source

    ben.page.get_by_role("button", name="Keep mine, and review").click()
    expect(ben.page.locator("dialog del")).to_have_text("What Ann wrote")
    expect(ben.page.locator("dialog ins")).to_have_text("What Ben wrote")
    ben.page.get_by_role("button", name="Publish revision 3").click()
    expect(ben.page.get_by_text("Live · revision 3")).to_be_visible()
    assert "What Ben wrote" in campaigns(deployed).get("raced").source


def test_who_loses_a_race_may_take_what_the_other_wrote(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "yielded")
    desk.go("#/campaigns/yielded")
    desk.write("title", "Mine")
    expect(desk.shown("title")).to_have_text("Mine")
    published(deployed, "yielded", extra="theirs")
    desk.press("Control+s")
    expect(desk.page.get_by_role("heading", name="Somebody else was first")).to_be_visible()
    desk.page.get_by_role("button", name="Take theirs, drop mine").click()
    expect(desk.value("extra")).to_have_text("theirs")
    expect(desk.value("title")).to_have_text(re.compile("is waiting"))


def test_a_test_reaches_a_rule_for_tests_and_is_marked_as_one(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "tested")
    desk.go("#/campaigns/tested")
    expect(desk.shown("title")).to_be_visible()
    with tap(deployed) as tapped:
        desk.page.get_by_role("button", name="Test send").click()
        desk.page.get_by_role("button", name="Send the test").click()
        expect(desk.page.get_by_text("It is on the bus")).to_be_visible()
        pattern = json.loads(desk.page.get_by_label("the pattern for tests", exact=True).inner_text())
        ends = time.monotonic() + PATIENCE
        heard: list[dict[str, Any]] = []
        while not heard:
            assert time.monotonic() < ends
            heard = [each for each in tapped.messages() if each["detail-type"] in pattern["detail-type"]]
    assert heard[0]["detail-type"] == "Personalized Message Test"
    assert heard[0]["detail"]["metadata"]["test"] is True
    assert heard[0]["detail"]["values"] == {"title": "Ann, your white coat is waiting"}


def test_an_old_revision_becomes_the_next_one(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "rolled")
    published(deployed, "rolled", extra="a mistake")
    desk.go("#/campaigns/rolled/history")
    desk.page.locator("li", has_text="Revision 1").get_by_role("button", name="What it changed").click()
    desk.shot("14-history")
    desk.page.get_by_role("button", name="Roll back to revision 1").click()
    expect(desk.page.get_by_role("alert")).to_contain_text("values.extra is gone")  # what reads messages may rely on it
    desk.page.get_by_role("button", name="Roll back to revision 1").click()
    expect(desk.page.locator(".head").get_by_text("Live · revision 3")).to_be_visible()
    assert campaigns(deployed).get("rolled").source == campaigns(deployed).get("rolled", 1).source


def test_a_paused_campaign_says_so_and_goes_on_when_it_is_resumed(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "paused")
    desk.go("#/campaigns/paused")
    desk.page.get_by_role("button", name="Pause", exact=True).click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Pause", exact=True).click()
    expect(desk.page.get_by_text("Paused · revision 1")).to_be_visible()
    assert campaigns(deployed).get("paused").plan.paused
    desk.page.get_by_role("button", name="Resume", exact=True).click()
    expect(desk.page.get_by_text("Live · revision 1")).to_be_visible()


def test_markup_in_a_products_name_is_shown_as_text(deployed: Deployment, desk: Desk) -> None:
    product = "<script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
    published(deployed, "marked-up")
    send(deployed, {"user": "mallory", "event": "marked-up added", "product_name": product})
    desk.go("#/campaigns/marked-up")
    desk.page.get_by_label("product", exact=True).fill(product)
    expect(desk.shown("title")).to_have_text(f"Ann, your {product} is waiting")
    desk.shot("15-markup")
    desk.page.get_by_role("button", name="JSON").click()
    expect(desk.page.get_by_label("the event", exact=True)).to_contain_text(product)
    watched(deployed, "mallory")
    desk.go("#/users/mallory")
    expect(desk.page.get_by_role("heading", name=product)).to_be_visible()
    assert desk.page.locator("img, main script").count() == 0
    assert "taken" not in desk.page.title()
