"""`holdfast demo`: what comes of its stories does not depend on how fast the machine is, and has the time to come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdfast_cli import demo
from holdfast_cli.books import Books
from holdfast_cli.campaign_file import read_campaign
from holdfast_cli.demo_stories import Scene, stories
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import Tap
from tests.integration.conftest import MINUTE, World

SCENES = [scene for scene in stories(0) if not scene.story.startswith("Ivy")]
"""Without the one that needs a catalog and recommendations, which comes in one line."""


def came(world: World, lines: Sequence[str], pause: int) -> demo.Events:
    """The messages, where each line is folded `pause` milliseconds after the one before, and all is decided that is
    due by then.
    """
    join, events = world.join(), demo.Events()
    users = {record["user"]: world.now for scene in SCENES for record in scene.records()}

    def take(line: object, number: int, sent: int) -> None:
        join.take([world.body(line, message=f"m{number}", sent=sent)])
        world.deliver_outboxes()
        for event in world.messages("rule"):
            events.setdefault((event["detail-type"], event["detail"]["metadata"]["id"]), event)

    arrived = world.now
    for number, line in enumerate(lines):
        take(line, number, arrived)
        world.now += pause
        take({"holdfast": "tick", "users": dict.fromkeys(users, world.now)}, 1000 + number, world.now)
    world.now += MINUTE
    take({"holdfast": "tick", "users": dict.fromkeys(users, world.now)}, 2000, world.now)
    return events


@pytest.mark.slow
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("pause", [0, MINUTE // 4])
def test_the_stories_end_as_expected_on_a_machine_of_any_speed(world: World, pause: int, *, backwards: bool) -> None:
    for campaign, _ in map(read_campaign, demo.CAMPAIGNS):
        world.publish(campaign.plan())
    scenes = [scene for scene in stories(world.now) if scene.story in {each.story for each in SCENES}]
    lines = [line for scene in scenes for _, line in sorted(scene.lines, reverse=backwards)]
    events = came(world, lines, pause)
    assert {scene.story: demo._came(scene, events) for scene in scenes} == {
        scene.story: sorted(scene.expected) for scene in scenes
    }
    assert any(kind.endswith(demo.RETRACTED) for kind, _ in events) == (pause > 0)


def event(kind: str, name: str) -> dict[str, Any]:
    """About a message to Eve."""
    return {
        "detail-type": f"Personalized Message{kind}",
        "detail": {
            "metadata": {"id": name},
            "user": {"identity": "eve"},
            "constant": {"value": name},
            "values": {"title": name},
        },
    }


class Slow:
    """A tap of which something comes at times (seconds), on a clock that goes on while one listens."""

    def __init__(self, coming: dict[float, dict[str, Any]]) -> None:
        self._coming = coming
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    def messages(self) -> Iterator[dict[str, Any]]:
        self._now += 1
        if self._now in self._coming:
            yield self._coming[self._now]


def test_the_demo_says_what_is_still_missing_and_listens_until_it_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message that should not come is taken back a minute later than the one that should."""
    tap = Slow({9: event("", "bought"), 80: event("", "left"), 140: event(" Retracted", "bought")})
    monkeypatch.setattr(demo, "time", SimpleNamespace(monotonic=tap.monotonic))
    scene = Scene("Eve leaves one of two", [(0, '{"user": "eve"}')], [("eve", "left", "Personalized Message", "left")])
    events = demo._listen(cast("Tap", tap), [scene], None)
    assert [name for _, name in events] == ["bought", "left", "bought"]
    assert demo._came(scene, events) == scene.expected
    assert "Still to come: Eve leaves one of two" in " ".join(capsys.readouterr().err.split())


def test_the_books_have_the_time_to_balance(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a minute, the last record was folded."""
    seconds = [0.0]

    def sleep(more: float) -> None:
        seconds[0] += more

    def read_books(_: object) -> Books:
        late = seconds[0] < 60
        return Books(folded=2 - late, rejected=0, waiting=0, decided=1, delivered=1, withheld=0, undelivered=0)

    monkeypatch.setattr(demo, "time", SimpleNamespace(monotonic=lambda: seconds[0], sleep=sleep))
    monkeypatch.setattr(demo, "read_books", read_books)
    assert demo._settled_books(cast("Deployment", None), 2).balance(2)
    assert capsys.readouterr().err.count("do not balance yet") == 1
