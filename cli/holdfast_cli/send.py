"""`holdfast send`: events to the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Message, Queue
from holdfast.core.events import Event, Ignored, Record, Rejected, Tie
from holdfast.core.intake.fields import Rules
from holdfast.core.intake.forms import records
from holdfast_cli.lines import read_lines
from holdfast_cli.output import Failure, Json, Stage, out, print_json, progress
from holdfast_cli.source_files import SourceOption, rules_of
from holdfast_cli.stack import Deployment


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
    """Send a file of records to the events queue. Records that cannot be read are then in `holdfast rejected list`.

    Example: `holdfast send events.jsonl --stage dev`
    """
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
