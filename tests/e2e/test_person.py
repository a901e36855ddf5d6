"""One person, several ids, on the deployed stack: a guest who logs in and buys gets no message."""

from __future__ import annotations

from typing import Any

from holdfast.aws.clock import now_ms
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import tap
from tests.e2e.test_deployed import a_campaign, hear, publish, send
from tests.e2e.test_support import statuses

ORDERS = ("atb", "abt", "tab", "bat")
"""Adds, is tied, buys: in any order."""


def test_a_guest_who_logs_in_and_buys_gets_no_message_whatever_the_order(deployed: Deployment) -> None:
    """In each order, the purchase of the user ends what the guest began."""
    campaign = a_campaign(within="1 hour")  # nothing falls due while records come in, however long that takes
    publish(deployed, campaign)
    at = now_ms()
    for order in ORDERS:
        records: dict[str, dict[str, Any]] = {
            "a": {"user": f"anon-{order}", "event": f"{campaign.id} added", "product": "coat", "ts": at},
            "t": {"type": "identify", "userId": f"u-{order}", "anonymousId": f"anon-{order}", "messageId": order},
            "b": {"user": f"u-{order}", "event": f"{campaign.id} charged", "product": "coat", "ts": at + 1},
        }
        for step in order:
            send(deployed, records[step])
    for order in ORDERS:
        statuses(f"u-{order}", campaign, {"coat": "ended"})


def test_a_guest_who_logs_in_and_buys_nothing_gets_one_message_under_the_users_id(deployed: Deployment) -> None:
    campaign = a_campaign()
    publish(deployed, campaign)
    added = {"user": "anon-last", "event": f"{campaign.id} added", "product": "coat", "ts": now_ms()}
    with tap(deployed) as tapped:
        send(deployed, [added, {"user": "u-last", "alias": "anon-last"}])  # one message: both are known when it is due
        heard = hear(tapped, campaign.id, 1)
    assert [each["detail"]["user"]["identity"] for each in heard] == ["u-last"]
