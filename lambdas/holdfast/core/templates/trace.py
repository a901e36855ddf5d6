"""A traced rendering: for each value its text, or why there is none; and where each variable came from.

The templates are rendered as for a message, but a missing value does not end it: a person who writes a template wants
to see all missing values at once. Loops and assigns are seen through: what a template calls `event.price` is shown as
`Events[1].price`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, cast

from babel import Locale
from liquid import BoundTemplate, Token
from liquid.undefined import UNDEFINED

from holdfast.core.templates import locales
from holdfast.core.templates.bounds import Absent, Context, Json, Meter, Withheld, dotted, size
from holdfast.core.templates.templates import Template, TemplateError, Values, compile_each

Origin: TypeAlias = Literal[
    "profile", "event", "constant", "campaign", "catalog", "recommendation", "time", "default", "missing"
]

_ORIGINS: Mapping[object, Origin] = {
    "Profile": "profile",
    "Event": "event",
    "Events": "event",
    "ConstantEventProperty": "constant",
    "TriggeredAt": "time",
    "DecidedAt": "time",
    "Campaign": "campaign",
    "Catalog": "catalog",
    "Recommendations": "recommendation",
}

MAX_VARIABLES: Final = 200
MAX_SHOWN: Final = 2_000
"""Characters, and items by ten, of a variable's value; what is larger is shown by its beginning or its number."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a template names, and its value.

    `default` is the origin of what stood in for an absent one. Where nothing did it is `missing`, which withholds the
    message only where the variable is printed or looped over.
    """

    name: str
    origin: Origin
    value: Json


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a template is refused when its campaign is validated. `column` where it is known."""

    message: str
    line: int | None
    column: int | None


@dataclass(frozen=True, slots=True)
class Traced:
    """One of `text`, `reason` (why the message is withheld) and `error` is there. `dataclasses.asdict` is its JSON."""

    text: str | None = None
    reason: str | None = None
    error: Refusal | None = None
    variables: tuple[Variable, ...] = ()
    type: str = "text"
    value: Json = None
    """The value that goes out for `text`, where its type is not text."""
    notes: tuple[str, ...] = ()
    """A likely mistake: a language that is not here."""


def preview(
    sources: Mapping[str, str],
    context: Mapping[str, Json],
    *,
    events: Iterable[str] = (),
    catalogs: Collection[str] = (),
    types: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Traced]:
    """Like `trace`, for templates that may have mistakes: never raises."""
    return _traced(compile_each(sources, events=events, catalogs=catalogs, types=types), context, types)


def trace(values: Values, context: Mapping[str, Json]) -> dict[str, Traced]:
    """Each value by its key. As they share a message's budget of work, the same would be withheld."""
    return _traced(values.templates, context, values.types)


def _traced(
    templates: Mapping[str, Template | TemplateError], context: Mapping[str, Json], types: Mapping[str, str]
) -> dict[str, Traced]:
    meter = Meter()
    return {key: _trace(key, each, context, meter, types.get(key, "text")) for key, each in templates.items()}


def _trace(
    key: str, template: Template | TemplateError, context: Mapping[str, Json], meter: Meter, type_: str
) -> Traced:
    if isinstance(template, TemplateError):
        return Traced(error=Refusal(template.message, template.line, template.column))
    scope = _Tracing(template.liquid, context, meter)
    value: Json = ""
    reason = None
    try:
        value = template.value_in(scope, type_)
    except Withheld as withheld:
        reason = withheld.reason
    if scope.lacked:
        reason = scope.lacked[0]
    elif not reason and isinstance(value, str) and not value.strip():
        reason = f"blank: {key}"
    scope.look_up(template.uses)
    variables, notes = tuple(scope.variables.values()), tuple(dict.fromkeys(scope.notes))
    if reason:
        return Traced(None, reason, variables=variables, type=type_, notes=notes)
    if type_ == "text":
        return Traced(str(value), variables=variables, notes=notes)
    written = json.dumps(value, ensure_ascii=False)
    return Traced(written, variables=variables, type=type_, value=value, notes=notes)


