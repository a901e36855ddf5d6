"""Records and messages that were set aside are looked at, put right, and go on."""

from __future__ import annotations

import json
import uuid
from typing import Any

from typer.testing import CliRunner

from holdfast.aws.queues import Message, Queue
from holdfast.core.fold.watches import Decision
from holdfast_cli.main import app
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import tap
from tests.e2e.test_deployed import a_campaign, hear, publish, send
from tests.eventually import eventually


def run(*arguments: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def listed(queue: str, only: str) -> list[dict[str, Any]]:
    return eventually(lambda: run(queue, "list", "--only", only))


def test_a_rejected_record_is_listed_with_its_reason_and_folded_when_its_campaign_was_put_right(
    deployed: Deployment,
) -> None:
    campaign = a_campaign()
    publish(deployed, campaign)
    event = f"{campaign.id} added"
    send(deployed, {"user": "rita", "event": event, "sku": "coat", "id": "r1"})
    (row,) = listed("rejected", campaign.id)
    assert row["reason"] == f"{campaign.id}: constant property product: product is missing in {event}"
    right = campaign.model_dump(by_alias=True)
    right["constant"][0]["in"][event] = "sku"
    publish(deployed, type(campaign).model_validate(right))
    with tap(deployed) as tapped:
        assert run("rejected", "redrive", "--only", campaign.id) == [{"redriven": 1, "failed": 0}]
        (message,) = hear(tapped, campaign.id, 1)
    assert message["detail"]["constant"]["value"] == "coat"


def test_an_undelivered_decision_is_listed_and_delivered_when_it_can_be(deployed: Deployment) -> None:
    campaign = a_campaign()
    publish(deployed, campaign)
    decision = Decision("send", campaign.id, "coat", "coat", 1, uuid.uuid4().hex, 2, 1)
    body = {"reason": "not put: InternalFailure", "user": "udo", "outbox": [decision._asdict()]}
    queue = Queue(deployed.client("sqs"), deployed.outputs["UndeliveredQueueUrl"])
    assert queue.send([Message(json.dumps(body))]) == []
    with tap(deployed) as tapped:
        assert run("undelivered", "redrive", "--only", "InternalFailure") == [{"redriven": 1, "failed": 0}]
        (message,) = hear(tapped, campaign.id, 1)
    assert message["detail"]["values"] == {"title": "Hi, your coat"}
    assert run("undelivered", "list", "--only", "InternalFailure") == []
