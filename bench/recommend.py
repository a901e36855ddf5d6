"""A build of recommendations from a million events of a hundred thousand items, by DuckDB: time and peak memory."""

from __future__ import annotations

import json
import resource
import tempfile
import time
from pathlib import Path

from holdfast.aws.engines import Duck
from holdfast.core.item_to_item import grouped
from holdfast.core.recommendations import POPULAR, Recommender

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


def main() -> None:
    recommender = Recommender(id="bench", catalog="products", did={"charged": "item"})
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as directory:
        duck = Duck(Path(directory), memory_mb=1800)  # as the function's
        file = Path(directory) / "events.json"
        list(duck.run(_MADE.format(users=USERS, items=ITEMS, events=EVENTS, now=NOW, span=SPAN_MS, path=file)))
        started = time.perf_counter()
        duck.load(file)
        loaded = time.perf_counter()
        rows = dict(grouped(duck.find(recommender, NOW)))
        built = time.perf_counter()
        duck.close()
    rows.pop(POPULAR)
    told = {
        "events": EVENTS,
        "items": ITEMS,
        "load_seconds": round(loaded - started, 1),
        "query_seconds": round(built - loaded, 1),
        "items_with_others": len(rows),
        "pairs": sum(map(len, rows.values())),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main()
