"""The values of properties: how they match, and how they are shown."""

from __future__ import annotations

import math
import unicodedata

from holdfast.core.events import Json

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""The soft hyphen, white space without a width, and the mark at the beginning of files: nobody sees them anywhere."""


def folded(text: str) -> str:
    """Text as it matches: in Unicode's composed form (NFC), with white space of any kind trimmed and made one space,
    and without what cannot be seen.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    trimmed = " ".join(text.split())
    return text if trimmed == text else trimmed  # one text in memory, not two


def without_case(text: str) -> str:
    """Text as it matches where case does not matter."""
    return folded(text.casefold())


def key_of(value: Json) -> str | None:
    """A scalar as the text by which it matches: 123, "123" and 123.0 are one value. None if it is not a scalar."""
    match value:
        case str():
            return folded(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            return None


def shown(value: Json) -> Json:
    """A value as messages show it: a whole number as one, as spreadsheets write 12345678 as 12345678.0."""
    return int(value) if type(value) is float and value.is_integer() else value


def number_in(found: Json) -> float | None:
    """A number, a text that is one, or the sum of those in a list; None where there is none."""
    if isinstance(found, list):
        numbers = [number for each in found if (number := number_in(each)) is not None]
        return round(math.fsum(numbers), 4) if numbers else None
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        number = float(found)
    except (ValueError, OverflowError):
        return None
    return round(number, 4) if abs(number) < MAX_NUMBER else None


MAX_NUMBER = 1e12
