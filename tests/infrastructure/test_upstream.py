"""Ways in and out for others: accounts, event buses and topics."""

from __future__ import annotations

import json

import pytest

from infra.stages import SettingError
from tests.infrastructure.synthesis import (
    CONSUMERS,
    Stack,
    stack,
    stack_with_options,
)


def test_upstream_accounts_may_send_events_and_nothing_else() -> None:
    shared = stack_with_options()
    statements = shared.properties("AWS::SQS::QueuePolicy", "EventsQueue")["PolicyDocument"]["Statement"]
    (allow,) = (each for each in statements if each["Effect"] == "Allow")
    assert allow["Action"] == ["sqs:GetQueueUrl", "sqs:SendMessage"]
    assert allow["Resource"]["Fn::GetAtt"][0].startswith("EventsQueue")
    assert [
        json.dumps(principal).count(account)
        for principal, account in zip(allow["Principal"]["AWS"], ("111111111111", "222222222222"), strict=True)
    ] == [1, 1]


def test_consumer_accounts_may_keep_rules_of_their_own_on_the_bus() -> None:
    shared = stack_with_options()
    statement = shared.properties("AWS::Events::EventBusPolicy", "Messages")["Statement"]
    assert "events:PutRule" in statement["Action"]
    assert statement["Sid"] == "ConsumerAccounts"
    assert "events:PutEvents" not in statement["Action"]
    assert statement["Condition"] == {"StringEqualsIfExists": {"events:creatorAccount": "${aws:PrincipalAccount}"}}
    resource = json.dumps(statement["Resource"])
    assert ":rule/" in resource
    assert resource.endswith('"/*"]]}')
    assert "333333333333" in json.dumps(statement["Principal"])


def test_no_upstream_bus_and_no_registry_unless_told_so(on_aws: Stack) -> None:
    assert [name for name in on_aws.all("AWS::Events::Rule") if name.startswith("Upstream")] == []
    assert not on_aws.all("AWS::EventSchemas::Registry")


@pytest.mark.parametrize(
    ("setting", "source"),
    [
        ({}, [{"anything-but": {"wildcard": ["holdfast", "aws.*"]}}]),
        ({"source": "messages"}, [{"anything-but": {"wildcard": ["messages", "aws.*"]}}]),
        ({"events_source": "shop"}, ["shop"]),
        ({"events_source": "shop.*, app"}, [{"wildcard": "shop.*"}, "app"]),
    ],
)
def test_a_rule_on_the_upstream_bus_feeds_the_queue_with_whole_events(
    setting: dict[str, str], source: list[object]
) -> None:
    rule = stack(stage="prod", events_bus="shop-events", **setting).properties("AWS::Events::Rule", "Upstream")
    assert rule["EventBusName"] == "shop-events"
    assert rule["EventPattern"] == {"source": source}
    (target,) = rule["Targets"]
    assert target["Arn"]["Fn::GetAtt"][0].startswith("EventsQueue")
    assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("UpstreamDeadLetters")
    assert not {"Input", "InputPath", "InputTransformer"} & set(target)


def test_any_number_of_consumer_accounts_is_one_statement_as_a_bus_has_little_room_for_policy() -> None:
    (policy,) = stack_with_options().all("AWS::Events::EventBusPolicy").values()
    assert len(policy["Properties"]["Statement"]["Principal"]["AWS"]) == len(CONSUMERS) == 60


def test_several_buses_have_a_rule_each_and_what_can_be_on_them() -> None:
    buses = "shop-events,aws.partner/segment.com/abc"
    fed = stack(stage="prod", events_bus=buses, events_source="shop.web")
    rules = {
        each["Properties"]["EventBusName"]: each["Properties"]
        for each in fed.all("AWS::Events::Rule").values()
        if "EventBusName" in each["Properties"]
    }
    assert rules["shop-events"]["EventPattern"] == {"source": ["shop.web"]}
    assert rules["aws.partner/segment.com/abc"]["EventPattern"] == {"source": [{"prefix": "aws.partner/"}]}
    statements = fed.properties("AWS::SQS::QueuePolicy", "EventsQueue")["PolicyDocument"]["Statement"]
    (allow,) = (each for each in statements if each["Effect"] == "Allow")
    assert len(allow["Condition"]["ArnEquals"]["aws:SourceArn"]) == 2


@pytest.mark.parametrize(
    ("setting", "source"),
    [
        ({}, [{"prefix": "aws.partner/"}]),
        ({"events_source": "aws.partner/segment.com/*"}, [{"wildcard": "aws.partner/segment.com/*"}]),
    ],
)
def test_a_partners_events_come_in_though_their_source_begins_as_aws_own_does(
    setting: dict[str, str], source: list[object]
) -> None:
    fed = stack(stage="prod", events_bus="aws.partner/segment.com/abc", **setting)
    assert fed.properties("AWS::Events::Rule", "Upstream")["EventPattern"] == {"source": source}


def test_a_topic_may_send_and_is_subscribed_to() -> None:
    topics = "arn:aws:sns:eu-west-1:111111111111:shop,arn:aws:sns:us-east-1:222222222222:app"
    fed = stack(stage="prod", upstream_topics=topics)
    statements = fed.properties("AWS::SQS::QueuePolicy", "EventsQueue")["PolicyDocument"]["Statement"]
    (allow,) = (each for each in statements if each["Effect"] == "Allow")
    assert allow["Principal"] == {"Service": "sns.amazonaws.com"}
    assert allow["Action"] == "sqs:SendMessage"
    assert allow["Condition"] == {"ArnEquals": {"aws:SourceArn": topics.split(",")}}
    found = {each["Properties"]["TopicArn"]: each["Properties"] for each in fed.all("AWS::SNS::Subscription").values()}
    assert set(found) == set(topics.split(","))
    assert found[topics.split(",")[1]]["Region"] == "us-east-1"
    assert all(each["Endpoint"]["Fn::GetAtt"][0].startswith("EventsQueue") for each in found.values())


@pytest.mark.parametrize("queue", ["EventsQueue", "UpstreamDeadLetters"])
def test_the_upstream_rule_and_no_other_may_send(queue: str) -> None:
    fed = stack(stage="prod", events_bus="shop-events")
    statements = fed.properties("AWS::SQS::QueuePolicy", queue)["PolicyDocument"]["Statement"]
    (allow,) = (each for each in statements if each["Effect"] == "Allow")
    assert allow["Action"] == "sqs:SendMessage"
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    rule = allow["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"]
    assert rule[0].startswith("UpstreamRule")
    assert rule[1] == "Arn"


def test_events_that_the_rule_could_not_send_raise_an_alarm() -> None:
    fed = stack(stage="prod", events_bus="shop-events")
    alarm = fed.properties("AWS::CloudWatch::Alarm", "AlarmsNotTaken")
    assert alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0].startswith("UpstreamDeadLetters")
    assert "UpstreamDeadLetterQueueUrl" in fed.outputs


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_bus_of_holdfasts_own_messages_is_refused_as_an_upstream(stage: str) -> None:
    (bus,) = stack(stage=stage, recommendations="true").all("AWS::Events::EventBus").values()
    with pytest.raises(SettingError, match="own messages"):
        stack(stage=stage, events_bus=bus["Properties"]["Name"])
