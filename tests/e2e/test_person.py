"""One person, several ids, on the deployed stack: a guest who logs in and buys gets no message."""

from __future__ import annotations

import time
from typing import Any

from holdfast.aws.clock import now_ms
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import tap
from tests.e2e.test_deployed import a_campaign, publish, send

WINDOW = 60
PATIENCE = 90
"""Seconds, of which the first are those in which all records come in: far fewer than the window."""
ORDERS = ("atb", "abt", "tab", "bat")
"""Adds, is tied, buys: in any order."""


def test_a_guest_who_logs_in_and_buys_gets_no_message_whatever_the_order(deployed: Deployment) -> None:
    """One guest logs in and buys nothing: that message, to the user, says that the others' would have come by then."""
    campaign = a_campaign(within=f"{WINDOW} s")
    publish(deployed, campaign)
    at = now_ms()
    with tap(deployed) as tapped:
        for order in ORDERS:
            records: dict[str, dict[str, Any]] = {
                "a": {"user": f"anon-{order}", "event": f"{campaign.id} added", "product": "coat", "ts": at},
                "t": {"type": "identify", "userId": f"u-{order}", "anonymousId": f"anon-{order}", "messageId": order},
                "b": {"user": f"u-{order}", "event": f"{campaign.id} charged", "product": "coat", "ts": at + 1},
            }
            for step in order:
                send(deployed, records[step])
        last = {"user": "anon-last", "event": f"{campaign.id} added", "product": "coat", "ts": now_ms()}
        send(deployed, last, {"user": "u-last", "alias": "anon-last"})
        told: list[str] = []
        ends = time.monotonic() + WINDOW + PATIENCE
        while "u-last" not in told and time.monotonic() < ends:
            heard = [each["detail"] for each in tapped.messages()]
            told += [each["user"]["identity"] for each in heard if each["metadata"]["campaign"] == campaign.id]
    assert told == ["u-last"]
