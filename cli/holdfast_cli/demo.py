"""`holdfast demo`: all of it, once, on an AWS of its own that is gone afterwards."""

from __future__ import annotations

import csv
import json as jsonlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import typer
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Message, Queue
from holdfast.core.times import format_duration
from holdfast_cli import builds, local, recommendations
from holdfast_cli.books import Books, read_books
from holdfast_cli.campaign_file import read_campaign
from holdfast_cli.campaigns import campaigns, publish_one
from holdfast_cli.catalogs import catalogs, import_file
from holdfast_cli.explain import explain
from holdfast_cli.output import Json, err, out, print_json, print_rows
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import Tap, show, tap

CAMPAIGNS = sorted(Path(__file__).with_name("demo_campaigns").glob("*.yaml"))
CATALOG = Path(__file__).with_name("demo_campaigns") / "catalog"
BUYERS = 24
"""How many people bought the same things together last week: enough for it to be no chance."""
WINDOW = 8.0
"""Seconds, as in the campaigns' files."""
QUIET = 3.0
"""How many seconds after the last message was due to listen for one that should not come."""
DEADLINE = 45.0

with (CATALOG / "products.csv").open(encoding="utf-8", newline="") as _file:
    IDENTITIES = {row["Name"]: row["Identity"] for row in csv.DictReader(_file)}

Row = tuple[str, str, str, str]
"""A message that the target received, or should have: user, product, kind, and the title or the reason."""


class Scene(NamedTuple):
    """One person's story: the lines that are sent, each after so many seconds, and what is expected to come of it."""

    story: str
    lines: list[tuple[float, str]]
    expected: list[Row]


def demo(*, json: Json = False) -> None:
    """Run everything once on an AWS on this machine: deploy, publish, send, watch, compare. Leaves nothing running.

    This needs a checkout.
    """
    local.need_checkout("`holdfast demo`")
    with _embedded_aws() as deployment, tap(deployment) as tapped:
        bought = _recommend(deployment)
        for campaign, text in map(read_campaign, CAMPAIGNS):
            publish_one(campaigns(deployment), campaign, text)
            when, same = campaign.when, campaign.constant[0].name
            rule = f"{when.did[0]}, not {when.did_not[0]} within {format_duration(when.within)}, for the same {same}"
            _say("3", f"Published [bold]{campaign.id}[/]: {rule}; one message per {campaign.send.one_per}")
        scenes = _scenes()
        records = bought + _send(deployment, scenes)
        _say("4", f"Sent {records} records; the rule's target receives:")
        events = _listen(tapped, sum(len(scene.expected) for scene in scenes), None if json else show)
        books = _settled_books(deployment, records)
        if not json:
            _say("5", "Why? [bold]holdfast explain ann[/] says:")
            explain("ann", campaign="abandoned-cart", utc=False, stage="local", json=False)
    agree = _report(scenes, events, books, records, as_json=json)
    if not json:
        out.print("To see and write campaigns in a browser: [bold]holdfast local up[/], then [bold]holdfast console[/]")
    if not agree:
        raise typer.Exit(1)


@contextmanager
def _embedded_aws() -> Iterator[Deployment]:
    """One with a home of its own, so that `holdfast local` is left alone."""
    with tempfile.TemporaryDirectory(prefix="holdfast-demo-") as home:
        before = os.environ.get("HOLDFAST_HOME")
        os.environ["HOLDFAST_HOME"] = home
        try:
            started = time.monotonic()
            _say("1", "Starting an AWS on this machine (MiniStack), and deploying the stack to it with the CDK …")
            with err.status("starting") as status:
                local.up(lambda step: status.update(escape(step)))
            _say("2", f"Deployed in {time.monotonic() - started:.0f} s")
            yield Deployment.find("local")
        finally:
            local.down()
            os.environ.pop("HOLDFAST_HOME")
            if before is not None:
                os.environ["HOLDFAST_HOME"] = before


def _say(step: str, text: str) -> None:
    err.print(f"[bold cyan]{step}[/] {text}")


