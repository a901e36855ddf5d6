"""The bounds within which a template is rendered: its work, its output, the objects it may look at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TextIO, TypeAlias

from babel import Locale
from liquid import BoundTemplate, RenderContext, Token
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.output import LimitedStringIO
from liquid.undefined import UNDEFINED, Undefined

from holdfast.core.templates import locales

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
TAGS: Final = {"assign", "break", "capture", "case", "comment", "continue", "for", "if", "raw", "unless", "abort", "#"}
MAX_WORK: Final = 1_000_000
"""The budget of a message: a unit for each character; `ITEM` for each item, use of a filter, and turn of a loop, which
costs the length of its body besides. A long newsletter takes tens of thousands; a million buys tenths of a second."""
ITEM: Final = 10
MAX_TURNS: Final = 10_000
MAX_OUTPUT: Final = 65_536
MAX_SEARCH: Final = 10_000
"""Lists and objects that are looked through for the one which a loop calls `item`."""
LOCALE_PROPERTIES: Final = ("locale", "language")
"""Properties of a profile that say how to write money, numbers, dates and plurals."""
SECRET: Final = "Secret"  # noqa: S105 (a name)
"""Where among a message's objects the stage's secret is: for `hmac_sha256`, and for no template to print."""
SIGNING: Final = "hmac_sha256"
"""The filter that needs it."""


class Withheld(Exception):
    """The message is not sent, and this is the reason. `key` is the value that could not be rendered."""

    def __init__(self, reason: str, key: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.key = key


class Missing(Withheld):
    """A variable has no value, and the template gives no default."""

    def __init__(self, name: str) -> None:
        super().__init__(f"missing: {name}")
        self.name = name


class Meter:
    """The work that a message has left."""

    def __init__(self, work: int = MAX_WORK) -> None:
        self.left = work

    def spend(self, work: int) -> None:
        self.left -= work
        if self.left < 0:
            raise Withheld("limit: too much work; use shorter loops, texts and lists")


class Absent(Undefined):
    """A variable without a value. python-liquid's conditions take it for nil."""

    __slots__ = ("path",)
    path: list[object]

    @classmethod
    def at(cls, path: list[object], root: object = None) -> Absent:
        """`root` is what the path's first name stood for, where the template gave the name."""
        absent = cls(dotted(path), obj=root)
        absent.path = path
        return absent

    def __int__(self) -> int:  # as the limit or offset of a loop, or the bound of its range
        raise Missing(self.name)


class Context(RenderContext):
    """Looks up variables, and has the meter that everything is paid from."""

    __slots__ = ("meter",)

    def __init__(self, template: BoundTemplate, values: Mapping[str, object], meter: Meter) -> None:
        super().__init__(template, globals=values)
        self.meter = meter

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:  # noqa: ARG002
        """The value at the path, or `Absent`. A blank that the template itself assigned is not absent."""
        for segment in path:
            if isinstance(segment, Absent):
                return segment
        value = super().get(path, token=token, default=None)
        self.meter.spend(size(value, self.meter.left))
        own = len(path) == 1 and path[0] in self.locals
        if value is None or (isinstance(value, str) and not own and not value.strip()):
            return Absent.at(path, self.root(path))
        return value

    def get_item(self, obj: object, key: object) -> object:
        """An object has its properties and nothing else: `Event.size` is a property, not the number of them."""
        return obj[key] if isinstance(obj, Mapping) else super().get_item(obj, key)

    def parentloop(self) -> object:
        loop = super().parentloop()
        return Absent.at(["forloop", "parentloop"]) if isinstance(loop, Undefined) else loop

    def assign(self, key: str, val: object) -> None:
        self.meter.spend(len(self.locals))  # all of which python-liquid measures
        super().assign(key, val)

    def get_buffer(self, buf: TextIO | None = None) -> Buffer:  # noqa: ARG002
        return Buffer(self.meter)

    def lack(self, absent: Absent) -> int:
        """Withhold the message, because a value is absent."""
        raise self.lacking(absent)

    def lacking(self, absent: Absent) -> Withheld:
        """Why the value is absent: the variable is missing, or there are too few recommendations."""
        match absent.path:
            case ["Recommendations", name, *_] if self.resolve_path(absent.path[:3]) is None:
                return Withheld(f"no recommendation: {name}")
        return Missing(self.full_name(absent.path, absent.obj))

    def resolve_path(self, path: list[object]) -> object:
        return super().get(path, token=None, default=None)

    def step_in(self, absent: Absent, default: object) -> None:
        """A default replaces an absent value: a preview notes it."""

    def root(self, path: list[object]) -> object:
        """The value of the path's first name where the template gave it one, in a loop or an assign."""
        return None if path[0] in self.globals else self.resolve(str(path[0]), default=None)

    def full_name(self, path: list[object], root: object) -> str:
        """The path as seen from outside: what a loop calls `event.price` is `Events[1].price`."""
        return dotted([*(self.place(root) or path[:1]), *path[1:]])

    def place(self, root: object) -> list[object] | None:
        """Where in the objects this very list or object is."""
        if not isinstance(root, dict | list):
            return None
        return next((path for path, each in self.places() if each is root), None)

    def places(self) -> Iterable[tuple[list[object], object]]:
        return places(self.globals)

    def language(self) -> tuple[list[object], str] | None:
        """The source of the language, which is the profile or else the campaign, and the language."""
        for root, names in (("Profile", LOCALE_PROPERTIES), ("Campaign", LOCALE_PROPERTIES[:1])):
            found = self.globals.get(root)
            for name in names:
                tag = found.get(name) if isinstance(found, Mapping) else None
                if isinstance(tag, str) and tag.strip():
                    return [root, name], tag
        return None

    def locale(self) -> Locale:
        _, tag = self.language() or ("", "en")
        return locales.find(tag)

    @property
    def secret(self) -> str:
        """The stage's secret, which no template can name."""
        return str(self.globals.get(SECRET) or "")


