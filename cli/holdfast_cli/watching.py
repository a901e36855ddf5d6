"""`holdfast watch`: the messages as the bus delivers them, by a rule and a queue that last as long as the command."""

from __future__ import annotations

import json as jsonlib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer
from botocore.exceptions import ClientError
from rich.markup import escape

from holdfast_cli.output import Json, Stage, err, out, print_json
from holdfast_cli.stack import Deployment

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

EVERYTHING = {"source": [{"prefix": ""}]}
COLOURS = {"Withheld": "yellow", "Retracted": "magenta"}


class Tap:
    """A queue that gets all that is put on the bus."""

    def __init__(self, sqs: SQSClient, url: str) -> None:
        self._sqs = sqs
        self.url = url

    def messages(self, wait: int = 1) -> Iterator[dict[str, Any]]:
        """Events of the bus, those that are there within `wait` seconds, at least once each."""
        found = self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        for message in found.get("Messages", ()):
            yield jsonlib.loads(message["Body"])
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])


@contextmanager
def tap(deployment: Deployment) -> Iterator[Tap]:
    """Gone again at the end, the rule and the queue both."""
    sqs, events = deployment.client("sqs"), deployment.client("events")
    bus, name = deployment.outputs["EventBusName"], f"holdfast-watch-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    try:
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rule = events.put_rule(Name=name, EventBusName=bus, EventPattern=jsonlib.dumps(EVERYTHING))["RuleArn"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(arn, rule)})
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "watch", "Arn": arn}])
        yield Tap(sqs, url)
    finally:
        with suppress(ClientError):  # it may not have come so far
            events.remove_targets(Rule=name, EventBusName=bus, Ids=["watch"])
            events.delete_rule(Name=name, EventBusName=bus)
        sqs.delete_queue(QueueUrl=url)


def _policy(queue: str, rule: str) -> str:
    return jsonlib.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": queue,
                    "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
                }
            ],
        }
    )


def watch(
    *,
    seconds: Annotated[float | None, typer.Option("--for", min=0.1, help="Stop after this many seconds.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many messages.")] = None,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Print messages as the bus delivers them. Stop with Ctrl-C.

    Example: `holdfast watch --for 60 --stage dev`
    """
    deployment = Deployment.find(stage)
    ends = time.monotonic() + seconds if seconds is not None else None
    seen = 0
    with tap(deployment) as tapped:
        err.print("[dim]watching the bus …[/]")
        while (ends is None or time.monotonic() < ends) and (count is None or seen < count):
            for event in tapped.messages():
                seen += 1
                if json:
                    print_json(event)
                else:
                    show(event)
                if seen == count:
                    break


def show(event: dict[str, Any]) -> None:
    """One event of the bus, on a line or two."""
    detail, kind = event["detail"], event["detail-type"]
    colour = next((colour for word, colour in COLOURS.items() if kind.endswith(word)), "green")
    constant = detail["constant"]
    value = constant["value"] if constant else ""
    about = " · " + (", ".join(map(str, value)) if isinstance(value, list) else str(value)) if constant else ""
    who = f"{detail['metadata']['campaign']} · {detail['user']['identity']}{about}"
    out.print(f"[dim]{event['time']}[/] [{colour}]{escape(kind)}[/] {escape(who)}")
    told = detail.get("values") or {key: detail[key] for key in ("reason",) if key in detail}
    for key, value in told.items():
        out.print(f"    [bold]{escape(key)}[/] {escape(str(value))}")
