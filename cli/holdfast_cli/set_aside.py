"""`holdfast rejected …`, `holdfast undelivered …`: the two queues of what could not go on, looked at and redriven."""

from __future__ import annotations

import json as jsonlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import typer

from holdfast.aws.queues import Message, Queue
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows, progress
from holdfast_cli.stack import Deployment

HIDDEN_SECONDS = 60
"""So long nobody else sees a message that is being looked at."""

Limit = Annotated[int, typer.Option(help="How many messages to look at.")]
Only = Annotated[str, typer.Option("--only", help="Only those whose reason contains this.")]


class Aside(NamedTuple):
    """A message set aside. `body` is whole: the reason, and what could not go on."""

    body: dict[str, Any]
    receipt: str

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", "the stream gave up on a batch"))


def messages(deployment: Deployment, queue: str, limit: int, only: str) -> Iterator[Aside]:
    """What waits in a queue, each once; those passed by are seen again after a minute."""
    sqs, url = deployment.client("sqs"), deployment.outputs[queue]
    seen = 0
    while seen < limit:
        found = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=min(10, limit - seen), VisibilityTimeout=HIDDEN_SECONDS
        ).get("Messages", [])
        if not found:
            return
        seen += len(found)
        for message in found:
            aside = Aside(jsonlib.loads(message["Body"]), message["ReceiptHandle"])
            if only in aside.reason:
                yield aside


def _list(queue: str, row: Callable[[Aside], dict[str, Any]], columns: list[str], /, **given: Any) -> None:
    deployment = Deployment.find(given["stage"])
    found = list(messages(deployment, queue, given["limit"], given["only"]))
    rows = [row(each) for each in found]
    for each in found:
        deployment.client("sqs").change_message_visibility(
            QueueUrl=deployment.outputs[queue], ReceiptHandle=each.receipt, VisibilityTimeout=0
        )
    if given["as_json"] or rows:
        print_rows(rows, columns, as_json=given["as_json"])
    else:
        out.print("nothing waits there")


Redriven: TypeAlias = Callable[[Deployment, Aside], None]


def _redrive(queue: str, redrive: Redriven, /, *, stage: str, limit: int, only: str, as_json: bool) -> None:
    """One by one: a message leaves the queue when it was taken at the other end, and not before."""
    deployment = Deployment.find(stage)
    done, failed = 0, Counter[str]()
    waiting = min(limit, _waiting(deployment, queue))  # what is set aside again in the meantime is left for next time
    with progress("redriving", waiting) as bar:
        for aside in messages(deployment, queue, waiting, only):
            try:
                redrive(deployment, aside)
            except Failure as failure:
                failed[str(failure)] += 1
            else:
                deployment.client("sqs").delete_message(QueueUrl=deployment.outputs[queue], ReceiptHandle=aside.receipt)
                done += 1
            bar.advance(bar.task_ids[0])
    if as_json:
        print_json({"redriven": done, "failed": failed.total()})
    else:
        out.print(f"{done} redriven")
    for reason, number in failed.items():
        err.print(f"[red]✗[/] {number} left where they are: {reason}")
    if failed:
        raise typer.Exit(1)


rejected = typer.Typer(no_args_is_help=True, help="Records that could not be folded: list, redrive.")
undelivered = typer.Typer(no_args_is_help=True, help="Decisions that could not be delivered: list, redrive.")


@rejected.command("list")
def list_rejected(*, limit: Limit = 100, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """What was rejected, and why. They stay in the queue."""
    columns = ["reason", "record"]
    _list("RejectedQueueUrl", lambda each: each.body, columns, limit=limit, only=only, stage=stage, as_json=json)


@rejected.command("redrive")
def redrive_rejected(*, limit: Limit = 10_000, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """Put them on the events queue again, once what was wrong was put right."""
    _redrive("RejectedQueueUrl", _send_again, limit=limit, only=only, stage=stage, as_json=json)


@undelivered.command("list")
def list_undelivered(*, limit: Limit = 100, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """What could not be delivered, and why. They stay in the queue."""
    columns = ["reason", "user", "campaigns"]
    _list("UndeliveredQueueUrl", _undelivered_row, columns, limit=limit, only=only, stage=stage, as_json=json)


@undelivered.command("redrive")
def redrive_undelivered(*, limit: Limit = 10_000, only: Only = "", stage: Stage = "local", json: Json = False) -> None:
    """Have them delivered again. What fails again comes back to the queue, with its new reason."""
    _redrive("UndeliveredQueueUrl", _deliver_again, limit=limit, only=only, stage=stage, as_json=json)


def _waiting(deployment: Deployment, queue: str) -> int:
    name: Final = "ApproximateNumberOfMessages"
    url = deployment.outputs[queue]
    return int(deployment.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def _send_again(deployment: Deployment, aside: Aside) -> None:
    record = aside.body["record"]
    text = record if isinstance(record, str) else jsonlib.dumps(record, ensure_ascii=False)
    if Queue(deployment.client("sqs"), deployment.outputs["EventsQueueUrl"]).send([Message(text)]):
        raise Failure("the events queue did not take them")


def _deliver_again(deployment: Deployment, aside: Aside) -> None:
    if "reason" not in aside.body:
        raise Failure("only the stream still has these decisions, for a day: see the deliver function's logs")
    image = aside.body.get("image") or {
        "user": {"S": aside.body["user"]},
        "outbox": {"S": jsonlib.dumps(aside.body["outbox"])},
    }
    answer = deployment.client("lambda").invoke(
        FunctionName=deployment.outputs["DeliverFunctionName"],
        Payload=jsonlib.dumps({"Records": [{"dynamodb": {"NewImage": image}}]}),
    )
    if "FunctionError" in answer:
        raise Failure("the deliver function failed: see its logs")


def _undelivered_row(aside: Aside) -> dict[str, Any]:
    decisions = aside.body.get("outbox", [])
    return {**aside.body, "reason": aside.reason, "campaigns": sorted({each["campaign"] for each in decisions})}
