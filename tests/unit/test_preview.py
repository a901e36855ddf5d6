"""The preview: what a user would get, where each value came from, and why there would be nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.core.events import Event, event_key
from holdfast.core.explain.preview import NoMessage, latest, made_up, preview
from holdfast.core.messages.detail import message_id
from holdfast.core.plans.plan import Plan
from holdfast_cli.main import app
from tests.unit.builders import (
    ADDED,
    CHARGED,
    NOON,
    PRODUCT,
    History,
    a_plan,
    added,
    an_event,
    charged,
    minute,
)

VIEWED = "viewed"
TITLE = "{{ Profile.first_name | default: 'Hi' }}, your {{ ConstantEventProperty }}: {{ Campaign.name }}"
VALUES = {"title": TITLE, "price": "{{ Event.price }}"}


def campaign(**more: Any) -> Plan:
    names = {event_key(name): name for name in (ADDED, CHARGED, VIEWED)}
    return a_plan(**{"name": "Cart", "names": names, "values": VALUES, "keep": ("price",), **more})


def test_the_pairs_are_rendered_and_each_variable_says_where_its_value_came_from() -> None:
    plan = campaign(revision=3)
    shown = preview(plan, "u-1", made_up(plan, [added("coat", price=89, colour="red")]), {"email": "a@b.c"})
    assert shown.reason == ""
    assert {key: each.text for key, each in shown.values.items()} == {"title": "Hi, your coat: Cart", "price": "89"}
    assert {(v.name, v.origin, v.value) for each in shown.values.values() for v in each.variables} == {
        ("Profile.first_name", "default", "Hi"),
        ("ConstantEventProperty", "constant", "coat"),
        ("Campaign.name", "campaign", "Cart"),
        ("Event.price", "event", 89),
    }
    assert shown.decision.event == {"price": 89}


def test_the_detail_is_what_the_bus_would_carry() -> None:
    plan = campaign()
    history = History(plan)
    history.fold(added("coat", price=89), now=NOON)
    (decision,) = history.tick(minute(30))
    shown = preview(plan, "u-1", made_up(plan, [added("coat", price=89)]), {"email": "a@b.c"})
    assert shown.detail_type == "Personalized Message"
    assert shown.detail == {
        "metadata": {
            "id": message_id("u-1", decision),
            "campaign": "abandoned-cart",
            "revision": 1,
            "variant": None,
            "decided_at": "2026-05-29T12:30:00.000Z",
            "schema": "1",
        },
        "user": {"identity": "u-1", "email": "a@b.c"},
        "constant": {"name": "product", "value": "coat"},
        "values": {"title": "Hi, your coat: Cart", "price": "89"},
    }
    assert json.loads(json.dumps(shown.to_json()))["sent"] is True


def test_what_is_missing_withholds_the_message_and_is_named() -> None:
    plan = campaign()
    shown = preview(plan, "u-1", made_up(plan, [added("coat")]), {})
    assert shown.reason == "missing: Event.price"
    assert shown.values["title"].text == "Hi, your coat: Cart"
    assert (shown.detail_type, shown.detail["reason"]) == ("Personalized Message Withheld", "missing: Event.price")
    assert "values" not in shown.detail


def test_a_template_that_is_refused_says_so_and_the_others_are_shown() -> None:
    plan = campaign(values={"bad": "{{ Evnt.price }}", "good": "x"})
    shown = preview(plan, "u-1", made_up(plan, [added("coat")]), {})
    assert shown.reason == "refused: bad unknown object Evnt; did you mean 'Event'?"
    assert shown.values["good"].text == "x"


def test_a_summary_is_previewed_with_all_its_events() -> None:
    plan = campaign(summary=True, values={"all": "{% for event in Events %}{{ event.price }} {% endfor %}"})
    made = [added("coat", minute(1), price=1), added("hat", minute(2), price=2), charged("coat", minute(3))]
    assert preview(plan, "u-1", made_up(plan, made[:2]), {}).values["all"].text == "2 1 "
    assert made_up(plan, made).shown == ["hat"]


BOTH = campaign(did=[ADDED, VIEWED], constant=PRODUCT | {VIEWED: "product_name"})
AT_ONCE = campaign(did_not=[], within=0, constant={ADDED: "product_name"})


@pytest.mark.parametrize(
    ("plan", "events", "why"),
    [
        (campaign(), [an_event("opened")], "abandoned-cart does not name 'opened'; it names added to cart, charged"),
        (campaign(), [an_event()], "constant property product: product_name is missing in added to cart"),
        (
            campaign(where={ADDED: "price > `20`"}),
            [added(price=7)],
            "'added to cart' does not pass the campaign's filter: price > `20`",
        ),
        (campaign(), [added(), charged(at=minute(1))], "charged is among the events: no message"),
        (campaign(), [charged()], "a message takes added to cart as well"),
        (BOTH, [added()], "a message takes viewed as well"),
        (campaign(), [], "a message takes added to cart as well"),
    ],
)
def test_why_events_make_no_message_is_told(plan: Plan, events: list[Event], why: str) -> None:
    with pytest.raises(NoMessage) as told:
        made_up(plan, events)
    assert str(told.value) == why


@pytest.mark.parametrize("plan", [BOTH, AT_ONCE, campaign(paused=True), campaign(max_age=0)])
def test_campaigns_of_every_kind_can_be_previewed(plan: Plan) -> None:
    events = [added(arrived=minute(500)), *([an_event(VIEWED, product_name="coat")] if len(plan.did) > 1 else [])]
    assert made_up(plan, events).shown == "coat"


def test_of_a_real_user_the_newest_open_watch_is_taken_else_what_was_decided_last() -> None:
    history = History(campaign(), a_plan("other"))
    history.fold(added("coat", minute(1), price=1), added("hat", minute(2), price=2), now=minute(2))
    newest = latest(campaign(), history.state)
    assert newest
    assert (newest.shown, newest.event, newest.when) == ("hat", {"price": 2}, minute(32))
    decided = history.tick(minute(40))
    assert latest(campaign(), history.state) is None
    kept = latest(campaign(), history.state, decided)
    assert kept
    assert (kept.shown, kept.event) == ("hat", {"price": 2})


def test_what_is_foreseen_is_what_the_fold_then_decides() -> None:
    history = History(campaign())
    history.fold(added("coat", minute(1), price=1), now=minute(1))
    assert [latest(campaign(), history.state)] == history.tick(minute(31))


# --- The command, without a stage. ---

FILE = """\
id: cart
when: {did: Added, did_not: charged, within: 30 minutes}
constant: {name: product, in: {Added: product, charged: product}}
send: {values: {title: "{{ Profile.first_name }}, your {{ ConstantEventProperty }}", price: "{{ Event.price }}"}}
"""


def run(tmp_path: Path, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.delenv("HOLDFAST_STAGE", raising=False)
    (tmp_path / "cart.yaml").write_text(FILE)
    return CliRunner().invoke(app, ["preview", str(tmp_path / "cart.yaml"), "--user", "ann", *arguments])


PLAIN = '{"product": "coat", "price": 7}'
TRACK = '{"type": "track", "userId": "x", "event": "added", "properties": {"product": "coat", "price": 7}}'


@pytest.mark.parametrize("event", [PLAIN, TRACK, f"[{PLAIN}]", f'{{"event": "ADDED", {PLAIN[1:]}'])
def test_the_command_takes_events_in_any_form(tmp_path: Path, event: str, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = '{"first_name": "Ann"}'
    done = run(tmp_path, "--event", event, "--profile", profile, "--json", monkeypatch=monkeypatch)
    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)
    assert shown["detail"]["values"] == {"title": "Ann, your coat", "price": "7"}
    assert shown["detail"]["user"] == {"identity": "ann"}


def test_people_see_the_pairs_with_the_origin_of_each_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(tmp_path, "--event", '{"product": "[b]coat"}', monkeypatch=monkeypatch)
    assert done.exit_code == 1
    assert "title  missing: Profile.first_name" in done.stdout
    assert 'ConstantEventProperty = "[b]coat" constant' in done.stdout
    assert "Event.price missing" in done.stdout
    assert "withheld: missing: Profile.first_name" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 1, "product is missing in Added. Give an event with --event."),
        (["--event", "{"], 2, "not JSON"),
        (["--event", "7"], 2, "not a JSON object"),
        (["--event", PLAIN, "--profile", "[]"], 2, "not a JSON object"),
        (["--event", '{"product": "x", "ts": "soon"}'], 1, "ts must be epoch"),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, arguments: list[str], code: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(tmp_path, *arguments, monkeypatch=monkeypatch)
    assert done.exit_code == code
    assert told in done.output + str(done.exception)


def test_a_live_campaign_needs_a_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["preview", "cart", "--user", "ann"])
    assert "cart is not a file" in str(done.exception)


@pytest.mark.parametrize(
    ("rule", "profile", "code", "told"),
    [
        (
            'hours: {from: "08:00", to: "12:00"}',
            {"timezone": "Europe/Berlin"},
            0,
            "When it is due, it would wait until 08:00 in Berlin (2026-05-30): outside hours",
        ),
        ('hours: {to: "11:00", otherwise: withhold}', {}, 1, "it would be withheld: outside hours"),
        ("audience: Profile.country == 'DE'", {"country": "FR"}, 1, "it would be withheld: audience"),
        ("audience: Profile.country == 'DE'", {"country": "DE"}, 0, ""),
    ],
)
def test_what_stands_between_due_and_sent_is_told(
    tmp_path: Path, rule: str, profile: dict[str, str], code: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    file = tmp_path / "cart.yaml"
    file.write_text(f"id: cart\nwhen: {{did: added}}\nsend:\n  {rule}\n  values: {{t: Hi}}\n")
    given = ["--event", '{"ts": "2026-05-29T11:00:00Z"}', "--profile", json.dumps(profile)]
    done = CliRunner().invoke(app, ["preview", str(file), "--user", "ann", *given], env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    assert (told in done.output) if told else ("When it is due" not in done.output)
