"""Hints about a campaign, going by what has come in so far: names never seen, comparisons that are never true.

Hints, not mistakes: an event may be one that will only come when the next release of an app is out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jmespath

from holdfast.core.authoring.basics import did_you_mean
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.expressions import EVENT, Reading, never_seen, quoted, unseen
from holdfast.core.authoring.parts import EVERY
from holdfast.core.authoring.text import Source
from holdfast.core.events import event_key
from holdfast.core.intake.shapes import MAX_EVENTS, Shapes
from holdfast.core.templates.templates import Template, compile_values

Place: TypeAlias = tuple[str | int, ...]

OWN = ("id", "ts", "user", "event")
"""Keys of a plain record that are not properties."""
OF_A_CAMPAIGN = ("id", "name", "revision")


class Hint(NamedTuple):
    """`place` is the path in the campaign's file."""

    place: Place
    message: str


class Known(NamedTuple):
    """Names that a stage knows. `events` are the observed ones, by event key; `profile` the properties of a sample of
    profiles; `catalogs` the columns by catalog. Nothing is known, and nothing is said, about what is empty or None.
    """

    events: Mapping[str, Shapes] = {}
    profile: Shapes = Shapes("profile")
    catalogs: Mapping[str, Sequence[str]] | None = None


def hints(campaign: Campaign, known: Known, source: Source | None = None) -> list[Hint]:
    """The hints. If nothing is known about a stage, they follow from the campaign and its `source` alone."""
    found = [*_at_first_sight(campaign), *(_shortened(source) if source else ())]
    if known.events:
        found += _hints(campaign, known.events)
    if known.profile.shapes:
        found += _of_profiles(campaign, known.profile)
        found += _of_audience(campaign, known)
    if known.catalogs is not None:
        found += _of_catalogs(campaign, known.catalogs)
    return list(dict.fromkeys(found))


def _of_profiles(campaign: Campaign, profile: Shapes) -> Iterator[Hint]:
    """Hints on profiles' properties. A sample does not have every property, so the hint says what was looked at."""
    for key, template in _templates(campaign):
        for use in sorted(template.uses):
            if use[0] == "Profile" and (never := never_seen(use[1:3], profile)):
                meant = did_you_mean(never, sorted(profile.paths))
                yield Hint(("send", "values", key), f"Profile.{never} is in no profile of those looked at{meant}")


def _of_audience(campaign: Campaign, known: Known) -> Iterator[Hint]:
    """Hints on the audience. A name that no profile has yet, such as `unsubscribed`, is reported only if a similar one
    exists.
    """
    did = [event_key(campaign.event_of(name)) for name in campaign.when.triggers]
    triggers = [known.events[key] for key in did if key in known.events]
    whole = len(triggers) == len(did) and not any(each.full for each in (known.profile, *triggers))
    if campaign.send.audience is None or not whole:
        return
    shapes = {"object Profile", "object Event", *_under("Profile", known.profile)}
    objects = Shapes("profiles and triggers", frozenset(shapes.union(*(_under("Event", each) for each in triggers))))
    reading = Reading(objects)
    reading.walk(jmespath.compile(campaign.send.audience).parsed, EVENT)
    for message in reading.messages:
        if "did you mean" in message or "was always" in message:
            yield Hint(("send", "audience"), message)


def _under(name: str, seen: Shapes) -> set[str]:
    """The shapes of properties, as they are in an object that holds them."""
    return {f"{kind} {name}.{path}" for kind, _, path in (shape.partition(" ") for shape in seen.shapes)}


def _of_catalogs(campaign: Campaign, catalogs: Mapping[str, Sequence[str]]) -> Iterator[Hint]:
    for name, by in campaign.catalogs.items():
        if name not in catalogs:
            yield Hint(("catalogs", name), f"no catalog {name!r} is imported{did_you_mean(name, sorted(catalogs))}")
            continue
        for column in by:
            if column not in catalogs[name]:
                yield Hint(("catalogs", name, column), _no_column(name, column, catalogs[name]))
    for key, template in _templates(campaign):
        for use in sorted(template.uses):
            match use:
                case ("Catalog", name, column, *_) if column not in catalogs.get(name, (column,)):
                    yield Hint(("send", "values", key), _no_column(name, column, catalogs[name]))


