"""The story this is made for, told by keyboard: from an empty system to a message on a rule's target."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import expect

from holdfast_cli.stack import Deployment
from holdfast_cli.watching import tap
from tests.browser.conftest import SitDown
from tests.browser.desk import Desk
from tests.browser.upstream import PATIENCE, seen, send


def test_from_an_empty_system_to_a_message_on_a_rules_target_by_keyboard_alone(
    deployed: Deployment, sit_down: SitDown
) -> None:
    send(
        deployed,
        {"user": "zoe", "profile": {"first_name": "Zoe", "email": "zoe@example.com", "city": "Paris"}},
        {"user": "zoe", "event": "added to cart", "product_name": "red hat", "price": 20.0},
        {"user": "zoe", "event": "charged", "Items": [{"prod_name": "red hat", "price": 20.0}]},
    )
    seen(deployed, "added to cart", "charged")
    desk = sit_down()
    expect(desk.page.get_by_role("heading", name="No campaign yet")).to_be_visible()
    desk.shot("01-empty")

    say_who(desk)
    hold_constant(desk)
    write(desk)
    publish(desk)
    message = what_the_target_gets(deployed)
    assert message["values"] == {"title": "Zoe, your white coat is waiting", "price": "89.5"}
    assert message["constant"] == {"name": "product", "value": "white coat"}
    look_at_the_story(desk)


def say_who(desk: Desk) -> None:
    desk.tab_to("Write the first one")
    desk.press("Enter")
    expect(desk.page.get_by_role("heading", name="Nothing to show yet")).to_be_visible()
    desk.tab_to("Name of the campaign")
    desk.press("Control+a")
    desk.type("Abandoned cart")
    desk.tab_to("Id of the campaign")
    expect(desk.page.get_by_label("Id of the campaign")).to_have_value("abandoned-cart")
    desk.tab_to("Event that the user did")
    desk.choose("added", "added to cart")
    desk.tab_to("Event that the user did not do")
    desk.choose("char", "charged")
    desk.tab_to("Within")
    desk.press("Control+a")
    desk.type("5 seconds")
    desk.press("Enter")
    desk.shot("02-who")


def hold_constant(desk: Desk) -> None:
    desk.tab_to("Property of added to cart")
    desk.choose("prod", "product_name")
    desk.tab_to("Property of charged")
    desk.choose("Items", "Items[].prod_name")
    desk.tab_to("Check it with sample events")
    desk.press("Enter")
    expect(desk.page.get_by_text("they match")).to_be_visible()
    desk.shot("03-hold-constant")


def write(desk: Desk) -> None:
    desk.tab_to("Value of title")
    desk.type("@first")
    expect(desk.page.get_by_role("option", name="first_name")).to_be_visible()
    desk.shot("04-menu")
    desk.press("Enter")
    expect(desk.page.get_by_role("group", name="Default for first_name")).to_be_visible()
    desk.shot("05-a-default-is-asked-for")
    desk.type("Hi")
    desk.press("Enter")
    desk.type(", your {{Const")
    expect(desk.page.get_by_role("option", name="matched across")).to_be_visible()
    desk.press("Enter")
    desk.type(" is waiting")
    expect(desk.shown("title")).to_have_text("Ann, your white coat is waiting")
    expect(desk.shown("title").locator("mark.of-profile")).to_have_text("Ann")
    expect(desk.shown("title").locator("mark.of-constant")).to_have_text("white coat")

    desk.tab_to("Key-Value Pair")
    desk.press("Enter")
    expect(desk.page.locator(".key-input").last).to_be_focused()
    desk.type("price")
    desk.tab_to("Value of price")
    desk.type("@price")
    expect(desk.page.get_by_role("option", name="price")).to_be_visible()
    desk.press("Enter", "Escape")
    expect(desk.shown("price")).to_have_text("89.5")
    desk.press("Alt+ArrowUp")
    expect(desk.page.locator(".key-input").first).to_have_value("price")
    desk.press("Alt+ArrowDown")
    desk.tab_to("Filters and timing")
    desk.press("Enter")
    desk.tab_to("Wait at least")
    desk.type("0 seconds")
    desk.press("Enter")
    desk.shot("06-what")


def publish(desk: Desk) -> None:
    desk.press("Control+s")
    expect(desk.page.get_by_role("button", name="Publish revision 1")).to_be_focused()
    desk.shot("07-publish")
    desk.press("Enter")
    expect(desk.page.get_by_text("Live · revision 1")).to_be_visible()


def what_the_target_gets(deployed: Deployment) -> dict[str, Any]:
    with tap(deployed) as tapped:
        records: list[dict[str, Any]] = [
            {"user": "zoe", "event": "added to cart", "product_name": "white coat", "price": 89.5},
            {"user": "zoe", "event": "added to cart", "product_name": "blue scarf", "price": 12.0},
            {"user": "zoe", "event": "charged", "Items": [{"prod_name": "blue scarf"}]},
        ]
        send(deployed, records)  # one message: the purchase is folded before what it ends is due
        ends = time.monotonic() + PATIENCE
        heard: list[dict[str, Any]] = []
        while not heard:
            assert time.monotonic() < ends
            heard = [event for event in tapped.messages() if event["detail-type"] == "Personalized Message"]
    detail: dict[str, Any] = heard[0]["detail"]
    return detail


def look_at_the_story(desk: Desk) -> None:
    desk.press("Control+k")
    expect(desk.page.get_by_role("combobox", name="Go to a campaign, a user, a queue")).to_be_focused()
    desk.type("zoe")
    desk.shot("08-go-to")
    desk.press("Enter")
    expect(desk.page.get_by_role("heading", name="User zoe")).to_be_visible()
    expect(desk.page.locator("article", has_text="white coat").locator(".pill")).to_have_text("Sent")
    expect(desk.page.locator("article", has_text="blue scarf").locator(".pill")).to_have_text("Did it in time")
    desk.shot("09-a-users-story")

    desk.go("#/campaigns/abandoned-cart")
    expect(desk.shown("price")).to_be_visible()
    desk.page.get_by_text("Filters and timing").click()
    desk.page.set_viewport_size({"width": 1280, "height": 960})
    desk.shot("00-picture")
