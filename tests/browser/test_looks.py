"""The looks of the pages in a busy system: nothing sticks out, and a picture of each is as it was.

The pictures beside this file are a quarter as wide, and compared with a tolerance; HOLDFAST_PICTURES=write makes them
anew. Where a browser has other fonts than theirs, widths are looked at and pictures are not.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.busy import CAMPAIGN, USER
from tests.browser.desk import Desk

PICTURES = Path(__file__).parent / "pictures"
FONTS = PICTURES / "fonts.json"
WRITE = os.environ.get("HOLDFAST_PICTURES") == "write"
TOLERANCE = 0.02
"""Of the pixels, how many may differ by more than a shade."""
COMES_TO_LOOK_SECONDS = 20

PAGES = {
    "campaigns": "#/campaigns",
    "editor": f"#/campaigns/{CAMPAIGN}",
    "report": f"#/campaigns/{CAMPAIGN}/numbers",
    "history": f"#/campaigns/{CAMPAIGN}/history",
    "user": f"#/users/{USER}",
    "users": "#/users",
    "rejected": "#/queues/rejected",
    "undelivered": "#/queues/undelivered",
    "activity": "#/activity",
    "policy": "#/policy",
    "new": "#/campaigns/new/new-one",
    "live": "#/incoming/live",
    "events": "#/incoming/events",
    "sources": "#/incoming/sources",
}
SIZES = {1440: 900, 1024: 768, 390: 844}

MEASURE = """() => ["Inter", "system-ui", "Liberation Sans", "monospace", "emoji"].map((font) => {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `40px ${font}, sans-serif`;
  return ["Holdfast _ 0", "مهجورة", "放弃", "🧥"].map((text) => Math.round(context.measureText(text).width));
})"""

SHRINK = """async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = new OffscreenCanvas(Math.round(image.width / 4), Math.round(image.height / 4));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await canvas.convertToBlob({ type: "image/png" });
  return btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer())));
}"""

DIFFER = """async ([before, after]) => {
  const pixels = async (png) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  };
  const [a, b] = [await pixels(before), await pixels(after)];
  if (a.width !== b.width || a.height !== b.height) return 1;
  let differ = 0;
  for (let at = 0; at < a.data.length; at += 4)
    if ([0, 1, 2].some((of) => Math.abs(a.data[at + of] - b.data[at + of]) > 40)) differ++;
  return differ / (a.data.length / 4);
}"""

STICKS_OUT = """() => {
  const wide = document.documentElement.clientWidth;
  const out = [...document.querySelectorAll("body *")].filter((each) => {
    const { left, right, width } = each.getBoundingClientRect();
    const scrolls = each.closest("pre, .tabs, .scrolls, .unseen, .skip, [hidden], svg");
    return width > 0 && !scrolls && !each.parentElement.closest(".cut") && (right > wide + 1 || left < -1);
  });
  const clipped = [...document.querySelectorAll(".card")].flatMap((card) => {
    const frame = card.getBoundingClientRect();
    return [...card.querySelectorAll("*")].filter((each) => {
      const { right, width } = each.getBoundingClientRect();
      return width > 0 && right > frame.right + 1 && !each.parentElement.closest(".cut")
        && !each.closest("pre, .scrolls, .unseen, [hidden], svg, .picker > ul");
    });
  });
  return [...new Set([...out, ...clipped])].slice(0, 5).map((each) => each.outerHTML.slice(0, 160));
}"""


SQUEEZED = """() => [...document.querySelectorAll("main *")].filter((each) => {
  const text = [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim().length > 6);
  const { width, height } = each.getBoundingClientRect();
  return text && width > 1 && width < 60 && height > 90 && !each.closest("svg, .unseen, [hidden]");
}).slice(0, 3).map((each) => each.outerHTML.slice(0, 160))"""
"""Text of a letter or two a line."""

SETTLED = """async () => {
  for (let calm = 0; calm < 6; ) {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    calm = document.querySelector('[aria-busy="true"], .skeleton') ? 0 : calm + 1;
  }
}"""
"""Whatever was asked for is there, and nothing more was asked for because of it."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_every_page_of_a_busy_system_holds_what_it_shows(
    browser: Browser, sit_down_busy: Callable[..., Desk], width: int, scheme: str
) -> None:
    desk = sit_down_busy(viewport={"width": width, "height": SIZES[width]}, color_scheme=scheme)
    wrong: list[str] = []
    with browser.new_page() as paper:
        same_fonts = WRITE or json.loads(FONTS.read_text()) == paper.evaluate(MEASURE)
        for name, place in PAGES.items():
            open_page(desk, name, place)
            assert desk.page.get_by_text("This page could not be shown").count() == 0, name
            wrong += [f"{name} at {width}: {each}" for each in desk.page.evaluate(STICKS_OUT)]
            wrong += [f"{name} at {width} squeezes {each}" for each in desk.page.evaluate(SQUEEZED)]
            assert desk.page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is too wide"
            desk.page.mouse.move(0, 0)
            wrong += looked_at(desk, paper if same_fonts else None, f"{name}-{width}-{scheme}")
        if WRITE:
            FONTS.write_text(json.dumps(paper.evaluate(MEASURE), ensure_ascii=False) + "\n")
    assert not wrong, "\n".join(wrong)
    if not same_fonts:
        pytest.skip("nothing sticks out; the pictures were not compared, as the fonts here are others than theirs")