def _no_column(catalog: str, column: str, columns: Sequence[str]) -> str:
    return f"catalog {catalog!r} has no column {column!r}{did_you_mean(column, columns)}"


def _at_first_sight(campaign: Campaign) -> Iterator[Hint]:
    for place, _, path in _paths(campaign):
        if path in OWN:
            yield Hint(place, _own(path))
        yield from (Hint(place, message) for message in quoted(jmespath.compile(path).parsed, path))
    yield from _carts(campaign)
    for key, template in _templates(campaign):
        for use in sorted(template.uses):
            match use:
                case ("Event", name) if name in OWN:
                    yield Hint(("send", "values", key), _own(name))
                case (root, *_, _, "length" | "count" as last) if root in {"Event", "Profile"}:
                    path = ".".join(use[:-1])
                    yield Hint(
                        ("send", "values", key),
                        f"{last} is a property here, if there is one; how many there are is {path}.size",
                    )
                case ("Campaign", name, *_) if name not in OF_A_CAMPAIGN:
                    known = ", ".join(OF_A_CAMPAIGN)
                    yield Hint(("send", "values", key), f"Campaign.{name} is not there; there are {known}")


def _own(name: str) -> str:
    return (
        f"{name} of a plain event is the event's own, and never a property; it is one only in the forms that keep"
        " properties apart (CleverTap, Segment, envelopes)"
    )


def _carts(campaign: Campaign) -> Iterator[Hint]:
    """Triggers that carry a list. If it is the whole cart, products that are no longer in it are over; the campaign has
    to say so (`snapshots`).
    """
    when = campaign.when
    for number, constant in enumerate(campaign.constant):
        for name in () if when.did[1:] else when.triggers:
            lists = jmespath.compile(constant.paths.get(name, "@")).parsed["type"].endswith("projection")
            if lists and name not in when.snapshots:
                whole = f"if {name!r} carries the whole cart each time, say snapshots: {name}"
                yield Hint(("constant", number, "in", name), f"{whole}; what is no longer in it is over then")


def _shortened(source: Source) -> Iterator[Hint]:
    """Templates of a valid file from which YAML silently leaves out a part: a comment, or the name of an anchor."""
    send = source.data["send"]
    holders: list[tuple[Place, Any]] = [(("send", "values"), send["values"])]
    for number, variant in enumerate(send.get("variants") or []):
        holders.append((("send", "variants", number, "values"), variant.get("values") or {}))
    for place, values in holders:
        for key, template in values.items():
            if isinstance(template, str):
                yield from (Hint((*place, key), said) for said in _left_out(source.text, values, key))


def _left_out(text: str, values: Any, key: object) -> Iterator[str]:
    anchor = getattr(values[key], "anchor", None)
    if anchor and anchor.value and f"*{anchor.value}" not in text:
        yield f"YAML leaves &{anchor.value} out of the text: put quotes around a value that starts with &"
    comment = (values.ca.items.get(key) or [None] * 3)[2] if hasattr(values, "ca") else None
    if comment and comment.value.startswith("#") and _cuts(comment.start_mark, text.split("\n"), *values.lc.value(key)):
        end = str(values[key])[-30:]
        yield f"to YAML a comment begins at the #, and the text ends before it: {end!r}; put quotes around the text"


def _cuts(mark: Any, lines: list[str], line: int, column: int) -> bool:
    """Whether a comment may be meant as a part of the text that begins there: one with more than a space before it is
    a comment to anybody.
    """
    apart = lines[mark.line][: mark.column].endswith("  ")
    return (mark.line, mark.column) > (line, column) and not apart and bool(_PLAIN.match(lines[line], column))


