"""The filters that templates may use, each metered; and `ENVIRONMENT`, which has them.

They are Shopify's, python-liquid's code, and these of our own:

    date: layout, zone      a layout of strftime, or short, medium, long or full; of epoch numbers and ISO 8601
    time: length, zone      hours and minutes as the user's locale has them
    money: "EUR"            number: 2            plural: one: "item", other: "items"
    plus, minus: "3 days"   of a time: a later or an earlier one, written as the time was
    default: value          for what is absent or empty, though not for false
    json                    any value as JSON; json_escape: a text as it stands between the quotes of JSON
    md5, sha256             of a text, in hexadecimal; hmac_sha256: with the stage's secret

A time with no zone of its own is printed as written, whatever zone is asked for. `round` rounds half away from zero.
"""

from __future__ import annotations

import hashlib
import hmac
import inspect
import json
import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, cast

from babel import Locale
from liquid import Environment
from liquid.exceptions import LiquidError, ResourceLimitError

from holdfast.core.templates import lists, locales
from holdfast.core.templates.bounds import ITEM, MAX_OUTPUT, MAX_WORK, Absent, Context, Json, Withheld, size, text
from holdfast.core.templates.lists import MAX_NUMBER
from holdfast.core.templates.operands import checked, is_duration, later, moment_of, number, small
from holdfast.core.templates.sandbox import Bounded

MAX_PLACES: Final = 15
INJECTED: Final = {"environment", "locale", "secret"}
"""Arguments that a filter gets from us, not from the template."""


class Filter:
    """A filter: passes absent values on, accepts only values that it can handle, and pays for its work."""

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
        if "secret" in self.injected:
            options["secret"] = context.secret
        result = self._computed(operands, options)
        context.meter.spend(size(result, context.meter.left))
        if isinstance(result, int | float) and not abs(result) < MAX_NUMBER:  # nor NaN
            raise Withheld(f"limit: {self.name} gives a number beyond 2^63")
        if isinstance(left, Absent):
            context.step_in(left, result)
        return result

    def _computed(self, operands: list[object], options: Mapping[str, object]) -> object:
        """The function's result. What it fails with is said in words for people."""
        try:
            return self.function(*operands, **options)
        except (Withheld, ResourceLimitError):
            raise
        except Exception as error:
            said = error.message if isinstance(error, LiquidError) else None
            if isinstance(said, str) and said.startswith(f"{self.name}: "):
                raise Withheld(f"failed: {said}") from error
            given = ", ".join(f"{each!r:.50}" for each in operands)
            raise Withheld(f"failed: {self.name} cannot be computed for {given}") from error

    def _growth(self, operands: list[object]) -> int:
        """The size of a result, or its cost in time, beyond a small multiple of the input's."""
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
            case "json", [value]:
                growth = 6 * size(value, MAX_WORK)
            case (("date" | "money" | "number" | "plural" | "time"), _):  # Babel
                growth = 20 * ITEM
        return growth


def _default(value: object, fallback: object = "", *, allow_false: bool = True) -> object:
    """Unlike Shopify's, take False for the value it is, unless `allow_false: false` says otherwise."""
    absent = value is None or isinstance(value, Absent) or value in ([], {}) or (value is False and not allow_false)
    return fallback if absent or (isinstance(value, str) and not value.strip()) else value


def _join(value: object, glue: object = " ") -> str:
    return text(glue).join(map(text, lists.items(value)))


def _truncate(value: str, most: object = 50, end: str = "...") -> str:
    """At most so many characters, including the ending; but never less than the ending."""
    most = lists.whole_number(most, "truncate")
    return value if len(value) <= most else value[: max(0, most - len(end))] + end


def _modulo(value: float, by: float) -> int | float:
    """The remainder with the sign of the divisor, for whole and other numbers."""
    rest = _MODULO(value, by)
    wrong = isinstance(rest, float) and rest and (rest < 0) is not (by < 0)
    return float(Decimal(str(rest)) + Decimal(str(by))) if wrong else cast("int | float", rest)


def _date(value: object, form: object, zone: object = None, *, locale: Locale) -> str:
    return checked(locales.date, moment_of(value, zone), text(form), locale)


def _time(value: object, form: object = "short", zone: object = None, *, locale: Locale) -> str:
    return checked(locales.time, moment_of(value, zone), text(form), locale)


def _money(value: object, currency: object, *, locale: Locale) -> str:
    return checked(locales.money, small(value), text(currency), locale)


