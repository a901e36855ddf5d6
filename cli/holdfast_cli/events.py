"""`holdfast send` and `holdfast simulate`: events to the queue, or to the fold alone."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct, structs
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Message, Queue
from holdfast.core.authoring.hints import letters
from holdfast.core.authoring.recommendation import Recommendation
from holdfast.core.events import AHEAD_MS, Event, Ignored, ProfileChange, Record, Rejected, Tie, event_key
from holdfast.core.events import Json as JsonValue
from holdfast.core.explain.replay import FUTURE, NO_ARRIVAL, Replay
from holdfast.core.fold.watches import Decision, Kind
from holdfast.core.gate.policy import NONE
from holdfast.core.intake.forms import RULES, Rules, records
from holdfast.core.messages.detail import iso, message_id
from holdfast.core.messages.rendering import Rendering, Rows
from holdfast.core.plans.plan import Plans
from holdfast_cli.campaign_file import read_campaign, read_model
from holdfast_cli.campaigns import mistakes_end
from holdfast_cli.lines import read_lines
from holdfast_cli.ordering import in_order
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows, print_structs, progress
from holdfast_cli.page import Numbers, page
from holdfast_cli.policies import read_policy
from holdfast_cli.rows import CatalogOption, HistoryOption, RecommendationOption, rows_in_files
from holdfast_cli.sources import SourceOption, rules_of
from holdfast_cli.stack import Deployment

LINES_PER_STEP = 10_000
"""After which decisions are given out; or after as many as there are users for whom one is to come."""
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
        bool, typer.Option("--check", help="Only read the file, and say what would be rejected. Exit code 1 if any is.")
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
        typer.Option("--as-arrived", help="Take the order of the file for the order in which the records arrived."),
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write what came of it to this file, too, as a page to look at.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what would have been decided for a file of events, offline, by the same function that decides on AWS.

    Records are put in order of time first, as if each had arrived when it happened.
    """
    with mistakes_end(as_json=json):
        rules = read_policy(policy) if policy else NONE
        recommenders = [read_model(path, Recommendation)[0].plan() for path in recommendation or ()]
        plans = Plans((read_campaign(path)[0].plan() for path in campaign), recommenders, policy=rules)
    gc.set_threshold(50_000)  # looking for what refers back to itself, which next to nothing does, took a sixth
    reading = rules_of(source, as_json=json)
    rows = rows_in_files(plans, catalog or (), history)
    render = bool(profiles_file or catalog or history)
    run = _Run(plans, rows=rows if render else None, reading=reading, numbers=Numbers() if html else None)
    known = read_lines(profiles_file) if profiles_file else ()
    with nullcontext(read_lines(events)) if as_arrived else in_order(events, read_lines, reading) as lines:
        decided = run.rows(known, lines)
        if json:
            for some in decided:
                print_structs(some)
        else:
            columns = ["decided_at", "decision", "campaign", "user", "constant", "reason"]
            shown = [{**structs.asdict(row), "decided_at": iso(row.decided_at)} for some in decided for row in some]
            print_rows(shown, [*columns, *(["values"] if render else [])], as_json=False)
            counts = ", ".join(f"{number} {kind}" for kind, number in sorted(run.decisions.items()))
            out.print(f"{run.folded} records: {counts or 'nothing decided'}")
    if html:
        html.write_text(run.page(events.name), "utf-8")
        err.print(f"[dim]Written: {escape(str(html))}[/]")
    for name, other in run.never():
        instead = f"; {escape(repr(other))} does" if other else ""
        err.print(f"[yellow]![/] {escape(repr(name))} never occurs in the file{instead}")
    if run.ignored:
        err.print(f"[dim]ignored: {', '.join(f'{number} {kind}s' for kind, number in run.ignored.items())}[/]")
    if run.rejected:
        listed = run.rejected.most_common(REASONS)
        reasons = "; ".join(f"{number} times {escape(reason)}" for reason, number in listed)
        more = f"; and {len(run.rejected) - REASONS} more reasons" if len(run.rejected) > REASONS else ""
        err.print(f"[yellow]{run.rejected.total()} records rejected:[/] {reasons}{more}")


