"""The price that each setting between due and sent adds to a message: units and calls, counted.

    python -m bench --only gate

Each setting has a stack with one campaign, which has only that setting. Join's own handler takes the adds of its users,
then a tick at which they are due; deliver's handler takes the decisions. If conversions are counted, the purchases
follow. The containers have done the same before, so the work that each does only once is not counted.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from unittest.mock import patch

import deliver
import join
from bench.emulated import client
from bench.ledger import Counts, Ledger
from bench.prices import MILLION, dollars
from bench.prod import memory_mb, prod
from bench.report import Part
from bench.tables import create, environment, put_profiles
from bench.virtual import Meter
from holdfast.aws import clients
from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Campaigns, Policies
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.policy import Policy

NAME = "gate"
USERS = 100
CAMPAIGN = "abandoned-cart"
NOTHING, CONVERT, POLICY = "none of them", "convert", "a policy with per_user"
WINDOW_MS = 1000
AT_NO_COST = ("start and end", "audience over the event", "hours in one zone", "control")
"""Settings that need nothing that is not at hand."""


def settings(now: datetime) -> dict[str, Mapping[str, Any]]:
    """The campaign's extra settings, by name. No message waits because of them, and only control groups get none."""
    hours = {"from": f"{now - timedelta(hours=2):%H:%M}", "to": f"{now + timedelta(hours=10):%H:%M}"}
    titles = [{"name": each, "values": {"title": f"{each} {{{{ ConstantEventProperty }}}}"}} for each in ("a", "b")]
    return {
        NOTHING: {},
        "start and end": {"start": "2020-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"},
        "audience over the event": {"audience": "Event.price > `1`"},
        "audience over the profile": {"audience": "!Profile.unsubscribed"},
        "hours in one zone": {"hours": {**hours, "zone": "UTC"}},
        "hours in the user's zone": {"hours": {**hours, "zone": "user"}},
        "per_user": {"per_user": {"at_most": 2, "in": "7 days"}},
        "again_after": {"again_after": "3 days"},
        "instead_of": {"instead_of": "browse-abandonment"},
        "control": {"control": "1%"},
        "variants": {"variants": titles},
        CONVERT: {CONVERT: {"within": "7 days"}},
        POLICY: {"per_user": {"at_most": 2, "in": "7 days"}},
    }


class Cost(NamedTuple):
    """The cost of one message."""

    write_units: float
    read_units: float
    bus_events: float

    @property
    def dollars(self) -> float:
        """The price of a million messages: units, and events on the bus; without queues and Lambda's time."""
        each = {"write_units": self.write_units, "read_units": self.read_units, "bus_events": self.bus_events}
        return dollars(each) * MILLION

    @property
    def note(self) -> str:
        return f"{self.write_units:.2f} write units, {self.read_units:.2f} read units"


