"""Which campaigns use an event, and as what."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.core.plans.plan import Plan


def used(plans: Iterable[Plan]) -> dict[str, dict[str, str]]:
    """By event key: the campaigns that use it, each with its part."""
    found: dict[str, dict[str, str]] = {}
    for plan in plans:
        for own in dict.fromkeys((*plan.did, *plan.did_not, *plan.names)):
            part = "did" if own in plan.did else "did_not" if own in plan.did_not else "convert"
            found.setdefault(plan.events.get(own, own), {}).setdefault(plan.id, part)
    return found
