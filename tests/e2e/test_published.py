"""Published means everywhere: what is sent right after a publication is read by it, in every container."""

from __future__ import annotations

import os

import pytest

from holdfast.aws.tables.users import Key, Users
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.fold.stored import decode
from holdfast_cli.stack import Deployment
from tests.e2e.test_deployed import a_campaign, publish, send
from tests.eventually import eventually

TIMES = int(os.environ.get("HOLDFAST_PUBLICATIONS", "2"))
USERS, PRODUCTS = 100, 10


def open_watches(deployed: Deployment, campaign: Campaign, expected: int) -> int:
    """How many are open of a campaign, once there are as many as expected, or time is up."""
    users = Users(deployed.client("dynamodb"), deployed.outputs["UsersTableName"])
    keys: set[Key] = {(f"{campaign.id} {number}", "watches") for number in range(USERS)}

    def found() -> int:
        items, _ = users.read(keys)
        states = [decode(item.state) for item in items.values()]
        return sum(1 for state in states for _, _, watch in state.all() if watch.pending)

    return eventually(found, lambda number: number >= expected)


@pytest.mark.timeout(600 + 30 * TIMES)
def test_every_add_that_is_sent_right_after_a_publication_counts(deployed: Deployment) -> None:
    """A thousand, so that every container gets some. `HOLDFAST_PUBLICATIONS=50` says how often."""
    for _ in range(TIMES):
        campaign = a_campaign(within="7 days")
        event = f"{campaign.id} added"
        publish(deployed, campaign)
        adds = [
            [{"user": f"{campaign.id} {user}", "event": event, "product": f"p{number}"} for number in range(PRODUCTS)]
            for user in range(USERS)
        ]
        send(deployed, *adds)
        assert open_watches(deployed, campaign, USERS * PRODUCTS) == USERS * PRODUCTS
