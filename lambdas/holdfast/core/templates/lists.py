"""Filters of lists, where python-liquid's results or messages are not what people expect.

A property may be one of an object inside: `sku.id`, unless there is one of that very name. What lacks the property has
none. Values are compared as conditions compare them: `"89.00"` is 89. Sorted, what is absent comes last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

from holdfast.core.templates.bounds import Withheld, text
from holdfast.core.templates.comparing import equal

MAX_NUMBER: Final = 2**63


class _Anything:
    """The value to look for where none is named: any that is there."""


_ANY: Final = _Anything()


def items(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _flat(value: object) -> Sequence[object]:
    """The items, and those of the lists among them: a `map` may have made lists of lists."""
    listed = items(value)
    if not any(isinstance(each, list | tuple) for each in listed):
        return listed
    return [one for each in listed for one in (_flat(each) if isinstance(each, list | tuple) else (each,))]


def property_of(item: object, name: object) -> object:
    """None where there is none."""
    if not isinstance(item, Mapping):
        return None
    if name in item:
        return item[name]
    found: object = item
    for part in text(name).split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def map_(value: object, name: object) -> list[object]:
    return [property_of(item, name) for item in items(value)]


def where(value: object, name: object, wanted: object = _ANY) -> list[object]:
    return [item for item in _objects(value, "where") if _fits(item, name, wanted)]


def reject(value: object, name: object, wanted: object = _ANY) -> list[object]:
    return [item for item in _objects(value, "reject") if not _fits(item, name, wanted)]


def find(value: object, name: object, wanted: object = _ANY) -> object:
    return next((item for item in _objects(value, "find") if _fits(item, name, wanted)), None)


def find_index(value: object, name: object, wanted: object = _ANY) -> int | None:
    return next((n for n, item in enumerate(_objects(value, "find_index")) if _fits(item, name, wanted)), None)


def has(value: object, name: object, wanted: object = _ANY) -> bool:
    return any(_fits(item, name, wanted) for item in _objects(value, "has"))


def _fits(item: object, name: object, wanted: object) -> bool:
    found = property_of(item, name)
    return found not in (None, False) if wanted is _ANY else equal(found, wanted)


def _objects(value: object, used: str) -> Iterator[object]:
    for item in _flat(value):
        if not isinstance(item, Mapping) and item is not None:
            cure = "; whether a list has a text is asked by contains" if used == "has" else ""
            raise Withheld(f"failed: {used} takes a list of objects, and {item!r:.50} is not one{cure}")
        yield item


def sort(value: object, name: object = None) -> list[object]:
    return _sorted(value, name, "sort", lambda found: found)


def sort_natural(value: object, name: object = None) -> list[object]:
    """Without regard to case."""
    return _sorted(value, name, "sort_natural", lambda found: text(found).lower())


def _sorted(value: object, name: object, used: str, key: Callable[[object], object]) -> list[object]:
    listed = list(_flat(value) if name is None else _objects(value, used))
    keyed = [(item if name is None else property_of(item, name), item) for item in listed]
    there = [(key(found), item) for found, item in keyed if found is not None]
    try:
        there.sort(key=lambda pair: pair[0])  # type: ignore[arg-type, return-value]  # of one kind, or refused
    except TypeError:
        one, other = _unlike([found for found, _ in there])
        raise Withheld(f"failed: {used} of values of several kinds: {one!r:.50} and {other!r:.50}") from None
    return [item for _, item in there] + [item for found, item in keyed if found is None]


def _unlike(values: list[object]) -> tuple[object, object]:
    one = values[0]
    return one, next((each for each in values if isinstance(each, str) is not isinstance(one, str)), values[-1])


def sum_(value: object, name: object = None) -> int | float:
    """The exact sum. Absent values count as 0; numeric text counts as a number."""
    listed = list(_flat(value)) if name is None else [property_of(each, name) for each in _flat(value)]
    if all(type(each) is int for each in listed):
        plain = sum(cast("list[int]", listed))
        return plain if abs(plain) < MAX_NUMBER else float(plain)
    total = sum((_exact(each) for each in listed if each is not None), Decimal(0))
    whole = abs(total) < MAX_NUMBER and not any(isinstance(each, float) for each in listed) and total % 1 == 0
    return int(total) if whole else float(total)


def _exact(value: object) -> Decimal:
    try:
        if not isinstance(value, bool) and isinstance(value, int | float | str):
            found = Decimal(str(value).strip())
            if found.is_finite():
                return found
    except ArithmeticError:
        pass
    raise Withheld(f"failed: not a number: {value!r:.50}")


def slice_(value: object, start: object, length: object = 1) -> str | list[object]:
    """The items of a list; the characters of anything else.

    Nothing, if it begins outside the value or its length is negative.
    """
    whole: str | list[object] = list(value) if isinstance(value, list | tuple) else text(value)
    first, many = whole_number(start, "slice"), whole_number(length, "slice")
    first = first + len(whole) if first < 0 else first
    return whole[first : first + many] if first >= 0 < many else whole[:0]


def whole_number(value: object, used: str) -> int:
    match value:
        case bool():
            pass
        case float() if value.is_integer():
            return int(value)
        case int():
            return value
        case str() if re.fullmatch(r"\s*[-+]?[0-9]{1,18}(\.0*)?\s*", value):
            return int(value.partition(".")[0])
    raise Withheld(f"failed: {used} takes whole numbers, not {value!r:.50}")
