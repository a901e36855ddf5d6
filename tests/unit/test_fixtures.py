"""Tests that stand beside campaigns: what they compare, and what is told when they fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.core.authoring.hints import Known
from holdfast.core.intake.shapes import Shapes
from holdfast_cli import checking
from holdfast_cli.comparing import compare
from holdfast_cli.main import app

EXAMPLES = Path(__file__).parents[2] / "examples"
CAMPAIGN = """\
id: cart
when: {did: added, did_not: charged, within: 30 minutes, where: {added: "price > `5`"}}
constant: {name: product, in: {added: product, charged: product}}
send:
  values:
    title: "{{ Profile.first_name | default: 'Hi' }}, your {{ ConstantEventProperty }}"
    price: "{{ Event.price }}"
"""
ADDED = "{at: 0m, user: ann, event: added, product: coat, price: 89}"


def a_test(events: str = ADDED, messages: str = "", more: str = "") -> str:
    shown = "".join(f"      - {line}\n" for line in events.splitlines())
    return f"cases:\n  - name: a case\n    events:\n{shown}    messages: [{messages}]\n{more}"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))  # where nothing is up
    monkeypatch.delenv("HOLDFAST_STAGE", raising=False)
    path = tmp_path / "cart.yaml"
    path.write_text(CAMPAIGN)
    return path


def invoke(command: str, file: Path, test: str, *more: str) -> Any:
    file.with_suffix(".test.yaml").write_text(test)
    return CliRunner().invoke(app, ["campaign", command, str(file), *more])


def told(file: Path, test: str) -> list[str]:
    """The lines of the difference."""
    result = invoke("test", file, test)
    assert result.exit_code == 1, result.output
    return [line.removeprefix("    ") for line in result.stdout.splitlines() if line.startswith("    ")]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.test.yaml")), ids=lambda path: path.stem)
def test_the_examples_tests_pass(path: Path) -> None:
    result = CliRunner().invoke(app, ["campaign", "test", str(path)])
    assert result.exit_code == 0, result.output


def test_every_example_has_tests() -> None:
    stems = {path.stem for path in EXAMPLES.glob("*.yaml")}
    assert {f"{stem}.test" for stem in stems if not stem.endswith(".test")} <= stems


@pytest.mark.parametrize(
    ("events", "messages"),
    [
        (ADDED, "{user: ann}"),
        (ADDED, "{user: ann, constant: coat, at: 30m, values: {title: 'Hi, your coat', price: '89'}}"),
        (ADDED, "{user: ann, values: {price: '89'}}"),
        (ADDED + "\n{at: 10m, user: ann, event: charged, product: coat}", ""),
        ("{at: 0m, user: ann, event: added, product: coat, price: 2}", ""),
        (
            ADDED + "\n{user: ann, event: added, product: hat, price: 9}",
            "{user: ann, constant: hat}, {user: ann, constant: coat}",
        ),
        ("{at: 0s, user: ann, profile: {first_name: Ann}}\n" + ADDED, "{user: ann, values: {title: 'Ann, your coat'}}"),
        (
            ADDED + "\n{at: 31m, user: ann, profile: {first_name: Ann}}",
            "{user: ann, values: {title: 'Hi, your coat'}}",
        ),
        (
            ADDED + "\n{at: 40m, user: bob, event: opened}\n{at: 5m, user: ann, event: charged, product: coat}",
            "{user: ann, at: 30m}, {user: ann, at: 40m, retracted: true}",
        ),
        (
            "{at: 0m, d: [{type: event, identity: ann, evtName: Added, evtData: {product: coat, price: 9}}]}",
            "{user: ann}",
        ),
        ("[{user: ann, event: added, product: coat, price: 9}]", "{user: ann, at: 30m}"),
        ("{user: ann, event: added, product: coat, price: 9, ts: 2026-01-05T09:10:00Z}", "{user: ann, at: 40m}"),
        ("{user: ann, event: added, product: coat, price: 9, ts: 1767604200000}", "{user: ann, at: 40m}"),
        (
            ADDED + "\n{at: 3h, user: bob, event: x}\n{at: 0m, user: bob, event: added, product: y, price: 9}",
            "{user: ann}",
        ),
    ],
    ids=range(14),
)
def test_what_agrees_passes(file: Path, events: str, messages: str) -> None:
    result = invoke("validate", file, a_test(events, messages))
    assert result.exit_code == 0, result.output
    assert "1 of 1 tests passed" in result.stdout


def test_a_value_that_differs_is_shown_beside_what_came(file: Path) -> None:
    assert told(file, a_test(messages="{user: ann, constant: coat, at: 31m, values: {title: 'Ann, your coat'}}")) == [
        "  ann, coat",
        "- expected at: 31 minutes",
        "+ got at: 30 minutes",
        "- expected values.title: Ann, your coat",
        "+ got values.title: Hi, your coat",
    ]


def test_a_message_that_did_not_come_and_one_too_many(file: Path) -> None:
    assert told(file, a_test(messages="{user: bob, constant: coat, withheld: 'missing: Event.price'}")) == [
        "- bob, coat: withheld: missing: Event.price",
        "+ ann, coat: sent at 30 minutes (title: Hi, your coat, price: 89)",
    ]


def test_a_message_is_withheld_where_it_should_have_been_sent(file: Path) -> None:
    file.write_text(CAMPAIGN.replace("| default: 'Hi' ", ""))
    assert told(file, a_test(messages="{user: ann, constant: coat}")) == [
        "  ann, coat",
        "- expected decision: sent",
        "+ got decision: withheld",
    ]


@pytest.mark.parametrize(
    ("expected", "got", "lines"),
    [
        ("12 €", "12\u00a0€", ["- expected v: 12 €", '+ got v: "12\\xa0€"']),
        ("a", "a ", ["- expected v: a", '+ got v: "a "']),
        ("a b", "a  b", ["- expected v: a b", '+ got v: "a  b"']),
        ("a", "a\n", ["- expected v: a", '+ got v: "a\\n"']),
        (89, "89", ["- expected v: 89", '+ got v: "89"']),
        ("x", None, ["- expected v: x", "+ got v: nothing"]),
    ],
)
def test_a_difference_in_white_space_or_type_shows(expected: Any, got: Any, lines: list[str]) -> None:
    (difference,) = compare([{"user": "ann", "v": expected}], [{"user": "ann", "v": got}])
    assert list(difference.lines())[1:] == lines


SHOP = "{id: shop, match: shop, read: {user: who, event: what, alias: device}}"
ORDERED = "{at: 10m, shop: 1, who: ann, device: d-1, what: charged, product: coat}"


def test_events_may_come_in_the_form_of_a_source(file: Path) -> None:
    """The order's other id is who added the coat."""
    (file.parent / "shop.yaml").write_text(SHOP)
    events = ADDED.replace("user: ann", "user: d-1") + "\n" + ORDERED
    assert invoke("test", file, a_test(events, more="sources: [shop.yaml]\n")).exit_code == 0
    assert told(file, a_test(events)) == [
        "+ d-1, coat: sent at 30 minutes (title: Hi, your coat, price: 89)",
        (
            "+ rejected: a record of no known form: a plain one has user, event and ts;"
            " this one has shop, who, device, what, product: a source can say where things are in it"
        ),
    ]


