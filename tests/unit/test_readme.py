"""The examples in the README and the docs, run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws
from moto.events.models import EventPattern
from ruamel.yaml import YAML

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.events import Event, Rejected
from holdfast.core.explain.replay import Decided, Simulation
from holdfast.core.intake.forms import records
from holdfast.core.plans.plans import Plans
from holdfast_cli.detail_model import Detail
from holdfast_cli.fixtures import Fixtures
from holdfast_cli.later import whole
from holdfast_cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NO_ARRIVAL = 1 << 53


class Block(NamedTuple):
    """A fenced block, and where it stands. `note` is the comment in front of it or behind it."""

    where: str
    language: str
    text: str
    note: str


_BLOCK = re.compile(
    r"^(?:<!-- (?P<before>message: \w+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$"
    r"(?:\n<!-- (?P<behind>matches: [\w, ]+) -->)?",
    re.DOTALL | re.MULTILINE,
)


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _BLOCK.finditer(text):
            line = text.count("\n", 0, found.start("language")) + 1
            note = found["before"] or found["behind"] or ""
            yield Block(f"{page.relative_to(ROOT)}:{line}", found["language"], found["text"], note)


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
POLICIES = {where: data for where, data in JSONS if "Statement" in data}
RECORDS = [(where, data) for where, data in JSONS if "detail-type" not in data and where not in POLICIES]
NOTES = {block.where: block.note for block in BLOCKS}
NAMED: dict[str, Any] = {
    NOTES[where].removeprefix("message: "): data for where, data in MESSAGES.items() if NOTES[where]
}
"""The messages that the patterns of rules are held against."""
PYTHON = [block for block in BLOCKS if block.language == "python"]


def test_the_readme_has_an_example_of_each() -> None:
    for found in (CAMPAIGNS, MESSAGES, dict(RECORDS)):
        assert any(where.startswith("README") for where in found)
    assert PATTERNS


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


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


@pytest.mark.parametrize("where", PATTERNS)
def test_a_rule_matches_the_messages_that_it_is_said_to_match_and_no_other(where: str) -> None:
    assert {"sent", "withheld", "retracted"} <= NAMED.keys()
    expected = set(NOTES[where].removeprefix("matches: ").split(", "))
    rule = EventPattern.load(json.dumps(PATTERNS[where]))
    assert {name for name, message in NAMED.items() if rule.matches_event(message)} == expected
    assert not any(rule.matches_event(message | {"source": "another"}) for message in NAMED.values())


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_policy_allows_one_action_on_one_thing(policy: dict[str, Any]) -> None:
    for statement in policy["Statement"]:
        assert re.fullmatch(r"[a-z]+:[A-Za-z]+", statement["Action"])
        assert statement["Resource"].startswith("arn:aws:")


# Python


def run(block: Block, **names: Any) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "example", **names}
    exec(compile(block.text, block.where, "exec"), namespace)
    return namespace


def example(contains: str) -> Block:
    (found,) = (block for block in PYTHON if contains in block.text)
    return found


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield


@pytest.mark.usefixtures("aws")
def test_what_the_example_sends_can_be_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="events")["QueueUrl"]
    monkeypatch.setenv("EVENTS_QUEUE_URL", queue)
    run(example("sqs.send_message"))
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    found = records(message["Body"], NO_ARRIVAL)
    assert [type(record).__name__ for record in found] == ["ProfileChange", "Event"]


@pytest.mark.usefixtures("aws")
def test_what_the_example_puts_on_a_bus_can_be_folded() -> None:
    events, sqs = boto3.client("events"), boto3.client("sqs")
    events.create_event_bus(Name="shop")
    queue = sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventBusName="shop", EventPattern=json.dumps({"source": [{"prefix": "shop."}]}))
    events.put_targets(Rule="all", EventBusName="shop", Targets=[{"Id": "1", "Arn": arn}])
    run(example("put_events"))
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    (event,) = records(message["Body"], NO_ARRIVAL)
    assert isinstance(event, Event)
    assert (event.user, event.name, event.properties["product_name"]) == ("u-42", "added to cart", "white coat")


@pytest.mark.usefixtures("aws")
def test_the_example_of_a_consumer_acts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.client("dynamodb").create_table(
        TableName="seen",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    monkeypatch.setenv("SEEN_TABLE", "seen")
    delivered: list[tuple[Any, Any]] = []
    consumer = run(example("attribute_not_exists"), deliver=lambda user, values: delivered.append((user, values)))
    for _ in range(2):
        consumer["handler"](NAMED["sent"], None)
    assert [user["identity"] for user, _ in delivered] == ["u-42"]


# Links


def anchors(page: Path) -> set[str]:
    """As GitHub and the site make them of headings."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target):
                yield page, target


LINKS = list(links())


@pytest.mark.parametrize(("page", "target"), LINKS, ids=[f"{page.name} {target}" for page, target in LINKS])
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    file, _, anchor = target.partition("#")
    to = (page.parent / file).resolve() if file else page
    assert to.exists()
    assert not anchor or anchor in anchors(to)


def test_every_page_is_linked() -> None:
    linked = {(page.parent / target.partition("#")[0]).resolve() for page, target in LINKS}
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md")} - {ROOT / "docs" / "index.md"}
    assert pages - linked == set()


def test_every_page_is_once_in_the_contents_of_the_site() -> None:
    contents = re.findall(r"^ +- .*: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    pages = [path.name for path in (ROOT / "docs").glob("*.md")]
    assert sorted(contents) == sorted([*pages, "decisions/README.md"])


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
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("words", [words for _, words in COMMANDS], ids=IDS)
def test_a_command_exists_with_the_options_given(words: list[str]) -> None:
    program, *arguments = words
    if program == "make":
        assert {word for word in arguments if "=" not in word} <= TARGETS
    elif program.removeprefix(".venv/bin/") == "holdfast":
        assert unknown(arguments) == []


@cache
def the_command() -> Any:
    return whole(app)


def unknown(arguments: list[str]) -> list[str]:
    """Commands, and options of the command, that the command line does not know."""
    command = the_command()
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
