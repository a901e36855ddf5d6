"""Writes docs/scale.md: what 100, 10,000 and 1,000,000 events a second take. Every figure on it is computed here.

    python -m bench.scale

The sources are the counts for a trigger in `bench/units.json` (`python -m bench --only counted --keep` writes it),
AWS's quotas below, and two seeded simulations of how hot a partition gets.
"""

# ruff: noqa: E501  (a line of the page is a line here)
from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from bench.prices import DATE, MONTH_SECONDS, dollars
from bench.prod import prod
from bench.report import number
from bench.virtual import CALL_SECONDS, VCPU_MB
from holdfast.core.fold.timers import USERS_PER_MESSAGE

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
UNITS = Path(__file__).with_name("units.json")
RATES = (100, 10_000, 1_000_000)

# docs.aws.amazon.com: DynamoDB, "Service, account, and table quotas" and "Partitions and data distribution"; Lambda,
# "Lambda quotas" and "Using Lambda with Amazon SQS"; SQS, "Message quotas"; EventBridge, "Amazon EventBridge quotas".
PARTITION_WRITES, PARTITION_READS = 1000, 3000
TABLE_UNITS = 40_000
CONCURRENCY = 1000
IN_FLIGHT = 120_000
PUT_EVENTS = 10_000

TIMER_BYTES = 36
"""Bytes that a user takes in a timer item: the name, the time, and what JSON puts around them."""
QUERY_BYTES = 1024 * 1024
SEND_SECONDS = 0.01
ZIPF_USERS, ZIPF = 1_000_000, 0.8


class Load(NamedTuple):
    """The load of a rate of realistic events, by second."""

    events: float
    triggers: float
    writes: float
    reads: float
    messages: float
    join: float
    deliver: float
    dollars: float

    @property
    def partitions(self) -> int:
        """The number of partitions that the users table must have split into."""
        return max(math.ceil(self.writes / PARTITION_WRITES), math.ceil(self.reads / PARTITION_READS), 1)


def load(events: float, units: dict[str, Any], memory_mb: int) -> Load:
    ours, views = units["holdfast"], units["views"]
    triggers = events * units["triggers_per_event"]
    irrelevant = events * units["views_per_event"]
    things = {name: n * triggers + views["things"].get(name, 0) * irrelevant for name, n in ours["things"].items()}
    slower = max(VCPU_MB / memory_mb, 1) / 1_000_000
    join_calls = sum(n for name, n in ours["calls"].items() if not name.startswith("events:"))
    cpu = ours["cpu_us"]["join"] * triggers + views["cpu_us"].get("join", 0) * irrelevant
    return Load(
        events,
        triggers,
        things["write_units"],
        things["read_units"],
        things["bus_events"],
        cpu * slower + join_calls * triggers * CALL_SECONDS,
        ours["cpu_us"]["deliver"] * triggers * slower + ours["calls"]["events:PutEvents"] * triggers * 2 * CALL_SECONDS,
        dollars(things) * MONTH_SECONDS,
    )


class Heat(NamedTuple):
    """Units a second of the hottest partition, and the mean."""

    hottest: float
    mean: float


def users_heat(writes: float, units_each: float, partitions: int, batches: float, seed: int = 1) -> Heat:
    """A second of writes to Zipf users in `partitions`; a batch writes a user once, however many events it has."""
    rng = Random(seed)  # noqa: S311  (a simulation, no secret)
    cumulated = [*accumulate(1 / n**ZIPF for n in range(1, ZIPF_USERS + 1))]
    drawn = Counter(bisect_left(cumulated, rng.random() * cumulated[-1]) for _ in range(int(writes / units_each)))
    heat: Counter[int] = Counter()
    where = Random(seed + 1)  # noqa: S311
    for _, events in sorted(drawn.items()):
        heat[where.randrange(partitions)] += min(events, math.ceil(batches))
    return Heat(max(heat.values()) * units_each, heat.total() * units_each / partitions)