def test_a_source_with_a_mistake_is_shown_with_its_line(file: Path) -> None:
    (file.parent / "shop.yaml").write_text(SHOP.replace("match", "mtch"))
    result = invoke("test", file, a_test(messages="{user: ann}", more="sources: [shop.yaml]\n"))
    assert result.exit_code == 1
    assert "shop.yaml:1:" in result.output
    assert "unknown key 'mtch'; did you mean 'match'?" in result.output


def test_what_says_most_is_matched_first(file: Path) -> None:
    events = ADDED + "\n{at: 0m, user: ann, event: added, product: hat, price: 9}"
    assert invoke("test", file, a_test(events, "{user: ann}, {user: ann, constant: coat}")).exit_code == 0
    assert told(file, a_test(events, "{user: ann, constant: hat}, {user: ann, constant: boots}")) == [
        "  ann, coat",
        "- expected constant: boots",
        "+ got constant: coat",
    ]


def test_a_record_that_is_rejected_is_told_unless_it_was_expected(file: Path) -> None:
    event = "{at: 0m, user: ann, event: added, price: 89}"
    (line,) = told(file, a_test(event))
    assert line == "+ rejected: constant property product: product is missing in added"
    assert invoke("test", file, a_test(event, more="    rejected: [product is missing]\n")).exit_code == 0
    assert told(file, a_test(more="    rejected: [no user]\n", messages="{user: ann}")) == ["- rejected: no user"]


