"""Two vendors, one person: what Segment sent opened a watch, and what Shopify puts on its event bus ends it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from typer.testing import CliRunner

from holdfast.aws.clock import now_ms
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.text import parse, validate
from holdfast.core.messages.detail import iso
from holdfast_cli import local
from holdfast_cli.main import app
from holdfast_cli.stack import Deployment
from tests.e2e.test_deployed import publish, send
from tests.e2e.test_support import statuses
from tests.infrastructure.synthesis import stack

BUS = "shopify"
"""Only Shopify can put events on a bus that is called as its own are, `aws.partner/shopify.com/…`."""
SOURCE = local.ROOT / "examples" / "sources" / "shopify-eventbridge.yaml"
CAMPAIGN = """\
id: NAME
events:
  NAME ordered: {event: shopifyWebhook, where: "metadata.\\"X-Shopify-Topic\\" == 'orders/create'"}
when: {did: NAME added, did_not: NAME ordered, within: 1 hour}
constant:
  name: product
  in: {NAME added: product_id, NAME ordered: "payload.line_items[].product_id"}
send: {values: {title: "{{ ConstantEventProperty }}"}}
"""


def test_a_shopify_order_on_a_partners_bus_ends_what_a_segment_batch_opened(deployed: Deployment) -> None:
    """A product that was not ordered still waits."""
    name = f"c{uuid.uuid4().hex[:8]}"
    published = CliRunner().invoke(app, ["source", "publish", str(SOURCE)])
    assert published.exit_code == 0, published.output
    campaign = validate(parse(CAMPAIGN.replace("NAME", name)), Campaign)
    publish(deployed, campaign)
    _forward(deployed)
    send(deployed, _batch(name, "7", "8", "9"))
    statuses("77", campaign, {"7": "waits", "8": "waits", "9": "waits"})
    _orders(deployed, name)
    statuses("77", campaign, {"7": "ended", "8": "ended", "9": "waits"})


def _batch(name: str, *added: str) -> dict[str, Any]:
    """As Segment sends what was added to the cart."""
    now = iso(now_ms())
    calls = [
        {
            "type": "track",
            "messageId": f"{name}-{product}",
            "userId": "77",
            "event": f"{name} added",
            "timestamp": now,
            "properties": {"product_id": product},
        }
        for product in added
    ]
    return {"batch": calls, "sentAt": now}


def _forward(deployed: Deployment) -> None:
    """From the bus to the queue, by the rule that `-c events_bus` makes."""
    pattern = stack(stage="dev", events_bus=BUS).properties("AWS::Events::Rule", "UpstreamRule")["EventPattern"]
    events, sqs = deployed.client("events"), deployed.client("sqs")
    events.create_event_bus(Name=BUS)
    url = deployed.outputs["EventsQueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="upstream", EventBusName=BUS, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="upstream", EventBusName=BUS, Targets=[{"Id": "queue", "Arn": arn}])


def _orders(deployed: Deployment, name: str) -> None:
    detail: dict[str, Any] = {
        "metadata": {"X-Shopify-Topic": "orders/create", "X-Shopify-Webhook-Id": name},
        "payload": {"customer": {"id": 77}, "line_items": [{"product_id": 7}, {"product_id": 8}]},
    }
    entry: Any = {
        "EventBusName": BUS,
        "Source": "shopify.com/4321/shop",
        "DetailType": "shopifyWebhook",
        "Detail": json.dumps(detail),
    }
    assert deployed.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
