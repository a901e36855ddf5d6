"""The price of a trigger, counted: Holdfast's handlers and the baseline's, on the same slice of the same trace.

    python -m bench --only counted

A slice is some seconds of an endless stream of 1,000 events a second: as many watches fall due in it as are opened. A
trigger is an add. A charge belongs to the add that it ends; a copy is not a trigger. Views are measured separately.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from statistics import median
from typing import NamedTuple

from bench.baseline_run import BaselineRun
from bench.campaign import a_campaign
from bench.holdfast_run import HoldfastRun
from bench.prices import MILLION, MONTH_SECONDS, PRICES, dollars, flink_month, step_functions
from bench.report import Part
from bench.results import Result
from bench.traces import ADDED, MINUTE, SECOND, START, VIEWED, Event, Trace

WINDOW = 30 * MINUTE
FLINK_US = 10.0
"""CPU of Flink's KeyedProcessFunction for an event of a realistic trace, microseconds; `python -m bench.simulate`."""
USERS = (1000, 10_000, 100_000, 1_000_000)
WATCHES = (1, 10, 100)
WINDOWS = (5, 30, 24 * 60)
"""Minutes: through delayed messages, through timer slots, and so long that nobody shops on when it ends."""
SIZES = (10, 400, 2000)
"""Bytes of the trigger's properties that the message names."""
LONGEST = 500
"""Bytes of one of them: a property may have 512."""
FLAT = 1.10
GROWTH = 2.0
"""From one open watch to a hundred, deflated."""


TIMES = 3
"""How often Holdfast and the baseline are run, one after the other and in turn: CPU time is never twice the same."""
FLOOR = 1.05
DOLLARS = 2.40


class Couple(NamedTuple):
    """Both on the same slice, one right after the other."""

    ours: Result
    theirs: Result

    @property
    def cpu(self) -> float:
        return self.ours.cpu_us / self.theirs.cpu_us


