"""`holdfast demo`: all of it, once, on an AWS of its own that is gone afterwards."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

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
from holdfast_cli.demo_stories import CATALOG, Lines, Row, Scene, stories
from holdfast_cli.explain import explain
from holdfast_cli.output import Json, err, out, print_json, print_rows
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import Tap, show, tap

CAMPAIGNS = sorted(Path(__file__).with_name("demo_campaigns").glob("*.yaml"))
BUYERS = 24
"""How many people bought the same things together last week: enough for it to be no chance."""
WINDOW = 8.0
"""Seconds, as in the campaigns' files."""
QUIET = 3.0
"""How many seconds after the last message was due to listen for one that should not come."""
LOOK_AGAIN = 30.0
"""After so many seconds it is said what is still missing: on a machine that is busy, all takes its time."""
DEADLINE = 240.0
"""Only what fails waits so long."""
RETRACTED = " Retracted"


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
        scenes = stories(now_ms())
        records = bought + _send(deployment, scenes)
        _say("4", f"Sent {records} records; the rule's target receives:")
        events = _listen(tapped, scenes, None if json else show)
        books = _settled_books(deployment, records)
        if not json:
            _say("5", "Why? [bold]holdfast explain ann[/] says:")
            explain("ann", campaign="abandoned-cart", utc=False, stage="local", json=False)
    agree = _report(scenes, events, books, records, as_json=json)
    if not json:
        out.print("To see and write campaigns in a browser: [bold]holdfast local up[/], then [bold]holdfast console[/]")
    if not agree:
        raise typer.Exit(1)


Events: TypeAlias = dict[tuple[str, str], dict[str, Any]]
"""By type and message id: a repeat has the same."""


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
    last_week = Lines(now_ms() - 7 * 24 * 60 * 60_000)
    baskets = [("stove", "gas bottle", "pan")] * (BUYERS // 2) + [("white coat", "red hat")] * (BUYERS // 2)
    lines = [last_week.charged(f"buyer-{number}", *basket) for number, basket in enumerate(baskets)]
    Queue(deployment.client("sqs"), deployment.outputs["EventsQueueUrl"]).send(map(Message, lines))
    ends = time.monotonic() + DEADLINE
    while True:
        # The build may be asked for before all of the history has come.
        (outcome,) = builds.build(deployment, "also-bought")
        if outcome["items"] == len({each for basket in baskets for each in basket}) or time.monotonic() > ends:
            break
        time.sleep(1)
    _say("3", f"Built [bold]also-bought[/] from {len(lines)} purchases of last week: {outcome['pairs']} pairs of items")
    return len(lines)


def _send(deployment: Deployment, scenes: list[Scene]) -> int:
    queue = Queue(deployment.client("sqs"), deployment.outputs["EventsQueueUrl"])
    lines = sorted((wait, line) for scene in scenes for wait, line in scene.lines)
    waited = 0.0
    for moment in sorted({wait for wait, _ in lines}):
        time.sleep(moment - waited)
        waited = moment
        queue.send(Message(line) for wait, line in lines if wait == moment)
    return sum(len(scene.records()) + scene.unreadable for scene in scenes)


def _listen(tapped: Tap, scenes: list[Scene], shown: Callable[[dict[str, Any]], None] | None) -> Events:
    """The events the target received, until each story came out as expected; then it listens on a while."""
    heard = started = said = time.monotonic()
    events: Events = {}
    while (now := time.monotonic()) < started + DEADLINE:
        missing = [scene.story for scene in scenes if _came(scene, events) != sorted(scene.expected)]
        if not missing and now > max(heard + QUIET, started + WINDOW + QUIET):
            break
        if missing and now > max(heard, said) + LOOK_AGAIN:
            said = now
            err.print(f"[yellow]![/] This takes longer than usual. Still to come: {escape('; '.join(missing))} …")
        for event in tapped.messages():
            heard = time.monotonic()
            identity = event["detail-type"], event["detail"]["metadata"]["id"]
            if identity not in events and shown:
                shown(event)
            events[identity] = event
    return events


def _settled_books(deployment: Deployment, records: int) -> Books:
    """The books, once they balance or have had the time to."""
    began = time.monotonic()
    said = False
    while not (books := read_books(deployment)).balance(records) and (now := time.monotonic()) < began + DEADLINE:
        if not said and now > began + LOOK_AGAIN:
            said = True
            err.print("[yellow]![/] This takes longer than usual. The books do not balance yet …")
        time.sleep(0.5)
    return books


def _came(scene: Scene, events: Events) -> list[Row]:
    """The messages that its people received, without those that were taken back."""
    users = {record["user"] for record in scene.records()}
    back = {id_ for kind, id_ in events if kind.endswith(RETRACTED)}
    rows = (_received(event) for (_, id_), event in events.items() if id_ not in back)
    return sorted(row for row in rows if row[0] in users)


def _received(event: dict[str, Any]) -> Row:
    detail = event["detail"]
    told = detail.get("values", {}).get("title") or detail.get("reason", "")
    value = detail["constant"]["value"]
    about = ", ".join(value) if isinstance(value, list) else str(value)
    return detail["user"]["identity"], about, event["detail-type"], told


def _report(scenes: list[Scene], events: Events, books: Books, records: int, *, as_json: bool) -> bool:
    """A table of the expected messages beside those received, and the books; returns whether they agree."""
    rows = []
    for scene in scenes:
        came = _came(scene, events)
        rows.append(
            {
                "": "✓" if came == sorted(scene.expected) else "✗",
                "story": scene.story,
                "expected": _told(scene.expected),
                "received": _told(came),
            }
        )
    rejected = sum(scene.unreadable for scene in scenes)
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
    if back := sum(kind.endswith(RETRACTED) for kind, _ in events):
        out.print(f"Taken back: {back}. On a machine this busy, a purchase may be folded after its message went out.")
    out.print("[bold green]Everything as expected.[/]" if agree else "[bold red]Not as expected.[/]")
    return agree


def _told(rows: list[Row]) -> list[str]:
    return [f"{told}" for _, _, _, told in sorted(rows)] or ["nothing"]
