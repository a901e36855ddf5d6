"""`holdfast send` and `holdfast simulate`: events to the queue, or to the fold alone."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Annotated, Any, cast

import typer

from holdfast.aws.queues import Message, Queue
from holdfast.core import profiles
from holdfast.core.campaign_text import CampaignFileError
from holdfast.core.events import Event, ProfileChange, Rejected
from holdfast.core.events import Json as JsonValue
from holdfast.core.forms import records
from holdfast.core.messages import context, iso, message_id
from holdfast.core.plans import Plan, Plans
from holdfast.core.simulation import Decided, Simulation
from holdfast.core.templates import Values, Withheld, compile_values
from holdfast_cli.campaign_file import read_campaign
from holdfast_cli.campaigns import show_mistakes
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows, progress
from holdfast_cli.stack import Deployment

LINES_PER_STEP = 1000
NO_ARRIVAL = 1 << 53
"""An arrival later than any: in a trace nothing is in the future, and what has no time happens at the trace's time."""


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a file that are not blank; `.gz` is unpacked, `-` is standard input."""
    try:
        with _open(path) as file:
            yield from (line for line in file if not line.isspace())
    except (OSError, UnicodeDecodeError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Failure(f"{path} cannot be read: {reason}") from error


def _open(path: Path) -> IO[str]:
    if str(path) == "-":
        return cast("IO[str]", typer.get_text_stream("stdin"))
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def send(
    file: Annotated[Path, typer.Argument(help="One record per line, in any form; - for standard input.")],
    *,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Put events on the queue, a message for each line. What a record lacks is found out there: see `rejected`."""
    deployment = Deployment.find(stage)
    queue = Queue(deployment.client("sqs"), deployment.outputs["EventsQueueUrl"])
    lines = [line.rstrip("\n") for line in read_lines(file)]
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


def simulate(
    campaign: Annotated[list[Path], typer.Option("--campaign", "-c", help="A campaign file; may be given again.")],
    events: Annotated[Path, typer.Option("--events", "-e", help="One record per line, in any form; .gz is unpacked.")],
    profiles_file: Annotated[
        Path | None, typer.Option("--profiles", "-p", help="Profile records: messages are rendered too.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """What would have been decided: the trace is folded in event time, offline, by the function that join runs."""
    try:
        plans = Plans(read_campaign(path)[0].plan() for path in campaign)
    except CampaignFileError as error:
        show_mistakes(error, as_json=json)
        raise typer.Exit(1) from None
    run = _Run(plans, render=profiles_file is not None)
    rows = run.rows(*([profiles_file] if profiles_file else []), events)
    if json:
        for row in rows:
            print_json(row)
    else:
        columns = ["decided_at", "decision", "campaign", "user", "constant", "reason"]
        shown = ({**row, "decided_at": iso(row["decided_at"])} for row in rows)
        print_rows([*shown], [*columns, *(["values"] if run.render else [])], as_json=False)
        counts = ", ".join(f"{number} {kind}" for kind, number in sorted(run.decisions.items())) or "nothing decided"
        out.print(f"{run.folded} records: {counts}")
    if run.rejected:
        reasons = "; ".join(f"{number} times {reason}" for reason, number in run.rejected.most_common(3))
        err.print(f"[yellow]{run.rejected.total()} records rejected:[/] {reasons}")


class _Run:
    """One simulation: lines in, rows out, and what is worth telling at the end."""

    def __init__(self, plans: Plans, *, render: bool) -> None:
        self.render = render
        self.folded = 0
        self.rejected: Counter[str] = Counter()
        self.decisions: Counter[str] = Counter()
        self._plans = plans
        self._simulation = Simulation(plans)
        self._profiles: dict[str, profiles.Profile] = {}
        self._values: dict[str, Values] = {
            plan.id: compile_values(plan.values, events=plan.did, catalogs=plan.catalogs) for plan in plans.values()
        }

    def rows(self, *files: Path) -> Iterator[dict[str, Any]]:
        with progress("simulating", None) as bar:
            for number, line in enumerate(chain.from_iterable(map(read_lines, files)), 1):
                for decided in self.take(line):
                    yield self._row(decided)
                if number % LINES_PER_STEP == 0:
                    bar.update(bar.task_ids[0], description=f"simulating: {number:,} records")
        for decided in self._simulation.until():
            yield self._row(decided)

    def take(self, line: str) -> Iterator[Decided]:
        for record in records(line, NO_ARRIVAL):
            match record:
                case Event():
                    at = self._simulation.now if record.at == NO_ARRIVAL else record.at
                    decided, problems = self._simulation.event(record._replace(at=at))
                    self.rejected.update(problem.reason for problem in problems)
                    self.folded += not problems
                    yield from decided
                case ProfileChange(user):
                    self._profiles[user], refused = profiles.merge(self._profiles.get(user, {}), [record])
                    self.rejected.update(each.reason for each in refused)
                    self.folded += not refused
                case Rejected(reason):
                    self.rejected[reason] += 1

    def _row(self, decided: Decided) -> dict[str, Any]:
        user, decision = decided
        kind, reason, values = decision.kind, decision.reason, None
        if self.render and kind == "send":
            try:
                values = self._render(decided, self._plans[decision.campaign])
            except Withheld as withheld:
                kind, reason = "withhold", withheld.reason
        self.decisions[kind] += 1
        row: dict[str, Any] = {
            "decision": kind,
            "campaign": decision.campaign,
            "user": user,
            "constant": decision.shown,
            "trigger_at": decision.at,
            "decided_at": decision.when,
            "id": message_id(user, decision),
        }
        if reason:
            row["reason"] = reason
        if values is not None:
            row["values"] = values
        return row

    def _render(self, decided: Decided, plan: Plan) -> dict[str, str]:
        properties: dict[str, JsonValue] = profiles.properties(self._profiles.get(decided.user, {}))
        return self._values[plan.id].render(context(decided.decision, plan, properties))
