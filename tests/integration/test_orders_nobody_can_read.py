"""An order that cannot be joined, on the way from the queue to what support is shown of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.integration.conftest import MINUTE, World, a_plan
from tests.integration.test_users_commands import Shell, shell

__all__ = ["shell"]


def order(world: World, lines: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": "o-1",
        "userId": "ann",
        "event": "charged",
        "timestamp": world.now,
        "properties": {"lines": lines, **more},
    }


@pytest.fixture
def by_line(shell: Shell) -> Shell:
    constant = replace(a_plan().constant[0], paths={"added": "product", "charged": "lines[].sku"})
    shell.world.publish(a_plan(constant=(constant,)))
    shell.world.now += 1000
    return shell


def due(shell: Shell) -> list[tuple[str, str]]:
    shell.world.now += 30 * MINUTE
    shell.take({"holdfast": "tick", "users": {"ann": shell.world.now}})
    return [(each["kind"], each["reason"]) for each in shell.world.outbox()]


@pytest.mark.parametrize(
    "lines",
    [
        [{"sku": "coat"}, {"sku": ""}],
        [{"sku": None}, {"gift": True}, {"sku": " coat "}],
        [{"sku": "coat", "url": "https://shop.example/?" + "x" * 3000}],
    ],
)
def test_what_else_stands_in_an_order_does_not_keep_it_from_ending_what_it_is_about(by_line: Shell, lines: Any) -> None:
    by_line.take(by_line.world.added())
    by_line.take(order(by_line.world, lines, note="n" * 2000))
    assert due(by_line) == []
    assert by_line.world.messages("rejected") == []


@pytest.mark.parametrize("lines", [[], [{"sku": {}}], '[{"sku": "coat"}]', [{"sku": "x" * 600}]])
def test_an_order_that_cannot_be_joined_is_in_the_message_s_reason_in_explain_and_among_the_rejected(
    by_line: Shell, lines: Any
) -> None:
    by_line.take(by_line.world.added())
    by_line.take(order(by_line.world, lines))
    (rejected,) = by_line.rows("rejected", "list")
    assert rejected["campaigns"] == ["cart"]
    told = [str(row.get("text") or row.get("also")) for row in by_line.rows("explain", "ann")]
    assert any("would be withheld: in doubt: charged at" in each for each in told)
    assert any("rejected at" in each and rejected["reason"] in each for each in told)
    ((kind, reason),) = due(by_line)
    assert kind == "withhold"
    assert reason.startswith("in doubt: charged at ")


def test_calls_that_say_nothing_to_be_folded_are_not_set_aside_as_mistakes(by_line: Shell) -> None:
    calls: list[dict[str, object]] = [
        {"type": kind, "userId": "ann", "messageId": kind} for kind in ("page", "screen", "group")
    ]
    by_line.take(*calls)
    assert by_line.world.messages("rejected") == []
    assert by_line.world.items("users") == []
