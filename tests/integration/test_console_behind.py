"""The console names the users behind a campaign's numbers, as far as their states still say so."""

from __future__ import annotations

import pytest

from holdfast.console import behind
from holdfast.core.gate.rules import Rules
from tests.integration.conftest import World, a_plan
from tests.integration.test_console import Browser, browser
from tests.integration.test_outcomes import GOAL, bought
from tests.integration.test_statistics import decide

__all__ = ["browser"]


def users(browser: Browser, of: str) -> list[str]:
    told = browser.get(f"/api/campaigns/cart/users?of={of}")
    assert told["complete"]
    named: list[str] = told["users"]
    return named


def test_who_is_waited_for_who_got_a_message_and_whose_was_converted(world: World, browser: Browser) -> None:
    world.publish(a_plan(convert=GOAL))
    decide(world, "ann", "bob")
    world.join().take([world.body(world.added(user="eve"), message="eve")])
    bought(world, "bob", 40.5)
    assert users(browser, "waiting") == ["eve"]
    assert users(browser, "sent") == ["ann", "bob"]
    assert users(browser, "converted") == ["bob"]
    assert users(browser, "control") == []


def test_the_control_group_is_apart_whatever_it_bought(world: World, browser: Browser) -> None:
    world.publish(a_plan(convert=GOAL, rules=Rules(control=1.0)))
    decide(world, "ann")
    bought(world, "ann", 7)
    assert users(browser, "control") == ["ann"]
    assert users(browser, "sent") == users(browser, "converted") == []


def test_what_cannot_be_named_in_full_says_so(world: World, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "MOST", 1)
    world.join().take([world.body(world.added(), world.added(user="bob"))])
    assert browser.get("/api/campaigns/cart/users?of=waiting") == {"users": ["ann"], "complete": False}
    assert browser.ask("GET", "/api/campaigns/nothing/users?of=waiting")[0] == 404
    assert browser.ask("GET", "/api/campaigns/cart/users?of=all")[0] == 422
