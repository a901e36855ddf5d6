"""`holdfast send` and `holdfast simulate`: events to the queue, or to the fold alone."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from msgspec.json import decode
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Message, Queue
from holdfast.core.authoring.recommendation import Recommendation
from holdfast.core.events import AHEAD_MS, Event, Ignored, Record, Rejected, Tie
from holdfast.core.gate.policy import NONE
from holdfast.core.intake.fields import Rules
from holdfast.core.intake.forms import records
from holdfast.core.messages.detail import iso
from holdfast.core.plans.plans import Plans
from holdfast_cli.campaign_file import distinct, read_campaign, read_model
from holdfast_cli.folding import Setup
from holdfast_cli.lines import read_lines
from holdfast_cli.mistakes import mistakes_end
from holdfast_cli.output import (
    Failure,
    Json,
    Stage,
    check_writable,
    err,
    out,
    print_json,
    print_lines,
    print_rows,
    progress,
    write_text,
)
from holdfast_cli.page import page, ranked
from holdfast_cli.policies import read_policy
from holdfast_cli.rows import CatalogOption, HistoryOption, RecommendationOption, rows_in_files
from holdfast_cli.simulating import Reading, Simulated, jobs_for, parts_for
from holdfast_cli.sources import SourceOption, rules_of
from holdfast_cli.stack import Deployment

REASONS = 10
"""Different reasons for rejections that are listed."""


def send(
    file: Annotated[
        Path,
        typer.Argument(
            help="A file with one record on each line, in any form; or CSV, or Parquet; - for standard input."
        ),
    ],
    *,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Only read the file, and report records that would be rejected. Exit code 1 if any is."
        ),
    ] = False,
    source: SourceOption = None,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Send a file of records to the events queue. Records that cannot be read are then in `holdfast rejected list`."""
    if check:
        _check(_lines_of(file), rules_of(source, as_json=json), as_json=json)
        return
    deployment = Deployment.find(stage)
    lines = _lines_of(file)
    queue = Queue(deployment.client("sqs"), deployment.outputs["EventsQueueUrl"])
    unsent = 0
    with progress("sending", len(lines)) as bar:
        for at in range(0, len(lines), 100):
            chunk = lines[at : at + 100]
            unsent += len(queue.send(Message(line) for line in chunk))
            bar.advance(bar.task_ids[0], len(chunk))
    if json:
        print_json({"sent": len(lines) - unsent, "unsent": unsent})
    else:
        out.print(f"{len(lines) - unsent} records sent")
    if unsent:
        raise Failure(f"{unsent} records could not be sent: the queue did not take them. Send them again.")


def _lines_of(file: Path) -> list[str]:
    try:
        return [line.decode().rstrip("\r\n") for line in read_lines(file)]
    except UnicodeDecodeError as error:
        raise Failure(f"{file} cannot be read: {error.reason}") from error


def _check(lines: Iterable[str], rules: Rules, *, as_json: bool) -> None:
    """How many records there are of each kind; and each that would be rejected, with its number and the reason."""
    now = now_ms()
    found = [(number, record) for number, line in enumerate(lines, 1) for record in records(line, now, rules)]
    kinds = Counter(_kind(record) for _, record in found if not isinstance(record, Rejected))
    rejected = [{"record": number, "rejected": each.reason} for number, each in found if isinstance(each, Rejected)]
    if as_json:
        print_json({"records": dict(kinds), "rejected": rejected})
    else:
        for each in rejected:
            out.print(f"[red]✗[/] record {each['record']}: {escape(str(each['rejected']))}")
        for kind, count in kinds.most_common():
            out.print(f"{count:>8} {escape(kind)}")
        out.print(f"{len(rejected)} would be rejected")
    if rejected:
        raise typer.Exit(1)


def _kind(record: Record) -> str:
    match record:
        case Event(name=name):
            return name
        case Ignored(kind):
            return f"({kind}, ignored)"
        case Tie():
            return "(tie)"
    return "(profile)"


