"""The rules between due and sent, as a marketer does it: written, previewed, published, and read in the report."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Policies
from holdfast.aws.tables.statistics import Statistics
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.policy import Policy
from holdfast.core.authoring.text import parse
from holdfast.core.gate.chance import in_control
from holdfast.core.gate.policy import Cap
from holdfast.core.measure.report import DAY_MS
from holdfast.core.messages.scores import Arm, Score
from holdfast.core.messages.statistics import days
from holdfast.services import policies
from holdfast.services.user_data import read_user
from holdfast_cli.campaigns import campaigns, publish_one
from holdfast_cli.stack import Deployment
from holdfast_cli.users import users
from holdfast_cli.watching import tap
from tests.browser.conftest import SitDown
from tests.browser.desk import Desk
from tests.browser.upstream import SOURCE, send, until

RULED = SOURCE.format(id="ruled").replace("30 minutes", "1 second\n  settle: 0 seconds")
TREATED, HELD_BACK = (
    next(user for user in (f"user-{number}" for number in range(99)) if in_control(0.5, user, "ruled") is held_back)
    for held_back in (False, True)
)


def test_rules_are_written_previewed_published_and_read_in_the_report(deployed: Deployment, desk: Desk) -> None:
    publish_one(campaigns(deployed), Campaign.model_validate(parse(RULED).data), RULED)
    desk.go("#/campaigns/ruled")
    expect(desk.shown("title")).to_be_visible()
    by_keyboard(desk)
    by_mouse(desk)
    plan = campaigns(deployed).get("ruled").plan
    rules, convert = plan.rules, plan.convert
    assert (rules.audience, rules.control, rules.hours) == ("Profile.country == 'DE'", 0.5, None)
    assert (rules.per_user, dict(rules.variants)) == ((Cap(3, DAY_MS),), {"a": 1, "b": 2})
    assert convert
    assert (convert.amount, convert.currency, convert.within) == ("price", "'EUR'", 7 * DAY_MS)
    what_follows(deployed)
    read_the_report(desk)


def by_keyboard(desk: Desk) -> None:
    """An audience, a control group, and what a conversion is."""
    notice = desk.page.get_by_text("it would be withheld: audience")
    desk.tab_to("For whom, and when")
    desk.press("Enter")
    desk.tab_to("Only users for whom")
    desk.type("Profile.country == 'DE'")
    desk.press("Enter")
    expect(notice).to_be_visible()
    desk.shot("50-audience")
    desk.tab_to("Profile.country")
    desk.press("Control+a")
    desk.type("DE")
    expect(notice).to_have_count(0)
    expect(desk.page.get_by_text("Goes on the bus")).to_be_visible()
    desk.tab_to("Does it work?", back=True)
    desk.press("Enter")
    desk.tab_to("Control group")
    desk.type("50")
    desk.press("Enter")
    expect(desk.page.get_by_text("'50' is not a share of users")).to_be_visible()
    desk.type("%")
    desk.press("Enter")
    expect(desk.page.get_by_text("is not a share of users")).to_have_count(0)
    desk.tab_to("Count conversions")
    desk.press("Enter")
    expect(desk.page.get_by_label("Event that converts", exact=True)).to_be_focused()
    desk.press("Escape")
    desk.tab_to("Amount")
    desk.type("price")
    desk.press("Enter")
    desk.tab_to("Currency")
    desk.type("'EUR'")
    desk.press("Control+s")
    expect(desk.page.get_by_role("button", name="Publish revision 2")).to_be_focused()
    desk.press("Enter")
    expect(desk.page.get_by_text("Live · revision 2")).to_be_visible()


def by_mouse(desk: Desk) -> None:
    """A cap, two variants, and hours that are taken away again."""
    page = desk.page
    page.get_by_text("How often", exact=True).click()
    page.get_by_role("button", name="Cap the messages to a user").click()
    page.get_by_label("Most messages to a user").fill("3")
    page.get_by_role("button", name="Only in certain hours").click()
    expect(page.get_by_label("Hours begin at")).to_be_focused()
    saturday = page.get_by_role("group", name="Days of the week").get_by_role("button", name="Sat")
    saturday.click()
    expect(saturday).to_have_attribute("aria-pressed", "false")
    desk.shot("51-rules")
    page.get_by_role("button", name="Remove the hours").click()
    expect(page.get_by_role("button", name="Only in certain hours")).to_be_focused()
    page.get_by_role("button", name="Compare variants of the message").click()
    page.get_by_label("Weight of variant b").fill("2")
    value = page.get_by_label("Value of title in variant b", exact=True)
    value.click()
    desk.press("Control+a")
    desk.type("Still there?")
    page.get_by_label("Value of title in variant a", exact=True).click()
    desk.press("Control+a")
    desk.type("Still there!")
    expect(desk.shown("title")).to_have_text("Still there!")
    expect(page.get_by_text("This user gets variant a.")).to_be_visible()
    desk.shot("52-variants")
    page.get_by_role("button", name="Publish…").click()
    page.get_by_role("button", name="Publish revision 3").click()
    expect(page.get_by_text("Live · revision 3")).to_be_visible()


def what_follows(deployed: Deployment) -> None:
    """Two users add a coat; the one who gets a message buys it then."""
    with tap(deployed) as tapped:
        send(deployed, *({"user": user, "profile": {"country": "DE"}} for user in (TREATED, HELD_BACK)))
        until(lambda: all(read_user(users(deployed), user).properties for user in (TREATED, HELD_BACK)))
        send(
            deployed,
            *({"user": user, "event": "ruled added", "product_name": "coat"} for user in (TREATED, HELD_BACK)),
        )
        until(lambda: any(each["detail-type"] == "Personalized Message" for each in tapped.messages()))
        until(lambda: any(arm.group == "control" and score.messages for arm, score in _scores(deployed)))
        bought = {"event": "ruled charged", "Items": [{"prod_name": "coat"}], "price": 40.5}
        send(deployed, {"user": TREATED, **bought})
        until(lambda: any(score.converted for _, score in _scores(deployed)))


def _scores(deployed: Deployment) -> Iterator[tuple[Arm, Score]]:
    table = Statistics(deployed.client("dynamodb"), deployed.outputs["CampaignsTableName"])
    first, *_, last = days(now_ms(), 2)
    for of in table.outcomes.read(["ruled"], first, last)["ruled"].values():
        yield from of.items()


def read_the_report(desk: Desk) -> None:
    page = desk.page
    page.get_by_role("link", name="Report", exact=True).click()
    followed = page.get_by_role("region", name="What followed").locator("tbody tr")
    expect(followed.filter(has_text="Messages")).to_contain_text("40.50 EUR")
    expect(followed.filter(has_text="control group")).to_contain_text("0.00")
    whole = page.get_by_role("region", name="All messages, against the control group", exact=True)
    expect(whole).to_contain_text("Not yet: no user of each group whose time to convert is over.")
    expect(whole).to_contain_text("A plain dashboard would say: nothing yet.")
    desk.shot("53-report")
    page.get_by_role("button", name="Control group", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_text([HELD_BACK])
    desk.press("Escape")
    page.get_by_role("button", name="Users skipped: control group").click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_text([HELD_BACK])
    desk.press("Escape")
    page.locator("main h1").focus()
    desk.tab_to("Converted")
    desk.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_text([TREATED])
    desk.tab_to(TREATED)
    desk.press("Enter")
    expect(page.get_by_role("heading", name=f"User {TREATED}")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.go_back()
    page.locator("main h1").focus()
    desk.tab_to("Conversions as CSV")
    with page.expect_download() as download:
        desk.press("Enter")
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert {(row["campaign"], row["group"], row["converted"], row["amount"], row["currency"]) for row in rows} >= {
        ("ruled", "", "1", "40.5", "EUR")
    }
    assert sum(int(row["messages"]) for row in rows if row["group"] == "control") == 1


@pytest.fixture
def published_policies(deployed: Deployment) -> Policies:
    return Policies(deployed.client("dynamodb"), deployed.outputs["CampaignsTableName"])


def test_the_policy_is_written_published_and_rolled_back(published_policies: Policies, sit_down: SitDown) -> None:
    desk = sit_down()
    page = desk.page
    page.get_by_role("link", name="Policy").click()
    expect(page.get_by_role("heading", name="Policy", exact=True)).to_be_visible()
    expect(page.get_by_text("nothing holds for all campaigns")).to_be_visible()
    written(desk, "zone: Europe/Berln")
    expect(page.locator("p.mistake")).to_contain_text("did you mean 'Europe/Berlin'?")
    desk.press("Control+s")
    expect(page.get_by_text("still to fix")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    written(desk, "zone: Europe/Berlin")
    expect(page.locator("p.mistake")).to_have_count(0)
    desk.press("Control+s")
    expect(page.get_by_role("button", name="Publish revision 1")).to_be_focused()
    desk.press("Enter")
    expect(page.get_by_text("Revision 1 of the policy is live.")).to_be_visible()

    written(desk, "zone: Europe/Paris")
    expect(page.get_by_text("Changes not published")).to_be_visible()
    desk.press("Control+s")
    expect(page.locator("dialog ins")).to_have_text("zone: Europe/Paris")
    by_file(published_policies, "zone: Europe/Rome\n")
    page.get_by_role("button", name="Publish revision 2").click()
    expect(page.get_by_role("dialog")).to_contain_text("Revision 2 was published by somebody meanwhile.")
    expect(page.locator("dialog del")).to_have_text("zone: Europe/Rome")
    desk.shot("54-policy-raced")
    assert zone(published_policies) == "Europe/Rome"
    page.get_by_role("button", name="Publish revision 3").click()
    expect(page.get_by_text("Live · revision 3")).to_be_visible()
    assert zone(published_policies) == "Europe/Paris"

    page.locator("li", has_text="Revision 1").get_by_role("button", name="What it changed").click()
    page.get_by_role("button", name="Roll back to revision 1").click()
    expect(page.get_by_text("Live · revision 4")).to_be_visible()
    assert zone(published_policies) == "Europe/Berlin"
    desk.go("#/activity")
    expect(page.get_by_role("link", name="rolled back policy: revision 4")).to_have_attribute("href", "#/policy")

    viewer = sit_down("viewer")
    viewer.go("#/policy")
    expect(viewer.page.get_by_label("The policy as YAML", exact=True)).to_contain_text("Europe/Berlin")
    expect(viewer.page.get_by_role("button", name="Publish…")).to_have_count(0)


def written(desk: Desk, text: str) -> None:
    desk.page.get_by_label("The policy as YAML", exact=True).click()
    desk.press("Control+a")
    desk.page.keyboard.insert_text(text)


def by_file(table: Policies, text: str) -> None:
    live = table.live_one()
    assert live
    policies.publish(table, Policy.model_validate(parse(text).data), text, now_ms(), by="somebody")


def zone(table: Policies) -> str:
    live = table.live_one()
    assert live
    return live.plan.zone
