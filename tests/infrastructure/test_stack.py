"""Properties of the stack whose absence would hurt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from catalog_import import RESERVE_MS
from holdfast.aws import settings
from holdfast.aws.drop_bucket import REPORTS
from holdfast.aws.tables.outcomes import STATISTICS
from holdfast.aws.tables.shapes import SEEN
from holdfast.aws.tables.tail import TAIL
from holdfast.core.plans.plan import LONGEST_MS
from holdfast.core.recommend.history import Row
from holdfast.services.set_aside import OLDEST_MS
from infra.stages import SettingError
from tests.infrastructure.synthesis import Stack, stack, synth

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
FUNCTIONS = ("Join", "Sweep", "Deliver", "CatalogImport", "Recommend", "Console")
SIGNING_SECRET = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:signing-AbCdEf"
RECOMMENDER = "arn:aws:personalize:eu-west-1:111111111111:recommender/also-bought"
ON_CALL = "arn:aws:sns:eu-west-1:111111111111:on-call"


def stack_with_options() -> Stack:
    """One stack with each option that leaves the others alone, as every stack takes seconds to synthesise."""
    return stack(
        stage="prod",
        alarm_topic=ON_CALL,
        cloudevent_subject="user",
        consumer_accounts="333333333333",
        deflate="true",
        nobody="walk-in, demo",
        personalize=RECOMMENDER,
        schema_registry="true",
        signing_secret=SIGNING_SECRET,
        source="shop/messages",
        sweep_reserved="1",
        upstream_accounts="111111111111, 222222222222",
        warm_writes="20000",
    )


def test_join_returns_only_the_records_that_failed(on_aws: Stack) -> None:
    mapping = on_aws.properties("AWS::Lambda::EventSourceMapping", "Join")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_what_may_succeed_later_is_tried_for_half_a_day_and_then_kept_as_a_dead_letter(on_aws: Stack) -> None:
    queue = on_aws.properties("AWS::SQS::Queue", "EventsQueue")
    redrive = queue["RedrivePolicy"]
    tried = redrive["maxReceiveCount"] * queue["VisibilityTimeout"]
    assert 11.5 * 3600 < tried < 12.5 * 3600
    assert tried < queue["MessageRetentionPeriod"]
    assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith("EventsDeadLetters")
    assert on_aws.properties("AWS::SQS::Queue", "EventsDeadLetters")["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_a_batch_stays_invisible_for_as_long_as_lambda_may_retry_it(on_aws: Stack) -> None:
    timeout = on_aws.properties("AWS::Lambda::Function", "Join")["Timeout"]
    assert on_aws.properties("AWS::SQS::Queue", "EventsQueue")["VisibilityTimeout"] >= 6 * timeout


def test_large_batches_have_the_window_they_need_and_a_bound_on_concurrency(on_aws: Stack) -> None:
    mapping = on_aws.properties("AWS::Lambda::EventSourceMapping", "Join")
    assert mapping["BatchSize"] == 1000
    assert mapping["MaximumBatchingWindowInSeconds"] >= 1
    assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_join_knows_how_long_the_queue_keeps_an_event(on_aws: Stack) -> None:
    variables = on_aws.properties("AWS::Lambda::Function", "Join")["Environment"]["Variables"]
    retention = on_aws.properties("AWS::SQS::Queue", "EventsQueue")["MessageRetentionPeriod"]
    assert variables["HOLDFAST_QUEUE_RETENTION_SECONDS"] == str(retention) == str(4 * 24 * 3600)
    assert retention * 1000 > OLDEST_MS  # or a dead letter could be redriven into what is forgotten


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_given_every_setting_that_it_reads(function: str) -> None:
    prod = stack(stage="prod", recommendations="true")
    variables = prod.properties("AWS::Lambda::Function", function)["Environment"]["Variables"]
    read = getattr(settings, f"{function}Settings").from_env({**variables, **_as_text(variables)})
    assert read is not None


def _as_text(variables: Mapping[str, Any]) -> dict[str, str]:
    return {name: "a name" for name, value in variables.items() if not isinstance(value, str)}


def test_only_writes_with_an_outbox_reach_deliver(on_aws: Stack) -> None:
    mapping = on_aws.properties("AWS::Lambda::EventSourceMapping", "Deliver")
    (one,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(one["Pattern"]) == {"dynamodb": {"NewImage": {"outbox": {"S": [{"exists": True}]}}}}
    assert on_aws.properties("AWS::DynamoDB::Table", "TablesUsers")["StreamSpecification"] == {
        "StreamViewType": "NEW_IMAGE"
    }


def test_the_stream_waits_for_deliver_and_keeps_whole_what_it_gives_up_on_before_it_would_forget(on_aws: Stack) -> None:
    mapping = on_aws.properties("AWS::Lambda::EventSourceMapping", "Deliver")
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == -1
    assert 22 * 3600 < mapping["MaximumRecordAgeInSeconds"] < 24 * 3600
    destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
    assert destination.startswith("DeliverGivenUp")
    assert on_aws.properties("AWS::S3::Bucket", "DeliverGivenUp")["BucketEncryption"]


def test_what_the_stream_gave_up_on_is_announced_on_the_undelivered_queue(on_aws: Stack) -> None:
    bucket = on_aws.properties("AWS::S3::Bucket", "DeliverGivenUp")
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    rule = on_aws.properties("AWS::Events::Rule", "DeliverGivenUpRule")
    assert rule["EventPattern"]["detail"]["bucket"]["name"][0]["Ref"].startswith("DeliverGivenUp")
    (target,) = rule["Targets"]
    assert target["Arn"]["Fn::GetAtt"][0].startswith("DeliverUndelivered")
    statements = on_aws.properties("AWS::SQS::QueuePolicy", "DeliverUndelivered")["PolicyDocument"]["Statement"]
    (allow,) = (each for each in statements if each["Effect"] == "Allow")
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    assert allow["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0].startswith("DeliverGivenUpRule")


@pytest.mark.parametrize("function", ["Join", "CatalogImport"])
def test_a_function_that_sends_to_the_queue_it_works_off_may(on_aws: Stack, function: str) -> None:
    """Lambda would end the chain after about sixteen messages. A user with many open watches has longer ones."""
    assert on_aws.properties("AWS::Lambda::Function", function)["RecursiveLoop"] == "Allow"


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
    assert noting["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [SEEN, f"{TAIL}*"]}}


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


def test_every_route_of_the_api_demands_a_token_and_only_the_page_does_not(on_aws: Stack) -> None:
    routes = [each["Properties"] for each in on_aws.all("AWS::ApiGatewayV2::Route").values()]
    open_to_all = {each["RouteKey"] for each in routes if each["AuthorizationType"] == "NONE"}
    assert open_to_all == {"GET /", "GET /{proxy+}"}
    signed_in = {each["RouteKey"] for each in routes if each["AuthorizationType"] == "JWT" and each["AuthorizerId"]}
    assert signed_in == {"GET /api/{proxy+}", "POST /api/{proxy+}"}
    authorizer = on_aws.properties("AWS::ApiGatewayV2::Authorizer", "Console")
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert authorizer["JwtConfiguration"]["Audience"] == [on_aws.outputs["ConsoleClientId"]["Value"]]


def test_the_console_is_throttled_and_leaves_a_log_without_queries(on_aws: Stack) -> None:
    stage = on_aws.properties("AWS::ApiGatewayV2::Stage", "Console")
    assert stage["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 50}
    assert "query" not in stage["AccessLogSettings"]["Format"].lower()
    assert "sourceIp" not in stage["AccessLogSettings"]["Format"]


def test_people_are_let_in_by_others_with_a_second_factor_and_no_secret_is_in_the_page() -> None:
    prod = stack(stage="prod")
    users = prod.properties("AWS::Cognito::UserPool", "Console")
    assert users["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert (users["MfaConfiguration"], users["EnabledMfas"]) == ("ON", ["SOFTWARE_TOKEN_MFA"])
    client = prod.properties("AWS::Cognito::UserPoolClient", "Console")
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["CallbackURLs"] == client["LogoutURLs"] == [prod.outputs["ConsoleUrl"]["Value"]]
    assert {each["Properties"]["GroupName"] for each in prod.all("AWS::Cognito::UserPoolGroup").values()} == {
        "viewer",
        "editor",
    }


def test_the_console_can_be_left_out() -> None:
    without = stack(stage="prod", console="false")
    for kind in ("AWS::Cognito::UserPool", "AWS::ApiGatewayV2::Api"):
        assert not without.all(kind)
    names = {name for name in FUNCTIONS if any(each.startswith(name) for each in without.all("AWS::Lambda::Function"))}
    assert names == {"Join", "Sweep", "Deliver", "CatalogImport"}
    assert not [name for name in without.outputs if name.startswith("Console")]


def test_only_the_console_and_the_build_carry_what_only_they_need(on_aws: Stack) -> None:
    layers = {name: on_aws.properties("AWS::Lambda::Function", name)["Layers"] for name in FUNCTIONS}
    assert [len(layers[name]) for name in FUNCTIONS] == [1, 1, 1, 1, 2, 3]


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


def test_athena_finds_the_days_of_the_history_where_firehose_puts_them(on_aws: Stack) -> None:
    table = on_aws.properties("AWS::Glue::Table", "History")["TableInput"]
    stream = on_aws.properties("AWS::KinesisFirehose::DeliveryStream", "History")
    destination = stream["ExtendedS3DestinationConfiguration"]
    assert destination["CompressionFormat"] == "GZIP"
    assert destination["Prefix"] == "history/day=!{timestamp:yyyy-MM-dd}/"
    template = table["Parameters"]["storage.location.template"]["Fn::Join"][1]
    assert template[-1] == "/history/day=${day}/"
    assert table["Parameters"]["projection.day.format"] == "yyyy-MM-dd"
    assert [each["Name"] for each in table["PartitionKeys"]] == ["day"]
    assert {each["Name"] for each in table["StorageDescriptor"]["Columns"]} == set(Row._fields)


def test_history_ends_with_the_longest_lookback_and_nobody_else_reads_it(on_aws: Stack) -> None:
    bucket = on_aws.properties("AWS::S3::Bucket", "History")
    (rule,) = (each for each in bucket["LifecycleConfiguration"]["Rules"] if each["Id"] == "History")
    assert rule["ExpirationInDays"] * 24 * 60 * 60_000 > LONGEST_MS
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_states_are_stored_deflated_only_where_the_stack_says_so(on_aws: Stack) -> None:
    def of(each: Stack) -> Mapping[str, str]:
        variables: Mapping[str, str] = each.properties("AWS::Lambda::Function", "Join")["Environment"]["Variables"]
        return variables

    assert of(on_aws)["HOLDFAST_DEFLATE_STATES"] == "false"
    assert of(stack_with_options())["HOLDFAST_DEFLATE_STATES"] == "true"


def test_join_is_told_who_stands_for_nobody_and_whether_a_subject_is_a_user(on_aws: Stack) -> None:
    told = stack_with_options()
    names = ("HOLDFAST_NOBODY", "HOLDFAST_CLOUDEVENT_SUBJECT")
    variables = [
        each.properties("AWS::Lambda::Function", "Join")["Environment"]["Variables"] for each in (told, on_aws)
    ]
    assert [[each.get(name) for name in names] for each in variables] == [["walk-in,demo", "user"], [None, None]]


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


def test_sweep_runs_every_five_minutes(on_aws: Stack) -> None:
    schedule = on_aws.properties("AWS::Scheduler::Schedule", "Sweep")
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    assert schedule.get("State", "ENABLED") == "ENABLED"


def test_no_queue_answers_without_tls_and_all_are_encrypted(on_aws: Stack) -> None:
    secured = set()
    for policy in on_aws.all("AWS::SQS::QueuePolicy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny":
                assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                assert (statement["Action"], statement["Principal"]) == ("sqs:*", {"AWS": "*"})
                secured |= {queue["Ref"] for queue in policy["Properties"]["Queues"]}
    assert secured == set(on_aws.all("AWS::SQS::Queue"))
    assert all(each["Properties"]["SqsManagedSseEnabled"] for each in on_aws.all("AWS::SQS::Queue").values())


def test_tables_are_encrypted_recoverable_and_bill_by_request(on_aws: Stack) -> None:
    for table in on_aws.all("AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"]["SSEEnabled"] is True
        assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
        assert "GlobalSecondaryIndexes" not in table["Properties"]


@pytest.mark.parametrize("table", ["TablesUsers", "TablesTimers", "TablesCampaigns", "TablesCatalog"])
def test_what_is_no_longer_needed_expires(on_aws: Stack, table: str) -> None:
    ttl = on_aws.properties("AWS::DynamoDB::Table", table)["TimeToLiveSpecification"]
    assert ttl == {"AttributeName": "expires_at", "Enabled": True}


def test_a_customers_key_encrypts_the_tables_and_is_open_to_the_functions() -> None:
    keyed = stack(stage="prod", customer_managed_key="true", recommendations="true")
    for table in keyed.all("AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"]["KMSMasterKeyId"]["Fn::GetAtt"][0].startswith("TablesKey")
    assert keyed.properties("AWS::KMS::Key", "Tables")["EnableKeyRotation"] is True
    for function in FUNCTIONS:
        assert "kms:Decrypt" in keyed.actions(f"{function}Role")["TablesKey"]


KEYED = {
    "AWS::SQS::Queue": ("KmsMasterKeyId",),
    "AWS::Logs::LogGroup": ("KmsKeyId",),
    "AWS::Lambda::Function": ("KmsKeyArn",),
    "AWS::S3::Bucket": (
        "BucketEncryption",
        "ServerSideEncryptionConfiguration",
        0,
        "ServerSideEncryptionByDefault",
        "KMSMasterKeyID",
    ),
    "AWS::KinesisFirehose::DeliveryStream": ("DeliveryStreamEncryptionConfigurationInput", "KeyARN"),
    "AWS::Athena::WorkGroup": (
        "WorkGroupConfiguration",
        "ResultConfiguration",
        "EncryptionConfiguration",
        "KmsKey",
    ),
}


@pytest.mark.parametrize("kind", KEYED)
def test_a_customers_key_is_that_of_everything_which_keeps_data(kind: str) -> None:
    keyed = stack(stage="prod", customer_managed_key="true", recommendations="true", events_bus="shop")
    found = keyed.all(kind)
    assert found
    for name, each in found.items():
        value: Any = each["Properties"]
        for step in KEYED[kind]:
            value = value[step]
        assert value["Fn::GetAtt"][0].startswith("TablesKey"), name


def test_whoever_sends_to_a_queue_under_a_customers_key_may_use_the_key() -> None:
    topic = "arn:aws:sns:eu-west-1:111111111111:shop"
    keyed = stack(
        stage="prod",
        customer_managed_key="true",
        upstream_accounts="111111111111",
        upstream_topics=topic,
        events_bus="shop",
    )
    statements = keyed.properties("AWS::KMS::Key", "Tables")["KeyPolicy"]["Statement"]
    allowed = {each["Sid"]: each for each in statements if "Sid" in each}
    for service in ("Events", "Sns"):
        assert allowed[service]["Principal"] == {"Service": f"{service.lower()}.amazonaws.com"}
        assert allowed[service]["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert "111111111111" in json.dumps(allowed["Senders"]["Principal"])
    for sender in ("Events", "Sns", "Senders"):
        assert allowed[sender]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert "log-group" in json.dumps(allowed["Logs"]["Condition"])


def test_a_key_that_is_there_already_is_used_and_no_other_is_made() -> None:
    arn = "arn:aws:kms:eu-west-1:111111111111:key/0a1b2c3d-0000-4000-8000-000000000000"
    keyed = stack(stage="prod", customer_managed_key=arn)
    assert not keyed.all("AWS::KMS::Key")
    for table in keyed.all("AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"]["KMSMasterKeyId"] == arn


def test_production_data_outlives_a_mistake_and_a_deployment_that_failed_can_be_repeated() -> None:
    """A failed first deployment is taken back whole: the rest would be left behind, or block the next one, for ever."""
    prod = stack(stage="prod", recommendations="true", customer_managed_key="true")
    for kind in ("DynamoDB::Table", "SQS::Queue", "S3::Bucket", "Cognito::UserPool", "KMS::Key", "Events::EventBus"):
        found = prod.all(f"AWS::{kind}").values()
        assert found
        for each in found:
            assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert not [each for each in prod.resources.values() if each.get("DeletionPolicy") == "Retain"]


def test_what_is_locked_cannot_be_deleted_and_nothing_is_at_the_first_deployment() -> None:
    first, locked = stack(stage="prod"), stack(stage="prod", locked="true")
    for prod, on in ((first, False), (locked, True)):
        assert prod.protected is on
        for table in prod.all("AWS::DynamoDB::Table").values():
            assert table["Properties"]["DeletionProtectionEnabled"] is on
        users = prod.properties("AWS::Cognito::UserPool", "Console")
        assert users["DeletionProtection"] == ("ACTIVE" if on else "INACTIVE")


def test_nothing_asks_for_concurrency_that_a_new_account_does_not_have(on_aws: Stack) -> None:
    for function in on_aws.all("AWS::Lambda::Function").values():
        assert "ReservedConcurrentExecutions" not in function["Properties"]
    asked = stack_with_options().properties("AWS::Lambda::Function", "Sweep")
    assert asked["ReservedConcurrentExecutions"] == 1


def test_logs_are_kept_for_a_set_time_and_every_function_has_its_own(on_aws: Stack) -> None:
    groups = on_aws.all("AWS::Logs::LogGroup")
    assert all(30 <= each["Properties"]["RetentionInDays"] <= 90 for each in groups.values())
    written = {
        on_aws.properties("AWS::Lambda::Function", function)["LoggingConfig"]["LogGroup"]["Ref"]
        for function in FUNCTIONS
    }
    others = {name for name in groups if name.startswith(("ConsoleAccessLog", "HistoryLog"))}
    assert written | others == set(groups)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_run_on_arm_with_tracing_and_structured_logs(on_aws: Stack, function: str) -> None:
    properties = on_aws.properties("AWS::Lambda::Function", function)
    assert properties["Architectures"] == ["arm64"]
    assert properties["Runtime"] == "python3.13"
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"
    assert properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"].replace("_", "") == function.lower()


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


def test_what_is_dropped_into_the_catalog_bucket_is_announced_and_a_report_is_not(on_aws: Stack) -> None:
    bucket = on_aws.properties("AWS::S3::Bucket", "CatalogImport")
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    pattern = on_aws.properties("AWS::Events::Rule", "CatalogImport")["EventPattern"]
    assert pattern["detail"]["object"]["key"] == [{"anything-but": {"prefix": REPORTS}}]
    assert on_aws.outputs["CatalogBucketName"]["Value"] == pattern["detail"]["bucket"]["name"][0]


def test_the_catalog_bucket_keeps_what_was_replaced_and_is_nobodys_but_the_owners(on_aws: Stack) -> None:
    bucket = on_aws.properties("AWS::S3::Bucket", "CatalogImport")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    (deny,) = on_aws.properties("AWS::S3::BucketPolicy", "CatalogImport")["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_a_file_is_imported_by_itself_comes_again_when_it_fails_and_ends_as_a_dead_letter(on_aws: Stack) -> None:
    mapping = on_aws.properties("AWS::Lambda::EventSourceMapping", "CatalogImport")
    function = on_aws.properties("AWS::Lambda::Function", "CatalogImport")
    queue = on_aws.properties("AWS::SQS::Queue", "CatalogImportQueue")
    assert mapping["BatchSize"] == 1
    assert queue["VisibilityTimeout"] > function["Timeout"] > RESERVE_MS / 1000
    assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith("CatalogImportDeadLetters")


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
    accounts = [str(111111111111 + number) for number in range(60)]
    shared = stack(stage="prod", consumer_accounts=",".join(accounts))
    (policy,) = shared.all("AWS::Events::EventBusPolicy").values()
    assert len(policy["Properties"]["Statement"]["Principal"]["AWS"]) == len(accounts)


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


LEFT_BEHIND = {
    "users_table": "Holdfast-prod-Users1",
    "users_stream": "arn:aws:dynamodb:eu-west-1:111111111111:table/Holdfast-prod-Users1/stream/2026-11-25T10:00:00.000",
    "timers_table": "Holdfast-prod-Timers1",
    "campaigns_table": "Holdfast-prod-Campaigns1",
    "catalog_table": "Holdfast-prod-Catalog1",
}


def test_a_new_stack_finds_the_tables_and_the_bus_that_an_earlier_one_left_behind() -> None:
    again = stack(stage="prod", bus="HoldfastprodMessagesBus1", **LEFT_BEHIND)
    assert not again.all("AWS::DynamoDB::Table")
    assert not again.all("AWS::Events::EventBus")
    for place in ("Users", "Timers", "Campaigns", "Catalog"):
        assert again.outputs[f"{place}TableName"]["Value"] == LEFT_BEHIND[f"{place.lower()}_table"]
    assert again.outputs["EventBusName"]["Value"] == "HoldfastprodMessagesBus1"
    mapping = again.properties("AWS::Lambda::EventSourceMapping", "Deliver")
    assert mapping["EventSourceArn"] == LEFT_BEHIND["users_stream"]
    assert LEFT_BEHIND["users_stream"] in json.dumps(again.properties("AWS::IAM::Policy", "DeliverRole"))
    granted = json.dumps(again.properties("AWS::IAM::Policy", "JoinRole"))
    assert all(f":table/{LEFT_BEHIND[f'{each}_table']}" in granted for each in ("users", "timers", "campaigns"))


def test_a_bus_with_rules_on_it_is_not_deleted_with_the_stack(on_aws: Stack) -> None:
    (bus,) = on_aws.all("AWS::Events::EventBus").values()
    assert bus["DeletionPolicy"] == "RetainExceptOnCreate"


def test_tables_can_be_warm_before_the_first_heavy_day() -> None:
    warm, cold = stack_with_options(), stack(stage="prod")
    for place in ("TablesUsers", "TablesTimers"):
        assert warm.properties("AWS::DynamoDB::Table", place)["WarmThroughput"] == {
            "WriteUnitsPerSecond": 20_000,
            "ReadUnitsPerSecond": 60_000,
        }
    assert not any("WarmThroughput" in each["Properties"] for each in cold.all("AWS::DynamoDB::Table").values())


def test_history_glue_and_athena_are_made_only_where_recommendations_are_wanted() -> None:
    without = stack(stage="prod")
    for service in ("Glue", "Athena", "KinesisFirehose"):
        assert not [each for each in without.resources.values() if each["Type"].startswith(f"AWS::{service}::")]
    assert not [name for name in without.outputs if name.startswith(("History", "Recommend"))]
    variables = without.properties("AWS::Lambda::Function", "Join")["Environment"]["Variables"]
    assert settings.JoinSettings.from_env({**variables, **_as_text(variables)}).history_stream == ""
    assert "HistoryStream" not in without.actions("JoinRole")


def test_the_nightly_build_may_start_one_for_each_recommendation(on_aws: Stack) -> None:
    (statement,) = on_aws.properties("AWS::IAM::Policy", "RecommendOneByOne")["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert statement["Resource"]["Fn::GetAtt"][0].startswith("RecommendFunction")


def test_athena_stops_a_query_that_reads_more_than_it_should(on_aws: Stack) -> None:
    (workgroup,) = on_aws.all("AWS::Athena::WorkGroup").values()
    assert workgroup["Properties"]["WorkGroupConfiguration"]["BytesScannedCutoffPerQuery"] == 200 * 1000**3


def test_athena_may_look_at_the_default_database_as_its_guide_demands(on_aws: Stack) -> None:
    statements = on_aws.properties("AWS::IAM::Policy", "RecommendRole")["PolicyDocument"]["Statement"]
    (looking,) = (each for each in statements if "glue:GetDatabase" in each["Action"])
    assert any(json.dumps(each).endswith(':database/default"]]}') for each in looking["Resource"])


@pytest.mark.parametrize("role", ["SweepScheduleRole", "RecommendScheduleRole", "HistoryStreamRole"])
def test_a_service_acts_for_this_account_only(on_aws: Stack, role: str) -> None:
    (statement,) = on_aws.properties("AWS::IAM::Role", role)["AssumeRolePolicyDocument"]["Statement"]
    condition = statement["Condition"]["StringEquals"]
    account = {"Ref": "AWS::AccountId"}
    if role == "HistoryStreamRole":
        assert condition == {"sts:ExternalId": account}
    else:
        assert condition["aws:SourceAccount"] == account
        assert json.dumps(condition["aws:SourceArn"]).endswith(':schedule-group/default"]]}')


@pytest.mark.parametrize("function", ["Sweep", "Recommend"])
def test_an_asynchronous_run_that_failed_leaves_its_record(on_aws: Stack, function: str) -> None:
    config = on_aws.properties("AWS::Lambda::EventInvokeConfig", function)
    assert config["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0].startswith("Failed")


def test_apis_of_two_stages_can_be_told_apart() -> None:
    names = [stack(stage=stage).properties("AWS::ApiGatewayV2::Api", "Console")["Name"] for stage in ("dev", "prod")]
    assert names == ["holdfast-dev", "holdfast-prod"]


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
    (bus,) = stack(stage=stage).all("AWS::Events::EventBus").values()
    with pytest.raises(SettingError, match="own messages"):
        stack(stage=stage, events_bus=bus["Properties"]["Name"])


def test_the_registry_knows_the_published_schema() -> None:
    registered = stack_with_options()
    schema = registered.properties("AWS::EventSchemas::Schema", "Schemas")
    assert (schema["Type"], schema["SchemaName"]) == ("OpenApi3", "shop-messages@PersonalizedMessage")
    assert schema["RegistryName"]["Fn::GetAtt"][0].startswith("SchemasRegistry")
    event = json.loads(schema["Content"])["components"]["schemas"]
    assert event["AWSEvent"]["x-amazon-events-source"] == "shop/messages"
    assert set(event["Detail"]["required"]) == {"metadata", "user", "constant"}


@pytest.mark.parametrize(
    "setting",
    [
        {"stage": "production"},
        {"upstream_accounts": "1234"},
        {"events_bus": "no such:bus"},
        {"events_source": "shop"},
        {"personalize": "also-bought"},
        {"signing_secret": "signing"},
        {"cloudevent_subject": "cart"},
        {"events_bus": "shop", "events_source": "holdfast"},
        {"events_bus": "shop", "events_source": "app, hold*"},
        {"events_bus": "shop", "events_source": "*", "source": "messages"},
        {"events_bus": "shop", "events_source": "aws.partner/segment.com/*"},
        {"events_bus": "aws.partner/segment.com/abc", "events_source": "shop.web"},
        {"upstream_topics": "shop"},
        {"alarm_topic": "on-call"},
        {"customer_managed_key": "yes"},
        {"recommendations": "yes"},
        {"sweep_reserved": "0"},
        {"warm_writes": "100"},
        {"users_table": "Users"},
        {"users_stream": "arn:aws:dynamodb:eu-west-1:111111111111:table/Other/stream/2026"},
        {"bus": "no such:bus"},
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_meant_is_refused(setting: dict[str, str]) -> None:
    with pytest.raises(SettingError):
        stack(**setting)


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize(
    "shared",
    [
        {},
        {"customer_managed_key": "true", "upstream_accounts": "111111111111", "consumer_accounts": "333333333333"},
        {"events_bus": "shop-events", "schema_registry": "true"},
    ],
)
def test_cdk_nag_finds_nothing(stage: str, shared: dict[str, str]) -> None:
    synth(stage=stage, **shared)  # raises on a finding


def test_a_person_is_told_of_what_needs_one() -> None:
    alarms = stack_with_options().all("AWS::CloudWatch::Alarm")
    watched = [each["Properties"] for each in alarms.values()]
    assert all(each["AlarmActions"] == [ON_CALL] for each in watched)
    assert {each["MetricName"] for each in watched if "MetricName" in each} >= {  # others watch a sum of metrics
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
        "IteratorAge",
        "Errors",
        "Invocations",
    }


def test_outputs_are_what_the_command_line_looks_for(on_aws: Stack) -> None:
    assert set(on_aws.outputs) >= {
        "EventsQueueUrl",
        "DeadLetterQueueUrl",
        "RejectedQueueUrl",
        "UndeliveredQueueUrl",
        "EventBusName",
        "UsersTableName",
        "TimersTableName",
        "CampaignsTableName",
        "CatalogTableName",
        "CatalogBucketName",
        "JoinFunctionName",
        "SweepFunctionName",
        "DeliverFunctionName",
        "MessageSource",
        "ConsoleUrl",
        "ConsoleUserPoolId",
        "ConsoleClientId",
    }


def test_the_embedded_stack_has_what_it_needs_and_takes_what_aws_takes() -> None:
    local, prod = stack(stage="local"), stack(stage="prod", recommendations="true")
    assert set(local.outputs) == set(prod.outputs)
    for function in FUNCTIONS:
        here, there = (each.actions(f"{function}Role") for each in (local, prod))
        assert {place for place in here if place != "*"} == {place for place in there if place != "*"}
        for place, actions in here.items():
            assert actions - {"sqs:SendMessageBatch", "dynamodb:BatchExecuteStatement"} <= there[place]