@pytest.mark.parametrize(
    ("test", "line", "message"),
    [
        (a_test(messages="{usr: ann}"), 5, "unknown key 'usr'; did you mean 'user'?"),
        (a_test(messages="{user: ann, values: 89}"), 5, "lines of `key: value` are needed here"),
        (a_test(messages="{user: ann, at: soon}"), 5, "'soon' is not a duration"),
        (a_test(messages="{user: ann, withheld: no, retracted: true}"), 5, "either withheld or retracted, not both"),
        (a_test(ADDED + "\n{at: soon, user: ann, event: added}"), 5, "'soon' is not a duration"),
        (a_test("{at: 5m, ts: 1767604200000, user: ann, event: added}"), 4, "says at, and has a time of its own"),
        ("cases: []", 1, "at least 1 is needed"),
        ("cases: [", 1, "not YAML"),
    ],
)
def test_a_mistake_in_a_test_file_is_told_with_its_line(file: Path, test: str, line: int, message: str) -> None:
    for command in ("test", "validate"):
        result = invoke(command, file, test)
        assert result.exit_code == 1
        assert f"cart.test.yaml:{line}:" in result.stderr
        assert message in result.stderr


def test_a_failing_test_fails_the_validation_and_names_its_line(file: Path) -> None:
    result = invoke("validate", file, a_test())
    assert result.exit_code == 1
    assert f"{file}: cart, 0 of 1 tests passed" in result.stdout
    assert f"{file.with_suffix('.test.yaml')}:2 a case" in result.stdout


def test_as_json_each_case_is_a_line(file: Path) -> None:
    result = invoke("validate", file, a_test(messages="{user: ann, at: 1h}"), "--json")
    of_file, case = (json.loads(line) for line in result.stdout.splitlines())
    assert (of_file["valid"], of_file["tests"], of_file["failed"]) == (True, 1, 1)
    assert (case["case"], case["line"], case["passed"]) == ("a case", 2, False)
    assert case["differences"][0]["got"]["at"] == "30 minutes"


def test_a_campaign_without_tests_is_valid_but_has_none_to_run(file: Path) -> None:
    assert CliRunner().invoke(app, ["campaign", "validate", str(file)]).exit_code == 0
    result = CliRunner().invoke(app, ["campaign", "test", str(file)])
    assert result.exit_code == 1
    assert "cart.test.yaml" in str(result.exception)


def test_a_test_file_named_beside_its_campaign_is_no_campaign(file: Path) -> None:
    file.with_suffix(".test.yaml").write_text(a_test(messages="{user: ann}"))
    result = CliRunner().invoke(app, ["campaign", "validate", *map(str, sorted(file.parent.glob("*.yaml")))])
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 1


# Hints


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "added": Shapes("added", frozenset({"string prodct", "string price"})),
        "charged": Shapes("charged", frozenset({"string product"})),
    }

    monkeypatch.setattr(checking, "_known", lambda _: Known(found))


@pytest.mark.usefixtures("seen")
def test_hints_are_told_with_their_lines_and_are_no_mistakes(file: Path) -> None:
    result = CliRunner().invoke(app, ["campaign", "validate", str(file)])
    assert result.exit_code == 0, result.output
    assert (
        f"! {file}:3:32 constant.in.added: 'product' was never seen in 'added'; did you mean 'prodct'?" in result.stderr
    )
    assert f"! {file}:2:66 when.where.added: price was always a string in 'added'" in result.stderr


@pytest.mark.usefixtures("seen")
def test_hints_can_be_made_to_count(file: Path) -> None:
    result = CliRunner().invoke(app, ["campaign", "validate", str(file), "--strict", "--json"])
    assert result.exit_code == 1
    (row,) = map(json.loads, result.stdout.splitlines())
    assert (row["valid"], [hint["line"] for hint in row["hints"]]) == (True, [2, 3])


def test_without_a_stage_at_hand_nothing_is_looked_up(file: Path) -> None:
    result = CliRunner().invoke(app, ["campaign", "validate", str(file), "--strict"])
    assert result.exit_code == 0
    assert result.stderr == ""


def test_a_test_knows_audiences_by_the_profiles_of_its_case_and_hours(file: Path) -> None:
    rules = 'send:\n  audience: "!Profile.unsubscribed"\n  hours: {from: "10:00", to: "12:00"}'
    file.write_text(CAMPAIGN.replace("send:", rules))
    events = f"{ADDED}\n{ADDED.replace('ann', 'bob')}"
    messages = "{user: ann, at: 1h}, {user: bob, withheld: audience}"
    result = invoke("test", file, f"profiles: {{bob: {{unsubscribed: true}}}}\n{a_test(events, messages)}")
    assert result.exit_code == 0, result.output
