"""The stacks in examples/targets, deployed beside Holdfast's own: a message and its repeat go through them.

The embedded AWS deploys no API destination: the webhook is made by calls, of what its template says. Nor does it know
of which identity an e-mail is, so the function that sends one has no right to.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import pytest

import infra  # noqa: F401  (first: it tells jsii which node to start)

# isort: split
from aws_cdk import App, CliCredentialsStackSynthesizer

from holdfast.aws.clock import now_ms
from holdfast.core.authoring.campaign import Campaign
from holdfast_cli import local
from holdfast_cli.stack import Deployment, _client
from holdfast_cli.watching import tap
from tests.e2e.test_deployed import a_campaign, hear, publish, send
from tests.eventually import eventually
from tests.infrastructure.synthesis import targets

SECRET = "the key of the webhook"


class Handed(NamedTuple):
    """The stacks, and the event of one message as their rules got it."""

    deployment: Deployment
    assembly: Path
    event: dict[str, Any]

    def client(self, service: str) -> Any:
        return _client(service, region=self.deployment.region, endpoint=self.deployment.endpoint)

    def id_of(self, stack: str, kind: str) -> str:
        """The physical id of the one resource of a kind."""
        resources = self.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        (found,) = (each["PhysicalResourceId"] for each in resources if each["ResourceType"] == kind)
        return str(found)

    def of(self, stack: str, kind: str) -> dict[str, Any]:
        """The properties of the one resource of a kind, in the template."""
        template = json.loads((self.assembly / f"{stack}.template.json").read_text())
        (found,) = (each["Properties"] for each in template["Resources"].values() if each["Type"] == kind)
        return dict(found)

    def again(self) -> None:
        """The same message, once more: deliver may send it twice, and so may EventBridge."""
        entry = {
            "EventBusName": self.deployment.outputs["EventBusName"],
            "Source": self.event["source"],
            "DetailType": self.event["detail-type"],
            "Detail": json.dumps(self.event["detail"]),
        }
        assert self.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


class Hook(BaseHTTPRequestHandler):
    """A webhook, which keeps what it is sent."""

    got: list[tuple[dict[str, str], dict[str, Any]]]

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.got.append((headers, json.loads(self.rfile.read(int(headers["content-length"])))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[HTTPServer]:
    Hook.got = []
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def handed(deployed: Deployment, hook: HTTPServer, tmp_path: Path) -> Handed:
    """All targets stand before the one message is decided, and so each of them gets it."""
    campaign = a_campaign()
    handed = Handed(deployed, tmp_path, {})
    _deploy(handed, campaign, f"http://127.0.0.1:{hook.server_port}/hook")
    _make_webhook(handed)
    publish(deployed, campaign)
    with tap(deployed) as tapped:
        profile = {"user": "ann", "profile": {"email": "ann@example.com", "first_name": "Ann"}, "ts": now_ms()}
        added = {"user": "ann", "event": campaign.when.triggers[0], "product": "coat", "ts": now_ms()}
        send(deployed, [profile, added])  # one message: the name is known when the other is due
        (event,) = hear(tapped, campaign.id, 1)
    return handed._replace(event=event)


def _deploy(handed: Handed, campaign: Campaign, url: str) -> None:
    aws = local.status()
    assert aws
    context = {
        "bus": handed.deployment.outputs["EventBusName"],
        "source": handed.deployment.outputs["MessageSource"],
        "campaign": campaign.id,
        "url": url,
    }
    # Roles to publish files under are for AWS: the embedded one is deployed to with the credentials at hand.
    app = App(context=context, outdir=str(handed.assembly), default_stack_synthesizer=CliCredentialsStackSynthesizer())
    targets().build(app)
    app.synth()
    arguments = ["--app", str(handed.assembly), "--require-approval", "never", "--method", "direct"]
    local._finish(local._cdk(aws, "deploy", "Queue", "Steps", *arguments, cwd=handed.assembly))


def _make_webhook(handed: Handed) -> None:
    events = handed.client("events")
    connection, rule = (handed.of("Webhook", f"AWS::Events::{kind}") for kind in ("Connection", "Rule"))
    destination = handed.of("Webhook", "AWS::Events::ApiDestination")
    key = connection["AuthParameters"]["ApiKeyAuthParameters"]["ApiKeyName"]
    made = events.create_connection(
        Name="hook",
        AuthorizationType=connection["AuthorizationType"],
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": key, "ApiKeyValue": SECRET}},
    )
    arn = events.create_api_destination(
        **{**destination, "Name": "hook", "ConnectionArn": made["ConnectionArn"]},
    )["ApiDestinationArn"]
    bus = handed.deployment.outputs["EventBusName"]
    events.put_rule(Name="hook", EventBusName=bus, EventPattern=json.dumps(rule["EventPattern"]))
    (target,) = rule["Targets"]
    kept = {name: target[name] for name in ("Id", "InputPath", "HttpParameters", "RetryPolicy")}
    role = "arn:aws:iam::000000000000:role/hook"  # the embedded AWS does not ask for its rights
    failed = events.put_targets(Rule="hook", EventBusName=bus, Targets=[{**kept, "Arn": arn, "RoleArn": role}])
    assert failed["FailedEntryCount"] == 0


def until(found: Callable[[], Iterable[Any]], expected: int) -> list[Any]:
    """The things found, as soon as they are so many, or patience ends."""
    return eventually(lambda: list(found()), lambda each: len(each) >= expected)


def test_a_message_reaches_a_queue_a_state_machine_and_a_webhook_and_its_repeat_does_no_harm(handed: Handed) -> None:
    """One test, as the stacks are deployed once."""
    before_it_comes_again(handed)
    handed.again()
    a_repeat_in_the_queue_bears_what_sqs_drops_it_by(handed)
    a_state_machine_goes_on_once(handed)
    a_webhook_gets_the_detail_the_key_and_the_id_to_drop_a_repeat_by(handed)


def before_it_comes_again(handed: Handed) -> None:
    """Each has the message."""
    assert len(until(lambda: in_queue(handed), 1)) == 1
    assert len(until(lambda: ended(handed), 1)) == 1
    assert len(until(lambda: Hook.got, 1)) == 1


def in_queue(handed: Handed) -> list[dict[str, Any]]:
    """Looked at from within: the queue lets nobody receive without TLS, which the embedded AWS does not have."""
    (url,) = (url for url in handed.client("sqs").list_queues()["QueueUrls"] if "/Queue-Queue" in url)
    endpoint = f"{handed.deployment.endpoint}/_ministack/sqs/messages?{urlencode({'QueueUrl': url})}"
    with build_opener(ProxyHandler({})).open(endpoint) as answer:
        (regions,) = json.load(answer)["messages"].values()
    (queues,) = regions.values()
    (messages,) = queues.values()
    return list(messages)


def ended(handed: Handed) -> list[dict[str, Any]]:
    """Executions, in the order of their ends."""
    machine = handed.id_of("Steps", "AWS::StepFunctions::StateMachine")
    found = handed.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert {each["status"] for each in found} <= {"RUNNING", "SUCCEEDED"}
    return sorted((each for each in found if each["status"] == "SUCCEEDED"), key=lambda each: each["stopDate"])


def a_repeat_in_the_queue_bears_what_sqs_drops_it_by(handed: Handed) -> None:
    """The embedded AWS hands on to the queue past what would drop it."""
    got = until(lambda: in_queue(handed), 2)
    assert [json.loads(each["Body"]) for each in got] == 2 * [handed.event["detail"]]
    assert len({each["MessageDeduplicationId"] for each in got}) == 1


def a_state_machine_goes_on_once(handed: Handed) -> None:
    steps = handed.client("stepfunctions")
    entered, outputs = [], []
    for each in until(lambda: ended(handed), 2):
        arn = each["executionArn"]
        history = steps.get_execution_history(executionArn=arn)["events"]
        details = [event["stateEnteredEventDetails"] for event in history if "stateEnteredEventDetails" in event]
        entered.append([detail["name"] for detail in details])
        outputs.append(json.loads(steps.describe_execution(executionArn=arn)["output"]))
    assert entered == [["Once", "Yours"], ["Once", "Repeat"]]
    assert outputs[0]["values"] == {"title": "Ann, your coat"}


def a_webhook_gets_the_detail_the_key_and_the_id_to_drop_a_repeat_by(handed: Handed) -> None:
    got, detail = until(lambda: Hook.got, 2), handed.event["detail"]
    assert len(got) == 2
    for headers, body in got:
        assert body == detail
        assert headers["x-api-key"] == SECRET
        assert headers["idempotency-key"] == detail["metadata"]["id"]