class Slots(NamedTuple):
    """The load of all users' timers in one minute on the timers table's partitions, one for each shard."""

    users: int
    shards: int
    writes: float
    megabytes: float
    seconds: float
    reads: float
    ticks: int


def flash_sale(users: int, shards: int, batches: float) -> Slots:
    """`users` all add something in the same minute, so all fall due in one: `batches` of join a second write to its
    slot.

    Each batch writes to one shard, drawn at random; an item holds 250 users. A sweep reads shard after shard, in pages
    of 1 MB, and sends each page's ticks, ten a request. Its reads of one partition a second follow from that.
    """
    rng = Random(1)  # noqa: S311
    each = users / 60 / batches
    items = math.ceil(each / USERS_PER_MESSAGE)
    units = items * max(math.ceil(min(each, USERS_PER_MESSAGE) * TIMER_BYTES / 1024), 1)
    heat = max(max(Counter(rng.randrange(shards) for _ in range(math.ceil(batches))).values()) for _ in range(60))
    shard_bytes = users * TIMER_BYTES / shards
    messages = users / USERS_PER_MESSAGE / shards
    seconds = math.ceil(shard_bytes / QUERY_BYTES) * 0.05 + messages / 10 * SEND_SECONDS
    return Slots(
        users,
        shards,
        heat * units,
        users * TIMER_BYTES / 1024**2,
        seconds * shards,
        shard_bytes / 4096 / seconds,
        math.ceil(users / USERS_PER_MESSAGE),
    )


def page(units: dict[str, Any]) -> str:
    stage = prod()
    loads = [load(rate, units, stage.join_memory_mb) for rate in RATES]
    return "\n".join([*_needs(loads, units, stage), *_breaks(loads, stage), *_heats(loads, units, stage), ""])


def _needs(loads: Sequence[Load], units: dict[str, Any], stage: Any) -> Iterable[str]:
    yield "# Scale"
    yield ""
    yield f"Written by `python -m bench.scale`, from what was counted on {units['date']}, and us-east-1's prices of {DATE}."
    yield "The events are those of the bench: 8 % adds and charges among views; a trigger is an add. What was counted at"
    yield "1,000 events a second is used for all rates: at a higher one batches are fuller and a trigger costs less, at a lower"
    yield "one they are emptier and it costs more. Traces, alarms and what stands still (the sweeps, the tables) are not in it."
    yield ""
    rows: list[tuple[str, list[str]]] = [
        ("triggers a second", [number(each.triggers) for each in loads]),
        ("messages a second", [number(each.messages) for each in loads]),
        ("write units a second", [number(each.writes) for each in loads]),
        ("read units a second", [number(each.reads) for each in loads]),
        ("partitions of the users table", [number(each.partitions) for each in loads]),
        ("copies of join at work", [number(math.ceil(each.join)) for each in loads]),
        ("copies of deliver at work", [number(math.ceil(each.deliver)) for each in loads]),
        (
            f"write units of a timer shard ({stage.timer_shards} of them)",
            [number(_shard(e, units, stage)) for e in loads],
        ),
        ("dollars a month", [f"${each.dollars:,.0f}" for each in loads]),
    ]
    yield "| | " + " | ".join(f"{each.events:,.0f} events/s" for each in loads) + " |"
    yield "|---|" + "---:|" * len(loads)
    for name, cells in rows:
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield ""


def _shard(each: Load, units: dict[str, Any], stage: Any) -> float:
    return float(units["holdfast"]["timer_writes"] * each.triggers / stage.timer_shards)


