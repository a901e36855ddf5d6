"""The counts of a campaign are bounded, whatever comes."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.console.models.numbers import Numbers
from holdfast.core.events import Json
from holdfast.core.fold.watches import Decision, Kind
from holdfast.core.messages.statistics import (
    KEPT,
    MAX_REASONS,
    OTHER,
    Became,
    Tally,
    bounded,
    days,
    merged,
    series,
    short,
    tallies,
)
from holdfast_cli.stats import COLUMNS
from tests.unit.builders import DAY, NOON

TODAY = "2026-05-29"
CHARTS = Path(__file__).parents[2] / "console" / "src" / "ui" / "charts.tsx"


def a_decision(shown: Json = "coat", *, kind: Kind = "send", when: int = NOON, campaign: str = "cart") -> Decision:
    return Decision(kind, campaign, str(shown), shown, when, "e1", when, 1)


def sent(shown: Json = "coat", when: int = NOON, campaign: str = "cart") -> Became:
    return Became(a_decision(shown, when=when, campaign=campaign), "send")


def test_decisions_are_counted_by_campaign_and_by_the_day_they_were_made() -> None:
    outcomes = [
        sent(),
        sent("hat"),
        sent(when=NOON + DAY),
        sent(campaign="other"),
        Became(a_decision(), "withhold", "missing: Event.price"),
        Became(a_decision(kind="retract"), "retract"),
        Became(a_decision(), None),
    ]
    found = tallies(outcomes)
    assert set(found) == {("cart", TODAY), ("cart", "2026-05-30"), ("other", TODAY)}
    tally = found["cart", TODAY]
    assert (tally.sent, tally.retracted, tally.failed) == (2, 1, 1)
    assert tally.withheld == {"missing: Event.price": 1}
    assert tally.top == {"coat": 1, "hat": 1}


@pytest.mark.parametrize(
    ("decision", "values"),
    [
        (a_decision(" coat "), {"coat"}),
        (a_decision(7.5), {"7.5"}),
        (a_decision(["coat", 42]), {"coat, 42"}),
        (a_decision(["hat", "coat"])._replace(events=[{}, {}]), {"hat", "coat"}),
        (a_decision([["hat", 1], ["hat", 2]])._replace(events=[{}, {}]), {"hat, 1", "hat, 2"}),
        (a_decision("x" * 100), {"x" * 43 + "…" + "x" * 20}),
        (a_decision(None), set()),
    ],
)
def test_a_message_counts_for_the_values_it_is_about(decision: Decision, values: set[str]) -> None:
    ((_, tally),) = tallies([Became(decision, "send")]).items()
    assert set(tally.top) == values


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("missing: Event.price", "missing: Event.price"),
        ("campaign paused", "campaign paused"),
        ("failed: not a number: 'ann@example.com'", "failed"),
        ("aborted: not for Ann", "aborted"),
        ("x" * 100, "x" * 64),
    ],
)
def test_a_reason_is_kept_without_what_may_be_a_users(reason: str, told: str) -> None:
    assert short(reason) == told


def test_reasons_beyond_the_bound_are_counted_together() -> None:
    known = [f"missing: Event.p{number}" for number in range(MAX_REASONS - 1)]
    assert bounded({known[0]: 1, "a": 2, "b": 3, "c": 4}, known) == {known[0]: 1, "a": 2, OTHER: 7}


@given(st.lists(st.lists(st.integers(0, 200).map(str), max_size=200), max_size=8))
def test_a_sketch_is_never_too_high_and_too_low_by_a_thirty_third_at_most(batches: list[list[str]]) -> None:
    sketch: dict[str, int] = {}
    for batch in batches:
        sketch = dict(merged(sketch, Counter(batch)))
    truth = Counter(value for batch in batches for value in batch)
    assert len(sketch) <= KEPT
    for value, count in truth.items():
        assert count - truth.total() // (KEPT + 1) <= sketch.get(value, 0) <= count


def test_days_stand_side_by_side_with_nothing_where_nothing_was() -> None:
    wanted = days(NOON, 3)
    assert wanted == ["2026-05-27", "2026-05-28", TODAY]
    by_day = {
        TODAY: Tally(sent=5, withheld={"a": 1}, top={"coat": 3, "hat": 2}, values=5),
        "2026-05-27": Tally(sent=1, failed=2, retracted=1, withheld={"b": 2}, top={"hat": 2}, values=2, uncounted=1),
    }
    found = series(by_day, wanted)
    assert found.to_json() == {
        "sent": [1, 0, 5],
        "withheld": {"b": [2, 0, 0], "a": [0, 0, 1]},
        "retracted": [1, 0, 0],
        "failed": [2, 0, 0],
        "top": [{"value": "hat", "count": 4}, {"value": "coat", "count": 3}],
        "top_error": 1,
    }


def test_each_count_is_shown_by_the_command_line_and_by_the_console() -> None:
    counted = series({}, []).to_json().keys()
    assert counted <= Numbers.model_fields.keys()
    days_of = counted - {"top", "top_error"}
    assert days_of <= set(COLUMNS)
    kinds = re.search(r"KINDS = \[(.*?)\]", CHARTS.read_text(encoding="utf-8"))
    assert kinds
    assert days_of == set(json.loads(f"[{kinds[1]}]"))