class Run:
    """The functions, with one campaign, on tables and queues of their own."""

    def __init__(self, endpoint: str, stack: ExitStack, name: str, send: Mapping[str, Any], policy: Any = None) -> None:
        create(endpoint, name)
        stack.enter_context(patch.dict(os.environ, environment(endpoint, name), clear=True))
        clients._session.cache_clear()  # noqa: SLF001  (the ledger is told of clients made from here on)
        join.build.cache_clear()
        deliver.build.cache_clear()
        self._dynamodb = client("dynamodb", endpoint)
        self._table = f"{name}-users"
        self._meter = Meter(Ledger(clients._session().register))  # noqa: SLF001  (all clients come from it)
        if policy:
            rules = Policy.model_validate(policy)
            Policies(self._dynamodb, f"{name}-campaigns").publish("", rules.plan, now_ms())
        Campaigns(self._dynamodb, f"{name}-campaigns").publish(CAMPAIGN, "", _campaign(send).plan, now_ms())
        self.messages(["warm"])
        self.purchases(["warm"])

    def messages(self, users: Sequence[str]) -> Cost:
        """The cost from the users' adds to their messages."""
        put_profiles(self._dynamodb, self._table, users)
        self._meter.counts, self._meter.counting = Counts(), True
        now = now_ms()
        self._join([_event(user, "added", now) for user in users])
        time.sleep(max(now + WINDOW_MS - now_ms(), 0) / 1000)
        self._join([{"holdfast": "tick", "users": dict.fromkeys(users, now + WINDOW_MS)}])
        self._deliver(users)
        return self._cost(len(users))

    def purchases(self, users: Sequence[str]) -> Cost:
        """The cost of the purchases that follow the messages."""
        self._meter.counts, self._meter.counting = Counts(), True
        self._join([_event(user, "charged", now_ms()) for user in users])
        self._deliver(users)
        return self._cost(len(users))

    def _cost(self, number: int) -> Cost:
        self._meter.counting = False
        things = self._meter.counts.things
        return Cost(*(things[name] / number for name in ("write_units", "read_units", "bus_events")))

    def _join(self, records: Sequence[Mapping[str, Any]]) -> None:
        bodies = [
            {"messageId": str(n), "body": json.dumps(record), "attributes": {"SentTimestamp": str(now_ms())}}
            for n, record in enumerate(records)
        ]
        self._meter.invoke("join", join.handler, {"Records": bodies}, memory_mb=memory_mb("join"))

    def _deliver(self, users: Sequence[str]) -> None:
        """Deliver the decisions, as the stream brings them."""
        keys = ({"user": {"S": user}, "part": {"S": "watches"}} for user in users)
        items = [self._dynamodb.get_item(TableName=self._table, Key=key)["Item"] for key in keys]
        records = [{"dynamodb": {"NewImage": item}} for item in items if "outbox" in item]
        size = prod().deliver_batch_size
        for first in range(0, len(records), size):
            event = {"Records": records[first : first + size]}
            self._meter.invoke("deliver", deliver.handler, event, memory_mb=memory_mb("deliver"))


def gate(part: Part, endpoint: str, *, users: int = USERS) -> None:
    people = [f"u-{number}" for number in range(users)]
    messages: dict[str, Cost] = {}
    purchases: dict[str, Cost] = {}
    for number, (name, send) in enumerate(settings(datetime.now(UTC)).items()):
        with ExitStack() as stack:
            policy = send if name == POLICY else None
            run = Run(endpoint, stack, f"{NAME}-{number}", {} if policy else send, policy)
            messages[name] = run.messages(people)
            if name in {NOTHING, CONVERT}:
                purchases[name] = run.purchases(people)
    _rows(part, "messages", messages)
    _rows(part, "purchases after one", purchases)
    part.data["messages"] = {name: cost._asdict() | {"dollars": cost.dollars} for name, cost in messages.items()}


def _rows(part: Part, of: str, found: Mapping[str, Cost]) -> None:
    none = found[NOTHING].dollars
    for name, cost in found.items():
        part.row(f"a million {of}: {name}", cost.dollars, "$", note=cost.note)
        if name != NOTHING:
            goal = {"goal": 0.0} if name in AT_NO_COST else {}
            part.row("  more than without", round(cost.dollars - none, 4), "$", **goal)


def _event(user: str, name: str, at: int) -> dict[str, Any]:
    return {"user": user, "event": name, "product": "coat", "price": 9.99, "ts": at}


def _campaign(more: Mapping[str, Any]) -> Campaign:
    convert = {name: value for name, value in more.items() if name == CONVERT}
    send = {name: value for name, value in more.items() if name != CONVERT}
    data = {
        "id": CAMPAIGN,
        "when": {"did": "added", "did_not": "charged", "within": f"{WINDOW_MS // 1000} seconds"},
        "constant": {"name": "product", "in": {"added": "product", "charged": "product"}},
        "send": {"values": {"title": "Your {{ ConstantEventProperty }}: {{ Event.price }}"}, **send},
    }
    return Campaign.model_validate(data | convert)
