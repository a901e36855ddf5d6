"""Places: the keys of a state's watches, one for each space of a campaign.

A space begins with the revision that reads keys or exits in another way. The first one has the bare id as its place.
"""

from __future__ import annotations

from functools import lru_cache


def place_of(campaign: str, space: int) -> str:
    return f"{campaign}@{space}" if space else campaign


@lru_cache(maxsize=4096)
def campaign_of(place: str) -> str:
    """Ids of campaigns contain no @."""
    return place.partition("@")[0]
