"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.times import format_duration, parse_duration

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("30 minutes", 30 * MINUTE),
        ("30 Minutes", 30 * MINUTE),
        (" 30min ", 30 * MINUTE),
        ("1 minute", MINUTE),
        ("45s", 45 * SECOND),
        ("24h", DAY),
        ("1.5 hours", 90 * MINUTE),
        ("3 days", 3 * DAY),
        ("2w", 14 * DAY),
        ("1h 30m", 90 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("1 day and 2 hours", 26 * HOUR),
        ("1 day, 2 hours", 26 * HOUR),
        ("0 s", 0),
        ("PT30M", 30 * MINUTE),
        ("pt30m", 30 * MINUTE),
        ("P1DT2H", 26 * HOUR),
        ("P2W", 14 * DAY),
        ("PT0.5S", 500),
        ("PT0S", 0),
    ],
)
def test_a_duration_is_read_as_people_write_it(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize(
    "text", ["", " ", "minutes", "30 fortnights", "soon", "-5 minutes", "P", "PT", "1h 30", "5 m!"]
)
def test_what_is_no_duration_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write it as 30 minutes"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (MINUTE, "1 minute"),
        (30 * MINUTE, "30 minutes"),
        (90 * MINUTE, "90 minutes"),
        (DAY, "1 day"),
        (48 * HOUR, "2 days"),
        (1500, "1500 ms"),
        (0, "0 ms"),
    ],
)
def test_a_duration_is_shown_in_the_largest_unit_that_is_exact(ms: int, text: str) -> None:
    assert format_duration(ms) == text


@given(st.integers(0, 400 * DAY // SECOND).map(lambda seconds: seconds * SECOND))
def test_what_is_shown_is_read_as_what_it_was(ms: int) -> None:
    assert parse_duration(format_duration(ms)) == ms


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("30", "its unit is missing: 30 minutes"),
        ("1,5", "its unit is missing: 1.5 minutes"),
        ("1,5 days", "write it with a point: 1.5 days"),
        ("1 month", "months and years have no fixed length: write 30 days"),
        ("2 years", "months and years have no fixed length: write 30 days"),
        ("P1Y", "months and years have no fixed length: write 30 days"),
        ("P1M", "months and years have no fixed length: write 30 days"),
    ],
)
def test_what_is_nearly_a_duration_is_refused_with_what_is_missing(text: str, cure: str) -> None:
    with pytest.raises(ValueError, match=rf"is not a duration; {cure}$"):
        parse_duration(text)
