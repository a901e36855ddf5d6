"""The users behind a campaign's numbers, as far as their states still say so: who is waited for, and whose messages may
still be converted. There is no index of it, so the users table is read for a few seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from holdfast.aws.tables.users import Users
from holdfast.console import models
from holdfast.core.fold.watches import State, decode
from holdfast.core.places import campaign_of

Kind: TypeAlias = Literal["waiting", "sent", "converted", "control"]
MOST: Final = 50
"""Users of an answer."""


def behind(users: Users, campaign: str, kind: Kind, time_left: Callable[[], bool]) -> models.Behind:
    found: list[str] = []
    for page in users.scan(campaign):
        found += (user for user, text in page.states.items() if _counts(decode(text), campaign, kind))
        if len(found) > MOST or not time_left():
            return models.Behind(users=sorted(found)[:MOST], complete=False)
    return models.Behind(users=sorted(found), complete=True)


def _counts(state: State, campaign: str, kind: Kind) -> bool:
    if kind == "waiting":
        return any(campaign_of(place) == campaign and watch.pending is not None for place, _, watch in state.all())
    exposures = (each for place, of in state.exposures.items() if campaign_of(place) == campaign for each in of)
    return any(
        not each.void and bool(each.control) == (kind == "control") and (kind != "converted" or bool(each.bought))
        for each in exposures
    )