class _Tracing(Context):
    """Notes what is read, and goes on where something is lacking."""

    __slots__ = ("all_places", "found", "lacked", "missed", "notes", "read", "variables")

    def __init__(self, template: BoundTemplate, values: Mapping[str, object], meter: Meter) -> None:
        super().__init__(template, values, meter)
        self.variables: dict[str, Variable] = {}
        self.lacked: list[str] = []
        self.notes: list[str] = []
        self.missed: set[str] = set()
        self.read: set[tuple[str, ...]] = set()
        self.found: list[tuple[object, list[object] | None]] = []
        self.all_places: list[tuple[list[object], object]] = []

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        value = super().get(path, token=token, default=default)
        if not any(isinstance(segment, Absent) for segment in path):
            self.note(path, self.root(path), value)
        return value

    def lack(self, absent: Absent) -> int:
        name = self.full_name(absent.path, absent.obj)
        self.lacked.append(self.lacking(absent).reason)
        self.missed.add(name)
        self.variables[name] = Variable(name, "missing", None)
        return 0

    def step_in(self, absent: Absent, default: object) -> None:
        name = self.full_name(absent.path, absent.obj)
        if name in self.variables and name not in self.missed and not isinstance(default, Absent):
            self.variables[name] = Variable(name, "default", _shown(default))

    def locale(self) -> Locale:
        found = super().locale()
        if named := self.language():
            self.note(named[0], None, named[1])
            try:
                locales.known(named[1])
            except ValueError as error:
                self.notes.append(f"{error}; written as English")
        else:
            self.variables.setdefault("Profile.locale", Variable("Profile.locale", "default", str(found)))
        return found

    @property
    def secret(self) -> str:
        """Not the stage's, which a preview does not know."""
        self.notes.append("hmac_sha256 is shown with another secret than the stage's")
        return "preview"

    def place(self, root: object) -> list[object] | None:
        """Found once for each; given up where a template goes through very many."""
        for known, path in self.found:
            if known is root:
                return path
        if len(self.found) == MAX_VARIABLES or not isinstance(root, dict | list):
            return None
        self.found.append((root, super().place(root)))
        return self.found[-1][1]

    def places(self) -> Iterable[tuple[list[object], object]]:
        if not self.all_places:
            self.all_places = list(super().places())
        return self.all_places

    def note(self, path: list[object], root: object, value: object) -> None:
        if path[0] not in self.globals:
            if len(path) == 1 or (place := self.place(root)) is None:
                return  # the template's own, and what it stands for was noted where it came from
            path = [*place, *path[1:]]
        name = dotted(path)
        self.read.add(tuple(_KEPT_AS.get(each, each) for each in path if isinstance(each, str))[:2])
        if len(self.variables) < MAX_VARIABLES:
            self.variables.setdefault(name, _variable(name, _ORIGINS[path[0]], value))

    def look_up(self, uses: Iterable[tuple[str, ...]]) -> None:
        """Add variables that were not reached: in a branch that was not taken, or after the end of the rendering."""
        unread = sorted({path[:2] for path in uses if path[0] not in _ROWS} - self.read - {("Events",)})
        for root, *names in unread:
            summary = root == "Event" and ("Events",) in uses
            of = self.globals.get("Events" if summary else root)
            for number, each in enumerate(of) if summary and isinstance(of, list) else [(None, of)]:
                path = [root] if number is None else ["Events", number]
                value = each
                for name in names:
                    value = value.get(name) if isinstance(value, Mapping) else None
                variable = _variable(dotted([*path, *names]), _ORIGINS[root], value)
                if len(self.variables) < MAX_VARIABLES:
                    self.variables.setdefault(variable.name, variable)


_ROWS = ("Catalog", "Recommendations")
"""Objects shown only as far as the template reads them: a row has many columns."""
_KEPT_AS: Mapping[str, str] = {"Events": "Event"}


def _variable(name: str, origin: Origin, value: object) -> Variable:
    absent = value is None or isinstance(value, Absent) or (isinstance(value, str) and not value.strip())
    return Variable(name, "missing", None) if absent else Variable(name, origin, _shown(value))


def _shown(value: object) -> Json:
    if size(value, MAX_SHOWN) <= MAX_SHOWN:
        return cast("Json", value)
    return f"{value[:MAX_SHOWN]}…" if isinstance(value, str) else f"({len(cast('list[Json]', value)):,} items)"