def _recommend(deployment: Deployment) -> int:
    """A catalog, and last week's purchases, of which the nightly build makes recommendations. Returned: how many."""
    import_file(catalogs(deployment), "products", CATALOG / "products.csv")
    recommendations.publish([CATALOG / "also_bought.yaml"], stage="local", json=False)
    last_week = now_ms() - 7 * 24 * 60 * 60_000
    baskets = [("stove", "gas bottle", "pan")] * (BUYERS // 2) + [("white coat", "red hat")] * (BUYERS // 2)
    lines = [_charged(f"buyer-{number}", *basket, ts=last_week) for number, basket in enumerate(baskets)]
    Queue(deployment.client("sqs"), deployment.outputs["EventsQueueUrl"]).send(map(Message, lines))
    for _ in range(int(DEADLINE)):
        # The build may be asked for before all of the history has come.
        (outcome,) = builds.build(deployment, "also-bought")
        if outcome["items"] == len({each for basket in baskets for each in basket}):
            break
        time.sleep(1)
    _say("3", f"Built [bold]also-bought[/] from {len(lines)} purchases of last week: {outcome['pairs']} pairs of items")
    return len(lines)


def _charged(user: str, *products: str, ts: int) -> str:
    items = [{"prod_name": each, "prod_id": IDENTITIES.get(each, each), "quantity": 1} for each in products]
    return jsonlib.dumps({"user": user, "event": "Charged", "Items": items, "ts": ts})


def _scenes() -> list[Scene]:
    start = now_ms()

    def added(user: str, product: str, at: float = 0, price: float | None = 89.0) -> str:
        priced = {} if price is None else {"price": price}
        event = {
            "user": user,
            "event": "added to cart",
            "product_name": product,
            "ts": start + int(at * 1000),
            **priced,
        }
        return jsonlib.dumps(event)

    def saved(user: str, product: str, at: float) -> str:
        event = {"user": user, "event": "Saved For Later", "product_name": product, "ts": start + int(at * 1000)}
        return jsonlib.dumps(event)

    def viewed(user: str, product: str, at: float = 0) -> str:
        event = {"user": user, "event": "Product Viewed", "product_name": product, "ts": start + int(at * 1000)}
        return jsonlib.dumps(event)

    def charged(user: str, *products: str, at: float = 1) -> str:
        return _charged(user, *products, ts=start + int(at * 1000))

    def priced(user: str, product: str) -> str:
        event = {"user": user, "event": "Watched the price", "product_name": product, "ts": start + 500}
        return jsonlib.dumps(event)

    def profile(user: str, **properties: str) -> str:
        return jsonlib.dumps({"user": user, "profile": properties, "ts": start})

    def message(user: str, product: str, name: str) -> Row:
        return user, product, "Personalized Message", f"{name}, your {product} is waiting"

    def withheld(user: str, product: str, reason: str) -> Row:
        return user, product, "Personalized Message Withheld", reason

    basket = ["tent", "stove", "lamp", "rope", "map"]
    twice = added("eve", "kettle")
    return [
        Scene(
            "Ann leaves one product of two behind",
            [
                (0, profile("ann", first_name="Ann", email="ann@example.com")),
                (0, added("ann", "white coat")),
                (0, added("ann", "red hat")),
                (1.5, charged("ann", "red hat")),
            ],
            [message("ann", "white coat", "Ann")],
        ),
        Scene("Bob buys everything", [(0, added("bob", "white coat")), (1.5, charged("bob", "white coat"))], []),
        Scene(
            "Cleo buys three of the five items of her basket",
            [
                (0, profile("cleo", first_name="Cleo")),
                *((0, added("cleo", item)) for item in basket),
                (1.5, charged("cleo", *basket[:3])),
            ],
            [message("cleo", "rope", "Cleo"), message("cleo", "map", "Cleo")],
        ),
        Scene(
            "Dan's purchase arrives before the add it belongs to",
            [(0, charged("dan", "drum", at=0.5)), (1.5, added("dan", "drum", at=0.1))],
            [],
        ),
        Scene("Eve's add is sent twice", [(0, twice), (1.5, twice)], [message("eve", "kettle", "Hi")]),
        Scene(
            "Fay's profile has no first name",
            [(0, profile("fay", city="Ulm")), (0, added("fay", "globe"))],
            [message("fay", "globe", "Hi")],
        ),
        Scene(
            "Gus's add does not say the price",
            [(0, added("gus", "flute", price=None))],
            [withheld("gus", "flute", "missing: Event.price")],
        ),
        Scene(
            "Hal saves three things, buys one, and gets one message about the rest",
            [
                *((0, saved("hal", item, at)) for at, item in ((0, "harp"), (0.1, "horn"), (0.2, "hammer"))),
                (1.5, charged("hal", "hammer")),
            ],
            [("hal", "horn, harp", "Personalized Message", "Still on your list: horn and harp")],
        ),
        Scene(
            "Ivy hears the tent's price of today, and what goes with the stove she bought",
            [(0, charged("ivy", "stove", at=0)), (1.5, priced("ivy", "tent"))],
            [
                (
                    "ivy",
                    "tent",
                    "Personalized Message",
                    "Your tent is 189.00 today; with it go gas bottle and pan",
                )
            ],
        ),
        Scene(
            "Lea looks at a kite and puts it in her cart: one message, the cart's",
            [(0, added("lea", "kite", at=0.1)), (1.5, viewed("lea", "kite"))],
            [message("lea", "kite", "Hi"), withheld("lea", "kite", "instead: abandoned-cart")],
        ),
        Scene(
            "Jil looks at a kite, too; she is one of the 5 % who are held back",
            [(0, viewed("jil", "kite"))],
            [withheld("jil", "kite", "control group")],
        ),
        Scene("Somebody sends what is not JSON", [(0, "this is not JSON")], []),
    ]


def _send(deployment: Deployment, scenes: list[Scene]) -> int:
    queue = Queue(deployment.client("sqs"), deployment.outputs["EventsQueueUrl"])
    lines = sorted((wait, line) for scene in scenes for wait, line in scene.lines)
    waited = 0.0
    for moment in sorted({wait for wait, _ in lines}):
        time.sleep(moment - waited)
        waited = moment
        queue.send(Message(line) for wait, line in lines if wait == moment)
    return len(lines)


def _listen(
    tapped: Tap, expected: int, shown: Callable[[dict[str, Any]], None] | None
) -> dict[tuple[str, str], dict[str, Any]]:
    """The events the target received, by type and message id: a repeat has the same. Listens on a while."""
    started = time.monotonic()
    heard = started
    events: dict[tuple[str, str], dict[str, Any]] = {}
    while (now := time.monotonic()) < started + DEADLINE:
        if len(events) >= expected and now > max(heard + QUIET, started + WINDOW + QUIET):
            break
        for event in tapped.messages():
            heard = time.monotonic()
            identity = event["detail-type"], event["detail"]["metadata"]["id"]
            if identity not in events and shown:
                shown(event)
            events[identity] = event
    return events


def _settled_books(deployment: Deployment, records: int) -> Books:
    """The books, once they balance or have had the time to."""
    for _ in range(10):
        books = read_books(deployment)
        if books.balance(records):
            break
        time.sleep(0.5)
    return books


def _received(event: dict[str, Any]) -> Row:
    detail = event["detail"]
    told = detail.get("values", {}).get("title") or detail.get("reason", "")
    value = detail["constant"]["value"]
    about = ", ".join(value) if isinstance(value, list) else str(value)
    return detail["user"]["identity"], about, event["detail-type"], told


def _report(
    scenes: list[Scene], events: dict[tuple[str, str], dict[str, Any]], books: Books, records: int, *, as_json: bool
) -> bool:
    """A table of the expected messages beside those received, and the books; returns whether they agree."""
    received = sorted(map(_received, events.values()))
    rows = []
    for scene in scenes:
        users = {jsonlib.loads(line)["user"] for _, line in scene.lines if line.startswith("{")}
        came = [row for row in received if row[0] in users]
        rows.append(
            {
                "": "✓" if came == sorted(scene.expected) else "✗",
                "story": scene.story,
                "expected": _told(scene.expected),
                "received": _told(came),
            }
        )
    rejected = sum(not line.startswith("{") for scene in scenes for _, line in scene.lines)
    agree = all(row[""] == "✓" for row in rows) and books.balance(records) and books.rejected == rejected
    if as_json:
        for row in rows:
            print_json({"agrees": row.pop("") == "✓", **row})
        print_json({"records": records, **asdict(books), "balances": books.balance(records), "agrees": agree})
        return agree
    print_rows(rows, ["", "story", "expected", "received"], as_json=False)
    out.print(
        f"records in {records} = folded {books.folded} + rejected {books.rejected} + waiting {books.waiting}\n"
        f"decisions {books.decided} = delivered {books.delivered} + withheld {books.withheld}"
        f" + undelivered {books.undelivered}"
    )
    out.print("[bold green]Everything as expected.[/]" if agree else "[bold red]Not as expected.[/]")
    return agree


def _told(rows: list[Row]) -> list[str]:
    return [f"{told}" for _, _, _, told in sorted(rows)] or ["nothing"]
