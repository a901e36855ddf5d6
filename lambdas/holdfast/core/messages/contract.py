"""The promises of a campaign's messages to their consumers, and which of them a new revision would break."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.core.plans.plan import Plan


def breaks(before: Plan, after: Plan) -> list[str]:
    """Each promise of the live revision that a new one breaks, as sentences for people. Additions break nothing."""
    return list(_breaks(before, after))


def _breaks(before: Plan, after: Plan) -> Iterator[str]:
    if before.detail_type != after.detail_type:
        yield f"the detail type {before.detail_type!r} becomes {after.detail_type!r}: rules on it match no more"
    for key in _keys(before):
        was, becomes = before.types.get(key, "text"), after.types.get(key, "text")
        if key not in _keys(after):
            yield f"values.{key} is gone"
        elif was != becomes:
            yield f"values.{key} was {was} and becomes {becomes}"
    if _shape(before) != _shape(after):
        yield f"constant.value was {_shape(before)} and becomes {_shape(after)}"
    elif (names := _names(before)) != (new := _names(after)):
        yield f"constant.name was {names} and becomes {new}"


def _keys(plan: Plan) -> list[str]:
    """All keys that a message may have, including those of variants."""
    return list(dict.fromkeys([*plan.values, *(key for values in plan.variants.values() for key in values)]))


def _shape(plan: Plan) -> str:
    if not plan.constant:
        return "absent"
    one = "one value" if len(plan.constant) == 1 else "a list of values that belong together"
    return f"a list, each {one}" if plan.summary else one


def _names(plan: Plan) -> str:
    return ", ".join(each.name for each in plan.constant)
