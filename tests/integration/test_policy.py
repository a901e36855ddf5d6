"""The policy: published, it decides for all campaigns in every container; and its commands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.aws.tables.activity import Activity
from holdfast.aws.tables.campaigns import Policies
from holdfast.aws.tables.revisions import Conflict
from holdfast.core.authoring.policy import Policy as File
from holdfast.core.authoring.text import parse, validate
from holdfast.core.gate.rules import Rules
from holdfast.services.policies import publish
from holdfast_cli.main import app
from holdfast_cli.stack import Deployment
from tests.integration.conftest import MINUTE, World, a_plan
from tests.integration.test_in_force import tick
from tests.integration.test_users_commands import Shell, Stack

HOUR = 60 * MINUTE
ONE_A_DAY = "per_user: {at_most: 1, in: 1 day}\n"


@pytest.fixture
def shell(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr(Deployment, "find", lambda _stage: Stack(world))
    for command in ("explain", "preview", "campaigns", "policies"):
        monkeypatch.setattr(f"holdfast_cli.{command}.now_ms", lambda: world.now)
    return Shell(world, tmp_path)


def policies(world: World) -> Policies:
    return Policies(world.dynamodb, "campaigns")  # type: ignore[arg-type]


def in_force(world: World, text: str) -> None:
    publish(policies(world), validate(parse(text), File), text, world.now)


def decided(world: World, user: str = "ann") -> list[tuple[str, str, str]]:
    return [(each["campaign"], each["kind"], each.get("reason", "")) for each in world.outbox(user)]


def closed(world: World, *, zone: str = "UTC") -> str:
    """Hours that begin two hours from now, and the policy that says so."""
    at = datetime.fromtimestamp(world.now / 1000, UTC) + timedelta(hours=2)
    return f'hours: {{from: "{at:%H}:00", to: "{(at.hour + 1) % 24:02}:00", zone: {zone}}}\n'


# --- What it decides --------------------------------------------------------------------------------------------------


def test_a_cap_over_all_campaigns_leaves_room_for_the_first_alone(world: World) -> None:
    world.publish(a_plan(id="other", rules=Rules(priority=1)))
    in_force(world, ONE_A_DAY)
    world.join().take([world.body(world.added())])
    world.now += 30 * MINUTE
    world.join().take([tick(world)])
    at = f"{datetime.fromtimestamp(world.now / 1000, UTC):%Y-%m-%dT%H:%M}Z"
    assert decided(world) == [
        ("other", "send", ""),
        ("cart", "withhold", f"capped: 1 in 1 day, the last was other at {at}"),
    ]


def test_it_counts_in_a_container_that_has_read_the_plans_before(world: World) -> None:
    join = world.join()
    join.take([world.body(world.added(), world.added(user="bob"))])
    world.now += 30 * MINUTE
    in_force(world, closed(world))
    join.take([tick(world)])
    assert decided(world) == []
    in_force(world, "{}\n")
    join.take([tick(world, "ann", "bob")])
    assert decided(world) == [], "what waits is asked again when the hours that it waits for begin"
    assert decided(world, "bob") == [("cart", "send", "")]
    world.now += 2 * HOUR
    join.take([tick(world)])
    assert decided(world) == [("cart", "send", "")]


def test_what_is_exempt_waits_for_no_hours(world: World) -> None:
    world.publish(a_plan(id="confirmation"))
    in_force(world, closed(world) + "exempt: confirmation\n")
    world.join().take([world.body(world.added())])
    world.now += 30 * MINUTE
    world.join().take([tick(world)])
    assert decided(world) == [("confirmation", "send", "")]


def test_the_zone_is_that_of_users_of_whom_none_is_known(world: World) -> None:
    world.publish(a_plan(rules=Rules(hours=validate(parse('hours: {from: "08:00", to: "20:00"}'), File).plan().hours)))
    night = datetime(2026, 9, 22, 2, tzinfo=UTC)
    world.now = round(night.timestamp() * 1000)
    world.join().take([world.body(world.added(), world.added(user="tokyo"))])
    world.now += 30 * MINUTE
    in_force(world, "zone: Asia/Tokyo\n")  # half past eleven
    world.join().take([tick(world)])
    assert decided(world) == [("cart", "send", "")]


def test_the_profile_is_read_only_where_the_policy_decides_by_the_zone_of_the_user(world: World) -> None:
    asked: list[int] = []

    def see(arguments: dict[str, Any]) -> None:
        asked.extend(len(each["Keys"]) for each in arguments["RequestItems"].values())

    for text, records, keys in (
        (ONE_A_DAY, [], 1),
        (closed(world, zone="UTC"), [], 1),
        (closed(world, zone="user"), [], 2),
        (closed(world, zone="user"), [world.added()], 1),
        (closed(world, zone="user") + "exempt: cart\n", [], 1),
        ("{}\n", [], 1),
    ):
        in_force(world, text)
        join = world.join()
        join.take([])
        asked.clear()
        world.dynamodb.calls.clear()
        world.dynamodb.fault("batch_get_item", see)
        join.take([world.body(*records) if records else tick(world)])
        assert (world.dynamodb.calls["batch_get_item"], sum(asked)) == (1, keys + 1), text


def test_what_is_capped_is_remembered_as_long_as_the_cap_asks(world: World) -> None:
    in_force(world, ONE_A_DAY)
    world.join().take([world.body(world.added())])
    world.now += 30 * MINUTE
    world.join().take([tick(world)])
    sent = world.now
    item = world.item()
    assert item
    assert int(item["expires_at"]["N"]) * 1000 >= sent + 24 * HOUR
    for product, now, kind in (("hat", sent + 24 * HOUR - 1, "withhold"), ("globe", sent + 24 * HOUR, "send")):
        world.now = now - 40 * MINUTE
        world.join().take([world.body(world.added(product))])
        world.now = now
        world.join().take([tick(world)])
        assert [kind for _, kind, _ in decided(world)] == [kind]


# --- What a newer release published -----------------------------------------------------------------------------------


def of_a_newer_release(world: World) -> None:
    in_force(world, "{}\n")
    for item in world.items("campaigns"):
        if item["sk"]["S"] == "#policy":
            world.dynamodb.put_item(TableName="campaigns", Item={**item, "plan": {"S": '{"v": 99}'}})


def test_while_it_cannot_be_read_nothing_is_decided_and_everything_is_folded(world: World) -> None:
    of_a_newer_release(world)
    join = world.join()
    assert join.take([world.body(world.added(), world.added("hat"))]) == []
    world.now += 30 * MINUTE
    world.messages("events")
    assert join.take([tick(world), world.body(world.charged("hat"), message="m2")]) == []
    assert decided(world) == []
    nominated = (world.item() or {})["nominated"]["N"]
    assert int(nominated) > world.now
    in_force_again = validate(parse("{}"), File)
    item = next(each for each in world.items("campaigns") if each["sk"]["S"] == "#policy")
    world.dynamodb.put_item(
        TableName="campaigns", Item={**item, "plan": {"S": json.dumps(dict(in_force_again.plan().to_json()))}}
    )
    world.now = int(nominated)
    assert world.join().take([tick(world)]) == []
    assert decided(world) == [("cart", "send", "")]


# --- Its revisions ----------------------------------------------------------------------------------------------------


def test_no_release_before_it_finds_anything_of_it_among_what_is_live(world: World) -> None:
    """The items that d5c770d reads, all of which it takes for plans and recommendations."""
    before = [item for item in world.items("campaigns") if item["pk"]["S"] == "live"]
    in_force(world, ONE_A_DAY)
    assert [item for item in world.items("campaigns") if item["pk"]["S"] == "live"] == before


def test_of_two_who_publish_one_conflicts(world: World) -> None:
    table = policies(world)
    in_force(world, ONE_A_DAY)
    with pytest.raises(Conflict):
        table.publish("", File().plan, world.now, seen=0)
    assert table.publish("", File().plan, world.now, seen=1).plan.revision == 2


def test_it_is_published_shown_listed_and_rolled_back(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    assert shell.rows("policy", "show") == [{"revision": None}]
    assert shell.rows("policy", "history") == []
    file.write_text(ONE_A_DAY)
    assert shell.rows("policy", "check", str(file)) == [{"file": str(file), "valid": True, "hints": []}]
    (first,) = shell.rows("policy", "publish", str(file), "--note", "quiet")
    assert (first["revision"], first["news"], first["note"]) == (1, "published", "quiet")
    assert shell.rows("policy", "publish", str(file))[0]["news"] == "unchanged"
    file.write_text(ONE_A_DAY + "control: 5%\nexempt: crt\n")
    published = shell.run("policy", "publish", str(file))
    assert "no campaign 'crt' is published; did you mean 'cart'?" in published.stderr
    assert shell.rows("policy", "show")[0]["source"] == file.read_text()
    assert shell.rows("policy", "show", "--revision", "1")[0]["source"] == ONE_A_DAY
    first, second = shell.rows("policy", "history")
    assert (first["state"], second["state"]) == ("", "live")
    assert second["changed"] == ["control", "exempt"]
    assert shell.rows("policy", "rollback") == [{"revision": 3, "from": 1, "news": "published"}]
    assert shell.rows("policy", "rollback", "--to", "1")[0]["news"] == "unchanged"
    acts = Activity(shell.world.dynamodb, "campaigns").latest(10)  # type: ignore[arg-type]
    assert [(each.action, each.of) for each in acts] == [
        ("rolled back", "policy"),
        ("published", "policy"),
        ("published", "policy"),
    ]


def test_a_rollback_says_why_it_cannot_be_done(shell: Shell, tmp_path: Path) -> None:
    assert shell.fails("policy", "rollback").startswith("No policy is published yet")
    (tmp_path / "policy.yaml").write_text(ONE_A_DAY)
    shell.rows("policy", "publish", str(tmp_path / "policy.yaml"))
    assert shell.fails("policy", "rollback").startswith("The policy has one revision only")
    assert shell.fails("policy", "rollback", "--to", "7").startswith("There is no policy, revision 7")
    assert shell.fails("policy", "show", "--revision", "7").startswith("There is no policy, revision 7")


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("zone: user\n", "zone", "this zone is for users whose own is not known: write one such as Europe/Berlin"),
        ("zone: Europe/Berln\n", "zone", "'Europe/Berln' is not a time zone; did you mean 'Europe/Berlin'?"),
        ("per_users: {at_most: 1, in: 1 day}\n", "per_users", "unknown key 'per_users'; did you mean 'per_user'?"),
        ("per_user: {at_most: 1, in: 1 dya}\n", "per_user.in", "'1 dya'"),
        ("control: 5\n", "control", "5 is not a share of users"),
    ],
)
def test_a_mistake_has_its_line_and_what_would_be_right(
    text: str, place: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.delenv("HOLDFAST_STAGE", raising=False)
    (tmp_path / "policy.yaml").write_text("# ours\n" + text)
    done = CliRunner().invoke(app, ["policy", "check", str(tmp_path / "policy.yaml"), "--json"])
    assert done.exit_code == 1
    (mistake,) = map(json.loads, done.stdout.splitlines())
    assert (mistake["line"], mistake["place"]) == (2, place)
    assert message in mistake["message"]


# --- Where else it is known -------------------------------------------------------------------------------------------


def test_a_preview_says_until_when_a_message_would_wait(shell: Shell) -> None:
    world = shell.world
    in_force(world, 'zone: Europe/Berlin\nhours: {from: "08:00", to: "20:00"}\n')
    world.now = round(datetime(2026, 9, 22, 23, tzinfo=UTC).timestamp() * 1000)
    shell.publish()
    event = json.dumps({"product": "coat", "price": 3})
    (shown,) = shell.rows("preview", "cart", "--user", "ann", "--event", event)
    assert shown["gate"] == "When it is due, it would wait until 08:00 in Berlin (2026-09-23): outside hours"
