"""The audit finds, in the state itself, what should have happened and did not."""

from __future__ import annotations

from holdfast.aws.queues import Queue
from holdfast.aws.tables.users import Users
from holdfast.core.fold.timers import tick_messages
from holdfast.services.audit import LATE_MS, audit
from holdfast.services.ticks import send_ticks
from tests.integration.conftest import MINUTE, World


def test_open_decided_overdue_and_unreadable_are_told_apart(world: World) -> None:
    world.join().take([world.body(world.added(user=user), message=user) for user in ("ann", "bob", "bad")])
    world.dynamodb._real.update_item(
        TableName="users",
        Key={"user": {"S": "bad"}, "part": {"S": "watches"}},
        UpdateExpression="SET #state = :text",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":text": {"S": "{}"}},
    )
    world.now += 30 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": {"ann": world.now}})])
    users = Users(world.dynamodb, "users")  # type: ignore[arg-type]
    due = world.now
    found = audit(users.everyone(), (), due + LATE_MS)
    assert (found.users, found.overdue, found.unreadable) == (3, {}, ("bad",))
    assert (found.open, found.decided) == ({"cart": 1}, {("cart", "send"): 1})
    found = audit(users.everyone(), (), due + LATE_MS + 1)
    assert found.overdue == {"bob": due}
    send_ticks(Queue(world.sqs, world.queues["events"]), tick_messages(found.overdue, due))  # type: ignore[arg-type]
    world.join().take([world.body(message) for message in world.messages("events")])
    assert audit(users.everyone(), (), due + LATE_MS + 1).overdue == {}
