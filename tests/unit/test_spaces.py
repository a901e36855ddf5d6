"""Readings never mix: a campaign that reads keys or exits in another way than before keeps what it knew apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.events import Event, Tick
from holdfast.core.explain.comparison import outlook
from holdfast.core.explain.explanation import explain
from holdfast.core.explain.preview import latest
from holdfast.core.fold.fold import fold
from holdfast.core.fold.stored import decode, encode
from holdfast.core.fold.watches import Decision, State
from holdfast.core.intake.timeline import Entry, Timeline
from holdfast.core.places import campaign_of, place_of
from holdfast.core.plans.hits import Input
from holdfast.core.plans.plan import Constant, Plan, same_reading

MINUTE = 60_000
T0 = 1_790_000_000_000
CHANGE = T0 + 10 * MINUTE


def by(path: str, **changes: Any) -> Plan:
    constant = (Constant("product", dict.fromkeys(("added", "charged", "removed"), path)),)
    given: dict[str, Any] = {"id": "cart", "did": ("added",), "did_not": ("charged",), "within": 30 * MINUTE}
    return Plan(**{**given, "constant": constant, "grace": 2 * MINUTE, **changes})


NAME = by("name")
SKU = by("sku", revision=2, space=2)
BACK = by("name", revision=3, space=3)
NOTHING = State()


def timeline(*plans: Plan | None) -> Timeline:
    """The first since ever, the others one `CHANGE` after the other."""
    starts = [0, CHANGE, CHANGE + 10 * MINUTE]
    return Timeline(Entry("cart", start, plan) for start, plan in zip(starts, plans, strict=False))


def event(
    kind: str, minute: float, properties: Any = None, /, *, arrived: float | None = None, id_: str = "", **more: Any
) -> Event:
    at = T0 + int(minute * MINUTE)
    came = at if arrived is None else T0 + int(arrived * MINUTE)
    return Event("ann", kind, at, came, {**(properties or {}), **more}, id_ or f"{kind}-{at}")


def inputs(events: Iterable[Event], known: Timeline) -> list[Input]:
    found: list[Input] = []
    for each in events:
        hits, problems = known.at(each.arrived).read(each)
        found += [*hits, *(problem.doubt for problem in problems if problem.doubt)]
    return found


class History(NamedTuple):
    known: Timeline

    def of(self, *events: Event, state: State = NOTHING) -> State:
        """Each event folded by itself, at the time it arrived."""
        for each in events:
            state, decisions = fold(state, inputs([each], self.known), self.known.newest, each.arrived)
            assert decisions == []
        return state

    def said(self, state: State, minute: float = 120) -> list[Decision]:
        now = T0 + int(minute * MINUTE)
        return fold(state, [Tick("ann", now)], self.known.newest, now)[1]

    def kinds(self, *events: Event) -> list[tuple[str, Any, str]]:
        return [(each.kind, each.shown, each.reason) for each in self.said(self.of(*events))]


CHANGED = History(timeline(NAME, SKU))
COAT = {"name": "white coat", "sku": "77"}


def test_an_add_before_an_update_of_the_constant_and_the_purchase_after_it() -> None:
    assert CHANGED.kinds(event("added", 5, COAT), event("charged", 15, COAT)) == []
    assert CHANGED.kinds(event("added", 5, COAT)) == [("send", "white coat", "")]


def test_the_same_add_delivered_before_and_after_an_update_is_one_watch_in_whatever_order() -> None:
    before, after = event("added", 5, COAT, id_="e1"), event("added", 5, COAT, arrived=12, id_="e1")
    for events in ([before, after], [after, before], [before, after, after, before]):
        (one,) = CHANGED.said(CHANGED.of(*events))
        assert (one.kind, one.campaign, one.shown, one.at, one.id) == ("send", "cart", "77", before.at, "e1")
        assert CHANGED.kinds(*events, event("charged", 15, sku="77", name="other")) == []


def test_who_adds_it_again_after_an_update_gets_one_message() -> None:
    (one,) = CHANGED.said(CHANGED.of(event("added", 5, COAT), event("added", 15, COAT)))
    assert one.at == T0 + 15 * MINUTE


def test_of_two_occurrences_the_later_one_counts_whichever_reading_knows_it() -> None:
    first, second = event("added", 4, COAT, id_="e1"), event("added", 5, COAT, id_="e2")
    again = [each._replace(arrived=T0 + 12 * MINUTE) for each in (first, second)]
    for events in ([first, second, again[0]], [first, second, again[1], again[0]], [first, second, *again]):
        assert [each.id for each in CHANGED.said(CHANGED.of(*events))] == ["e2"]


def test_what_was_decided_before_an_update_is_not_decided_again_after_it() -> None:
    state = CHANGED.of(event("added", -30, COAT, id_="e1"))
    now = T0 + 5 * MINUTE
    state, sent = fold(state, [Tick("ann", now)], CHANGED.known.newest, now)
    assert [each.kind for each in sent] == ["send"]
    state = CHANGED.of(event("added", -30, COAT, arrived=12, id_="e1"), state=state)
    assert CHANGED.said(state) == []


def test_an_exit_from_before_an_update_ends_a_trigger_that_arrives_after_it() -> None:
    """The container that folded the exit did not know of the update."""
    bought = event("charged", 9, COAT)
    old, _ = fold(State(), inputs([bought], timeline(NAME)), timeline(NAME).newest, bought.arrived)
    late = event("added", 8, COAT, arrived=12)
    assert CHANGED.said(CHANGED.of(late, state=old)) == []
    assert CHANGED.kinds(late, bought) == []
    assert CHANGED.kinds(late) == [("send", "77", "")]


def test_lists_stand_side_by_side_and_otherwise_all_values_count() -> None:
    bought = event("charged", 9, name="hat", sku="1")
    old, _ = fold(State(), inputs([bought], timeline(NAME)), timeline(NAME).newest, bought.arrived)
    two = event("added", 8, arrived=12, name=["hat", "coat"], sku=["1", "2"])
    assert [each.shown for each in CHANGED.said(CHANGED.of(two, state=old))] == ["2"]
    three = event("added", 8, arrived=12, name=["hat", "coat"], sku=["1", "2", "3"])
    assert CHANGED.said(CHANGED.of(three, state=old)) == []


def test_an_exit_for_every_value_from_before_an_update_counts_too() -> None:
    old_plan, new = by("name", every=("charged",)), by("sku", every=("charged",), revision=2, space=2)
    bought, history = event("charged", 9), History(timeline(old_plan, new))
    old, _ = fold(State(), inputs([bought], timeline(old_plan)), timeline(old_plan).newest, bought.arrived)
    assert history.said(history.of(event("added", 8, COAT, arrived=12), state=old)) == []


def test_an_exit_after_an_update_counts_for_what_arrived_before_it_alone() -> None:
    """By the older reading it is of the same value, by the newer one it is not; and as an exit for every value."""
    bought, late = event("charged", 15, name=COAT["name"], sku="5"), event("added", 14, COAT, arrived=16)
    for events in ([bought, late], [late, bought]):
        assert CHANGED.kinds(*events) == [("send", "77", "")]
        assert CHANGED.kinds(event("added", 5, COAT), bought) == []
    old = by("name", did_not=("charged", "removed"), every=("removed",))
    history, cleared = History(timeline(old, SKU)), event("removed", 15)
    for events in ([cleared, late], [late, cleared]):
        assert history.kinds(*events) == [("send", "77", "")]
        assert history.kinds(event("added", 5, name="hat", sku="5"), *events) == [("send", "77", "")]


def test_a_message_of_a_newer_reading_is_taken_back_by_an_exit_from_before_the_update() -> None:
    """The exit waited in the queue, while the message went."""
    everything = by("name", every=("charged",))
    for known in (CHANGED.known, timeline(everything, SKU)):
        history = History(known)
        state = history.of(event("added", 8, COAT, arrived=12))
        now = T0 + 60 * MINUTE
        state, sent = fold(state, [Tick("ann", now)], known.newest, now)
        assert [each.kind for each in sent] == ["send"]
        for bought, kinds in ((event("charged", 9, name="hat"), []), (event("charged", 9, COAT), ["retract"])):
            state, said = fold(state, inputs([bought], known), known.newest, now + MINUTE)
            if known is CHANGED.known:
                assert [each.kind for each in said] == kinds
        _, again = fold(state, inputs([event("charged", 9, COAT, id_="again")], known), known.newest, now + MINUTE)
        assert again == []
        (watch,) = state.watches["cart@2"].values()
        assert watch.decided is not None
        assert watch.decided.kind == "retract"


def test_an_exit_from_before_an_update_that_could_not_be_read_leaves_what_comes_after_it_in_doubt() -> None:
    late = event("added", 8, COAT, arrived=12)
    before, after = event("charged", 9, sku="77"), event("charged", 9, sku="5", arrived=13)
    for events in ([before, late], [late, before]):
        assert CHANGED.kinds(*events) == [
            ("withhold", "77", "in doubt: charged at 14:22 could not be read (name is missing)")
        ]
        assert CHANGED.kinds(*[after if each is before else each for each in events]) == [("send", "77", "")]


def test_an_exit_from_before_an_update_of_the_trigger_alone_ends_a_trigger_that_arrives_after_it() -> None:
    history = History(timeline(NAME, by("name", did=("removed",), revision=2, space=2)))
    bought, late = event("charged", 9, COAT), event("removed", 8, COAT, arrived=12)
    for events in ([bought, late], [late, bought]):
        assert history.kinds(*events) == []
    assert history.kinds(late) == [("send", "white coat", "")]
    other = History(timeline(NAME, by("sku", did=("removed",), revision=2, space=2)))
    assert other.kinds(bought, late) == [("send", "77", "")]


def test_keys_of_two_readings_never_mix() -> None:
    """A product is called 5, and another one has the number 5."""
    state = CHANGED.of(event("added", 5, name="5", sku="1"), event("added", 15, name="hat", sku="5"))
    assert set(state.watches) == {"cart", "cart@2"}
    state = CHANGED.of(event("charged", 16, name="hat", sku="5"), state=state)
    (left,) = CHANGED.said(state)
    assert (left.campaign, left.key, left.at) == ("cart", "5", T0 + 5 * MINUTE)


@pytest.mark.parametrize("change", [{"where": {"charged": "total > `100`"}}, {"did_not": ("removed",)}])
def test_exits_are_read_as_when_the_watch_was_opened(change: dict[str, Any]) -> None:
    history = History(timeline(NAME, by("name", revision=2, space=2, **change)))
    bought = event("charged", 15, COAT, total=50)
    assert history.kinds(event("added", 5, COAT), bought) == []
    assert history.kinds(event("added", 12, COAT), bought) == [("send", "white coat", "")]


def test_and_as_the_live_revision_reads_them_where_the_keys_are_the_same() -> None:
    history = History(timeline(NAME, by("name", did_not=("charged", "removed"), revision=2, space=2)))
    assert history.kinds(event("added", 5, COAT), event("removed", 15, COAT)) == []
    other = History(timeline(NAME, by("sku", did_not=("charged", "removed"), revision=2, space=2)))
    assert other.kinds(event("added", 5, name="77", sku="1"), event("removed", 15, name="x", sku="77")) == [
        ("send", "77", "")
    ]


def test_an_exit_that_only_the_new_reading_can_read_leaves_the_old_watches_in_doubt() -> None:
    bought = event("charged", 15, sku="77")
    old, new = event("added", 5, COAT), event("added", 14, name="hat", sku="1")
    assert CHANGED.kinds(old, new, bought) == [
        ("withhold", "white coat", "in doubt: charged at 14:28 could not be read (name is missing)"),
        ("send", "1", ""),
    ]
    _, problems = CHANGED.known.newest.read(bought)
    assert [(each.campaign, each.doubt and each.doubt.campaign) for each in problems] == [("", "cart")]


def test_of_two_readings_of_an_exit_one_is_enough() -> None:
    moved = Constant("product", {"added": "name", "charged": "bought"})
    history = History(timeline(NAME, by("name", constant=(moved,), revision=2, space=2)))
    hat = event("charged", 15, bought="hat")
    for bought in (hat, hat._replace(id="")):
        assert history.kinds(event("added", 5, COAT), bought) == [("send", "white coat", "")]
    assert history.kinds(event("added", 5, COAT), event("charged", 15, bought="white coat")) == []


def test_a_revision_that_could_never_be_read_concerns_none_that_came_after_it() -> None:
    bad = by("name", where={"charged": "total >"})
    assert set(timeline(bad).newest.illegible) == {"cart"}
    known = timeline(bad, SKU)
    assert known.newest.illegible == {}
    assert known.newest.places == {"cart@2"}
    assert History(known).kinds(event("added", 15, COAT)) == [("send", "77", "")]


def test_a_snapshot_ends_what_is_open_elsewhere_and_opens_nothing_there() -> None:
    old, new = by("name", snapshots=("added",)), by("sku", snapshots=("added",), revision=2, space=2)
    history = History(timeline(old, new))
    state = history.of(
        event("added", 5, name=["coat", "hat"], sku=["1", "2"]), event("added", 15, name=["hat"], sku=["2"])
    )
    assert [each.shown for each in history.said(state)] == ["2"]
    assert set(state.watches["cart@2"]) == {"2"}
    assert {watch.trigger.at for watch in state.watches["cart"].values() if watch.trigger} == {T0 + 5 * MINUTE}


def test_a_rollback_is_a_reading_of_its_own() -> None:
    history = History(timeline(NAME, SKU, BACK))
    first, second, third = (
        event("added", 5, COAT),
        event("added", 15, name="hat", sku="5"),
        event("added", 25, name="5"),
    )
    state = history.of(first, second, third)
    assert [each.shown for each in history.said(state)] == ["white coat", "5", "5"]
    assert history.kinds(first, second, third, event("charged", 26, name="white coat", sku="77")) == [
        ("send", "5", ""),
        ("send", "5", ""),
    ]
    again = event("added", 5, COAT, arrived=25, id_=first.id)
    assert [each.campaign for each in history.said(history.of(first, again))] == ["cart"]


def test_pausing_and_deleting_concern_all_readings() -> None:
    state = CHANGED.of(event("added", 5, COAT))
    paused = History(timeline(NAME, replace(SKU, paused=True)))
    assert [each.reason for each in paused.said(state)] == ["campaign paused"]
    deleted = History(timeline(NAME, None))
    assert [each.reason for each in deleted.said(state)] == ["campaign deleted"]
    anew = History(timeline(NAME, None, BACK))
    assert [each.reason for each in anew.said(state)] == ["campaign gone"]


def test_a_campaign_of_two_parts_takes_over_once_it_is_complete() -> None:
    parts: dict[str, Any] = {"did": ("added", "removed")}
    history = History(timeline(by("name", **parts), by("sku", revision=2, space=2, **parts)))
    one, two = event("added", 4, COAT, id_="a"), event("removed", 5, COAT, id_="b")
    twice = [each._replace(arrived=T0 + 12 * MINUTE) for each in (one, two)]
    assert [each.shown for each in history.said(history.of(one, two, twice[1]))] == ["white coat"]
    assert [each.shown for each in history.said(history.of(one, two, *twice))] == ["77"]


def test_what_ended_any_part_of_it_before_an_update_ends_all_of_it() -> None:
    parts: dict[str, Any] = {"did": ("added", "removed")}
    history = History(timeline(by("name", **parts), by("sku", revision=2, space=2, **parts)))
    one, two = event("added", 7, name="coat", sku="77", arrived=12), event("removed", 8, COAT, arrived=13)
    for bought in (event("charged", 9, name="coat"), event("charged", 9, name=COAT["name"])):
        assert history.kinds(one, two, bought) == history.kinds(bought, two, one) == []
    assert history.kinds(one, two) == [("send", "77", "")]


def test_a_new_space_begins_where_keys_or_exits_are_read_in_another_way() -> None:
    match = (replace(NAME.constant[0], match="ignore case"),)
    changes: list[dict[str, Any]] = [
        {"constant": match},
        {"constant": SKU.constant},
        {"constant": ()},
        {"constant": NAME.constant * 2},
        {"did_not": ("charged", "removed")},
        {"where": {"charged": "total"}},
        {"every": ("charged",)},
        {"snapshots": ("added",)},
        {"events": {"charged": "order"}},
        {"did": ("removed",)},
    ]
    for change in changes:
        assert not same_reading(NAME, replace(NAME, **change)), change
    changes = [{"within": MINUTE}, {"where": {"added": "total"}}, {"did": ("added", "removed")}, {"paused": True}]
    for change in changes:
        assert same_reading(NAME, replace(NAME, **change)), change
    assert same_reading(replace(NAME, constant=()), replace(NAME, constant=(), did=("removed",)))


def test_places_and_states_as_text() -> None:
    assert [place_of("cart", 0), place_of("cart", 2)] == ["cart", "cart@2"]
    assert [campaign_of("cart"), campaign_of("cart@2")] == ["cart", "cart"]
    state = CHANGED.of(event("added", 5, COAT), event("added", 15, COAT))
    assert state.watches["cart"]["white coat"].elsewhere == (T0 + 15 * MINUTE, f"added-{T0 + 15 * MINUTE}")
    assert decode(encode(state)) == state


def test_what_a_later_release_says_of_a_doubt_besides_is_passed_over() -> None:
    state = CHANGED.of(event("charged", 9, sku="77"))
    data = json.loads(encode(state))
    for doubts in data["doubts"].values():
        for doubt in doubts.values():
            doubt.extend([*[False] * (5 - len(doubt)), "of a later release"])
    assert state.doubts
    assert decode(json.dumps(data)) == state


def test_marks_of_what_another_space_decides_are_forgotten() -> None:
    state = CHANGED.of(event("added", 5, COAT), event("added", 15, COAT))
    assert state.watches["cart"]["white coat"].pending is None
    state, _ = fold(state, [Tick("ann", T0)], CHANGED.known.newest, T0 + 15 * MINUTE + SKU.max_age + 1)
    assert "cart" not in state.watches


def test_who_looks_sees_all_readings_under_the_name_of_the_campaign() -> None:
    state, plans = CHANGED.of(event("added", 5, COAT), event("added", 15, name="hat", sku="5")), CHANGED.known.newest
    found = explain("ann", state, plans, T0 + 20 * MINUTE, zone=UTC)
    assert [(each.campaign, each.constant, each.status) for each in found] == [
        ("cart", "white coat", "waits"),
        ("cart", "5", "waits"),
    ]
    assert [*outlook(state, SKU)] == ["5"]
    assert [*outlook(state, SKU, "cart")] == ["white coat"]
    newest = latest(SKU, CHANGED.of(event("added", 5, COAT)))
    assert newest is not None
    assert newest.shown == "white coat"


# --- As a law -------------------------------------------------------------------------------------------------------

PRODUCTS = [{"name": name, "sku": sku} for name, sku in (("1", "2"), ("2", "3"), ("3", "1"))]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Products whose names are the numbers of others; exits that come late, and copies of anything, on either side."""
    events: list[Event] = []
    for number in range(draw(st.integers(1, 7))):
        name, minute = draw(st.sampled_from(["added", "charged"])), draw(st.integers(0, 24))
        late = draw(st.integers(0, 15)) if name == "charged" else 0
        product = draw(st.sampled_from(PRODUCTS))
        events.append(event(name, minute, product, arrived=minute + late, id_=f"e{number}"))
    copies = draw(st.lists(st.sampled_from(events), max_size=3))
    return [*events, *(each._replace(arrived=each.arrived + draw(st.integers(0, 12)) * MINUTE) for each in copies)]


