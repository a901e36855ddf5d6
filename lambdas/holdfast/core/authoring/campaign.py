"""A campaign as its owner writes it: the model that validates the file, and the plan that is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)

from holdfast.core.authoring.basics import (
    Path,
    Text,
    did_you_mean,
    fail,
    one_or_many,
)
from holdfast.core.authoring.parts import (
    EVERY,
    CatalogName,
    Constant,
    Convert,
    Model,
    NamedEvent,
    Send,
    Typed,
    When,
    texts_of,
)
from holdfast.core.authoring.sending import event_properties
from holdfast.core.catalog.rows import kept
from holdfast.core.events import event_key
from holdfast.core.plans import goal as goals
from holdfast.core.plans import plan as plans
from holdfast.core.templates.templates import TemplateError, compile_values


class Campaign(Model):
    """A campaign file."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: Text | None = None
    events: Annotated[dict[Text, NamedEvent], Field(max_length=20)] = {}
    when: When
    constant: Annotated[
        list[Constant], BeforeValidator(one_or_many, json_schema_input_type=Constant | list[Constant])
    ] = []
    catalogs: Annotated[dict[CatalogName, Annotated[dict[Text, Path], Field(min_length=1)]], Field(max_length=10)] = {}
    send: Send
    convert: Convert | None = None

    @property
    def converting(self) -> list[str]:
        """The events that convert, and those that undo it."""
        return [*self._converts_on, *self.convert.undone_by] if self.convert else []

    @property
    def _converts_on(self) -> list[str]:
        """The events that convert: by default, the exits that have a value."""
        if self.convert is None or self.convert.on:
            return self.convert.on if self.convert else []
        every = {event_key(name) for each in self.constant for name, path in each.paths.items() if path == EVERY}
        return [name for name in self.when.did_not if event_key(name) not in every]

    @model_validator(mode="after")
    def _events_agree(self) -> Campaign:
        when = self.when
        if bool(when.did) == bool(when.did_any):
            fail(("when", "did"), "either did or did_any, not both" if when.did else "did is missing")
        own = {event_key(name): name for name in (*when.triggers, *when.did_not)}
        named = own | {event_key(name): name for name in self.converting if event_key(name) not in own}
        if len(own) < len(when.triggers) + len(when.did_not):
            fail(("when",), "an event is named once, in did or in did_not: where it is both, name each under events")
        if self.send.one_per == "user" and not self.constant:
            fail(("send", "one_per"), "a summary is of the constant property's values: say which under constant")
        if when.did_not and not when.within:
            fail(("when",), "within is missing: how long to wait for did_not, such as 30 minutes")
        for name in when.where:
            _known(("when", "where", name), name, named)
        for name in self.events:
            _known(("events", name), name, named)
        self._snapshots_agree()
        for number, constant in enumerate(self.constant):
            at = ("constant", number, "in")
            for name in constant.paths:
                _known((*at, name), name, named)
            self._ends_agree(at, constant)
            if missing := [n for key, n in named.items() if key not in set(map(event_key, constant.paths))]:
                every = f", or {EVERY!r} if it ends all of them" if missing[0] in when.did_not else ""
                fail(at, f"say which property of {missing[0]!r} is the {constant.name!r}{every}")
        return self

    @model_validator(mode="after")
    def _variants_agree(self) -> Campaign:
        """Rules and consumers rely on keys and types: a value is the same kind of thing in each variant."""
        names = [each.name for each in self.send.variants]
        kinds = {key: isinstance(each, Typed) and each.type for key, each in self.send.values.items()}
        for number, variant in enumerate(self.send.variants):
            at = ("send", "variants", number)
            if variant.name in names[:number]:
                fail((*at, "name"), f"{variant.name!r} is the name of two variants")
            for key, each in variant.values.items():
                kind = isinstance(each, Typed) and each.type
                if kinds.setdefault(key, kind) != kind:
                    fail((*at, "values", key), f"{key} is {kinds[key] or 'text'} elsewhere, and {kind or 'text'} here")
        return self

    @model_validator(mode="after")
    def _others_give_way(self) -> Campaign:
        if self.id in self.send.instead_of:
            fail(("send", "instead_of"), "a campaign cannot be sent instead of itself")
        return self

    @model_validator(mode="after")
    def _conversions_agree(self) -> Campaign:
        if self.convert is None:
            return self
        if not self._converts_on:
            why = f"each of did_not ends {EVERY} and bears none" if self.when.did_not else "there is no did_not"
            fail(("convert", "on"), f"say which event is a conversion: {why}")
        on, undo = ({event_key(name): name for name in names} for names in (self._converts_on, self.convert.undone_by))
        for key in on.keys() & undo.keys():
            fail(("convert", "undone_by"), f"{undo[key]!r} converts and undoes it: name each under events, by a filter")
        if self.convert.currency and not self.convert.amount:
            fail(("convert", "amount"), "a currency needs an amount")
        return self

    def _snapshots_agree(self) -> None:
        when = self.when
        for number, name in enumerate(when.snapshots):
            triggers = {event_key(each): each for each in when.triggers}
            if event_key(name) not in triggers:
                known = did_you_mean(name, when.triggers)
                fail(("when", "snapshots", number), f"{name!r} is not a trigger: a snapshot is one of did{known}")
            if not self.constant or len(when.did) > 1:
                fail(("when", "snapshots", number), "a snapshot takes a constant, and did with one event or did_any")

    def _ends_agree(self, at: tuple[str | int, ...], constant: Constant) -> None:
        """An event ends every value of all properties, or of none; and only an exit ends anything."""
        exits = set(map(event_key, self.when.did_not))
        for name, path in constant.paths.items():
            if path == EVERY and event_key(name) not in exits:
                fail((*at, name), f"only an event of did_not ends {EVERY}")
            if path == EVERY and event_key(name) in set(map(event_key, self.converting)):
                fail((*at, name), f"{name!r} converts, and bears no value by which a message could be known")
            others = (each.paths.get(name, EVERY) for each in self.constant)
            if path == EVERY and any(other != EVERY for other in others):
                fail((*at, name), f"{name!r} ends {EVERY} of one property and not of another")

    @model_validator(mode="after")
    def _templates_compile(self) -> Campaign:
        places: list[tuple[tuple[str | int, ...], dict[str, str]]] = [(("send", "values"), self.send.templates)]
        for number, variant in enumerate(self.send.variants):
            places.append((("send", "variants", number, "values"), texts_of(variant.values)))
        types = self.send.types
        for place, templates in places:
            for key, source in templates.items():
                of_it = {key: types[key]} if key in types else {}
                try:
                    compile_values({key: source}, events=self.when.triggers, catalogs=self.catalogs, types=of_it)
                except TemplateError as error:
                    fail((*place, key), str(error))
        return self

    def plan(self, revision: int = 1) -> plans.Plan:
        """The part of this revision that join and deliver need."""
        when = self.when
        variants = {each.name: texts_of(each.values) for each in self.send.variants}
        texts = {f"{name}/{key}": text for name, of in variants.items() for key, text in of.items()}
        values = compile_values(self.send.templates | texts, events=when.triggers, catalogs=self.catalogs)
        mapped = kept(path for columns in self.catalogs.values() for path in columns.values())
        return plans.Plan(
            id=self.id,
            revision=revision,
            name=self.name or self.id,
            names={event_key(name): name for name in (*when.triggers, *when.did_not, *self.converting)},
            did=tuple(map(event_key, when.triggers)),
            did_not=tuple(map(event_key, when.did_not)),
            within=when.within,
            settle=when.settle,
            max_age=when.max_age,
            where=self._filters(),
            constant=tuple(
                plans.Constant(
                    c.name,
                    {event_key(name): path for name, path in c.paths.items() if path != EVERY},
                    c.match or "",
                )
                for c in self.constant
            ),
            keep=tuple(sorted(values.event_properties | mapped | event_properties(self.send.audience or ""))),
            summary=self.send.one_per == "user",
            limit=self.send.limit,
            detail_type=self.send.detail_type,
            values=self.send.templates,
            types=self.send.types,
            variants=variants,
            catalogs=self.catalogs,
            recommendations=tuple(sorted(values.recommendations)),
            any_of=len(when.did_any) > 1,
            grace=when.grace if when.did_not else 0,
            every=tuple(sorted({event_key(n) for c in self.constant for n, path in c.paths.items() if path == EVERY})),
            snapshots=tuple(map(event_key, when.snapshots)),
            events={event_key(name): event_key(each.event) for name, each in self.events.items()},
            rules=self.send.rules(),
            convert=self._goal(),
            unreadable_exits="ignore" if when.unreadable_exits == "ignore" else "",
        )

    def _goal(self) -> goals.Goal | None:
        if self.convert is None:
            return None
        on, undone_by = (tuple(map(event_key, names)) for names in (self._converts_on, self.convert.undone_by))
        amount, currency = self.convert.amount or "", self.convert.currency or ""
        return goals.Goal(on, self.convert.within, amount, currency, undone_by)

    def _filters(self) -> dict[str, str]:
        """The filters by event key. An event with a name of its own has to pass its own filter and that of `where`."""
        filters = {event_key(name): each.where for name, each in self.events.items() if each.where}
        for name, path in self.when.where.items():
            own = filters.get(event_key(name))
            filters[event_key(name)] = f"({own}) && ({path})" if own else path
        return filters

    def event_of(self, name: str) -> str:
        """The name under which an event comes in."""
        own = {event_key(each): named.event for each, named in self.events.items()}
        return own.get(event_key(name), name)


def _known(at: tuple[str | int, ...], name: str, named: Mapping[str, str]) -> None:
    if event_key(name) not in named:
        fail(at, f"{name!r} is in neither did nor did_not" + did_you_mean(name, named.values()))
