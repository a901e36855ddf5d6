"""The filters that templates may use, each metered; and `ENVIRONMENT`, which has them.

They are Shopify's, python-liquid's code, and these of our own:

    date: layout, zone      a layout of strftime, or short, medium, long or full; of epoch numbers and ISO 8601
    time: length, zone      hours and minutes as the user's locale has them
    money: "EUR"            number: 2            plural: one: "item", other: "items"
    default: value          for what is absent or empty, though not for false

A time with no zone of its own is printed as written, whatever zone is asked for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

from babel import Locale
from liquid import Environment

from holdfast.core.templates import locales
from holdfast.core.templates.sandbox import ITEM, MAX_WORK, Absent, Bounded, Context, Withheld, size, text

T = TypeVar("T")

MAX_NUMBER: Final = 2**63
MILLISECONDS_FROM: Final = 10**11
"""A number from here on is a time in milliseconds: as seconds it would be the year 5138."""

INJECTED: Final = {"environment", "locale"}
"""Arguments that a filter gets from us, not from the template."""


class Filter:
    """A filter that absence passes through, that takes what it can handle, and that is paid for."""

    with_context = True  # python-liquid then passes it

    def __init__(self, name: str, function: Callable[..., object], take: Callable[[object], object] | None) -> None:
        self.name = name
        self.function = function
        self.take = take
        parameters = inspect.signature(function).parameters
        self.injected = INJECTED & parameters.keys()
        self.signature = inspect.Signature([p for p in parameters.values() if p.name not in INJECTED])
        self.by_name = {p.name for p in self.signature.parameters.values() if p.kind is p.KEYWORD_ONLY}

    def __call__(self, left: object, *arguments: object, context: Context, **options: object) -> object:
        operands = [left, *arguments]
        if self.name != "default":
            for operand in (*operands, *options.values()):
                if operand is None or isinstance(operand, Absent):
                    return operand
        if self.take:
            operands = list(map(self.take, operands))
        context.meter.spend(ITEM + self._growth(operands))
        if "environment" in self.injected:
            options["environment"] = context.env
        if "locale" in self.injected:
            options["locale"] = context.locale()
        result = self.function(*operands, **options)
        context.meter.spend(size(result, context.meter.left))
        if isinstance(result, int | float) and not abs(result) < MAX_NUMBER:  # nor NaN
            raise Withheld(f"limit: {self.name} gives a number beyond 2^63")
        if isinstance(left, Absent):
            context.step_in(left, result)
        return result

    def _growth(self, operands: list[object]) -> int:
        """What a result may have, or takes in time, beyond a small multiple of what goes in."""
        growth = 20 * ITEM if "locale" in self.injected else 0  # Babel takes its time
        match self.name, operands:
            case "replace", [str(source), str(old), *new]:
                growth = (source.count(old) if old else len(source) + 1) * sum(len(str(each)) for each in new)
            case "join", [list(items), glue]:
                growth = len(items) * len(text(glue))
            case "split", [str(source), str(glue)]:
                growth = ITEM * (source.count(glue) if glue.strip() else len(source))
            case "uniq", [list(items), *_]:  # compares each with each
                growth = len(items) * size(items, MAX_WORK) // 50
            case "strip_html", [str(source)]:  # a parser in Python
                growth = 20 * len(source)
            case (("date" | "money" | "number" | "plural" | "time"), _):  # Babel
                growth = 20 * ITEM
        return growth


def _default(value: object, fallback: object = "", *, allow_false: bool = True) -> object:
    """Unlike Shopify's, take False for the value it is, unless `allow_false: false` says otherwise."""
    absent = value is None or isinstance(value, Absent) or value in ([], {}) or (value is False and not allow_false)
    return fallback if absent or (isinstance(value, str) and not value.strip()) else value


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _join(value: object, glue: object = " ") -> str:
    return text(glue).join(map(text, _items(value)))


def _map(value: object, key: object) -> list[object]:
    return [item.get(key) if isinstance(item, dict) else None for item in _items(value)]


def _date(value: object, form: object, zone: object = None, *, locale: Locale) -> str:
    return _checked(locales.date, _moment(value, zone), text(form), locale)


def _time(value: object, form: object = "short", zone: object = None, *, locale: Locale) -> str:
    return _checked(locales.time, _moment(value, zone), text(form), locale)


def _money(value: object, currency: object, *, locale: Locale) -> str:
    return _checked(locales.money, _small(value), text(currency), locale)


def _number_filter(value: object, digits: object = None, *, locale: Locale) -> str:
    return _checked(locales.number, _small(value), None if digits is None else int(number(digits)), locale)


def _plural(
    value: object,
    *,
    other: object,
    zero: object = None,
    one: object = None,
    two: object = None,
    few: object = None,
    many: object = None,
    locale: Locale,
) -> str:
    forms = {"zero": zero, "one": one, "two": two, "few": few, "many": many, "other": other}
    given = {category: text(form) for category, form in forms.items() if form is not None}
    return locales.plural(_small(value), given, locale)


def _checked(function: Callable[..., T], *arguments: object) -> T:
    try:
        return function(*arguments)
    except ValueError as error:
        raise Withheld(f"failed: {error}") from None


def number(value: object) -> int | float:
    match value:
        case bool():
            pass
        case int() | float():
            return value
        case str():
            for kind in (int, float):
                try:
                    return kind(value)
                except ValueError:
                    continue
    raise Withheld(f"failed: no number: {value!r:.50}")


def _small(value: object) -> int | float:
    if not abs(found := number(value)) < MAX_NUMBER:  # nor NaN
        raise Withheld("limit: a number beyond 2^63")
    return found


def _moment(value: object, zone: object) -> datetime:
    """Epoch seconds or milliseconds, or ISO 8601. In the zone; else in UTC or, ISO 8601, as written."""
    try:
        match value:
            case str() if not value.isdigit():
                moment = datetime.fromisoformat(value)
            case _:
                epoch = number(value)
                moment = datetime.fromtimestamp(epoch / 1000 if abs(epoch) >= MILLISECONDS_FROM else epoch, UTC)
    except (ValueError, OverflowError, OSError):
        detail = repr(value)[:50]
        raise Withheld(f"failed: date takes an epoch number or ISO 8601, and there is no clock; not {detail}") from None
    if zone is None:
        return moment
    where = _checked(locales.zone, text(zone))
    return moment.astimezone(where) if moment.tzinfo else moment


_TAKES: Mapping[Callable[[object], object] | None, str] = {
    text: """
        append base64_decode base64_encode base64_url_safe_decode base64_url_safe_encode capitalize downcase escape
        escape_once lstrip newline_to_br prepend remove remove_first remove_last replace replace_first replace_last
        rstrip split squish strip strip_html strip_newlines truncate truncatewords upcase url_decode url_encode
    """,
    number: "abs at_least at_most ceil divided_by floor minus modulo plus round times",
    None: """
        compact concat date default find find_index first has join last map money number plural reject reverse size
        slice sort sort_natural sum time uniq where
    """,
}
_OURS: Mapping[str, Callable[..., object]] = {
    "date": _date,
    "default": _default,
    "join": _join,
    "map": _map,
    "money": _money,
    "number": _number_filter,
    "plural": _plural,
    "time": _time,
}
_ALL: Mapping[str, Callable[..., object]] = {**Environment().filters, **_OURS}

FILTERS: Final = {name: Filter(name, _ALL[name], take) for take, names in _TAKES.items() for name in names.split()}
ENVIRONMENT: Final = Bounded(FILTERS)
