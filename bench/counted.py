"""What a trigger costs, counted: Holdfast's handlers beside the baseline's, on the same slice of the same trace.

    python -m bench --only counted

A slice is some seconds of a stream of 1,000 events a second that goes on forever: as many watches fall due in it as are
opened. A trigger is an add; a charge belongs to the add that it ends, a copy is none. Views are looked at apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

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


def counted(part: Part, endpoint: str, *, seconds: int) -> dict[str, Result]:
    """Holdfast beside the baseline. Returned are both, and what irrelevant events alone cost each."""
    before, within = Trace().slice(window=WINDOW, length=seconds * SECOND)
    relevant = [event for event in within if event.name != VIEWED]
    views = [event for event in within if event.name == VIEWED]
    results = {
        "holdfast": _holdfast(endpoint, before, relevant, name="main", seconds=seconds),
        "baseline": _baseline(endpoint, before, relevant, name="base", seconds=seconds),
        "holdfast views": _holdfast(endpoint, [], views, name="views", seconds=seconds),
        "baseline views": _baseline(endpoint, [], views, name="base-views", seconds=seconds),
    }
    ours, theirs = results["holdfast"], results["baseline"]
    part.row("triggers counted", ours.triggers, note=f"{len(relevant):,} adds and charges, {len(views):,} views")
    part.row("API calls a trigger", ours.calls, note=f"baseline {theirs.calls:.2f}")
    part.row("  of the baseline's", ours.calls / theirs.calls, goal=1 / 5)
    part.row("write units a trigger", ours.thing("write_units"), note=f"baseline {theirs.thing('write_units'):.2f}")
    part.row("  of the baseline's", ours.thing("write_units") / theirs.thing("write_units"), goal=1 / 2)
    least = ours.counts.items["main-users"] / ours.triggers
    bound = "bounds it: an item written for each event that changes something, and for each decision"
    part.row("  one unit a save, of the baseline's", least / theirs.thing("write_units"), note=bound)
    part.row("read units a trigger", ours.thing("read_units"), note=f"baseline {theirs.thing('read_units'):.2f}")
    part.row("CPU a trigger", ours.cpu_us, "µs", note=f"baseline {theirs.cpu_us:,.0f}")
    part.row("  of the baseline's", ours.cpu_us / theirs.cpu_us, goal=1 / 4)
    part.row("SQS requests a trigger", ours.thing("sqs_requests"), note=f"baseline {theirs.thing('sqs_requests'):.2f}")
    invocations = (f"{sum(each.counts.invocations.values()) / each.triggers:.3f}" for each in (ours, theirs))
    part.row("Lambda invocations a trigger", float(next(invocations)), note=f"baseline {next(invocations)}")
    part.row("a million triggers, without views", ours.dollars, "$", goal=3.00)
    part.row("  of the baseline's", ours.dollars / theirs.dollars, goal=1 / 2, note=f"${theirs.dollars:.2f}")
    with_views = [_with_views(results, who) for who in ("holdfast", "baseline")]
    part.row("a million triggers, with views", with_views[0], "$", note=f"baseline ${with_views[1]:.2f}")
    calls = sum(n for name, n in results["holdfast views"].counts.calls.items() if name not in SWEEPS)
    invoked = max(results["holdfast views"].counts.invocations["join"], 1)
    what = f"calls an invocation for {len(views):,} irrelevant events, beyond SQS"
    part.row(what, calls / invoked, goal=1, note="the epoch is read: whether anything was published meanwhile")
    unlike = {each[:2] for each in ours.said} ^ {each[:2] for each in theirs.said}
    share = len(unlike) / max(len(theirs.said), 1)
    part.row("messages only one of them sent", len(unlike), note=f"of {len(theirs.said):,}: at the slice's two ends")
    part.data["messages_unlike"] = share
    _alternatives(part, ours, len(within) / seconds)
    part.data["units"] = _units_of(results)
    part.data["counts"] = {who: _plain(result) for who, result in results.items()}
    return results


SWEEPS = {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:PutItem"}
"""What sweep does whatever comes in: its share is in every run."""


def _alternatives(part: Part, ours: Result, events_per_second: float) -> None:
    """What else waits for a window: the waiting alone, for a million triggers."""
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
    bound = "bounded by the item: where few users have so many watches, it is larger than a unit"
    part.row("the dearest beside the cheapest", max(found.values()) / min(found.values()), goal=FLAT, note=bound)
    fewest = min(found)
    others = [price for number, price in found.items() if number != fewest]
    part.row(f"  without those {fewest:,} users", max(others) / min(others))


def watches(part: Part, endpoint: str, *, seconds: int) -> None:
    """Users who have so many watches open all along. They are one item: from about ten on, its size is what is paid."""
    before, within = Trace().slice(window=WINDOW, length=seconds * SECOND)
    relevant = [event for event in within if event.name != VIEWED]
    found = {}
    for number in WATCHES:
        crowd = sorted([*before, *_open({event.user for event in relevant}, number - 1, seconds)])
        result = _holdfast(endpoint, crowd, relevant, name=f"w{number}", seconds=seconds)
        found[number] = result.dollars
        part.row(f"a million triggers, {number} open", result.dollars, "$", note=_units(result))
    bound = "bounded by the item: a user's watches are written whole, a unit for each KB"
    part.row("the dearest beside the cheapest", max(found.values()) / min(found.values()), goal=FLAT, note=bound)


def deflated(part: Part, endpoint: str, *, seconds: int) -> None:
    """As `watches`, with states as they are, and with `-c deflate=true`."""
    before, within = Trace().slice(window=WINDOW, length=seconds * SECOND)
    relevant = [event for event in within if event.name != VIEWED]
    for number in WATCHES:
        crowd = sorted([*before, *_open({event.user for event in relevant}, number - 1, seconds)])
        for deflate in (False, True):
            name = f"{'deflated' if deflate else 'plain'}{number}"
            with HoldfastRun(endpoint, a_campaign(within=WINDOW // SECOND), name=name, deflate=deflate) as run:
                result = run.run(crowd, relevant, length=seconds * SECOND)
            how = "deflated" if deflate else "as it is"
            price = f"a million triggers ${result.dollars:.2f}"
            part.row(f"write units a trigger, {number} open, {how}", result.thing("write_units"), note=price)


def windows(part: Part, endpoint: str, *, seconds: int) -> None:
    """The price against the window, and the size of what the message takes from its trigger."""
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
    """Adds that are neither over nor due before the slice is: a user's all at one time."""
    rng = Random(1)  # noqa: S311  (a trace, no secret)
    for user in sorted(people):
        at = START - WINDOW + (seconds + 60) * SECOND + rng.randrange(WINDOW - (seconds + 120) * SECOND)
        yield from (Event(at, user, ADDED, at, (f"open-{n}",), 9.99) for n in range(number))


def _units(result: Result) -> str:
    return f"{result.thing('write_units'):.2f} write units, {result.calls:.2f} calls"


def _plain(result: Result) -> dict[str, object]:
    """By trigger."""
    counts, triggers = result.counts, max(result.triggers, 1)
    names = ("calls", "writes", "reads", "invocations", "cpu_us", "things")
    by_trigger = {name: {key: n / triggers for key, n in getattr(counts, name).items()} for name in names}
    return {"triggers": result.triggers, "stored_bytes": result.stored / triggers, **by_trigger}


def _units_of(results: dict[str, Result]) -> dict[str, object]:
    """What `bench.scale` computes with, by trigger; and by view, of what nobody waits for."""
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
