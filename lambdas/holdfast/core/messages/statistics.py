"""Counts of the outcomes of a campaign's decisions, by day; bounded for any reasons and values.

Counts are of what deliver did. The stream may deliver a decision twice, so they may be a little too high; a failed
update is not repeated, so they may be too low. They are approximate: the books are in the metrics.

The most frequent constant values are a sketch (Misra and Gries 1982): `KEPT` counters, which are too low by at most a
`KEPT + 1`-th of all that was counted. A value that is more frequent than that is surely among them. Two sketches add up
to one with the same bound (Agarwal et al. 2012), which is how batches and days come together.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

from holdfast.core.events import Json
from holdfast.core.fold.watches import Decision, Kind
from holdfast.core.gate.gate import LAST

KEPT = 32
"""Counters of a sketch: what is missed is less than one in 33."""
MAX_REASONS = 32
"""Reasons of a campaign and day; further ones count as `OTHER`. Two writers at once may exceed it a little."""
MAX_LENGTH = 64
"""Characters of a value or a reason."""
END = 20
"""Characters of those that are the end of a longer value."""
OTHER = "other"

_WITH_VALUES = {"failed", "aborted"}
"""Kinds of reasons behind whose colon there may be anything, values of properties too."""

Sketch: TypeAlias = Mapping[str, int]


class Became(NamedTuple):
    """The outcome of a decision. `kind` None: it could not be delivered."""

    decision: Decision
    kind: Kind | None
    reason: str = ""


class Tally(NamedTuple):
    """The counts of one campaign and day, or of a batch's share of them."""

    sent: int = 0
    retracted: int = 0
    failed: int = 0
    withheld: Mapping[str, int] = {}
    top: Mapping[str, int] = {}
    values: int = 0
    """Constant values that were counted in `top`: one for each message, several for a summary."""
    uncounted: int = 0
    """Constant values that could not be brought into `top`."""


def tallies(outcomes: Iterable[Became]) -> dict[tuple[str, str], Tally]:
    """By campaign and day: the day (UTC) of the decision, which is the same however late it is delivered."""
    found: dict[tuple[str, str], list[Became]] = {}
    for each in outcomes:
        found.setdefault((each.decision.campaign, day(each.decision.when)), []).append(each)
    return {key: _tally(group) for key, group in found.items()}


def _tally(outcomes: list[Became]) -> Tally:
    kinds = Counter(each.kind or "failed" for each in outcomes)
    values = Counter(value for each in outcomes if each.kind == "send" for value in _values(each.decision))
    return Tally(
        sent=kinds["send"],
        retracted=kinds["retract"],
        failed=kinds["failed"],
        withheld=Counter(short(each.reason) for each in outcomes if each.kind == "withhold"),
        top=merged({}, values),
        values=values.total(),
    )


def merged(sketch: Sketch, other: Sketch) -> Sketch:
    """The sums, less the first counter beyond `KEPT`: this one and smaller ones vanish."""
    sums = Counter(sketch)
    sums.update(other)
    ranked = sums.most_common()
    least = ranked[KEPT][1] if len(ranked) > KEPT else 0
    return {value: count - least for value, count in ranked if count > least}


def short(reason: str) -> str:
    """A reason without a user's data: for a cap, without the message that filled it."""
    reason, _, _ = reason.partition(LAST)
    kind, _, _ = reason.partition(": ")
    return kind if kind in _WITH_VALUES else reason[:MAX_LENGTH]


def bounded(withheld: Sketch, known: Iterable[str]) -> Sketch:
    """The reasons as they are counted where these are known already."""
    known = set(known)
    counts: Counter[str] = Counter()
    for reason, count in withheld.items():
        if reason not in known and len(known) >= MAX_REASONS:
            counts[OTHER] += count
        else:
            known.add(reason)
            counts[reason] += count
    return counts


def _values(decision: Decision) -> Iterable[str]:
    """The values that a message is about: several for a summary, the parts of a composite key together, or none."""
    if decision.shown is None:
        return []
    shown = decision.shown if decision.events and isinstance(decision.shown, list) else [decision.shown]
    return (_cut(_text(value)) for value in shown)


def _cut(text: str) -> str:
    """A value as it is counted: if it is long, its beginning and its end.

    Similar products often differ only in their last words.
    """
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - END - 1]}…{text[-END:]}"


def _text(value: Json) -> str:
    match value:
        case str():
            return value.strip()
        case list():
            return ", ".join(map(_text, value))
        case _:
            return json.dumps(value, ensure_ascii=False)


def day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def days(until: int, count: int) -> list[str]:
    """The last days (UTC) until a time, oldest first."""
    last = datetime.fromtimestamp(until / 1000, UTC).date()
    return [(last - timedelta(days=back)).isoformat() for back in reversed(range(count))]


class Series(NamedTuple):
    """A campaign's days side by side. `top` are its most frequent values over all of them, each count too low by at
    most `top_error`.
    """

    sent: list[int]
    retracted: list[int]
    failed: list[int]
    withheld: Mapping[str, list[int]]
    top: list[tuple[str, int]]
    top_error: int

    def to_json(self) -> dict[str, Json]:
        return {
            "sent": list(self.sent),
            "withheld": {reason: list(counts) for reason, counts in self.withheld.items()},
            "retracted": list(self.retracted),
            "failed": list(self.failed),
            "top": [{"value": value, "count": count} for value, count in self.top],
            "top_error": self.top_error,
        }


def series(by_day: Mapping[str, Tally], wanted: list[str], *, top: int = 10) -> Series:
    found = [by_day.get(each, Tally()) for each in wanted]
    reasons = Counter[str]()
    sketch: Sketch = {}
    for tally in found:
        reasons.update(tally.withheld)
        sketch = merged(sketch, tally.top)
    error = sum(tally.values for tally in found) // (KEPT + 1) + sum(tally.uncounted for tally in found)
    return Series(
        sent=[tally.sent for tally in found],
        retracted=[tally.retracted for tally in found],
        failed=[tally.failed for tally in found],
        withheld={reason: [tally.withheld.get(reason, 0) for tally in found] for reason, _ in reasons.most_common()},
        top=list(sketch.items())[:top],
        top_error=error,
    )
