"""What has to have come of a history, said without any code of the fold."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.faults.history import MAX_AGE, Decided, Happened, History

WINDOWS = {"long": ("added", 30 * 60_000), "short": ("viewed", 2 * 60_000), "once": ("viewed", 0)}
"""By campaign: what opens a watch, and how long it waits. A purchase ends those of `long` and `short`."""


def wrong(history: History) -> Iterator[str]:
    """Everything that is not as it has to be."""
    yield from _undecided(history)
    yield from _twice(history)
    for each in history.decided:
        if each.what["kind"] == "send":
            yield from _early_or_blind(history, each)
    yield from _underway(history)
    yield from (f"crash: {each}" for each in history.crashes)
    yield from (f"stuck in the queue: {m.body}" for m in history.sqs.queues["events"] if not m.gone)


def _undecided(history: History) -> Iterator[str]:
    """Of each value, the last trigger that is no history and that no purchase has ended."""
    decided = {(d.user, d.what["campaign"], d.what["key"], d.what["at"], d.what["id"]) for d in history.decided}
    for campaign, (opens, _) in WINDOWS.items():
        last: dict[tuple[str, str], tuple[int, str]] = {}
        for each in history.happened:
            if each.name == opens and each.arrived - each.at <= MAX_AGE:
                of = each.user, each.product
                last[of] = max(last.get(of, (0, "")), (each.at, each.id))
        for (user, product), (at, id_) in last.items():
            bought = max((e.at for e in _purchases(history, user, product)), default=0)
            if (campaign == "once" or bought < at) and (user, campaign, product, at, id_) not in decided:
                yield f"lost: {user} {campaign} {product} {at} {id_}"


def _purchases(history: History, user: str, product: str) -> Iterator[Happened]:
    for each in history.happened:
        if (each.user, each.product, each.name) == (user, product, "bought"):
            yield each


def _twice(history: History) -> Iterator[str]:
    of = Counter(
        (d.user, d.what["campaign"], d.what["key"], d.what["at"], d.what["id"], d.what["kind"] == "retract")
        for d in history.decided
    )
    yield from (f"decided {number} times: {what}" for what, number in of.items() if number > 1)


def _early_or_blind(history: History, decided: Decided) -> Iterator[str]:
    what = decided.what
    window = WINDOWS[what["campaign"]][1]
    if decided.written + history.world.faults.skew < what["at"] + window:
        yield f"early: {decided}"
    if what["campaign"] == "once":
        return
    taken_back = any(
        (d.user, d.what["campaign"], d.what["key"], d.what["at"])
        == (decided.user, what["campaign"], what["key"], what["at"])
        for d in history.decided
        if d.what["kind"] == "retract"
    )
    later = max(
        (
            d.what["at"]
            for d in history.decided
            if (d.user, d.what["campaign"], d.what["key"]) == (decided.user, what["campaign"], what["key"])
        ),
        default=0,
    )
    for purchase in _purchases(history, decided.user, what["key"]):
        if purchase.at < what["at"]:
            continue
        if purchase.acknowledged <= decided.written:
            yield f"blind: {purchase}, {decided}"
        in_time = purchase.arrived <= what["when"] + MAX_AGE and purchase.at < what["when"]
        if in_time and not taken_back and later == what["at"]:
            yield f"not taken back: {purchase}, {decided}"


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
            about = json.dumps([each["campaign"], data["user"], each["shown"]])
            arrived[each["campaign"], about, each["kind"] == "retract"] += 1
    wanted = Counter(
        (d.what["campaign"], json.dumps([d.what["campaign"], d.user, d.what["shown"]]), d.what["kind"] == "retract")
        for d in history.decided
    )
    yield from (f"on its way for ever: {what}" for what, number in wanted.items() if arrived[what] < number)
    yield from (f"nobody decided: {what}" for what in arrived if what not in wanted)
    yield from (f"one id for several: {abouts}" for abouts in ids.values() if len(abouts) > 1)
