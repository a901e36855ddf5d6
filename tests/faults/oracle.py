"""The outcome that a history must have, said without any code of the fold, of plans or of their timeline."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.faults.history import MAX_AGE, TIES, Decided, Happened, History, Published

NEVER = 1 << 60
INVOCATION_MS = 31_000
"""As long as one invocation of join may take, and a second: so old may be what it goes by when it saves."""


def wrong(history: History) -> Iterator[str]:
    """Everything that is not as it has to be."""
    yield from _undecided(history)
    yield from _twice(history)
    for each in history.decided:
        if each.what["kind"] == "send":
            yield from _early_or_blind(history, each)
        yield from _against_what_is_published(history, each)
    yield from _underway(history)
    yield from _people(history)
    yield from _profiles(history)
    yield from history.broken
    yield from (f"crash: {each}" for each in history.crashes)
    for name in ("events", "dead"):
        yield from (f"stuck in the queue {name}: {m.body}" for m in history.sqs.queues[name] if not m.gone)


def _person(user: str) -> str:
    """Who somebody proves to be in the end."""
    while user in TIES:
        user = TIES[user]
    return user


def _one_since(history: History, one: str, other: str) -> int:
    """Since when it is acknowledged that two ids are one person's."""
    ways = [_way(one), _way(other)]
    return max((history.tied.get(id_, NEVER) for id_ in {*ways[0]} ^ {*ways[1]} if id_ in TIES), default=0)


def _way(user: str) -> list[str]:
    return [user, *(_way(TIES[user]) if user in TIES else ())]


def _published(history: History, campaign: str) -> list[Published]:
    return [each for each in history.published if each.campaign == campaign]


def _in_force(history: History, campaign: str, at: int) -> Published | None:
    """The publication that reads a message which arrived then."""
    until = [each for each in _published(history, campaign) if each.since <= at]
    return max(until, key=lambda each: (each.since, each.written), default=None)


def _first(history: History, campaign: str, at: int) -> int:
    """Since when the campaign watches, as of then: what happened before was not watched."""
    first = 0
    for each in sorted(_published(history, campaign), key=lambda each: (each.since, each.written)):
        if each.since <= at:
            first = 0 if each.plan is None else first or each.since
    return first


def _opens(history: History, campaign: str, each: Happened) -> bool:
    published = _in_force(history, campaign, each.arrived)
    if published is None or published.plan is None or each.name not in published.plan["did"]:
        return False
    return each.arrived - each.at <= MAX_AGE and each.at >= _first(history, campaign, each.arrived)


def _undecided(history: History) -> Iterator[str]:
    """Of each value, the last trigger that is no history and that nothing can have ended."""
    decided = {
        (_person(d.user), d.what["campaign"], d.what["key"], d.what["at"], d.what["id"]) for d in history.decided
    }
    for campaign in {each.campaign for each in history.published}:
        ending = {name for each in _published(history, campaign) if each.plan for name in each.plan["did_not"]}
        last: dict[tuple[str, str], tuple[int, str]] = {}
        for each in history.happened:
            if _opens(history, campaign, each):
                of = _person(each.user), each.product
                last[of] = max(last.get(of, (0, "")), (each.at, each.id))
        for (user, product), (at, id_) in last.items():
            ended = any(e.at >= at and e.name in ending for e in _of(history, user, product))
            if not ended and (user, campaign, product, at, id_) not in decided:
                yield f"lost: {user} {campaign} {product} {at} {id_}"


def _of(history: History, user: str, product: str) -> Iterator[Happened]:
    """The deeds of a person, under whichever id."""
    for each in history.happened:
        if (_person(each.user), each.product) == (_person(user), product):
            yield each


def _twice(history: History) -> Iterator[str]:
    of = Counter(
        (_person(d.user), d.what["campaign"], d.what["key"], d.what["at"], d.what["id"], d.what["kind"] == "retract")
        for d in history.decided
    )
    yield from (f"decided {number} times: {what}" for what, number in of.items() if number > 1)


def _read_by(history: History, decided: Decided) -> list[Published]:
    """By what the trigger of a decision can have been read: it may have come several times."""
    found = (_in_force(history, decided.what["campaign"], at) for at in history.arrivals[decided.what["id"]])
    return [each for each in found if each and each.plan]


