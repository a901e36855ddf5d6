"""Records as a source describes them, which no native form can read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from holdfast.core.events import Ignored, Json, Record, Rejected, Unread
from holdfast.core.intake.fields import (
    EARLIEST_MS,
    LATEST_MS,
    Around,
    Object,
    a_profile_change,
    an_event,
    changes_along,
    event_name,
    id_of,
    only_ties,
    properties_of,
    ties_of,
    time_of,
    user_of,
)
from holdfast.core.intake.parsing import CannotFold
from holdfast.core.intake.sources import Lookup, Source, Unreadable
from holdfast.core.paths import Unclear


def by_sources(data: Object, around: Around, refused: CannotFold) -> Iterable[Record]:
    """The records as the first matching source reads them; else `refused`, unless a newer release may read them."""
    unreadable = ""
    for source in around.rules.sources:
        if isinstance(source, Unreadable):
            unreadable = unreadable or source.id
        elif source.matches(data):
            return _by_source(source, data, around)
    if unreadable:
        return [Unread(unreadable)]
    raise refused


def _by_source(source: Source, data: Object, around: Around) -> Iterator[Record]:
    try:
        found = source.found(data)
    except Unclear as unclear:
        raise CannotFold(f"source {source.id}: records cannot be computed: {unclear}") from None
    lookup = Lookup(source, data)
    if not found:
        return iter([Ignored(f"{source.id} body without a record")])
    places = [around] if len(found) == 1 else [around.item(number) for number in range(len(found))]
    return chain.from_iterable(
        _one_by_source(source, lookup, record, place) for record, place in zip(found, places, strict=True)
    )


def _one_by_source(source: Source, lookup: Lookup, record: Json, around: Around) -> list[Record]:
    """A mistake in one record leaves the others of its body alone."""
    if not isinstance(record, dict):
        return [Rejected(f"source {source.id}: a record is a JSON object", record)]
    try:
        return _described(source, lookup, record, around)
    except CannotFold as error:
        return [Rejected(f"source {source.id}: {error}", record, error.event)]


def _described(source: Source, lookup: Lookup, record: Object, around: Around) -> list[Record]:
    find = _finder(lookup, record)
    users = {path: find("user", path) for path in source.user}
    user = user_of(users, around, *source.user)
    aliases = {path: find("alias", path) for path in source.alias}
    name, given = find("event", source.event), find("id", source.event_id)
    if name is None and not source.profile:
        if source.event and not any(aliases.values()):
            raise CannotFold(f"no event name: {source.event} is missing")
        return only_ties(user, aliases, around, _in_ms(find("time", source.time), source.zone), *source.alias)
    if name is None:
        at = time_of(_in_ms(find("time", source.time), source.zone), around, source.time or "time")
        traits = dict(_object_of(lookup, source.profile, record, "profile"))
        changes = a_profile_change(user, at, around, {"profile": traits}, id_of(given, around))
        return [*ties_of(user, aliases, around, at, *source.alias), *changes]
    name = event_name(name, source.event)
    properties = dict(record)
    try:
        if source.properties:
            properties = dict(_object_of(lookup, source.properties, record, "properties"))
        time = _in_ms(find("time", source.time), source.zone)
    except CannotFold as error:
        error.event = an_event(user, name, properties, around, given, None, "properties")
        raise
    event = an_event(user, name, properties, around, given, time, "properties", field=source.time or "time")
    try:
        traits = dict(_object_of(lookup, source.profile, record, "profile")) if source.profile else {}
    except CannotFold:  # what is wrong with that does not harm the event
        traits = {}
    ties = ties_of(user, aliases, around, event.at, *source.alias, along=event.name)
    return [*ties, *changes_along(event, traits, around), event]


def _finder(lookup: Lookup, record: Object) -> Callable[[str, str], Json]:
    def find(what: str, path: str) -> Json:
        try:
            return lookup.find(path, record)
        except Unclear as unclear:
            raise CannotFold(f"{what} cannot be computed: {unclear}") from None

    return find


def _object_of(lookup: Lookup, paths: str | Mapping[str, str], record: Object, what: str) -> Object:
    try:
        return properties_of(lookup.object(paths, record), what)
    except Unclear as unclear:
        raise CannotFold(f"{what} cannot be computed: {unclear}") from None


def _in_ms(given: Json, zone: str) -> Json:
    """Epoch seconds, milliseconds or microseconds (their size tells), also as text, in milliseconds; and a text without
    a time zone in the one that the source names.
    """
    time = given
    if isinstance(given, str):
        text = given.strip()
        if not _NUMBER.match(text):
            return f"{text}+00:00" if zone and _WITHOUT_ZONE.match(text) else text
        time = float(text) if "." in text else int(text)
    if isinstance(time, bool) or not isinstance(time, int | float) or not 0 < time < LATEST_MS * 1000:
        return time
    if time < EARLIEST_MS:
        return round(time * 1000)
    return time if time < LATEST_MS else time // 1000


_NUMBER = re.compile(r"\A[0-9]{1,17}(\.[0-9]{1,9})?\Z")
_WITHOUT_ZONE = re.compile(r"\A[0-9]{4}-?[0-9]{2}-?[0-9]{2}[T ][0-9:.]+\Z")
