"""`holdfast simulate`: events to the fold alone, offline."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from msgspec.json import decode
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.core.authoring.recommendation import Recommendation
from holdfast.core.events import AHEAD_MS
from holdfast.core.gate.policy import NONE
from holdfast.core.messages.detail import iso
from holdfast.core.plans.plans import Plans
from holdfast_cli.campaign_file import distinct, read_campaign, read_model, read_policy
from holdfast_cli.filters import NonePassed, none_passed
from holdfast_cli.folding import Setup
from holdfast_cli.lines import read_lines
from holdfast_cli.mistakes import mistakes_end
from holdfast_cli.output import (
    Failure,
    Json,
    check_writable,
    err,
    out,
    print_lines,
    print_rows,
    write_text,
)
from holdfast_cli.page import page, ranked
from holdfast_cli.rows import CatalogOption, HistoryOption, RecommendationOption, rows_in_files
from holdfast_cli.simulating import Reading, Simulated, jobs_for, parts_for
from holdfast_cli.source_files import SourceOption, rules_of

REASONS = 10
"""Different reasons for rejections that are listed."""


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

    Example: `holdfast simulate --campaign cart.yaml --events last-week.jsonl.gz --html week.html`
    """
    with mistakes_end(as_json=json):
        rules = read_policy(policy) if policy else NONE
        recommenders = [read_model(path, Recommendation)[0].plan() for path in recommendation or ()]
        campaigns = [read_campaign(path)[0] for path in campaign]
    distinct((path, each.id) for path, each in zip(campaign, campaigns, strict=True))
    plans = Plans((each.plan() for each in campaigns), recommenders, policy=rules)
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
    shut = [*none_passed(campaigns, plans, run.counts.tried)]
    if html:
        write_text(html, _page(run, shut, events.name))
        err.print(f"[dim]Written: {escape(str(html))}[/]")
    _tell_what_was_left_out(run, shut)
    if run.rejected and not run.records and not run.counts.partly:
        raise Failure("No record of the file can be read")


def _tell_what_was_left_out(run: Simulated, shut: Iterable[NonePassed]) -> None:
    for name, other in run.never():
        instead = f"; {escape(repr(other))} does" if other else ""
        err.print(f"[yellow]![/] {escape(repr(name))} never occurs in the file{instead}")
    for each in shut:
        hint = f"; {escape(each.hints)}" if each.hints else ""
        passes = escape(f"{each.campaign}: no {each.event!r} passes the filter {each.where}")
        err.print(f"[yellow]![/] {passes}{hint}")
    if history := run.counts.history:
        err.print(f"[yellow]![/] {history} events came so late that they are history, and opened nothing: max_age")
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


def _page(run: Simulated, shut: Sequence[NonePassed], name: str) -> str:
    return page(
        run.counts.numbers,
        title=f"What {name} would have sent",
        records=run.records,
        rejected=run.rejected,
        ignored=run.found.ignored,
        never=[*run.never()],
        shut=shut,
        history=run.counts.history,
    )