def _round(value: object, digits: object = 0) -> int | float:
    """Half away from zero, as Liquid's documentation has it, where Python rounds half to even."""
    exact, places = small(number(value)), int(number(digits))
    if not -MAX_PLACES <= places <= MAX_PLACES:
        raise Withheld(f"limit: round takes {-MAX_PLACES} to {MAX_PLACES} digits")
    rounded = Decimal(str(exact)).quantize(Decimal((0, (1,), -places)), ROUND_HALF_UP)
    return int(rounded) if places <= 0 or isinstance(exact, int) else float(rounded)


def _plus(value: object, other: object) -> object:
    return later(value, other, 1) if is_duration(other) else _PLUS(_term(value), _term(other))


def _minus(value: object, other: object) -> object:
    return later(value, other, -1) if is_duration(other) else _MINUS(_term(value), _term(other))


def _term(value: object) -> int | float:
    try:
        return number(value)
    except Withheld as withheld:
        if isinstance(value, str) and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            cure = "of a time, add '3 days', or compute with its seconds, | date: '%s'"
            raise Withheld(f"{withheld.reason}; {cure}") from None
        raise


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise Withheld("failed: this has no JSON") from None


def _json_escape(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _md5(value: str) -> str:
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def _sha256(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _hmac_sha256(value: str, *, secret: str) -> str:
    if not secret:
        raise Withheld("failed: this stage has no secret for hmac_sha256")
    return hmac.new(secret.encode(), value.encode(), hashlib.sha256).hexdigest()


def _number_filter(value: object, digits: object = None, *, locale: Locale) -> str:
    return checked(locales.number, small(value), None if digits is None else int(number(digits)), locale)


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
    return locales.plural(small(value), given, locale)


def typed(value: object, type_: str, context: Context) -> Json:
    """A value that goes out as JSON. Raises Withheld where it is not of the type."""
    if isinstance(value, Absent):
        raise context.lacking(value)
    context.meter.spend(size(value, context.meter.left))
    match type_, value:
        case "number", _:
            return small(value)
        case "boolean", bool():
            return value
        case "boolean", "true" | "false":
            return value == "true"
        case "boolean", _:
            raise Withheld(f"failed: not a boolean: {value!r:.50}")
    if len(written := _json(value)) > MAX_OUTPUT:
        raise Withheld(f"limit: {len(written):,} characters of JSON; {MAX_OUTPUT:,} is the most")
    return cast("Json", value)


_TAKES: Mapping[Callable[[object], object] | None, str] = {
    text: """
        append base64_decode base64_encode base64_url_safe_decode base64_url_safe_encode capitalize downcase escape
        escape_once hmac_sha256 json_escape lstrip md5 newline_to_br prepend remove remove_first remove_last replace
        replace_first replace_last rstrip sha256 split squish strip strip_html strip_newlines truncate truncatewords
        upcase url_decode url_encode
    """,
    number: "abs at_least at_most ceil divided_by floor modulo round times",
    None: """
        compact concat date default find find_index first has join json last map minus money number plural plus reject
        reverse size slice sort sort_natural sum time uniq where
    """,
}
_OURS: Mapping[str, Callable[..., object]] = {
    "date": _date,
    "default": _default,
    "find": lists.find,
    "find_index": lists.find_index,
    "has": lists.has,
    "hmac_sha256": _hmac_sha256,
    "join": _join,
    "json": _json,
    "json_escape": _json_escape,
    "map": lists.map_,
    "md5": _md5,
    "minus": _minus,
    "modulo": _modulo,
    "money": _money,
    "number": _number_filter,
    "plural": _plural,
    "plus": _plus,
    "reject": lists.reject,
    "round": _round,
    "sha256": _sha256,
    "slice": lists.slice_,
    "sort": lists.sort,
    "sort_natural": lists.sort_natural,
    "sum": lists.sum_,
    "time": _time,
    "truncate": _truncate,
    "where": lists.where,
}
_THEIRS: Mapping[str, Callable[..., object]] = Environment().filters
_PLUS, _MINUS, _MODULO = _THEIRS["plus"], _THEIRS["minus"], _THEIRS["modulo"]
_ALL: Mapping[str, Callable[..., object]] = {**_THEIRS, **_OURS}

FILTERS: Final = {name: Filter(name, _ALL[name], take) for take, names in _TAKES.items() for name in names.split()}
ENVIRONMENT: Final = Bounded(FILTERS)
