"""How this project retries what AWS answers in part: unprocessed keys, failed entries."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

ATTEMPTS = 4


def attempts(count: int = ATTEMPTS, first: float = 0.05) -> Iterator[int]:
    """Numbers from 0, with a growing, jittered pause before each but the first (seconds: at most 0.05, 0.1, 0.2, …)."""
    for attempt in range(count):
        if attempt:
            time.sleep(random.uniform(first / 2, first) * 2 ** (attempt - 1))  # noqa: S311 (jitter, not a secret)
        yield attempt
