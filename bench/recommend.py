"""A build of recommendations from a million events of a hundred thousand items, by DuckDB: time and peak memory.

python -m bench --only recommend
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import typer

from bench.report import Part
from holdfast.core.recommend.item_to_item import grouped
from holdfast.core.recommend.ranking import POPULAR, Recommender
from holdfast.services.build_engines import Duck

EVENTS = 1_000_000
ITEMS = 100_000
USERS = 150_000
NOW = 1_790_000_000_000
SPAN_MS = 30 * 24 * 60 * 60_000

_MADE = """
COPY (
    SELECT
        md5(CAST(number % {users} AS varchar))[:16] AS who, 'charged' AS event, 'item' AS path,
        -- Every second purchase is of the partner of the one before it: a pair is 2n and 2n + 1.
        CAST(CASE WHEN number // {users} % 2 = 1 THEN xor(item, 1) ELSE item END AS varchar) AS item,
        {now} - {span} + number * {span} // {events} AS at_ms
    FROM (
        SELECT
            number,
            CAST(floor({items} * pow(hash(number % {users} * 1000 + number // {users} // 2) / 1.9e19, 2)) AS int)
                AS item
        FROM range({events}) AS numbers(number)
    )
) TO '{path}' (FORMAT json)
"""


def recommend(part: Part, *, events: int = EVENTS) -> None:
    """Build in a separate process, so that its memory can be measured. Raises CalledProcessError."""
    command = [sys.executable, "-m", "bench.recommend", "--events", str(events)]
    told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)  # noqa: S603  (our own)
    note = f"{told['pairs']:,} pairs of {told['items_with_others']:,} items, {ITEMS:,} before"
    part.row(f"a build from {events:,} events", told["load_seconds"] + told["query_seconds"], "s", note=note)
    part.row("  of which loading them", told["load_seconds"], "s")
    part.row("  peak memory", told["peak_mb"], "MB")
    part.data["recommend"] = told


def main(*, events: int = EVENTS) -> None:
    recommender = Recommender(id="bench", catalog="products", did={"charged": "item"})
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as directory:
        duck = Duck(Path(directory), memory_mb=1800)  # as the function's
        file = Path(directory) / "events.json"
        list(duck.run(_MADE.format(users=USERS, items=ITEMS, events=events, now=NOW, span=SPAN_MS, path=file)))
        started = time.perf_counter()
        duck.load(file)
        loaded = time.perf_counter()
        rows = dict(grouped(duck.find(recommender, NOW)))
        built = time.perf_counter()
        duck.close()
    rows.pop(POPULAR)
    told = {
        "events": events,
        "items": ITEMS,
        "load_seconds": round(loaded - started, 1),
        "query_seconds": round(built - loaded, 1),
        "items_with_others": len(rows),
        "pairs": sum(map(len, rows.values())),
        "peak_mb": _peak_mb(),
    }
    print(json.dumps(told))  # noqa: T201


def _peak_mb() -> int:
    """The peak of this program alone: `getrusage` includes the program that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


if __name__ == "__main__":
    typer.run(main)