def simulate(
    campaign: Annotated[
        list[Path], typer.Option("--campaign", "-c", help="A campaign file. May be given several times.")
    ],
    events: Annotated[
        Path,
        typer.Option(
            "--events",
            "-e",
            help="A file with one record on each line, in any form; CSV; or Parquet; s3://bucket/key, too.",
        ),
    ],
    profiles_file: Annotated[
        Path | None,
        typer.Option("--profiles", "-p", help="A file of profile records. With it, messages are rendered too."),
    ] = None,
    *,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A policy file: the rules for all campaigns together.")
    ] = None,
    source: SourceOption = None,
    catalog: CatalogOption = None,
    recommendation: RecommendationOption = None,
    history: HistoryOption = None,
    as_arrived: Annotated[
        bool,
        typer.Option("--as-arrived", help="Treat the order of the file as the order of arrival."),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            min=1,
            help="How many processes share the work. Default: one for each core, and one alone for a small file. "
            "What is printed is the same.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write the result to this file, as an HTML page.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what would have been decided for a file of events, offline, by the same function that decides on AWS.

    Records are put in order of time first, as if each had arrived when it happened.
    """
    with mistakes_end(as_json=json):
        rules = read_policy(policy) if policy else NONE
        recommenders = [read_model(path, Recommendation)[0].plan() for path in recommendation or ()]
        read = [(path, read_campaign(path)[0].plan()) for path in campaign]
    distinct((path, plan.id) for path, plan in read)
    plans = Plans((plan for _, plan in read), recommenders, policy=rules)
    if history and not recommenders:
        raise typer.BadParameter("no recommendation uses it: name one with -r", param_hint="--history")
    if html:
        check_writable(html)
    gc.set_threshold(200_000, 20, 100)  # next to nothing refers back to itself: looking for it took a sixth
    reading = Reading(rules_of(source, as_json=json), latest=now_ms() + AHEAD_MS, as_arrived=as_arrived)
    rows = rows_in_files(plans, catalog or (), history)
    render = bool(profiles_file or catalog or history)
    setup = Setup([*plans.values()], recommenders, rules, rows if render else None, page=html is not None)
    run = Simulated(setup, reading, jobs_for(events, jobs), parts_for(events))
    decided = run.rows(read_lines(profiles_file) if profiles_file else (), events)
    if json:
        for some in decided:
            print_lines(some)
    else:
        columns = ["decided_at", "decision", "campaign", "user", "constant", "reason"]
        decisions = [decode(row) for some in decided for row in some]
        shown = [{**row, "decided_at": iso(row["decided_at"])} for row in decisions]
        print_rows(shown, [*columns, *(["values"] if render else [])], as_json=False)
        counts = ", ".join(f"{number} {kind}" for kind, number in sorted(run.counts.decisions.items()))
        out.print(f"{run.records} records: {counts or 'nothing decided'}")
    if html:
        write_text(html, _page(run, events.name))
        err.print(f"[dim]Written: {escape(str(html))}[/]")
    _tell_what_was_left_out(run)
    if not run.records and run.rejected:
        raise Failure("No record of the file can be read")


def _tell_what_was_left_out(run: Simulated) -> None:
    for name, other in run.never():
        instead = f"; {escape(repr(other))} does" if other else ""
        err.print(f"[yellow]![/] {escape(repr(name))} never occurs in the file{instead}")
    for name, number in ranked(run.found.timeless):
        err.print(
            f"[yellow]![/] {number} events have no ts, so they happened when the record before them did;"
            f" their {escape(repr(name))} is a property: rename it, or read the file by a source"
        )
    if ignored := ranked(run.found.ignored):
        err.print(f"[dim]ignored: {', '.join(f'{number} {kind}s' for kind, number in ignored)}[/]")
    if rejected := ranked(run.rejected):
        reasons = "; ".join(f"{number} times {escape(reason)}" for reason, number in rejected[:REASONS])
        more = f"; and {len(rejected) - REASONS} more reasons" if len(rejected) > REASONS else ""
        err.print(f"[yellow]{run.rejected.total()} records rejected:[/] {reasons}{more}")


def _page(run: Simulated, name: str) -> str:
    return page(
        run.counts.numbers,
        title=f"What {name} would have sent",
        records=run.records,
        rejected=run.rejected,
        ignored=run.found.ignored,
        never=[*run.never()],
    )
