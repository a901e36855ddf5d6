"""The console in a real browser, on an embedded AWS with the stack deployed to it.

Where there is no browser these tests say so, and are skipped. With HOLDFAST_SHOTS=FOLDER they write what each step
looks like, light and dark, into a folder (`make console-shots`), and do else what they do without.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from holdfast_cli.stack import Deployment
from tests.browser.busy import ADDRESS, busy
from tests.browser.desk import Desk
from tests.embedded import shared_aws

HERE = Path(__file__).parent
NO_BROWSER = (
    "no browser: `apt-get install chromium`, or `.venv/bin/playwright install --with-deps chromium`,"
    " or name one in HOLDFAST_CHROMIUM; without, the tests of the console's page are skipped"
)
PATIENCE_MS = int(os.environ.get("HOLDFAST_PATIENCE_MS", "60000"))
expect.set_options(timeout=PATIENCE_MS)
PASSWORD = "Correct-horse-8"
QUIET = ("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync")
"""A browser that asks for nothing but the page."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(400))
    items.sort(key=lambda item: "from_an_empty_system" not in item.name)  # as long as it is empty


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        program = _program(playwright)
        if program is None:
            pytest.skip(NO_BROWSER)
        arguments = [*QUIET, "--disable-component-update"]
        # Chromium's own sandbox does not start for root.
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        with playwright.chromium.launch(executable_path=program, args=arguments + sandbox) as chromium:
            yield chromium


def _program(playwright: Playwright) -> str | None:
    installed = os.environ.get("HOLDFAST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    own = playwright.chromium.executable_path
    return installed or (own if Path(own).exists() else None)


@pytest.fixture(scope="session")
def deployed(browser: Browser) -> Iterator[Deployment]:
    """One for each worker, only where there is a browser to look at it."""
    assert browser.is_connected()
    with shared_aws(f"browser-{os.environ.get('PYTEST_XDIST_WORKER', '')}") as deployment:
        yield deployment


@pytest.fixture(scope="session")
def account(deployed: Deployment) -> Callable[[str], str]:
    """The name of somebody in a group of the user pool, who signs in with PASSWORD."""
    pool = deployed.outputs["ConsoleUserPoolId"]
    cognito: Any = deployed.client("cognito-idp")

    @cache
    def account(group: str) -> str:
        name = f"{group}-of-all"
        cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
        return name

    return account


class SitDown(Protocol):
    def __call__(self, group: str = "editor", **context: Any) -> Desk: ...


@pytest.fixture
def sit_down(browser: Browser, deployed: Deployment, account: Callable[[str], str]) -> Iterator[SitDown]:
    """Somebody of a group opens the console, and signs in on the hosted page. What the browser itself complains of,
    such as what the page's Content-Security-Policy does not allow, fails the test.
    """
    desks: list[Desk] = []
    shots = Path(folder) if (folder := os.environ.get("HOLDFAST_SHOTS")) else None
    with ExitStack() as contexts:

        def sit_down(group: str = "editor", **context: Any) -> Desk:
            page = contexts.enter_context(_context(browser, **context))
            desks.append(Desk(page, deployed.outputs["ConsoleUrl"], shots))
            desks[-1].sign_in(account(group), PASSWORD)
            return desks[-1]

        yield sit_down
        complaints = [complaint for desk in desks for complaint in desk.complaints]
    assert complaints == []


@pytest.fixture
def sit_down_busy(browser: Browser) -> Iterator[Callable[..., Desk]]:
    """Somebody looks at the busy system, which is the same each time. What the browser complains of fails the test."""
    desks: list[Desk] = []
    shots = Path(folder) if (folder := os.environ.get("HOLDFAST_SHOTS")) else None
    with ExitStack() as contexts:

        def sit_down_busy(*, script: str = "", place: str = "", **context: Any) -> Desk:
            page = contexts.enter_context(_context(browser, **context))
            desks.append(Desk(page, ADDRESS, shots))
            page.add_init_script(script)
            busy(page, place)
            expect(page.get_by_role("link", name="Holdfast")).to_be_visible()
            return desks[-1]

        yield sit_down_busy
        complaints = [complaint for desk in desks for complaint in desk.complaints]
    assert complaints == []


@contextmanager
def _context(browser: Browser, **options: Any) -> Iterator[Page]:
    usual = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "timezone_id": "UTC"}
    options = {**usual, "reduced_motion": "reduce", **options}
    with browser.new_context(**options) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


@pytest.fixture
def desk(sit_down: SitDown) -> Desk:
    return sit_down()
