"""The stacks in examples/targets: what each puts on the bus, how it drops a repeat, and what it may do."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

import infra  # noqa: F401  (first: it tells jsii which node to start)

# isort: split
from aws_cdk import App
from aws_cdk.assertions import Template

from tests.infrastructure.synthesis import targets

CONTEXT = {
    "bus": "holdfast-bus",
    "campaign": "abandoned-cart",
    "url": "https://shop.example/hook",
    "from": "a@shop.example",
}


@pytest.fixture(scope="module")
def templates() -> dict[str, dict[str, Any]]:
    made = {name: target(App(context=CONTEXT), name) for name, target in targets().TARGETS.items()}
    return {name: dict(Template.from_stack(stack).to_json()) for name, stack in made.items()}


def of(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]


@pytest.mark.parametrize("name", ["Queue", "Webhook", "Mail", "Steps"])
def test_each_takes_one_campaigns_messages_and_loses_none(templates: dict[str, dict[str, Any]], name: str) -> None:
    (rule,) = of(templates[name], "AWS::Events::Rule")
    assert rule["EventBusName"] == "holdfast-bus"
    assert rule["EventPattern"] == {
        "source": ["holdfast"],
        "detail-type": ["Personalized Message"],
        "detail": {"metadata": {"campaign": ["abandoned-cart"]}},
    }
    (target,) = rule["Targets"]
    (lost,) = (key for key in templates[name]["Resources"] if key.startswith("Lost") and "Policy" not in key)
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [lost, "Arn"]}}


def test_the_queue_drops_a_repeat_by_its_content_which_is_the_detail(templates: dict[str, dict[str, Any]]) -> None:
    (rule,) = of(templates["Queue"], "AWS::Events::Rule")
    assert rule["Targets"][0]["InputPath"] == "$.detail"
    assert rule["Targets"][0]["SqsParameters"] == {"MessageGroupId": "messages"}
    (queue,) = (each for each in of(templates["Queue"], "AWS::SQS::Queue") if "ContentBasedDeduplication" in each)
    assert (queue["FifoQueue"], queue["ContentBasedDeduplication"]) == (True, True)


def test_the_webhook_gets_the_id_as_its_idempotency_key_and_its_secret_is_in_no_template(
    templates: dict[str, dict[str, Any]],
) -> None:
    (rule,) = of(templates["Webhook"], "AWS::Events::Rule")
    assert rule["Targets"][0]["HttpParameters"]["HeaderParameters"] == {"Idempotency-Key": "$.detail.metadata.id"}
    (connection,) = of(templates["Webhook"], "AWS::Events::Connection")
    key = connection["AuthParameters"]["ApiKeyAuthParameters"]
    assert key["ApiKeyName"] == "X-Api-Key"
    assert "resolve:secretsmanager" in json.dumps(key["ApiKeyValue"])
    (destination,) = of(templates["Webhook"], "AWS::Events::ApiDestination")
    assert destination["InvocationEndpoint"] == "https://shop.example/hook"


def test_the_state_machine_begins_by_writing_the_id_down(templates: dict[str, dict[str, Any]]) -> None:
    (machine,) = of(templates["Steps"], "AWS::StepFunctions::StateMachine")
    parts = machine["DefinitionString"]["Fn::Join"][1]
    definition = json.loads("".join(each if isinstance(each, str) else "x" for each in parts))
    once = definition["States"][definition["StartAt"]]
    assert once["Parameters"]["ConditionExpression"] == "attribute_not_exists(id)"
    assert once["Parameters"]["Item"]["id"] == {"S.$": "$.detail.metadata.id"}
    (catch,) = once["Catch"]
    assert catch["ErrorEquals"] == ["DynamoDB.ConditionalCheckFailedException"]
    assert definition["States"][catch["Next"]]["Type"] == "Succeed"
    assert once["Next"] == "Yours"


def test_the_mailer_may_send_from_its_own_address_only(templates: dict[str, dict[str, Any]]) -> None:
    statements = [
        each for policy in of(templates["Mail"], "AWS::IAM::Policy") for each in policy["PolicyDocument"]["Statement"]
    ]
    (mail,) = (each for each in statements if each["Action"] == "ses:SendEmail")
    assert mail["Condition"] == {"StringEquals": {"ses:FromAddress": "a@shop.example"}}
    resources = [json.dumps(each) for each in mail["Resource"]]
    assert ["identity/shop.example" in resources[0], "identity/a@shop.example" in resources[1]] == [True, True]
    (table,) = (each for each in statements if "dynamodb:PutItem" in each["Action"])
    assert table["Action"] == ["dynamodb:PutItem", "dynamodb:DeleteItem"]


EVENT: dict[str, Any] = {
    "detail": {
        "metadata": {"id": "e47470b42a0bbe2563b103c0bcf745b6"},
        "user": {"identity": "u-42", "email": "ann@example.com"},
        "values": {"title": "Your coat is waiting", "price": 89.0},
    }
}


@pytest.fixture
def mailer(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in {"DEFAULT_REGION": "eu-central-1", "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("SENT", "sent")
    monkeypatch.setenv("FROM", "a@shop.example")
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="sent",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        namespace: dict[str, Any] = {}
        exec(compile(targets().MAIL, "index.py", "exec"), namespace)  # as Lambda does
        yield namespace


def mails() -> int:
    return int(boto3.client("ses").get_send_quota()["SentLast24Hours"])


def test_a_message_that_comes_again_is_mailed_once(mailer: dict[str, Any]) -> None:
    boto3.client("sesv2").create_email_identity(EmailIdentity="a@shop.example")
    assert [mailer["handler"](EVENT, None) for _ in range(2)] == ["sent", "sent already"]
    assert mails() == 1


def test_what_ses_refuses_may_be_sent_by_the_repeat(mailer: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="not verified"):
        mailer["handler"](EVENT, None)
    boto3.client("sesv2").create_email_identity(EmailIdentity="a@shop.example")
    assert mailer["handler"](EVENT, None) == "sent"
    assert mails() == 1


def test_a_user_without_an_address_gets_none(mailer: dict[str, Any]) -> None:
    nobody = {"detail": {**EVENT["detail"], "user": {"identity": "u-42"}}}
    assert mailer["handler"](nobody, None) == "no address"
    assert mails() == 0
