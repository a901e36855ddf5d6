"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 240.0
"""Seconds after which a test gives up. They are many: only a test that fails waits so long, also on a slow machine."""


def eventually(look: Callable[[], T], enough: Callable[[T], object] = bool) -> T:
    """Look again until it is enough. What was found last is returned in any case, for the test to say what is wrong."""
    ends = time.monotonic() + PATIENCE
    while not enough(found := look()) and time.monotonic() < ends:
        time.sleep(0.2)
    return found
