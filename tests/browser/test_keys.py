"""Keys in the editor of a busy system: no edit is lost, what is on its way looks so, and the focus goes along."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.busy import CAMPAIGN
from tests.browser.desk import Desk
from tests.browser.test_looks import SETTLED


def open_editor(desk: Desk) -> None:
    desk.go(f"#/campaigns/{CAMPAIGN}")
    expect(desk.shown("title")).to_be_visible()


def in_yaml(desk: Desk) -> str:
    """The file, once the editor has drawn all of it: until it knows its height, there is a gap in place of the rest."""
    desk.page.get_by_role("button", name="YAML", exact=True).click()
    expect(desk.page.locator(".yaml .cm-line").first).to_be_visible()
    expect(desk.page.locator(".yaml .cm-gap")).to_have_count(0)
    return "\n".join(desk.page.locator(".yaml .cm-line").all_inner_texts())


def test_edits_in_fields_that_were_not_rendered_since_lose_nothing(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy(viewport={"width": 1440, "height": 2400})
    open_editor(desk)
    desk.write("title", "First")
    desk.write("body", "Second")  # its row saw nothing of the title
    desk.page.get_by_label("Control group").fill("7%")  # nor did the rules, of any of it
    desk.press("Enter")
    desk.write("title", "Third")
    desk.page.locator(".key-input").nth(1).fill("text")
    desk.page.get_by_role("button", name="Move title down").click()
    desk.page.get_by_role("combobox", name="Another key of variant plain").click()
    desk.choose("title", "title")
    desk.page.get_by_role("button", name="Remove a_key_with_a_very_long_name_that_nobody_shortened").click()
    desk.write("text", "Fourth")
    expect(desk.shown("text")).to_have_text("Fourth")
    said = in_yaml(desk)
    assert "control: 7%" in said, said
    assert "a_key_with" not in said
    assert said.index('    text: "Fourth"') < said.index('    title: "Third"'), said
    assert "title: Third}" in said, "a variant repeats the newest text"


def test_a_preview_that_takes_long_looks_so_until_it_is_there(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    open_editor(desk)
    shown, updating = desk.page.locator(".preview .body > [aria-busy]"), desk.page.get_by_text("Updating…")
    with desk.holding("**/api/preview"):
        expect(updating).to_have_count(0)
        desk.write("title", "Slow")
        expect(updating).to_be_visible()
        expect(shown).to_have_attribute("aria-busy", "true")
        expect(shown).to_have_css("opacity", "0.55")
        expect(desk.shown("title")).to_contain_text("is waiting")  # the last good one stays in sight
    expect(desk.shown("title")).to_have_text("Slow")
    expect(updating).to_have_count(0)
    expect(shown).to_have_attribute("aria-busy", "false")
    expect(shown).to_have_css("opacity", "1")


def test_the_focus_goes_to_the_heading_however_long_the_page_took(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    heading, read = desk.page.locator("main h1"), f"**/api/campaigns/{CAMPAIGN}"
    with desk.holding(read):
        desk.page.get_by_role("link", name="Activity").focus()
        with desk.page.expect_request(read):
            desk.go(f"#/campaigns/{CAMPAIGN}")
        desk.page.clock.run_for(60_000)
        expect(heading).to_have_count(0)
    expect(heading).to_be_focused()


GO_ON_ONCE_DRAWN = """(link) => new MutationObserver((_, observer) => {
  if (!document.querySelector("main .skeleton")) return;
  observer.disconnect();
  link.focus();
}).observe(document.body, { childList: true, subtree: true })"""


def test_the_focus_stays_with_whoever_went_on_while_the_page_was_on_its_way(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    heading, elsewhere = desk.page.locator("main h1"), desk.page.get_by_role("link", name="Policy")
    read = f"**/api/campaigns/{CAMPAIGN}"
    with desk.holding(read):
        desk.page.get_by_role("link", name="Activity").focus()
        elsewhere.evaluate(GO_ON_ONCE_DRAWN)
        with desk.page.expect_request(read):
            desk.go(f"#/campaigns/{CAMPAIGN}")
        expect(elsewhere).to_be_focused()
    expect(heading).to_be_visible()
    expect(elsewhere).to_be_focused()


def test_nothing_is_rolled_back_before_one_sees_what_it_changed(sit_down_busy: Callable[..., Desk]) -> None:
    """Nor does a button that was pressed move away below the mouse, as what it is about comes."""
    desk = sit_down_busy()
    desk.go(f"#/campaigns/{CAMPAIGN}/history")
    back = desk.page.get_by_role("button", name="Roll back to revision 5")
    read = f"**/api/campaigns/{CAMPAIGN}?revision=4"
    with desk.holding(read):
        with desk.page.expect_request(read):
            desk.page.get_by_role("button", name="What it changed").nth(1).click()
        expect(back).to_be_disabled()
    expect(back).to_be_enabled()
    expect(desk.page.locator("dialog .skeleton")).to_have_count(0)


def test_nothing_is_deleted_before_one_reads_how_much_waits(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy(place=f"#/campaigns/{CAMPAIGN}")  # where no numbers are read before
    delete, read = desk.page.get_by_role("dialog").get_by_role("button", name="Delete"), "**/api/stats?days=14"
    with desk.holding(read):
        with desk.page.expect_request(read):
            desk.page.get_by_role("button", name="Delete", exact=True).click()
        expect(delete).to_be_disabled()
    expect(delete).to_be_enabled()
    expect(desk.page.get_by_role("dialog")).to_contain_text("Waiting now")


LEAVE_ONCE_DRAWN = """(name) => new MutationObserver((_, observer) => {
  if (document.querySelector("main h1")?.textContent !== name) return;
  observer.disconnect();
  history.replaceState(null, "", "#/campaigns");
  dispatchEvent(new HashChangeEvent("hashchange"));
}).observe(document.body, { childList: true, characterData: true, subtree: true })"""


def test_what_is_written_last_before_one_leaves_the_page_is_kept(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    drafts = desk.page.get_by_role("region", name="Drafts in this browser")
    with desk.holding(re.compile("/api/(check|preview)$")):  # whose answers would have the page drawn once more
        desk.go("#/campaigns/new")
        name = desk.page.get_by_label("Name of the campaign", exact=True)
        expect(name).to_be_visible()
        desk.page.evaluate(LEAVE_ONCE_DRAWN, "Written last")
        name.fill("Written last")
        expect(drafts.get_by_role("link", name="Written last")).to_be_visible()


WRITE_ONCE_ASKED = """() => new MutationObserver((_, observer) => {
  if (!document.querySelector("dialog")) return;
  observer.disconnect();
  const field = document.querySelector(".title-input");
  field.value = "Another name";
  field.dispatchEvent(new Event("input", { bubbles: true }));
}).observe(document.body, { childList: true, subtree: true })"""


def test_a_question_has_the_focus_on_what_does_no_harm_though_the_page_is_drawn_anew(
    sit_down_busy: Callable[..., Desk],
) -> None:
    desk = sit_down_busy()
    open_editor(desk)
    desk.page.evaluate(WRITE_ONCE_ASKED)
    desk.page.get_by_role("button", name="Delete", exact=True).click()
    expect(desk.page.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()


DOWN_ONCE_LISTED = """(field) => {
  const list = document.getElementById(field.getAttribute("aria-controls"));
  new MutationObserver((_, observer) => {
    if (list.children.length !== 1) return;
    observer.disconnect();
    const { port1, port2 } = new MessageChannel(); // once the letter is dealt with, and before a frame
    port1.onmessage = () => field.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
    port2.postMessage(null);
  }).observe(list, { childList: true });
}"""


def test_what_is_chosen_as_soon_as_it_is_listed_stays_chosen(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy(viewport={"width": 1440, "height": 2400})
    open_editor(desk)
    another = desk.page.get_by_role("combobox", name="Another key of variant plain")
    another.click()
    expect(another).to_have_attribute("aria-expanded", "true")
    another.evaluate(DOWN_ONCE_LISTED)
    desk.page.keyboard.insert_text("titl")
    desk.page.evaluate(SETTLED)
    desk.press("Enter")
    expect(desk.page.get_by_label("Value of title in variant plain", exact=True)).to_be_visible()


WRITE_ONCE_DRAWN = """(label) => new MutationObserver((_, observer) => {
  const field = document.querySelector(`main input[aria-label="${label}"]`);
  if (!field) return;
  observer.disconnect();
  field.value = "zoe";
  field.dispatchEvent(new Event("input", { bubbles: true }));
}).observe(document.body, { childList: true, subtree: true })"""


def test_a_user_who_is_typed_as_soon_as_the_page_is_drawn_is_found(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    desk.page.evaluate(WRITE_ONCE_DRAWN, "User id")
    desk.go("#/users")
    field = desk.page.get_by_label("User id", exact=True)
    expect(field).to_be_focused()
    desk.page.evaluate(SETTLED)
    expect(field).to_have_value("zoe")


PRESS_ONCE_DRAWN = """([key, drawn]) => {
  const pressed = () => {
    if (!document.querySelector(drawn)) return false;
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, ctrlKey: true, bubbles: true, cancelable: true }));
    return true;
  };
  new MutationObserver((_, observer) => pressed() && observer.disconnect())
    .observe(document, { childList: true, subtree: true });
}"""


def test_a_key_that_is_pressed_as_soon_as_the_page_is_drawn_is_heard(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy(script=f"({PRESS_ONCE_DRAWN})(['k', 'header .search'])")
    expect(desk.page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()


def test_publishing_by_key_as_soon_as_the_editor_is_drawn_asks(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    desk.page.evaluate(PRESS_ONCE_DRAWN, ["s", "main .title-input"])
    desk.go(f"#/campaigns/{CAMPAIGN}")
    expect(desk.page.get_by_role("dialog")).to_be_visible()


def test_what_was_written_is_undone_by_key_as_soon_as_a_question_is_closed(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    open_editor(desk)
    name = desk.page.get_by_label("Name of the campaign", exact=True)
    before = name.input_value()
    name.fill("Another name")
    desk.press("Control+s")
    expect(desk.page.get_by_role("dialog")).to_be_visible()
    desk.page.evaluate(PRESS_ONCE_DRAWN, ["z", "body:not(:has(dialog))"])
    desk.press("Escape")
    expect(name).to_have_value(before)
