"""Law 9, through join itself: what a record means depends on the record, on its first arrival, and on what was in force
then; never on the container that folds it, on how often it comes, or on what was published meanwhile.

A story is a campaign that is published, changed, paused and deleted while events come. It is told twice: once with each
event folded once, at the moment it arrives, by a container that was just started; and once with each delivered several
times, late and in any order, to containers that read the plans at any time before. Both must decide the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.aws.tables import revisions
from holdfast.aws.tables.campaigns import Campaigns, LivePlans, UnknownCampaign
from holdfast.aws.tables.timers import Timers
from holdfast.aws.tables.users import Users
from holdfast.core.fold.forgetting import Limits
from holdfast.core.intake.batch import Body
from holdfast.core.plans.plan import Constant, Plan
from holdfast.services import join as join_module
from holdfast.services.join import Join
from tests.examples import examples
from tests.unit.tables import Sink, Tables

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
T0 = 1_790_000_000_000
CONTAINERS = 3


def by(path: str, **changes: Any) -> Plan:
    events = ("added", "viewed", "charged", "removed")
    given: dict[str, Any] = {"id": "cart", "did": ("added",), "did_not": ("charged",), "within": 30 * MINUTE}
    constant = (Constant("product", dict.fromkeys(events, path)),)
    return Plan(**{**given, "constant": constant, "settle": 0, **changes})


PLANS = {
    "by name": by("name"),
    "by sku": by("sku"),
    "of both": by("name", did=("viewed", "added")),
    "of any": by("name", did=("viewed", "added"), any_of=True),
    "soon": by("name", within=10 * MINUTE, grace=2 * MINUTE),
    "another exit": by("name", did_not=("charged", "removed")),
    "filtered": by("name", where={"added": "price > `10`", "charged": "price > `10`"}),
    "of a view": by("name", did=("viewed",)),
    "ending all": by("name", every=("charged",)),
    "whole carts": by("sku", snapshots=("added",)),
    "without case": replace(by("name"), constant=(replace(by("name").constant[0], match="ignore case"),)),
}
CHANGES = (*PLANS, "pause", "resume", "delete")


class Happened(NamedTuple):
    """A record, when it arrived, and which containers took it when: both times in seconds."""

    record: Mapping[str, Any]
    arrived: int
    taken: tuple[tuple[int, int], ...]


class Story(NamedTuple):
    changes: tuple[tuple[int, str], ...]
    """At which second what was published."""
    happened: tuple[Happened, ...]


PRODUCTS = (("Coat", "1"), ("coat", "1"), ("hat", "2"), ("hat", "3"), ("hat", None))
SECONDS = st.integers(0, 20 * 60)
TRIGGERS = ("added", "added", "viewed")
EXITS = ("charged", "charged", "removed")


@st.composite
def records(draw: st.DrawFn, kinds: tuple[str, ...]) -> tuple[dict[str, Any], int]:
    arrived = draw(SECONDS)
    name, sku = draw(st.sampled_from(PRODUCTS))
    late = draw(st.sampled_from((0, 0, 1, 60, 300)))
    kind = draw(st.sampled_from(kinds))
    record = {"user": "ann", "event": kind, "ts": T0 + (arrived - late) * SECOND, "name": name}
    price = draw(st.sampled_from((5, 20, 20, "20")))
    return {**record, "price": price, **({"sku": sku} if sku else {})}, arrived


@st.composite
def stories(draw: st.DrawFn, names: tuple[str, ...], kinds: tuple[str, ...]) -> Story:
    changes = draw(st.lists(st.tuples(SECONDS, st.sampled_from(names)), max_size=4))
    happened: list[Happened] = []
    for number, (record, arrived) in enumerate(draw(st.lists(records(kinds), min_size=1, max_size=6))):
        delays = draw(st.lists(st.sampled_from((0, 1, 30, 600, 1500)), min_size=1, max_size=3))
        taken = tuple((arrived + delay, draw(st.integers(0, CONTAINERS - 1))) for delay in delays)
        happened.append(Happened({**record, "id": f"e{number}"}, arrived, taken))
    return Story(tuple(sorted(changes, key=lambda each: each[0])), tuple(happened))


class Told:
    """A story told: the tables as they are at the end."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.campaigns = Campaigns(self.tables, "campaigns")  # type: ignore[arg-type]
        self.now = T0 - HOUR
        self.publish("by name")

    def container(self) -> Join:
        return Join(
            users=Users(self.tables, "users"),  # type: ignore[arg-type]
            timers=Timers(self.tables, "timers"),  # type: ignore[arg-type]
            plans=LivePlans(self.campaigns),
            events=Sink(),  # type: ignore[arg-type]
            rejected=Sink(),  # type: ignore[arg-type]
            limits=Limits(waiting=96 * HOUR),
            clock=lambda: self.now,
        )

    def publish(self, what: str) -> None:
        """In force from now on."""
        lead = revisions.LEAD_MS
        with (
            patch.object(revisions, "aws_time", lambda _answer: self.now - lead),
            patch.object(revisions, "sleep", lambda _seconds: None),
        ):
            try:
                if what == "delete":
                    self.campaigns.delete("cart")
                elif what in PLANS:
                    plan = PLANS[what]
                    self.campaigns.publish("cart", "", lambda number: replace(plan, revision=number), self.now)
                else:
                    self.campaigns.pause("cart", paused=what == "pause")
            except UnknownCampaign:
                pass

    def tell(self, changes: Iterable[tuple[int, str]], takes: Iterable[tuple[int, Callable[[], None]]]) -> None:
        """A publication of a second holds for what arrives in it."""
        published = [(at, 0, lambda what=what: self.publish(what)) for at, what in changes]
        for at, _, do in sorted([*published, *((at, 1, do) for at, do in takes)], key=lambda each: each[:2]):
            self.now = T0 + at * SECOND
            do()

    def decided(self) -> list[tuple[Any, ...]]:
        """An hour after all of it."""
        self.now = T0 + 3 * HOUR
        assert self.container().take([Body("t", json.dumps({"holdfast": "tick", "users": {"ann": self.now}}), 0)]) == []
        item = self.tables.items["users"].get(("ann", "watches"), {})
        found = json.loads(item["outbox"]["S"]) if "outbox" in item else []
        return sorted((d["kind"], d["key"], d["at"], d["id"], d.get("reason", "")) for d in found)


