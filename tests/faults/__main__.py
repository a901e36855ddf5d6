"""`make faults SEEDS=2000`: many histories, on all cores. Exit code 1 if any of them is not as it has to be."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Faults")

from tests.faults.history import History
from tests.faults.oracle import wrong
from tests.faults.rules import Ruled, broken


def one(seed: int) -> tuple[int, int, list[str], Counter[str]]:
    logging.disable(logging.CRITICAL)
    history = Ruled(seed) if seed % 2 else History(seed)
    history.tell()
    found = [*wrong(history), *(broken(history) if isinstance(history, Ruled) else ())]
    return seed, len(history.decided), found, history.world.injected


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


def main(seeds: int, first: int) -> int:
    begun, decided, failing = time.monotonic(), 0, 0
    injected: Counter[str] = Counter()
    with Path(os.devnull).open("w") as nowhere, Pool(initializer=os.dup2, initargs=(nowhere.fileno(), 1)) as pool:
        for seed, number, problems, faults in pool.imap_unordered(one, range(first, first + seeds), chunksize=5):
            decided += number
            failing += bool(problems)
            injected += faults
            for problem in problems[:3]:
                say(f"seed {seed}: {problem}")
    say(f"{seeds} histories, {decided} decisions, {failing} not as they have to be, {time.monotonic() - begun:.0f} s")
    say("; ".join(f"{name} {number}" for name, number in injected.most_common()))
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000))
