"""A timeline says what was in force when. It answers for every moment, alike however it was put together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.intake.timeline import Entry, Timeline
from holdfast.core.plans.plan import Plan
from tests.unit.builders import a_plan

NAMES = ("cart", "late")
moments = st.integers(0, 9)
entries = st.dictionaries(st.tuples(st.sampled_from(NAMES), moments), st.booleans(), max_size=8).map(
    lambda of: [
        Entry(name, since, a_plan(name, revision=1 + since) if live else None) for (name, since), live in of.items()
    ]
)


def _live(entries: list[Entry], moment: int) -> dict[str, int]:
    """The revisions, read off entry by entry."""
    revisions: dict[str, int] = {}
    for name in NAMES:
        before = [each for each in entries if each.name == name and each.since <= moment]
        last = max(before, key=lambda each: each.since, default=None)
        if last and isinstance(last.what, Plan):
            revisions[name] = last.what.revision
    return revisions


@given(entries, st.randoms(use_true_random=False))
def test_at_every_moment_the_last_of_each_name_is_in_force(entries: list[Entry], rng: object) -> None:
    timeline = Timeline(sorted(entries, key=lambda _: rng.random()))  # type: ignore[attr-defined]
    for moment in [*range(10), *reversed(range(10))]:
        plans = timeline.at(moment)
        assert {plan.id: plan.revision for plan in plans.values()} == _live(entries, moment)
        assert timeline.at(moment) is plans, "each is made once"


@given(entries)
def test_the_newest_is_what_will_be_in_force_once_all_is_and_says_what_was_deleted(entries: list[Entry]) -> None:
    newest = Timeline(entries).newest
    live = _live(entries, 10)
    assert {plan.id: plan.revision for plan in newest.values()} == live
    assert set(newest.deleted) == {each.name for each in entries} - live.keys()


def test_before_anything_was_published_nothing_is_in_force() -> None:
    assert not list(Timeline([Entry("cart", 5, a_plan("cart"))]).at(4).values())
    assert not list(Timeline().newest.values())
