"""The construct `Holdfast`, as a CDK app of somebody else has it: the app in examples/cdk, synthesised."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import infra  # noqa: F401  (first: it tells jsii which node to start)

# isort: split
import pytest
from aws_cdk import App
from aws_cdk import Stack as CdkStack
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from holdfast_cli.outputs import Outputs
from infra.properties import Properties, stage_of
from infra.stack import Holdfast
from infra.stages import SettingError, stage_from
from tests.infrastructure.synthesis import ON_CALL, Stack, stack

ROOT = Path(__file__).parents[2]


def context() -> dict[str, Any]:
    """The example's own: without the flags that this repository's app sets."""
    of_the_example = json.loads((ROOT / "examples" / "cdk" / "cdk.json").read_text()).get("context", {})
    return {**of_the_example, "aws:cdk:bundling-stacks": []}


@pytest.fixture(scope="module")
def shop() -> Stack:
    spec = importlib.util.spec_from_file_location("shop", ROOT / "examples" / "cdk" / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Stack(Template.from_stack(module.build(App(context=context()))).to_json(), protected=True)


def test_messages_of_a_campaign_go_to_their_target(shop: Stack) -> None:
    rules = shop.all("AWS::Events::Rule").values()
    patterns = {json.dumps(rule["Properties"]["EventPattern"]["detail-type"]): rule["Properties"] for rule in rules}
    sent, retracted = (patterns[f'["Personalized Message{suffix}"]'] for suffix in ("", " Retracted"))
    for rule in (sent, retracted):
        assert rule["EventPattern"]["source"] == ["holdfast"]
        assert rule["EventPattern"]["detail"] == {"metadata": {"campaign": ["abandoned-cart"]}}
        assert rule["Targets"][0]["DeadLetterConfig"]
        assert rule["EventBusName"]["Ref"].startswith("HoldfastMessagesBus")


def test_a_role_of_the_app_may_send_events(shop: Stack) -> None:
    (queue,) = (name for name in shop.all("AWS::SQS::Queue") if name.startswith("HoldfastEventsQueue"))
    statements = shop.properties("AWS::IAM::Policy", "WebDefaultPolicy")["PolicyDocument"]["Statement"]
    assert any(
        "sqs:SendMessage" in each["Action"] and each["Resource"] == {"Fn::GetAtt": [queue, "Arn"]}
        for each in statements
    )


def test_its_properties_are_heeded(shop: Stack) -> None:
    (topic,) = shop.all("AWS::SNS::Topic")
    alarms = shop.all("AWS::CloudWatch::Alarm").values()
    assert alarms
    assert all(alarm["Properties"]["AlarmActions"] == [{"Ref": topic}] for alarm in alarms)
    assert not shop.all("AWS::Cognito::UserPool")


def test_the_outputs_have_the_names_by_which_the_command_line_finds_them(shop: Stack) -> None:
    whole = stack(stage="prod", recommendations="true", events_bus="shop", alarm_topic=ON_CALL)
    assert set(shop.outputs) < set(whole.outputs) == set(Outputs.__annotations__)


def test_every_setting_of_the_command_line_is_a_property() -> None:
    asked: set[str] = set()

    def setting(key: str) -> None:
        asked.add(key)

    stage_from(setting)
    assert set(Properties.__annotations__) == asked


@pytest.mark.parametrize("name", Properties.__annotations__)
def test_every_setting_is_in_the_docs(name: str) -> None:
    assert f"-c {name}=" in (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")


def test_a_property_is_checked_as_a_setting_is() -> None:
    assert stage_of({"stage": "prod", "console": False, "events_bus": ["a", "b"]}).events_buses == ("a", "b")
    for wrong in ({"upstream_accounts": ["1"]}, {"events_bus": ["a"], "events_source": ["hold*"]}):
        with pytest.raises(SettingError):
            stage_of(wrong)  # type: ignore[arg-type]


def test_rules_about_the_same_messages_are_told_apart_by_name() -> None:
    app_stack = CdkStack(App(context=context()), "Two")
    holdfast = Holdfast(app_stack, "Holdfast")
    for name in ("", "Again"):
        holdfast.on_message(target=targets.SqsQueue(sqs.Queue(app_stack, f"Queue{name}")), name=name)
    rules = Template.from_stack(app_stack).find_resources("AWS::Events::Rule").values()
    patterns = [rule["Properties"]["EventPattern"] for rule in rules]
    assert [each for each in patterns if each.get("detail-type") == ["Personalized Message"]] == [
        {"detail-type": ["Personalized Message"], "source": ["holdfast"]}
    ] * 2
