"""Questions of customer support, to the stack as it is deployed: explain, preview, diff, rollback, export, delete."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from holdfast.core.authoring.campaign import Campaign
from holdfast_cli.stack import Deployment
from tests.e2e.test_deployed import a_campaign, publish, send
from tests.e2e.test_set_aside import run
from tests.eventually import eventually


def statuses(user: str, campaign: Campaign, expected: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The rows of `explain` about a user, by the constant's value, as soon as the statuses are those expected."""

    def look() -> dict[str, dict[str, Any]]:
        """Another row says why there is nothing, as long as nothing is known."""
        return {row["constant"]: row for row in run("explain", user, "--campaign", campaign.id) if row.get("constant")}

    def status(rows: dict[str, dict[str, Any]]) -> dict[str, str]:
        return {value: row["status"] for value, row in rows.items()}

    found = eventually(look, lambda rows: status(rows) == expected)
    assert status(found) == expected
    return found


def test_what_support_asks_is_answered_and_a_user_is_forgotten(deployed: Deployment, tmp_path: Path) -> None:
    campaign = a_campaign(within="30 minutes")
    publish(deployed, campaign)
    added, charged = f"{campaign.id} added", f"{campaign.id} charged"
    now = round(time.time() * 1000)
    records = [
        {"user": "sue", "profile": {"first_name": "Sue"}},
        {"user": "sue", "event": added, "product": "coat"},
        {"user": "sue", "event": added, "product": "hat", "ts": now},
        {"user": "sue", "event": charged, "product": "hat", "ts": now + 1},
        {"user": "tom", "event": added, "product": "coat"},
    ]
    send(deployed, records)
    assert statuses("sue", campaign, {"coat": "waits", "hat": "ended"})["coat"]["waits_for"] == [charged]
    statuses("tom", campaign, {"coat": "waits"})

    (shown,) = run("preview", campaign.id, "--user", "sue", "--stage", "local")
    assert shown["detail"]["values"] == {"title": "Sue, your coat"}

    draft = tmp_path / "draft.json"
    values = {"title": "{{ Profile.first_name }}!"}
    changed = campaign.model_dump(by_alias=True, mode="json") | {"send": {"values": values}}
    draft.write_text(json.dumps(changed))
    (compared,) = run("campaign", "diff", str(draft))
    assert compared["effects"] == {"gained": 0, "lost": 1, "changed": 1, "same": 0}
    run("campaign", "publish", "--breaking", str(draft))
    assert run("campaign", "rollback", campaign.id)[0]["revision"] == 3
    assert [row["state"] for row in run("campaign", "history", campaign.id)] == ["", "", "live"]

    (held,) = run("user", "export", "sue")
    assert held["profile"]["properties"] == {"first_name": "Sue"}
    assert len(held["timers"]) == 1
    assert run("user", "delete", "sue", "--yes") == [{"user": "sue", "deleted": ["profile", "watches"], "timers": 1}]
    assert run("user", "export", "sue") == [{"user": "sue", "timers": []}]
    assert run("explain", "sue", "--campaign", campaign.id)[0]["status"] == "nothing"
    assert len(run("user", "export", "tom")[0]["timers"]) == 1
