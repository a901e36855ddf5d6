"""`holdfast rejected …`, `holdfast undelivered …`: the two queues of what could not go on, looked at and redriven."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.aws.queues import Queue
from holdfast.services.set_aside import Aside, SetAside, deliver_again, send_again
from holdfast_cli.output import Json, Stage, err, out, print_json, print_rows, progress
from holdfast_cli.stack import Deployment

Limit = Annotated[int, typer.Option(help="How many messages to look at.")]
Only = Annotated[str, typer.Option("--only", help="Only messages whose reason contains this text.")]

rejected = typer.Typer(no_args_is_help=True, help="Work with records that could not be read: list, redrive.")
undelivered = typer.Typer(no_args_is_help=True, help="Work with decisions that could not be delivered: list, redrive.")


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


def _rejected(deployment: Deployment) -> SetAside:
    sqs, outputs = deployment.client("sqs"), deployment.outputs
    return SetAside(sqs, outputs["RejectedQueueUrl"], send_again(Queue(sqs, outputs["EventsQueueUrl"])))


def _undelivered(deployment: Deployment) -> SetAside:
    outputs = deployment.outputs
    redrive = deliver_again(deployment.client("lambda"), outputs["DeliverFunctionName"], deployment.client("s3"))
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