class Buffer(LimitedStringIO):
    def __init__(self, meter: Meter) -> None:
        super().__init__(limit=MAX_OUTPUT, newline="")  # which writes line ends as they are
        self.meter = meter

    def write(self, text: str, /) -> int:
        self.meter.spend(len(text))
        return super().write(text)


@contextmanager
def withholding() -> Iterator[None]:
    """Turn every failure of a template into the reason for withholding its message, and no other."""
    try:
        yield
    except Withheld:
        raise
    except ResourceLimitError as error:
        raise Withheld(f"limit: {error.message}") from error
    except LiquidError as error:
        raise Withheld(f"failed: {error.message}"[:200]) from error
    except Exception as error:
        raise Withheld(f"failed: {type(error).__name__}: {error}"[:200]) from error


def dotted(path: Iterable[object]) -> str:
    """The path as a template writes it: Event.items[0].name, Catalog["products"].Price."""
    match list(path):
        case ["Catalog" | "Recommendations" as root, str(name), *more]:
            return f'{root}["{name}"]' + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in more)
        case path:
            pass
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path).removeprefix(".")


def places(objects: Mapping[str, object]) -> Iterator[tuple[list[object], object]]:
    """The lists and objects in these objects, each with its path; not all, if there are very many.

    Where there are several events, `Event` is `Events[0]`, which is what it is called then.
    """
    pending: list[tuple[list[object], object]] = [([], objects)]
    match objects:
        case {"Events": [_, _, *_] as events}:
            pending.append((["Events"], events))
        case {"Event": event}:
            pending.append((["Event"], event))
    for _ in range(MAX_SEARCH):
        if not pending:
            break
        path, value = pending.pop()
        yield path, value
        pairs = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        pending.extend(([*path, key], each) for key, each in pairs if isinstance(each, dict | list))


def size(value: object, most: int) -> int:
    """Characters, and items with what is in them; counted no further than `most`."""
    total, pending = 0, [value]
    while pending and total <= most:
        match pending.pop():
            case str(text):
                total += len(text)
            case list(items) | tuple(items):
                total += ITEM * len(items)
                pending.extend(items)
            case dict(items):
                total += ITEM * len(items)
                pending.extend(items.values())
            case _:
                total += 1
    return total


def text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float() if abs(value) < math.inf:  # JSON has neither infinity nor NaN
            return str(value)
        case list() | tuple():
            return ", ".join(map(text, value))
        case None:
            raise Withheld("failed: null in a list; the filter compact takes it out")
        case dict():
            raise Withheld("failed: an object is not text; name a property of it")
    raise Withheld(f"failed: not a text: {value!r:.50}")


def bounded(context: RenderContext) -> Context:
    assert isinstance(context, Context)  # noqa: S101 (the only one there is)
    return context
