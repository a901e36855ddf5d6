"""The world elsewhere while somebody sits before the console."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from holdfast.aws.queues import Message, Queue
from holdfast.aws.tables.shapes import Observations
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.text import parse
from holdfast.services.user_data import read_user
from holdfast_cli.campaigns import campaigns, publish_one
from holdfast_cli.stack import Deployment
from holdfast_cli.users import users

PATIENCE = 120.0
"""Seconds, on a busy machine."""


def send(deployed: Deployment, *records: dict[str, Any] | list[dict[str, Any]]) -> None:
    queue = Queue(deployed.client("sqs"), deployed.outputs["EventsQueueUrl"])
    assert queue.send(Message(json.dumps(record)) for record in records) == []


def seen(deployed: Deployment, *events: str) -> None:
    """Wait until join has noted these events' names."""
    observations = Observations(deployed.client("dynamodb"), deployed.outputs["CampaignsTableName"])
    until(lambda: {event.replace(" ", "") for event in events} <= observations.read().keys())


def watched(deployed: Deployment, user: str) -> None:
    """Wait until join has opened a watch for a user."""
    until(lambda: bool(read_user(users(deployed), user).state.watches))


def until(so: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < ends
        time.sleep(0.3)


def published(deployed: Deployment, campaign: str, **more: str) -> str:
    """A campaign that an engineer published from a file, by its id; `more` pairs beside its title."""
    source = SOURCE.format(id=campaign) + "".join(f"    {key}: {json.dumps(value)}\n" for key, value in more.items())
    publish_one(campaigns(deployed), Campaign.model_validate(parse(source).data), source)
    return source


SOURCE = """\
# Owned by the shop team.
id: {id}
name: {id}, by file
when:
  did: {id} added  # by the app and the site
  did_not: {id} charged
  within: 30 minutes
constant:
  name: product
  in:
    {id} added: product_name
    {id} charged: Items[].prod_name
send:
  values:
    title: "{{{{ Profile.first_name | default: 'Hi' }}}}, your {{{{ ConstantEventProperty }}}} is waiting"
"""
