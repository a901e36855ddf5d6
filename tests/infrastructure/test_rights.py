"""The rights of each role: all that it needs, and nothing else."""

from __future__ import annotations

import json

import pytest

from holdfast.aws.tables.outcomes import STATISTICS
from holdfast.aws.tables.shapes import SEEN
from holdfast.aws.tables.tail import TAIL
from holdfast.aws.tables.volume import VOLUME
from tests.infrastructure.synthesis import (
    LOGS,
    RECOMMENDER,
    SIGNING_SECRET,
    TRACES,
    Stack,
    stack_with_options,
)


def test_join_may_do_what_it_does_and_nothing_else(on_aws: Stack) -> None:
    assert on_aws.actions("JoinRole") == {
        "JoinLog": LOGS,
        "*": TRACES,
        "TablesUsers": {
            "dynamodb:BatchGetItem",
            "dynamodb:PartiQLInsert",
            "dynamodb:PartiQLUpdate",
            "dynamodb:PutItem",
        },
        "TablesTimers": {"dynamodb:BatchWriteItem"},
        "TablesCampaigns": {"dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        "EventsRejected": {"sqs:SendMessage"},
        "EventsQueue": {
            "sqs:SendMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ReceiveMessage",
        },
        "HistoryStream": {"firehose:PutRecordBatch"},
    }


def test_join_may_note_what_it_has_seen_and_shows_but_change_no_campaign(on_aws: Stack) -> None:
    statements = on_aws.properties("AWS::IAM::Policy", "JoinRole")["PolicyDocument"]["Statement"]
    (noting,) = (each for each in statements if each["Action"] == "dynamodb:UpdateItem")
    assert noting["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [SEEN, VOLUME, f"{TAIL}*"]}}


def test_sweep_may_do_what_it_does_and_nothing_else(on_aws: Stack) -> None:
    assert on_aws.actions("SweepRole") == {
        "SweepLog": LOGS,
        "*": TRACES,
        "TablesTimers": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"},
        "EventsQueue": {"sqs:SendMessage"},
        "Failed": {"sqs:SendMessage"},
        "EventsDeadLetters": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"},
    }


def test_deliver_may_do_what_it_does_and_nothing_else(on_aws: Stack) -> None:
    assert on_aws.actions("DeliverRole") == {
        "DeliverLog": LOGS,
        "*": TRACES | {"dynamodb:ListStreams"},
        "TablesUsers": {"dynamodb:BatchGetItem"},
        "TablesCatalog": {"dynamodb:BatchGetItem"},
        "TablesUsers.StreamArn": {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"},
        "TablesCampaigns": {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        "DeliverUndelivered": {"sqs:SendMessage"},
        "DeliverGivenUp": {"s3:ListBucket"},
        "DeliverGivenUp/*": {"s3:PutObject"},
        "MessagesBus": {"events:PutEvents"},
    }


def test_deliver_may_count_but_change_no_campaign(on_aws: Stack) -> None:
    statements = on_aws.properties("AWS::IAM::Policy", "DeliverRole")["PolicyDocument"]["Statement"]
    (counting,) = (each for each in statements if each["Action"] == "dynamodb:UpdateItem")
    assert counting["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{STATISTICS}*"]}}


def test_the_console_may_do_what_it_does_and_nothing_else(on_aws: Stack) -> None:
    queue = {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
    assert on_aws.actions("ConsoleRole") == {
        "ConsoleLog": LOGS,
        "*": TRACES,
        "TablesUsers": {"dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"},
        "TablesCampaigns": {
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        },
        "TablesCatalog": {"dynamodb:BatchGetItem", "dynamodb:Query"},
        "EventsRejected": queue,
        "DeliverUndelivered": queue,
        "EventsQueue": {"sqs:SendMessage"},
        "DeliverFunction": {"lambda:InvokeFunction"},
        "DeliverGivenUp/*": {"s3:DeleteObject", "s3:GetObject"},
        "MessagesBus": {"events:PutEvents"},
    }


def test_the_console_writes_campaigns_and_neither_statistics_nor_what_was_seen(on_aws: Stack) -> None:
    statements = on_aws.properties("AWS::IAM::Policy", "ConsoleRole")["PolicyDocument"]["Statement"]
    (writing,) = (each for each in statements if each["Action"] == "dynamodb:PutItem")
    assert writing["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["live", "campaign#*", "policy", "timeline", "activity"]}
    }


def test_the_console_deletes_of_campaigns_what_is_live_and_no_history(on_aws: Stack) -> None:
    statements = on_aws.properties("AWS::IAM::Policy", "ConsoleRole")["PolicyDocument"]["Statement"]
    (deleting,) = (each for each in statements if each["Action"] == "dynamodb:DeleteItem")
    assert deleting["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["live", f"{TAIL}*"]}}
    (looking,) = (each for each in statements if each["Action"] == "dynamodb:UpdateItem")
    assert looking["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["timeline"]}}


def test_the_build_may_do_what_it_does_and_nothing_else(on_aws: Stack) -> None:
    assert on_aws.actions("RecommendRole") == {
        "Failed": {"sqs:SendMessage"},
        "RecommendLog": LOGS,
        "*": TRACES,
        "TablesCampaigns": {"dynamodb:GetItem", "dynamodb:Query"},
        "TablesCatalog": {"dynamodb:BatchWriteItem", "dynamodb:GetItem", "dynamodb:PutItem"},
        "HistoryBucket": {"s3:GetBucketLocation", "s3:ListBucket"},
        "HistoryBucket/history/*": {"s3:GetObject"},
        "HistoryBucket/athena/*": {"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"},
        "athena:workgroup": {"athena:GetQueryExecution", "athena:StartQueryExecution", "athena:StopQueryExecution"},
        "glue:catalog": {"glue:GetDatabase", "glue:GetTable"},
        "glue:database": {"glue:GetDatabase", "glue:GetTable"},
        "glue:table": {"glue:GetDatabase", "glue:GetTable"},
    }


def test_the_build_writes_its_own_rows_of_the_catalog_and_no_others(on_aws: Stack) -> None:
    statements = on_aws.properties("AWS::IAM::Policy", "RecommendRole")["PolicyDocument"]["Statement"]
    (writing,) = (each for each in statements if "dynamodb:PutItem" in each["Action"])
    assert writing["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["rec#*"]}}


def test_deliver_may_read_the_signing_secret_that_the_setting_names_and_none_without_it(on_aws: Stack) -> None:
    signing = stack_with_options()
    statements = signing.properties("AWS::IAM::Policy", "DeliverRole")["PolicyDocument"]["Statement"]
    (read,) = (each for each in statements if each["Action"] == "secretsmanager:GetSecretValue")
    assert read["Resource"] == SIGNING_SECRET
    without = on_aws.properties("AWS::IAM::Policy", "DeliverRole")["PolicyDocument"]["Statement"]
    assert "secretsmanager" not in str(without)


def test_deliver_may_ask_personalize_for_what_the_setting_names_and_for_nothing_without_it(on_aws: Stack) -> None:
    asking = stack_with_options()
    statements = asking.properties("AWS::IAM::Policy", "DeliverRole")["PolicyDocument"]["Statement"]
    (asked,) = (each for each in statements if each["Action"] == "personalize:GetRecommendations")
    assert asked["Resource"] == RECOMMENDER
    variables = [
        each.properties("AWS::Lambda::Function", "Deliver")["Environment"]["Variables"] for each in (asking, on_aws)
    ]
    assert ["HOLDFAST_PERSONALIZE" in each for each in variables] == [True, False]


def test_the_schedule_may_start_sweep_and_nothing_else(on_aws: Stack) -> None:
    assert on_aws.actions("SweepScheduleRole") == {"SweepFunction": {"lambda:InvokeFunction"}}


def test_nobody_else_may_send_or_consume_unless_told_so(on_aws: Stack) -> None:
    assert not on_aws.all("AWS::Events::EventBusPolicy")
    for name, policy in on_aws.all("AWS::SQS::QueuePolicy").items():
        if not name.startswith(("CatalogImport", "DeliverUndelivered")):
            assert all(each["Effect"] == "Deny" for each in policy["Properties"]["PolicyDocument"]["Statement"])


@pytest.mark.parametrize("queue", ["CatalogImportQueue", "CatalogImportDeadLetters"])
def test_the_rule_on_the_catalog_bucket_and_no_other_may_announce_files(on_aws: Stack, queue: str) -> None:
    statements = on_aws.properties("AWS::SQS::QueuePolicy", queue)["PolicyDocument"]["Statement"]
    (allow,) = (each for each in statements if each["Effect"] == "Allow")
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    (rule,) = allow["Condition"].values()
    assert rule["aws:SourceArn"]["Fn::GetAtt"][0].startswith("CatalogImportRule")


def test_the_import_may_do_what_it_does_and_nothing_else(on_aws: Stack) -> None:
    assert on_aws.actions("CatalogImportRole") == {
        "CatalogImportLog": LOGS,
        "*": TRACES,
        "TablesCatalog": {
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:UpdateItem",
        },
        "CatalogImportBucket": {"s3:ListBucket"},
        "CatalogImportBucket/*": {"s3:GetObject", "s3:GetObjectVersion"},
        "CatalogImportBucket/reports/*": {"s3:PutObject"},
        "CatalogImportQueue": {
            "sqs:SendMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ReceiveMessage",
        },
    }


def test_the_import_writes_catalogs_and_no_recommendations(on_aws: Stack) -> None:
    statements = on_aws.properties("AWS::IAM::Policy", "CatalogImportRole")["PolicyDocument"]["Statement"]
    (writing,) = (each for each in statements if "dynamodb:UpdateItem" in each["Action"])
    keys = writing["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert keys == ["catalog", "item#*", "by#*"]


def test_the_nightly_build_may_start_one_for_each_recommendation(on_aws: Stack) -> None:
    (statement,) = on_aws.properties("AWS::IAM::Policy", "RecommendOneByOne")["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert statement["Resource"]["Fn::GetAtt"][0].startswith("RecommendFunction")


def test_athena_may_look_at_the_default_database_as_its_guide_demands(on_aws: Stack) -> None:
    statements = on_aws.properties("AWS::IAM::Policy", "RecommendRole")["PolicyDocument"]["Statement"]
    (looking,) = (each for each in statements if "glue:GetDatabase" in each["Action"])
    assert any(json.dumps(each).endswith(':database/default"]]}') for each in looking["Resource"])