def folded(known: Timeline, events: Sequence[Event], now: int = T0 + 25 * MINUTE) -> State:
    state = State()
    for each in events:
        state, _ = fold(state, inputs([each], known), known.newest, now)
    return state


@given(
    histories(), st.randoms(use_true_random=False), st.sampled_from([timeline(NAME, SKU), timeline(NAME, SKU, BACK)])
)
def test_order_duplicates_and_splits_make_no_difference_across_updates(
    events: list[Event], random: Any, known: Timeline
) -> None:
    now = T0 + 25 * MINUTE
    at_once, _ = fold(State(), inputs(events, known), known.newest, now)
    shuffled = random.sample(events, len(events)) + random.sample(events, len(events) // 2)
    assert folded(known, shuffled) == at_once


@given(histories(), st.sampled_from([(NAME, SKU), (NAME, SKU, BACK)]))
def test_updates_of_the_constant_change_nothing_in_who_gets_a_message(
    events: list[Event], plans: tuple[Plan, ...]
) -> None:
    """Each event is folded when it arrives, by containers that know what was published up to then."""
    said = []
    for revisions in ((NAME,), plans):
        state = State()
        for each in sorted(events, key=lambda each: each.arrived):
            starts = (0, CHANGE, CHANGE + 10 * MINUTE)
            then = timeline(*(plan for plan, start in zip(revisions, starts, strict=False) if start <= each.arrived))
            state, _ = fold(state, inputs([each], then), then.newest, each.arrived)
        now = T0 + 60 * MINUTE
        _, decisions = fold(state, [Tick("ann", now)], timeline(*revisions).newest, now)
        said.append(sorted((each.kind, each.campaign, each.at, each.id) for each in decisions))
    assert said[0] == said[1]
