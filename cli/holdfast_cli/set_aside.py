"""`holdfast rejected …`, `undelivered …`, `dead-letters …`: what could not go on is listed, redriven, discarded."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.aws.queues import Queue
from holdfast.aws.tables.users import Users
from holdfast.services.redriving import arrive_again, dead_letter, deliver_again, ended_since, send_again
from holdfast.services.set_aside import Aside, SetAside
from holdfast.services.user_data import read_user
from holdfast_cli.acts import NoteOption, record
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows, progress
from holdfast_cli.stack import Deployment

Limit = Annotated[int, typer.Option(min=1, help="How many messages to look at.")]
OfUser = Annotated[str, typer.Option("--user", help="Only records of this user, under any id.", show_default=False)]
Only = Annotated[str, typer.Option("--only", help="Only messages whose reason contains this text.")]

rejected = typer.Typer(no_args_is_help=True, help="Work with records that could not be read: list, redrive, discard.")
undelivered = typer.Typer(
    no_args_is_help=True, help="Work with decisions that could not be delivered: list, redrive, discard."
)

dead_letters = typer.Typer(no_args_is_help=True, help="Work with messages that failed for twelve hours: list, redrive.")


@rejected.command("list")
def list_rejected(
    *, limit: Limit = 100, only: Only = "", user: OfUser = "", stage: Stage = "local", json: Json = False
) -> None:
    """List rejected records with their reasons. They stay in the queue."""
    deployment = Deployment.find(stage)
    found = rejected_queue(deployment).look(limit, only)
    if user:
        table = Users(deployment.client("dynamodb"), deployment.outputs["UsersTableName"])
        ids = {user, *read_user(table, user).ids}
        found = [each for each in found if any(map(each.about, ids))]
    _list(found, ["reason", "record"], as_json=json)


@rejected.command("redrive")
def redrive_rejected(
    *, limit: Limit = 10_000, only: Only = "", note: NoteOption = "", stage: Stage = "local", json: Json = False
) -> None:
    """Send rejected records again, once the cause is gone.

    Example: `holdfast rejected redrive --stage prod`
    """
    deployment = Deployment.find(stage)
    _redrive(deployment, "rejected", rejected_queue(deployment), limit, only, note, as_json=json)


@undelivered.command("list")
def list_undelivered(*, limit: Limit = 100, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """List undelivered decisions with their reasons. They stay in the queue."""
    columns = ["reason", "user", "campaigns"]
    _list(undelivered_queue(Deployment.find(stage)).look(limit, only), columns, as_json=json)


@undelivered.command("redrive")
def redrive_undelivered(
    *, limit: Limit = 10_000, only: Only = "", note: NoteOption = "", stage: Stage = "local", json: Json = False
) -> None:
    """Deliver them again. Decisions that fail again return to the queue with the new reason.

    Example: `holdfast undelivered redrive --stage prod`
    """
    deployment = Deployment.find(stage)
    _redrive(deployment, "undelivered", undelivered_queue(deployment), limit, only, note, as_json=json)


Discarded = Annotated[
    str, typer.Option("--only", help="Only messages whose reason contains this text.", show_default=False)
]


@rejected.command("discard")
def discard_rejected(
    *, only: Discarded, limit: Limit = 10_000, note: NoteOption = "", stage: Stage = "local", json: Json = False
) -> None:
    """Delete rejected records for good."""
    deployment = Deployment.find(stage)
    _discard(deployment, "rejected", rejected_queue(deployment), limit, only, note, as_json=json)


@undelivered.command("discard")
def discard_undelivered(
    *, only: Discarded, limit: Limit = 10_000, note: NoteOption = "", stage: Stage = "local", json: Json = False
) -> None:
    """Delete undelivered messages for good: nobody gets them."""
    deployment = Deployment.find(stage)
    _discard(deployment, "undelivered", undelivered_queue(deployment), limit, only, note, as_json=json)


@dead_letters.command("list")
def list_dead_letters(*, limit: Limit = 100, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """List messages that join failed to process for twelve hours. They stay in the queue."""
    _list(_dead_letters(Deployment.find(stage)).look(limit, only), ["reason", "record"], as_json=json)


@dead_letters.command("redrive")
def redrive_dead_letters(
    *, limit: Limit = 10_000, only: Only = "", note: NoteOption = "", stage: Stage = "local", json: Json = False
) -> None:
    """Put them on the events queue again, with the time of their first arrival.

    Example: `holdfast dead-letters redrive --stage prod`
    """
    deployment = Deployment.find(stage)
    _redrive(deployment, "dead-letters", _dead_letters(deployment), limit, only, note, as_json=json)


def _dead_letters(deployment: Deployment) -> SetAside:
    sqs, outputs = deployment.client("sqs"), deployment.outputs
    again = arrive_again(Queue(sqs, outputs["EventsQueueUrl"]))
    return SetAside(sqs, outputs["DeadLetterQueueUrl"], again, dead_letter)


def rejected_queue(deployment: Deployment) -> SetAside:
    """The queue of records that could not be read."""
    sqs, outputs = deployment.client("sqs"), deployment.outputs
    return SetAside(sqs, outputs["RejectedQueueUrl"], send_again(Queue(sqs, outputs["EventsQueueUrl"])))


def undelivered_queue(deployment: Deployment) -> SetAside:
    """The queue of decisions that could not be delivered."""
    outputs = deployment.outputs
    functions, s3 = deployment.client("lambda"), deployment.client("s3")
    ended = ended_since(Users(deployment.client("dynamodb"), outputs["UsersTableName"]))
    redrive = deliver_again(functions, outputs["DeliverFunctionName"], s3, ended)
    return SetAside(deployment.client("sqs"), outputs["UndeliveredQueueUrl"], redrive)


def _list(found: list[Aside], columns: list[str], *, as_json: bool) -> None:
    rows = [{**each.body, "reason": each.reason, "campaigns": each.campaigns} for each in found]
    if as_json or rows:
        print_rows(rows, columns, as_json=as_json)
    else:
        out.print("nothing waits there")


def _redrive(
    deployment: Deployment, name: str, queue: SetAside, limit: int, only: str, note: str, *, as_json: bool
) -> None:
    waiting = min(limit, queue.total())  # what is set aside again in the meantime is left for next time
    with progress("redriving", waiting) as bar:
        done, failed = queue.redrive(waiting, only=only, step=lambda: bar.advance(bar.task_ids[0]))
    if done:
        record(deployment, "retried", name, number=done, note=note)
    if as_json:
        print_json({"redriven": done, "failed": failed.total()})
    else:
        out.print(f"{done} redriven")
    for reason, number in failed.items():
        err.print(f"[red]✗[/] {number} left where they are: {reason}")
    if failed:
        raise typer.Exit(1)


def _discard(
    deployment: Deployment, name: str, queue: SetAside, limit: int, only: str, note: str, *, as_json: bool
) -> None:
    if not only:
        raise Failure("Say which: --only and a part of their reason. See: holdfast rejected list")
    waiting = min(limit, queue.total())
    with progress("discarding", waiting) as bar:
        done = queue.discard(
            waiting, wanted=lambda aside: only in aside.reason, step=lambda: bar.advance(bar.task_ids[0])
        )
    if done:
        record(deployment, "discarded", name, number=done, note=note)
    if as_json:
        print_json({"discarded": done})
    else:
        out.print(f"{done} discarded")
