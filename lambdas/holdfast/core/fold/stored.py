"""States and decisions as they are stored: each one JSON text in a format that older releases wrote and can read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core import formats
from holdfast.core.events import canonical
from holdfast.core.fold.watches import Bought, Conversion, Decided, Decision, Doubt, Exposure, State, Trigger, Watch
from holdfast.core.paths import folded


def encode(state: State) -> str:
    """One JSON text, the same for equal states, and readable in the AWS console."""
    data: dict[str, object] = {
        "watches": {c: {key: _pack_watch(key, w) for key, w in watches.items()} for c, watches in state.watches.items()}
    }
    if state.doubts:
        data["doubts"] = {
            c: {id_: _pack_doubt(doubt) for id_, doubt in doubts.items()} for c, doubts in state.doubts.items()
        }
    data |= {name: value for name in _AS_THEY_ARE if (value := getattr(state, name))}
    return canonical(data)


_AS_THEY_ARE = ("floors", "recent", "done", "ends", "own_ends", "sent", "exposures", "counted", "ids")


def decode(text: str) -> State:
    """The state in a text. Fields that this release does not know are ignored. Raises NewerFormat."""
    data = json.loads(text)
    formats.check(data, formats.STATE)
    return State(
        {c: _unpack_watches(watches) for c, watches in data["watches"].items()},
        {c: (at, key) for c, (at, key) in data.get("floors", {}).items()},
        data.get("recent", {}),
        data.get("done", {}),
        {c: (at, grace) for c, (at, grace) in data.get("ends", {}).items()},
        {c: {id_: Doubt(*each[:5]) for id_, each in doubts.items()} for c, doubts in data.get("doubts", {}).items()},
        {c: tuple((at, key) for at, key in went) for c, went in data.get("sent", {}).items()},
        {place: tuple(map(_unpack_exposure, of)) for place, of in data.get("exposures", {}).items()},
        data.get("counted", {}),
        data.get("ids", {}),
        {c: (at, grace) for c, (at, grace) in data.get("own_ends", {}).items()},
    )


def decision_of(data: Mapping[str, Any]) -> Decision:
    """A decision from an outbox. Unknown fields are ignored. Raises NewerFormat and TypeError."""
    formats.check(data, formats.DECISION)
    known = {name: value for name, value in data.items() if name in _DECISION}
    if known.get("conversion"):
        known["conversion"] = _unpack_conversion(known["conversion"])
    return Decision(**known)


_DECISION = frozenset(Decision.__struct_fields__)
_EXPOSURE = frozenset(Exposure.__struct_fields__)


def _unpack_exposure(data: Mapping[str, Any]) -> Exposure:
    known = {name: value for name, value in data.items() if name in _EXPOSURE}
    return Exposure(**{**known, "bought": tuple(Bought(*each[:4]) for each in data.get("bought", ()))})


def _unpack_conversion(data: Mapping[str, Any]) -> Conversion:
    bought = {name: Bought(*data[name][:4]) for name in ("bought", "before") if data.get(name)}
    return Conversion(data["sent"], data.get("control", ""), **bought)


def _pack_doubt(doubt: Doubt) -> list[object]:
    packed: list[object] = [doubt.at, doubt.grace, doubt.name, doubt.why]
    return [*packed, True] if doubt.later else packed


def _pack_watch(key: str, watch: Watch) -> dict[str, object]:
    packed: dict[str, object] = _pack_trigger(key, watch.trigger) if watch.trigger else {}
    if watch.exit:
        packed["exit"] = watch.exit
        if watch.grace:
            packed["grace"] = watch.grace
    if watch.decided:
        packed["decided"] = _pack_decided(watch.decided, watch.trigger)
        if watch.decided.user:
            packed["decided_for"] = watch.decided.user
    if watch.parts:
        packed["parts"] = {name: _pack_trigger(key, part) for name, part in watch.parts.items()}
    if watch.wait:
        packed["wait"] = watch.wait
    if watch.elsewhere:
        packed["elsewhere"] = watch.elsewhere
    if watch.own:
        packed["own"] = watch.own
    return packed


def _unpack_watches(packed: Mapping[str, Any]) -> dict[str, Watch]:
    """Watches by the keys that match today. Release 0.1 only trimmed keys, so two of its keys may now be one."""
    watches: dict[str, Watch] = {}
    for key, data in packed.items():
        watch, today = _unpack_watch(key, data), key if _PLAIN(key) else folded(key)
        watches[today] = watches[today].merged(watch) if today in watches else watch
    return watches


_PLAIN = re.compile(r"[!-~]*(?: [!-~]+)*").fullmatch
"""Matches keys that are sure to be the same today, as nearly all are."""


def _unpack_watch(key: str, data: Mapping[str, Any]) -> Watch:
    trigger = _unpack_trigger(key, data) if "at" in data else None
    return Watch(
        trigger=trigger,
        exit=data.get("exit", 0),
        decided=_unpack_decided(trigger, data["decided"], data.get("decided_for", "")) if "decided" in data else None,
        parts={name: _unpack_trigger(key, part) for name, part in data.get("parts", {}).items()},
        grace=data.get("grace", 0),
        wait=(data["wait"][0], data["wait"][1]) if "wait" in data else None,
        elsewhere=(data["elsewhere"][0], data["elsewhere"][1]) if "elsewhere" in data else None,
        own=(data["own"][0], data["own"][1]) if "own" in data else None,
    )


def _pack_decided(decided: Decided, trigger: Trigger | None) -> list[object]:
    """When, and what; a reason if there is one. The rest is stored only if the decision was not for the trigger beside
    it but for an earlier one, or was part of a summary.
    """
    packed: list[object] = [decided.when, decided.kind, decided.reason]
    if decided.summary or trigger is None or trigger.mark != (decided.at, decided.id):
        packed += decided.at, decided.id
    if decided.summary:
        packed.append(decided.summary)
    return packed if decided.reason or len(packed) > 3 else packed[:2]  # noqa: PLR2004  (as said above)


def _unpack_decided(trigger: Trigger | None, data: Sequence[Any], user: str) -> Decided:
    """Also reads the oldest form (`[at, id, when, kind, reason, summary]`), whose third item is a number."""
    if len(data) > 2 and isinstance(data[2], int):  # noqa: PLR2004
        at, id_, when, kind, reason, *summary = data
    else:
        when, kind, reason, *other = (*data, "") if len(data) == 2 else data  # noqa: PLR2004
        at, id_, *summary = other or (trigger.mark if trigger else (0, ""))
    return Decided(at, id_, when, kind, reason, (summary[0][0], summary[0][1]) if summary else None, user)


def _pack_trigger(key: str, trigger: Trigger) -> dict[str, object]:
    packed: dict[str, object] = {"at": trigger.at, "id": trigger.id, "rev": trigger.revision}
    if trigger.due:
        packed["due"] = trigger.due
    if trigger.shown != (key or None):
        packed["shown"] = trigger.shown
    if trigger.event:
        packed["event"] = trigger.event
    if trigger.elder:
        packed["elder"] = trigger.elder
    return packed


def _unpack_trigger(key: str, data: Mapping[str, Any]) -> Trigger:
    shown = data.get("shown", key or None)
    event, elder = data.get("event", {}), data.get("elder", {})
    return Trigger(data["at"], data["id"], data.get("due", 0), data["rev"], shown, event, elder)
