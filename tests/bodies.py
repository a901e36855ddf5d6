"""`make bodies BODIES=300000`: documented bodies, mutated, through intake, fold and profiles.

Exit code 1 if one of them raises, or if a record of it is not accounted for.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from holdfast.core.events import Event, Ignored, ProfileChange, Rejected, Tick, Tie, Unread, canonical
from holdfast.core.fold import profiles
from holdfast.core.fold.fitting import fold_to_fit
from holdfast.core.fold.forgetting import LIMITS, needed_until
from holdfast.core.fold.stored import decode, encode
from holdfast.core.fold.timers import nomination, schedule
from holdfast.core.fold.watches import State
from holdfast.core.formats import MAX_MESSAGE_BYTES
from holdfast.core.intake.batch import Body, Intake, Reject, parsed, report
from holdfast.core.intake.forms import records
from holdfast.core.plans.plan import Constant, Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.recommend.ranking import Recommender
from tests.unit.test_forms import FORMS, NOW

DAY = 24 * 60 * 60_000
AT_ONCE = 2_000
NAMES = ("Added to cart", "Charged", "Product Viewed", "viewed", "Viewed", "charged")
PATHS = dict.fromkeys(NAMES, "product || productId || Items[].prod_name || to_string(@)")
PLANS = Plans(
    [
        Plan(id="any", did=NAMES[:1], within=0, keep=("product", "Items"), constant=(Constant("p", PATHS),)),
        Plan(id="later", did=NAMES[2:5], did_not=NAMES[1:2], within=60_000, constant=(Constant("p", PATHS),)),
        Plan(
            id="two",
            did=NAMES[:1],
            did_not=NAMES[1:2],
            within=DAY,
            where={NAMES[0]: "price > `20` && contains(tags, 'x')", NAMES[1]: "max_by(Items, &price).price > `1`"},
            constant=(Constant("p", PATHS), Constant("q", dict.fromkeys(NAMES, "Items[].size"))),
        ),
        Plan(
            id="all", did=NAMES[2:3], did_not=NAMES[1:2], every=NAMES[1:2], within=DAY, constant=(Constant("p", PATHS),)
        ),
        Plan(id="sum", did=NAMES[:3], any_of=True, within=DAY, summary=True, constant=(Constant("p", PATHS),)),
    ],
    [Recommender(id="r", catalog="c", did=PATHS, exclude_done={NAMES[1]: "Items[?price > `3`].prod_name"})],
)
DOCUMENTED: list[Any] = [
    json.loads(body) if isinstance(body, str) else body
    for cases in FORMS.values()
    for name, (body, _) in cases.items()
    if name != "a byte order mark in front"
]
SHOP: list[dict[str, Any]] = [
    {"user": "u", "event": name, "ts": NOW - 10, "product": "coat", "price": 89.0, "tags": ["x"], "size": 3}
    | {"Items": [{"prod_name": "coat", "price": 3, "size": "s"}, {"prod_name": "hat", "price": 40, "size": 2}]}
    for name in NAMES
]
ODD: list[Any] = [
    *(None, True, 0, -1, -0.0, 1 << 53, 1 << 64, 10**30, 10**308, 1.7e308, 5e-324, NOW * 1.0000001, NOW + 120_001),
    *(
        "",
        " ",
        "\0",
        "\uffff",
        "\ufffe",
        "\ud800",
        "\udc00x",
        "a" * 513,
        "é" * 257,
        "\U0001d4b3" * 129,
        "NaN",
        "\u2028",
    ),
    *("$D_99999999999", "$D_-1", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30", "undefined"),
    *([], {}, [[]], [None], {"$incr": 1 << 80}, {"$incr": True}, {"$set": None}, {"$add": {"a": [1]}}, {"$": 1}),
]
KEYS = [*sorted({key for each in DOCUMENTED if isinstance(each, dict) for key in each}), "", "\uffff", "a" * 121]
SIGNS = '{}[]":,\\u0-9eE. \0\uffffé\ud800\n'


def mutated(rng: random.Random) -> str:
    """One body. Now and then it is not JSON any more, or very large."""
    if rng.random() < 0.002:
        return _large(rng)
    body: Any = rng.choice((rng.choice(DOCUMENTED), rng.choice(SHOP), rng.choices(SHOP, k=3)))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        body = _changed(json.loads(json.dumps(body)), rng)
    text = json.dumps(body, ensure_ascii=rng.random() < 0.5)
    return _damaged(text, rng) if rng.random() < 0.25 else text


def _changed(body: Any, rng: random.Random) -> Any:
    """The body with one thing in it changed."""
    places = list(_places(body))
    where: Any
    key: Any
    where, key = rng.choice(places) if places else ([body], 0)
    change = rng.random()
    if change < 0.5:
        where[key] = _odd(rng)
    elif change < 0.65:
        del where[key]
    elif change < 0.8 and isinstance(where, dict):
        where[rng.choice(KEYS)] = _odd(rng)
    elif change < 0.9:
        where[key] = rng.choice(([where[key]], {"a": where[key]}, str(where[key])))
    else:
        where[key] = rng.choice(DOCUMENTED)
    return body


def _places(body: Any) -> Iterator[tuple[Any, Any]]:
    """Everything in a body: what it is in, and under which key."""
    for key in body if isinstance(body, dict) else range(len(body)) if isinstance(body, list) else ():
        yield body, key
        yield from _places(body[key])


def _odd(rng: random.Random) -> Any:
    kind = rng.random()
    odd = rng.choice(ODD)
    if kind < 0.8:
        return odd
    if kind < 0.9:
        return [odd] * rng.choice((1, 3, 255, 257))
    for _ in range(rng.choice((2, 10, 31, 33))):
        odd = [odd] if rng.random() < 0.5 else {"a": odd}
    return odd


def _damaged(text: str, rng: random.Random) -> str:
    first, last = sorted(rng.choices(range(len(text) + 1), k=2))
    if rng.random() < 0.5:
        return rng.choice((text[:first], text[last:], text[:first] + text[last:], text + text))
    letters = list(text)
    for _ in range(rng.choice((1, 2, 8)) if letters else 0):
        letters[rng.randrange(len(letters))] = rng.choice(SIGNS)
    return "".join(letters)


def _large(rng: random.Random) -> str:
    shop = SHOP[0]
    makes: tuple[Callable[[], str], ...] = (
        lambda: "[" * 10_000 + "]" * 10_000,
        lambda: '{"user":"u","event":"viewed","x":' + "9" * 1_000_000 + "}",
        lambda: json.dumps([shop] * 2_000),
        lambda: json.dumps([{**shop, "product": f"p{n}"} for n in range(900)]),
        lambda: "[" + ",".join(["1"] * 400_000) + "]",
        lambda: '"' * 1_000_000,
        lambda: "é" * 500_000,
        lambda: json.dumps(
            {"user": "u", "event": "Charged", "Items": [{"prod_name": f"{'p' * 500}{n}"} for n in range(255)]}
        ),
    )
    return rng.choice(makes)()


def wrong(body: str) -> list[str]:
    """The mistakes: an exception, or records that are not accounted for."""
    try:
        return list(_wrong(body))
    except Exception as error:  # noqa: BLE001 (that is what is looked for)
        return [f"raised {error!r:.200}"]


def _wrong(body: str) -> Iterator[str]:
    records(body, NOW)  # which by itself, outside of a batch, shows what it raises
    batch = parsed([Body("m", body, NOW)])
    intake = Intake(batch, lambda _: PLANS)
    kinds = Counter(type(each) for each in batch[0].records)
    along = sum(isinstance(each, ProfileChange) and bool(each.along) for each in batch[0].records)
    alone = sum(isinstance(each, Tie) and each.alone for each in batch[0].records)
    least = kinds[Event] + kinds[Rejected] + kinds[Unread] + kinds[ProfileChange] - along + alone
    if not least <= intake.records["m"] <= least + along:
        yield f"{intake.records['m']} records of {least}"
    if (intake.ticks, intake.ignored["m"]) != (kinds[Tick], kinds[Ignored]):
        yield "ticks, or what is ignored, are not all counted"
    if not batch[0].records and not _empty(body):
        yield "nothing is made of it"
    rejects = [*intake.rejects["m"]]
    for changes in intake.changes.values():
        merged, refused = profiles.merge({}, changes, NOW - DAY)
        rejects += [Reject(each.reason, (), each.record) for each in refused]
        if profiles.decode(profiles.encode(merged)) != merged:
            yield "a profile does not survive its text"
    if any(len(report(each).encode()) > MAX_MESSAGE_BYTES for each in rejects):
        yield "a report is longer than a message may be"


def _folded(user: str, inputs: Any) -> Iterator[str]:
    state, _, text, _ = fold_to_fit(State(), inputs, PLANS, NOW, LIMITS)
    if text and encode(decode(text)) != text:
        yield "a state does not survive its text"
    needed_until(state, PLANS, LIMITS)
    at = nomination(state.due(PLANS.summaries), None, NOW)
    ticks, items = schedule({user: at or NOW + 5}, NOW, 0)
    if not all(tick.body.isascii() and len(tick.body) <= MAX_MESSAGE_BYTES for tick in ticks):
        yield "a tick that no queue takes"
    if not [*ticks, *items]:
        yield "nobody is nominated"
    later = NOW + 100 * DAY
    _, decisions, _, _ = fold_to_fit(state, [Tick(user, later)], PLANS, later, LIMITS)
    canonical(decisions).encode()


def _empty(body: str) -> bool:
    """Whether there is no record in it: an empty list, upload, batch or tick, in whatever envelopes, one or several."""
    rest, decode = body.removeprefix("\ufeff").strip(), json.JSONDecoder().raw_decode
    while rest:
        data, end = decode(rest)
        if not _holds_nothing(data):
            return False
        rest = rest[end:].strip()
    return True


def _holds_nothing(data: Any) -> bool:
    while isinstance(data, dict) and data:
        found = [data[name] for name in ("d", "batch", "users", "detail", "data", "Message") if name in data]
        if not found:
            return False
        data = found[0]
    if isinstance(data, str):  # JSON in a text
        return data.lstrip().startswith(("[", "{")) and _holds_nothing(json.loads(data))
    return isinstance(data, dict | list) and all(map(_holds_nothing, data))


def made(seed: int, number: int) -> Iterator[str]:
    rng = random.Random(seed)
    return (mutated(rng) for _ in range(number))


def failing(bodies: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Those that are not as they have to be, with what is wrong."""
    logging.disable(logging.CRITICAL)
    return ((body, found) for body in bodies if (found := wrong(body)))


def some(seed: int) -> list[tuple[str, list[str]]]:
    return list(failing(made(seed, AT_ONCE)))


def main(number: int) -> int:
    begun, wrongs = time.monotonic(), 0
    with Path(os.devnull).open("w") as nowhere, Pool(initializer=os.dup2, initargs=(nowhere.fileno(), 1)) as pool:
        for found in pool.imap_unordered(some, range(-(-number // AT_ONCE))):
            wrongs += len(found)
            for body, problems in found[:2]:
                sys.stderr.write(f"{problems}: {body[:300]!a}\n")
    sys.stderr.write(f"{number} bodies, {wrongs} not as they have to be, {time.monotonic() - begun:.0f} s\n")
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
