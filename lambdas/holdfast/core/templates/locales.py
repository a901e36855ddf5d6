"""Money, numbers, dates and plurals as a user's language writes them, by Babel's data (CLDR).

Rendering stays pure: the locale and the time zone are arguments, never the machine's. Raises ValueError with what would
be right. Money and numbers are rounded half up, as shops do.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, TypeAlias

from babel import Locale, UnknownLocaleError, localedata
from babel.core import get_global
from babel.dates import format_date, format_datetime, format_time, get_timezone
from babel.numbers import format_currency, format_decimal

LANGUAGES: Final = frozenset(
    "ar cs da de el en es fi fr he hi hu id it ja ko nb nl no pl pt ro ru sv tr uk zh".split()  # noqa: SIM905
)
"""With all their regions. infra/dependencies.py keeps Babel's data for these alone; all others are written as English.
(`no` holds what `nb` is.)"""

MAX_DIGITS: Final = 9
MAX_TAG: Final = 40
LAYOUT = re.compile(r"(?:[^%]|%-?[aAbBdeFHIjlmMpPSTyYzZ%]){1,64}")

_Length: TypeAlias = Literal["short", "medium", "long", "full"]
_LENGTHS: Mapping[str, _Length] = {"short": "short", "medium": "medium", "long": "long", "full": "full"}
_BY_NAME = {"a": "EEE", "A": "EEEE", "b": "MMM", "h": "MMM", "B": "MMMM", "p": "a"}
_BY_NAME_ALONE = {"a": "ccc", "A": "cccc", "b": "LLL", "h": "LLL", "B": "LLLL"}


class _Locale(Locale):
    """Has its data to itself. Babel's are partly shared, and what one locale makes of them shows in others: fr printed
    Hebrew months after he (python-babel issue 1234).
    """

    @cached_property
    def _data(self) -> localedata.LocaleDataDict:
        return localedata.LocaleDataDict(_copied(localedata.load(str(self))))


def _copied(data: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in data.items()}


def find(tag: str) -> Locale:
    """The locale for de_DE, de-AT, zh-Hant-TW or de; where that is not known its language, and then English."""
    return _locale(_identifier(tag[:MAX_TAG]))


@lru_cache(maxsize=1024)
def _identifier(tag: str) -> str:
    name = re.split(r"[.@]", tag.strip().replace("-", "_"), maxsplit=1)[0]
    for candidate in (name, name.partition("_")[0]):
        try:
            locale = Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
        if locale.language in LANGUAGES:
            return str(locale)
    return "en"


@lru_cache(maxsize=64)
def _locale(identifier: str) -> Locale:
    return _Locale.parse(identifier)


def currency(code: str) -> str:
    if code.upper() not in get_global("all_currencies"):
        raise ValueError(f"no currency: {code!r:.20}; there are EUR, USD, GBP and the others of ISO 4217")
    return code.upper()


def money(amount: float, code: str, locale: Locale) -> str:
    with decimal.localcontext(rounding=decimal.ROUND_HALF_UP):
        return format_currency(decimal.Decimal(str(amount)), currency(code), locale=locale)


def number(value: float, digits: int | None, locale: Locale) -> str:
    """With exactly so many digits after the point, or with as many as there are, up to three."""
    if digits is not None and not 0 <= digits <= MAX_DIGITS:
        raise ValueError(f"number prints 0 to {MAX_DIGITS} digits after the point")
    pattern = locale.decimal_formats[None].pattern
    if digits is not None:
        pattern = pattern.partition(".")[0] + ("." + "0" * digits if digits else "")
    with decimal.localcontext(rounding=decimal.ROUND_HALF_UP):
        return format_decimal(decimal.Decimal(str(value)), format=pattern, locale=locale)


def zone(name: str) -> tzinfo:
    try:
        return get_timezone(name)
    except LookupError:
        raise ValueError(f"no time zone: {name!r:.40}; such as 'Europe/Berlin' or 'UTC'") from None


def layout(text: str) -> str:
    if not LAYOUT.fullmatch(text):
        raise ValueError("date prints by a layout such as '%d %B %Y' or '%H:%M', without widths, or 'short' to 'full'")
    return text


def time_length(text: str) -> _Length:
    if text not in {"short", "medium"}:
        raise ValueError("time prints 'short' or 'medium'; date prints by a layout such as '%H:%M'")
    return _LENGTHS[text]


def date(moment: datetime, form: str, locale: Locale) -> str:
    """By a layout of strftime, or as the locale has it: short, medium, long or full."""
    if form in _LENGTHS:
        return format_date(moment, _LENGTHS[form], locale=locale)
    layout(form)
    alone = not re.search(r"%-?[deF]", form)  # Polish has "listopad 2026", but "23 listopada 2026"
    patterns = _BY_NAME | _BY_NAME_ALONE if alone else _BY_NAME

    def directive(match: re.Match[str]) -> str:
        letter = match["letter"]
        if letter in patterns:
            return format_datetime(moment, patterns[letter], locale=locale)
        return moment.strftime(match[0])

    return re.sub(r"%-?(?P<letter>.)", directive, form)


def time(moment: datetime, form: str, locale: Locale) -> str:
    """Hours and minutes as the locale has them; `medium` adds the seconds."""
    return format_time(moment, time_length(form), locale=locale)


def plural(count: float, forms: Mapping[str, str], locale: Locale) -> str:
    """The form for so many. A text whose forms are not those of the user's language is taken for English."""
    categories, needed = _categories(locale)
    rule = (locale if needed <= forms.keys() <= categories else find("en")).plural_form
    exact = int(count) if count == int(count) else decimal.Decimal(str(count))  # 1.0, as JSON may have it, is 1
    return forms.get(rule(exact), forms["other"])


@lru_cache(maxsize=1024)
def _categories(locale: Locale) -> tuple[frozenset[str], frozenset[str]]:
    """All that the language has, and those that whole numbers need besides `other`."""
    rule = locale.plural_form
    return rule.tags | {"other"}, frozenset(rule(n) for n in range(101)) - {"other"}