def as_they_arrive(story: Story) -> Told:
    told = Told()

    def take(each: Happened) -> Callable[[], None]:
        return lambda: _taken(told.container(), told, [each])

    told.tell(story.changes, [(each.arrived, take(each)) for each in story.happened])
    return told


def as_they_come(story: Story) -> Told:
    """Records that one container takes in one second are taken together."""
    told = Told()
    containers = [told.container() for _ in range(CONTAINERS)]
    for container in containers[1:]:
        container.take([])
    together: dict[tuple[int, int], list[Happened]] = {}
    for each in story.happened:
        for taken in each.taken:
            together.setdefault(taken, []).append(each)
    takes = [
        (at, lambda these=these, container=containers[number]: _taken(container, told, these[::-1]))
        for (at, number), these in together.items()
    ]
    told.tell(story.changes, takes)
    return told


def _taken(join: Join, told: Told, these: list[Happened]) -> None:
    bodies = [Body(f"m{n}", json.dumps(each.record), T0 + each.arrived * SECOND) for n, each in enumerate(these)]
    assert all(body.arrived <= told.now for body in bodies)
    assert join.take(bodies) == []


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Any:
    with patch.object(join_module, "count", lambda *_a, **_k: None):
        yield


@settings(max_examples=examples(150))
@given(stories(CHANGES, (*TRIGGERS, *EXITS)))
def test_a_story_is_decided_alike_however_its_records_come(story: Story) -> None:
    assert as_they_come(story).decided() == as_they_arrive(story).decided()