class Row(Struct, omit_defaults=True, gc=False):
    """The printed form of a decision. Times are epoch milliseconds, `constant` is the trigger's own value."""

    decision: Kind
    campaign: str
    user: str
    constant: JsonValue
    trigger_at: int
    decided_at: int
    id: str
    reason: str = ""
    values: Mapping[str, JsonValue] | None = None
    variant: str = ""
    amount: float | None = None
    currency: str = ""


class _Run:
    """One simulation: lines in, rows out, and what is worth telling at the end."""

    def __init__(
        self, plans: Plans, *, rows: Rows | None = None, reading: Rules = RULES, numbers: Numbers | None = None
    ) -> None:
        """Messages are rendered where there are rows for them, be they none."""
        self._rows = rows
        self._reading = reading
        self.folded = 0
        self.rejected: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.names: set[str] = set()
        self.decisions: Counter[str] = Counter()
        self._plans = plans
        latest = now_ms() + AHEAD_MS  # nothing can have arrived later than now
        self._numbers = numbers
        self._replay = Replay(plans, self._row, latest=latest, ended=numbers.ended if numbers else None)
        self._rendering = Rendering(lambda campaign, _revision: plans[campaign], lambda: "simulated")

    def rows(self, known: Iterable[bytes], lines: Iterable[bytes]) -> Iterator[list[Row]]:
        """Some at a time, in order of time. `known` are the profiles from before."""
        for line in known:
            self._take(line, before=True)
        simulation, number, waiting = self._replay.simulation, 0, iter(lines)
        with progress("simulating", None) as bar:
            while some := list(islice(waiting, max(LINES_PER_STEP, simulation.waiting))):
                for line in some:
                    self._take(line)
                yield simulation.until(simulation.now)
                number += len(some)
                bar.update(bar.task_ids[0], description=f"simulating: {number:,} records")
        yield simulation.until()

    def _take(self, line: bytes, *, before: bool = False) -> None:
        for record in records(line, NO_ARRIVAL, self._reading):
            if isinstance(record, Ignored):
                self.ignored[record.kind] += 1
                continue
            if before and isinstance(record, ProfileChange):
                reasons = self._replay.know(record)
            else:
                reasons = self._replay.take(record)
            if reasons:
                self.rejected.update(reasons)
            else:
                self.folded += not isinstance(record, Tie) or record.alone
            if isinstance(record, Event) and reasons != [FUTURE]:
                self.names.add(record.name)

    def never(self) -> Iterator[tuple[str, str]]:
        """Events that campaigns name and that never came, and a name like it that did: product_added."""
        came = {letters(name): name for name in sorted(self.names)}
        keys = set(map(event_key, self.names))
        named = {plan.events.get(key, key): name for plan in self._plans.values() for key, name in plan.names.items()}
        for key, name in named.items():
            if event_key(key) not in keys:
                yield name, came.get(letters(name), "")

    def page(self, name: str) -> str:
        return page(
            self._numbers or Numbers(),
            title=f"What would have come of {name}",
            records=self.folded,
            rejected=self.rejected,
            ignored=self.ignored,
            never=[*self.never()],
        )

    def _row(self, user: str, decision: Decision, profile: Mapping[str, JsonValue]) -> Row:
        kind, reason, values = decision.kind, decision.reason, None
        if self._rows and kind == "send":
            plan = self._plans[decision.campaign]
            (outcome,) = self._rendering.outcomes([(user, decision, plan, profile)], self._rows)
            kind, reason, values = outcome.kind, outcome.reason, outcome.values
        self.decisions[kind] += 1
        if self._numbers:
            self._numbers.decided(decision.campaign, kind, reason, decision.when)
        bought = decision.conversion.bought if decision.conversion else None
        return Row(
            kind,
            decision.campaign,
            user,
            decision.shown,
            decision.at,
            decision.when,
            message_id(user, decision),
            reason,
            values,
            decision.variant,
            bought.amount if bought else None,
            bought.currency if bought else "",
        )
