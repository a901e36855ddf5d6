"""Nothing is lost, and nothing overwritten: each test is of something that once went wrong."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from holdfast.aws.tables.campaigns import UnknownCampaign
from holdfast.aws.tables.catalog import Catalogs
from holdfast.core.catalog.csv_file import Row
from holdfast_cli.campaigns import campaigns
from holdfast_cli.stack import Deployment
from tests.browser.conftest import PASSWORD, SitDown
from tests.browser.desk import Desk
from tests.browser.upstream import published
from tests.eventually import eventually

WAITING = re.compile("is waiting")


def in_yaml(desk: Desk, found: str, written: str) -> None:
    """Replace some of the file, in the YAML view, as by typing."""
    desk.page.get_by_role("button", name="YAML", exact=True).click()
    desk.page.get_by_label("The campaign as YAML").click()
    text = source(desk)
    assert found in text
    desk.press("Control+a")
    desk.page.keyboard.insert_text(text.replace(found, written, 1))


def source(desk: Desk) -> str:
    lines: list[str] = desk.page.locator(".yaml .cm-line").all_inner_texts()
    return "\n".join(line.rstrip("\n") for line in lines)


def as_form(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Form", exact=True).click()


# --- Over another campaign. -------------------------------------------------------------------------------------------


def test_the_id_of_a_live_campaign_cannot_become_another_ones(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "fixed-a")
    other = published(deployed, "fixed-b")
    desk.go("#/campaigns/fixed-a")
    expect(desk.shown("title")).to_be_visible()
    in_yaml(desk, "id: fixed-a", "id: fixed-b")
    expect(desk.page.locator(".yaml + .mistake, .edit .mistake").first).to_contain_text("stays as it is: fixed-a")
    desk.press("Control+s")
    expect(desk.page.get_by_text("still to fix")).to_be_visible()
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    assert (campaigns(deployed).get("fixed-b").source, campaigns(deployed).get("fixed-b").plan.revision) == (other, 1)


def test_a_new_campaigns_id_follows_its_name_and_is_none_that_is_taken(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "taken")
    desk.go("#/campaigns/new")
    named = desk.page.get_by_label("Id of the campaign", exact=True)
    desk.page.get_by_label("Name of the campaign", exact=True).fill("Taken")
    expect(named).to_have_value("taken-2")
    named.fill("taken")
    expect(desk.page.locator(".head .mistake")).to_contain_text("this id belongs to “taken, by file”")
    expect(desk.page.get_by_role("link", name="Open that campaign")).to_be_visible()
    desk.page.get_by_label("Name of the campaign", exact=True).fill("Taken again")
    expect(named).to_have_value("taken")  # somebody wrote it
    desk.press("Control+s")
    expect(desk.page.get_by_text("still to fix")).to_be_visible()
    expect(named).to_be_focused()


def test_a_new_campaign_whose_id_was_taken_meanwhile_overwrites_nothing(
    deployed: Deployment, desk: Desk, account: Callable[[str], str]
) -> None:
    before = published(deployed, "meanwhile")

    def nobody_yet(route: Route) -> None:
        route.fulfill(body=json.dumps({"campaigns": []}), content_type="application/json")

    desk.page.route("**/api/campaigns", nobody_yet)
    desk.sign_in(account("editor"), PASSWORD)
    desk.go("#/campaigns/new")
    expect(desk.page.get_by_label("Id of the campaign", exact=True)).to_be_visible()
    desk.page.get_by_role("button", name="YAML", exact=True).click()
    desk.page.get_by_label("The campaign as YAML").click()
    desk.press("Control+a")
    desk.page.keyboard.insert_text(before.replace("is waiting", "is mine"))
    desk.press("Control+s")
    expect(desk.page.get_by_role("heading", name="This id is taken")).to_be_visible()
    expect(desk.page.get_by_role("dialog")).to_contain_text("belongs to “meanwhile, by file”")
    expect(desk.page.get_by_role("button", name="Keep mine, and review")).to_have_count(0)
    desk.page.get_by_role("button", name="Choose another id").click()
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    assert campaigns(deployed).get("meanwhile").source == before


# --- A page that stays whole. -----------------------------------------------------------------------------------------


def test_a_text_that_cannot_be_read_breaks_no_page_and_can_be_discarded(
    deployed: Deployment, desk: Desk, account: Callable[[str], str]
) -> None:
    published(deployed, "unread")
    desk.go("#/campaigns/unread")
    expect(desk.shown("title")).to_be_visible()
    in_yaml(desk, "id: unread", "note: *bo\nid: unread")
    expect(desk.page.locator(".edit .mistake").first).to_contain_text("*bo refers to an anchor that is not there")
    as_form(desk)
    expect(desk.page.get_by_text("The form waits until it can")).to_be_visible()
    desk.go("#/campaigns")
    desk.sign_in(account("editor"), PASSWORD)
    desk.go("#/campaigns/unread")
    expect(desk.page.locator(".edit .mistake").first).to_contain_text("*bo")
    desk.page.get_by_role("button", name="Discard").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    as_form(desk)
    expect(desk.value("title")).to_have_text(WAITING)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "".join(
                f"{after}: &{after} [{', '.join([f'*{before}'] * 8)}]\n"
                for before, after in ("ab", "bc", "cd", "de", "ef")
            ),
            "aliases",
        ),
        (f"deep: {'[' * 300}\n", "nested more than 50 levels deep"),
        (f"long: {'x' * 200_000}\n", "longer than 200,000 characters"),
    ],
    ids=["aliases", "depth", "size"],
)
def test_a_text_beyond_the_bounds_is_refused_with_its_line_and_the_page_goes_on(
    deployed: Deployment, desk: Desk, written: str, said: str
) -> None:
    published(deployed, "bounded")
    desk.go("#/campaigns/bounded")
    expect(desk.shown("title")).to_be_visible()
    in_yaml(desk, "id: bounded", f"a: &a [x, x, x, x, x, x, x, x]\n{written}id: bounded")
    expect(desk.page.locator(".edit .mistake").first).to_contain_text(said)
    as_form(desk)
    expect(desk.page.get_by_text("The form waits until it can")).to_be_visible()
    desk.press("Control+s")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    desk.page.get_by_role("button", name="Discard").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    as_form(desk)
    expect(desk.value("title")).to_have_text(WAITING)


def test_an_error_of_the_page_shows_the_text_and_a_way_out(
    deployed: Deployment, desk: Desk, account: Callable[[str], str]
) -> None:
    published(deployed, "erring")
    desk.go("#/campaigns/erring")
    desk.write("title", "What I wrote")
    expect(desk.shown("title")).to_have_text("What I wrote")
    desk.go("#/campaigns")
    expect(desk.page.get_by_role("heading", name="Campaigns")).to_be_visible()

    def wrong(route: Route) -> None:
        """As no release answers, but something between might."""
        route.fulfill(body=json.dumps({"id": "erring", "source": "id: erring\n"}), content_type="application/json")

    desk.page.route("**/api/campaigns/erring", wrong)
    desk.sign_in(account("editor"), PASSWORD)
    desk.go("#/campaigns/erring/history")
    expect(desk.page.get_by_role("heading", name="This page could not be shown")).to_be_visible()
    expect(desk.page.get_by_label("The text of the draft", exact=True)).to_contain_text("What I wrote")
    desk.shot("40-broken")
    desk.page.unroute("**/api/campaigns/erring")
    desk.go("#/campaigns")
    expect(desk.page.get_by_role("heading", name="Campaigns")).to_be_visible()
    desk.complaints.clear()  # what the page said of it to whoever opens the browser's tools


def test_an_address_that_is_cut_off_leads_somewhere(desk: Desk) -> None:
    desk.go("#/users/%E0%A4%A")
    expect(desk.page.get_by_role("heading", name="User %E0%A4%A")).to_be_visible()
    expect(desk.page.get_by_text("This user is not known")).to_be_visible()


# --- Drafts. ----------------------------------------------------------------------------------------------------------


def test_a_draft_outlives_its_tab_and_is_seen_in_another(deployed: Deployment, desk: Desk, account: Any) -> None:
    published(deployed, "lasting")
    desk.go("#/campaigns/lasting")
    desk.write("title", "Not yet published")
    expect(desk.shown("title")).to_have_text("Not yet published")
    other = Desk(desk.page.context.new_page(), desk.address, None)
    desk.page.close()
    sign_in_again(other.page, other.address, account("editor"))
    other.go("#/campaigns/lasting")
    expect(other.value("title")).to_have_text("Not yet published")


def sign_in_again(page: Page, address: str, name: str) -> None:
    page.goto(address)
    if page.get_by_label("Username").or_(page.get_by_role("link", name="Holdfast")).first.get_attribute("href") is None:
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Holdfast")).to_be_visible()


def test_several_new_campaigns_are_begun_and_one_is_discarded(desk: Desk) -> None:
    for name in ("First of two", "Second of two"):
        desk.go("#/campaigns/new")
        desk.page.get_by_label("Name of the campaign", exact=True).fill(name)
        expect(desk.page.get_by_role("heading", name=name)).to_be_attached()
        desk.go("#/campaigns")
        expect(desk.page.get_by_role("link", name=name)).to_be_visible()
    drafts = desk.page.get_by_role("region", name="Drafts in this browser").get_by_role("listitem")
    first = drafts.filter(has_text="First of two")
    first.get_by_role("button", name="Discard").click()
    expect(first).to_have_count(0)
    desk.page.get_by_role("button", name="Undo").click()
    expect(first).to_have_count(1)
    desk.page.get_by_role("link", name="Second of two").click()
    expect(desk.page.get_by_label("Name of the campaign", exact=True)).to_have_value("Second of two")


# --- One pair is not another. -----------------------------------------------------------------------------------------


def test_undo_gives_a_pair_its_own_text_back_wherever_it_has_moved(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "moved", price="{{ Event.price | default: 1 }}")
    desk.go("#/campaigns/moved")
    desk.value("title").click()
    desk.press("Control+End")
    desk.type(" now")
    expect(desk.value("title")).to_have_text(re.compile("now$"))
    desk.page.get_by_role("button", name="Move title down").click()
    expect(desk.page.locator(".key-input").first).to_have_value("price")
    desk.value("price").click()
    desk.press("Control+z")
    expect(desk.page.locator(".key-input").first).to_have_value("title")  # the move is taken back
    desk.press("Control+z")
    expect(desk.value("title")).to_have_text(WAITING)
    expect(desk.value("title")).not_to_have_text(re.compile("now$"))
    expect(desk.value("price")).to_have_text("{{ Event.price | default: 1 }}")
    desk.press("Control+y", "Control+y")
    expect(desk.page.locator(".key-input").first).to_have_value("price")
    expect(desk.value("title")).to_have_text(re.compile("now$"))


def test_a_default_that_is_asked_for_goes_to_its_pair_though_that_is_moved(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "asked", cta="Buy")
    item = {"insert": "Profile.first_name", "label": "first_name", "note": "string"}
    groups = {"groups": [{"group": "User properties", "items": [item]}]}
    desk.page.route(
        "**/api/suggestions", lambda route: route.fulfill(body=json.dumps(groups), content_type="application/json")
    )
    desk.go("#/campaigns/asked")
    desk.value("cta").click()
    desk.press("Control+End")
    desk.type(" {{ Profile.first_")
    desk.page.get_by_role("option", name="first_name").first.click()
    question = desk.page.get_by_role("group", name="Default for first_name")
    expect(question).to_be_visible()
    desk.page.get_by_role("button", name="Move cta up").click()
    question.get_by_role("textbox").fill("friend")
    question.get_by_role("button", name="Use it").click()
    expect(desk.value("cta")).to_have_text(re.compile(r'Buy \{\{ Profile.first_name \| default: "friend" \}\}'))
    expect(desk.value("title")).to_have_text(WAITING)


# --- Nobody sees another user's message. ------------------------------------------------------------------------------


def test_a_preview_for_somebody_unknown_shows_nobody_elses(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "private")
    desk.go("#/campaigns/private")
    expect(desk.shown("title")).to_have_text("Ann, your white coat is waiting")
    desk.page.get_by_role("button", name="A user you have").click()
    desk.page.get_by_label("User id").fill("nobody-here")
    desk.press("Enter")
    expect(desk.page.get_by_text("Nothing is known of the user nobody-here")).to_be_visible()
    expect(desk.shown("title")).to_have_count(0)
    expect(desk.page.get_by_text("Goes on the bus")).to_have_count(0)
    desk.shot("41-preview-of-nobody")


# --- The menus. -------------------------------------------------------------------------------------------------------


def test_the_menu_button_writes_nothing_by_itself(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "buttoned", price="It costs")
    desk.go("#/campaigns/buttoned")
    desk.value("price").click()
    desk.press("Control+End")
    button = desk.page.get_by_role("button", name="Insert a property into Value of price")
    button.click()
    expect(desk.page.get_by_role("option", name="matched across")).to_be_visible()
    expect(desk.value("price")).to_have_text("It costs")
    desk.press("Escape")
    expect(desk.page.get_by_role("option", name="matched across")).to_have_count(0)
    expect(desk.value("price")).to_have_text("It costs")
    button.click()
    desk.page.get_by_role("option", name="matched across").click()
    expect(desk.value("price")).to_have_text("It costs{{ ConstantEventProperty }}")
    desk.page.get_by_role("button", name="Insert a recommendation into Value of price").click()
    expect(desk.page.get_by_text("There are no recommendations yet")).to_be_visible()
    expect(desk.value("price")).to_have_text("It costs{{ ConstantEventProperty }}")


def test_a_column_of_a_catalog_by_mouse_asks_which_row(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "looked-up")
    now = int(time.time() * 1000)
    table = Catalogs(deployed.client("dynamodb"), deployed.outputs["CatalogTableName"])
    importing = table.importer("shop", ("Identity", "Name", "List price"), (("Name",),), now, "me", lambda: now)
    (done,) = importing.run([Row(1, 1, 1, {"Identity": "1", "Name": "white coat", "List price": "89"})])
    importing.finish(done.counts)
    desk.go("#/campaigns/looked-up")
    expect(desk.shown("title")).to_be_visible()
    desk.page.get_by_role("button", name="Key-Value Pair").click()
    desk.type("price")
    desk.page.get_by_role("button", name="Insert a property into Value of price").click()
    desk.page.get_by_role("option", name="List price").click()
    question = desk.page.get_by_role("group", name="Which row of shop?")
    expect(question.get_by_label("Column of shop", exact=True)).to_have_value("Name")
    expect(question.get_by_label("Property of the event", exact=True)).to_have_value("product_name")
    desk.shot("42-which-row")
    question.get_by_role("button", name="Look it up").click()
    expect(desk.shown("price")).to_have_text("89")
    expect(desk.page.locator(".lookups")).to_contain_text("shop: Name = product_name")
    desk.page.get_by_role("button", name="YAML", exact=True).click()
    looked_up = "catalogs:\n  shop:\n    Name: product_name\n"
    assert looked_up in eventually(lambda: source(desk), lambda text: looked_up in text)


# --- Two people. ------------------------------------------------------------------------------------------------------


def test_who_comes_back_to_a_tab_learns_that_somebody_else_published(deployed: Deployment, sit_down: SitDown) -> None:
    published(deployed, "shared")
    ann, ben = sit_down(), sit_down()
    for desk in (ann, ben):
        desk.go("#/campaigns/shared")
        expect(desk.page.get_by_text("Live · revision 1")).to_be_visible()
    ben.write("title", "Ben's own")
    ann.write("title", "What Ann wrote")
    expect(ann.shown("title")).to_have_text("What Ann wrote")
    ann.press("Control+s")
    ann.page.get_by_label("Why?").fill("for the sale")
    ann.page.get_by_role("button", name="Publish revision 2").click()
    expect(ann.page.get_by_text("Live · revision 2")).to_be_visible()

    ben.page.wait_for_timeout(2100)  # what is as new as that is not asked for again
    ben.page.evaluate("dispatchEvent(new Event('focus'))")
    expect(ben.page.get_by_text("Revision 2 was published by editor-of-all since you began")).to_be_visible()
    expect(ben.value("title")).to_have_text("Ben's own")

    ann.go("#/campaigns/shared/history")
    newest = ann.page.get_by_role("listitem").filter(has_text="Revision 2")
    expect(newest).to_contain_text("by editor-of-all")
    expect(newest).to_contain_text("for the sale")
    ann.go("#/activity")
    line = ann.page.get_by_role("listitem").filter(has_text="published revision 2 of shared")
    expect(line).to_contain_text("editor-of-all")
    ann.shot("43-activity")


def test_a_tab_that_stays_open_asks_again_by_itself(
    deployed: Deployment, desk: Desk, account: Callable[[str], str]
) -> None:
    desk.page.clock.install()
    published(deployed, "polled")
    desk.sign_in(account("editor"), PASSWORD)
    desk.go("#/campaigns/polled")
    expect(desk.page.get_by_text("Live · revision 1")).to_be_visible()
    published(deployed, "polled", extra="theirs")
    desk.page.clock.fast_forward(31_000)
    expect(desk.page.get_by_text("Live · revision 2")).to_be_visible()
    expect(desk.value("extra")).to_have_text("theirs")


# --- Taken back, and asked before. ------------------------------------------------------------------------------------


def test_what_is_removed_or_discarded_comes_back(deployed: Deployment, desk: Desk) -> None:
    before = published(deployed, "removed", price="1")
    desk.go("#/campaigns/removed")
    expect(desk.shown("title")).to_be_visible()
    desk.page.get_by_role("button", name="Remove removed charged").click()
    expect(desk.page.get_by_label("Property of removed charged", exact=True)).to_have_count(0)
    desk.page.get_by_role("button", name="Undo").last.click()
    expect(desk.page.get_by_label("Property of removed charged", exact=True)).to_have_value("Items[].prod_name")
    desk.page.get_by_role("button", name="Remove price").click()
    expect(desk.page.locator(".pair")).to_have_count(1)
    desk.page.locator("h2", has_text="Message").click()
    desk.press("Control+z")
    expect(desk.value("price")).to_have_text("1")
    desk.write("title", "An hour's work")
    expect(desk.shown("title")).to_have_text("An hour's work")
    desk.page.get_by_role("button", name="Discard").click()
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Discard").click()
    expect(desk.value("title")).to_have_text(WAITING)
    desk.page.locator(".toast").get_by_role("button", name="Undo").last.click()
    expect(desk.value("title")).to_have_text("An hour's work")
    assert campaigns(deployed).get("removed").source == before


# --- It stays quick. --------------------------------------------------------------------------------------------------


def test_a_template_that_once_took_minutes_is_shown_at_once(deployed: Deployment, desk: Desk) -> None:
    words = " ".join(f"word{number}" for number in range(20))
    published(deployed, "quick", body=" ".join(["{{ Profile.first_name -}} " + words] * 8))
    desk.go("#/campaigns/quick")
    expect(desk.shown("body")).to_have_text(re.compile("word19"))
    desk.value("body").click()
    desk.press("Control+End")
    started = time.monotonic()
    desk.type(" and more")
    expect(desk.shown("body")).to_have_text(re.compile("and more$"))
    assert time.monotonic() - started < 20  # nine letters, each of which once took seconds


def test_a_campaign_is_deleted_after_a_question_and_its_draft_is_kept(deployed: Deployment, desk: Desk) -> None:
    published(deployed, "over")
    desk.go("#/campaigns/over")
    expect(desk.shown("title")).to_be_visible()
    desk.write("title", "not published yet")
    expect(desk.page.get_by_text("Changes not published")).to_be_visible()
    desk.page.get_by_role("button", name="Delete", exact=True).click()
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Delete “over, by file”?")).to_be_visible()
    expect(dialog).to_contain_text("There is no Undo.")
    assert desk.focused == "Cancel"  # Enter deletes nothing
    desk.press("Enter")
    expect(dialog).to_have_count(0)
    assert campaigns(deployed).get("over").plan.revision == 1

    desk.page.get_by_role("button", name="Delete", exact=True).click()
    dialog.get_by_label("Why? (a note for the history)").fill("the sale is over")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(desk.page.get_by_role("heading", name="Campaigns", exact=True)).to_be_visible()
    expect(desk.page.get_by_role("link", name="over, by file")).to_have_count(1)  # the draft's
    with pytest.raises(UnknownCampaign):
        campaigns(deployed).get("over")
    desk.go("#/activity")
    line = desk.page.locator("li", has_text="deleted over")
    expect(line).to_contain_text("the sale is over")
    expect(line).to_contain_text("editor-of-all")

    desk.go("#/campaigns/over")  # an old link
    desk.page.get_by_role("link", name="Go on with what you have not published").click()
    expect(desk.shown("title")).to_have_text("not published yet")
    desk.press("Control+s")
    desk.page.get_by_role("button", name="Publish revision").click()
    expect(desk.page.get_by_text("is live.")).to_be_visible()
    assert "not published yet" in campaigns(deployed).get("over").source
