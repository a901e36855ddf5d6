"""Stacks synthesised as the CDK command line would, but without building the layer."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import infra  # noqa: F401  (first: it tells jsii which node to start)

# isort: split
from aws_cdk import App
from aws_cdk.assertions import Template

from app import build
from infra.stack import HoldfastStack
from infra.stages import stage_from

CDK_JSON = Path(__file__).parents[2] / "cdk.json"
EXAMPLES = CDK_JSON.parent / "examples"

Resource: TypeAlias = dict[str, Any]
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
FUNCTIONS = ("Join", "Sweep", "Deliver", "CatalogImport", "Recommend", "Console")
SIGNING_SECRET = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:signing-AbCdEf"
RECOMMENDER = "arn:aws:personalize:eu-west-1:111111111111:recommender/also-bought"
ON_CALL = "arn:aws:sns:eu-west-1:111111111111:on-call"
CONSUMERS = [str(333333333333 + number) for number in range(60)]


class Stack:
    """A synthesised template, with its resources found by what they are for, never by generated ids."""

    def __init__(self, template: Mapping[str, Any], *, protected: bool) -> None:
        self.resources: dict[str, Resource] = template["Resources"]
        self.protected = protected
        self.outputs: dict[str, Any] = template["Outputs"]

    def all(self, kind: str) -> dict[str, Resource]:
        return {name: each for name, each in self.resources.items() if each["Type"] == kind}

    def properties(self, kind: str, place: str) -> dict[str, Any]:
        """Of the one resource of a kind whose id begins with the constructs that hold it."""
        (found,) = (each for name, each in self.all(kind).items() if name.startswith(place))
        properties: dict[str, Any] = found.get("Properties", {})
        return properties

    def actions(self, place: str) -> dict[str, set[str]]:
        """The rights of a role: actions by the resource they are allowed on."""
        allowed: dict[str, set[str]] = {}
        for statement in self.properties("AWS::IAM::Policy", place)["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            actions, resources = statement["Action"], statement["Resource"]
            for resource in resources if isinstance(resources, list) else [resources]:
                allowed.setdefault(_place(resource), set()).update([actions] if isinstance(actions, str) else actions)
        return allowed


def _place(resource: Any) -> str:
    """The construct path that a reference leads to, without the hash at its end; of an ARN, service and kind."""
    if isinstance(resource, str):
        arn = resource.split(":", 5)
        return f"{arn[2]}:{arn[5].split('/')[0]}" if arn[0] == "arn" and arn[5:] else resource
    if "Fn::Join" in resource:
        parts = [each if isinstance(each, str) or "Ref" not in each else "…" for each in resource["Fn::Join"][1]]
        return _place("".join(part if isinstance(part, str) else _place(part) for part in parts))
    name, attribute = resource["Fn::GetAtt"]
    return f"{name[:-8]}.{attribute}" if attribute != "Arn" else str(name[:-8])


def app(**settings: str) -> App:
    context = json.loads(CDK_JSON.read_text())["context"]
    return App(context={**context, **settings, "aws:cdk:bundling-stacks": []})


def stack(**settings: str) -> Stack:
    """Without the rules of cdk-nag, which would be a third of the time: `synth` asks them. Raises SettingError."""
    return _stack(frozenset(settings.items()))


@cache
def _stack(settings: frozenset[tuple[str, str]]) -> Stack:
    given = app(**dict(settings))
    built = HoldfastStack(given, stage=stage_from(given.node.try_get_context))
    return Stack(Template.from_stack(built).to_json(), protected=bool(built.termination_protection))


def stack_with_options() -> Stack:
    """One stack with each option that leaves the others alone, as every stack takes seconds to synthesise."""
    return stack(
        stage="prod",
        alarm_topic=ON_CALL,
        cloudevent_subject="user",
        consumer_accounts=",".join(CONSUMERS),
        deflate="true",
        locked="true",
        nobody="walk-in, demo",
        personalize=RECOMMENDER,
        schema_registry="true",
        signing_secret=SIGNING_SECRET,
        source="shop/messages",
        sweep_reserved="1",
        upstream_accounts="111111111111, 222222222222",
        warm_writes="20000",
    )


def synth(**settings: str) -> None:
    """Raises where a validation plugin finds something."""
    synthesised = app(**settings)
    build(synthesised)
    synthesised.synth()


@cache
def targets() -> ModuleType:
    """The app in examples/targets, which is no package."""
    spec = importlib.util.spec_from_file_location("targets", EXAMPLES / "targets" / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