_PLAIN = re.compile(r"(?:&\S+\s+)?[^\s'\"&*|>!#]")
"""The beginning of a text without quotes, perhaps behind an anchor's name; not of an alias, or of a block."""


def _templates(campaign: Campaign) -> Iterator[tuple[str, Template]]:
    values = compile_values(
        campaign.send.templates, events=campaign.when.triggers, catalogs=campaign.catalogs, live=True
    )
    yield from values.templates.items()


def _hints(campaign: Campaign, seen: Mapping[str, Shapes]) -> Iterator[Hint]:
    for place, name in _named(campaign):
        if event_key(name) not in seen and len(seen) < MAX_EVENTS:
            known = _alike(name, [each.name for each in seen.values()])
            yield Hint(place, f"{name!r} was never seen{known}")
    for place, name, path in _paths(campaign):
        yield from _of_path(place, name, path, seen)
    yield from _of_lookups(campaign, seen)
    for key, template in _templates(campaign):
        for use in sorted(template.uses):
            if use[0] == "Event":
                yield from _of_value(
                    ("send", "values", key), use[1:3], [*map(campaign.event_of, campaign.when.triggers)], seen
                )


def _alike(name: str, seen: Sequence[str]) -> str:
    """The event under another way of writing, product_added for Product Added; else one with a similar name."""
    wanted = letters(name)
    other = next((each for each in seen if letters(each) == wanted), None)
    return f"; {other!r} was" if other else did_you_mean(name, seen)


def letters(name: str) -> str:
    """The letters and digits of a name, by which different spellings are equal."""
    return "".join(filter(str.isalnum, name)).casefold()


def _named(campaign: Campaign) -> Iterator[tuple[Place, str]]:
    """The events that come in, where the campaign names them."""
    when = campaign.when
    for key, names in (("did", when.did), ("did_any", when.did_any), ("did_not", when.did_not)):
        yield from ((("when", key, n), name) for n, name in enumerate(names) if campaign.event_of(name) == name)
    yield from ((("events", own, "event"), each.event) for own, each in campaign.events.items())


def _paths(campaign: Campaign) -> Iterator[tuple[Place, str, str]]:
    """Each expression, with the event on which it is computed."""
    for name, path in campaign.when.where.items():
        yield ("when", "where", name), campaign.event_of(name), path
    for own, each in campaign.events.items():
        if each.where:
            yield ("events", own, "where"), each.event, each.where
    for number, constant in enumerate(campaign.constant):
        for name, path in constant.paths.items():
            if path != EVERY:
                yield ("constant", number, "in", name), campaign.event_of(name), path


def _of_lookups(campaign: Campaign, seen: Mapping[str, Shapes]) -> Iterator[Hint]:
    """Hints at properties by which a catalog's row is found: one of the triggers must have had each."""
    triggers = [campaign.event_of(name) for name in campaign.when.triggers]
    for catalog, by in campaign.catalogs.items():
        for column, path in by.items():
            place = ("catalogs", catalog, column)
            found = [list(_of_path(place, name, path, seen)) for name in triggers]
            if all(found):
                yield from found[0]


def _of_value(place: Place, at: tuple[str, ...], did: Sequence[str], seen: Mapping[str, Shapes]) -> Iterator[Hint]:
    """A trigger's property that a template names: one of the triggers must have had it."""
    triggers = [seen[key] for key in map(event_key, did) if key in seen]
    messages = [message for trigger in triggers if (message := unseen(at, trigger))]
    if triggers and len(messages) == len(triggers) == len(did):
        yield Hint(place, messages[0])


def _of_path(place: Place, name: str, path: str, seen: Mapping[str, Shapes]) -> Iterator[Hint]:
    if event := seen.get(event_key(name)):
        reading = Reading(event)
        reading.walk(jmespath.compile(path).parsed, EVENT)
        yield from (Hint(place, message) for message in reading.messages)