def _early_or_blind(history: History, decided: Decided) -> Iterator[str]:
    what = decided.what
    readings = _read_by(history, decided)
    window = min((each.plan["within"] for each in readings if each.plan), default=0)
    if decided.written + history.world.faults.skew < what["at"] + window:
        yield f"early: {decided}"
    if readings and readings[0].plan and not readings[0].plan["did_not"]:
        return
    mine = [
        d.what
        for d in history.decided
        if (_person(d.user), d.what["campaign"], d.what["key"])
        == (_person(decided.user), what["campaign"], what["key"])
    ]
    taken_back = any(each["kind"] == "retract" and each["at"] == what["at"] for each in mine)
    later = max(each["at"] for each in mine)
    for each in _of(history, decided.user, what["key"]):
        if each.at < what["at"] or not _ends(history, each, what["campaign"], readings):
            continue
        one_since = _one_since(history, each.user, decided.user)
        if max(each.acknowledged, one_since) <= decided.written:
            yield f"blind: {each}, {decided}"
        in_time = each.arrived <= what["when"] + MAX_AGE and each.at < what["when"] and one_since < each.acknowledged
        same = len(_published(history, what["campaign"])) == 1
        if in_time and same and not taken_back and later == what["at"]:
            yield f"not taken back: {each}, {decided}"


def _ends(history: History, each: Happened, campaign: str, readings: Sequence[Published]) -> bool:
    """Whether the event is sure to end a watch, under whichever of these readings it was opened.

    An event is read by what was in force when it arrived, and by older readings for the watches opened under them. By
    newer ones it is not: then the older one says what is an exit.
    """
    published = _in_force(history, campaign, each.arrived)
    if published is None or published.plan is None:
        return False
    by = published.plan
    return all(
        (each.name in by["did_not"] and by["did"] == reading.plan["did"])
        or (each.name in reading.plan["did_not"] and reading.since <= published.since)
        for reading in readings
        if reading.plan
    )


def _against_what_is_published(history: History, decided: Decided) -> Iterator[str]:
    """A decision follows from what was in force when its trigger came, and from what was published when it is made."""
    what = decided.what
    names = {each.name for each in history.happened if each.id == what["id"]}
    if names and not any(each.plan and names & set(each.plan["did"]) for each in _read_by(history, decided)):
        yield f"read by what was not in force: {decided}"
    before = [each for each in _published(history, what["campaign"]) if each.written <= decided.written - INVOCATION_MS]
    since = [
        each
        for each in _published(history, what["campaign"])
        if decided.written - INVOCATION_MS < each.written <= decided.written
    ]
    possible = {_stands(each) for each in [*before[-1:], *since]}
    if what["kind"] == "send" and "live" not in possible:
        yield f"sent although {possible}: {decided}"
    if what["kind"] == "withhold":
        reason = what["reason"].removeprefix("campaign ")
        gone = any(each.plan is None for each in [*before, *since]) and reason == "gone"
        if reason not in possible and not gone and (not history.ruled or "campaign " in what["reason"]):
            yield f"withheld although {possible}: {decided}"


def _stands(published: Published) -> str:
    return "deleted" if published.plan is None else "paused" if published.paused else "live"


def _underway(history: History) -> Iterator[str]:
    """Every decision is on the bus, or whole in the undelivered queue; and the same one has the same id."""
    ids: dict[str, set[str]] = defaultdict(set)
    arrived: Counter[tuple[str, str, bool]] = Counter()
    for type_, detail in history.events.put:
        data = json.loads(detail)
        retracted = type_.endswith("Retracted")
        about = json.dumps([data["metadata"]["campaign"], data["user"]["identity"], data["constant"]["value"]])
        ids[data["metadata"]["id"]].add(about)
        arrived[data["metadata"]["campaign"], about, retracted] += 1
    for message in history.sqs.queues["undelivered"]:
        data = json.loads(message.body)
        for each in data["outbox"]:
            about = json.dumps([each["campaign"], each.get("user", data["user"]), each["shown"]])
            arrived[each["campaign"], about, _retracts(each)] += 1
    wanted = Counter(
        (each["campaign"], json.dumps([each["campaign"], each.get("user", d.user), each["shown"]]), _retracts(each))
        for d in history.decided
        if (each := d.what)
    )
    yield from (f"on its way for ever: {what}" for what, number in wanted.items() if arrived[what] < number)
    yield from (f"nobody decided: {what}" for what in arrived if what not in wanted)
    yield from (f"one id for several: {abouts}" for abouts in ids.values() if len(abouts) > 1)


def _retracts(decision: Mapping[str, Any]) -> bool:
    return bool(decision["kind"] == "retract")


def _people(history: History) -> Iterator[str]:
    """Every guest is known to be the person."""
    for guest in history.tied:
        for part in ("watches", "profile"):
            item = history.dynamo.tables["users"].get((guest, part), {})
            if item.get("person", {}).get("S") not in _way(guest)[1:]:
                yield f"stranger: {guest} {part} {item}"


def _profiles(history: History) -> Iterator[str]:
    """Of each property, the value that it got last by its own time."""
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for user, name, at, value, _ in history.said:
        last[_person(user), name] = max(last.get((_person(user), name), (0, "")), (at, value))
    for (user, name), (_, value) in last.items():
        item = history.dynamo.tables["users"].get((user, "profile"))
        kept = json.loads(item["state"]["S"]) if item else {}
        if kept.get(name, [None])[0] != value:
            yield f"profile: {user} {name} is {kept.get(name)}, not {value}"
