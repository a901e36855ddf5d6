"""Commands that need no stack: what they print, and how they end."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from typer.testing import CliRunner

from holdfast_cli import campaign_commands
from holdfast_cli import main as main_module
from holdfast_cli.later import Unloaded, whole
from holdfast_cli.local import LocalError
from holdfast_cli.main import COMMANDS, app
from holdfast_cli.output import Failure
from holdfast_cli.stack import DeploymentNotFound

CAMPAIGN = """\
id: cart
when: {did: added, did_not: charged, within: 30 minutes}
constant: {name: product, in: {added: product, charged: product}}
send: {values: {title: "{{ Profile.first_name }}, your {{ ConstantEventProperty }}", price: "{{ Event.price }}"}}
"""
T0 = 1_790_000_000_000
EVENTS = [
    {"user": "ann", "event": "added", "product": "coat", "price": 89.0, "ts": T0},
    {"user": "bob", "event": "added", "product": " coat ", "ts": T0 + 1},
    {"user": "cleo", "event": "added", "ts": T0 + 2},
    "not json",
]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "cart.yaml").write_text(CAMPAIGN)
    lines = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in EVENTS)
    (tmp_path / "events.jsonl").write_text(lines + "\n\n")
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "profiles.jsonl").write_text(json.dumps({"user": "ann", "profile": {"first_name": "Ann"}}))
    return tmp_path


def simulate(files: Path, *more: str, events: str = "events.jsonl") -> tuple[list[dict[str, Any]], str]:
    arguments = ["simulate", "--campaign", str(files / "cart.yaml"), "--events", str(files / events), "--json", *more]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def test_simulate_prints_a_line_for_each_decision(files: Path) -> None:
    ann, bob = simulate(files)[0]
    assert ann.pop("id") != bob.pop("id")
    assert ann == {
        "decision": "send",
        "campaign": "cart",
        "user": "ann",
        "constant": "coat",
        "trigger_at": T0,
        "decided_at": T0 + 1_800_000,
    }
    assert bob["constant"] == " coat "


def test_simulate_tells_what_was_rejected_and_goes_on(files: Path) -> None:
    _, told = simulate(files)
    assert "2 records rejected" in told
    assert "product is missing in added" in told


def failed(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code != 0, result.output
    return str(result.exception) if isinstance(result.exception, Failure) else result.output


def test_simulate_of_a_file_of_which_nothing_can_be_read_fails(files: Path) -> None:
    assert "No record of the file can be read" in failed(
        "simulate", "-c", files / "cart.yaml", "-e", files / "cart.yaml"
    )


def test_simulate_says_before_a_long_run_where_no_page_can_be_written(files: Path) -> None:
    given = ("simulate", "-c", files / "cart.yaml", "-e", files / "events.jsonl", "--html")
    assert "is a directory: name a file in it" in failed(*given, files)
    assert "there is no directory" in failed(*given, files / "nope" / "page.html")


def test_a_history_that_nothing_recommends_from_is_wrong_usage(files: Path) -> None:
    given = ("simulate", "-c", files / "cart.yaml", "-e", files / "events.jsonl", "--history", files / "events.jsonl")
    assert "no recommendation uses it" in failed(*given)


@pytest.mark.parametrize("command", [("campaign", "publish"), ("campaign", "validate"), ("simulate", "-e", "-", "-c")])
def test_two_files_that_are_one_campaign_are_refused(files: Path, command: tuple[str, ...]) -> None:
    """The later one would replace the other without a word."""
    other = files / "other.yaml"
    other.write_text(CAMPAIGN.replace("30 minutes", "40 minutes"))
    again = ("-c",) if command[0] == "simulate" else ()
    told = failed(*command, files / "cart.yaml", *again, other)
    assert "are both campaign 'cart'. Give one of them another id, or leave it out" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", " "),
        ("user", "export", ""),
        ("preview", "cart", "-u", ""),
        ("rejected", "list", "--limit", "0"),
        ("undelivered", "redrive", "--limit", "-1"),
        ("watch", "--count", "0"),
        ("watch", "--for", "-1"),
        ("console", "--port", "99999"),
        ("stats", "--csv", "--json"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, list(arguments)).exit_code == 2


def test_a_home_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", "/proc/nope")
    assert "Set HOLDFAST_HOME to another directory" in str(CliRunner().invoke(app, ["local", "down"]).exception)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_output_that_is_full_is_said(files: Path) -> None:
    command = [sys.executable, "-c", "from holdfast_cli.main import main; main()", "simulate", "--json"]
    arguments = ["-c", str(files / "cart.yaml"), "-e", str(files / "events.jsonl")]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*command, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "The disk, or what the output is written to, is full." in done.stderr
    assert "Traceback" not in done.stderr


def test_simulate_unpacks_what_is_packed(files: Path) -> None:
    assert simulate(files, events="events.jsonl.gz") == simulate(files)


def test_with_profiles_simulate_renders_the_messages(files: Path) -> None:
    ann, bob = simulate(files, "--profiles", str(files / "profiles.jsonl"))[0]
    assert ann["values"] == {"title": "Ann, your coat", "price": "89.0"}
    assert (bob["decision"], bob["reason"]) == ("withhold", "missing: Profile.first_name")


def test_people_get_a_table_and_a_sum(files: Path) -> None:
    arguments = ["simulate", "-c", str(files / "cart.yaml"), "-e", str(files / "events.jsonl")]
    result = CliRunner().invoke(app, arguments)
    assert "2026-09-21T14:43:20.000Z" in result.stdout
    assert "2 records: 2 send" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["simulate"], 2, "Missing option"),
        (["campaign", "publish"], 2, "Missing argument"),
        (["simulate", "-c", "nowhere.yaml", "-e", "x"], 1, "nowhere.yaml cannot be read: No such file"),
        (["send", "x.jsonl"], 1, "The embedded AWS is not running. Start it with: holdfast local up"),
        (["watch", "--stage", "local"], 1, "holdfast local up"),
        (["local", "status"], 1, "not running; start it with: holdfast local up"),
    ],
)
def test_what_is_wrong_is_told_and_ends_with_1_and_wrong_usage_with_2(
    arguments: list[str], code: int, told: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", "from holdfast_cli.main import main; main()", *arguments]
    environment = {"HOLDFAST_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TERM": "dumb", "COLUMNS": "200"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == code
    assert told in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


# Commands that are imported once they are asked for


def commands_of(group: Any, name: str = "holdfast") -> Iterator[tuple[str, Any]]:
    for word, command in group.commands.items():
        yield f"{name} {word}", command
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{name} {word}")


def test_what_is_listed_of_a_command_is_what_its_help_begins_with() -> None:
    loaded = whole(app)
    for commands, group in ((COMMANDS, loaded), (campaign_commands.COMMANDS, loaded.commands["campaign"])):
        helps = {name: command.help.split("\n\n")[0] for name, command in group.commands.items()}
        assert {name: later.line for name, later in commands.items()} == {
            name: " ".join(text.split()) for name, text in helps.items()
        }


def test_all_commands_can_be_loaded() -> None:
    commands = dict(commands_of(whole(app)))
    assert [name for name, command in commands.items() if isinstance(command, Unloaded)] == []
    assert {"holdfast simulate", "holdfast campaign diff", "holdfast dead-letters redrive"} <= {*commands}


def test_a_mistyped_command_is_answered_with_the_one_that_is_meant() -> None:
    for typed, meant in ((["simulat"], "simulate"), (["campaign", "valdate"], "validate")):
        result = CliRunner().invoke(app, typed)
        assert (result.exit_code, f"Did you mean '{meant}'?" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "not for you"}}, "Query"),
            "AWS says: .*not for you",
        ),
        (EndpointConnectionError(endpoint_url="http://nowhere"), "AWS says: .*nowhere"),
        (Failure("do this"), "do this"),
        (DeploymentNotFound("deploy it"), "deploy it"),
        (LocalError("clone it"), "clone it"),
    ],
)
def test_an_error_that_people_can_do_something_about_is_told(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(main_module, "app", fail)
    with pytest.raises(SystemExit) as end:
        main_module.main()
    assert end.value.code == 1
    assert re.search(told, capsys.readouterr().err)


def test_any_other_error_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main_module, "app", fail)
    with pytest.raises(ZeroDivisionError):
        main_module.main()
