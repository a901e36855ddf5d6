"""Control groups and variants, chosen by a hash of the user: the same on every machine, every time.

The hash of a user under a salt is the first 8 bytes of SHA-256 over the JSON array [salt, user], read as a number
between 0 and 1. Different salts give independent numbers: the stack's control group, a campaign's control group and a
campaign's variants do not depend on each other.

Variants are chosen by weighted rendezvous hashing (Thaler and Ravishankar 1998; weights as in Schindelhauer and
Schomaker 2005): each variant gets a score from its own hash and its weight, the best score wins. When a weight grows,
users move only to that variant, and only as many as the new share needs.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

from holdfast.core.events import canonical_bytes


def share(salt: str, user: str) -> float:
    """A number from 0 (included) to 1 (excluded), uniform over users."""
    digest = hashlib.sha256(canonical_bytes([salt, user])).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)


def in_control(share_of_users: float, user: str, campaign: str = "") -> bool:
    """Whether the user is in the control group of a campaign, or, without one, of the stack.

    A user in a group of 5 % is also in the group of 10 %: the group grows and shrinks at one end.
    """
    return share_of_users > 0 and share(f"control/{campaign}", user) < share_of_users


def variant(weights: Mapping[str, float], user: str, campaign: str) -> str:
    """The user's variant. Weights are above 0; they need not sum to anything."""
    return max(sorted(weights), key=lambda name: _score(weights[name], share(f"variant/{campaign}/{name}", user)))


def _score(weight: float, number: float) -> float:
    return weight / -math.log(number) if number > 0 else 0.0
