"""Money, numbers, dates and plurals as a user's language writes them, by Babel's data (CLDR).

Rendering stays pure: the locale and the time zone are arguments, never the machine's. Raises ValueError with what would
be right. Money and numbers are rounded half up, as shops do.
"""

from __future__ import annotations

import decimal
import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import cache, cached_property, lru_cache
from typing import Any, Final, Literal, TypeAlias

from babel import Locale, UnknownLocaleError, localedata
from babel.core import get_global
from babel.dates import format_date, format_datetime, format_time, get_timezone
from babel.numbers import format_currency, format_decimal, get_currency_symbol

_OF_THE_EU: Final = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv"
_OTHERS: Final = "ar bn ca fa he hi id ja ko ms nb no ru sr ta th tr uk vi zh"
LANGUAGES: Final = frozenset(f"{_OF_THE_EU} {_OTHERS}".split())
"""With all their regions. infra/dependencies.py keeps Babel's data for these alone; all others are written as English.
(`no` holds what `nb` is.)"""

MAX_DIGITS: Final = 9
MAX_TAG: Final = 40
_ONE = r"%(?:[-_0^]?[aAbBcCdDeFgGhHIjklLmMnNpPrRsStTuUvVwWxXyYzZ%]|:z)"
LAYOUT = re.compile(rf"(?:[^%]|{_ONE}){{1,64}}")
_DIRECTIVE = re.compile(r"%[-_0^:]?[a-zA-Z]")
_COMPOSED = {"D": "%m/%d/%y", "F": "%Y-%m-%d", "n": "\n", "r": "%I:%M:%S %p", "R": "%H:%M", "t": "\t", "T": "%H:%M:%S"}
_COMPOSED |= {"v": "%e-%^b-%Y"}
"""Directives that stand for several others, as in strftime. `c`, `x` and `X` depend on the locale."""

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


def known(tag: str) -> str:
    """The tag, if its language is one of ours. Raises ValueError."""
    if find(tag).language == "en" and not re.match(r"en(?![a-zA-Z])", tag.strip(), re.IGNORECASE):
        raise ValueError(f"the language {tag[:MAX_TAG]!r} is not here; there are {', '.join(sorted(LANGUAGES))}")
    return tag


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
        raise ValueError(f"not a currency: {code!r:.20}; there are EUR, USD, GBP and the others of ISO 4217")
    return code.upper()


def money(amount: float, code: str, locale: Locale) -> str:
    with decimal.localcontext(rounding=decimal.ROUND_HALF_UP):
        text = format_currency(decimal.Decimal(str(amount)), currency(code), locale=locale)
    return _spaced(text, get_currency_symbol(code.upper(), locale=locale))


def _spaced(text: str, symbol: str) -> str:
    """A space between a code made of letters and a digit beside it (CLDR's currencySpacing), which Babel leaves out."""
    before, _, after = text.partition(symbol)
    if after[:1].isdigit() and not _is_symbol(symbol[-1]):
        return f"{before}{symbol}\xa0{after}"
    if before[-1:].isdigit() and not _is_symbol(symbol[0]):
        return f"{before}\xa0{symbol}{after}"
    return text


def _is_symbol(character: str) -> bool:
    return unicodedata.category(character)[0] in "SZ"


def number(value: float, digits: int | None, locale: Locale) -> str:
    """A number with exactly so many decimals, or with its own, at most three."""
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
        raise ValueError(f"not a time zone: {name!r:.40}; {_zone_like(name)}") from None


def _zone_like(name: str) -> str:
    """The zone of a city: Berlin means Europe/Berlin."""
    if re.match(r"(?:UTC|GMT)?\s*[+-]\s*[0-9]", name.strip(), re.IGNORECASE):
        return "an offset changes with summer time: name a city, such as 'Europe/Berlin'"
    city = name.strip().rpartition("/")[2].replace(" ", "_").casefold()
    found = _ABBREVIATED.get(city.upper()) or _cities().get(city)
    return f"did you mean {found!r}?" if found else "such as 'Europe/Berlin' or 'UTC'"


_ABBREVIATED: Mapping[str, str] = {
    **dict.fromkeys(("PST", "PDT", "PT"), "America/Los_Angeles"),
    **dict.fromkeys(("MDT", "MT"), "America/Denver"),
    **dict.fromkeys(("CST", "CDT", "CT"), "America/Chicago"),
    **dict.fromkeys(("EDT", "ET"), "America/New_York"),
    **dict.fromkeys(("CEST", "MEZ", "MESZ"), "Europe/Berlin"),
    **dict.fromkeys(("BST", "WEST"), "Europe/London"),
    **dict.fromkeys(("EEST",), "Europe/Athens"),
    **dict.fromkeys(("AEST", "AEDT"), "Australia/Sydney"),
    "JST": "Asia/Tokyo",
}
"""Names that people use for a zone, though its summer time has another name."""


@cache
def _cities() -> dict[str, str]:
    """The zones of cities, by their folded names; zones of two parts win."""
    zones = [each for each in zoneinfo.available_timezones() if "/" in each]
    best_last = sorted(zones, key=lambda each: (each.count("/") == 1, each.startswith("Etc/"), each))
    return {each.rpartition("/")[2].casefold(): each for each in best_last}


def layout(text: str) -> str:
    if not LAYOUT.fullmatch(text):
        unknown = next((each for each in re.findall(r"%.?.?", text) if not re.match(_ONE, each)), None)
        wrong = f"; {unknown!r} is not a directive" if unknown else ""
        said = "date prints by a layout such as '%d %B %Y' or '%H:%M', without widths, or 'short' to 'full'"
        raise ValueError(said + wrong)
    return text


