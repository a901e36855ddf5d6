"""How many events of each name a container counts, and what of it is written."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.events import Event, Rejected
from holdfast.core.intake.batch import Parsed
from holdfast.core.intake.volume import MAX_HELD, MAX_NAMES, OTHERS, Held, bounded

DAY = 24 * 60 * 60_000
NOON = 20_000 * DAY + DAY // 2
"""On 2024-10-04."""


def message(*names: str, id_: str = "m", arrived: int = NOON) -> Parsed:
    return Parsed(id_, arrived, [Event("ann", name, 0, 0, {}) for name in names])


def held(*batch: Parsed, failed: set[str] | None = None) -> dict[str, dict[str, int]]:
    found = Held()
    found.count(batch, failed or set())
    return {day: dict(counts) for day, counts in found.days.items()}


def test_events_are_counted_by_name_however_it_is_written() -> None:
    assert held(message("Added to cart", "addedtocart"), message("viewed", "added TO cart")) == {
        "2024-10-04": {"addedtocart": 3, "viewed": 1}
    }


def test_the_day_is_the_one_on_which_the_message_arrived() -> None:
    late, early = message("viewed", arrived=NOON + DAY // 2 - 1), message("viewed", arrived=NOON + DAY // 2)
    assert held(late, early, early) == {"2024-10-04": {"viewed": 1}, "2024-10-05": {"viewed": 2}}


def test_what_is_not_an_event_is_not_counted() -> None:
    assert held(Parsed("m", NOON, [Rejected("no user", {}, Event("ann", "viewed", 0, 0, {}))])) == {}


def test_a_message_that_comes_again_is_counted_once_it_succeeds() -> None:
    again = message("viewed", id_="again")
    found = Held()
    found.count([again, message("viewed")], {"again"})
    found.count([again], set())
    assert found.days == {"2024-10-04": Counter(viewed=2)}


def test_values_in_names_fill_no_memory() -> None:
    many = held(message(*(f"viewed {n}" for n in range(3 * MAX_HELD))))["2024-10-04"]
    assert len(many) == MAX_HELD + 1
    assert many[OTHERS] == 2 * MAX_HELD


@given(
    st.dictionaries(st.integers(0, 3 * MAX_NAMES).map(str), st.integers(1, 9), max_size=2 * MAX_NAMES),
    st.sets(st.integers(0, 3 * MAX_NAMES).map(str), max_size=MAX_NAMES + 20),
)
def test_a_day_has_so_many_names_and_loses_no_event(counts: dict[str, int], written: set[str]) -> None:
    adding = bounded(Counter(counts), written)
    assert adding.total() == sum(counts.values())
    assert len(written | (adding.keys() - {OTHERS})) <= max(MAX_NAMES, len(written))
    assert all(adding[key] == counts[key] for key in written & counts.keys())


def test_the_most_frequent_of_the_new_names_have_the_room() -> None:
    written = {f"old {n}" for n in range(MAX_NAMES - 1)}
    counts = Counter({"seldom": 1, "often": 5, "old 0": 1, OTHERS: 7})
    assert bounded(counts, written) == {"often": 5, "old 0": 1, OTHERS: 8}
