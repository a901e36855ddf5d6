"""What stands between due and sent, as a marketer does it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Policies
from holdfast.core.authoring.policy import Policy
from holdfast.core.authoring.text import parse
from holdfast.services import policies
from holdfast_cli.stack import Deployment
from tests.browser.conftest import SitDown
from tests.browser.desk import Desk


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
