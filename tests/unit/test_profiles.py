"""Profiles: the same whatever the order, the repeats and the batches in which their changes come."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.events import Json, Operation, ProfileChange, Rejected, canonical, change_id
from holdfast.core.fold.profiles import (
    MAX_BYTES,
    MAX_PENDING,
    Merged,
    Profile,
    Property,
    decode,
    encode,
    merge,
    properties,
)
from holdfast.core.intake.forms import records
from tests.examples import examples
from tests.unit.builders import NOON, batches


def a_change(at: int = 0, id: str = "", **values: Any) -> ProfileChange:  # noqa: A002
    """New values, and operations, `at` milliseconds after noon."""
    plain: dict[str, Json] = {name: value for name, value in values.items() if not isinstance(value, Operation)}
    operations = {name: value for name, value in values.items() if isinstance(value, Operation)}
    return ProfileChange("u-1", NOON + at, NOON + at, plain, operations, id)


def incr(number: float) -> Operation:
    return Operation("incr", number)


def add(*items: Json) -> Operation:
    return Operation("add", list(items))


def remove(*items: Json) -> Operation:
    return Operation("remove", list(items))


def merged(*changes: ProfileChange, into: Profile | None = None, floor: int = 0) -> Profile:
    profile, refused = merge(into or {}, changes, floor)
    assert refused == []
    return profile


CASES: dict[str, tuple[list[ProfileChange], dict[str, Json]]] = {
    "nothing": ([], {}),
    "the latest value": ([a_change(1, plan="free"), a_change(2, plan="gold")], {"plan": "gold"}),
    "the latest value of each property": (
        [a_change(1, plan="free", city="Ulm"), a_change(2, plan="gold")],
        {"plan": "gold", "city": "Ulm"},
    ),
    "of two values at the same time the greater": ([a_change(1, n="a"), a_change(1, n="b")], {"n": "b"}),
    "what was removed is gone": ([a_change(1, plan="gold"), a_change(2, plan=None)], {}),
    "what was set after it was removed is there": (
        [a_change(2, plan=None), a_change(3, plan="gold")],
        {"plan": "gold"},
    ),
    "a sum from nothing": ([a_change(1, points=incr(5)), a_change(2, points=incr(-2.5))], {"points": 2.5}),
    "a sum from a number": ([a_change(1, points=100), a_change(2, points=incr(5))], {"points": 105}),
    "a number set after a sum": ([a_change(1, points=incr(5)), a_change(2, points=100)], {"points": 100}),
    "a number set between two sums": (
        [a_change(1, points=incr(5)), a_change(2, points=100), a_change(3, points=incr(1))],
        {"points": 101},
    ),
    "a number set and added to at the same time": (
        [a_change(1, points=incr(5)), a_change(1, points=100)],
        {"points": 105},
    ),
    "the same number added twice by two": (
        [a_change(1, id="a", points=incr(5)), a_change(1, id="b", points=incr(5))],
        {"points": 10},
    ),
    "a list from nothing": ([a_change(1, likes=add("hats", "coats", "hats"))], {"likes": ["hats", "coats"]}),
    "items added once": (
        [a_change(1, likes=["hats"]), a_change(2, likes=add("hats", "coats"))],
        {"likes": ["hats", "coats"]},
    ),
    "items removed": (
        [a_change(1, likes=["hats", "coats"]), a_change(2, likes=remove("hats", "shoes"))],
        {"likes": ["coats"]},
    ),
    "an item added, removed, added": (
        [a_change(1, likes=add("hats")), a_change(2, likes=remove("hats")), a_change(3, likes=add("hats"))],
        {"likes": ["hats"]},
    ),
    "an item added to a single value": (
        [a_change(1, likes="hats"), a_change(2, likes=add("coats"))],
        {"likes": ["hats", "coats"]},
    ),
    "nothing to remove from": ([a_change(1, likes=remove("hats"))], {"likes": []}),
    "a number added to a text": ([a_change(1, plan="gold"), a_change(2, plan=incr(1))], {"plan": "gold"}),
    "a number added to a truth value": ([a_change(1, vip=True), a_change(2, vip=incr(1))], {"vip": True}),
    "a sum after the property was removed": (
        [a_change(1, points=100), a_change(2, points=None), a_change(3, points=incr(1))],
        {"points": 1},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), CASES.values(), ids=CASES)
def test_a_profile_is_what_its_changes_make_of_it_in_whatever_order_they_come(
    changes: list[ProfileChange], expected: dict[str, Json]
) -> None:
    for order in (changes, changes[::-1]):
        profile: Profile = {}
        for change in order:
            profile = merged(change, into=profile)
        assert properties(profile) == expected
        assert properties(merged(*changes, *changes, into=profile)) == expected
        assert decode(encode(profile)) == profile


def test_the_text_of_a_property_without_operations_is_its_value_and_time() -> None:
    assert (
        encode(merged(a_change(1, plan="gold", old=None))) == f'{{"old":[null,{NOON + 1}],"plan":["gold",{NOON + 1}]}}'
    )


def test_an_operation_without_an_id_is_known_by_its_content() -> None:
    change = a_change(1, points=incr(5))
    assert properties(merged(change, change, a_change(2, points=incr(5)))) == {"points": 10}


def test_one_id_counts_once_even_at_two_times() -> None:
    first, again = a_change(1, id="e", points=incr(5)), a_change(7, id="e", points=incr(5))
    reset = a_change(4, points=100)
    for order in ((first, reset, again), (again, reset, first), (reset, again, first)):
        profile: Profile = {}
        for change in order:
            profile = merged(change, into=profile)
        assert properties(profile) == {"points": 100}


def test_operations_older_than_the_floor_are_folded_into_the_value_and_their_ids_forgotten() -> None:
    changes = [a_change(at, id=f"e-{at}", points=incr(1)) for at in range(10)]
    profile = merged(*changes, into=merged(a_change(-5, points=100)))
    assert len(profile["points"].pending) == 10
    profile = merged(a_change(20, points=incr(1)), into=profile, floor=NOON + 10)
    assert profile["points"][:3] == (110, NOON - 5, NOON + 9)
    assert len(profile["points"].pending) == 1
    assert properties(profile) == {"points": 111}


def refusal(into: Profile, change: ProfileChange) -> Rejected:
    profile, (refused,) = merge(into, [change])
    assert {name: each for name, each in profile.items() if name in into} == into
    return refused


TENTH = a_change(9, points=incr(10))
FOLDED = merged(a_change(20, points=incr(1)), into=merged(a_change(5, points=100), TENTH), floor=NOON + 10)
"""100 and 10, folded up to 9 ms after noon, and 1 that is pending."""


def test_an_operation_from_before_what_is_folded_is_refused_for_it_may_be_a_repeat() -> None:
    assert refusal(FOLDED, TENTH) == Rejected(
        "points: later operations are folded already, and this one may be among them",
        {"user": "u-1", "profile": {"points": {"$incr": 10}}, "ts": NOON + 9, "id": change_id(TENTH)},
    )


def test_a_value_from_between_what_is_folded_is_refused_for_its_place_is_not_known_any_more() -> None:
    assert refusal(FOLDED, a_change(7, id="e", points=50)) == Rejected(
        "points: set before an operation that is folded already; set it again with a later time",
        {"user": "u-1", "profile": {"points": 50}, "ts": NOON + 7, "id": "e"},
    )


def test_what_is_older_than_the_value_changes_nothing_and_is_not_refused() -> None:
    for change in (a_change(4, points=50), a_change(4, points=incr(1)), a_change(5, points=100)):
        assert properties(merged(change, into=FOLDED)) == {"points": 111}


def test_a_value_later_than_what_is_folded_takes_its_place() -> None:
    assert properties(merged(a_change(15, points=0), into=FOLDED)) == {"points": 1}
    assert properties(merged(a_change(30, points=0), into=FOLDED)) == {"points": 0}


def test_a_change_refused_for_one_property_is_made_to_the_others() -> None:
    profile, (refused,) = merge(FOLDED, [a_change(7, points=50, plan="gold", visits=incr(1))])
    assert properties(profile) == {"points": 111, "plan": "gold", "visits": 1}
    assert isinstance(refused.record, dict)
    assert refused.record["profile"] == {"points": 50}


def test_what_was_refused_can_be_sent_again_in_the_plain_form() -> None:
    change = a_change(9, points=incr(10), id="e")
    (again,) = records(canonical(refusal(FOLDED, change).record), NOON + 9)
    assert again == change


def test_beyond_its_cap_the_oldest_operation_is_folded_before_its_time_and_nothing_is_lost() -> None:
    profile: Profile = {}
    for at in range(MAX_PENDING + 50):
        profile = merged(a_change(at, points=incr(1)), into=profile)
    assert len(profile["points"].pending) == MAX_PENDING
    assert properties(profile) == {"points": MAX_PENDING + 50}
    assert profile["points"].folded == NOON + 49


def a_large_profile() -> Profile:
    note = "x" * 500
    profile: Profile = {}
    for number in range(2, 300):
        larger = merge(profile, [a_change(1, **{f"note {number}": note})])
        if larger.refused:
            break
        profile = larger.profile
    return profile


def test_a_profile_has_a_size_and_what_exceeds_it_is_refused_and_nothing_else() -> None:
    profile = a_large_profile()
    size = len(encode(profile).encode())
    assert MAX_BYTES - 600 < size <= MAX_BYTES
    (refused,) = merge(profile, [a_change(2, id="e", more="x" * 500)]).refused
    assert refused.reason.startswith("profile too large: it would have 10")
    assert refused.reason.endswith("102400 are allowed; $delete what is not needed")
    assert refused.record == {"user": "u-1", "profile": {"more": "x" * 500}, "ts": NOON + 2, "id": "e"}
    smaller, problems = merge(
        profile, [a_change(2, more="x" * 500), a_change(3, "", **{"note 7": None}), a_change(4, a=1)]
    )
    assert len(problems) == 1
    assert properties(smaller)["a"] == 1


def test_a_profile_that_is_too_large_already_may_shrink() -> None:
    profile = {name: Property("x" * 600, NOON) for name in map(str, range(200))}
    assert len(encode(profile)) > MAX_BYTES
    assert merge(profile, [a_change(1, "", **{"7": None})]).refused == []


# The laws: small domains, so that times are equal, ids come twice, and operations meet values.

HORIZON = 20
"""Milliseconds within which a change comes, for the first time or again."""


@st.composite
def changes(draw: st.DrawFn) -> ProfileChange:
    at = draw(st.integers(0, 12))
    value: Any = draw(_values)
    return a_change(at, id=draw(st.sampled_from(["", "", "e-1", "e-2", "e-3"])), **{draw(st.sampled_from("xy")): value})


_some_items: st.SearchStrategy[list[Any]] = st.lists(st.sampled_from(["a", "b", 1]), min_size=1, max_size=2)
_values: st.SearchStrategy[Any] = (
    st.sampled_from([None, 0, 10, 0.5, "a", ["a"], ["b", "a"]])
    | st.builds(lambda n: Operation("incr", n), st.sampled_from([1, -2, 0.1, 0.7]))
    | st.builds(Operation, st.sampled_from(["add", "remove"]), _some_items)
)
"""Made once, as a strategy is looked through before it is first drawn from."""


def expected(of: Iterable[ProfileChange]) -> dict[str, Json]:
    """By definition: the latest value, then the operations that are not older, in their order, each id once."""
    found: dict[str, Json] = {}
    everything = list(of)
    for name in {name for change in everything for name in (*change.properties, *change.operations)}:
        sets = [
            (change.at, canonical(change.properties[name]), change)
            for change in everything
            if name in change.properties
        ]
        at, _, latest = max(sets, key=lambda each: each[:2], default=(0, "", None))
        value = latest.properties[name] if latest else None
        steps: dict[str, tuple[int, str, ProfileChange]] = {}
        for change in everything:
            if name in change.operations:
                step = (change.at, canonical(change.operations[name]), change)
                key = change_id(change)
                steps[key] = min(steps.get(key, step), step, key=lambda each: each[:2])
        later = sorted((each for _, _, each in steps.values() if each.at >= at), key=_order)
        found[name] = _applied(value, [change.operations[name] for change in later])
    return {name: value for name, value in found.items() if value is not None}


def _order(of: ProfileChange) -> tuple[int, str]:
    """Of the same time, by a hash of the id: it has nothing to do with anything."""
    return of.at, sha256(change_id(of).encode()).hexdigest()


def _applied(value: Any, steps: Iterable[tuple[str, Any]]) -> Json:
    for name, argument in steps:
        match name:
            case "incr" if value is None or type(value) in {int, float}:
                value = (value or 0) + argument
            case "add" | "remove":
                value = [] if value is None else value if isinstance(value, list) else [value]
                value = [each for each in value if name == "add" or each not in argument]
                for each in argument if name == "add" else ():
                    if each not in value:
                        value = [*value, each]
    return value  # type: ignore[no-any-return]


@given(st.lists(changes(), max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=examples(250), deadline=None)
def test_order_repeats_and_batches_make_no_difference(known: list[ProfileChange], rng: random.Random) -> None:
    shuffled = [*known, *rng.choices(known, k=len(known) // 2)] if known else []
    rng.shuffle(shuffled)
    profile: Profile = {}
    for batch in batches(shuffled, rng):
        profile = merged(*batch, into=profile)
    assert properties(profile) == expected(known)
    assert profile == merged(*known)
    assert decode(encode(profile)) == profile


@given(st.lists(st.tuples(changes(), st.integers(0, HORIZON), st.integers(0, HORIZON)), max_size=12))
@settings(max_examples=examples(250), deadline=None)
def test_folding_what_is_old_makes_no_difference_to_what_comes_in_time(
    known: list[tuple[ProfileChange, int, int]],
) -> None:
    """Each change comes up to a horizon after it happened, and once more, and is merged with the floor of then."""
    profile: Profile = {}
    arrivals = [
        (change.at + late, change._replace(id=change.id and f"{change.id} {change.at}"))
        for change, *delays in known
        for late in delays
    ]
    for now, change in sorted(arrivals, key=lambda each: each[0]):
        profile = merged(change, into=profile, floor=now - HORIZON)
    assert properties(profile) == expected(change for _, change in arrivals)


@given(st.lists(changes(), max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=examples(150), deadline=None)
def test_whatever_the_floor_a_change_is_made_or_refused(known: list[ProfileChange], rng: random.Random) -> None:
    profile: Profile = {}
    for change in known:
        before = profile
        profile, refused = merge(profile, [change], NOON + rng.randrange(30))
        names = {*change.properties, *change.operations}
        assert names <= profile.keys() | _named(refused)
        if refused:
            assert names == _named(refused)
            assert properties(profile) == properties(before)


def _named(refused: Iterable[Rejected]) -> set[str]:
    found: set[str] = set()
    for each in refused:
        assert isinstance(each.record, dict)
        values = each.record["profile"]
        assert isinstance(values, Mapping)
        found |= values.keys()
    return found


def test_merging_is_answered_by_profile_and_refusals() -> None:
    assert merge({}, []) == Merged({}, [])