def test_an_exit_that_only_the_former_reading_knows() -> None:
    """It arrives after the change, by which it ends nothing; the trigger comes later still."""
    hat = {"user": "ann", "name": "hat", "price": 5}
    added = Happened({**hat, "event": "added", "ts": T0, "sku": "2", "id": "e1"}, 0, ((1, 1),))
    charged = Happened({**hat, "event": "charged", "ts": T0 + SECOND, "sku": "3", "id": "e2"}, 1, ((1, 0),))
    story = Story(((0, "by sku"),), (charged, added))
    assert as_they_come(story).decided() == as_they_arrive(story).decided() != []


def test_a_campaign_that_needs_several_events_for_a_moment_keeps_the_latest_of_any() -> None:
    """Two events make an occurrence after the later one was seen, by a revision to which one event is enough."""
    coat = {"user": "ann", "name": "Coat", "price": 20}
    viewed = Happened({**coat, "event": "viewed", "ts": T0, "id": "e1"}, 0, ((0, 0),))
    added = Happened({**coat, "event": "added", "ts": T0, "id": "e2"}, 0, ((3, 0),))
    again = Happened({**coat, "event": "added", "ts": T0 + 2 * SECOND, "id": "e3"}, 2, ((2, 0),))
    story = Story(((0, "of both"), (1, "by name")), (viewed, added, again))
    assert [decided[3] for decided in as_they_come(story).decided()] == ["e3"]
    assert [decided[3] for decided in as_they_arrive(story).decided()] == ["e3"]


def test_a_value_of_one_reading_is_none_of_another() -> None:
    """The text 1 is not the number 1."""
    added = Happened({"user": "ann", "event": "added", "ts": T0, "name": "1", "sku": "5", "id": "e1"}, 0, ((0, 0),))
    hat = {"user": "ann", "event": "charged", "ts": T0 + 2 * SECOND, "name": "hat", "sku": "1", "id": "e2"}
    story = Story(((1, "by sku"),), (added, Happened(hat, 2, ((2, 1),))))
    assert as_they_come(story).decided() == as_they_arrive(story).decided() == [("send", "1", T0, "e1", "")]


def compared(story: Story) -> list[tuple[str, int, str]]:
    """Who is told when the constant changes once, from name to number: every pair of records is looked at by itself, by
    the reading of the one of them that arrived under the older. What that cannot read of an exit leaves a doubt. Of
    each reading, the last occurrence of a value stands for those before it.
    """
    change = story.changes[0][0]
    at = {id(each): (each.record["ts"], each.record["id"]) for each in story.happened}

    def key(each: Happened, *others: Happened) -> Any:
        older = any(other.arrived < change for other in (each, *others))
        return each.record["name"] if older else each.record.get("sku")

    triggers = [each for each in story.happened if each.record["event"] == "added" and key(each) is not None]
    exits = [each for each in story.happened if each.record["event"] == "charged"]
    own = {id(each): (each.arrived < change, key(each)) for each in triggers}
    last = {own[id(each)]: each for each in sorted(triggers, key=lambda each: at[id(each)])}
    found = []
    for each in last.values():
        others = [other for other in last.values() if at[id(other)] > at[id(each)]]
        later = any(key(each, other) == key(other, each) for other in others)
        after = [other for other in exits if other.record["ts"] >= each.record["ts"]]
        if later or any(key(other, each) == key(each, other) for other in after):
            continue
        kind = "withhold" if any(key(other, each) is None for other in after) else "send"
        found.append((kind, *at[id(each)]))
    return sorted(found)


@settings(max_examples=examples(150))
@given(stories(("by sku",), ("added", "charged")).filter(lambda story: len(story.changes) == 1))
def test_records_are_compared_by_the_reading_of_the_one_that_arrived_under_the_older(story: Story) -> None:
    decided = as_they_come(story).decided()
    assert sorted((kind, at, id_) for kind, _, at, id_, _ in decided) == compared(story)
