"""`holdfast rejected …`, `undelivered …`, `dead-letters …`: the queues of what could not go on, looked at, redriven."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.aws.queues import Queue
from holdfast.aws.tables.users import Users
from holdfast.services.set_aside import (
    Aside,
    SetAside,
    arrive_again,
    dead_letter,
    deliver_again,
    ended_since,
    send_again,
)
from holdfast_cli.output import Json, Stage, err, out, print_json, print_rows, progress
from holdfast_cli.stack import Deployment

Limit = Annotated[int, typer.Option(help="How many messages to look at.")]
Only = Annotated[str, typer.Option("--only", help="Only messages whose reason contains this text.")]

rejected = typer.Typer(no_args_is_help=True, help="Work with records that could not be read: list, redrive.")
undelivered = typer.Typer(no_args_is_help=True, help="Work with decisions that could not be delivered: list, redrive.")

dead_letters = typer.Typer(no_args_is_help=True, help="Messages that failed again and again: list, redrive.")


@rejected.command("list")
def list_rejected(*, limit: Limit = 100, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """List rejected records with their reasons. They stay in the queue."""
    columns = ["reason", "record"]
    _list(_rejected(Deployment.find(stage)).look(limit, only), columns, as_json=json)


@rejected.command("redrive")
def redrive_rejected(*, limit: Limit = 10_000, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """Send rejected records again, once the cause is gone."""
    _redrive(_rejected(Deployment.find(stage)), limit, only, as_json=json)


@undelivered.command("list")
def list_undelivered(*, limit: Limit = 100, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """List undelivered decisions with their reasons. They stay in the queue."""
    columns = ["reason", "user", "campaigns"]
    _list(_undelivered(Deployment.find(stage)).look(limit, only), columns, as_json=json)


@undelivered.command("redrive")
def redrive_undelivered(*, limit: Limit = 10_000, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """Deliver them again. What fails again returns to the queue, with its new reason."""
    _redrive(_undelivered(Deployment.find(stage)), limit, only, as_json=json)


@dead_letters.command("list")
def list_dead_letters(*, limit: Limit = 100, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """List messages that join could not take, try after try. They stay in the queue."""
    _list(_dead_letters(Deployment.find(stage)).look(limit, only), ["reason", "record"], as_json=json)


@dead_letters.command("redrive")
def redrive_dead_letters(*, limit: Limit = 10_000, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """Put them on the events queue again, with the time of their first arrival."""
    _redrive(_dead_letters(Deployment.find(stage)), limit, only, as_json=json)


def _dead_letters(deployment: Deployment) -> SetAside:
    sqs, outputs = deployment.client("sqs"), deployment.outputs
    again = arrive_again(Queue(sqs, outputs["EventsQueueUrl"]))
    return SetAside(sqs, outputs["DeadLetterQueueUrl"], again, dead_letter)


def _rejected(deployment: Deployment) -> SetAside:
    sqs, outputs = deployment.client("sqs"), deployment.outputs
    return SetAside(sqs, outputs["RejectedQueueUrl"], send_again(Queue(sqs, outputs["EventsQueueUrl"])))


def _undelivered(deployment: Deployment) -> SetAside:
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


def _redrive(queue: SetAside, limit: int, only: str, *, as_json: bool) -> None:
    waiting = min(limit, queue.total())  # what is set aside again in the meantime is left for next time
    with progress("redriving", waiting) as bar:
        done, failed = queue.redrive(waiting, only=only, step=lambda: bar.advance(bar.task_ids[0]))
    if as_json:
        print_json({"redriven": done, "failed": failed.total()})
    else:
        out.print(f"{done} redriven")
    for reason, number in failed.items():
        err.print(f"[red]✗[/] {number} left where they are: {reason}")
    if failed:
        raise typer.Exit(1)
