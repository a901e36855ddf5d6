"""The commands of customer support, on moto: explain, preview, user, and the revisions of campaigns."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.aws.tables.timers import Timers
from holdfast.core.fold.timers import TimerItem
from holdfast_cli.main import app
from holdfast_cli.output import Failure
from holdfast_cli.stack import Deployment
from tests.integration.conftest import MINUTE, T0, World, throttled
from tests.integration.test_statistics import decide

FILE: dict[str, Any] = {
    "id": "cart",
    "when": {"did": "Added", "did_not": "charged", "within": "30 minutes"},
    "constant": {"name": "product", "in": {"Added": "product", "charged": "product"}},
    "send": {"values": {"title": "{{ Profile.first_name | default: 'Hi' }}, your {{ ConstantEventProperty }}"}},
}
PRICED = {"price": "{{ Event.price }}", **FILE["send"]["values"]}


@dataclass
class Stack:
    """As a Deployment, on moto."""

    world: World
    stage: str = "local"
    outputs: dict[str, str] = field(
        default_factory=lambda: {
            "UsersTableName": "users",
            "TimersTableName": "timers",
            "CampaignsTableName": "campaigns",
            "CatalogTableName": "catalog",
        }
    )

    def __post_init__(self) -> None:
        queues = self.world.queues
        self.outputs |= {"RejectedQueueUrl": queues["rejected"], "EventsQueueUrl": queues["events"]}
        self.outputs |= {"UndeliveredQueueUrl": queues["undelivered"], "DeliverFunctionName": "deliver"}

    def client(self, service: str) -> Any:
        return None if service in {"lambda", "s3"} else getattr(self.world, service)._real


class Shell:
    """Runs commands on the world's stack, at the world's time."""

    def __init__(self, world: World, tmp_path: Path) -> None:
        self.world = world
        self.path = tmp_path

    def run(self, *arguments: str, code: int = 0, **more: Any) -> Any:
        done = CliRunner().invoke(app, [*arguments, "--stage", "local"], **more)
        assert done.exit_code == code, done.output + repr(done.exception)
        return done

    def rows(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*arguments, "--json", code=code).stdout.splitlines()]

    def fails(self, *arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, "--stage", "local"])
        assert isinstance(done.exception, Failure), done.output
        return str(done.exception)

    def file(self, **send: Any) -> str:
        path = self.path / "cart.json"
        path.write_text(json.dumps({**FILE, "send": {**FILE["send"], **send}}))
        return str(path)

    def publish(self, **send: Any) -> None:
        self.rows("campaign", "publish", "--breaking", self.file(**send))

    def take(self, *records: dict[str, object]) -> None:
        self.world.join().take([self.world.body(*records)])


@pytest.fixture
def shell(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr(Deployment, "find", lambda _stage: Stack(world))
    for command in ("explain", "preview", "campaigns"):
        monkeypatch.setattr(f"holdfast_cli.{command}.now_ms", lambda: world.now)
    return Shell(world, tmp_path)


ANN = {"user": "ann", "profile": {"first_name": "Ann"}, "ts": T0}


# --- Publish. ---


def test_what_would_break_consumers_is_published_only_if_one_says_so(shell: Shell) -> None:
    (first,) = shell.rows("campaign", "publish", shell.file(values={"title": "x", "price": "y"}))
    file = shell.file(values={"title": "x"}, detail_type="Cart")
    refused = shell.fails("campaign", "publish", file)
    assert "give --breaking" in refused
    assert "cart: values.price is gone" in refused
    assert "cart: the detail type" in refused
    (row,) = shell.rows("campaign", "list")
    assert row["revision"] == first["revision"]
    (found,) = shell.rows("campaign", "diff", file)
    assert "values.price is gone" in found["breaking"]
    (row,) = shell.rows("campaign", "publish", "--breaking", file)
    assert (row["revision"], row["news"]) == (first["revision"] + 1, "published")
    (row,) = shell.rows("campaign", "publish", shell.file(values={"title": "z", "more": "y"}, detail_type="Cart"))
    assert row["revision"] == first["revision"] + 2


# --- Explain. ---


def test_explain_tells_what_is_open_and_then_what_was_decided(shell: Shell) -> None:
    shell.publish()
    shell.take(shell.world.added(), shell.world.added("hat"), shell.world.charged("hat"))
    hat, coat = sorted(shell.rows("explain", "ann", "--utc"), key=lambda row: row["status"])
    assert coat["text"] == (
        "Added coat at 14:13; waits until 14:43 for charged, and if it does not come, a message is sent"
    )
    assert coat["until"] == T0 + 30 * MINUTE
    assert hat["text"] == "Added hat at 14:13; charged at the same time: no message"
    shell.world.now += 30 * MINUTE
    shell.take({"holdfast": "tick", "users": {"ann": shell.world.now}})
    shell.world.deliver_outboxes()
    (event,) = shell.world.messages("rule")
    (sent,) = [row for row in shell.rows("explain", "ann") if row["status"] == "sent"]
    assert sent["message"] == event["detail"]["metadata"]["id"]
    assert sent["decided"] == shell.world.now


def test_explain_tells_of_what_was_rejected_and_the_list_of_rejected_records_can_be_one_user_s(shell: Shell) -> None:
    shell.publish()
    shell.take(shell.world.added(), {"user": "ann", "event": "Added"}, {"user": "bob", "event": "charged"})
    _, also = shell.rows("explain", "ann")
    (told,) = also["also"]
    assert told.endswith("cart: constant property product: product is missing in Added")
    (row,) = shell.rows("rejected", "list", "--user", "bob")
    assert row["record"]["user"] == "bob"
    doubted, also = shell.rows("explain", "bob")
    assert "could not be read (product is missing)" in doubted["text"]
    assert len(also["also"]) == 1


def test_explain_tells_people_the_campaign_and_a_line_for_each_value(shell: Shell) -> None:
    shell.publish()
    shell.take(shell.world.added("[b]coat"))
    told = shell.run("explain", "ann", "--utc", "--campaign", "cart").stdout
    assert told.splitlines()[0] == "cart"
    assert "waits      Added [b]coat at 14:13; waits until 14:43 for charged" in told


def test_explain_tells_what_will_be_missing_and_after_its_decision_what_was(shell: Shell) -> None:
    shell.publish(values=PRICED)
    shell.take(shell.world.added())
    (row,) = shell.rows("explain", "ann")
    assert (row["status"], row["reason"]) == ("waits", "missing: Event.price")
    shell.world.now += 30 * MINUTE
    shell.take({"holdfast": "tick", "users": {"ann": shell.world.now}})
    (row,) = shell.rows("explain", "ann")
    assert (row["status"], row["reason"]) == ("withheld", "missing: Event.price")


def test_explain_of_a_user_that_was_never_seen_and_of_a_campaign_that_is_not(shell: Shell) -> None:
    row, also = shell.rows("explain", "nobody")
    assert row["status"] == "nothing"
    assert also["also"][0].startswith("nobody was never seen")
    assert "There is no campaign nope" in shell.fails("explain", "ann", "--campaign", "nope")


# --- Preview. ---


def test_preview_takes_a_users_profile_and_latest_event_from_the_stage(shell: Shell) -> None:
    shell.publish(values=PRICED)
    shell.take(ANN, shell.world.added(price=7))
    (shown,) = shell.rows("preview", "cart", "--user", "ann")
    assert shown["detail"]["values"] == {"title": "Ann, your coat", "price": "7"}
    shell.world.now += 30 * MINUTE
    shell.take({"holdfast": "tick", "users": {"ann": shell.world.now}})
    shell.world.deliver_outboxes()
    (event,) = shell.world.messages("rule")
    assert event["detail"] == shown["detail"]


def test_preview_of_a_file_is_numbered_as_the_next_revision(shell: Shell) -> None:
    shell.publish()
    shell.take(ANN, shell.world.added(price=7))
    draft = shell.file(values={"text": "{{ Event.price }} {{ Profile.first_name }}"})
    done = shell.run("preview", draft, "--user", "ann", code=1)
    assert "folded under revision 2" in done.stderr
    assert '"revision": 3' in done.stdout
    (shown,) = shell.rows("preview", draft, "--user", "ann", "--event", '{"product": "hat", "price": 9}')
    assert shown["detail"]["values"] == {"text": "9 Ann"}


def test_preview_says_what_it_lacks(shell: Shell) -> None:
    shell.publish()
    told = shell.fails("preview", "cart", "--user", "ann")
    assert told == "No message: constant property product: product is missing in Added. Give an event with --event."
    assert "There is neither a file nor a campaign nope" in shell.fails("preview", "nope", "--user", "ann")


# --- Revisions. ---


def test_diff_tells_which_fields_change_and_what_that_does_to_open_watches(shell: Shell) -> None:
    shell.publish(values=PRICED)
    shell.take(ANN, shell.world.added(price=7), shell.world.added("hat"), shell.world.charged("bag"))
    shell.take(shell.world.added("map", user="bob"))
    draft = shell.file(values={"title": "{{ Profile.first_name }}, your {{ ConstantEventProperty }}"})
    (row,) = shell.rows("campaign", "diff", draft)
    assert [change["field"] for change in row["changes"]] == ["send.values.price", "send.values.title"]
    assert (row["open"], row["users"], row["live"]) == (3, 2, 2)
    assert row["effects"] == {"gained": 1, "lost": 0, "changed": 2, "same": 0}
    hat = next(each for each in row["examples"] if each["effect"] == "gained")
    assert (hat["constant"], hat["before"]["reason"]) == ("hat", "missing: Event.price")
    told = shell.run("campaign", "diff", draft).stdout
    assert "1 would be sent that would not have been, 0 the other way." in told
    assert "gained ann · hat\n    - withheld: missing: Event.price\n    + title: Ann, your hat" in told


def test_what_diff_foretells_is_what_then_happens(shell: Shell) -> None:
    shell.publish()
    shell.take(ANN, shell.world.added(price=7), shell.world.added("hat"))
    (row,) = shell.rows("campaign", "diff", shell.file(values=PRICED))
    shell.publish(values=PRICED)
    shell.world.now += 30 * MINUTE
    shell.take({"holdfast": "tick", "users": {"ann": shell.world.now}})
    shell.world.deliver_outboxes()
    got = {
        event["detail"]["constant"]["value"]: event["detail"].get("values") for event in shell.world.messages("rule")
    }
    assert got == {"coat": {"title": "Ann, your coat"}, "hat": {"title": "Ann, your hat"}}
    assert row["effects"] == {"gained": 0, "lost": 0, "changed": 0, "same": 2}


def test_diff_of_what_concerns_only_later_events_reads_no_user(shell: Shell) -> None:
    shell.publish()
    shell.take(shell.world.added())
    path = Path(shell.file())
    path.write_text(path.read_text().replace("30 minutes", "1 hour"))
    told = shell.run("campaign", "diff", str(path)).stdout
    assert "when.within (for events from then on)\n    - 30 minutes\n    + 1 hour" in told
    assert "The watches that are open now fall due as before" in told
    path.write_text(json.dumps(FILE, indent=2))
    assert "Only the way it is written changes." in shell.run("campaign", "diff", str(path)).stdout


def test_diff_of_a_new_campaign_and_of_a_file_with_a_mistake(shell: Shell) -> None:
    path = Path(shell.file())
    path.write_text(json.dumps({**FILE, "id": "new"}))
    assert "not published yet" in shell.run("campaign", "diff", str(path)).stdout
    path.write_text("id: new")
    shell.run("campaign", "diff", str(path), code=1)


def test_rollback_publishes_the_old_source_again_as_a_new_revision(shell: Shell) -> None:
    shell.publish()
    shell.publish(values=PRICED)
    refused = shell.fails("campaign", "rollback", "cart")
    assert "give --breaking" in refused
    assert "values.price is gone" in refused
    (row,) = shell.rows("campaign", "rollback", "cart", "--breaking")
    assert row == {"campaign": "cart", "revision": 4, "from": 2, "news": "published"}
    (shown,) = shell.rows("campaign", "show", "cart")
    assert json.loads(shown["source"]) == FILE
    assert shell.world.campaigns.get("cart", 3).plan.values == PRICED
    history = shell.rows("campaign", "history", "cart")
    assert [(row["revision"], row["state"], row["changed"]) for row in history[1:]] == [
        (2, "", []),
        (3, "", ["send.values.price"]),
        (4, "live", ["send.values.price"]),
    ]
    (row,) = shell.rows("campaign", "rollback", "cart", "--to", "3")
    assert row["revision"] == 5
    assert shell.rows("campaign", "rollback", "cart", "--to", "5")[0]["news"] == "unchanged"


def test_rollback_says_why_it_cannot(shell: Shell) -> None:
    assert shell.fails("campaign", "rollback", "cart") == ("cart has one revision only: there is nothing to go back to")
    shell.publish()
    assert "Revision 1 of cart is not valid any more" in shell.fails("campaign", "rollback", "cart")
    assert "There is no campaign cart, revision 9" in shell.fails("campaign", "rollback", "cart", "--to", "9")
    assert "There is no campaign nope" in shell.fails("campaign", "history", "nope")


def test_a_campaign_is_deleted_once_that_is_confirmed_and_its_revisions_stay(shell: Shell) -> None:
    shell.publish()
    asked = shell.run("campaign", "delete", "cart", code=1)
    assert "Delete campaign cart (revision 2) of stage local? Open watches are withheld." in asked.stderr
    assert shell.rows("campaign", "list")[0]["campaign"] == "cart"
    assert shell.rows("campaign", "delete", "cart", "--yes") == [
        {"campaign": "cart", "revision": 2, "state": "deleted"},
    ]
    assert shell.rows("campaign", "list") == []
    assert shell.rows("campaign", "show", "cart", "--revision", "2")[0]["revision"] == 2
    assert "There is no campaign cart" in shell.fails("campaign", "delete", "cart", "--yes")


# --- Users. ---


def held(world: World, user: str) -> list[str]:
    """Everything in any table that names the user."""
    everything = [*world.items("users"), *world.items("timers")]
    return [json.dumps(item) for item in everything if f'"{user}"' in json.dumps(item).replace("\\", "")]


def test_export_is_everything_that_is_held_of_a_user(shell: Shell) -> None:
    world = shell.world
    world.publish(world.campaigns.get("cart").plan)
    shell.take(ANN, world.added(price=7), world.added(user="bob"))
    (row,) = shell.rows("user", "export", "ann")
    assert row["profile"]["properties"] == {"first_name": "Ann"}
    assert row["watches"]["state"]["watches"]["cart"]["coat"]["event"] == {"price": 7}
    assert row["timers"] == [row["watches"]["nominated"]] == [T0 + 30 * MINUTE]
    assert row["watches"]["expires_at"] > T0
    world.now += 30 * MINUTE
    shell.take({"holdfast": "tick", "users": {"ann": world.now}})
    (row,) = shell.rows("user", "export", "ann")
    assert [each["kind"] for each in row["watches"]["decided"]] == ["send"]
    assert json.loads(shell.run("user", "export", "ann").stdout) == row
    assert shell.rows("user", "export", "nobody") == [{"user": "nobody", "timers": []}]


def test_delete_leaves_nothing_of_the_user_and_all_of_the_others(shell: Shell) -> None:
    world = shell.world
    both = [ANN, world.added(), world.added(user="bob"), world.added(user="joann")]
    shell.take(*both)
    others = held(world, "bob")
    done = shell.run("user", "delete", "ann", "--yes")
    assert "deleted: profile, watches, entries in 1 timer slots" in done.stdout
    assert "will be read again" in done.stderr
    assert held(world, "ann") == []
    assert len(held(world, "bob")) == len(others) == 2
    assert json.loads(world.items("timers")[0]["users"]["S"]).keys() == {"bob", "joann"}
    assert shell.rows("user", "delete", "ann", "--yes") == [{"user": "ann", "deleted": [], "timers": 0}]


def test_delete_removes_a_slots_item_that_names_nobody_else_and_finds_names_of_all_kinds(shell: Shell) -> None:
    name = 'ä"n\\n {b}'
    shell.take(shell.world.added(user=name))
    assert len(shell.world.items("timers")) == 1
    shell.run("user", "delete", name, "--yes")
    assert shell.world.items("timers") == shell.world.items("users") == []


def test_delete_asks_first(shell: Shell) -> None:
    shell.take(shell.world.added())
    shell.run("user", "delete", "ann", input="n\n", code=1)
    assert held(shell.world, "ann")
    shell.run("user", "delete", "ann", input="y\n")
    assert not held(shell.world, "ann")


def test_two_that_are_deleted_at_once_are_both_gone_from_a_slot(shell: Shell) -> None:
    world = shell.world
    timers = Timers(world.dynamodb, "timers")  # type: ignore[arg-type]
    timers.write([TimerItem("2026-09-21T14:43#0", json.dumps({"ann": 1, "bob": 2, "cleo": 3}), T0)])

    def meanwhile(_: dict[str, Any]) -> None:
        Timers(world.dynamodb._real, "timers").forget("bob")

    world.dynamodb.fault("update_item", meanwhile)
    assert timers.forget("ann") == 1
    assert json.loads(world.items("timers")[0]["users"]["S"]) == {"cleo": 3}


def test_a_fold_that_is_under_way_begins_anew(shell: Shell) -> None:
    shell.take(shell.world.added())
    shell.world.dynamodb.fault("put_item", lambda _: shell.run("user", "delete", "ann", "--yes") and None)
    shell.take(shell.world.added("hat"))
    assert list(shell.world.state().watches["cart"]) == ["hat"]


def test_whatever_id_one_asks_for_the_person_is_meant(shell: Shell) -> None:
    world = shell.world
    shell.publish()
    shell.take({"user": "anon-7", "profile": {"first_name": "Ann"}, "ts": world.now}, world.added(user="anon-7"))
    shell.take({"user": "u-1", "alias": "anon-7"}, {"user": "anon-7", "event": "", "ts": world.now})
    told = shell.run("explain", "anon-7").stdout
    assert "waits" in told
    assert "anon-7 is an id of u-1" in told
    assert "other ids of u-1: anon-7" in shell.run("explain", "u-1").stdout
    (row,) = shell.rows("user", "export", "anon-7")
    assert (row["user"], row["ids"], row["profile"]["properties"]) == ("u-1", ["anon-7"], {"first_name": "Ann"})
    assert len(row["timers"]) == 1
    (rejected,) = shell.rows("rejected", "list", "--user", "u-1")
    assert rejected["record"]["user"] == "anon-7"


@pytest.mark.parametrize("asked", ["a", "b", "c"])
def test_a_deletion_reaches_all_ids(shell: Shell, asked: str) -> None:
    world = shell.world
    shell.publish()
    shell.take(*(world.added(user=user) for user in "abcd"))
    shell.take({"user": "b", "alias": "a"})
    shell.take({"user": "c", "alias": "b"})
    (row,) = shell.rows("user", "delete", asked, "--yes")
    assert (row["user"], row["ids"]) == ("c", ["a", "b"])
    assert {item["user"]["S"] for item in world.items("users")} == {"d"}
    assert {user for item in world.items("timers") for user in json.loads(item["users"]["S"])} == {"d"}


# --- Who is behind a number. ---


def named(shell: Shell, *arguments: str) -> list[str]:
    return [row["user"] for row in shell.rows("who", "cart", *arguments)]


def test_the_users_behind_a_number_are_listed(shell: Shell) -> None:
    world = shell.world
    shell.publish(values={"title": "{{ Profile.first_name }}"}, audience="!Profile.unsubscribed")
    shell.take(ANN, {"user": "cleo", "profile": {"unsubscribed": True}, "ts": T0})
    decide(world, "ann", "bob", "cleo")
    assert named(shell, "withheld", "--reason", "audience") == ["cleo"]
    assert named(shell, "withheld", "--reason", "missing: Profile.first_name") == ["bob"]
    assert named(shell, "withheld") == ["bob", "cleo"]
    assert named(shell, "sent") == ["ann", "bob"]
    assert named(shell, "waiting") == []
    world.events.fault("put_events", *[throttled] * 6)
    world.deliver_outboxes()
    assert named(shell, "failed") == ["ann", "bob", "cleo"]
    limited = shell.run("who", "cart", "withheld", "--limit", "1")
    assert (limited.stdout, limited.stderr) == ("bob\n", "There are more than these 1.\n")
    assert shell.run("who", "cart", "retracted").stdout == "Nobody, as far as states still say so.\n"


def test_only_what_was_withheld_has_a_reason(shell: Shell) -> None:
    shell.publish()
    assert "--reason is for withheld messages" in shell.fails("who", "cart", "sent", "--reason", "audience")
    assert "no campaign hat" in shell.fails("who", "hat", "sent")