def counted(part: Part, endpoint: str, *, seconds: int, times: int = TIMES) -> dict[str, Result]:
    """Measure Holdfast and the baseline. Returns both results, and the cost of irrelevant events alone for each."""
    before, within = Trace().slice(window=WINDOW, length=seconds * SECOND)
    relevant = [event for event in within if event.name != VIEWED]
    views = [event for event in within if event.name == VIEWED]
    couples = sorted((_couple(endpoint, before, relevant, n, seconds) for n in range(times)), key=lambda each: each.cpu)
    ours, theirs = couples[len(couples) // 2]
    results = {
        "holdfast": ours,
        "baseline": theirs,
        "holdfast views": _holdfast(endpoint, [], views, name="views", seconds=seconds),
        "baseline views": _baseline(endpoint, [], views, name="base-views", seconds=seconds),
    }
    part.row("triggers counted", ours.triggers, note=f"{len(relevant):,} adds and charges, {len(views):,} views")
    part.row("API calls a trigger", ours.calls, note=f"baseline {theirs.calls:.2f}")
    part.row("  of the baseline's", ours.calls / theirs.calls, goal=1 / 5)
    part.row("write units a trigger", ours.thing("write_units"), note=f"baseline {theirs.thing('write_units'):.2f}")
    saves = ours.saves / ours.triggers
    what = "  of one for each event that changes something, and one for each decision"
    part.row(what, ours.thing("write_units") / saves, goal=FLOOR, bound=1.1, note=_beside(ours))
    part.row("read units a trigger", ours.thing("read_units"), note=f"baseline {theirs.thing('read_units'):.2f}")
    cpu = median(each.theirs.cpu_us for each in couples)
    part.spread("CPU a trigger", [each.ours.cpu_us for each in couples], "µs", note=f"baseline {cpu:,.0f}")
    part.spread("  of the baseline's", [each.cpu for each in couples], goal=1 / 4, bound=0.4, note=f"of {times} runs")
    part.row("SQS requests a trigger", ours.thing("sqs_requests"), note=f"baseline {theirs.thing('sqs_requests'):.2f}")
    invocations = (f"{sum(each.counts.invocations.values()) / each.triggers:.3f}" for each in (ours, theirs))
    part.row("Lambda invocations a trigger", float(next(invocations)), note=f"baseline {next(invocations)}")
    dollars_ = [each.ours.dollars for each in couples]
    part.spread("a million triggers, without views", dollars_, "$", goal=DOLLARS, bound=2.75, note=_priced(ours))
    part.row("  of the baseline's", ours.dollars / theirs.dollars, note=f"${theirs.dollars:.2f}")
    with_views = [_with_views(results, who) for who in ("holdfast", "baseline")]
    part.row("a million triggers, with views", with_views[0], "$", note=f"baseline ${with_views[1]:.2f}")
    calls = sum(n for name, n in results["holdfast views"].counts.calls.items() if name not in SWEEPS)
    invoked = max(results["holdfast views"].counts.invocations["join"], 1)
    what = f"calls an invocation for {len(views):,} irrelevant events, beyond SQS"
    part.row(what, calls / invoked, goal=1, note=f"the epoch is read; {VOLUME_NOTE}")
    unlike = {each[:2] for each in ours.said} ^ {each[:2] for each in theirs.said}
    share = len(unlike) / max(len(theirs.said), 1)
    part.row("messages only one of them sent", len(unlike), note=f"of {len(theirs.said):,}: at the slice's two ends")
    part.data["messages_unlike"] = share
    _alternatives(part, ours, len(within) / seconds)
    part.data["units"] = _units_of(results)
    part.data["counts"] = {who: _plain(result) for who, result in results.items()}
    return results


def _couple(endpoint: str, before: list[Event], within: list[Event], number: int, seconds: int) -> Couple:
    """Run both. Every other couple swaps the order, as the second one finds warm caches."""
    runs = [
        lambda: _holdfast(endpoint, before, within, name=f"main{number}", seconds=seconds),
        lambda: _baseline(endpoint, before, within, name=f"base{number}", seconds=seconds),
    ]
    if number % 2:
        theirs, ours = runs[1](), runs[0]()
    else:
        ours, theirs = runs[0](), runs[1]()
    return Couple(ours, theirs)


def _beside(result: Result) -> str:
    """The write units beyond the users' items, by table."""
    units = {name.rpartition("-")[2]: n / result.triggers for name, n in result.counts.writes.items()}
    larger = units.pop("users") - result.saves / result.triggers
    return ", ".join([f"{name} {n:.3f}" for name, n in sorted(units.items())] + [f"items over 1 KB {larger:.3f}"])


def _priced(result: Result) -> str:
    """The parts of the price in dollars, most expensive first."""
    prices = {name: PRICES[name] * n / result.triggers * MILLION for name, n in result.counts.things.items()}
    dearest = sorted(prices.items(), key=lambda each: -each[1])
    return ", ".join(f"{name.replace('_', ' ')} ${price:.2f}" for name, price in dearest if price >= CENT)


CENT = 0.01
VOLUME_NOTE = "once a minute and container a write comes to it, of how many came of each name"
SWEEPS = {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:PutItem"}
"""The calls that sweep makes whatever comes in: its share is in every run."""


def _alternatives(part: Part, ours: Result, events_per_second: float) -> None:
    """Other services that wait for a window: the waiting alone, for a million triggers."""
    messages = ours.counts.things["bus_events"] / ours.triggers * MILLION
    part.row("Step Functions' transitions for a million triggers", step_functions(MILLION, messages), "$")
    part.row("Scheduler's invocations for them", dollars({"scheduler_invocations": messages}), "$")
    triggers = ours.triggers / ours.seconds * MONTH_SECONDS
    flink = flink_month(events_per_second, FLINK_US) / triggers * MILLION
    part.row(
        "Managed Flink for them, at this rate", flink, "$", note="its KPUs alone: no source, no events, no profiles"
    )


def users(part: Part, endpoint: str, *, seconds: int) -> None:
    """The same number of events, shared between more users."""
    found = {}
    for number in USERS:
        before, within = Trace(users=number).slice(window=WINDOW, length=seconds * SECOND)
        relevant = [event for event in within if event.name != VIEWED]
        result = _holdfast(endpoint, before, relevant, name=f"u{number}", seconds=seconds)
        found[number] = result.dollars
        each = result.triggers / seconds * WINDOW / SECOND / number
        note = f"{_units(result)}; {each:.3g} watches open a user"
        part.row(f"a million triggers of {number:,} users", result.dollars, "$", note=note)
    why = "bounded by the item: where few users have so many watches, it is larger than a unit"
    part.row(
        "the dearest beside the cheapest", max(found.values()) / min(found.values()), goal=FLAT, bound=1.4, note=why
    )
    fewest = min(found)
    others = [price for number, price in found.items() if number != fewest]
    part.row(f"  without those {fewest:,} users", max(others) / min(others), goal=FLAT)


def watches(part: Part, endpoint: str, *, seconds: int) -> None:
    """Users with this many watches open all the time, with their states as they are and deflated (`-c deflate=true`).

    A user's watches are one item: from about ten on, its size sets the price.
    """
    before, within = Trace().slice(window=WINDOW, length=seconds * SECOND)
    relevant = [event for event in within if event.name != VIEWED]
    for deflate, how in ((False, "as they are"), (True, "deflated")):
        found = {}
        for number in WATCHES:
            crowd = sorted([*before, *_open({event.user for event in relevant}, number - 1, seconds)])
            with HoldfastRun(
                endpoint, a_campaign(within=WINDOW // SECOND), name=f"{how[:2]}{number}", deflate=deflate
            ) as run:
                result = run.run(crowd, relevant, length=seconds * SECOND)
            found[number] = result.dollars
            part.row(f"a million triggers, {number} open, {how}", result.dollars, "$", note=_units(result))
        goal = GROWTH if deflate else None
        part.row("  the dearest beside the cheapest", max(found.values()) / min(found.values()), goal=goal)


def windows(part: Part, endpoint: str, *, seconds: int) -> None:
    """The price against the window, and against the size of the data that the message takes from its trigger."""
    grid = []
    for window in WINDOWS:
        before, within = Trace().slice(window=window * MINUTE, length=seconds * SECOND)
        relevant = [event for event in within if event.name != VIEWED]
        for size in SIZES:
            more = {f"note{at}": "x" * min(size - at, LONGEST) for at in range(0, size, LONGEST)}
            campaign = a_campaign(within=window * 60, kept=("price", *more))
            name = f"g{window}-{size}"
            with HoldfastRun(endpoint, campaign, name=name, more=more) as run:
                result = run.run(before, relevant, length=seconds * SECOND)
            grid.append({"window_minutes": window, "bytes": size, "dollars": result.dollars})
            part.row(f"window {window:,} min, {size:,} bytes", result.dollars, "$", note=_units(result))
    part.data["grid"] = grid


def _holdfast(endpoint: str, before: list[Event], within: list[Event], *, name: str, seconds: int) -> Result:
    with HoldfastRun(endpoint, a_campaign(within=WINDOW // SECOND), name=name) as run:
        return run.run(before, within, length=seconds * SECOND)


def _baseline(endpoint: str, before: list[Event], within: list[Event], *, name: str, seconds: int) -> Result:
    with BaselineRun(endpoint, window=WINDOW, name=name) as run:
        return run.run(before, within, length=seconds * SECOND)


def _with_views(results: dict[str, Result], who: str) -> float:
    ours, views = results[who], results[f"{who} views"]
    things = ours.counts.things + views.counts.things
    return sum(PRICES[name] * number for name, number in things.items()) / ours.triggers * MILLION


def _open(people: Iterable[str], number: int, seconds: int) -> Iterable[Event]:
    """Adds that are neither over nor due before the slice is; each user's adds all at one time."""
    rng = Random(1)  # noqa: S311  (a trace, no secret)
    for user in sorted(people):
        at = START - WINDOW + (seconds + 60) * SECOND + rng.randrange(WINDOW - (seconds + 120) * SECOND)
        yield from (Event(at, user, ADDED, at, (f"open-{n}",), 9.99) for n in range(number))


def _units(result: Result) -> str:
    return f"{result.thing('write_units'):.2f} write units, {result.calls:.2f} calls"


def _plain(result: Result) -> dict[str, object]:
    """The counts for each trigger."""
    counts, triggers = result.counts, max(result.triggers, 1)
    names = ("calls", "writes", "reads", "invocations", "cpu_us", "things")
    by_trigger = {name: {key: n / triggers for key, n in getattr(counts, name).items()} for name in names}
    return {"triggers": result.triggers, "stored_bytes": result.stored / triggers, **by_trigger}


def _units_of(results: dict[str, Result]) -> dict[str, object]:
    """The numbers that `bench.scale` computes with: for each trigger, and for each view that no campaign uses."""
    ours, views = results["holdfast"], results["holdfast views"]
    plain = _plain(ours)
    seen = views.events
    irrelevant = {
        "cpu_us": {"join": round(views.counts.cpu_us["join"] / seen, 1)},
        "things": {name: views.counts.things[name] / seen for name in ("sqs_requests", "lambda_requests")},
    }
    irrelevant["things"]["lambda_arm_gb_seconds"] = views.counts.things["lambda_arm_gb_seconds"] / seen
    total = ours.events + views.events
    timers = sum(n for name, n in ours.counts.writes.items() if name.endswith("-timers")) / ours.triggers
    return {
        "triggers_per_event": round(ours.triggers / total, 5),
        "views_per_event": round(views.events / total, 5),
        "holdfast": {**{name: plain[name] for name in KEPT}, "timer_writes": timers},
        "views": irrelevant,
    }


KEPT = ("calls", "invocations", "cpu_us", "things")
