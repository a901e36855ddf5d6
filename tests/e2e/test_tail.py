"""The live tail on the deployed stack: what comes in is shown while somebody follows."""

from __future__ import annotations

import json
import threading
import uuid

from typer.testing import CliRunner

from holdfast.aws.clock import now_ms
from holdfast_cli.main import app
from holdfast_cli.stack import Deployment
from tests.e2e.test_deployed import a_campaign, publish, send
from tests.eventually import PATIENCE


def test_a_user_is_followed_while_others_come_in_too(deployed: Deployment) -> None:
    """Records are sent until both kinds were shown: what came before somebody looked on is not shown."""
    campaign, user = a_campaign(), f"u-{uuid.uuid4().hex[:8]}"
    publish(deployed, campaign)
    over = threading.Event()

    def traffic() -> None:
        while not over.wait(0.5):
            for each in (user, "somebody else"):
                added = {"user": each, "event": campaign.when.triggers[0], "product": "coat", "ts": now_ms()}
                send(deployed, [added, {**added, "ts": now_ms() + 3_600_000}])

    sender = threading.Thread(target=traffic)
    sender.start()
    try:
        arguments = ["tail", "--user", user, "--for", str(PATIENCE), "--count", "2", "--json"]
        ended = CliRunner().invoke(app, arguments)
    finally:
        over.set()
        sender.join()
    assert ended.exit_code == 0, ended.output
    shown = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {each["user"] for each in shown} == {user}
    event, rejected = shown
    assert (event["read"], event["form"], event["campaigns"]) == ("event", "plain", [f"{campaign.id}: did"])
    assert rejected["read"] == "rejected"
    assert "is in the future" in rejected["reason"]