def open_page(desk: Desk, name: str, place: str) -> None:
    desk.go(place)
    expect(desk.page.locator("main h1").first).to_be_attached()
    expect(desk.page.locator(".skeleton")).to_have_count(0)
    if name == "editor":
        expect(desk.shown("title")).to_be_visible()
        expect(desk.page.locator(".hint")).to_be_visible()
    if name == "policy":
        expect(desk.page.get_by_text("no campaign 'order-confirmation' is published")).to_be_visible()
    if name == "live":
        expect(desk.page.get_by_text("14 records")).to_be_visible()
    if name == "new":
        expect(desk.page.get_by_role("heading", name="Nothing to show yet")).to_be_visible()
    desk.page.evaluate("document.activeElement?.blur()")
    desk.page.evaluate(SETTLED)


def looked_at(desk: Desk, paper: Any, name: str) -> list[str]:
    """Whether the page comes to look like its picture: what it shows last may take a while on a busy machine."""
    ends = time.monotonic() + COMES_TO_LOOK_SECONDS
    while True:
        png = base64.b64encode(desk.page.screenshot(animations="disabled", caret="hide")).decode()
        wrong = compared(paper, name, png) if paper else []
        if not wrong or time.monotonic() > ends:
            keep(desk, name, png)
            return wrong
        desk.page.wait_for_timeout(200)


def compared(paper: Any, name: str, png: str) -> list[str]:
    shrunk: str = paper.evaluate(SHRINK, png)
    picture = PICTURES / f"{name}.png"
    if WRITE:
        PICTURES.mkdir(exist_ok=True)
        picture.write_bytes(base64.b64decode(shrunk))
        return []
    before = base64.b64encode(picture.read_bytes()).decode()
    differ: float = paper.evaluate(DIFFER, [before, shrunk])
    return [f"{name} differs in {differ:.1%} of its picture"] if differ > TOLERANCE else []


def keep(desk: Desk, name: str, png: str) -> None:
    """Whole, beside the others of `make console-shots`."""
    if desk.shots is not None:
        desk.shots.mkdir(parents=True, exist_ok=True)
        (desk.shots / f"busy-{name}.png").write_bytes(base64.b64decode(png))


COPY = """(field) => {
  const copy = field.cloneNode();
  copy.value = field.value;
  field.after(copy);
  field.style.display = "none";
  return copy;
}"""
"""In the place of a field, what looks like it: the page does not write into that, whenever it draws."""


def test_an_underscore_can_be_seen(sit_down_busy: Callable[..., Desk]) -> None:
    desk = sit_down_busy()
    desk.go(f"#/campaigns/{CAMPAIGN}")
    for field in (desk.page.get_by_role("combobox", name="Property of charged"), desk.page.locator(".key-input").last):
        copy = field.evaluate_handle(COPY).as_element()
        assert copy
        assert "_" in copy.input_value()
        with_it = copy.screenshot()
        copy.evaluate("(field) => (field.value = field.value.replaceAll('_', ' '))")
        assert copy.screenshot() != with_it