def _breaks(loads: Sequence[Load], stage: Any) -> Iterable[str]:
    yield "## What breaks first, and what the setting is"
    yield ""
    yield "| limit | by default | reached at | what to do |"
    yield "|---|---:|---:|---|"
    top = loads[-1]
    at: list[tuple[str, float, float, str]] = [
        (
            "copies of join: `join_concurrency`",
            stage.join_concurrency,
            top.join,
            "a higher `join_concurrency` in `infra/stages.py`",
        ),
        ("EventBridge's PutEvents, entries a second", PUT_EVENTS, top.messages, "raise the quota"),
        (
            "write units a second of a table",
            TABLE_UNITS,
            top.writes,
            "raise the table's quota; warm the table up before",
        ),
        ("Lambda's concurrency in the account", CONCURRENCY, top.join + top.deliver, "raise the quota"),
        (
            "messages in flight of a queue",
            IN_FLIGHT,
            top.join * stage.join_batch_size,
            "send several records in a message; a smaller `join_batch_size`",
        ),
        ("read units a second of a table", TABLE_UNITS, top.reads, "raise the table's quota"),
    ]
    for name, limit, used, what in sorted(at, key=lambda each: each[1] / each[2]):
        yield f"| {name} | {limit:,} | {number(float(f'{limit / used * top.events:.2g}'))} events/s | {what} |"
    yield ""
    yield "A queue that is behind makes messages late and loses none: ticks wait behind the events that came before them."
    yield "A throttled write comes again with its message. A new on-demand table takes 4,000 write units a second at once,"
    yield "and twice its last peak after that."
    yield ""
    lane, most = top.messages / top.deliver, top.messages / top.writes * PARTITION_WRITES
    yield f"A lane of deliver puts {number(lane)} messages a second, in batches as they were counted, and a shard of the stream has"
    yield f"{stage.deliver_lanes} by default. A partition that takes all the writes it may makes {number(most)} in this mix, and {PARTITION_WRITES:,} while nothing"
    yield "but timers fall due: its messages then come late. More lanes (`deliver_lanes`, 10 at most) are faster, and dearer, as their"
    yield "batches are emptier."
    yield ""


def _heats(loads: Sequence[Load], units: dict[str, Any], stage: Any) -> Iterable[str]:
    yield "## How hot a partition gets"
    yield ""
    yield f"A partition takes {PARTITION_WRITES:,} write units and {PARTITION_READS:,} read units a second."
    yield ""
    yield f"**Users.** {ZIPF_USERS:,} users, some far busier than others (Zipf, exponent {ZIPF}), in twice as many"
    yield "partitions as the mean load needs. A user's item is written once a batch, however many of its events that has."
    yield ""
    yield "| events/s | partitions | mean | hottest | of the limit |"
    yield "|---:|---:|---:|---:|---:|"
    for each in loads:
        batches = max(each.triggers * units["holdfast"]["invocations"]["join"], 1)
        heat = users_heat(each.writes, 1.0, 2 * each.partitions, min(batches, stage.join_concurrency))
        share = heat.hottest / PARTITION_WRITES
        yield f"| {each.events:,.0f} | {2 * each.partitions} | {heat.mean:,.0f} | {heat.hottest:,.0f} | {share:.0%} |"
    yield ""
    yield "**Timers.** A flash sale: so many users add something in the same minute, and all their timers are due in one."
    yield f"Each batch writes one item, of up to {USERS_PER_MESSAGE} users, to a shard drawn at random."
    yield ""
    heads = ("users", "shards", "write units/s of the hottest shard", "of the limit", "size of the slot")
    yield f"| {' | '.join([*heads, 'sweep takes', 'read units/s of a shard', 'tick messages'])} |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for users in (10_000, 100_000, 1_000_000, 5_000_000):
        sale = flash_sale(users, stage.timer_shards, max(users / 60 * units["holdfast"]["invocations"]["join"], 1))
        yield (
            f"| {users:,} | {sale.shards} | {sale.writes:,.0f} | {sale.writes / PARTITION_WRITES:.0%} | "
            f"{number(sale.megabytes)} MB | {number(sale.seconds)} s | {sale.reads:,.0f} | {sale.ticks:,} |"
        )
    yield ""
    yield "A sweep looks ten minutes ahead, and has four minutes. Its ticks are delayed to the second in which their users"
    yield "are due, so a slot's users come to join over a minute, and not at once."


def main() -> None:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(json.loads(UNITS.read_text())))


if __name__ == "__main__":
    main()
