"""A person at the keyboard: the keys they press, and the things they see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const name = at?.getAttribute("aria-label") ?? at?.labels?.[0]?.textContent ?? at?.textContent ?? "";
  return name.trim().replace(/\\s+/g, " ");
}"""
"""The name of what has the focus, as a screen reader would say it; CodeMirror's text is in a shadow root."""
FARTHEST = 80
"""Presses of Tab from anywhere to anywhere on a page."""


class Desk:
    """A page in the browser, one person before it."""

    def __init__(self, page: Page, address: str, shots: Path | None) -> None:
        self.page = page
        self.address = address
        self.shots = shots
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("dialog", lambda dialog: dialog.accept())  # leave, though there is something unpublished

    def _heard(self, kind: str, text: str) -> None:
        """A refused request (its status) is for the tests to expect; a breach of the policies is not."""
        if kind == "error" and "Failed to load resource" not in text:
            self.complaints.append(text)

    def sign_in(self, name: str, password: str) -> None:
        """By the hosted page, from the page and back to it."""
        self.page.goto(self.address)
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("link", name="Holdfast")).to_be_visible()

    @property
    def focused(self) -> str:
        return str(self.page.evaluate(FOCUSED))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def tab_to(self, name: str, *, back: bool = False) -> None:
        """Press Tab until what is called so has the focus."""
        passed = [self.focused]
        while passed[-1] != name and len(passed) < FARTHEST:
            self.press("Shift+Tab" if back else "Tab")
            passed.append(self.focused)
        if passed[-1] == name:
            return
        msg = f"Tab does not lead to {name!r}, but to {passed}"
        raise AssertionError(msg)

    def choose(self, typed: str, value: str) -> None:
        """In a field with a list: type, go to what fits, take it."""
        self.type(typed)
        wanted = self.page.locator(f'[role=option][data-value="{value}"]:visible')
        expect(wanted).to_be_visible()
        while wanted.get_attribute("aria-selected") != "true":
            self.press("ArrowDown")
        self.press("Enter")

    def go(self, place: str) -> None:
        self.page.evaluate("place => { location.hash = place }", place)

    @contextmanager
    def holding(self, requests: str | re.Pattern[str]) -> Iterator[None]:
        """Requests of this address are answered only after the block."""
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        self.page.route(requests, hold)
        yield
        assert held, f"the page did not ask for {requests}"
        self.page.unroute(requests, hold)
        for route in held:
            route.fallback()

    def shown(self, key: str) -> Locator:
        """The text of a pair in the preview."""
        return self.page.locator(f'.shown [data-key="{key}"] .text')

    def value(self, key: str) -> Locator:
        return self.page.get_by_label(f"Value of {key}", exact=True)

    def write(self, key: str, text: str) -> None:
        """In the place of what a pair's value was."""
        self.value(key).click()
        self.press("Control+a")
        self.type(text)

    def shot(self, name: str) -> None:
        if self.shots is None:
            return
        self.shots.mkdir(parents=True, exist_ok=True)
        size: Any = self.page.viewport_size
        wide = "" if size["width"] > 600 else "-phone"
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            self.page.wait_for_timeout(250)
            self.page.screenshot(path=self.shots / f"{name}{wide}-{scheme}.png")
        self.page.emulate_media(color_scheme="light")
