"""The price that the epoch, doubts and several ids of one person add: units and calls, counted.

    python -m bench --only trust

Join's own handler takes batches of a hundred messages, each of another user: events that nobody waits for, adds,
charges that can be read and charges that cannot, records that tie a guest to a user, and then adds under either id. The
container has already seen events of each name, so the work that it does only once is not counted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, NamedTuple
from unittest.mock import patch

import join
from bench.campaign import a_campaign
from bench.counted import VOLUME_NOTE
from bench.emulated import client
from bench.ledger import Counts, Ledger
from bench.prices import MILLION, dollars
from bench.prod import memory_mb
from bench.report import Part
from bench.tables import create, environment
from bench.traces import ADDED, CHARGED, VIEWED
from bench.virtual import Meter
from holdfast.aws import clients
from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Campaigns

NAME = "trust"
MESSAGES = 100


class Cost(NamedTuple):
    """The cost of one message; but calls are those of the whole invocation."""

    writes: float
    reads: float
    requests: float
    calls: int

    @property
    def dollars(self) -> float:
        """The price of a million messages: units and requests to SQS, without Lambda's time."""
        each = {"write_units": self.writes, "read_units": self.reads, "sqs_requests": self.requests}
        return dollars(each) * MILLION

    @property
    def note(self) -> str:
        return f"{self.writes:.2f} write units, {self.reads:.3f} read units, {self.calls} calls an invocation"


def trust(part: Part, endpoint: str, *, messages: int = MESSAGES) -> None:
    with ExitStack() as stack:
        create(endpoint, NAME)
        stack.enter_context(patch.dict(os.environ, environment(endpoint, NAME), clear=True))
        clients._session.cache_clear()  # noqa: SLF001  (the ledger is told of clients made from here on)
        join.build.cache_clear()
        campaign = a_campaign()
        Campaigns(client("dynamodb", endpoint), f"{NAME}-campaigns").publish(campaign.id, "", campaign.plan, now_ms())
        meter = Meter(Ledger(clients._session().register))  # noqa: SLF001  (all clients come from it)
        users = [f"u-{number}" for number in range(messages)]
        readable, tied, guests = ([f"{kind}-{user}" for user in users] for kind in ("r", "t", "g"))
        _take(meter, (_event(user, ADDED) for user in (*readable, *guests)))
        _take(meter, (_event("nobody", name) for name in (VIEWED, CHARGED)))
        found = {
            "an event that nobody waits for": _take(meter, (_event(user, VIEWED) for user in users)),
            "an add": _take(meter, (_event(user, ADDED) for user in users)),
            "a charge": _take(meter, (_event(user, CHARGED) for user in readable)),
            "a charge that cannot be read": _take(meter, (_event(user, CHARGED, product=None) for user in users)),
            "a tie of a guest to a user": _take(
                meter, ({"user": user, "alias": guest} for user, guest in zip(tied, guests, strict=True))
            ),
            "an add under the guest's id": _take(meter, (_event(guest, ADDED, product="hat") for guest in guests)),
            "an add under the user's": _take(meter, (_event(user, ADDED, product="cap") for user in tied)),
        }
    for what, cost in found.items():
        part.row(f"a million messages, {what}", cost.dollars, "$", note=cost.note)
    epoch = found["an event that nobody waits for"]
    part.row("calls an invocation for irrelevant events, beyond SQS", epoch.calls, goal=1, note=VOLUME_NOTE)
    part.row("  read units an invocation, the epoch", epoch.reads * messages, goal=1)
    part.data["costs"] = {what: cost._asdict() | {"dollars": cost.dollars} for what, cost in found.items()}


def _event(user: str, name: str, **more: Any) -> dict[str, Any]:
    record = {"user": user, "event": name, "product": "coat", "price": 9.99, **more}
    return {name: value for name, value in record.items() if value is not None}


def _take(meter: Meter, records: Iterable[dict[str, Any]]) -> Cost:
    now = str(now_ms())
    bodies = [
        {"messageId": str(n), "body": json.dumps(record), "attributes": {"SentTimestamp": now}}
        for n, record in enumerate(records)
    ]
    meter.counts, meter.counting = Counts(), True
    calls = meter.invoke("join", join.handler, {"Records": bodies}, memory_mb=memory_mb("join"))
    meter.counting = False
    things, number = meter.counts.things, len(bodies)
    writes, reads, requests = (things[name] / number for name in ("write_units", "read_units", "sqs_requests"))
    return Cost(writes, reads, requests, len(calls))
