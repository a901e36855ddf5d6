"""The examples in the README and the docs, run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from moto.events.models import EventPattern
from ruamel.yaml import YAML

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.events import Rejected
from holdfast.core.explain.replay import Decided, Simulation
from holdfast.core.intake.forms import records
from holdfast.core.plans.plan import Plans
from holdfast_cli.contracts import Detail
from holdfast_cli.fixtures import Fixtures
from holdfast_cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NO_ARRIVAL = 1 << 53


class Block(NamedTuple):
    """A fenced block, and where it stands."""

    where: str
    language: str
    text: str


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            line = text.count("\n", 0, found.start()) + 1
            yield Block(f"{page.relative_to(ROOT)}:{line}", found[1], found[2])


def values(block: Block) -> list[Any]:
    """Of JSON: one value, or one in each line."""
    try:
        return [json.loads(block.text)]
    except ValueError:
        return [json.loads(line) for line in block.text.splitlines()]


BLOCKS = list(blocks())
YAMLS = [(block.where, YAML(typ="safe").load(block.text)) for block in BLOCKS if block.language in {"yaml", "yml"}]
JSONS = [(block.where, value) for block in BLOCKS if block.language == "json" for value in values(block)]
CAMPAIGNS = {where: data for where, data in YAMLS if "when" in data and "send" in data}
TESTS = {where: data for where, data in YAMLS if "cases" in data}
MESSAGES = {where: data for where, data in JSONS if isinstance(data.get("detail-type"), str)}
PATTERNS = {where: data for where, data in JSONS if isinstance(data.get("detail-type"), list)}
RECORDS = [(where, data) for where, data in JSONS if "detail-type" not in data]


def test_the_readme_has_an_example_of_each() -> None:
    for found in (CAMPAIGNS, MESSAGES, PATTERNS, dict(RECORDS)):
        assert any(where.startswith("README") for where in found)


@pytest.mark.parametrize("data", CAMPAIGNS.values(), ids=CAMPAIGNS)
def test_a_campaign_is_valid(data: object) -> None:
    Campaign.model_validate(data)


def test_a_test_file_is_valid() -> None:
    for data in TESTS.values():
        Fixtures.model_validate(data)


@pytest.mark.parametrize("data", [data for _, data in RECORDS], ids=[where for where, _ in RECORDS])
def test_a_record_can_be_folded(data: object) -> None:
    found = records(json.dumps(data), NO_ARRIVAL)
    assert found
    assert not any(isinstance(record, Rejected) for record in found)


def test_the_readmes_event_makes_the_readmes_campaign_send_the_readmes_message() -> None:
    campaign = Campaign.model_validate(next(data for where, data in CAMPAIGNS.items() if where.startswith("README")))
    (event, *_) = records(json.dumps(RECORDS[0][1]), NO_ARRIVAL)
    simulation = Simulation(Plans([campaign.plan()]), Decided)
    simulation.event(event)  # type: ignore[arg-type]
    (decided,) = simulation.until()
    message = next(data for where, data in MESSAGES.items() if where.startswith("README"))
    assert (decided.decision.kind, decided.user) == ("send", message["detail"]["user"]["identity"])
    assert decided.decision.shown == message["detail"]["constant"]["value"]
    assert set(message["detail"]["values"]) == set(campaign.send.values)


@pytest.mark.parametrize("data", MESSAGES.values(), ids=MESSAGES)
def test_a_message_is_as_the_schema_says(data: dict[str, Any]) -> None:
    Detail.model_validate(data["detail"])


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_a_rule_matches_the_example_message_and_not_what_was_withheld(pattern: dict[str, Any]) -> None:
    rule = EventPattern.load(json.dumps(pattern))
    message: Any = next(iter(MESSAGES.values()))
    withheld: Any = {**message, "detail-type": message["detail-type"] + " Withheld"}
    other: Any = {**message, "source": "another"}
    assert rule.matches_event(message)
    assert not rule.matches_event(withheld)
    assert not rule.matches_event(other)


# Commands


def commands() -> Iterator[tuple[str, list[str]]]:
    """Those in blocks, and those in the running text between backticks."""
    for block in BLOCKS:
        if block.language in {"sh", "shell", "bash", "console"}:
            for line in block.text.splitlines():
                yield block.where, shlex.split(line, comments=True)
    for page in PAGES:
        for found in re.finditer(r"`((?:\.venv/bin/)?holdfast [^`]+|make [^`]+)`", page.read_text(encoding="utf-8")):
            yield str(page.relative_to(ROOT)), found[1].split()


COMMANDS = [(where, words) for where, words in commands() if words]
IDS = [f"{where} {' '.join(words)}" for where, words in COMMANDS]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("words", [words for _, words in COMMANDS], ids=IDS)
def test_a_command_exists_with_the_options_given(words: list[str]) -> None:
    program, *arguments = words
    if program == "make":
        assert {word for word in arguments if "=" not in word} <= TARGETS
    elif program.removeprefix(".venv/bin/") == "holdfast":
        assert unknown(arguments) == []


def unknown(arguments: list[str]) -> list[str]:
    """What the command line does not know: commands, and options of the command."""
    command: Any = typer.main.get_command(app)
    for number, word in enumerate(arguments):
        if not hasattr(command, "commands") or word.startswith("--"):  # a group may have options of its own
            options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
            given = (word.split("=")[0] for word in arguments[number:] if re.match(r"--?[a-z]", word))
            return [word for word in given if word not in options]
        if re.fullmatch(r"…|\.\.\.", word):
            break
        for name in re.split(r"[/|]", word):  # `rejected list/redrive` names two
            if name not in command.commands:
                return [word]
        command = command.commands[re.split(r"[/|]", word)[0]]
    return []


@pytest.mark.parametrize(
    "arguments", ["nonsense", "campaign nonsense", "campaign validate --nonsense x", "send -z x", "console --nonsense"]
)
def test_the_check_of_commands_finds_what_does_not_exist(arguments: str) -> None:
    assert unknown(arguments.split())
