"""How many examples a property is tried on: `make unit` tries a few, so that it takes seconds."""

from __future__ import annotations

import os

PROFILE = os.environ.get("HOLDFAST_EXAMPLES", "same")
"""`same` at every run, `few` of them, or `others` at each."""
FEW = 10


def examples(count: int) -> int:
    """For a property that is not tried on as many as the others."""
    return min(count, FEW) if PROFILE == "few" else count