def printing(text: str) -> str:
    """A layout that prints something of the date. Raises ValueError."""
    if layout(text) not in _LENGTHS and not _DIRECTIVE.search(text):
        raise ValueError(f"a layout without a % directive prints no date; write {_with_directives(text)!r}")
    return text


_LETTERS: Mapping[str, str] = {
    # Moment's, Java's and Unicode's, of which one letter or several mean the same thing in another length
    "YYYY": "%Y",
    "yyyy": "%Y",
    "YY": "%y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "DD": "%d",
    "dd": "%d",
    "dddd": "%A",
    "EEEE": "%A",
    "ddd": "%a",
    "EEE": "%a",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "A": "%p",
    "a": "%p",
}
_SINGLE: Mapping[str, str] = {
    # Django's and PHP's, where each letter stands for itself
    "d": "%d",
    "j": "%-d",
    "D": "%a",
    "l": "%A",
    "F": "%B",
    "m": "%m",
    "n": "%-m",
    "M": "%b",
    "N": "%b",
    "Y": "%Y",
    "y": "%y",
    "H": "%H",
    "G": "%-H",
    "h": "%I",
    "g": "%-I",
    "i": "%M",
    "s": "%S",
    "A": "%p",
    "a": "%P",
}


def _with_directives(text: str) -> str:
    """The layout that corresponds to another language's; an example where none is known."""
    if text.strip().casefold() in _LENGTHS:
        return text.strip().casefold()
    if text.strip().casefold() in {"iso", "iso8601", "iso_8601", "iso-8601"}:
        return "%Y-%m-%d"
    words = re.findall(r"([a-zA-Z])(\1*)", text)
    letters = [first + more for first, more in words]
    table = _LETTERS if any(more for _, more in words) else _SINGLE
    if not letters or not all(each in table or each in {"D", "M", "H", "h"} for each in letters):
        return "%d.%m.%Y"
    short = {"D": "%-d", "M": "%-m", "H": "%-H", "h": "%-I"} if table is _LETTERS else {}
    return re.sub(r"([a-zA-Z])\1*", lambda match: table.get(match[0]) or short[match[0]], text)


def time_length(text: str) -> _Length:
    if text not in {"short", "medium"}:
        raise ValueError("time prints 'short' or 'medium'; date prints by a layout such as '%H:%M'")
    return _LENGTHS[text]


def date(moment: datetime, form: str, locale: Locale) -> str:
    """The date by a layout of strftime, or as the locale has it: short, medium, long or full."""
    if form in _LENGTHS:
        return format_date(moment, _LENGTHS[form], locale=locale)
    layout(form)
    form = re.sub(r"%([DFnrRtTv%])", lambda match: _COMPOSED.get(match[1], match[0]), form)
    alone = not re.search(r"%[-_0^]?[de]", form)  # Polish has "listopad 2026", but "23 listopada 2026"
    names = _BY_NAME | _BY_NAME_ALONE if alone else _BY_NAME

    def directive(match: re.Match[str]) -> str:
        flag, letter = match["flag"], match["letter"]
        if letter in names:
            name = format_datetime(moment, names[letter], locale=locale)
            return name.upper() if flag == "^" else name
        if letter in _OURS:
            return _OURS[letter](moment, locale)
        written = moment.strftime(f"%{flag.strip('^:')}{letter}")
        if flag == ":" and written:
            return f"{written[:3]}:{written[3:]}"
        return written.upper() if flag == "^" else written

    return re.sub(r"%(?P<flag>[-_0^:]?)(?P<letter>.)", directive, form)


_OURS: Mapping[str, Callable[[datetime, Locale], str]] = {
    "c": lambda moment, locale: format_datetime(moment, "medium", locale=locale),
    "x": lambda moment, locale: format_date(moment, "short", locale=locale),
    "X": lambda moment, locale: format_time(moment, "medium", locale=locale),
    "C": lambda moment, _: f"{moment.year // 100:02}",
    "k": lambda moment, _: f"{moment.hour:2}",
    "L": lambda moment, _: f"{moment.microsecond // 1000:03}",
    "N": lambda moment, _: f"{moment.microsecond * 1000:09}",
    "s": lambda moment, _: str(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())),
}


def time(moment: datetime, form: str, locale: Locale) -> str:
    """Hours and minutes as the locale has them; `medium` adds the seconds."""
    return format_time(moment, time_length(form), locale=locale)


def plural(count: float, forms: Mapping[str, str], locale: Locale) -> str:
    """The form for so many. A text whose forms are not those of the user's language is taken for English.

    `zero` is for none at all, also where the language counts none like many.
    """
    if count == 0 and "zero" in forms:
        return forms["zero"]
    needed = _needed(locale)
    fits = needed <= forms.keys() if needed else forms.keys() <= {"other", "zero"}
    rule = (locale if fits else find("en")).plural_form
    exact = int(count) if count == int(count) else decimal.Decimal(str(count))  # 1.0, as JSON may have it, is 1
    return forms.get(rule(exact), forms["other"])


@lru_cache(maxsize=1024)
def _needed(locale: Locale) -> frozenset[str]:
    """The forms that the whole numbers of the language need, besides `other`; none at all may do without its own."""
    rule = locale.plural_form
    return frozenset(rule(n) for n in range(101)) - {"other", "zero"}
