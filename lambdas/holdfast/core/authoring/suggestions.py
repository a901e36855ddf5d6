"""Names for a campaign's templates, in groups for a menu: those that were seen, and the campaign's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from holdfast.core.events import event_key
from holdfast.core.intake.shapes import Shapes

_WORD = re.compile(r"[A-Za-z_]\w*")


class Suggestion(NamedTuple):
    """`insert` is what stands between the braces; `note` says of what kind it is, and where it comes from."""

    insert: str
    label: str
    note: str


Groups: TypeAlias = list[tuple[str, list[Suggestion]]]


class Known(NamedTuple):
    """Events that were seen, by event key, and the properties of profiles; the columns of each catalog, and of what
    each recommendation recommends.
    """

    events: Mapping[str, Shapes]
    profile: Shapes
    catalogs: Mapping[str, Sequence[str]] = {}
    recommendations: Mapping[str, Sequence[str]] = {}


def suggest(campaign: Mapping[str, Any], known: Known) -> Groups:
    """`campaign` is one as its file says it, which may still be wrong anywhere. Groups without an item are left out."""
    when = _object(campaign.get("when"))
    own = {str(name): _object(each).get("event") for name, each in _object(campaign.get("events")).items()}
    did = [str(own.get(str(name)) or name) for key in ("did", "did_any") for name in _list(when.get(key))]
    summary = _object(campaign.get("send")).get("one_per") == "user"
    groups = [
        ("User properties", [*_of("Profile", known.profile, "")]),
        ("Event properties", [*_events(did, known)]),
        ("Constant property", [*_constant(campaign, summary=summary)]),
        ("Catalog", [*_catalogs(_object(campaign.get("catalogs")), known)]),
        ("Recommendations", [*_recommendations(known)]),
        ("Campaign", [Suggestion(f"Campaign.{name}", name, "of this campaign") for name in ("name", "id", "revision")]),
    ]
    return [(name, items) for name, items in groups if items]


def _events(did: list[str], known: Known) -> Iterator[Suggestion]:
    """The triggers' properties, each once, whichever of them bears it."""
    told: set[str] = set()
    for name in did:
        for each in _of("Event", known.events.get(event_key(name), Shapes(name)), name):
            if each.insert not in told:
                told.add(each.insert)
                yield each


def _of(root: str, seen: Shapes, of: str) -> Iterator[Suggestion]:
    """The properties that print as they are: no lists and objects, but what is in objects."""
    for path in sorted(seen.paths, key=str.casefold):
        kinds = seen.types(path) - {"null"}
        if "[]" in path or kinds <= {"list", "object"}:
            continue
        note = " or ".join(sorted(kinds)) + (f", of {of}" if of else "")
        yield Suggestion(root + "".join(map(_step, _names(path, seen))), path, note)


def _names(path: str, seen: Shapes) -> list[str]:
    """A dot may be part of a name: it parts two of them where what is before it is an object."""
    head, dot, rest = path.partition(".")
    return [head, rest] if dot and "object" in seen.types(head) else [path]


def _step(name: str) -> str:
    return f".{name}" if _WORD.fullmatch(name) else f"[{json.dumps(name, ensure_ascii=False)}]"


def _constant(campaign: Mapping[str, Any], *, summary: bool) -> Iterator[Suggestion]:
    names = [str(each["name"]) for each in _list(campaign.get("constant")) if isinstance(each, dict) and "name" in each]
    if names:
        note = "matched across the events" + (": a list, newest first" if summary or len(names) > 1 else "")
        yield Suggestion("ConstantEventProperty", ", ".join(names), note)


def _catalogs(mapped: Mapping[str, Any], known: Known) -> Iterator[Suggestion]:
    """Columns of the catalogs that the campaign maps: no row of another catalog can be found."""
    for name in map(str, mapped):
        for column in known.catalogs.get(name, ()):
            yield Suggestion(f"Catalog{_step(name)}{_step(column)}", f"{name} {column}", f"of the row of {name}")


def _recommendations(known: Known) -> Iterator[Suggestion]:
    for name, columns in known.recommendations.items():
        for column in columns:
            insert = f"Recommendations{_step(name)}[0]{_step(column)}"
            yield Suggestion(insert, f"{name} {column}", f"of the first row that {name} recommends")


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
